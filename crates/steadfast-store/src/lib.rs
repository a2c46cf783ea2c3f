//! Ground state of Steadfast: what was acknowledged, and nothing that could be made again.
//!
//! One SQLite file holds the truth; this is the only crate that links SQLite.
//! What is deliberately not here: indexes, embedding, files of the user, fusion
//! of scores.
//!
//! # Layout
//!
//! - [`backend`]: what every backend must do
//! - [`records`]: what collections add to that
//! - [`sqlite`]: the ground operations on SQLite, from the opening ladder to the rows
//! - [`upkeep`]: copies, and commits that are taken back
//! - [`memory`]: the oracle, a whole backend in plain maps
//! - `conformance` (feature): the suite that every backend passes
//! - [`files`]: modes, locks and atomic replacement, where systems differ

pub mod backend;
mod context;
pub mod error;
pub mod files;
mod findings;
mod health;
pub mod jobs;
pub mod memory;
pub mod records;
#[doc(hidden)]
pub mod sabotage;
pub mod sqlite;
pub mod upkeep;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;

pub use backend::{
    Backend, Bm25, Capabilities, CatchUp, Derived, Effort, Event, Fetched, Progress, Reach, Scope,
    Silent, Snapshot, Ways,
};
pub use context::{Each, FacetKey, Placed, Standing, TermCounts};
pub use error::StoreError;
pub use findings::stale_sources;
pub use health::{Health, IndexHealth, Verification};
pub use jobs::{Job, Jobs};
pub use memory::MemoryBackend;
pub use records::{EachVector, Records};
pub use sqlite::foreign::{ForeignDatabase, ForeignEdit, ForeignRow, ForeignValue, TableRead};
pub use sqlite::{
    Checked, Connections, Journal, OpenOptions, SqliteSnapshot, SqliteStore, check_copy,
};
pub use upkeep::{
    History, PastRow, PrunePlan, Scrubbed, Skipped, UndoPlan, UndoRefusal, Undone, Upkeep,
};
