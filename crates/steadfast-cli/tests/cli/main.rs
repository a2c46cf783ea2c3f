//! The program from outside: the real binary in folders of its own, one file per promise.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod broken;
mod config;
mod copies;
mod errors;
mod exports;
mod forget;
mod generated;
mod hooks;
mod imports;
mod indexes;
mod integrations;
mod main_job;
mod output;
mod paging;
#[path = "../../../steadfast/tests/palace/support.rs"]
#[expect(dead_code, reason = "the tests of the library use more of it")]
mod palace_support;
mod palaces;
mod prune;
mod questions;
#[cfg(unix)]
mod read_only;
mod redaction;
mod roots;
mod selftest;
mod served;
mod setups;
mod shapes;
mod support;
mod wake_up;
mod watches;
