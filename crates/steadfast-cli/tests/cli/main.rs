//! The program from outside: the real binary in folders of its own, one file per promise.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod config;
mod copies;
mod errors;
mod forget;
mod generated;
mod imports;
mod indexes;
mod main_job;
mod output;
mod paging;
mod questions;
#[cfg(unix)]
mod read_only;
mod redaction;
mod selftest;
mod shapes;
mod support;
