//! The ground operations on SQLite. No other room of the house holds a connection.
//!
//! One writer connection, behind the writer gate, and a small pool of readers
//! that can only query; handles of one process on one store share them
//! (`owner`). What is deliberately not here: indexes. The crate above assembles
//! this with them into a whole backend.

mod alone;
mod codes;
mod connect;
mod copy;
mod creation;
mod flush;
pub mod foreign;
mod immutable;
mod jobs;
mod journal;
mod ladder;
mod look;
mod objects;
mod owner;
mod publish;
mod read;
mod retry;
mod salvage;
mod schema;
mod spaces;
mod values;
mod write;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use steadfast_model::{Analyze, Clock, ModelId, StoreId};

use crate::error::StoreError;
use crate::files::Disk;
use owner::Owner;

pub use codes::{CodeClass, class_of};
pub use copy::{Checked, check_copy, set_rows_apart};
pub use creation::{INIT_LOCK, mark_created};
pub use journal::Journal;
pub use look::{Found, Look, look};
pub use objects::SchemaDifference;
pub use publish::{Published, TailEntry};
pub use read::{Head, RowScope, SqliteSnapshot, Vectors};
pub use salvage::{EmbedTexts, SalvageOptions, Salvaged, replace_database, salvage};
pub use schema::SCHEMA;

/// The name of the database file in a store folder.
pub const DATABASE: &str = "steadfast.db";

/// The lock file of the gate that writers pass one by one.
pub const WRITER_LOCK: &str = "writer.lock";

/// How a store is opened.
#[derive(Clone)]
pub struct OpenOptions {
    /// Create the store when there is none.
    pub create: bool,
    /// Which journal is wanted.
    pub journal: Journal,
    /// How texts become terms, needed when an indexed row is removed.
    pub analyze: Arc<dyn Analyze>,
    /// The active vector space.
    pub model: ModelId,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// How long a writer waits for the writers before it.
    pub patience: Duration,
    /// The disk that the store lies on.
    pub disk: Arc<dyn Disk>,
    /// Whose connections are used.
    pub connections: Connections,
}

/// Whose connections a handle uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Connections {
    /// Those of the other handles that this process has on the same store.
    #[default]
    Shared,
    /// Its own, as another process would have them: for tests, mostly.
    Own,
}

/// A store folder, opened. Clones are the same handle.
#[derive(Clone)]
pub struct SqliteStore {
    core: Arc<Core>,
}

struct Core {
    folder: PathBuf,
    database: PathBuf,
    options: OpenOptions,
    owner: Arc<Owner>,
    /// What had to be done to open it, beyond opening it.
    rungs: Vec<String>,
    /// The number of the active vector space, once a commit has found it: it never changes.
    space: OnceLock<i64>,
}

/// What a handle may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write.
    ReadWrite,
    /// Read only: the system allows no more.
    ReadOnly,
    /// Read only, from a file that nobody can change.
    Immutable,
}

impl SqliteStore {
    /// Refuses a schema that a newer version has made while this handle was open.
    fn check_known(&self, found: i64) -> Result<(), StoreError> {
        if found <= SCHEMA {
            return Ok(());
        }
        Err(StoreError::TooNew {
            path: self.folder().to_owned(),
            found,
            known: SCHEMA,
        })
    }

    /// Opens the store in `folder`, climbing the opening ladder as far as needed.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none and none is to be created;
    /// [`StoreError::TooNew`] without a byte changed; [`StoreError::Damaged`]
    /// when the file is not a store; others when the system refuses.
    pub fn open(folder: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        let owner = owner::open(folder, &options)?;
        let core = Core {
            folder: folder.to_owned(),
            database: folder.join(DATABASE),
            options,
            rungs: owner.rungs.clone(),
            owner,
            space: OnceLock::new(),
        };
        let mut store = Self {
            core: Arc::new(core),
        };
        if let Some(collapsed) = store.keep_unique_key()?
            && let Some(core) = Arc::get_mut(&mut store.core)
        {
            core.rungs.push(format!(
                "the key that keeps texts from being there twice was gone; it was made again, and {collapsed} \
                 texts that were there twice became history"
            ));
        }
        Ok(store)
    }

    /// Returns the folder of the store.
    pub fn folder(&self) -> &Path {
        &self.core.folder
    }

    /// Returns the identity of the store.
    pub fn store_id(&self) -> StoreId {
        self.core.owner.id
    }

    /// Returns the active vector space.
    pub fn model(&self) -> &ModelId {
        &self.core.options.model
    }

    /// Returns how texts become terms.
    pub fn analyze(&self) -> &Arc<dyn Analyze> {
        &self.core.options.analyze
    }

    /// Returns the disk that the store lies on.
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.core.options.disk
    }

    /// Returns the clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.core.options.clock
    }

    /// Returns the journal in force: `wal`, `truncate`, or `none` when the store can only be read.
    pub fn journal(&self) -> &'static str {
        self.core.owner.journal()
    }

    /// Returns whether both handles use the same connections.
    pub fn shares_connections_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core.owner, &other.core.owner)
    }

    /// Returns whether writing is possible.
    pub fn is_writable(&self) -> bool {
        self.core.owner.access == Access::ReadWrite
    }

    /// Returns what had to be done to open the store, beyond opening it.
    pub fn rungs(&self) -> &[String] {
        &self.core.rungs
    }

    /// Returns a view of one moment.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn snapshot(&self) -> Result<SqliteSnapshot<'_>, StoreError> {
        let (owner, database) = (&self.core.owner, &self.core.database);
        let opened = if owner.access == Access::Immutable {
            owner.watched.reader(self.disk().as_ref(), database)
        } else if let Some(connection) = owner.idle_reader() {
            Ok(Some(connection))
        } else {
            connect::reader(self.disk().as_ref(), database, owner.access).map(Some)
        };
        let connection = opened
            .map_err(|error| self.error(&error))?
            .ok_or_else(|| immutable::somebody_writes(database))?;
        SqliteSnapshot::begin(self, connection)
    }

    /// Gives back the page caches of connections that are not in use.
    pub fn release_memory(&self) {
        self.core.owner.release_memory();
    }

    fn error(&self, error: &rusqlite::Error) -> StoreError {
        let told = codes::translate(&self.core.folder, error);
        if self.core.owner.access == Access::Immutable {
            return self.core.owner.watched.judge(&self.core.database, told);
        }
        told
    }

    /// Returns the bytes that the ground state takes on disk.
    pub fn bytes_on_disk(&self) -> u64 {
        ["", "-wal", "-journal"]
            .iter()
            .filter_map(|suffix| {
                let path = self.core.folder.join(format!("{DATABASE}{suffix}"));
                Some(std::fs::metadata(path).ok()?.len())
            })
            .sum()
    }
}
