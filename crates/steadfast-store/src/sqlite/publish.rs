//! What the store knows of published indexes, and how the tail gives way to them.

use rusqlite::{Connection, params};
use steadfast_model::{HashedTerms, Row, Seq};

use super::SqliteStore;
use crate::error::StoreError;

/// An index as the store knows it: readers reload theirs when the generation is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Grows with each publication.
    pub generation: u64,
    /// The last row it has seen.
    pub row: Row,
    /// The last commit it has seen.
    pub seq: Seq,
}

/// A row that the text index has not seen come, or go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailEntry {
    /// The row.
    pub row: Row,
    /// It was removed; otherwise it was added.
    pub removed: bool,
    /// Its terms, when they were made by the wanted analyser.
    pub terms: Option<HashedTerms>,
}

impl SqliteStore {
    /// Records that the files of an index are being made: what a kill leaves of them is of this very store.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    pub fn record_begun(&self, name: &str, begun: Published) -> Result<(), StoreError> {
        self.write_sql(|connection| put(connection, name, begun))
    }

    /// Records that an index was published, and takes what the text index has now seen out of the tail.
    ///
    /// Called after the files are on the disk: a crash in between leaves tail
    /// entries that readers skip by their sequence number.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; the publication then is not noticed.
    pub fn record_published(&self, indexes: &[(&str, Published)]) -> Result<(), StoreError> {
        self.write_sql(|connection| {
            for (index, published) in indexes {
                put(connection, index, *published)?;
                let seen = if *index == "text" {
                    "DELETE FROM tail WHERE seq <= ?1"
                } else {
                    "DELETE FROM late_vectors WHERE seq <= ?1"
                };
                connection.execute(seen, [published.seq.0.cast_signed()])?;
            }
            Ok(())
        })
    }
}

fn put(connection: &Connection, name: &str, published: Published) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO indexes (name, generation, watermark_row, watermark_seq) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (name) DO UPDATE SET generation = ?2, watermark_row = ?3, watermark_seq = ?4",
        params![
            name,
            published.generation.cast_signed(),
            published.row.0,
            published.seq.0.cast_signed()
        ],
    )?;
    Ok(())
}
