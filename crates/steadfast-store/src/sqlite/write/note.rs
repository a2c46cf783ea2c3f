//! Notes: added, found again, or refused when an idempotency key says so.

use rusqlite::{OptionalExtension as _, params};
use steadfast_model::write::number;
use steadfast_model::{
    Attributes, ChunkId, ContentHash, Counts, DocumentKey, DocumentStatus, Fingerprint, NewChunk,
    NoteWrite, Outcome, Refusal, Row, Settled,
};

use super::put::untouched;
use super::rows::{RowOutcome, Standing};
use super::{Transaction, Written};
use crate::error::StoreError;
use crate::records;
use crate::sabotage::{self, Sabotage};
use crate::sqlite::read::documents::Stored;

impl Transaction<'_> {
    pub(super) fn note(&mut self, note: &NoteWrite) -> Written<Settled> {
        records::check_open(&note.namespace)?;
        if note.chunks.is_empty() {
            return Err(StoreError::Invalid {
                what: "a note has no text".to_owned(),
            }
            .into());
        }
        let digest = note.digest();
        if let Some(key) = &note.idempotency_key
            && let Some((used_for, rows)) = self.idempotent(note, key)?
            // What was taken back is written again, and stays the only text of its key.
            && (used_for != digest || self.is_any_live(&rows)?)
        {
            if used_for != digest {
                return Ok(untouched(
                    Outcome::Refused(Refusal::IdempotencyConflict { key: key.clone() }),
                    None,
                ));
            }
            let counts = Counts {
                reused: u64::try_from(rows.len()).unwrap_or(0),
                ..Counts::default()
            };
            return Ok(Settled {
                counts,
                ids: self.ids(rows.into_iter()),
                ..untouched(Outcome::Reused, None)
            });
        }
        let mut found = self.find_note(note, &digest)?;
        found = found.filter(|_| !sabotage::is(Sabotage::NoUniqueKey));
        let (document, settled) = match found {
            Some((document, facet)) => (document, self.note_again(note, document, facet, &digest)?),
            None => self.new_note(note, &digest)?,
        };
        if let Some(key) = &note.idempotency_key {
            let rows: Vec<u32> = settled
                .ids
                .iter()
                .filter_map(|id| id.row_in(&self.store_id))
                .map(|row| row.0)
                .collect();
            self.connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO idempotency (namespace, key, digest, document, rows)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute(params![
                    note.namespace.as_str(),
                    key,
                    &digest.0[..],
                    document.0,
                    serde_json::Value::from(rows).to_string(),
                ])?;
        }
        Ok(settled)
    }

    fn idempotent(&self, note: &NoteWrite, key: &str) -> Written<Option<(ContentHash, Vec<Row>)>> {
        let found = self
            .connection
            .prepare_cached(
                "SELECT digest, rows FROM idempotency WHERE namespace = ?1 AND key = ?2",
            )?
            .query_row([note.namespace.as_str(), key], |row| {
                Ok((ContentHash(row.get(0)?), row.get::<_, String>(1)?))
            })
            .optional()?;
        Ok(found.map(|(digest, rows)| {
            let rows: Vec<u32> = serde_json::from_str(&rows).unwrap_or_default();
            (digest, rows.into_iter().map(Row).collect())
        }))
    }

    fn is_any_live(&self, rows: &[Row]) -> Written<bool> {
        let mut statement = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM chunks WHERE row = ?1 AND removed_seq IS NULL)",
        )?;
        for row in rows {
            if statement.query_row([row.0], |found| found.get(0))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns document and facet of the live note with the same namespace, title and text, and source if one is given,
    /// that holds when this one does.
    fn find_note(
        &self,
        note: &NoteWrite,
        digest: &ContentHash,
    ) -> Written<Option<(DocumentKey, i64)>> {
        Ok(self
            .connection
            .prepare_cached(
                "SELECT f.document, f.facet FROM facets f JOIN documents d ON d.document = f.document
                 WHERE f.note_digest = ?1 AND f.live > 0 AND d.namespace = ?2 AND (?3 IS NULL OR d.source = ?3)
                 AND (((f.valid_from IS NULL OR f.valid_from <= ?4) AND (f.valid_to IS NULL OR f.valid_to > ?4))
                      OR (f.valid_from IS ?5 AND f.valid_to IS ?6))
                 ORDER BY f.facet LIMIT 1",
            )?
            .query_row(
                params![
                    &digest.0[..],
                    note.namespace.as_str(),
                    note.source,
                    note.moment(self.now).0,
                    note.attributes.valid_from.map(|time| time.0),
                    note.attributes.valid_to.map(|time| time.0),
                ],
                |row| Ok((DocumentKey(row.get(0)?), row.get(1)?)),
            )
            .optional()?)
    }

    /// The note is there: its tags are merged, and it takes over what is said of it anew.
    fn note_again(
        &mut self,
        note: &NoteWrite,
        document: DocumentKey,
        facet: i64,
        digest: &ContentHash,
    ) -> Written<Settled> {
        let mut standing = self.live_rows(document)?;
        standing.retain(|standing| standing.facet == facet);
        standing.sort_by_key(|standing| standing.place.position);
        let ids: Vec<ChunkId> = self.ids(standing.iter().map(|standing| standing.row));
        let count = u64::try_from(standing.len()).unwrap_or(0);
        let mut facets = self.facets(document)?;
        let known = facets
            .iter()
            .find(|found| found.key == facet)
            .map(|found| found.attributes.clone());
        let known_before = known.as_ref().unwrap_or(&note.attributes);
        let merged = note.told_again(known_before);
        let outcome = outcome(known_before, &merged);
        if known.as_ref() == Some(&merged) {
            let counts = Counts {
                reused: count,
                ..Counts::default()
            };
            return Ok(Settled {
                ids,
                counts,
                ..untouched(Outcome::Reused, None)
            });
        }
        let seq = self.next_seq();
        let merged_facet = self.facet(document, &mut facets, &merged, Some(digest))?;
        for standing in &standing {
            self.move_row(standing, merged_facet, &standing.place, seq)?;
        }
        self.facet_live(facet, -i64::try_from(count).unwrap_or(0))?;
        self.facet_live(merged_facet, i64::try_from(count).unwrap_or(0))?;
        let counts = Counts {
            updated: count,
            ..Counts::default()
        };
        let seq = self.log("note", Some(&note.namespace), None, counts)?;
        Ok(Settled {
            ids,
            counts,
            ..untouched(outcome, Some(seq))
        })
    }

    fn new_note(
        &mut self,
        note: &NoteWrite,
        digest: &ContentHash,
    ) -> Written<(DocumentKey, Settled)> {
        let first = ChunkId::new(
            &self.store_id,
            Row(u32::try_from(self.head.next_row).unwrap_or(u32::MAX)),
        );
        let source = note
            .source
            .clone()
            .unwrap_or_else(|| format!("note:{first}"));
        let stored = self.stored(&note.namespace, &source)?;
        let document = match &stored {
            Some(stored) => stored.key,
            None => self.head.take_document()?,
        };
        let (attributes, digest) = (&note.attributes, Some(digest));
        // A source that is new has no rows that could be in the way: all chunks will be live.
        let (standing, facet, live_already) = if stored.is_some() {
            let mut facets = self.facets(document)?;
            let facet = self.facet(document, &mut facets, attributes, digest)?;
            (self.live_rows(document)?, facet, 0)
        } else {
            let live = i64::try_from(note.chunks.len()).unwrap_or(0);
            let facet = self.add_facet(document, attributes, digest, live)?;
            (Vec::new(), facet, live)
        };
        let chunks = placed_after(&standing, note);
        let seq = self.next_seq();
        let mut counts = Counts::default();
        let mut rows = Vec::with_capacity(chunks.len());
        for chunk in &chunks {
            match self.insert_row(document, facet, chunk, seq)? {
                RowOutcome::Inserted(row) => {
                    counts.inserted += 1;
                    rows.push(row);
                }
                RowOutcome::Reused(row) => {
                    counts.reused += 1;
                    rows.push(row);
                }
            }
        }
        let inserted = i64::try_from(counts.inserted).unwrap_or(0);
        if inserted != live_already {
            self.facet_live(facet, inserted - live_already)?;
        }
        let seq = self.log("note", Some(&note.namespace), Some(&source), counts)?;
        let live = i64::try_from(standing.len() + rows.len()).unwrap_or(i64::MAX);
        let (status, fingerprint) = beside_file(stored.as_ref());
        self.store_document(
            document,
            &note.namespace,
            &source,
            status,
            fingerprint,
            live,
        )?;
        let ids = self.ids(rows.into_iter());
        Ok((
            document,
            Settled {
                ids,
                counts,
                ..untouched(Outcome::Inserted, Some(seq))
            },
        ))
    }
}

/// Returns what a source is when a note joins it: one that may be a file stays as it was, for a note says nothing of it.
fn beside_file(stored: Option<&Stored>) -> ((DocumentStatus, Option<&str>), Option<&Fingerprint>) {
    match stored.filter(|stored| stored.status != DocumentStatus::Removed) {
        Some(file) => (
            (file.status, file.reason.as_deref()),
            file.fingerprint.as_ref(),
        ),
        None => ((DocumentStatus::Indexed, None), None),
    }
}

/// Returns what became of a note that was there: further tags alone leave it what it was.
fn outcome(before: &Attributes, after: &Attributes) -> Outcome {
    let mut tagged = before.clone();
    tagged.tags.clone_from(&after.tags);
    if tagged == *after {
        Outcome::Reused
    } else {
        Outcome::Updated
    }
}

/// Returns the chunks of a note numbered so that they follow what its source holds.
///
/// A source of the caller's may hold many notes; equal texts in it are told apart by their ordinal.
fn placed_after(standing: &[Standing], note: &NoteWrite) -> Vec<NewChunk> {
    let mut chunks = note.chunks.clone();
    number(&mut chunks);
    let position = standing
        .iter()
        .map(|standing| standing.place.position + 1)
        .max()
        .unwrap_or(0);
    for chunk in &mut chunks {
        let same = standing.iter().filter(|standing| {
            standing.content_hash == chunk.content_hash
                && standing.place.start_line == chunk.place.start_line
        });
        let ordinal = same
            .map(|standing| standing.place.ordinal + 1)
            .max()
            .unwrap_or(0);
        chunk.place.ordinal += ordinal;
        chunk.place.position += position;
    }
    chunks
}
