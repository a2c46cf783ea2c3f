//! A document comes in as another store kept it: with the notes it holds, and what was counted of its chunks.

use rusqlite::params;
use steadfast_model::write::number;
use steadfast_model::{Outcome, RestoreDocument, Settled};

use super::put::Replaces;
use super::{Transaction, Written};

impl Transaction<'_> {
    pub(super) fn restore(&mut self, restore: &RestoreDocument) -> Written<Settled> {
        let put = &restore.put;
        let settled = self.put(put, Replaces::All(&restore.notes))?;
        if matches!(settled.outcome, Outcome::Refused(_)) {
            return Ok(settled);
        }
        let Some(stored) = self.stored(&put.namespace, &put.source)? else {
            return Ok(settled);
        };
        // Equal texts stay out together or not at all, so the numbers are those of the chunks that came in.
        let mut chunks = put.chunks.clone();
        number(&mut chunks);
        let mut statement = self.connection.prepare_cached(
            "UPDATE chunks SET access_count = ?5 WHERE document = ?1 AND content_hash = ?2 AND start_line = ?3
             AND ordinal = ?4 AND removed_seq IS NULL AND access_count < ?5",
        )?;
        for (chunk, count) in chunks.iter().zip(&restore.access_counts) {
            if *count > 0 {
                statement.execute(params![
                    stored.key.0,
                    &chunk.content_hash.0[..],
                    chunk.place.start_line,
                    chunk.place.ordinal,
                    i64::try_from(*count).unwrap_or(i64::MAX),
                ])?;
            }
        }
        drop(statement);
        if let Some(seq) = settled.seq {
            let mut statement = self.connection.prepare_cached(
                "INSERT OR IGNORE INTO intervals (row, added_ms) SELECT row, ?5 FROM chunks WHERE document = ?1
                 AND content_hash = ?2 AND start_line = ?3 AND ordinal = ?4 AND removed_seq IS NULL AND added_seq = ?6",
            )?;
            for (chunk, added) in chunks.iter().zip(&restore.added) {
                if let Some(added) = added {
                    statement.execute(params![
                        stored.key.0,
                        &chunk.content_hash.0[..],
                        chunk.place.start_line,
                        chunk.place.ordinal,
                        added.0,
                        seq.0.cast_signed(),
                    ])?;
                }
            }
        }
        Ok(settled)
    }
}
