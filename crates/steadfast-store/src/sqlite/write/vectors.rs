//! Vectors that come after their chunks.

use rusqlite::params;
use steadfast_model::{Counts, LateVector, Outcome, Row, Settled, Vector};

use super::put::untouched;
use super::rows::{VECTOR_NONE, VECTOR_PENDING, VECTOR_PRESENT, vector_hash};
use super::{Transaction, Written, add_space};
use crate::sqlite::spaces::{IS_GIVEN, find_marks, marks_of};

impl Transaction<'_> {
    /// Gives chunks that wait for it their vector; the others are passed over.
    pub(super) fn late_vectors(&mut self, late: &[LateVector]) -> Written<Settled> {
        let seq = self.next_seq();
        let mut counts = Counts::default();
        for late in late {
            self.check_numbers(&late.vector)?;
            if self.take_late(late, seq)? {
                counts.updated += 1;
            } else {
                counts.reused += 1;
            }
        }
        if counts.updated == 0 {
            return Ok(Settled {
                counts,
                ..untouched(Outcome::Reused, None)
            });
        }
        let seq = self.log("vectors", None, None, counts)?;
        Ok(Settled {
            counts,
            ..untouched(Outcome::Updated, Some(seq))
        })
    }

    /// Gives a chunk its vector; returns whether it waited for it.
    fn take_late(&self, late: &LateVector, seq: i64) -> Written<bool> {
        let is_nowhere = late.vector.is_zero();
        let state = if is_nowhere {
            VECTOR_NONE
        } else {
            VECTOR_PRESENT
        };
        let row = i64::from(late.row.0);
        let waited = if self.has_other_models {
            // What the row says of itself may be about another space.
            let marks = find_marks(self.connection, self.model)?.unwrap_or(-1);
            self.connection
                .prepare_cached(&format!(
                    "UPDATE chunks SET vector_state = CASE WHEN ?3 = 1 OR vector_state = 2 THEN ?3 ELSE vector_state END
                     WHERE row = ?1 AND content_hash = ?2 AND removed_seq IS NULL AND NOT {IS_GIVEN} AND NOT EXISTS
                     (SELECT 1 FROM vectors WHERE vector_key IN (?4, ?5))"
                ))?
                .execute(params![
                    row,
                    &late.content_hash.0[..],
                    state,
                    self.space << 32 | row,
                    marks << 32 | row
                ])?
        } else {
            self.connection
                .prepare_cached(
                    "UPDATE chunks SET vector_state = ?3 WHERE row = ?1 AND content_hash = ?2
                     AND removed_seq IS NULL AND vector_state = ?4",
                )?
                .execute(params![
                    row,
                    &late.content_hash.0[..],
                    state,
                    VECTOR_PENDING
                ])?
        };
        if waited == 0 {
            return Ok(false);
        }
        if is_nowhere {
            self.mark_nowhere(late.row)?;
            return Ok(true);
        }
        self.insert_vector(late.row, &late.vector)?;
        // The vector index may have passed this row.
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO late_vectors (row, seq) VALUES (?1, ?2)")?
            .execute([row, seq])?;
        Ok(true)
    }

    /// Writes down that the text of a row has no place in the active space, where another model is at work too.
    pub(super) fn mark_nowhere(&self, row: Row) -> Written<()> {
        if !self.has_other_models {
            return Ok(());
        }
        let marks = match find_marks(self.connection, self.model)? {
            Some(marks) => marks,
            None => add_space(self.connection, &marks_of(self.model))?,
        };
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO vectors (vector_key, vector, hash) VALUES (?1, x'', ?2)",
            )?
            .execute(params![
                marks << 32 | i64::from(row.0),
                &vector_hash(row, &[])[..]
            ])?;
        Ok(())
    }

    /// Writes the vector of a row in the active space.
    pub(super) fn insert_vector(&self, row: Row, vector: &Vector) -> Written<()> {
        let bytes = vector.encode();
        self.connection
            .prepare_cached("INSERT INTO vectors (vector_key, vector, hash) VALUES (?1, ?2, ?3)")?
            .execute(params![
                self.space << 32 | i64::from(row.0),
                bytes,
                &vector_hash(row, &bytes)[..]
            ])?;
        Ok(())
    }
}
