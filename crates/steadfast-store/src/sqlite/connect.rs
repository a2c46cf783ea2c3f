//! How a connection is opened and set up, each setting with its reason.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::codes::BUSY_WAIT_MS;
use super::{Access, journal};
use crate::files::Disk;
use crate::sabotage::{self, Sabotage};

/// Opens the file without creating it and without changing a byte of it.
pub(super) fn open(
    disk: &dyn Disk,
    database: &Path,
    access: Access,
) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let (read_only, read_write) = (
        flags | OpenFlags::SQLITE_OPEN_READ_ONLY,
        flags | OpenFlags::SQLITE_OPEN_READ_WRITE,
    );
    let immutable = || PathBuf::from(immutable_uri(database));
    let (path, flags) = match access {
        Access::ReadWrite => (database.to_owned(), read_write),
        Access::ReadOnly => (database.to_owned(), read_only),
        Access::Immutable => (immutable(), read_only | OpenFlags::SQLITE_OPEN_URI),
    };
    let connection = match disk.vfs() {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
        None => Connection::open_with_flags(path, flags)?,
    };
    connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS))?;
    // A handle that turns out to be too old, or that only reads, must not
    // write the WAL back into the file when it happens to close last.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // The file may come from anywhere: nothing in its schema is to run, and
    // no cell is to be trusted before it is checked.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // One plan for one statement: else a statement is prepared anew whenever a value
    // is bound that the planner could look up in its statistics, which we never gather.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.execute_batch(
        "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0;",
    )?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

/// Opens a connection that can only query.
///
/// `mmap_size` stays 0: a mapped file that is cut short would kill the process
/// with a signal instead of giving an error.
pub(super) fn reader(
    disk: &dyn Disk,
    database: &Path,
    access: Access,
) -> rusqlite::Result<Connection> {
    let connection = open(disk, database, access)?;
    make_reader(&connection)?;
    Ok(connection)
}

pub(super) fn make_reader(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA query_only=ON; PRAGMA cache_size=-32768;")
}

/// Opens the connection that writes, in the journal mode of the store.
pub(super) fn writer(disk: &dyn Disk, database: &Path, mode: &str) -> rusqlite::Result<Connection> {
    let connection = open(disk, database, Access::ReadWrite)?;
    if mode != journal::WAL && !journal::switch_to_truncate(&connection)? {
        return Err(mode_refused());
    }
    // An acknowledged commit is on the disk: a log is flushed by us after the gate (see
    // `flush`), a rollback journal by SQLite inside the commit. secure_delete: what is
    // forgotten is overwritten, not only unlinked. The checkpoint interval of
    // 16 MiB bounds both the WAL and the recovery after a crash.
    let synchronous = if mode == journal::WAL {
        "NORMAL"
    } else if sabotage::is(Sabotage::SynchronousOff) {
        "OFF"
    } else {
        "FULL"
    };
    connection.execute_batch(&format!(
        "PRAGMA synchronous={synchronous}; PRAGMA secure_delete=ON; PRAGMA wal_autocheckpoint=4000;
         PRAGMA cache_size=-16384;"
    ))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok(connection)
}

/// The error for a journal mode that SQLite did not take, seen by reading it back.
pub(super) fn mode_refused() -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
        Some("the journal mode was not taken: the file is in use".to_owned()),
    )
}

fn immutable_uri(database: &Path) -> String {
    let path = database
        .to_string_lossy()
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    format!("file:{path}?immutable=1")
}
