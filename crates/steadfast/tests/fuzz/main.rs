//! What comes from outside is made up, mutated and cut: nothing panics, hangs or is believed.
//!
//! | Target | What is made up | What must hold |
//! |---|---|---|
//! | `questions::query` | questions, phrases, modes | no error of ours, only texts that are there |
//! | `questions::filter` | JSON filters | an error that says why, or the rows that the same filter takes one by one |
//! | `questions::cursor` | cursors | an error that says so, or an answer |
//! | `texts::*` | texts of each format and language | spans tile the text, within their limits |
//! | `files::database`, `files::index`, `files::backup`, `files::log` | the bytes of files | an error with a name, or what was written |
//!
//! The target for settings is with their parser, in the command (`config::fuzz`).
//!
//! By default each target has a few hundred cases from a fixed seed. `STEADFAST_FUZZ_SECONDS=20` lets
//! each go on for so long, `STEADFAST_SEED=n` begins elsewhere. A case is named by its seed; one that
//! failed is kept in `REGRESSIONS` of `hunt`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod files;
mod hunt;
mod mutate;
mod questions;
mod texts;
