//! The store as it was: which rows were live after a commit, and what they were then.
//!
//! Rows are given out in the order of commits, so what a commit added is a range
//! of rows; what left since is in an index by commit. Nothing here reads all
//! chunks to find some.

use std::collections::{HashMap, HashSet};

use rusqlite::{Connection, OptionalExtension as _};
use steadfast_model::{Attributes, ContentHash, DocumentKey, Place, Row, RowSet, Seq, Timestamp};

use super::{SqliteSnapshot, Vectors, attributes};
use crate::backend::Fetched;
use crate::error::StoreError;
use crate::upkeep::{History, PastRow, PrunePlan};

impl History for SqliteSnapshot<'_> {
    fn seq_at(&self, time: Timestamp) -> Result<Seq, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT coalesce(max(seq), 0) FROM commits WHERE time_ms <= ?1")?
                .query_row([time.0], |row| {
                    Ok(Seq(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0)))
                })
        })
    }

    fn time_of(&self, seq: Seq) -> Result<Option<Timestamp>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT time_ms FROM commits WHERE seq = ?1")?
                .query_row([seq.0.cast_signed()], |row| row.get(0).map(Timestamp))
                .optional()
        })
    }

    fn kept_from(&self) -> Result<Seq, StoreError> {
        self.sql(kept_from)
    }

    fn live_at(&self, seq: Seq) -> Result<RowSet, StoreError> {
        let first_after =
            self.sql(|connection| first_row_of(connection, Seq(seq.0.saturating_add(1))))?;
        let Some(last) = first_after.0.checked_sub(1).filter(|last| *last > 0) else {
            return Ok(RowSet::new());
        };
        let mut rows = RowSet::range(Row(1), Row(last));
        rows.intersect(&self.live_rows()?);
        for row in self.removed_since(seq, Row(last))? {
            rows.insert(row);
        }
        // Records are asked for through their collection only, now and then.
        rows.subtract(&self.rows_in_ranges(None)?);
        Ok(rows)
    }

    fn brought_at(&self, time: Timestamp, seq: Seq) -> Result<RowSet, StoreError> {
        if !self.knows("intervals")? {
            return Ok(RowSet::new());
        }
        self.sql(|connection| {
            let mut rows = RowSet::new();
            let mut statement = connection.prepare_cached(
                "SELECT i.row FROM intervals i JOIN chunks c ON c.row = i.row WHERE i.added_ms <= ?1
                 AND (i.removed_ms IS NULL OR i.removed_ms > ?1) AND c.added_seq > ?2",
            )?;
            let mut found = statement.query([time.0, seq.0.cast_signed()])?;
            while let Some(columns) = found.next()? {
                rows.insert(Row(columns.get(0)?));
            }
            Ok(rows)
        })
    }

    fn past_of(&self, document: DocumentKey) -> Result<Vec<PastRow>, StoreError> {
        if self.knows("intervals")? {
            return self.sql(|connection| past_of(connection, document));
        }
        self.sql(|connection| past_rows(connection, document, "NULL"))
    }

    fn forgotten_of(&self, document: DocumentKey) -> Result<HashSet<ContentHash>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT content_hash FROM forgotten WHERE document = ?1")?
                .query_map([document.0], |columns| Ok(ContentHash(columns.get(0)?)))?
                .collect()
        })
    }

    fn came_at(&self, rows: &[Row]) -> Result<Vec<Option<Timestamp>>, StoreError> {
        let brought = if self.knows("intervals")? {
            "(SELECT added_ms FROM intervals i WHERE i.row = c.row)"
        } else {
            "NULL"
        };
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT coalesce({brought}, k.time_ms) FROM chunks c LEFT JOIN commits k ON k.seq = c.added_seq
                 WHERE c.row = ?1"
            ))?;
            let mut time = |row: &Row| {
                let found = statement.query_row([row.0], |columns| columns.get(0)).optional()?;
                Ok(found.flatten().map(Timestamp))
            };
            rows.iter().map(&mut time).collect()
        })
    }

    fn fetch_at(&self, rows: &[Row], seq: Seq) -> Result<Fetched, StoreError> {
        let mut fetched = self.fetch(rows)?;
        let moved = self.moved_since(seq)?;
        for chunk in &mut fetched.chunks {
            let Some(before) = moved.get(&chunk.row) else {
                continue;
            };
            if let Some((facet, place)) = before_parts(before, &chunk.place) {
                chunk.place = place;
                if let Some(attributes) = self.facet_attributes(facet)? {
                    chunk.attributes = attributes;
                }
            }
        }
        Ok(fetched)
    }

    fn vectors_of(&self, rows: &[Row], each: &mut Vectors<'_>) -> Result<(), StoreError> {
        self.vectors(rows, each)
    }

    fn without_vector(&self, rows: &[Row]) -> Result<Vec<Row>, StoreError> {
        if self.has_other_models()? {
            return self.lacking_vectors(&rows.iter().copied().collect());
        }
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM chunks WHERE row = ?1 AND vector_state = 2)",
            )?;
            let mut waiting = Vec::new();
            for row in rows {
                if statement.query_row([row.0], |found| found.get(0))? {
                    waiting.push(*row);
                }
            }
            Ok(waiting)
        })
    }
}

impl SqliteSnapshot<'_> {
    /// Returns what rows that moved after a commit were when it was made.
    fn moved_since(&self, seq: Seq) -> Result<HashMap<Row, String>, StoreError> {
        self.sql(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT row, before FROM changes WHERE seq > ?1 ORDER BY seq")?;
            let mut found = statement.query([seq.0.cast_signed()])?;
            let mut moved = HashMap::new();
            while let Some(columns) = found.next()? {
                // The first move after the commit tells what was there at the commit.
                if let std::collections::hash_map::Entry::Vacant(free) =
                    moved.entry(Row(columns.get(0)?))
                {
                    free.insert(columns.get(1)?);
                }
            }
            Ok(moved)
        })
    }

    fn facet_attributes(&self, facet: i64) -> Result<Option<Attributes>, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT kind, title, tags, meta, document_time, valid_from, valid_to, trust
                     FROM facets WHERE facet = ?1",
                )?
                .query_row([facet], |row| attributes::decode(row, 0))
                .optional()
        })
    }

    /// Returns what letting go of the history before a time would take.
    pub(in crate::sqlite) fn prune_plan(&self, before: Timestamp) -> Result<PrunePlan, StoreError> {
        self.sql(|connection| {
            // Up to the first commit that is younger. The last one that is older may be of today, by a clock that is
            // behind: it must not take with it all that was made before it.
            let kept_from = connection
                .prepare_cached(
                    "SELECT coalesce((SELECT min(seq) FROM commits WHERE time_ms > ?1) - 1,
                     (SELECT max(seq) FROM commits), 0)",
                )?
                .query_row([before.0], |row| row.get::<_, i64>(0))?;
            let kept_from = Seq(u64::try_from(kept_from).unwrap_or(0));
            crate::sqlite::write::plan_prune(connection, kept_from)
        })
    }

    /// Returns what taking back a commit would do.
    pub(in crate::sqlite) fn undo_plan(
        &self,
        seq: Seq,
    ) -> Result<crate::upkeep::UndoPlan, StoreError> {
        self.sql(|connection| crate::sqlite::write::plan_undo(connection, seq))
    }
}

/// Returns the versions of a document that are no longer live, in order of row.
pub(in crate::sqlite) fn past_of(
    connection: &Connection,
    document: DocumentKey,
) -> rusqlite::Result<Vec<PastRow>> {
    past_rows(
        connection,
        document,
        "(SELECT {} FROM intervals i WHERE i.row = c.row)",
    )
}

/// Reads past versions; `brought` is the SQL for what another store says of a row, with a place for the column.
fn past_rows(
    connection: &Connection,
    document: DocumentKey,
    brought: &str,
) -> rusqlite::Result<Vec<PastRow>> {
    let (added, removed) = (
        brought.replace("{}", "added_ms"),
        brought.replace("{}", "removed_ms"),
    );
    connection
        .prepare_cached(&format!(
            "SELECT c.row, c.content_hash, c.start_line, coalesce({added}, a.time_ms, 0), coalesce({removed}, r.time_ms, 0)
             FROM chunks c LEFT JOIN commits a ON a.seq = c.added_seq LEFT JOIN commits r ON r.seq = c.removed_seq
             WHERE c.document = ?1 AND c.removed_seq IS NOT NULL ORDER BY c.row"
        ))?
        .query_map([document.0], |columns| {
            Ok(PastRow {
                row: Row(columns.get(0)?),
                content_hash: ContentHash(columns.get(1)?),
                start_line: columns.get(2)?,
                added: Timestamp(columns.get(3)?),
                removed: Timestamp(columns.get(4)?),
            })
        })?
        .collect()
}

/// Returns the first moment whose history is kept, as the events of pruning name it.
pub(in crate::sqlite) fn kept_from(connection: &Connection) -> rusqlite::Result<Seq> {
    let mut statement =
        connection.prepare_cached("SELECT source FROM commits WHERE operation = 'prune'")?;
    let mut rows = statement.query([])?;
    let mut kept = 0;
    while let Some(row) = rows.next()? {
        let named: Option<String> = row.get(0)?;
        let seq = named.and_then(|named| named.strip_prefix("seq:")?.parse().ok());
        kept = kept.max(seq.unwrap_or(0));
    }
    Ok(Seq(kept))
}

/// Returns the first row that the commit `seq` or a later one added; one past the last row when there is none.
///
/// Found by halving: rows ascend with the commits that added them.
pub(in crate::sqlite) fn first_row_of(connection: &Connection, seq: Seq) -> rusqlite::Result<Row> {
    let mut statement = connection
        .prepare_cached("SELECT row, added_seq FROM chunks WHERE row >= ?1 ORDER BY row LIMIT 1")?;
    let end: i64 = connection
        .prepare_cached("SELECT coalesce(max(row), 0) + 1 FROM chunks")?
        .query_row([], |row| row.get(0))?;
    let (mut low, mut high) = (1_i64, end);
    while low < high {
        let middle = low + (high - low) / 2;
        let found = statement
            .query_row([middle], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        match found {
            Some((row, added)) if added < seq.0.cast_signed() => low = row + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(Row(u32::try_from(low).unwrap_or(u32::MAX)))
}

/// Returns the facet and place that a row had, from what the history keeps; the fidelity never changes.
pub(in crate::sqlite) fn before_parts(text: &str, now: &Place) -> Option<(i64, Place)> {
    let before: serde_json::Value = serde_json::from_str(text).ok()?;
    let number = |value: &serde_json::Value| value.as_u64();
    let small = |value: &serde_json::Value| u32::try_from(value.as_u64()?).ok();
    let lines = before.get("lines")?.as_array()?;
    let bytes = before.get("bytes")?.as_array()?;
    let headings = before.get("headings")?.as_array()?;
    let place = Place {
        start_line: small(lines.first()?)?,
        end_line: small(lines.get(1)?)?,
        start_byte: number(bytes.first()?)?,
        end_byte: number(bytes.get(1)?)?,
        ordinal: small(before.get("ordinal")?)?,
        position: small(before.get("position")?)?,
        heading_path: headings
            .iter()
            .filter_map(|heading| heading.as_str().map(str::to_owned))
            .collect(),
        fidelity: now.fidelity,
    };
    Some((before.get("facet")?.as_i64()?, place))
}
