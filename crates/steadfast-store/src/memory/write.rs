//! Changes on plain maps: put, mark, access; notes, forgetting and single rows are next door.

use steadfast_model::write::{LiveChunk, number, number_beside, plan_replace};
use steadfast_model::{
    Attributes, Change, ChunkId, ContentHash, Counts, DocumentKey, DocumentStatus, Fingerprint,
    Namespace, NewChunk, Outcome, PutDocument, Refusal, RestoreDocument, Row, Seq, Settled,
    StoreId, Timestamp,
};

use super::state::{State, StoredChunk, StoredDocument, count};
use crate::backend::Event;
use crate::error::StoreError;
use crate::records;

/// What a commit works with; its changes are kept only when all of them pass.
pub(super) struct Transaction<'t> {
    pub(super) state: &'t mut State,
    pub(super) store_id: StoreId,
    pub(super) dimensions: usize,
    pub(super) now: Timestamp,
    pub(super) actor: &'t str,
}

impl Transaction<'_> {
    pub(super) fn apply(&mut self, change: &Change) -> Result<Settled, StoreError> {
        match change {
            Change::Put(put) => self.put(put, None),
            Change::Restore(restore) => self.restore(restore),
            Change::Note(note) => self.note(note),
            Change::Mark {
                namespace,
                source,
                status,
                reason,
                fingerprint,
            } => self.mark(
                namespace,
                source,
                *status,
                reason.as_deref(),
                fingerprint.as_ref(),
            ),
            Change::Rename {
                namespace,
                from,
                to,
                fingerprint,
            } => Ok(self.rename(namespace, from, to, fingerprint)),
            Change::Forget { rows, documents } => Ok(self.forget(rows, documents)),
            Change::Access(rows) => Ok(self.count_access(rows)),
            Change::RenameTag { from, to } => Ok(self.rename_tag(from, to)),
            Change::RenameNamespace { from, to, source } => {
                records::check_open(from)?;
                records::check_open(to)?;
                Ok(self.rename_namespace(from, to, source.as_deref()))
            }
            Change::Root(root) => self.remember_root(root),
            Change::DropRoot { path, namespace } => Ok(self.drop_root(path, namespace.as_ref())),
            Change::Vectors(late) => self.late_vectors(late),
            Change::Collection(change) => self.collection(change),
            Change::Past(_) => Err(StoreError::Unsupported("past versions")),
            _ => Err(StoreError::Unsupported(
                "a change that this version does not know",
            )),
        }
    }

    fn restore(&mut self, restore: &RestoreDocument) -> Result<Settled, StoreError> {
        let put = &restore.put;
        let settled = self.put(put, Some(&restore.notes))?;
        if matches!(settled.outcome, Outcome::Refused(_)) {
            return Ok(settled);
        }
        let mut chunks = put.chunks.clone();
        number(&mut chunks);
        let document = self.state.find(&put.namespace, &put.source);
        for (chunk, count) in chunks.iter().zip(&restore.access_counts) {
            let row = document.and_then(|document| {
                let mut live = self.state.live_of(document);
                live.find(|(_, found)| {
                    found.content_hash == chunk.content_hash
                        && found.place.start_line == chunk.place.start_line
                        && found.place.ordinal == chunk.place.ordinal
                })
                .map(|(row, _)| row)
            });
            if let Some(row) = row {
                self.change_chunk(row, |found| {
                    found.access_count = found.access_count.max(*count);
                });
            }
        }
        Ok(settled)
    }

    /// Replaces the content of a document: of all its rows when it is said which are of notes, else of those of no note.
    fn put(
        &mut self,
        put: &PutDocument,
        notes: Option<&[Option<ContentHash>]>,
    ) -> Result<Settled, StoreError> {
        records::check_open(&put.namespace)?;
        let known = self.state.find(&put.namespace, &put.source);
        let before = known
            .and_then(|key| self.state.documents.get(&key))
            .cloned();
        let status = before.as_ref().map(|before| before.status);
        if status == Some(DocumentStatus::Forgotten) && !put.revive {
            return Ok(untouched(Outcome::Refused(Refusal::Forgotten {
                origin: put.source.clone(),
            })));
        }
        let document = self.document_key(known)?;
        let mut chunks = put.chunks.clone();
        if put.revive {
            self.state.forgotten.retain(|(key, _)| *key != document);
        }
        chunks.retain(|chunk| {
            !self
                .state
                .forgotten
                .contains(&(document, chunk.content_hash))
        });
        let withheld = count(put.chunks.iter()) - count(chunks.iter());
        let kept = self.state.live_of(document);
        let kept = kept.filter(|(_, chunk)| notes.is_none() && self.state.is_of_note(chunk));
        let key = |chunk: &StoredChunk| {
            (
                chunk.content_hash,
                chunk.place.start_line,
                chunk.place.ordinal,
            )
        };
        number_beside(&mut chunks, &kept.map(|(_, chunk)| key(chunk)).collect());
        let (rows, counts) = self.replace(document, &put.attributes, notes, &chunks)?;
        let as_before = status == Some(DocumentStatus::Indexed) && counts.is_unchanged();
        let seq =
            (!as_before).then(|| self.log("put", Some(&put.namespace), Some(&put.source), counts));
        let same_file = before
            .as_ref()
            .is_some_and(|before| before.fingerprint == put.fingerprint);
        if !(as_before && same_file) {
            self.store_document(
                document,
                &put.namespace,
                &put.source,
                (DocumentStatus::Indexed, None),
                put.fingerprint.as_ref(),
            );
        }
        self.assign(document, &put.assigned);
        let outcome = match known {
            None => Outcome::Inserted,
            Some(_) if as_before => Outcome::Reused,
            Some(_) => Outcome::Updated,
        };
        Ok(Settled {
            seq,
            outcome,
            counts,
            ids: self.ids(&rows),
            withheld,
        })
    }

    /// Makes the live rows of a document those of `chunks`; returns them in order.
    fn replace(
        &mut self,
        document: DocumentKey,
        attributes: &[Attributes],
        notes: Option<&[Option<ContentHash>]>,
        chunks: &[NewChunk],
    ) -> Result<(Vec<Row>, Counts), StoreError> {
        let seq = self.next_seq();
        let live: Vec<LiveChunk> = self
            .state
            .live_of(document)
            .filter(|(_, chunk)| notes.is_some() || !self.state.is_of_note(chunk))
            .map(|(row, chunk)| LiveChunk {
                row,
                content_hash: chunk.content_hash,
                start_line: chunk.place.start_line,
                ordinal: chunk.place.ordinal,
            })
            .collect();
        let facets: Vec<u64> = attributes
            .iter()
            .enumerate()
            .map(|(place, attributes)| {
                let note = notes.and_then(|notes| notes.get(place).copied().flatten());
                self.facet(document, attributes, note)
            })
            .collect();
        let plan = plan_replace(&live, chunks);
        let mut counts = Counts::default();
        for row in &plan.removed {
            self.change_chunk(*row, |chunk| chunk.removed = Some(seq));
            counts.removed += 1;
        }
        let mut rows = Vec::with_capacity(chunks.len());
        for (chunk, survivor) in chunks.iter().zip(&plan.rows) {
            let Some(&facet) = facets.get(chunk.attributes) else {
                return Err(StoreError::Invalid {
                    what: format!(
                        "a chunk names attributes {} of {}",
                        chunk.attributes,
                        facets.len()
                    ),
                });
            };
            let row = if let Some(row) = survivor {
                let moved = self.move_chunk(*row, facet, &chunk.place);
                counts.updated += u64::from(moved);
                counts.reused += u64::from(!moved);
                *row
            } else {
                counts.inserted += 1;
                self.insert_chunk(document, facet, chunk, seq)?
            };
            rows.push(row);
        }
        Ok((rows, counts))
    }

    fn mark(
        &mut self,
        namespace: &Namespace,
        source: &str,
        status: DocumentStatus,
        reason: Option<&str>,
        fingerprint: Option<&Fingerprint>,
    ) -> Result<Settled, StoreError> {
        records::check_open(namespace)?;
        let known = self.state.find(namespace, source);
        let before = known
            .and_then(|key| self.state.documents.get(&key))
            .cloned();
        let is_removal = status == DocumentStatus::Removed;
        let live = known.into_iter().flat_map(|key| self.state.live_of(key));
        let (notes, gone): (Vec<_>, Vec<_>) = live
            .filter(|_| is_removal)
            .map(|(row, chunk)| (row, self.state.is_of_note(chunk)))
            .partition(|(_, is_of_note)| *is_of_note);
        let (then, reason, fingerprint) = if notes.is_empty() {
            (status, reason, fingerprint)
        } else {
            (DocumentStatus::Indexed, None, None)
        };
        let stays = match &before {
            None => is_removal,
            Some(before) => {
                before.status == DocumentStatus::Forgotten
                    || (before.status == then
                        && before.reason.as_deref() == reason
                        && before.fingerprint.as_ref() == fingerprint
                        && gone.is_empty())
            }
        };
        if stays {
            return Ok(untouched(Outcome::Reused));
        }
        let document = self.document_key(known)?;
        let mut counts = Counts::default();
        let removed = self.next_seq();
        for (row, _) in gone {
            self.change_chunk(row, |chunk| chunk.removed = Some(removed));
            counts.removed += 1;
        }
        let seq = self.log("mark", Some(namespace), Some(source), counts);
        self.store_document(document, namespace, source, (then, reason), fingerprint);
        let outcome = if is_removal {
            Outcome::Removed
        } else if known.is_some() {
            Outcome::Updated
        } else {
            Outcome::Inserted
        };
        Ok(Settled {
            seq: Some(seq),
            counts,
            ..untouched(outcome)
        })
    }

    fn count_access(&mut self, rows: &[Row]) -> Settled {
        let mut counts = Counts::default();
        for row in rows {
            let found = self.change_chunk(*row, |chunk| chunk.access_count += 1);
            counts.updated += u64::from(found);
        }
        Settled {
            counts,
            ids: self.ids(rows),
            ..untouched(Outcome::Updated)
        }
    }

    /// Returns the number of the commit that a change is about to make; [`Self::log`] makes it count.
    pub(super) fn next_seq(&self) -> Seq {
        Seq(self.state.seq + 1)
    }

    pub(super) fn log(
        &mut self,
        operation: &str,
        namespace: Option<&Namespace>,
        source: Option<&str>,
        counts: Counts,
    ) -> Seq {
        let seq = self.next_seq();
        self.state.seq = seq.0;
        self.state.events.push(Event {
            seq,
            time: self.now,
            operation: operation.to_owned(),
            namespace: namespace.map(|namespace| namespace.as_str().to_owned()),
            source: source.map(str::to_owned),
            chunks: counts.inserted + counts.updated + counts.removed,
            actor: self.actor.to_owned(),
        });
        seq
    }

    pub(super) fn document_key(
        &mut self,
        known: Option<DocumentKey>,
    ) -> Result<DocumentKey, StoreError> {
        if let Some(key) = known {
            return Ok(key);
        }
        let key = self.state.documents_given.checked_add(1);
        self.state.documents_given = key.ok_or(StoreError::Full)?;
        Ok(DocumentKey(self.state.documents_given))
    }

    pub(super) fn store_document(
        &mut self,
        key: DocumentKey,
        namespace: &Namespace,
        source: &str,
        (status, reason): (DocumentStatus, Option<&str>),
        fingerprint: Option<&Fingerprint>,
    ) {
        let stored = StoredDocument {
            namespace: namespace.clone(),
            source: source.to_owned(),
            status,
            reason: reason.map(str::to_owned),
            fingerprint: fingerprint.copied(),
            indexed_at: self.now,
            seq: Seq(self.state.seq),
        };
        self.state.documents.insert(key, stored);
    }

    pub(super) fn ids(&self, rows: &[Row]) -> Vec<ChunkId> {
        rows.iter()
            .map(|row| ChunkId::new(&self.store_id, *row))
            .collect()
    }
}

/// Returns a settled change that wrote nothing.
pub(super) fn untouched(outcome: Outcome) -> Settled {
    Settled {
        seq: None,
        outcome,
        counts: Counts::default(),
        ids: Vec::new(),
        withheld: 0,
    }
}
