//! One change of an SQLite file of another program: in place, in one transaction, with everybody else locked out.
//!
//! Invariants: nothing of the foreign schema runs, neither triggers nor views;
//! all of it happens or nothing; the journal mode stays what it is. What is
//! deliberately not here: what is changed.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, OpenFlags, ToSql};

use super::super::codes::translate;
use super::ForeignValue;
use crate::error::StoreError;

/// A transaction on a foreign file; taken back when it is dropped before [`ForeignEdit::commit`].
#[derive(Debug)]
pub struct ForeignEdit {
    connection: Connection,
    path: PathBuf,
}

impl ForeignEdit {
    /// Opens the file and locks everybody else out of it. What an interrupted writer left is played back first.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when another process is at it for longer than `patience`; others when it cannot be opened.
    pub fn begin(path: &Path, patience: Duration) -> Result<Self, StoreError> {
        let failed = |error: rusqlite::Error| translate(path, &error);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_EXRESCODE;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        connection.busy_timeout(patience).map_err(failed)?;
        for (setting, value) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
        ] {
            connection.set_db_config(setting, value).map_err(failed)?;
        }
        connection
            .execute_batch(
                "PRAGMA trusted_schema=OFF; PRAGMA foreign_keys=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;
                 PRAGMA synchronous=EXTRA; PRAGMA temp_store=MEMORY; BEGIN EXCLUSIVE;",
            )
            .map_err(failed)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
        })
    }

    /// Runs one statement; returns how many rows it changed.
    ///
    /// # Errors
    /// [`StoreError`]; the transaction is to be dropped then.
    pub fn change(&self, sql: &str, values: &[ForeignValue]) -> Result<usize, StoreError> {
        let values = rusqlite::params_from_iter(values);
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(values))
            .map_err(|error| translate(&self.path, &error))
    }

    /// Makes all of it permanent.
    ///
    /// # Errors
    /// [`StoreError`]; nothing has happened then.
    ///
    /// # Durability
    /// The changes survive a loss of power when this returns.
    pub fn commit(self) -> Result<(), StoreError> {
        self.connection
            .execute_batch("COMMIT")
            .map_err(|error| translate(&self.path, &error))
    }
}

impl ToSql for ForeignValue {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Null => Ok(ToSqlOutput::from(rusqlite::types::Null)),
            Self::Integer(number) => number.to_sql(),
            Self::Real(number) => number.to_sql(),
            Self::Text(text, _) => text.to_sql(),
            Self::Blob(bytes) => bytes.to_sql(),
        }
    }
}
