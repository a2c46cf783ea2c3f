//! Collections and records on plain maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use steadfast_model::{
    CollectionChange, CollectionKey, CollectionSpace, Counts, DocumentKey, DocumentStatus,
    Namespace, NewRecord, Outcome, RecordsWrite, Refusal, Row, RowSet, Seq, Settled,
    StoredCollection, WriteMode,
};

use super::read::MemorySnapshot;
use super::state::{InSpace, StoredChunk};
use super::write::{Transaction, untouched};
use crate::error::StoreError;
use crate::records::{EachVector, Records, attributes_after, check, namespace_of};

impl Transaction<'_> {
    pub(super) fn collection(&mut self, change: &CollectionChange) -> Result<Settled, StoreError> {
        match change {
            CollectionChange::Create {
                name,
                distance,
                meta,
            } => {
                let namespace = namespace_of(name)?;
                if self
                    .state
                    .collections
                    .values()
                    .any(|found| found.name == *name)
                {
                    return Ok(untouched(Outcome::Reused));
                }
                self.state.collections_given += 1;
                let key = CollectionKey(self.state.collections_given);
                let collection = StoredCollection {
                    key,
                    name: name.clone(),
                    distance: *distance,
                    meta: meta.clone(),
                    space: CollectionSpace::Undecided,
                };
                self.state.collections.insert(key, collection);
                Ok(self.told(
                    "collection",
                    &namespace,
                    Counts::default(),
                    Outcome::Inserted,
                ))
            }
            CollectionChange::Delete(key) => {
                let Some(found) = self.state.collections.remove(key) else {
                    return Ok(untouched(Outcome::Refused(Refusal::NoCollection)));
                };
                let namespace = namespace_of(&found.name)?;
                let documents = self.state.documents.iter();
                let documents: Vec<DocumentKey> = documents
                    .filter(|(_, document)| document.namespace == namespace)
                    .map(|(&key, _)| key)
                    .collect();
                let counts = self.remove(&documents);
                Ok(self.told("collection", &namespace, counts, Outcome::Removed))
            }
            CollectionChange::Write(write) => self.write_records(write),
            CollectionChange::Remove { collection, ids } => {
                let Some(found) = self.state.collections.get(collection) else {
                    return Ok(untouched(Outcome::Refused(Refusal::NoCollection)));
                };
                let namespace = namespace_of(&found.name)?;
                let documents: Vec<DocumentKey> = ids
                    .iter()
                    .filter_map(|id| self.state.find(&namespace, id))
                    .collect();
                let counts = self.remove(&documents);
                if counts.removed == 0 {
                    return Ok(untouched(Outcome::Reused));
                }
                Ok(self.told("records", &namespace, counts, Outcome::Removed))
            }
            _ => Err(StoreError::Unsupported(
                "a change that this version does not know",
            )),
        }
    }

    fn told(
        &mut self,
        operation: &str,
        namespace: &Namespace,
        counts: Counts,
        outcome: Outcome,
    ) -> Settled {
        let seq = self.log(operation, Some(namespace), None, counts);
        Settled {
            seq: Some(seq),
            counts,
            ..untouched(outcome)
        }
    }

    fn remove(&mut self, documents: &[DocumentKey]) -> Counts {
        let (seq, mut counts) = (self.next_seq(), Counts::default());
        for document in documents {
            let rows: Vec<Row> = self.state.live_of(*document).map(|(row, _)| row).collect();
            for row in &rows {
                self.change_chunk(*row, |chunk| chunk.removed = Some(seq));
                counts.removed += 1;
            }
            if !rows.is_empty() {
                self.tell_document(*document, seq, DocumentStatus::Removed);
            }
        }
        counts
    }

    fn tell_document(&mut self, document: DocumentKey, seq: Seq, status: DocumentStatus) {
        if let Some(stored) = self.state.documents.get_mut(&document) {
            stored.status = status;
            stored.reason = None;
            stored.seq = seq;
            stored.indexed_at = self.now;
        }
    }

    fn write_records(&mut self, write: &RecordsWrite) -> Result<Settled, StoreError> {
        let Some(collection) = self.state.collections.get(&write.collection).cloned() else {
            return Ok(untouched(Outcome::Refused(Refusal::NoCollection)));
        };
        let Some(decided) = collection.space.after(write.space) else {
            return Ok(untouched(Outcome::Refused(Refusal::OtherSpace {
                expected: collection.space,
                found: write.space,
            })));
        };
        check(write, decided)?;
        if let Some(stored) = self.state.collections.get_mut(&write.collection) {
            stored.space = decided;
        }
        let namespace = namespace_of(&collection.name)?;
        let standing = self.standing(&namespace);
        let (mut counts, mut rows) = (Counts::default(), Vec::new());
        for record in &write.records {
            let known = standing.get(&record.id).copied();
            if let Some(row) =
                self.write_record(&namespace, write.mode, record, known, &mut counts)?
            {
                rows.push(row);
            }
        }
        let unchanged = counts.is_unchanged() && decided == collection.space;
        let settled = if unchanged {
            Settled {
                counts,
                ..untouched(Outcome::Reused)
            }
        } else {
            self.told("records", &namespace, counts, Outcome::Updated)
        };
        Ok(Settled {
            ids: self.ids(&rows),
            ..settled
        })
    }

    /// Returns the documents of a collection by id, each with the row of its record while it has one.
    fn standing(&self, namespace: &Namespace) -> BTreeMap<String, (DocumentKey, Option<Row>)> {
        let rows: BTreeMap<DocumentKey, Row> = self
            .state
            .live()
            .map(|(row, chunk)| (chunk.document, row))
            .collect();
        let documents = self.state.documents.iter();
        documents
            .filter(|(_, document)| document.namespace == *namespace)
            .map(|(key, document)| (document.source.clone(), (*key, rows.get(key).copied())))
            .collect()
    }

    /// Writes one record; returns its row, or none when it was passed over.
    fn write_record(
        &mut self,
        namespace: &Namespace,
        mode: WriteMode,
        record: &NewRecord,
        known: Option<(DocumentKey, Option<Row>)>,
        counts: &mut Counts,
    ) -> Result<Option<Row>, StoreError> {
        let seq = self.next_seq();
        let (document, row) = known.unzip();
        let standing = row.flatten().and_then(|row| {
            let chunk = self.state.chunks.get(&row)?;
            Some((row, StoredChunk::clone(chunk)))
        });
        let Some((row, before)) = standing else {
            if mode == WriteMode::Update {
                return Ok(None);
            }
            // A new document has no facets to look through.
            let is_new = document.is_none();
            let document = self.document_key(document)?;
            let facet = if is_new {
                self.add_facet(document, &attributes_after(record, None), None)
            } else {
                self.record_facet(document, record, None)
            };
            let row = self.insert_record(document, record, facet, seq)?;
            let indexed = (DocumentStatus::Indexed, None);
            self.store_document(document, namespace, &record.id, indexed, None);
            self.tell_document(document, seq, DocumentStatus::Indexed);
            counts.inserted += 1;
            return Ok(Some(row));
        };
        if mode == WriteMode::Add {
            counts.reused += 1;
            return Ok(Some(row));
        }
        let kept = (mode == WriteMode::Update).then_some(&before);
        let document = before.document;
        let same_text = record.chunk.as_ref().is_none_or(|chunk| {
            chunk.content_hash == before.content_hash
                && chunk.place.start_line == before.place.start_line
        });
        if !same_text {
            self.change_chunk(row, |chunk| chunk.removed = Some(seq));
            let given = self.state.given.get(&row).cloned();
            let facet = self.record_facet(document, record, kept);
            let row = self.insert_record(document, record, facet, seq)?;
            if let (None, Some(given)) = (&record.given, given) {
                self.state.given.insert(row, given);
            }
            self.tell_document(document, seq, DocumentStatus::Indexed);
            counts.updated += 1;
            return Ok(Some(row));
        }
        let facet = self.record_facet(document, record, kept);
        let mut changed = self.move_chunk(row, facet, &before.place);
        if let Some(given) = &record.given
            && self.state.given.get(&row).is_none_or(|known| {
                let bits = |values: &[f32]| values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                bits(known) != bits(given)
            })
        {
            self.state.given.insert(row, Arc::new(given.clone()));
            changed = true;
        }
        if changed {
            self.tell_document(document, seq, DocumentStatus::Indexed);
        }
        counts.updated += u64::from(changed);
        counts.reused += u64::from(!changed);
        Ok(Some(row))
    }

    fn record_facet(
        &mut self,
        document: DocumentKey,
        record: &NewRecord,
        kept: Option<&StoredChunk>,
    ) -> u64 {
        let before = kept.and_then(|chunk| self.state.facets.get(&chunk.facet));
        let attributes = attributes_after(record, before.map(|facet| &facet.attributes));
        self.facet(document, &attributes, None)
    }

    fn insert_record(
        &mut self,
        document: DocumentKey,
        record: &NewRecord,
        facet: u64,
        seq: Seq,
    ) -> Result<Row, StoreError> {
        let Some(chunk) = &record.chunk else {
            return Err(StoreError::Internal("a record without a chunk".to_owned()));
        };
        let row = self.insert_chunk(document, facet, chunk, seq)?;
        if let Some(given) = &record.given {
            self.state.given.insert(row, Arc::new(given.clone()));
        }
        Ok(row)
    }
}

impl Records for MemorySnapshot {
    fn collections(&self) -> Result<Vec<StoredCollection>, StoreError> {
        let mut found: Vec<_> = self.state().collections.values().cloned().collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    fn collection(&self, name: &str) -> Result<Option<StoredCollection>, StoreError> {
        let mut all = self.state().collections.values();
        Ok(all.find(|found| found.name == name).cloned())
    }

    fn record_scope(&self, collection: CollectionKey) -> Result<RowSet, StoreError> {
        let Some(found) = self.state().collections.get(&collection) else {
            return Ok(RowSet::new());
        };
        let namespace = namespace_of(&found.name)?;
        let live = self.state().live();
        Ok(live
            .filter(|(_, chunk)| {
                let document = self.state().documents.get(&chunk.document);
                document.is_some_and(|document| document.namespace == namespace)
            })
            .map(|(row, _)| row)
            .collect())
    }

    fn record_rows(
        &self,
        collection: &StoredCollection,
        ids: &[&str],
    ) -> Result<Vec<Option<Row>>, StoreError> {
        let namespace = namespace_of(&collection.name)?;
        let row = |id: &&str| {
            let document = self.state().find(&namespace, id)?;
            self.state().live_of(document).next().map(|(row, _)| row)
        };
        Ok(ids.iter().map(row).collect())
    }

    fn record_vectors(
        &self,
        collection: &StoredCollection,
        rows: &RowSet,
        each: &mut EachVector<'_>,
    ) -> Result<(), StoreError> {
        for row in rows.iter() {
            let chunk = self.state().chunks.get(&row).map(Arc::as_ref);
            let vector = match (collection.space, chunk.map(|chunk| &chunk.vector)) {
                (CollectionSpace::Model, Some(InSpace::Present(vector))) => Some(&vector.0),
                (CollectionSpace::Given { .. }, _) => self.state().given.get(&row).map(Arc::as_ref),
                _ => None,
            };
            if let Some(vector) = vector
                && !each(row, Some(vector))
            {
                break;
            }
        }
        Ok(())
    }
}
