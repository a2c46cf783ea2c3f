//! Moving in, as those do it who have years in another store: all of it comes, nothing comes twice, and nothing is
//! called complete that is not.
//!
//! The tests on real stores run where `STEADFAST_SHARED` names the folder that holds them; else they say so and pass.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a test fails by panicking, in its helpers too, and says when it is skipped"
)]

mod continued;
mod damage;
mod damaged;
mod exports;
mod fixtures;
mod forgotten;
mod killed;
mod kinds;
mod memtomem;
mod no_unicode;
mod openhuman;
mod palace;
mod rivals;
mod samples;
#[cfg(feature = "remote")]
mod server;
mod sessions;
mod support;
mod vectors;
