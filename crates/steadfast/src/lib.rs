//! Memory for AI agents that never loses, never duplicates, never silently misses and always opens.
//!
//! One handle, [`Memory`], over one folder. No server, no download, no key: the
//! store is SQLite, the indexes are derived from it, the embedding model is
//! inside the library. The API is synchronous, reads no environment and prints
//! nothing.
//!
//! # Examples
//! ```
//! use steadfast::{Memory, Note, SearchRequest};
//!
//! # fn main() -> Result<(), steadfast::Error> {
//! # let folder = tempfile::tempdir().expect("a temporary folder");
//! let memory = Memory::options().create(true).open(folder.path().join("store"))?;
//! memory.remember(&Note::new("We deploy on Tuesdays, after the smoke tests."))?;
//! let answer = memory.search(&SearchRequest::new("when do we deploy?"))?;
//! assert_eq!(answer.hits.len(), 1);
//! assert_eq!(answer.coverage.in_scope, 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! Rooms in reading order; each may name only those before it: `error`,
//! [`config`], [`ingest`] (the line in), [`query`] (the line out),
//! [`collection`] (records by id), [`import`] (stores of other programs),
//! [`export`] (the whole store in one file), [`doctor`] (what is wrong, and
//! mending it), [`memory`] (the facade).

pub mod collection;
pub mod config;
pub mod doctor;
mod error;
pub mod export;
pub mod import;
pub mod ingest;
pub mod memory;
pub mod query;

pub use collection::{Collection, Collections};
pub use config::{Options, Redaction, RedactionRule, Rule};
pub use doctor::palace::{
    LostRow, PalaceCollection, PalaceDiagnosis, PalaceOptions, PalaceStep, examine_palace,
    quarantine_palace, repair_palace,
};
pub use doctor::{Diagnosis, DoctorOptions, Step, examine, repair};
pub use error::{CollectionError, Error, Result};
pub use export::{
    Archive, BackupOptions, ExportFormat, ExportOptions, Exported, RestoreOptions, restore,
};
#[cfg(feature = "remote")]
pub use import::ChromaServer;
pub use import::{
    ImportKind, ImportOptions, ImportReport, LeftOut, LogReading, OnConflict, VectorCounts,
};
pub use ingest::chunk::links;
pub use ingest::{
    Conversation, FileCounts, FilledVectors, IndexOptions, IndexReport, KeptConversation, Message,
    Note, Remember, Remembered, SkippedSource,
};
pub use memory::{
    ChunkWithNeighbours, FileCommand, FileError, FileRefusal, FileReply, ForgetPlan, Forgotten,
    Keep, Memory, MemoryFiles, RenamePlan, Renamed, Selection, SourcePage, SourceText,
};
pub use query::{Answer, Asked, Formula, ListRequest, Listing, Mode, Moment, Parts, SearchRequest};

#[cfg(feature = "minilm")]
pub use steadfast_embed::MiniLm;
pub use steadfast_embed::{Embed, EmbedError};
pub use steadfast_model as model;
pub use steadfast_store::files::{Disk, FilesystemKind, SystemDisk, filesystem_kind, free_bytes};
#[cfg(feature = "sabotage")]
pub use steadfast_store::sabotage;
pub use steadfast_store::{
    CatchUp, Connections, Derived, Event, Health, IndexHealth, Journal, Progress, PrunePlan,
    Scrubbed, Silent, Skipped, StoreError, UndoPlan, UndoRefusal, Undone, Verification,
};
