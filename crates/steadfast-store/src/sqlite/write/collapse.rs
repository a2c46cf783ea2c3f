//! A store whose unique key is gone gets it back, and live rows that it forbids become one.
//!
//! Only a foreign hand or rot takes the key away; from then on nothing would keep
//! a second writer from a second row. The row that is kept is the one that was
//! used most, then the oldest, then the one with the least number. It is given
//! the counts of the others, which stay as history. Invariants: all of it is one
//! transaction, in which the key is looked for again, so of two processes the
//! second finds nothing to do; the side entries of a row (its terms in the tail,
//! the counts of its attributes) go with it, before the key is made.

use rusqlite::Connection;
use steadfast_model::{Counts, DocumentKey, Namespace, Row};

use super::{Transaction, Written};
use crate::error::StoreError;
use crate::sabotage::{self, Sabotage};
use crate::sqlite::SqliteStore;
use crate::sqlite::schema::UNIQUE_KEY;

/// A live row that is there a second time, and the one that is kept.
struct Double {
    row: Row,
    facet: i64,
    keeper: Row,
}

impl SqliteStore {
    /// Gives the store its unique key back if it is gone; returns how many rows it had to take out for that;
    /// nothing when the key is there.
    ///
    /// # Errors
    /// [`StoreError`] when that cannot be written; the store is then as it was.
    pub(in crate::sqlite) fn keep_unique_key(&self) -> Result<Option<u64>, StoreError> {
        // Whoever joins others leaves it to the one who opened before them.
        let owner = &self.core.owner;
        let Some(reader) = self.is_writable().then(|| owner.idle_reader()).flatten() else {
            return Ok(None);
        };
        // A store that cannot be read says so to the first question.
        let has_key = has_unique_key(&reader).unwrap_or(true);
        owner.give_back(reader);
        if has_key {
            return Ok(None);
        }
        self.write(|connection| {
            if has_unique_key(connection)? {
                return Ok(None);
            }
            let space = self.space(connection)?;
            let mut transaction = self.transaction(connection, space, "open")?;
            let collapsed = transaction.collapse()?;
            if collapsed > 0 {
                // A foreign hand has written rows that no index and no tail has: one of them may have been kept.
                connection.execute("DELETE FROM indexes WHERE name = 'text'", [])?;
            }
            transaction.head.write(connection)?;
            connection.execute_batch(UNIQUE_KEY)?;
            Ok(Some(collapsed))
        })
    }
}

/// Returns whether two live rows with one key are impossible.
fn has_unique_key(connection: &Connection) -> rusqlite::Result<bool> {
    if sabotage::is(Sabotage::NoUniqueKey) {
        return Ok(true);
    }
    connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM pragma_index_list('chunks') WHERE name = 'chunks_unique')",
        )?
        .query_row([], |row| row.get(0))
}

impl Transaction<'_> {
    /// Takes out every live row but one of each key; returns how many.
    fn collapse(&mut self) -> Written<u64> {
        let documents: Vec<(DocumentKey, Option<Namespace>, String)> = self
            .connection
            .prepare(
                "SELECT document, namespace, source FROM documents WHERE document IN
                 (SELECT document FROM chunks WHERE removed_seq IS NULL
                  GROUP BY document, content_hash, start_line, ordinal HAVING count(*) > 1) ORDER BY document",
            )?
            .query_map([], |row| {
                let namespace: String = row.get(1)?;
                Ok((DocumentKey(row.get(0)?), Namespace::new(namespace).ok(), row.get(2)?))
            })?
            .collect::<rusqlite::Result<_>>()?;
        let mut collapsed = 0;
        for (document, namespace, source) in documents {
            let seq = self.next_seq();
            let doubles = self.doubles(document)?;
            for double in &doubles {
                self.connection
                    .prepare_cached(
                        "UPDATE chunks SET access_count = access_count +
                         (SELECT access_count FROM chunks WHERE row = ?2) WHERE row = ?1",
                    )?
                    .execute([double.keeper.0, double.row.0])?;
                self.remove_row(double.row, double.facet, seq)?;
            }
            self.connection
                .prepare_cached(
                    "UPDATE documents SET chunks =
                     (SELECT count(*) FROM chunks c WHERE c.document = ?1 AND c.removed_seq IS NULL) WHERE document = ?1",
                )?
                .execute([document.0])?;
            let counts = Counts {
                removed: doubles.len() as u64,
                ..Counts::default()
            };
            self.log("collapse", namespace.as_ref(), Some(&source), counts)?;
            collapsed += counts.removed;
        }
        Ok(collapsed)
    }

    fn doubles(&self, document: DocumentKey) -> Written<Vec<Double>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT row, facet, keeper FROM (SELECT row, facet, first_value(row) OVER (
                 PARTITION BY content_hash, start_line, ordinal ORDER BY access_count DESC, added_seq, row) AS keeper
             FROM chunks WHERE document = ?1 AND removed_seq IS NULL) WHERE row <> keeper ORDER BY row",
        )?;
        let doubles = statement.query_map([document.0], |row| {
            Ok(Double {
                row: Row(row.get(0)?),
                facet: row.get(1)?,
                keeper: Row(row.get(2)?),
            })
        })?;
        Ok(doubles.collect::<rusqlite::Result<_>>()?)
    }
}
