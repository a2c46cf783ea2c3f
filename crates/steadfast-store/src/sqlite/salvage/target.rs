//! The new database: the schema of today, rows as they are taken in, accounts made anew at the end.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use steadfast_model::StoreId;

use super::column;
use super::source::Table;
use crate::sqlite::schema::{APPLICATION_ID, MIGRATIONS, SCHEMA};

pub(super) struct Target {
    pub(super) connection: Connection,
}

impl Target {
    pub(super) fn create(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        // Nobody uses the file before it is whole; it is flushed then.
        connection.execute_batch(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA locking_mode=EXCLUSIVE; BEGIN",
        )?;
        for migration in MIGRATIONS {
            connection.execute_batch(migration)?;
        }
        connection.execute_batch(&format!(
            "PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={SCHEMA};"
        ))?;
        Ok(Self { connection })
    }

    /// Returns the tables that are copied as they are: all but those that are proven row by row or made anew.
    pub(super) fn copied(&self) -> rusqlite::Result<Vec<Table>> {
        let names: Vec<String> = self
            .connection
            .prepare(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'
                 AND name NOT IN ('chunks', 'vectors', 'tags', 'tail') ORDER BY name",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        names.iter().map(|name| self.table(name)).collect()
    }

    pub(super) fn table(&self, name: &str) -> rusqlite::Result<Table> {
        let columns: Vec<(String, String)> = self
            .connection
            .prepare("SELECT name, type FROM pragma_table_info(?1)")?
            .query_map([name], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let sql: String = self.connection.query_row(
            "SELECT sql FROM sqlite_schema WHERE name = ?1",
            [name],
            |row| row.get(0),
        )?;
        Ok(Table {
            name: name.to_owned(),
            columns: columns.into_iter().map(|(name, _)| name).collect(),
            by_row: !sql.contains("WITHOUT ROWID"),
        })
    }

    /// Adds a row as it is; false when the schema does not let it in.
    pub(super) fn insert(&self, table: &Table, values: &[Value]) -> rusqlite::Result<bool> {
        let places = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT OR IGNORE INTO {} VALUES ({places})", table.name);
        let mut statement = self.connection.prepare_cached(&sql)?;
        unless_refused(statement.execute(params_from_iter(values)))
    }

    /// Adds the count of a live chunk that was refused to the one that has its key; false when none has.
    pub(super) fn fold(&self, values: &[Value]) -> rusqlite::Result<bool> {
        let places = [
            column::ROW,
            column::DOCUMENT,
            column::HASH,
            column::START_LINE,
            column::ORDINAL,
            column::ACCESS_COUNT,
        ];
        let mut statement = self.connection.prepare_cached(
            "UPDATE chunks SET access_count = access_count + ?6 WHERE row <> ?1 AND document = ?2
             AND content_hash = ?3 AND start_line = ?4 AND ordinal = ?5 AND removed_seq IS NULL",
        )?;
        let values = places.map(|place| values.get(place));
        unless_refused(statement.execute(params_from_iter(values)))
    }

    /// Makes sure that every chunk has a facet and a document; returns the documents whose attributes or name are lost.
    pub(super) fn fill_gaps(&self) -> rusqlite::Result<Vec<i64>> {
        let mut lost: Vec<i64> = self
            .connection
            .prepare(
                "SELECT DISTINCT document FROM chunks c WHERE NOT EXISTS
                 (SELECT 1 FROM facets f WHERE f.facet = c.facet AND f.document = c.document) OR NOT EXISTS
                 (SELECT 1 FROM documents d WHERE d.document = c.document)",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        self.connection.execute_batch(
            "INSERT OR REPLACE INTO facets (facet, document, kind, tags, meta, trust)
                 SELECT DISTINCT c.facet, c.document, 0, '[]', '{}', 0 FROM chunks c WHERE NOT EXISTS
                 (SELECT 1 FROM facets f WHERE f.facet = c.facet AND f.document = c.document);
             INSERT OR IGNORE INTO documents (document, namespace, source, status, seq, indexed_ms)
                 SELECT c.document, coalesce(k.namespace, 'default'), k.source, 0, c.added_seq, coalesce(k.time_ms, 0)
                 FROM chunks c JOIN commits k ON k.seq = c.added_seq AND k.source IS NOT NULL
                 WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.document = c.document) GROUP BY c.document;
             INSERT OR IGNORE INTO documents (document, namespace, source, status, seq, indexed_ms)
                 SELECT DISTINCT c.document, 'default', 'salvaged:' || c.document, 0, 0, 0 FROM chunks c
                 WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.document = c.document);
             DELETE FROM tags;",
        )?;
        lost.dedup();
        let tagged: Vec<(i64, String)> = self
            .connection
            .prepare("SELECT facet, tags FROM facets WHERE tags <> '[]'")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (facet, tags) in tagged {
            let tags: Vec<String> = serde_json::from_str(&tags).unwrap_or_default();
            for tag in tags {
                self.connection
                    .prepare_cached("INSERT OR IGNORE INTO tags (tag, facet) VALUES (?1, ?2)")?
                    .execute(params![tag, facet])?;
            }
        }
        Ok(lost)
    }

    /// Returns the documents that had more live chunks than were found, with the difference.
    pub(super) fn missing(&self) -> rusqlite::Result<BTreeMap<i64, u64>> {
        self.connection
            .prepare(
                "SELECT d.document, d.chunks - (SELECT count(*) FROM chunks c WHERE c.document = d.document
                 AND c.removed_seq IS NULL) AS gone FROM documents d WHERE gone > 0",
            )?
            .query_map([], |row| {
                Ok((row.get(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
            })?
            .collect()
    }

    /// Makes the accounts agree with the rows, ends the transaction, and returns the last commit and the live chunks.
    pub(super) fn close_accounts(&self, fallback: StoreId) -> rusqlite::Result<(i64, u64)> {
        self.connection.execute(
            "INSERT OR IGNORE INTO store VALUES (1, ?1, 0, 0, 0, 0, 0, 0, 0)",
            params![&fallback.0[..]],
        )?;
        // Numbers are never given out twice: past everything that is known of.
        self.connection.execute_batch(
            "UPDATE facets SET live = (SELECT count(*) FROM chunks c WHERE c.facet = facets.facet AND c.removed_seq IS NULL);
             UPDATE documents SET chunks =
                 (SELECT count(*) FROM chunks c WHERE c.document = documents.document AND c.removed_seq IS NULL);
             UPDATE documents SET status = 3 WHERE status IN (0, 2) AND chunks = 0
                 AND EXISTS (SELECT 1 FROM chunks c WHERE c.document = documents.document);
             UPDATE store SET
                 seq = max(seq, (SELECT coalesce(max(seq), 0) FROM commits),
                     (SELECT coalesce(max(max(added_seq, coalesce(removed_seq, 0))), 0) FROM chunks)),
                 next_row = max(next_row, (SELECT coalesce(max(row), 0) + 1 FROM chunks),
                     (SELECT coalesce(max(row), 0) + 1 FROM changes),
                     (SELECT coalesce(max(watermark_row), 0) + 1 FROM indexes)),
                 next_document = max(next_document, (SELECT coalesce(max(document), 0) + 1 FROM documents)),
                 next_facet = max(next_facet, (SELECT coalesce(max(facet), 0) + 1 FROM facets)),
                 live_chunks = (SELECT count(*) FROM chunks WHERE removed_seq IS NULL),
                 live_tokens = (SELECT coalesce(sum(tokens), 0) FROM chunks WHERE removed_seq IS NULL);
             DELETE FROM tail;
             UPDATE indexes SET generation = generation + 1;
             INSERT OR IGNORE INTO indexes SELECT name, 1, 0, 0 FROM (SELECT 'text' AS name UNION SELECT 'vector');
             UPDATE indexes SET watermark_row = (SELECT next_row - 1 FROM store), watermark_seq = (SELECT seq FROM store);
             COMMIT;",
        )?;
        self.connection
            .query_row("SELECT seq, live_chunks FROM store", [], |row| {
                Ok((
                    row.get(0)?,
                    u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0),
                ))
            })
    }
}

/// Returns whether a row was written. A strict table refuses what is not of its type, which a row from the pages may
/// not be.
fn unless_refused(written: rusqlite::Result<usize>) -> rusqlite::Result<bool> {
    match written {
        Ok(rows) => Ok(rows > 0),
        Err(error)
            if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) =>
        {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}
