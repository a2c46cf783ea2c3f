//! The text index: immutable segments of postings, and exact BM25 over them and the rows they lack.
//!
//! | File | Question it answers |
//! |---|---|
//! | `format` | What does a segment look like, byte for byte? |
//! | `build`, `merge`, `writer` | Here are analysed rows (or segments): give me the bytes. |
//! | `segment`, `postings`, `bits` | Here are bytes: are they sound, and what is in them? |
//! | `dead` | What do document frequencies lose to rows that are gone? |
//! | `view` | Segments, tail and dead rows: in how many live rows is this term? |
//! | `score` | What is a row worth? |
//! | `proof` | Is what the postings say of a row what its text says? |
//! | `top`, `wide`, `lookup` | Which rows are best? What are these rows worth? |
//!
//! Invariants: equal rows give equal bytes, whether built or merged; a row has
//! the same score, bit for bit, in a segment, in the tail and by lookup; no
//! bytes make anything here panic; nothing here reads a file, a clock or the
//! environment. Deliberately not here: where files live, when to merge, which
//! rows are live, what a filter means.

mod bits;
mod build;
mod dead;
mod error;
mod format;
mod lookup;
mod merge;
mod postings;
mod proof;
mod score;
mod segment;
mod top;
mod view;
mod wide;
mod writer;

pub use build::{SegmentBuilder, build};
pub use dead::{DeadTerms, DeadTermsError};
pub use error::{BuildError, MergeError, SegmentError};
pub use lookup::{Counts, Scratch};
pub use merge::merge;
pub use proof::sum_of;
pub use score::{Bm25, Stats};
pub use segment::Segment;
pub use view::{Search, Tail, TermStats, View};

#[cfg(test)]
mod tests;
