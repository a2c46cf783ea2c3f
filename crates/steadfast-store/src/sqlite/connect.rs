//! How a connection is opened and set up, each setting with its reason.

use std::ffi::{CStr, CString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::vtab::array;
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};

use super::codes::BUSY_WAIT_MS;
use super::{Access, alone, journal};
use crate::files::Disk;
use crate::sabotage::{self, Sabotage};

/// The numbers by which SQLite tells these settings.
const TEMP_STORE_MEMORY: i64 = 2;
const SYNCHRONOUS_NORMAL: i64 = 1;
pub(super) const SYNCHRONOUS_FULL: i64 = 2;
pub(super) const SYNCHRONOUS_EXTRA: i64 = 3;

/// Opens the file without creating it and without changing a byte of it.
pub(super) fn open(
    disk: &dyn Disk,
    database: &Path,
    access: Access,
) -> rusqlite::Result<Connection> {
    let vfs = disk.vfs().map(CString::new).transpose()?;
    open_through(vfs.as_deref(), database, access)
}

fn open_through(
    vfs: Option<&CStr>,
    database: &Path,
    access: Access,
) -> rusqlite::Result<Connection> {
    alone::check(database)?;
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
    let connection = match vfs {
        Some(vfs) => Connection::open_with_flags_and_vfs(path, flags, vfs)?,
        None => Connection::open_with_flags(path, flags)?,
    };
    connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS))?;
    // A handle that turns out to be too old, or that only reads, must not write the WAL back into
    // the file when it happens to close last; one that writes may when the log is flushed (`flush`).
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    set(&connection, "wal_autocheckpoint", 0)?;
    // What macOS calls a flush stops in the cache of the disk unless it is asked for more; our own flushes ask for it.
    if cfg!(target_vendor = "apple") {
        set(&connection, "fullfsync", 1)?;
        set(&connection, "checkpoint_fullfsync", 1)?;
    }
    // The file may come from anywhere: nothing in its schema is to run, and
    // no cell is to be trusted before it is checked.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // A store has neither: what stands there is of a foreign hand, and would undo what we write or say.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    // One plan for one statement: else a statement is prepared anew whenever a value
    // is bound that the planner could look up in its statistics, which we never gather.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    set(&connection, "trusted_schema", 0)?;
    set(&connection, "cell_size_check", 1)?;
    set(&connection, "temp_store", TEMP_STORE_MEMORY)?;
    set(&connection, "mmap_size", 0)?;
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
    set(connection, "query_only", 1)?;
    // Many rows are asked for in one statement, given as `rarray(?)`.
    array::load_module(connection)?;
    set(connection, "cache_size", -32_768)
}

/// How often a writer is opened until the journal is the one that it was opened for.
const WRITER_TRIES: usize = 4;

/// Opens the connection that writes, in the journal mode that the file has now, and returns that mode.
///
/// `mode` is the one that it had before. Who was asked to convert the store since has done so for all: nothing is
/// converted here.
pub(super) fn writer(
    disk: &dyn Disk,
    database: &Path,
    mode: &'static str,
) -> rusqlite::Result<(Connection, &'static str)> {
    let mut mode = mode;
    for _ in 0..WRITER_TRIES {
        let connection = if mode == journal::WAL
            && let Some(vfs) = steadfast_vfs::over(disk.vfs())
        {
            open_through(Some(vfs), database, Access::ReadWrite)?
        } else {
            open(disk, database, Access::ReadWrite)?
        };
        let found = journal::settle(&connection)?;
        if found == mode {
            return make_writer(connection, mode).map(|connection| (connection, mode));
        }
        mode = found;
    }
    Err(mode_refused())
}

fn make_writer(connection: Connection, mode: &str) -> rusqlite::Result<Connection> {
    // An acknowledged commit is on the disk: a log is flushed by us after the gate (see
    // `flush`), a rollback journal by SQLite inside the commit. secure_delete: what is
    // forgotten is overwritten, not only unlinked.
    let synchronous = if mode == journal::WAL {
        SYNCHRONOUS_NORMAL
    } else if sabotage::is(Sabotage::SynchronousOff) {
        0
    } else {
        SYNCHRONOUS_FULL
    };
    set(&connection, "synchronous", synchronous)?;
    set(&connection, "secure_delete", 1)?;
    set(&connection, "cache_size", -16_384)?;
    // From its first read on SQLite keeps the log beside the file until this connection closes.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Sets a pragma and proves by reading it back that it is in force: SQLite takes one that it does not know, or
/// does not allow here, without a word.
///
/// # Errors
/// What SQLite says, and an error of its own when another value is in force.
pub(super) fn set(connection: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    connection.execute_batch(&format!("PRAGMA {name}={value}"))?;
    let found: Option<i64> = connection
        .query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
        .optional()?;
    // A file that cannot be mapped has no limit for that, and says nothing.
    let is_taken = found == Some(value) || (found.is_none() && name == "mmap_size");
    if is_taken {
        return Ok(());
    }
    Err(rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_MISUSE),
        Some(format!(
            "PRAGMA {name}={value} was not taken: {found:?} is in force"
        )),
    ))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pragma_that_is_not_taken_is_an_error() {
        let connection = Connection::open_in_memory().unwrap();
        set(&connection, "synchronous", SYNCHRONOUS_FULL).unwrap();
        for (name, value) in [
            ("no_such_pragma", 1),
            ("secure_delete", 9),
            ("busy_timeout", -7),
        ] {
            let error = set(&connection, name, value).unwrap_err();
            assert!(error.to_string().contains("not taken"), "{name}: {error}");
        }
        // Inside a transaction it is refused, and was ignored by older versions.
        connection.execute_batch("BEGIN").unwrap();
        assert!(set(&connection, "synchronous", SYNCHRONOUS_EXTRA).is_err());
    }
}
