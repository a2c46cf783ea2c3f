//! The bad day: pages have rotted, the file was cut or overwritten, indexes are gone.
//!
//! Each test damages a store itself. A look changes nothing and names what is wrong; a repair keeps the originals, loses
//! no row that can be read, gets the rest from the files that are still there, and its counts add up.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

mod damage;
mod killed;
mod place;
mod states;
mod tables;
mod values;
