//! Which journal a store uses, and how it is set and proven.

use rusqlite::Connection;

use super::connect;

/// Which journal is wanted.
///
/// Both are used with `synchronous=FULL`. WAL gives eight times the writes and
/// lets readers go on while a writer commits; TRUNCATE needs no shared memory
/// and works on network and user-space file systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Journal {
    /// Keep what the store has; for a new one WAL where that works.
    #[default]
    Auto,
    /// WAL.
    Wal,
    /// A rollback journal that is truncated after each commit.
    Truncate,
}

pub(super) const WAL: &str = "wal";
pub(super) const TRUNCATE: &str = "truncate";

/// Returns the journal mode in force.
pub(super) fn current(connection: &Connection) -> rusqlite::Result<String> {
    connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))
}

/// Switches a file to WAL and proves it; false when SQLite keeps another mode.
///
/// With `synchronous=EXTRA` while switching, no journal of the old mode can
/// come back after a power cut: with FULL, 845 of 1,887 simulated cuts on a
/// file system with unordered metadata lost the schema; with EXTRA, none of 1,890.
pub(super) fn switch_to_wal(connection: &Connection) -> rusqlite::Result<bool> {
    connect::set(connection, "synchronous", connect::SYNCHRONOUS_EXTRA)?;
    let mode: String = connection.query_row("PRAGMA journal_mode=WAL", [], |row| row.get(0))?;
    connect::set(connection, "synchronous", connect::SYNCHRONOUS_FULL)?;
    // The first read is what needs shared memory: where it cannot be had, that shows here.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(mode.eq_ignore_ascii_case(WAL))
}

/// Puts a connection, and a WAL file if it is one, into TRUNCATE mode and proves it.
///
/// The mode is a property of the connection, so every one that writes sets it
/// again. On a WAL file SQLite takes the exclusive lock, checkpoints every
/// frame and removes the side files itself; while anybody else has the file
/// open that is refused as busy.
pub(super) fn switch_to_truncate(connection: &Connection) -> rusqlite::Result<bool> {
    let mode: String =
        connection.query_row("PRAGMA journal_mode=TRUNCATE", [], |row| row.get(0))?;
    Ok(mode.eq_ignore_ascii_case(TRUNCATE))
}
