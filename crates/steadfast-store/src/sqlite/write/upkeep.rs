//! Upkeep of the file itself: writing the WAL back, and leaving no trace of what was forgotten.

use std::sync::PoisonError;

use rusqlite::Connection;

use super::super::{SqliteStore, journal};
use crate::error::StoreError;

impl SqliteStore {
    /// Writes the WAL back into the file and cuts it to nothing; false when readers prevent that for now.
    ///
    /// # Errors
    /// [`StoreError`] when writing fails.
    pub fn checkpoint(&self) -> Result<bool, StoreError> {
        let is_wal = self.journal() == journal::WAL;
        if is_wal {
            self.outside_transaction(write_back)
        } else {
            Ok(true)
        }
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
        let is_wal = self.journal() == journal::WAL;
        self.outside_transaction(|connection| {
            // The copy would not fit into the memory that a process may use.
            connection.execute_batch("PRAGMA temp_store=FILE")?;
            let vacuumed = connection.execute_batch("VACUUM");
            connection.execute_batch("PRAGMA temp_store=MEMORY")?;
            vacuumed?;
            if is_wal {
                write_back(connection)
            } else {
                Ok(true)
            }
        })
    }

    /// Runs `work` on the writer, behind the gate, for statements that cannot run inside a transaction.
    fn outside_transaction<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let held = self.core.owner.gate.pass(self.core.options.patience)?;
        let mut state = self
            .core
            .owner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let writer = self.writer_connection(&mut state)?;
        let done = work(&writer.connection).map_err(|error| self.error(&error));
        drop(state);
        drop(held);
        done
    }
}

fn write_back(connection: &Connection) -> rusqlite::Result<bool> {
    let busy: i64 =
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}
