//! The flush of the write-ahead log, after the writer gate is open again.
//!
//! A commit writes its frames behind the gate and is acknowledged when the log
//! is on the disk. The flush between the two needs no gate: while one writer
//! waits for the disk the next ones write their frames, and one flush is enough
//! for all of them (`shared`).
//!
//! What keeps this as safe as `synchronous=FULL`:
//! - Nothing is acknowledged before its flush, also not what was found there
//!   already: it may be the commit of somebody who has not flushed yet.
//! - Frames lie in the log in the order of their commits, and a flush covers the
//!   whole file. So no commit reaches the disk without those it builds on.
//! - SQLite itself flushes the log before a checkpoint, and its header when it
//!   starts over, in this mode too.
//! - When a flush fails the fate of the frames is open although others see them.
//!   They are then written into the database file and flushed there, so that no
//!   later commit builds on what the disk may have lost; the handle is poisoned,
//!   and the caller hears of an error.
//!
//! The log holds no locks of SQLite, so opening and closing it drops none, and
//! it stays the same file for as long as our connection is open.

mod shared;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::files::{Disk, read_at};
pub(super) use shared::{PATIENCE, SharedFlush};

/// The connection that writes, and the log that it writes to.
pub(super) struct Writer {
    pub(super) connection: Connection,
    /// Opened after the first commit, which makes the file.
    log: Option<Arc<Log>>,
}

/// The two salts in the header of a log (<https://sqlite.org/fileformat2.html#walformat>).
type Salts = [u8; 8];

const SALTS_AT: u64 = 16;

/// The write-ahead log as a file.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Brings to the medium whatever was written to the log before.
    ///
    /// # Errors
    /// What the system says; the fate of the frames is open then.
    fn flush(&self, disk: &dyn Disk) -> io::Result<()> {
        disk.sync_data(&self.path, &self.file)
    }

    /// Returns what tells this round of the log from those before: SQLite draws new salts when it starts over.
    fn salts(&self) -> Option<Salts> {
        let mut salts = Salts::default();
        let found = read_at(&self.file, &mut salts, SALTS_AT);
        found.is_ok_and(|found| found).then_some(salts)
    }
}

impl Writer {
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            log: None,
        }
    }

    /// Returns the log of the database, to be flushed after the gate.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn log(&mut self, database: &Path) -> io::Result<Arc<Log>> {
        if let Some(log) = &self.log {
            return Ok(Arc::clone(log));
        }
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        // Some systems flush only what was opened for writing; nothing is ever written here.
        let file = OpenOptions::new().read(true).write(true).open(&path)?;
        let log = Arc::new(Log {
            path: path.into(),
            file,
        });
        self.log = Some(Arc::clone(&log));
        Ok(log)
    }
}
