//! The palace doctor: a palace that a kill tore, that an upgrade poisoned, that a disk damaged.
//!
//! The palaces are small ones that the real Chroma made (`tools/palace/make.py`), and each test damages a copy of one.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]
#![expect(clippy::print_stderr, reason = "a test says when it is skipped")]

mod damaged;
mod embedded;
mod fixtures;
mod healthy;
mod proof;
mod random;
mod real;
#[cfg(feature = "remote")]
mod served;
mod support;
