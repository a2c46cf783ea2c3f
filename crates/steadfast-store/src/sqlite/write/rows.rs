//! Single rows: inserted, moved, taken out, each with everything that belongs to it.

use rusqlite::params;
use steadfast_model::{ContentHash, DocumentKey, NewChunk, Place, Row, Vector};
use twox_hash::XxHash3_128;

use super::{Transaction, Written};
use crate::error::StoreError;
use crate::sqlite::read::place;

/// A chunk that has its vector.
pub(super) const VECTOR_PRESENT: i64 = 1;
/// A chunk whose text has no place in the space, for good.
pub(super) const VECTOR_NONE: i64 = 0;
/// A chunk whose vector is still to come.
pub(super) const VECTOR_PENDING: i64 = 2;

/// What became of one insert.
pub(super) enum RowOutcome {
    /// A new row.
    Inserted(Row),
    /// The unique key was taken; this is the row that holds it.
    Reused(Row),
}

/// A live row as it stands before a change.
pub(super) struct Standing {
    pub(super) row: Row,
    pub(super) facet: i64,
    pub(super) content_hash: ContentHash,
    pub(super) place: Place,
}

impl Transaction<'_> {
    pub(super) fn live_rows(&self, document: DocumentKey) -> Written<Vec<Standing>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT row, facet, content_hash, start_line, end_line, start_byte, end_byte, ordinal, position,
             heading_path, fidelity FROM chunks WHERE document = ?1 AND removed_seq IS NULL",
        )?;
        let rows = statement.query_map([document.0], |row| {
            Ok(Standing {
                row: Row(row.get(0)?),
                facet: row.get(1)?,
                content_hash: ContentHash(row.get(2)?),
                place: place::decode(row, 3)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Inserts a chunk with its vector and its tail entry; when the unique key is taken, says by which row.
    pub(super) fn insert_row(
        &mut self,
        document: DocumentKey,
        facet: i64,
        chunk: &NewChunk,
        seq: i64,
    ) -> Written<RowOutcome> {
        let Some(row) = self.insert_version(document, facet, chunk, (seq, None))? else {
            return self.winner(document, chunk).map(RowOutcome::Reused);
        };
        if chunk.vector.as_ref().is_some_and(Vector::is_zero) {
            self.mark_nowhere(row)?;
        }
        self.connection
            .prepare_cached(
                "INSERT INTO tail (row, seq, removed, analyzer, terms) VALUES (?1, ?2, 0, ?3, ?4)",
            )?
            .execute(params![
                row.0,
                seq,
                self.analyze.id().0,
                chunk.terms.encode()
            ])?;
        self.head.live_chunks += 1;
        self.head.live_tokens += i64::from(chunk.terms.tokens());
        Ok(RowOutcome::Inserted(row))
    }

    /// Inserts a chunk with its vector, live or added and removed at once; nothing when a live one has its unique key.
    pub(super) fn insert_version(
        &mut self,
        document: DocumentKey,
        facet: i64,
        chunk: &NewChunk,
        (added, removed): (i64, Option<i64>),
    ) -> Written<Option<Row>> {
        self.check_vector(chunk)?;
        let row = self.head.take_row()?;
        let vector = chunk.vector.as_ref().filter(|vector| !vector.is_zero());
        let vector_state = match (&chunk.vector, vector) {
            (_, Some(_)) => VECTOR_PRESENT,
            (Some(_), None) => VECTOR_NONE,
            (None, None) => VECTOR_PENDING,
        };
        let place = &chunk.place;
        let inserted = self
            .connection
            .prepare_cached(
                "INSERT INTO chunks (row, document, facet, content_hash, start_line, end_line, start_byte, end_byte,
                 ordinal, position, heading_path, fidelity, tokens, vector_state, added_seq, removed_seq, text)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                row.0,
                document.0,
                facet,
                &chunk.content_hash.0[..],
                place.start_line,
                place.end_line,
                place::offset(place.start_byte),
                place::offset(place.end_byte),
                place.ordinal,
                place.position,
                place::headings_text(&place.heading_path),
                place::fidelity_number(place.fidelity),
                chunk.terms.tokens(),
                vector_state,
                added,
                removed,
                chunk.text.as_bytes(),
            ])?;
        if inserted == 0 {
            self.head.next_row -= 1;
            return Ok(None);
        }
        if let Some(vector) = vector {
            self.insert_vector(row, vector)?;
        }
        Ok(Some(row))
    }

    /// A vector of another space, or one without an order, would make later searches fail.
    pub(super) fn check_vector(&self, chunk: &NewChunk) -> Result<(), StoreError> {
        chunk
            .vector
            .as_ref()
            .map_or(Ok(()), |vector| self.check_numbers(vector))
    }

    pub(super) fn check_numbers(&self, vector: &Vector) -> Result<(), StoreError> {
        if vector.0.len() == self.dimensions && vector.0.iter().all(|value| value.is_finite()) {
            return Ok(());
        }
        Err(StoreError::Invalid {
            what: format!("a vector is not {} finite numbers", self.dimensions),
        })
    }

    fn winner(&self, document: DocumentKey, chunk: &NewChunk) -> Written<Row> {
        let row = self
            .connection
            .prepare_cached(
                "SELECT row FROM chunks WHERE document = ?1 AND content_hash = ?2 AND start_line = ?3 AND ordinal = ?4
                 AND removed_seq IS NULL",
            )?
            .query_row(
                params![document.0, &chunk.content_hash.0[..], chunk.place.start_line, chunk.place.ordinal],
                |row| row.get(0),
            )?;
        Ok(Row(row))
    }

    /// Gives a live row another place or facet, and keeps what it was for the history.
    pub(super) fn move_row(
        &self,
        standing: &Standing,
        facet: i64,
        place: &Place,
        seq: i64,
    ) -> Written<()> {
        self.connection
            .prepare_cached("INSERT OR IGNORE INTO changes (seq, row, before) VALUES (?1, ?2, ?3)")?
            .execute(params![
                seq,
                standing.row.0,
                place::before_text(standing.facet, &standing.place)
            ])?;
        self.connection
            .prepare_cached(
                "UPDATE chunks SET facet = ?2, start_line = ?3, end_line = ?4, start_byte = ?5, end_byte = ?6,
                 ordinal = ?7, position = ?8, heading_path = ?9, fidelity = ?10 WHERE row = ?1",
            )?
            .execute(params![
                standing.row.0,
                facet,
                place.start_line,
                place.end_line,
                place::offset(place.start_byte),
                place::offset(place.end_byte),
                place.ordinal,
                place.position,
                place::headings_text(&place.heading_path),
                place::fidelity_number(place.fidelity),
            ])?;
        Ok(())
    }

    /// Takes a row out of the live set; its text stays as history.
    pub(super) fn remove_row(&mut self, row: Row, facet: i64, seq: i64) -> Written<()> {
        let (text, tokens): (Vec<u8>, i64) = self
            .connection
            .prepare_cached(
                "UPDATE chunks SET removed_seq = ?2 WHERE row = ?1 RETURNING text, tokens",
            )?
            .query_row([i64::from(row.0), seq], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        self.subtract_from_text_index(row, &text, seq)?;
        self.facet_live(facet, -1)?;
        self.head.live_chunks -= 1;
        self.head.live_tokens -= tokens;
        Ok(())
    }

    /// Leaves word that a row that was live is gone, so that a text index which holds it subtracts its terms.
    ///
    /// Also for a row that no published index holds: one that is being built
    /// right now, from a moment before this commit, may hold it.
    pub(super) fn subtract_from_text_index(&self, row: Row, text: &[u8], seq: i64) -> Written<()> {
        let terms = self.analyze.terms(&String::from_utf8_lossy(text));
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO tail (row, seq, removed, analyzer, terms) VALUES (?1, ?2, 1, ?3, ?4)",
            )?
            .execute(params![row.0, seq, self.analyze.id().0, terms.encode()])?;
        Ok(())
    }
}

/// Returns the hash kept beside a vector: XXH3-128 over its bytes, seeded with its row, so a
/// vector that ended up beside another row is noticed too.
///
/// It tells rot, not intent, and is asked for dozens of vectors in each search: blake3, which
/// names texts, takes 0.6 us for 512 bytes and was a third of a search's time.
pub(in crate::sqlite) fn vector_hash(row: Row, bytes: &[u8]) -> [u8; 16] {
    XxHash3_128::oneshot_with_seed(u64::from(row.0), bytes).to_le_bytes()
}
