//! Chunks by row, each text checked against the hash it was written with.

use rusqlite::{Connection, OptionalExtension as _};
use steadfast_model::{Chunk, ChunkId, ContentHash, DocumentKey, Row, Seq, StoreId};

use super::{SqliteSnapshot, attributes, is_malformed, place, wanted};
use crate::backend::Fetched;
use crate::error::StoreError;
use crate::sabotage::{self, Sabotage};

const SELECT: &str = "SELECT c.document, c.content_hash, c.text, c.added_seq, c.removed_seq, c.access_count,
    d.namespace, d.source,
    c.start_line, c.end_line, c.start_byte, c.end_byte, c.ordinal, c.position, c.heading_path, c.fidelity,
    f.kind, f.title, f.tags, f.meta, f.document_time, f.valid_from, f.valid_to, f.trust, c.row
    FROM rarray(?1) wanted CROSS JOIN chunks c ON c.row = wanted.value
    CROSS JOIN documents d ON d.document = c.document CROSS JOIN facets f ON f.facet = c.facet";

enum Found {
    Whole(Box<Chunk>),
    Damaged,
}

/// Returns all rows of a document, live and history, ascending.
pub(in crate::sqlite) fn rows_of(
    connection: &Connection,
    document: DocumentKey,
) -> rusqlite::Result<Vec<Row>> {
    let mut rows: Vec<Row> = connection
        .prepare_cached(
            "SELECT row FROM chunks WHERE document = ?1 AND removed_seq IS NULL
             UNION ALL SELECT row FROM chunks WHERE document = ?1 AND removed_seq IS NOT NULL",
        )?
        .query_map([document.0], |row| Ok(Row(row.get(0)?)))?
        .collect::<rusqlite::Result<_>>()?;
    rows.sort_unstable();
    Ok(rows)
}

impl SqliteSnapshot<'_> {
    /// Returns chunks by row, live or history; unknown rows are left out. One whose text or attributes are not what
    /// can have been written is damaged, and the others come all the same.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn fetch(&self, rows: &[Row]) -> Result<Fetched, StoreError> {
        let id = self.store.store_id();
        self.sql(|connection| {
            let mut fetched = Fetched::default();
            let mut statement = connection.prepare_cached(SELECT)?;
            let wanted = wanted(rows.iter().map(|row| i64::from(row.0)));
            let mut found = statement.query([wanted])?;
            while let Some(columns) = found.next()? {
                let row = Row(columns.get(24)?);
                match decode(&id, row, columns) {
                    Ok(Found::Whole(chunk)) => fetched.chunks.push(*chunk),
                    Ok(Found::Damaged) => fetched.damaged.push(row),
                    Err(error) if is_malformed(&error) => fetched.damaged.push(row),
                    Err(error) => return Err(error),
                }
            }
            Ok(fetched)
        })
    }

    /// Returns for each row the digest of the note that it belongs to; none for what is no note.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn notes(&self, rows: &[Row]) -> Result<Vec<Option<ContentHash>>, StoreError> {
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT f.note_digest FROM chunks c JOIN facets f ON f.facet = c.facet WHERE c.row = ?1",
            )?;
            rows.iter()
                .map(|row| {
                    let digest = statement
                        .query_row([row.0], |columns| columns.get::<_, Option<[u8; 32]>>(0))
                        .optional()?;
                    Ok(digest.flatten().map(ContentHash))
                })
                .collect()
        })
    }

    /// Returns the row of an id of this store, when there is such a row, live or history.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn resolve(&self, id: &ChunkId) -> Result<Option<Row>, StoreError> {
        let Some(row) = id.row_in(&self.store.store_id()) else {
            return Ok(None);
        };
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT row FROM chunks WHERE row = ?1")?
                .query_row([row.0], |row| Ok(Row(row.get(0)?)))
                .optional()
        })
    }

    /// Returns the live rows of the same document within `distance` places of `row`, with their distance.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn neighbours(&self, row: Row, distance: u32) -> Result<Vec<(i64, Row)>, StoreError> {
        self.sql(|connection| {
            let at: Option<(i64, i64)> = connection
                .prepare_cached("SELECT document, position FROM chunks WHERE row = ?1")?
                .query_row([row.0], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((document, position)) = at else {
                return Ok(Vec::new());
            };
            let mut found = connection
                .prepare_cached(
                    "SELECT position, row FROM chunks INDEXED BY chunks_order
                     WHERE document = ?1 AND position BETWEEN ?2 AND ?3 AND position <> ?4
                     AND removed_seq IS NULL",
                )?
                .query_map(
                    [
                        document,
                        position - i64::from(distance),
                        position + i64::from(distance),
                        position,
                    ],
                    |row| Ok((row.get::<_, i64>(0)? - position, Row(row.get(1)?))),
                )?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            found.sort_unstable();
            Ok(found)
        })
    }

    /// Hands the text of each live row above `after` to `each`, in order of row, until it returns false.
    /// A row whose text does not have its hash is handed over as none.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_live_text(
        &self,
        after: Row,
        each: &mut dyn FnMut(Row, Option<&str>) -> bool,
    ) -> Result<(), StoreError> {
        self.each_text("SELECT row, content_hash, text FROM chunks WHERE row > ?1 AND removed_seq IS NULL ORDER BY row", after, each)
    }

    /// Like [`Self::each_live_text`], over history too.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_row_text(
        &self,
        after: Row,
        each: &mut dyn FnMut(Row, Option<&str>) -> bool,
    ) -> Result<(), StoreError> {
        self.each_text(
            "SELECT row, content_hash, text FROM chunks WHERE row > ?1 ORDER BY row",
            after,
            each,
        )
    }

    /// Hands over the length in tokens of each live row.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_live_length(&self, each: &mut dyn FnMut(Row, u16)) -> Result<(), StoreError> {
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT row, tokens FROM chunks WHERE removed_seq IS NULL ORDER BY row",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                each(Row(row.get(0)?), row.get(1)?);
            }
            Ok(())
        })
    }

    fn each_text(
        &self,
        sql: &str,
        after: Row,
        each: &mut dyn FnMut(Row, Option<&str>) -> bool,
    ) -> Result<(), StoreError> {
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([after.0])?;
            while let Some(row) = rows.next()? {
                // A hash of another length is that of no text.
                let hash = row.get(1).map(ContentHash).ok();
                let bytes = row.get_ref(2)?.as_bytes().ok();
                let text = hash
                    .zip(bytes)
                    .and_then(|(hash, bytes)| checked(&hash, bytes));
                if !each(Row(row.get(0)?), text) {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// Returns the text, if it has its hash. Hashing also proves UTF-8, since only UTF-8 was hashed.
fn checked<'b>(hash: &ContentHash, bytes: &'b [u8]) -> Option<&'b str> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_right = sabotage::is(Sabotage::HashNotChecked) || ContentHash::of(text) == *hash;
    is_right.then_some(text)
}

fn decode(store: &StoreId, row: Row, columns: &rusqlite::Row<'_>) -> rusqlite::Result<Found> {
    let hash = ContentHash(columns.get(1)?);
    let Some(text) = checked(&hash, columns.get_ref(2)?.as_bytes()?) else {
        return Ok(Found::Damaged);
    };
    let Ok(namespace) = StoreError::namespace(columns.get(6)?) else {
        return Ok(Found::Damaged);
    };
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(Found::Whole(Box::new(Chunk::new(
        ChunkId::new(store, row),
        row,
        DocumentKey(columns.get(0)?),
        namespace,
        columns.get(7)?,
        attributes::decode(columns, 16)?,
        place::decode(columns, 8)?,
        text.to_owned(),
        hash,
        Seq(unsigned(columns.get(3)?)),
        columns
            .get::<_, Option<i64>>(4)?
            .map(|seq| Seq(unsigned(seq))),
        unsigned(columns.get(5)?),
    ))))
}
