//! The SQLite ground by itself, one file per fear.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod alone;
mod forget;
mod handles;
mod journals;
mod key;
mod killed;
mod modes;
mod opening;
mod owners;
mod prune;
mod rot;
mod support;
mod writers;
