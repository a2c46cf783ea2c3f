#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]
//! The real server on its standard input and output, as a host starts it.
//!
//! Bad days: a host sends garbage and the session is lost; a host closes before
//! it has said hello and sees a failure; several hosts start a server each over
//! one store, and one of them answers stale or writes twice; an agent deletes
//! what nobody agreed to; a page in a browser, or a client without the token, reads the memory
//! over HTTP; what a host was told about the tools becomes another thing by accident; a call that
//! was cancelled goes on, or leaves half of its work.

mod catalog;
mod client;
mod frames;
mod further;
mod hostile;
mod http;
mod quiet;
mod resources;
mod session;
mod sharing;
