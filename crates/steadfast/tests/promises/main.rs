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
//!
//! Each test prints the seed of what it found. `STEADFAST_SOAK=n` runs `n` times as many cases.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cuts;
mod life;
mod never_loses;
mod oracle;
