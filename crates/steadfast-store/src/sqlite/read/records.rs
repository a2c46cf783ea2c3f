//! Collections and their records.

use rusqlite::{Connection, OptionalExtension as _, params};
use steadfast_model::{CollectionKey, CollectionSpace, Distance, Row, RowSet, StoredCollection};

use super::attributes::by_number;
use super::{SqliteSnapshot, vectors};
use crate::error::StoreError;
use crate::records::EachVector;

const COLUMNS: &str = "c.collection, c.name, c.distance, c.meta, c.given, s.dimensions
    FROM collections c LEFT JOIN spaces s ON s.space = c.space";

/// Rows of the key range are read in one sweep when at least one in this many of them is wanted.
const SWEEP_SHARE: usize = 8;

/// A collection and the number of its space.
pub(in crate::sqlite) struct Found {
    pub(in crate::sqlite) collection: StoredCollection,
    pub(in crate::sqlite) space: Option<i64>,
}

/// Returns a collection by its key.
pub(in crate::sqlite) fn find(
    connection: &Connection,
    key: CollectionKey,
) -> rusqlite::Result<Option<Found>> {
    connection
        .prepare_cached(&format!(
            "SELECT {} WHERE c.collection = ?1",
            COLUMNS.replacen(" FROM", ", c.space FROM", 1)
        ))?
        .query_row([key.0], |row| {
            Ok(Found {
                collection: decode(row)?,
                space: row.get(6)?,
            })
        })
        .optional()
}

/// Returns a collection by its name.
pub(in crate::sqlite) fn find_named(
    connection: &Connection,
    name: &str,
) -> rusqlite::Result<Option<StoredCollection>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} WHERE c.name = ?1"))?
        .query_row([name], decode)
        .optional()
}

/// Returns the row of the record that a document holds, when it is there.
const ROW_OF_ID: &str = "SELECT c.row FROM documents d JOIN chunks c INDEXED BY chunks_order
    ON c.document = d.document AND c.removed_seq IS NULL WHERE d.namespace = ?1 AND d.source = ?2";

impl SqliteSnapshot<'_> {
    /// Returns all collections, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn collections(&self) -> Result<Vec<StoredCollection>, StoreError> {
        if !self.knows("collections")? {
            return Ok(Vec::new());
        }
        self.sql(|connection| {
            connection
                .prepare_cached(&format!("SELECT {COLUMNS} ORDER BY c.name"))?
                .query_map([], decode)?
                .collect()
        })
    }

    /// Returns the collection of a name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn collection(&self, name: &str) -> Result<Option<StoredCollection>, StoreError> {
        if !self.knows("collections")? {
            return Ok(None);
        }
        self.sql(|connection| find_named(connection, name))
    }

    /// Returns every row that a collection was ever given, live or history, as pairs of first and last row;
    /// none asks for all collections, also those that are gone.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn record_ranges(
        &self,
        collection: Option<CollectionKey>,
    ) -> Result<Vec<(Row, Row)>, StoreError> {
        if !self.knows("collections")? {
            return Ok(Vec::new());
        }
        let range = |row: &rusqlite::Row<'_>| Ok((Row(row.get(0)?), Row(row.get(1)?)));
        self.sql(|connection| match collection {
            Some(key) => connection
                .prepare_cached(
                    "SELECT first_row, last_row FROM record_ranges WHERE collection = ?1
                     ORDER BY first_row",
                )?
                .query_map([key.0], range)?
                .collect(),
            None => connection
                .prepare_cached("SELECT first_row, last_row FROM record_ranges ORDER BY first_row")?
                .query_map([], range)?
                .collect(),
        })
    }

    /// Returns the rows of [`Self::record_ranges`].
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn rows_in_ranges(&self, collection: Option<CollectionKey>) -> Result<RowSet, StoreError> {
        let mut rows = RowSet::new();
        for (first, last) in self.record_ranges(collection)? {
            rows.insert_range(first, last);
        }
        Ok(rows)
    }

    /// Returns the row of each record asked for; none for an id that is not there.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn record_rows(
        &self,
        collection: &StoredCollection,
        ids: &[&str],
    ) -> Result<Vec<Option<Row>>, StoreError> {
        let Ok(namespace) = collection.namespace() else {
            return Err(StoreError::MalformedNamespace(collection.name.clone()));
        };
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(ROW_OF_ID)?;
            ids.iter()
                .map(|id| {
                    statement
                        .query_row(params![namespace.as_str(), id], |row| Ok(Row(row.get(0)?)))
                        .optional()
                })
                .collect()
        })
    }

    /// Hands over the vectors of these rows in the space of their collection, in order of row.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn record_vectors(
        &self,
        collection: &StoredCollection,
        rows: &RowSet,
        each: &mut EachVector<'_>,
    ) -> Result<(), StoreError> {
        let space = match collection.space {
            CollectionSpace::Undecided => None,
            CollectionSpace::Model => self.head.space,
            CollectionSpace::Given { .. } => self
                .sql(|connection| find(connection, collection.key))?
                .and_then(|found| found.space),
        };
        let mut listed = rows.iter();
        let (Some(space), Some(first)) = (space, listed.next()) else {
            return Ok(());
        };
        let last = listed.last().unwrap_or(first);
        let span = (last.0 - first.0) as usize + 1;
        if rows.len() * SWEEP_SHARE < span {
            return self.vectors_in(space, rows.iter(), each);
        }
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT vector, hash, vector_key & 4294967295 FROM vectors
                 WHERE vector_key >= ?1 AND vector_key <= ?2 ORDER BY vector_key",
            )?;
            let key = |row: Row| space << 32 | i64::from(row.0);
            let mut found = statement.query([key(first), key(last)])?;
            let mut buffer = Vec::new();
            while let Some(columns) = found.next()? {
                let row = Row(columns.get(2)?);
                if rows.contains(row) && !each(row, vectors::decode(row, columns, 0, &mut buffer)?)
                {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Hands over every vector that callers gave for records of collections that are there, live or history, until
    /// `each` returns false.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_given_vector(&self, each: &mut EachVector<'_>) -> Result<(), StoreError> {
        if !self.knows("collections")? {
            return Ok(());
        }
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT v.vector, v.hash, v.vector_key & 4294967295 FROM collections c JOIN vectors v
                 ON v.vector_key > c.space << 32 AND v.vector_key < (c.space + 1) << 32 WHERE c.given",
            )?;
            let mut found = statement.query([])?;
            let mut buffer = Vec::new();
            while let Some(columns) = found.next()? {
                let row = Row(columns.get(2)?);
                if !each(row, vectors::decode(row, columns, 0, &mut buffer)?) {
                    break;
                }
            }
            Ok(())
        })
    }
}

fn decode(row: &rusqlite::Row<'_>) -> rusqlite::Result<StoredCollection> {
    let number: i64 = row.get(2)?;
    let distance = by_number(&Distance::ALL, number)
        .ok_or(rusqlite::Error::IntegralValueOutOfRange(2, number))?;
    let meta: String = row.get(3)?;
    let dimensions = row.get::<_, Option<i64>>(5)?;
    let space = match (row.get::<_, Option<bool>>(4)?, dimensions) {
        (None, _) => CollectionSpace::Undecided,
        (Some(true), Some(dimensions)) => CollectionSpace::Given {
            dimensions: usize::try_from(dimensions).unwrap_or(0),
        },
        (Some(_), _) => CollectionSpace::Model,
    };
    Ok(StoredCollection {
        key: CollectionKey(row.get(0)?),
        name: row.get(1)?,
        distance,
        meta: serde_json::from_str(&meta).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(
                3,
                rusqlite::types::Type::Text,
                Box::new(error),
            )
        })?,
        space,
    })
}
