//! The vector index: a certified exact flat scan over immutable segments.
//!
//! A segment keeps every vector as int8 codes with the exact length of what
//! rounding took away. A scan turns those lengths into bounds on the true
//! scores, keeps each row that could still be among the best, and scores the
//! kept rows from the stored f32 vectors. So the answer equals a brute-force
//! f32 scan row for row and bit for bit, at the price of reading a quarter of
//! the bytes.
//!
//! Layout, in reading order: [`segment`] is the file, [`mod@build`] writes and
//! merges it, [`query`] derives the bounds, `kernel` computes them for many
//! rows at once, `scope` says which rows, [`scan`] finds the candidates with the
//! threshold that `best` keeps, [`rescore`] makes them exact.
//!
//! Invariants:
//! - A segment's bytes depend on its rows and vectors alone, so a merge equals
//!   a direct build byte for byte.
//! - A zero vector has no place in the space: it is never stored and never found.
//! - A row belongs to one segment or to the tail, never to two of them.
//!
//! Deliberately not here: files, locks, the store, watermarks. This room works
//! on bytes that its caller owns, whether mapped or in memory. No graph either:
//! nothing here approximates.

mod best;
pub mod build;
pub mod error;
mod kernel;
pub mod query;
pub mod rescore;
pub mod scan;
mod scope;
pub mod segment;

pub use build::{SegmentBuilder, build, merge};
pub use error::{BuildError, MergeError, OpenError, QueryError, ScanError};
pub use kernel::Kernel;
pub use query::Query;
pub use rescore::{Fetch, scores};
pub use scan::{Corpus, Hit, Options, Top, top};
pub use segment::{Segment, SegmentView, Space};

/// The most dimensions a vector may have.
pub const DIMENSIONS_MAX: usize = 16_384;
