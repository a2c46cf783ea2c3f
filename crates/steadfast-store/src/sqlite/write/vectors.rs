//! Vectors that come after their chunks.

use rusqlite::params;
use steadfast_model::{Counts, LateVector, Outcome, Row, Settled, Vector};

use super::put::untouched;
use super::rows::{VECTOR_NONE, VECTOR_PENDING, VECTOR_PRESENT, vector_hash};
use super::{Transaction, Written};

impl Transaction<'_> {
    /// Gives chunks that wait for it their vector; the others are passed over.
    pub(super) fn late_vectors(&mut self, late: &[LateVector]) -> Written<Settled> {
        let seq = self.next_seq();
        let mut counts = Counts::default();
        for late in late {
            self.check_numbers(&late.vector)?;
            let state = if late.vector.is_zero() {
                VECTOR_NONE
            } else {
                VECTOR_PRESENT
            };
            let waited = self
                .connection
                .prepare_cached(
                    "UPDATE chunks SET vector_state = ?3 WHERE row = ?1 AND content_hash = ?2
                     AND removed_seq IS NULL AND vector_state = ?4",
                )?
                .execute(params![
                    late.row.0,
                    &late.content_hash.0[..],
                    state,
                    VECTOR_PENDING
                ])?;
            if waited == 0 {
                counts.reused += 1;
                continue;
            }
            counts.updated += 1;
            if state == VECTOR_PRESENT {
                self.insert_vector(late.row, &late.vector)?;
                // The vector index may have passed this row.
                self.connection
                    .prepare_cached(
                        "INSERT OR REPLACE INTO late_vectors (row, seq) VALUES (?1, ?2)",
                    )?
                    .execute([i64::from(late.row.0), seq])?;
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
