//! Upkeep of the file itself: writing the WAL back, and leaving no trace of what was forgotten.

use std::io::ErrorKind;
use std::sync::PoisonError;
use std::time::Duration;

use super::super::codes::BUSY_WAIT_MS;
use super::super::flush::{WriteBack, Writer};
use super::super::{SqliteStore, journal};
use crate::error::StoreError;

/// How long a writer waits for readers to begin anew, so that a long log can start over. Meanwhile nobody writes; a search
/// that takes longer is waited for again when the log has grown by half.
const READERS_PATIENCE: Duration = Duration::from_secs(5);

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
    /// found after one of 132 random histories. Needs room for a second copy of
    /// the file. False when readers hold on to the WAL: then it is to be done again.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails; the store is then as it was.
    pub fn scrub(&self) -> Result<bool, StoreError> {
        self.with_writer(|writer| {
            let connection = &writer.connection;
            // The copy would not fit into the memory that a process may use.
            let vacuumed = connection
                .execute_batch("PRAGMA temp_store=FILE")
                .and_then(|()| {
                    let vacuumed = connection.execute_batch("VACUUM");
                    connection.execute_batch("PRAGMA temp_store=MEMORY")?;
                    vacuumed
                });
            vacuumed.map_err(|error| self.error(&error))?;
            self.write_back(writer, "TRUNCATE")
        })
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
        let flushed = self.core.owner.flush_log();
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
        let wait = |writer: &Writer, patience| {
            let set = writer.connection.busy_timeout(patience);
            set.map_err(|error| self.error(&error))
        };
        wait(writer, READERS_PATIENCE)?;
        let written = self.write_back(writer, "TRUNCATE");
        wait(writer, Duration::from_millis(BUSY_WAIT_MS))?;
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
                let settled = owner.flushes.settle(&log, self.disk().as_ref());
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
