//! The promises, each with the bad days on which it must hold.
//!
//! The real library runs over a disk that writes down what is done to it, and
//! fails when it is told to (`steadfast-testkit`). After each bad day the store
//! is opened again and asked everything that was promised.
//!
//! | File | Promise |
//! |---|---|
//! | `never_loses` | what was acknowledged is there and the same, each file whole or absent |
//! | `never_duplicates` | a chunk is there once, however many wrote it and however often |
//! | `never_misses` | an answer that calls itself complete is, whatever state the indexes are in |
//! | `always_opens` | opening works, or says what is wrong; nothing panics, no wrong text comes back |
//! | `upkeep` | the same while the store is migrated, converted, copied, restored, repaired, filled, taken back |
//! | `codes` | each result code of SQLite has the outcome that the documentation says |
//!
//! `sabotage` is the test of these tests: with the feature of that name each planted
//! mistake must be caught by the test that is named for it.
//!
//! Each test prints the seed of what it found. `STEADFAST_SOAK=n` runs `n` times as many cases.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod always_opens;
mod codes;
mod cuts;
mod faults;
mod life;
mod never_duplicates;
mod never_loses;
mod never_misses;
mod oracle;
mod sabotage;
mod upkeep;
