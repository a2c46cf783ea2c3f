//! A new database takes the place of the damaged one, inside SQLite's own transaction.
//!
//! The pages of the new one are written over the old by the backup interface, in
//! one transaction with SQLite's journal or log: a kill leaves the old or the
//! new, whole, and side files are never touched by hand. `RESET_DATABASE` lets
//! that begin on a file whose header says nothing sensible.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;

use super::super::flush::SharedFlush;
use super::super::{Access, alone, codes, connect};
use crate::error::StoreError;
use crate::files::Disk;

/// Writes the database at `new` over the one at `database`, whatever that holds.
///
/// The caller holds the gates of the store and has a copy of what was there.
///
/// # Errors
/// [`StoreError::Busy`] when somebody reads or writes there; others when the system refuses. The database is
/// then as it was.
///
/// # Durability
/// The new content is on the disk when this returns.
pub fn replace_database(disk: &dyn Disk, new: &Path, database: &Path) -> Result<(), StoreError> {
    let failed = |error: rusqlite::Error| codes::translate(database, &error);
    let from = connect::reader(disk, new, Access::Immutable).map_err(failed)?;
    alone::pad(disk, database)?;
    let mut to = connect::open(disk, database, Access::ReadWrite).map_err(failed)?;
    to.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, false)
        .map_err(failed)?;
    // It is read once as it is, so that a log beside it is found and stays in use.
    drop(
        to.query_row("SELECT count(*) FROM sqlite_schema", [], |row| {
            row.get::<_, i64>(0)
        }),
    );
    let flushes = SharedFlush::of(database.parent().unwrap_or(database));
    // Frames behind a hole would be cut off with it, and what lies before it would come back.
    flushes
        .settle_and_flush(database, disk, None)
        .map_err(|error| StoreError::from_io(database, &error))?;
    to.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, true)
        .map_err(failed)?;
    // This reads the schema, which a damaged file does not have before.
    let copied = to
        .execute_batch("PRAGMA synchronous=EXTRA")
        .and_then(|()| copy(&from, &mut to));
    to.set_db_config(DbConfig::SQLITE_DBCONFIG_RESET_DATABASE, false)
        .map_err(failed)?;
    if copied.is_err() {
        // The frames may lie in the log although SQLite could not flush them: the next process finds them there.
        flushes.doubt(database);
    }
    match copied.map_err(failed)? {
        StepResult::Done => {}
        StepResult::More | StepResult::Busy | StepResult::Locked | _ => {
            return Err(StoreError::Busy {
                what: database.display().to_string(),
                waited_ms: codes::BUSY_WAIT_MS,
            });
        }
    }
    // A log is written back and flushed, so that what lies in the file is what was proven.
    to.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .map_err(failed)
}

fn copy(from: &Connection, to: &mut Connection) -> rusqlite::Result<StepResult> {
    let backup = Backup::new(from, to)?;
    backup.step(-1)
}
