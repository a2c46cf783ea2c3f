//! The tail: what the published text index has not seen.

use steadfast_model::{AnalyzerId, HashedTerms, Row, Seq};

use super::SqliteSnapshot;
use crate::error::StoreError;
use crate::sqlite::publish::{Published, TailEntry};

impl SqliteSnapshot<'_> {
    /// Returns what the store knows of a published index; none when none was published yet.
    ///
    /// Then all rows are in the tail. Where they are not, the entry was lost, and the index counts as one whose
    /// files are: no generation has the number 0.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn published(&self, index: &str) -> Result<Option<Published>, StoreError> {
        use rusqlite::OptionalExtension as _;
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT generation, watermark_row, watermark_seq FROM indexes WHERE name = ?1",
                )?
                .query_row([index], |row| {
                    Ok(Published {
                        generation: u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0),
                        // What cannot be a row is that of no index.
                        row: Row(u32::try_from(row.get::<_, i64>(1)?).unwrap_or(0)),
                        seq: Seq(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0)),
                    })
                })
                .optional()
        })?
        .map_or_else(
            || {
                let lost = Published {
                    generation: 0,
                    row: Row(0),
                    seq: Seq(0),
                };
                Ok((index == "text" && self.has_row_beyond_tail()?).then_some(lost))
            },
            |published| Ok(Some(published)),
        )
    }

    /// Returns whether the first live row is not in the tail: a publication has taken it out.
    fn has_row_beyond_tail(&self) -> Result<bool, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached(
                    "SELECT EXISTS (SELECT 1 FROM (SELECT row FROM chunks WHERE removed_seq IS NULL ORDER BY row LIMIT 1) first
                     WHERE NOT EXISTS (SELECT 1 FROM tail WHERE tail.row = first.row))",
                )?
                .query_row([], |row| row.get(0))
        })
    }

    /// Returns how many entries the tail has, read from its own counters where it can be.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn tail_len(&self) -> Result<u64, StoreError> {
        self.sql(|connection| {
            connection
                .prepare_cached("SELECT count(*) FROM tail")?
                .query_row([], |row| {
                    Ok(u64::try_from(row.get::<_, i64>(0)?).unwrap_or(0))
                })
        })
    }

    /// Hands over the tail entries of commits after `seq` and rows above `after`, in order of row, until `each` returns
    /// false. An entry made by another analyser, or malformed, is handed over without terms.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_tail(
        &self,
        seq: Seq,
        after: Row,
        analyzer: AnalyzerId,
        each: &mut dyn FnMut(TailEntry) -> bool,
    ) -> Result<(), StoreError> {
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT row, removed, analyzer, terms FROM tail WHERE seq > ?1 AND row > ?2
                 ORDER BY row",
            )?;
            let rows = statement.query([seq.0.cast_signed(), i64::from(after.0)])?;
            hand_over(rows, analyzer, each)
        })
    }

    /// Hands over what the tail has got since it was read at the commit `seq`, when the last row of
    /// the store was `last`: first rows up to `last` that were removed since, then all rows above it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    pub fn each_tail_since(
        &self,
        seq: Seq,
        last: Row,
        analyzer: AnalyzerId,
        each: &mut dyn FnMut(TailEntry),
    ) -> Result<(), StoreError> {
        let mut each = |entry| {
            each(entry);
            true
        };
        self.sql(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT row, removed, analyzer, terms FROM tail INDEXED BY tail_removed
                 WHERE removed = 1 AND seq > ?1 AND row <= ?2",
            )?;
            let removed = statement.query([seq.0.cast_signed(), i64::from(last.0)])?;
            hand_over(removed, analyzer, &mut each)?;
            let mut statement = connection.prepare_cached(
                "SELECT row, removed, analyzer, terms FROM tail WHERE row > ?1 ORDER BY row",
            )?;
            hand_over(statement.query([last.0])?, analyzer, &mut each)
        })
    }
}

fn hand_over(
    mut rows: rusqlite::Rows<'_>,
    analyzer: AnalyzerId,
    each: &mut dyn FnMut(TailEntry) -> bool,
) -> rusqlite::Result<()> {
    while let Some(columns) = rows.next()? {
        let terms = if columns.get::<_, u32>(2)? == analyzer.0 {
            HashedTerms::decode(columns.get_ref(3)?.as_bytes()?).ok()
        } else {
            None
        };
        let goes_on = each(TailEntry {
            row: Row(columns.get(0)?),
            removed: columns.get(1)?,
            terms,
        });
        if !goes_on {
            break;
        }
    }
    Ok(())
}
