//! What can go wrong in the vector index, one enum per operation.

use super::{DIMENSIONS_MAX, Space};
use steadfast_model::Row;

/// Why a segment could not be built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The space has no dimensions or too many.
    #[error("a vector of {received} dimensions cannot be indexed (1 to {DIMENSIONS_MAX})")]
    Space {
        /// The dimensions asked for.
        received: usize,
    },
    /// A vector has the wrong number of values.
    #[error("the vector of row {} has {received} dimensions instead of {expected}", row.0)]
    Dimensions {
        /// The row.
        row: Row,
        /// The dimensions of the space.
        expected: usize,
        /// The dimensions of the vector.
        received: usize,
    },
    /// A vector holds a NaN or an infinity.
    #[error("the vector of row {} holds a value that is not a finite number", row.0)]
    NotFinite {
        /// The row.
        row: Row,
    },
    /// The rows do not come in strictly ascending order.
    #[error("row {} came after row {}: rows must ascend", row.0, previous.0)]
    Order {
        /// The row that came too late.
        row: Row,
        /// The row before it.
        previous: Row,
    },
}

/// Why segments could not be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is nothing to merge, so the space is unknown.
    #[error("there are no segments to merge")]
    Nothing,
    /// The segments belong to different stores or vector spaces.
    #[error("segments of different spaces cannot be merged: {first} and {other}")]
    Mixed {
        /// The space of the first segment.
        first: Space,
        /// The first space that differs.
        other: Space,
    },
    /// Two segments hold the same row.
    #[error("row {} is in two segments", row.0)]
    Duplicate {
        /// The row.
        row: Row,
    },
}

/// Why bytes are not a segment. Retrying cannot help: set the file aside and rebuild it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The bytes do not begin like a vector segment.
    #[error("not a vector segment")]
    Magic,
    /// The segment has a format that this program does not know.
    #[error("vector segment format {found} is unknown (this program knows {known})")]
    Version {
        /// The version in the file.
        found: u32,
        /// The version this program writes.
        known: u32,
    },
    /// The segment is shorter or longer than its header says.
    #[error("the vector segment has {found} bytes instead of {expected}")]
    Length {
        /// The length by the header, or the least length of any segment.
        expected: u64,
        /// The length of the bytes.
        found: u64,
    },
    /// The bytes have changed since they were written.
    #[error("the checksum of the vector segment does not match: its bytes have changed")]
    Checksum,
    /// A field has a value that no build produces.
    #[error("the vector segment is inconsistent: {what}")]
    Inconsistent {
        /// Which rule is broken.
        what: &'static str,
    },
}

/// Why a vector cannot be searched for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// The query has no values or too many.
    #[error("a query of {received} dimensions cannot be searched (1 to {DIMENSIONS_MAX})")]
    Dimensions {
        /// The dimensions of the query.
        received: usize,
    },
    /// The query holds a NaN or an infinity.
    #[error("the query holds a value that is not a finite number")]
    NotFinite,
}

/// Why a scan has no certified answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScanError<E> {
    /// A segment belongs to a space of other dimensions than the query.
    #[error("a segment has {found} dimensions, the query {expected}")]
    Dimensions {
        /// The dimensions of the query.
        expected: usize,
        /// The dimensions of the segment.
        found: usize,
    },
    /// The segments belong to different stores or vector spaces.
    #[error("segments of different spaces cannot be searched together: {first} and {other}")]
    Mixed {
        /// The space of the first segment.
        first: Space,
        /// The first space that differs.
        other: Space,
    },
    /// A row is in two segments, or in a segment and the tail.
    #[error("row {} is indexed twice", row.0)]
    Duplicate {
        /// The row.
        row: Row,
    },
    /// The index holds a row whose vector the store did not give.
    #[error("row {} is indexed but its vector was not delivered", row.0)]
    Missing {
        /// The row.
        row: Row,
    },
    /// The stored vector of a row is not the one that was indexed.
    #[error("the indexed vector of row {} is not the stored one", row.0)]
    Drift {
        /// The row.
        row: Row,
    },
    /// A stored vector has the wrong number of values, or holds a NaN or an infinity.
    #[error("the vector of row {} does not belong to this space", row.0)]
    Vector {
        /// The row.
        row: Row,
    },
    /// The store failed while delivering vectors.
    #[error("vectors could not be fetched")]
    Fetch(#[source] E),
}
