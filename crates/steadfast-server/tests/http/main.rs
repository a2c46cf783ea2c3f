#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]
//! The transport over HTTP against clients that mean no good, or die half way.
//!
//! Bad days: a client sends its head or its body byte by byte, or asks and never
//! reads, and others get no place; garbage ends the server, or is taken for a
//! request; the server is asked to end and an answer that was begun is lost.
//!
//! Nothing here waits for a time to pass: bounds of time are made short where they
//! are to be met and long where they are not, so a test that hangs has found one
//! that does not hold.

mod ending;
mod garbage;
mod server;
mod slow;
