//! What a file is called, whether it has changed, and why a source may be left out.
//!
//! The words that [`walk`](mod@super::walk) and [`read`](super::read) share:
//! [`source_of`], [`FileState`], [`unchanged`], [`SkipReason`].
//!
//! Invariants: deciding whether a file has changed needs no look at its
//! content; when in doubt a file is read again.
//!
//! Deliberately not here: hashing of chunks and their numbering, which belong
//! to the words of the model.

mod skip;
mod source;
mod state;

pub use skip::SkipReason;
pub use source::{source_name, source_of};
pub use state::{FileState, Verdict, racy, unchanged};

pub(crate) use skip::io_words;

#[cfg(test)]
mod tests;
