//! One owner of connections for each database that this process has open.
//!
//! Handles on the same store share its pool of readers, the connection that writes with the gate in front of it,
//! and the flushes. So a program that opens a store in several places does not queue at the lock files against
//! itself, and has no more connections than it uses at once. The last handle that goes closes them.
//!
//! Which database is the same is decided by the file and not by its name: a folder that was removed and made
//! again is another store. Before a handle joins, the owner proves by a connection of its own that the file is
//! still the store that it was, in the schema and journal that it knows; otherwise the handle gets an owner of
//! its own, and so it does when the writer is poisoned: to open anew is the way out of that.
//!
//! What is deliberately not here: locks. SQLite keeps those of one process on one file together, and our lock
//! files belong to what opened them, so that closing one handle takes nothing from another.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, TryLockError, Weak};

use rusqlite::Connection;
use steadfast_model::StoreId;

use super::flush::{SharedFlush, Writer};
use super::immutable::Watched;
use super::journal::{self, Journal};
use super::ladder::{Opened, State, read_id_of, read_state};
use super::schema::SCHEMA;
use super::{Access, Connections, DATABASE, OpenOptions, WRITER_LOCK, connect, ladder};
use crate::error::StoreError;
use crate::files::{Disk, Gate};

/// Idle readers that are kept.
const READERS_MAX: usize = 4;

/// What the handles on one database share.
pub(super) struct Owner {
    database: PathBuf,
    disk: Arc<dyn Disk>,
    pub(super) id: StoreId,
    /// Whether the store has a log, as far as is known: another process may convert it.
    is_wal: AtomicBool,
    pub(super) access: Access,
    /// What had to be done to open it, beyond opening it.
    pub(super) rungs: Vec<String>,
    pub(super) gate: Gate,
    pub(super) flushes: Arc<SharedFlush>,
    /// What the files were like, where they are read as such.
    pub(super) watched: Watched,
    readers: Mutex<Vec<Connection>>,
    pub(super) writer: Mutex<WriterState>,
}

pub(super) enum WriterState {
    Closed,
    Open(Box<Writer>),
    /// An earlier write failed such that its fate is open.
    Poisoned(String),
}

/// What makes a database the same as another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Without links; lock files and indexes lie here.
    folder: PathBuf,
    /// The device and the number of the file, where the system tells.
    file: Option<(u64, u64)>,
    vfs: Option<String>,
}

static OWNERS: Mutex<BTreeMap<Key, Weak<Owner>>> = Mutex::new(BTreeMap::new());

/// Returns the owner of a store's connections: the one that there is, or a new one.
///
/// # Errors
/// As [`ladder::open`].
pub(super) fn open(folder: &Path, options: &OpenOptions) -> Result<Arc<Owner>, StoreError> {
    if options.connections == Connections::Own {
        return Ok(Arc::new(Owner::new(
            folder,
            options,
            ladder::open(folder, options)?,
        )));
    }
    let known = Key::of(folder, options).and_then(|key| find(&key));
    if let Some(owner) = known.filter(|owner| owner.suits(folder, options)) {
        return Ok(owner);
    }
    let opened = ladder::open(folder, options)?;
    // Only now there is a file in any case.
    let key = Key::of(folder, options).filter(|_| opened.access == Access::ReadWrite);
    let Some(key) = key else {
        return Ok(Arc::new(Owner::new(folder, options, opened)));
    };
    if let Some(owner) = find(&key).filter(|owner| owner.suits(folder, options)) {
        // Another thread was here at the same time.
        owner.give_back(opened.connection);
        return Ok(owner);
    }
    let owner = Arc::new(Owner::new(folder, options, opened));
    let mut owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
    owners.retain(|_, owner| owner.strong_count() > 0);
    // Of two threads that come here at once, the later one's owner is the one that others join.
    owners.insert(key, Arc::downgrade(&owner));
    Ok(owner)
}

fn find(key: &Key) -> Option<Arc<Owner>> {
    let owners = OWNERS.lock().unwrap_or_else(PoisonError::into_inner);
    owners.get(key)?.upgrade()
}

impl Key {
    /// Returns the key of the database in a folder; none when there is none.
    fn of(folder: &Path, options: &OpenOptions) -> Option<Self> {
        let folder = std::fs::canonicalize(folder).ok()?;
        let found = std::fs::metadata(folder.join(DATABASE)).ok()?;
        #[cfg(unix)]
        let file = {
            use std::os::unix::fs::MetadataExt as _;
            Some((found.dev(), found.ino()))
        };
        #[cfg(not(unix))]
        let file = found.is_file().then_some((0, 0));
        let vfs = options.disk.vfs().map(str::to_owned);
        Some(Self { folder, file, vfs })
    }
}

impl Owner {
    fn new(folder: &Path, options: &OpenOptions, opened: Opened) -> Self {
        Self {
            database: folder.join(DATABASE),
            disk: Arc::clone(&options.disk),
            id: opened.id,
            is_wal: AtomicBool::new(opened.journal == journal::WAL),
            access: opened.access,
            rungs: opened.rungs,
            gate: Gate::new(folder.join(WRITER_LOCK)),
            flushes: Arc::new(SharedFlush::of(folder)),
            watched: Watched::default(),
            readers: Mutex::new(vec![opened.connection]),
            writer: Mutex::new(WriterState::Closed),
        }
    }

    /// Returns the journal in force, as it was seen last; none when the file can only be read as it is.
    pub(super) fn journal(&self) -> &'static str {
        match (self.access, self.is_wal.load(Ordering::Relaxed)) {
            (Access::Immutable, _) => "none",
            (_, true) => journal::WAL,
            (_, false) => journal::TRUNCATE,
        }
    }

    /// Opens the connection that writes; the caller holds the gate.
    pub(super) fn open_writer(&self) -> rusqlite::Result<Writer> {
        let (connection, mode) =
            connect::writer(self.disk.as_ref(), &self.database, self.journal())?;
        self.is_wal.store(mode == journal::WAL, Ordering::Relaxed);
        Writer::new(connection, mode == journal::WAL)
    }

    /// Returns whether a handle with these options may join.
    ///
    /// A file number is given out again when nothing has the file open, so the store says itself which one it is.
    fn suits(&self, folder: &Path, options: &OpenOptions) -> bool {
        let wanted = match options.journal {
            Journal::Auto => self.journal(),
            Journal::Wal => journal::WAL,
            Journal::Truncate => journal::TRUNCATE,
        };
        if wanted != self.journal() || self.is_poisoned() {
            return false;
        }
        let connection = match self.idle_reader() {
            Some(connection) => Ok(connection),
            None => connect::reader(options.disk.as_ref(), &folder.join(DATABASE), self.access),
        };
        let Ok(connection) = connection else {
            return false;
        };
        let is_same = self.is_same(&connection);
        // A connection that cannot be read from helps nobody.
        if is_same.is_ok() {
            self.give_back(connection);
        }
        is_same.unwrap_or(false)
    }

    /// Returns whether a connection sees the store that was opened, in the journal of then.
    fn is_same(&self, connection: &Connection) -> rusqlite::Result<bool> {
        // What is in force is known when it has read.
        let is_known = matches!(read_state(connection)?, State::Ours(SCHEMA));
        let id = read_id_of(connection)?;
        let is_wal = self.is_wal.load(Ordering::Relaxed);
        Ok(is_known && journal::is_wal(connection)? == is_wal && id == Some(self.id))
    }

    fn is_poisoned(&self) -> bool {
        let is = |state: &WriterState| matches!(state, WriterState::Poisoned(_));
        match self.writer.try_lock() {
            Ok(state) => is(&state),
            Err(TryLockError::Poisoned(state)) => is(&state.into_inner()),
            // Somebody is at work with it. Nobody waits for that in order to read.
            Err(TryLockError::WouldBlock) => false,
        }
    }

    pub(super) fn idle_reader(&self) -> Option<Connection> {
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.pop()
    }

    pub(super) fn give_back(&self, connection: Connection) {
        if self.access == Access::Immutable {
            return;
        }
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS_MAX {
            readers.push(connection);
        }
    }

    /// Gives back the page caches of connections that nobody uses now; they fill again with what is read.
    pub(super) fn release_memory(&self) {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        // It is an offer to the system: a connection that cannot take it goes on as it was.
        readers
            .iter()
            .for_each(|reader| drop(reader.release_memory()));
        drop(readers);
        if let Ok(state) = self.writer.try_lock()
            && let WriterState::Open(writer) = &*state
        {
            drop(writer.connection.release_memory());
        }
    }

    /// Makes the log whole and flushes it, so that SQLite may write it back. The caller holds the gate.
    ///
    /// # Errors
    /// What the system says; nothing of the log may be written back then.
    pub(super) fn flush_log(&self, writer: &Writer) -> io::Result<()> {
        let (disk, known) = (self.disk.as_ref(), Some(&writer.connection));
        self.flushes.settle_and_flush(&self.database, disk, known)
    }
}

impl Drop for Owner {
    /// Closes the readers first, so that the writer may be the last connection, which writes the log back.
    fn drop(&mut self) {
        let readers = self
            .readers
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        readers.clear();
        let state = self
            .writer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        let WriterState::Open(writer) = std::mem::replace(state, WriterState::Closed) else {
            return;
        };
        if !writer.is_wal {
            return;
        }
        // Whoever is behind the gate has the file open too: then there is nothing to be done here.
        if let Ok(Some(held)) = self.gate.try_pass() {
            if self.flush_log(&writer).is_ok() {
                // A log that stays is written back by whoever comes next.
                drop(writer.write_back_on_close());
            }
            drop(writer);
            drop(held);
        }
    }
}
