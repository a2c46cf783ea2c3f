//! Vectors by row and in order, each checked against its hash.

use rusqlite::Connection;
use steadfast_model::{CollectionSpace, Row, RowSet, Seq, Vector};

use super::{SqliteSnapshot, wanted};
use crate::error::StoreError;
use crate::sqlite::spaces;
use crate::sqlite::write::vector_hash;

/// Hears vectors. None stands for one that does not have its hash.
pub type Vectors<'f> = dyn FnMut(Row, Option<&[f32]>) -> bool + 'f;

impl SqliteSnapshot<'_> {
    /// Hands over the vector of each given row that has one in the active space, until `each` returns false.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn vectors(&self, rows: &[Row], each: &mut Vectors<'_>) -> Result<(), StoreError> {
        match self.head.space {
            Some(space) => self.vectors_in(space, rows.iter().copied(), each),
            None => Ok(()),
        }
    }

    /// Hands over the vector of each given row that has one in a space, until `each` returns false.
    pub(super) fn vectors_in(
        &self,
        space: i64,
        rows: impl Iterator<Item = Row>,
        each: &mut Vectors<'_>,
    ) -> Result<(), StoreError> {
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT vector, hash, vector_key & 4294967295
                 FROM rarray(?1) wanted CROSS JOIN vectors ON vector_key = wanted.value",
            )?;
            let wanted = wanted(rows.map(|row| space << 32 | i64::from(row.0)));
            let mut found = statement.query([wanted])?;
            let mut buffer = Vec::new();
            while let Some(columns) = found.next()? {
                let row = Row(columns.get(2)?);
                if !each(row, decode(row, columns, 0, &mut buffer)?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Hands over every vector of the active space above the row `after`, in order of row, live or history.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_vector(&self, after: Row, each: &mut Vectors<'_>) -> Result<(), StoreError> {
        let Some(space) = self.head.space else {
            return Ok(());
        };
        self.sql(|connection: &Connection| {
            let mut statement = connection.prepare_cached(
                "SELECT vector, hash, vector_key & 4294967295 FROM vectors
                 WHERE vector_key > ?1 AND vector_key < ?2 ORDER BY vector_key",
            )?;
            let mut found =
                statement.query([space << 32 | i64::from(after.0), (space + 1) << 32])?;
            let mut buffer = Vec::new();
            while let Some(columns) = found.next()? {
                let row = Row(columns.get(2)?);
                if !each(row, decode(row, columns, 0, &mut buffer)?) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Returns the rows up to `last` whose vector came later than they did, in a commit after `seq`, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn late_vectors(&self, seq: Seq, last: Row) -> Result<Vec<Row>, StoreError> {
        if !self.knows("late_vectors")? {
            return Ok(Vec::new());
        }
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT row FROM late_vectors WHERE seq > ?1 AND row <= ?2 ORDER BY row",
                )?
                .query_map([seq.0.cast_signed(), i64::from(last.0)], |row| {
                    Ok(Row(row.get(0)?))
                })?
                .collect()
        })
    }

    /// Returns the live rows whose vector in the active space is still to come, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn pending_vectors(&self) -> Result<Vec<Row>, StoreError> {
        if self.has_other_models()? {
            return self.lacking_vectors(&self.live_rows()?);
        }
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT row FROM chunks WHERE vector_state = 2 AND removed_seq IS NULL ORDER BY row")?
                .query_map([], |row| Ok(Row(row.get(0)?)))?
                .collect()
        })
    }

    /// Returns whether a model other than that of the active space has embedded anything in the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn has_other_models(&self) -> Result<bool, StoreError> {
        self.sql(|connection| spaces::has_other_models(connection, self.head.space))
    }

    /// Returns those of some rows that wait for their vector in the active space, ascending; only where
    /// [`Self::has_other_models`] is true.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn lacking_vectors(&self, rows: &RowSet) -> Result<Vec<Row>, StoreError> {
        let mut waiting = rows.clone();
        for collection in self.collections()? {
            if matches!(collection.space, CollectionSpace::Given { .. }) {
                waiting.subtract(&self.rows_in_ranges(Some(collection.key))?);
            }
        }
        let Some(space) = self.head.space else {
            return Ok(waiting.iter().collect());
        };
        self.sql(|connection| {
            let mut vector = connection
                .prepare_cached("SELECT EXISTS (SELECT 1 FROM vectors WHERE vector_key = ?1)")?;
            let marks = spaces::find_marks(connection, self.store.model())?;
            let mut has = |space: i64, row: Row| {
                vector.query_row([space << 32 | i64::from(row.0)], |found| {
                    found.get::<_, bool>(0)
                })
            };
            let mut lacking = Vec::new();
            for row in waiting.iter() {
                let is_settled = has(space, row)?
                    || match marks {
                        Some(marks) => has(marks, row)?,
                        None => false,
                    };
                if !is_settled {
                    lacking.push(row);
                }
            }
            Ok(lacking)
        })
    }
}

pub(super) fn decode<'b>(
    row: Row,
    columns: &rusqlite::Row<'_>,
    first: usize,
    buffer: &'b mut Vec<f32>,
) -> rusqlite::Result<Option<&'b [f32]>> {
    let bytes = columns.get_ref(first)?.as_bytes()?;
    let hash = columns.get_ref(first + 1)?.as_bytes()?;
    if vector_hash(row, bytes) != hash {
        return Ok(None);
    }
    Vector::decode_into(bytes, buffer);
    Ok(Some(buffer))
}
