//! The bad day: a key that stood in a file or a note for a minute is in the store for ever.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cases;
mod killed;
mod recall;
mod stored;
