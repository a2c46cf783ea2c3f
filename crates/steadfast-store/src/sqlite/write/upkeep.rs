//! Upkeep of the file itself: writing the WAL back, and leaving no trace of what was forgotten.

use std::io::ErrorKind;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};

use super::super::codes::BUSY_WAIT_MS;
use super::super::copy::vacuum_into;
use super::super::flush::{WriteBack, Writer};
use super::super::{Access, SqliteStore, connect, journal};
use crate::error::StoreError;

/// How long a writer waits for readers to begin anew, so that a long log can start over. Meanwhile nobody writes; a search
/// that takes longer is waited for again when the log has grown by half.
const READERS_PATIENCE: Duration = Duration::from_secs(5);

/// How long a purge that has written the file anew tries to get readers out of the way of the log.
const SCRUB_PATIENCE: Duration = Duration::from_secs(2);
/// How long one attempt waits for them, with the gate shut.
const SCRUB_WAIT: Duration = Duration::from_millis(100);
/// How long the gate stays open in between.
const SCRUB_PAUSE: Duration = Duration::from_millis(50);

/// The copy that a purge writes the file anew from.
const SCRUB_COPY: &str = "purge.tmp";

impl SqliteStore {
    /// Writes the WAL back into the file and cuts it to nothing; false when readers prevent that for now.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails.
    pub fn checkpoint(&self) -> Result<bool, StoreError> {
        self.with_writer(|writer| self.write_back(writer, "TRUNCATE"))
    }

    /// Leaves no trace of what was forgotten: the file is written anew, and the WAL is cut to nothing.
    ///
    /// `secure_delete` overwrites what a delete frees, but not the copies that
    /// stay in the gaps of a page when its cells move to another; they were
    /// found after one of 132 random histories. Needs room for two more copies
    /// of the file beside it. False when readers hold on to the file or the WAL:
    /// then it is to be done again, and what was written anew by then stays so.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails; the store is then as it was.
    pub fn scrub(&self) -> Result<bool, StoreError> {
        let rewritten = self.with_writer(|writer| {
            if is_rewritten(&writer.connection).map_err(|error| self.error(&error))? {
                return Ok(Some(Duration::ZERO));
            }
            let is_done = self.rewrite(writer)?;
            Ok(is_done.then_some(SCRUB_PATIENCE))
        })?;
        let Some(patience) = rewritten else {
            return Ok(false);
        };
        let deadline = Instant::now() + patience;
        // Others write between the attempts.
        while !self.with_writer(|writer| self.write_back_within(writer, SCRUB_WAIT))? {
            if Instant::now() + SCRUB_PAUSE >= deadline {
                return Ok(false);
            }
            std::thread::sleep(SCRUB_PAUSE);
        }
        Ok(true)
    }

    /// Returns whether the file was written anew since anything was forgotten, so that only the WAL holds traces.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn is_scrubbed(&self) -> Result<bool, StoreError> {
        self.with_writer(|writer| {
            is_rewritten(&writer.connection).map_err(|error| self.error(&error))
        })
    }

    /// Writes the file anew, from a private copy beside it: a copy of SQLite's own would lie in the folder for
    /// temporary files, which may be small, and is not the store's. False when somebody reads a file without a log.
    fn rewrite(&self, writer: &mut Writer) -> Result<bool, StoreError> {
        let copy = self.folder().join(SCRUB_COPY);
        // One that was killed here may have left its own.
        self.disk().discard(&copy);
        let made = self
            .disk()
            .open_private(&copy)
            .map_err(|error| StoreError::from_io(&copy, &error));
        let copied = made.and_then(|_| {
            vacuum_into(&writer.connection, &copy)
                .and_then(|()| connect::open(self.disk().as_ref(), &copy, Access::Immutable))
                .and_then(|from| copy_over(&from, &mut writer.connection))
                .map_err(|error| self.error(&error))
        });
        self.disk().discard(&copy);
        match copied {
            Ok(()) => {}
            Err(StoreError::Busy { .. }) => return Ok(false),
            Err(error) => return Err(error),
        }
        // A log may be held by readers for long: whoever comes next need not write the file anew once more.
        let noted = writer.connection.execute(
            "UPDATE jobs SET payload = (SELECT seq FROM store) WHERE kind = 'purge'",
            [],
        );
        noted.map(|_| true).map_err(|error| self.error(&error))
    }

    /// Writes back as much of the log as readers allow; the caller holds the gate. True when that is all of it.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails; the log holds then what it held.
    pub(super) fn write_back(&self, writer: &Writer, mode: &str) -> Result<bool, StoreError> {
        // What was just written is where the connection saw it go, whatever it was opened for.
        if !journal::is_wal(&writer.connection).map_err(|error| self.error(&error))? {
            return Ok(true);
        }
        let flushed = self.core.owner.flush_log(writer);
        flushed.map_err(|error| self.log_error(&error))?;
        let pragma = format!("PRAGMA wal_checkpoint({mode})");
        let busy: i64 = writer
            .connection
            .query_row(&pragma, [], |row| row.get(0))
            .map_err(|error| self.error(&error))?;
        Ok(busy == 0)
    }

    /// Writes the log back when it has grown long; the caller holds the gate.
    ///
    /// # Errors
    /// As [`Self::write_back`].
    pub(super) fn write_back_as_due(
        &self,
        writer: &Writer,
        due: WriteBack,
    ) -> Result<bool, StoreError> {
        if due == WriteBack::Passive {
            return self.write_back(writer, "PASSIVE");
        }
        self.write_back_within(writer, READERS_PATIENCE)
    }

    /// Writes all of the log back and cuts it to nothing, waiting for readers no longer than `patience`; the caller
    /// holds the gate.
    fn write_back_within(&self, writer: &Writer, patience: Duration) -> Result<bool, StoreError> {
        let wait = |patience| {
            let set = writer.connection.busy_timeout(patience);
            set.map_err(|error| self.error(&error))
        };
        wait(patience)?;
        let written = self.write_back(writer, "TRUNCATE");
        wait(Duration::from_millis(BUSY_WAIT_MS))?;
        written
    }

    /// Makes the log whole if a flush of it has failed; the caller holds the gate.
    ///
    /// # Errors
    /// [`StoreError`] when it cannot be written anew: nothing may be committed before it is.
    pub(super) fn mend_log(&self, writer: &mut Writer) -> Result<(), StoreError> {
        if !writer.is_wal {
            return Ok(());
        }
        let owner = &self.core.owner;
        match writer.log(&self.core.database) {
            Ok(log) => {
                let (disk, known) = (self.disk().as_ref(), Some(&writer.connection));
                let settled = owner.flushes.settle(&log, disk, known);
                settled.map_err(|error| self.log_error(&error))
            }
            // The first transaction makes it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(self.log_error(&error)),
        }
    }

    fn log_error(&self, error: &std::io::Error) -> StoreError {
        StoreError::from_io(&self.core.database, error)
    }

    /// Runs `work` with the writer, behind the gate, for statements that cannot run inside a transaction.
    pub(super) fn with_writer<T>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let held = self.core.owner.gate.pass(self.core.options.patience)?;
        let mut state = self
            .core
            .owner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let done = self.writer(&mut state).and_then(work);
        drop(state);
        drop(held);
        done
    }
}

/// Returns whether the file was written anew after the last commit that forgot something, as the job of the purge says.
fn is_rewritten(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row(
        "SELECT rewritten > 0 AND NOT EXISTS (SELECT 1 FROM commits WHERE operation = 'forget' AND seq > rewritten)
         FROM (SELECT coalesce(max(CAST(payload AS INTEGER)), 0) AS rewritten FROM jobs WHERE kind = 'purge')",
        [],
        |row| row.get(0),
    )
}

/// Writes one database over another, in one transaction of that one.
fn copy_over(from: &Connection, to: &mut Connection) -> rusqlite::Result<()> {
    match Backup::new(from, to)?.step(-1)? {
        StepResult::Done => Ok(()),
        StepResult::More | StepResult::Busy | StepResult::Locked | _ => {
            Err(rusqlite::Error::SqliteFailure(
                rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                None,
            ))
        }
    }
}
