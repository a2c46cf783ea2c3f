//! Moving out and in again: whatever was in a store is in the other one, and a bundle that is not whole is refused.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod conflicts;
mod history;
mod hostile;
mod memtomem;
mod round_trip;
mod support;
mod vault;
mod versions;
