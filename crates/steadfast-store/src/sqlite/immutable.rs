//! Reading a store as plain files, which others may write all the same: a mount that is read-only here is not so
//! elsewhere.
//!
//! SQLite is told that such a file cannot change, and then takes no lock and keeps what it has read. So each view gets
//! a connection of its own, made for the files as they are then; and an error from files that have changed since says
//! that somebody writes, not that they are damaged. What is deliberately not here: a look at the files after each
//! statement. What a writer changes in between is found by the hashes of the texts.

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rusqlite::Connection;

use super::ladder::read_state;
use super::{Access, DATABASE, connect};
use crate::error::StoreError;
use crate::files::Disk;

/// The files of a store as the last view found them.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<Option<Stamp>>);

/// What tells that files have changed, as far as the system tells without reading them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    modified: Option<SystemTime>,
    log_length: u64,
}

impl Stamp {
    fn of(database: &Path) -> Self {
        let found = std::fs::metadata(database);
        let log = database.with_file_name(format!("{DATABASE}-wal"));
        Self {
            length: found.as_ref().map_or(0, std::fs::Metadata::len),
            modified: found.and_then(|found| found.modified()).ok(),
            log_length: std::fs::metadata(log).map_or(0, |found| found.len()),
        }
    }
}

impl Watched {
    /// Opens a reader for the files as they are now: one that sees the log where that can be had, otherwise one of a
    /// file that is taken for immutable. None when a log holds commits that this one would pass over.
    ///
    /// # Errors
    /// What SQLite says.
    pub(super) fn reader(
        &self,
        disk: &dyn Disk,
        database: &Path,
    ) -> rusqlite::Result<Option<Connection>> {
        let stamp = Stamp::of(database);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamp);
        let plain = connect::reader(disk, database, Access::ReadOnly)
            .and_then(|connection| read_state(&connection).map(|_| connection));
        if let Ok(connection) = plain {
            return Ok(Some(connection));
        }
        if stamp.log_length > 0 {
            return Ok(None);
        }
        connect::reader(disk, database, Access::Immutable).map(Some)
    }

    /// Returns the error as it is, or that somebody writes where it speaks of damage and the files are others by now.
    pub(super) fn judge(&self, database: &Path, error: StoreError) -> StoreError {
        let seen = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(error, StoreError::Damaged { .. }) && seen != Some(Stamp::of(database)) {
            return somebody_writes(database);
        }
        error
    }
}

/// Returns the error for files that cannot be read right now, since another process is at them.
pub(super) fn somebody_writes(database: &Path) -> StoreError {
    StoreError::Busy {
        what: database.display().to_string(),
        waited_ms: 0,
    }
}

#[cfg(test)]
mod tests {
    use steadfast_model::Fault as _;

    use super::*;
    use crate::files::SystemDisk;

    fn count(watched: &Watched, database: &Path) -> Option<i64> {
        let connection = watched.reader(&SystemDisk, database).unwrap()?;
        let count = "SELECT count(*) FROM t";
        Some(connection.query_row(count, [], |row| row.get(0)).unwrap())
    }

    #[test]
    fn each_reader_is_of_the_files_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join(DATABASE);
        let writer = Connection::open(&database).unwrap();
        writer.execute_batch("CREATE TABLE t (a)").unwrap();
        let watched = Watched::default();
        for wanted in 0..3 {
            assert_eq!(count(&watched, &database), Some(wanted));
            writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        }
        writer.execute_batch("PRAGMA journal_mode=WAL").unwrap();
        writer.execute("INSERT INTO t VALUES (1)", []).unwrap();
        assert_eq!(count(&watched, &database), Some(4), "the log is read");
    }

    #[test]
    fn an_error_from_files_that_somebody_changed_is_no_damage() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join(DATABASE);
        Connection::open(&database)
            .unwrap()
            .execute_batch("CREATE TABLE t (a)")
            .unwrap();
        let watched = Watched::default();
        assert_eq!(count(&watched, &database), Some(0));
        let damaged = || StoreError::Damaged {
            path: folder.path().to_owned(),
            what: "a page".to_owned(),
        };
        assert_eq!(watched.judge(&database, damaged()).kind(), "damaged");
        std::fs::write(&database, b"another length").unwrap();
        assert_eq!(watched.judge(&database, damaged()).kind(), "busy");
        assert_eq!(
            watched.judge(&database, StoreError::Full).kind(),
            "store_full"
        );
    }
}
