//! The reading half: one snapshot, short statements, every hash checked.

pub(in crate::sqlite) mod attributes;
mod context;
pub(in crate::sqlite) mod documents;
pub(in crate::sqlite) mod fetch;
pub(in crate::sqlite) mod history;
mod listing;
pub(in crate::sqlite) mod place;
pub(in crate::sqlite) mod records;
pub(in crate::sqlite) mod roots;
mod scope;
mod tail;
mod vectors;

use std::rc::Rc;

use rusqlite::types::Value;
use rusqlite::vtab::array::Array;
use rusqlite::{Connection, OptionalExtension as _};
use steadfast_model::{Row, Seq};

use super::{SqliteStore, schema};
use crate::error::StoreError;

pub use scope::RowScope;
pub use vectors::Vectors;

/// A view of one moment of the ground state: one read transaction on one pooled connection.
pub struct SqliteSnapshot<'store> {
    store: &'store SqliteStore,
    /// None only while the snapshot is being dropped.
    connection: Option<Connection>,
    head: Head,
}

/// The counters of the store at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Head {
    /// The last commit.
    pub seq: Seq,
    /// The last row that was given out.
    pub last_row: Row,
    /// Live chunks.
    pub live_chunks: u64,
    /// Tokens in live chunks.
    pub live_tokens: u64,
    /// The number of the active vector space, if it was ever written.
    pub space: Option<i64>,
}

impl<'store> SqliteSnapshot<'store> {
    pub(super) fn begin(
        store: &'store SqliteStore,
        connection: Connection,
    ) -> Result<Self, StoreError> {
        let (head, schema) = (|| {
            connection.prepare_cached("BEGIN")?.execute([])?;
            let schema = schema::version(&connection)?;
            let mut head = read_head(&connection)?;
            head.space = match store.core.space.get() {
                Some(space) => Some(*space),
                None => find_space(&connection, &store.model().hash)?,
            };
            Ok((head, schema))
        })()
        .map_err(|error| store.error(&error))?;
        store.check_known(schema)?;
        Ok(Self {
            store,
            connection: Some(connection),
            head,
        })
    }

    /// Returns the counters at this moment.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Returns the store this is a view of.
    pub fn store(&self) -> &'store SqliteStore {
        self.store
    }

    fn sql<T>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let connection = self
            .connection
            .as_ref()
            .ok_or_else(|| StoreError::Internal("the snapshot is closed".to_owned()))?;
        work(connection).map_err(|error| self.store.error(&error))
    }
}

impl Drop for SqliteSnapshot<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take()
            && connection
                .prepare_cached("ROLLBACK")
                .and_then(|mut statement| statement.execute([]))
                .is_ok()
        {
            self.store.core.owner.give_back(connection);
        }
    }
}

/// Returns keys as one parameter, the table `rarray(?)` in a statement.
///
/// One statement for many rows is begun and ended once, and its cursor keeps the root of the table. With
/// CROSS JOIN after it, the rows come in the order of the keys (<https://sqlite.org/optoverview.html#crossjoin>).
fn wanted(keys: impl Iterator<Item = i64>) -> Array {
    Rc::new(keys.map(Value::Integer).collect())
}

/// Returns whether a value was read, and is none that can have been written: damage to one row, not to the file.
fn is_malformed(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..)
    )
}

fn read_head(connection: &Connection) -> rusqlite::Result<Head> {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    connection
        .prepare_cached("SELECT seq, next_row, live_chunks, live_tokens FROM store WHERE one = 1")?
        .query_row([], |row| {
            Ok(Head {
                seq: Seq(unsigned(row.get(0)?)),
                last_row: Row(u32::try_from(row.get::<_, i64>(1)? - 1).unwrap_or(0)),
                live_chunks: unsigned(row.get(2)?),
                live_tokens: unsigned(row.get(3)?),
                space: None,
            })
        })
}

/// Returns the number of a vector space, when it was ever written down.
pub(in crate::sqlite) fn find_space(
    connection: &Connection,
    model_hash: &[u8],
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT space FROM spaces WHERE hash = ?1")?
        .query_row([model_hash], |row| row.get(0))
        .optional()
}
