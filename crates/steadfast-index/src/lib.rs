//! Derived state of Steadfast: disposable, stamped indexes over the rows of a store,
//! and the embedded backend that joins them with the ground state.
//!
//! Deleting the whole index folder at any moment loses nothing: every index is
//! made again from the rows of the store, without embedding anything. What is
//! deliberately not here: SQL, fusion of scores, parsing of questions. This
//! crate may hold `unsafe`, for mapping files and for giving memory back.
//!
//! # Layout
//!
//! - [`analyze`]: text to hashed terms
//! - [`text`]: postings, exact BM25
//! - [`vector`]: codes, certified exact scan
//! - `catalog`: the files of an index, published and proven
//! - `assembly`: their bytes, written in the pieces that they were made in
//! - `behind`: which of them were read, so that they may leave memory
//! - `digest`: the hash over their bytes
//! - `heap`: free memory, given back
//! - [`embedded`]: the backend

pub mod analyze;
pub mod text;
pub mod vector;

mod assembly;
mod behind;
mod catalog;
mod digest;
pub mod embedded;
mod heap;

pub use analyze::{Analyzer, Sequence};
pub use assembly::Pieces;
pub use behind::Behind;
pub use embedded::EmbeddedBackend;
