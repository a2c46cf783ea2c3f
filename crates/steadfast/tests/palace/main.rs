//! The palace doctor: a palace that a kill tore, that an upgrade poisoned, that a disk damaged.
//!
//! The palaces are small ones that the real Chroma made (`tools/palace/make.py`), and each test damages a copy of one.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod damaged;
mod healthy;
mod proof;
mod random;
mod support;
