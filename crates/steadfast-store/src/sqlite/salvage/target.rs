//! The new database: the schema of today, rows as they are taken in, accounts made anew at the end.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::types::Value;
use rusqlite::{Connection, params, params_from_iter};
use steadfast_model::{Namespace, StoreId};

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
            "UPDATE chunks SET access_count = min(access_count + ?6, 1 << 53) WHERE row <> ?1 AND document = ?2
             AND content_hash = ?3 AND start_line = ?4 AND ordinal = ?5 AND removed_seq IS NULL",
        )?;
        let values = places.map(|place| values.get(place));
        unless_refused(statement.execute(params_from_iter(values)))
    }

    /// Returns the number of live chunks by the account of the damaged store, 0 where that is lost.
    pub(super) fn live_by_account(&self) -> rusqlite::Result<u64> {
        self.connection.query_row(
            "SELECT coalesce(max(live_chunks), 0) FROM store",
            [],
            |row| {
                row.get::<_, i64>(0)
                    .map(|count| u64::try_from(count).unwrap_or(0))
            },
        )
    }

    /// Returns whether there is a chunk with this number.
    pub(super) fn has_row(&self, row: i64) -> rusqlite::Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM chunks WHERE row = ?1)";
        self.connection.query_row(sql, [row], |found| found.get(0))
    }

    /// Returns whether the log has an event for every commit that the store knows of.
    pub(super) fn has_every_commit(&self) -> rusqlite::Result<bool> {
        self.connection.query_row(
            "SELECT coalesce((SELECT seq FROM store) = (SELECT count(*) FROM commits), 0)",
            [],
            |row| row.get(0),
        )
    }

    /// Returns the next number of a table, past those in use and those that were given out.
    pub(super) fn next(&self, key: &str, table: &str) -> rusqlite::Result<i64> {
        let sql = format!(
            "SELECT max((SELECT coalesce(max({key}), 0) + 1 FROM {table}), coalesce((SELECT next_{key} FROM store), 1))"
        );
        self.connection.query_row(&sql, [], |row| row.get(0))
    }

    /// Takes out what belongs to rows and documents that are lost: their numbers may be given out again.
    pub(super) fn drop_orphans(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch(
            "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.row = vector_key & 4294967295);
             DELETE FROM intervals WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.row = intervals.row);
             DELETE FROM late_vectors WHERE NOT EXISTS (SELECT 1 FROM chunks c WHERE c.row = late_vectors.row);",
        )
    }

    /// Makes sure that every chunk has a facet and a document; returns the documents whose attributes or name are lost.
    pub(super) fn fill_gaps(&self) -> rusqlite::Result<Vec<i64>> {
        let mut lost = self.fill_facets()?;
        let nameless: Vec<i64> = self
            .connection
            .prepare(
                "SELECT DISTINCT document FROM chunks c WHERE NOT EXISTS
                 (SELECT 1 FROM documents d WHERE d.document = c.document)",
            )?
            .query_map([], |row| row.get(0))?
            .collect::<rusqlite::Result<_>>()?;
        lost.extend(nameless);
        let named: Vec<(i64, Option<String>, String, i64, i64)> = self
            .connection
            .prepare(
                "SELECT c.document, k.namespace, k.source, c.added_seq, k.time_ms
                 FROM chunks c JOIN commits k ON k.seq = c.added_seq AND k.source IS NOT NULL
                 WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.document = c.document) GROUP BY c.document",
            )?
            .query_map([], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        for (document, namespace, source, seq, time_ms) in named {
            // The log may have rotted as well.
            let namespace = namespace
                .and_then(|name| Namespace::new(name).ok())
                .unwrap_or_default();
            self.connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO documents (document, namespace, source, status, seq, indexed_ms)
                     VALUES (?1, ?2, ?3, 0, ?4, ?5)",
                )?
                .execute(params![document, namespace.as_str(), source, seq, time_ms])?;
        }
        self.connection.execute_batch(
            "INSERT OR IGNORE INTO documents (document, namespace, source, status, seq, indexed_ms)
                 SELECT DISTINCT c.document, 'default', 'salvaged:' || c.document, 0, 0, 0 FROM chunks c
                 WHERE NOT EXISTS (SELECT 1 FROM documents d WHERE d.document = c.document);
             DELETE FROM assignments WHERE NOT EXISTS
                 (SELECT 1 FROM documents d WHERE d.document = assignments.document);
             DELETE FROM tags;",
        )?;
        self.fill_tags()?;
        Ok(lost)
    }

    /// Gives chunks a facet whose own is gone, or is one of another document; returns their documents.
    fn fill_facets(&self) -> rusqlite::Result<Vec<i64>> {
        let bare: Vec<(i64, i64)> = self
            .connection
            .prepare(
                "SELECT DISTINCT facet, document FROM chunks c WHERE NOT EXISTS
                 (SELECT 1 FROM facets f WHERE f.facet = c.facet AND f.document = c.document)",
            )?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        let mut lost = Vec::new();
        for (facet, document) in bare {
            let added = self
                .connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO facets (facet, document, kind, tags, meta, trust)
                     VALUES (?1, ?2, 0, '[]', '{}', 0)",
                )?
                .execute([facet, document])?;
            if added == 0 {
                let new = self.next("facet", "facets")?;
                self.connection.execute(
                    "INSERT INTO facets (facet, document, kind, tags, meta, trust) VALUES (?1, ?2, 0, '[]', '{}', 0)",
                    [new, document],
                )?;
                self.connection
                    .prepare_cached(
                        "UPDATE chunks SET facet = ?3 WHERE facet = ?1 AND document = ?2",
                    )?
                    .execute([facet, document, new])?;
            }
            lost.push(document);
        }
        Ok(lost)
    }

    /// Makes the tags anew from the facets.
    fn fill_tags(&self) -> rusqlite::Result<()> {
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
        Ok(())
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

    /// Makes the accounts agree with the rows, ends the transaction, and returns the number of live chunks.
    pub(super) fn close_accounts(&self, fallback: StoreId) -> rusqlite::Result<u64> {
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
                 next_document = max(next_document, (SELECT coalesce(max(document), 0) + 1 FROM documents),
                     (SELECT coalesce(max(document), 0) + 1 FROM forgotten)),
                 next_facet = max(next_facet, (SELECT coalesce(max(facet), 0) + 1 FROM facets)),
                 live_chunks = (SELECT count(*) FROM chunks WHERE removed_seq IS NULL),
                 live_tokens = (SELECT coalesce(sum(tokens), 0) FROM chunks WHERE removed_seq IS NULL);
             DELETE FROM record_ranges WHERE first_row >= (SELECT next_row FROM store);
             UPDATE record_ranges SET last_row = (SELECT next_row - 1 FROM store)
                 WHERE last_row >= (SELECT next_row FROM store);
             DELETE FROM tail;
             UPDATE indexes SET generation = generation + 1;
             INSERT OR IGNORE INTO indexes SELECT name, 1, 0, 0 FROM (SELECT 'text' AS name UNION SELECT 'vector');
             UPDATE indexes SET watermark_row = (SELECT next_row - 1 FROM store), watermark_seq = (SELECT seq FROM store);
             COMMIT;",
        )?;
        self.live_by_account()
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
