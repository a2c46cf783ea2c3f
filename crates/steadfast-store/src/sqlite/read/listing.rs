//! Lists and sums: tags, namespaces, the log, the counters of the health report.

use steadfast_model::{DocumentKey, ModelId, Row, Seq, Timestamp};

use super::{SqliteSnapshot, fetch};
use crate::backend::Event;
use crate::error::StoreError;

/// Counters of the ground state that only reports need.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Indexed documents.
    pub sources: u64,
    /// Documents that were left out or are out of date.
    pub skipped: u64,
    /// Documents that are out of date.
    pub stale: u64,
    /// Namespaces with live chunks.
    pub namespaces: u64,
    /// Vector spaces.
    pub models: Vec<ModelId>,
    /// Jobs by state.
    pub jobs: Vec<(String, u64)>,
}

impl SqliteSnapshot<'_> {
    /// Returns each tag with its number of live chunks, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn tags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.counted(
            "SELECT t.tag, sum(f.live) FROM tags t JOIN facets f ON f.facet = t.facet
             GROUP BY t.tag HAVING sum(f.live) > 0 ORDER BY t.tag",
        )
    }

    /// Returns each namespace that has live chunks with their number, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn namespaces(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.counted(
            "SELECT namespace, sum(chunks) FROM documents GROUP BY namespace HAVING sum(chunks) > 0 ORDER BY namespace",
        )
    }

    fn counted(&self, sql: &str) -> Result<Vec<(String, u64)>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(sql)?
                .query_map([], |row| Ok((row.get(0)?, unsigned(row.get(1)?))))?
                .collect()
        })
    }

    /// Returns the newest `limit` events, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn log(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT seq, time_ms, operation, namespace, source, inserted + updated + removed, actor
                     FROM commits ORDER BY seq DESC LIMIT ?1",
                )?
                .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                    Ok(Event {
                        seq: Seq(unsigned(row.get(0)?)),
                        time: Timestamp(row.get(1)?),
                        operation: row.get(2)?,
                        namespace: row.get(3)?,
                        source: row.get(4)?,
                        chunks: unsigned(row.get(5)?),
                        actor: row.get(6)?,
                    })
                })?
                .collect()
        })
    }

    /// Returns all rows of these documents, live and history, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn rows_of(&self, documents: &[DocumentKey]) -> Result<Vec<Row>, StoreError> {
        self.sql(|connection| {
            let mut rows = Vec::new();
            for &document in documents {
                rows.extend(fetch::rows_of(connection, document)?);
            }
            rows.sort_unstable();
            Ok(rows)
        })
    }

    /// Returns how many jobs of a kind wait or are leased.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn jobs_waiting(&self, kind: &str) -> Result<u64, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT count(*) FROM jobs WHERE kind = ?1 AND state < 2")?
                .query_row([kind], |row| Ok(unsigned(row.get(0)?)))
        })
    }

    /// Returns the counters that only reports need.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn tally(&self) -> Result<Tally, StoreError> {
        self.sql(|connection| {
            let one = |sql: &str| connection.query_row(sql, [], |row| Ok(unsigned(row.get(0)?)));
            let active = self.head.space.unwrap_or(0);
            Ok(Tally {
                sources: one("SELECT count(*) FROM documents WHERE status = 0")?,
                skipped: one("SELECT count(*) FROM documents WHERE status IN (1, 2)")?,
                stale: one("SELECT count(*) FROM documents WHERE status = 2")?,
                namespaces: one(
                    "SELECT count(DISTINCT namespace) FROM documents WHERE chunks > 0",
                )?,
                models: connection
                    .prepare_cached(
                        "SELECT name, revision, dimensions, hash FROM spaces WHERE dimensions > 0
                         ORDER BY space <> ?1, space",
                    )?
                    .query_map([active], |row| {
                        Ok(ModelId {
                            name: row.get(0)?,
                            revision: row.get(1)?,
                            dimensions: usize::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                            hash: row.get(3)?,
                        })
                    })?
                    .collect::<rusqlite::Result<_>>()?,
                jobs: connection
                    .prepare_cached(
                        "SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state",
                    )?
                    .query_map([], |row| {
                        let name = match row.get::<_, i64>(0)? {
                            0 => "waiting",
                            1 => "leased",
                            _ => "failed",
                        };
                        Ok((name.to_owned(), unsigned(row.get(1)?)))
                    })?
                    .collect::<rusqlite::Result<_>>()?,
            })
        })
    }

    /// Returns the problems that SQLite's own check of tables and their indexes finds, at most `limit` of them; none
    /// when the file is sound. Its quick check would not compare the two.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn integrity_check(&self, limit: u32) -> Result<Vec<String>, StoreError> {
        let lines: Vec<String> = self.sql(|connection| {
            connection
                .prepare(&format!("PRAGMA integrity_check({limit})"))?
                .query_map([], |row| row.get(0))?
                .collect()
        })?;
        Ok(lines.into_iter().filter(|line| line != "ok").collect())
    }

    /// Returns the counts that must agree, each as (what, counted, kept).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn ledger(&self) -> Result<Vec<(&'static str, u64, u64)>, StoreError> {
        self.sql(|connection| {
            let one = |sql: &str| connection.query_row(sql, [], |row| Ok(unsigned(row.get(0)?)));
            // One pass over the chunks: each further one would read the largest table again.
            let [live, tokens, homeless, bare] = connection.query_row(
                "SELECT coalesce(sum(removed_seq IS NULL), 0),
                        coalesce(sum(tokens) FILTER (WHERE removed_seq IS NULL), 0),
                        coalesce(sum(NOT EXISTS (SELECT 1 FROM facets f JOIN documents d USING (document)
                            WHERE f.facet = c.facet AND f.document = c.document)), 0),
                        coalesce(sum(vector_state = 1 AND removed_seq IS NULL AND NOT EXISTS
                            (SELECT 1 FROM spaces s JOIN vectors v ON v.vector_key = s.space << 32 | c.row)), 0)
                 FROM chunks c",
                [],
                |row| Ok([0, 1, 2, 3].map(|column| row.get(column).map(unsigned))),
            )?;
            Ok(vec![
                ("live chunks", live?, self.head.live_chunks),
                ("tokens of live chunks", tokens?, self.head.live_tokens),
                (
                    "chunks of documents",
                    one("SELECT coalesce(sum(chunks), 0) FROM documents")?,
                    self.head.live_chunks,
                ),
                ("chunks of facets", one("SELECT coalesce(sum(live), 0) FROM facets")?, self.head.live_chunks),
                ("chunks without a document or facet", homeless?, 0),
                (
                    "chunks that have a vector by their own account but none in the store",
                    bare?,
                    0,
                ),
            ])
        })
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
