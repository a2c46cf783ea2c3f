//! Why a segment cannot be built, merged or opened.

use steadfast_model::{AnalyzerId, Row, StoreId};

/// Why the bytes are not a sound segment.
///
/// None of these passes by trying again: the file is set aside and the index rebuilt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SegmentError {
    /// The file does not start like a segment.
    #[error("not a text segment: it does not start with the magic bytes")]
    Magic,
    /// The file was written in a format that this version does not read.
    #[error("text segment of format {found}, this version reads format {expected}")]
    Version {
        /// The format of the file.
        found: u32,
        /// The format that this version reads.
        expected: u32,
    },
    /// The file is longer or shorter than its header says.
    #[error("text segment of {found} bytes, its header asks for {expected}")]
    Length {
        /// The length of the file.
        found: u64,
        /// The length by the header; nothing when no file can be that long.
        expected: u64,
    },
    /// The content differs from its hash.
    #[error("text segment is damaged between bytes {start} and {end}")]
    Checksum {
        /// Where the damaged piece starts.
        start: u64,
        /// Where it ends.
        end: u64,
    },
    /// The hashes are sound, but the content contradicts itself: it was written by a faulty program.
    #[error("text segment contradicts itself at term {term}")]
    Content {
        /// The place of the term among the terms of the segment.
        term: u32,
    },
}

/// Why no segment was built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Rows come in ascending order, each once.
    #[error("row {} came after row {}: rows are built in ascending order", row.0, before.0)]
    Order {
        /// The last row before.
        before: Row,
        /// The row that is refused.
        row: Row,
    },
    /// The rows do not fit one segment: build two.
    #[error("too many {what} for one text segment (most: {most}): split the rows over two")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// The most that fits.
        most: u64,
    },
}

/// Why no merged segment was built.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// There is nothing to merge, so no store and no analyser.
    #[error("no text segment to merge")]
    Nothing,
    /// The segments are of different stores.
    #[error("text segments of two stores: {0} and {1}")]
    Stores(StoreId, StoreId),
    /// The segments were analysed under different rules.
    #[error("text segments of two analysers: {} and {}", .0.0, .1.0)]
    Analyzers(AnalyzerId, AnalyzerId),
    /// Two segments cover the same rows.
    #[error("two text segments overlap at row {}", row.0)]
    Overlap {
        /// The first row of the later segment.
        row: Row,
    },
    /// The merged rows do not fit one segment.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A segment is not sound.
    #[error(transparent)]
    Segment(#[from] SegmentError),
}
