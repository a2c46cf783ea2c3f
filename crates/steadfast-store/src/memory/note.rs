//! Notes on plain maps.

use steadfast_model::write::number;
use steadfast_model::{
    Attributes, ChunkId, ContentHash, Counts, DocumentKey, DocumentStatus, NoteWrite, Outcome,
    Place, Refusal, Row, Settled,
};

use super::state::{Idempotent, count};
use super::write::{Transaction, untouched};
use crate::error::StoreError;
use crate::records;

impl Transaction<'_> {
    pub(super) fn note(&mut self, note: &NoteWrite) -> Result<Settled, StoreError> {
        records::check_open(&note.namespace)?;
        if note.chunks.is_empty() {
            return Err(StoreError::Invalid {
                what: "a note has no text".to_owned(),
            });
        }
        let digest = note.digest();
        let key = note
            .idempotency_key
            .as_ref()
            .map(|key| (note.namespace.clone(), key.clone()));
        let used = key.as_ref().and_then(|key| self.state.idempotency.get(key));
        let is_live = |row: &Row| self.state.chunks.get(row).is_some_and(|row| row.is_live());
        if let Some(used) =
            used.filter(|used| used.digest != digest || used.rows.iter().any(is_live))
        {
            let key = note.idempotency_key.clone().unwrap_or_default();
            if used.digest != digest {
                let refusal = Refusal::IdempotencyConflict { key };
                return Ok(untouched(Outcome::Refused(refusal)));
            }
            return Ok(Settled {
                ids: self.ids(&used.rows),
                counts: Counts {
                    reused: count(used.rows.iter()),
                    ..Counts::default()
                },
                ..untouched(Outcome::Reused)
            });
        }
        let (document, rows, settled) = match self.find_note(note, digest) {
            Some((document, facet)) => self.note_again(note, document, facet, digest),
            None => self.new_note(note, digest)?,
        };
        if let Some(key) = key {
            let used = Idempotent {
                digest,
                document,
                rows,
            };
            self.state.idempotency.insert(key, used);
        }
        Ok(settled)
    }

    /// Returns document and facet of the oldest live note with the same digest, in the source if one is given, that
    /// holds when this one does.
    fn find_note(&self, note: &NoteWrite, digest: ContentHash) -> Option<(DocumentKey, u64)> {
        let moment = note.moment(self.now);
        let holds = |known: &Attributes| {
            let said = &note.attributes;
            (known.valid_from.is_none_or(|from| from <= moment)
                && known.valid_to.is_none_or(|to| to > moment))
                || (known.valid_from, known.valid_to) == (said.valid_from, said.valid_to)
        };
        self.state
            .facets
            .iter()
            .filter(|(key, facet)| {
                facet.note == Some(digest)
                    && holds(&facet.attributes)
                    && self.state.live().any(|(_, chunk)| chunk.facet == **key)
            })
            .find(|(_, facet)| {
                self.state
                    .documents
                    .get(&facet.document)
                    .is_some_and(|document| {
                        document.namespace == note.namespace
                            && note
                                .source
                                .as_ref()
                                .is_none_or(|source| *source == document.source)
                    })
            })
            .map(|(&key, facet)| (facet.document, key))
    }

    /// The note is there: its tags are merged, and it takes over what is said of it anew.
    fn note_again(
        &mut self,
        note: &NoteWrite,
        document: DocumentKey,
        facet: u64,
        digest: ContentHash,
    ) -> (DocumentKey, Vec<Row>, Settled) {
        let mut standing: Vec<(u32, Row, Place)> = self
            .state
            .live_of(document)
            .filter(|(_, chunk)| chunk.facet == facet)
            .map(|(row, chunk)| (chunk.place.position, row, chunk.place.clone()))
            .collect();
        standing.sort_by_key(|(position, row, _)| (*position, *row));
        let rows: Vec<Row> = standing.iter().map(|(_, row, _)| *row).collect();
        let known = self.state.facets.get(&facet).map(|facet| &facet.attributes);
        let merged = note.told_again(known.unwrap_or(&note.attributes));
        let tags_only = known.is_none_or(|known| {
            let tags = merged.tags.clone();
            merged
                == Attributes {
                    tags,
                    ..known.clone()
                }
        });
        let mut settled = Settled {
            ids: self.ids(&rows),
            ..untouched(Outcome::Reused)
        };
        if known == Some(&merged) {
            settled.counts.reused = count(rows.iter());
        } else {
            let merged = self.facet(document, &merged, Some(digest));
            for (_, row, place) in &standing {
                self.move_chunk(*row, merged, place);
            }
            settled.counts.updated = count(rows.iter());
            if !tags_only {
                settled.outcome = Outcome::Updated;
            }
            settled.seq = Some(self.log("note", Some(&note.namespace), None, settled.counts));
        }
        (document, rows, settled)
    }

    fn new_note(
        &mut self,
        note: &NoteWrite,
        digest: ContentHash,
    ) -> Result<(DocumentKey, Vec<Row>, Settled), StoreError> {
        let first = ChunkId::new(&self.store_id, Row(self.state.rows_given.saturating_add(1)));
        let source = match &note.source {
            Some(source) => source.clone(),
            None => format!("note:{first}"),
        };
        let known = self.state.find(&note.namespace, &source);
        let document = self.document_key(known)?;
        let mut chunks = note.chunks.clone();
        number(&mut chunks);
        let standing: Vec<_> = self
            .state
            .live_of(document)
            .map(|(_, chunk)| (chunk.content_hash, chunk.place.clone()))
            .collect();
        let positions = standing.iter().map(|(_, place)| place.position + 1);
        let position = positions.max().unwrap_or(0);
        for chunk in &mut chunks {
            let same = standing.iter().filter(|(hash, place)| {
                *hash == chunk.content_hash && place.start_line == chunk.place.start_line
            });
            let ordinal = same.map(|(_, place)| place.ordinal + 1).max().unwrap_or(0);
            chunk.place.ordinal += ordinal;
            chunk.place.position += position;
        }
        let seq = self.next_seq();
        let facet = self.facet(document, &note.attributes, Some(digest));
        let rows = chunks
            .iter()
            .map(|chunk| self.insert_chunk(document, facet, chunk, seq))
            .collect::<Result<Vec<_>, _>>()?;
        let counts = Counts {
            inserted: count(rows.iter()),
            ..Counts::default()
        };
        let seq = self.log("note", Some(&note.namespace), Some(&source), counts);
        let before = known.and_then(|key| self.state.documents.get(&key));
        let stays = before.filter(|before| before.status != DocumentStatus::Removed);
        let (status, reason, fingerprint) = match stays.cloned() {
            Some(file) => (file.status, file.reason, file.fingerprint),
            None => (DocumentStatus::Indexed, None, None),
        };
        self.store_document(
            document,
            &note.namespace,
            &source,
            (status, reason.as_deref()),
            fingerprint.as_ref(),
        );
        let settled = Settled {
            seq: Some(seq),
            counts,
            ids: self.ids(&rows),
            ..untouched(Outcome::Inserted)
        };
        Ok((document, rows, settled))
    }
}
