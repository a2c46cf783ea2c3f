//! Collections and their records: one batch is one change, which is settled as a whole.

use rusqlite::params;
use steadfast_model::{
    CollectionChange, CollectionKey, CollectionSpace, Counts, DocumentKey, DocumentStatus,
    Metadata, ModelId, Namespace, NewRecord, Outcome, RecordsWrite, Refusal, Row, Settled,
    StoredCollection, WriteMode,
};

use super::facets::Facets;
use super::put::untouched;
use super::rows::{RowOutcome, Standing};
use super::{Transaction, Written, add_space, vector_hash};
use crate::error::StoreError;
use crate::records::{attributes_after, check, namespace_of};
use crate::sqlite::read::attributes::{meta_text, number};
use crate::sqlite::read::find_space;
use crate::sqlite::read::records::{Found, find, find_named};

/// A collection that is being written to.
struct Open {
    namespace: Namespace,
    /// The space of the vectors that the caller gives.
    space: Option<i64>,
    seq: i64,
}

/// What became of one record.
enum Became {
    Inserted(Row),
    Updated(Row),
    Reused(Row),
    PassedOver,
}

impl Transaction<'_> {
    pub(super) fn collection(&mut self, change: &CollectionChange) -> Written<Settled> {
        match change {
            CollectionChange::Create {
                name,
                distance,
                meta,
            } => {
                let distance = number(&steadfast_model::Distance::ALL, *distance);
                self.create_collection(name, distance, meta)
            }
            CollectionChange::Delete(key) => self.delete_collection(*key),
            CollectionChange::Write(write) => self.write_records(write),
            CollectionChange::Remove { collection, ids } => self.remove_records(*collection, ids),
            _ => Err(StoreError::Unsupported("a change that this version does not know").into()),
        }
    }

    fn create_collection(
        &mut self,
        name: &str,
        distance: i64,
        meta: &Metadata,
    ) -> Written<Settled> {
        let namespace = namespace_of(name)?;
        if find_named(self.connection, name)?.is_some() {
            return Ok(untouched(Outcome::Reused, None));
        }
        self.connection
            .prepare_cached("INSERT INTO collections (name, distance, meta) VALUES (?1, ?2, ?3)")?
            .execute(params![name, distance, meta_text(meta)])?;
        let seq = self.log("collection", Some(&namespace), None, Counts::default())?;
        Ok(untouched(Outcome::Inserted, Some(seq)))
    }

    fn delete_collection(&mut self, key: CollectionKey) -> Written<Settled> {
        let Some(found) = find(self.connection, key)? else {
            return Ok(untouched(Outcome::Refused(Refusal::NoCollection), None));
        };
        let namespace = namespace_of(&found.collection.name)?;
        let documents = self
            .connection
            .prepare_cached("SELECT document FROM documents WHERE namespace = ?1 AND chunks > 0")?
            .query_map([namespace.as_str()], |row| Ok(DocumentKey(row.get(0)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let (mut counts, seq) = (Counts::default(), self.next_seq());
        for document in documents {
            counts.removed += self.remove_record(document, seq)?;
        }
        self.connection
            .prepare_cached("DELETE FROM collections WHERE collection = ?1")?
            .execute([key.0])?;
        let seq = self.log("collection", Some(&namespace), None, counts)?;
        Ok(Settled {
            counts,
            ..untouched(Outcome::Removed, Some(seq))
        })
    }

    fn remove_records(&mut self, key: CollectionKey, ids: &[String]) -> Written<Settled> {
        let Some(found) = find(self.connection, key)? else {
            return Ok(untouched(Outcome::Refused(Refusal::NoCollection), None));
        };
        let namespace = namespace_of(&found.collection.name)?;
        let (mut counts, seq) = (Counts::default(), self.next_seq());
        for id in ids {
            if let Some(document) = self.document_of(&namespace, id)? {
                counts.removed += self.remove_record(document, seq)?;
            }
        }
        if counts.removed == 0 {
            return Ok(untouched(Outcome::Reused, None));
        }
        let seq = self.log("records", Some(&namespace), None, counts)?;
        Ok(Settled {
            counts,
            ..untouched(Outcome::Removed, Some(seq))
        })
    }

    /// Takes the record of a document out of the live set; returns how many there were: one or none.
    fn remove_record(&mut self, document: DocumentKey, seq: i64) -> Written<u64> {
        let standing = self.live_rows(document)?;
        for standing in &standing {
            self.remove_row(standing.row, standing.facet, seq)?;
        }
        if !standing.is_empty() {
            self.tell_document(document, seq, false)?;
        }
        Ok(u64::try_from(standing.len()).unwrap_or(0))
    }

    fn tell_document(&self, document: DocumentKey, seq: i64, is_live: bool) -> Written<()> {
        let status = if is_live {
            DocumentStatus::Indexed
        } else {
            DocumentStatus::Removed
        };
        self.connection
            .prepare_cached(
                "UPDATE documents SET status = ?2, reason = NULL, chunks = ?3, seq = ?4, indexed_ms = ?5
                 WHERE document = ?1",
            )?
            .execute(params![
                document.0,
                number(&DocumentStatus::ALL, status),
                i64::from(is_live),
                seq,
                self.now.0
            ])?;
        Ok(())
    }

    fn write_records(&mut self, write: &RecordsWrite) -> Written<Settled> {
        let Some(Found { collection, space }) = find(self.connection, write.collection)? else {
            return Ok(untouched(Outcome::Refused(Refusal::NoCollection), None));
        };
        let Some(decided) = collection.space.after(write.space) else {
            return Ok(untouched(
                Outcome::Refused(Refusal::OtherSpace {
                    expected: collection.space,
                    found: write.space,
                }),
                None,
            ));
        };
        check(write, decided)?;
        for chunk in write
            .records
            .iter()
            .filter_map(|record| record.chunk.as_ref())
        {
            self.check_vector(chunk)?;
        }
        let space = if decided == collection.space {
            space
        } else {
            self.decide_space(&collection, decided)?
        };
        let open = Open {
            namespace: namespace_of(&collection.name)?,
            space,
            seq: self.next_seq(),
        };
        let first = self.head.next_row;
        let mut counts = Counts::default();
        let mut rows = Vec::with_capacity(write.records.len());
        for record in &write.records {
            match self.write_record(&open, write.mode, record)? {
                Became::Inserted(row) => {
                    counts.inserted += 1;
                    rows.push(row);
                }
                Became::Updated(row) => {
                    counts.updated += 1;
                    rows.push(row);
                }
                Became::Reused(row) => {
                    counts.reused += 1;
                    rows.push(row);
                }
                Became::PassedOver => {}
            }
        }
        self.add_range(collection.key, first)?;
        let ids = self.ids(rows.into_iter());
        if counts.is_unchanged() && decided == collection.space {
            return Ok(Settled {
                counts,
                ids,
                ..untouched(Outcome::Reused, None)
            });
        }
        let seq = self.log("records", Some(&open.namespace), None, counts)?;
        Ok(Settled {
            counts,
            ids,
            ..untouched(Outcome::Updated, Some(seq))
        })
    }

    /// Writes down where the vectors of a collection come from, at its first write.
    fn decide_space(
        &self,
        collection: &StoredCollection,
        decided: CollectionSpace,
    ) -> Written<Option<i64>> {
        let space = match decided {
            CollectionSpace::Given { dimensions } => {
                let model = given_space(collection.key, dimensions);
                Some(match find_space(self.connection, &model.hash)? {
                    Some(space) => space,
                    None => add_space(self.connection, &model)?,
                })
            }
            CollectionSpace::Undecided | CollectionSpace::Model => None,
        };
        self.connection
            .prepare_cached("UPDATE collections SET given = ?2, space = ?3 WHERE collection = ?1")?
            .execute(params![collection.key.0, space.is_some(), space])?;
        Ok(space)
    }

    fn write_record(
        &mut self,
        open: &Open,
        mode: WriteMode,
        record: &NewRecord,
    ) -> Written<Became> {
        let document = self.document_of(&open.namespace, &record.id)?;
        let standing = match document {
            Some(document) => self.live_rows(document)?.pop(),
            None => None,
        };
        match (mode, document, standing) {
            (WriteMode::Add, _, Some(standing)) => Ok(Became::Reused(standing.row)),
            (WriteMode::Update, _, None) => Ok(Became::PassedOver),
            (_, Some(document), Some(standing)) => {
                self.change_record(open, mode, record, document, &standing)
            }
            (_, document, None) => self.insert_record(open, record, document),
            (_, None, Some(_)) => {
                Err(StoreError::Internal("a record without a document".to_owned()).into())
            }
        }
    }

    fn insert_record(
        &mut self,
        open: &Open,
        record: &NewRecord,
        known: Option<DocumentKey>,
    ) -> Written<Became> {
        let document = match known {
            Some(document) => document,
            None => self.head.take_document()?,
        };
        let attributes = attributes_after(record, None);
        let facet = self.facet(document, &mut Facets::default(), &attributes, None)?;
        let row = self.insert_chunk(open, document, facet, record)?;
        self.facet_live(facet, 1)?;
        if known.is_some() {
            self.tell_document(document, open.seq, true)?;
        } else {
            self.connection
                .prepare_cached(
                    "INSERT INTO documents (document, namespace, source, status, chunks, seq, indexed_ms)
                     VALUES (?1, ?2, ?3, ?4, 1, ?5, ?6)",
                )?
                .execute(params![
                    document.0,
                    open.namespace.as_str(),
                    record.id,
                    number(&DocumentStatus::ALL, DocumentStatus::Indexed),
                    open.seq,
                    self.now.0
                ])?;
        }
        Ok(Became::Inserted(row))
    }

    /// A record is there: its metadata and vector change in place, another text takes a new row.
    fn change_record(
        &mut self,
        open: &Open,
        mode: WriteMode,
        record: &NewRecord,
        document: DocumentKey,
        standing: &Standing,
    ) -> Written<Became> {
        let before = self.facet_by_key(standing.facet)?;
        let kept = (mode == WriteMode::Update).then_some(&before.attributes);
        let attributes = attributes_after(record, kept);
        // Not among all facets of the document: a record that changes a thousand times has a thousand.
        let mut facets = Facets::from(before);
        let facet = self.facet(document, &mut facets, &attributes, None)?;
        let same_text = record.chunk.as_ref().is_none_or(|chunk| {
            chunk.content_hash == standing.content_hash
                && chunk.place.start_line == standing.place.start_line
        });
        if !same_text {
            let kept = match (&record.given, open.space) {
                (None, Some(space)) => self.given_vector(space, standing.row)?,
                _ => None,
            };
            self.remove_row(standing.row, standing.facet, open.seq)?;
            let row = self.insert_chunk(open, document, facet, record)?;
            if let (Some(bytes), Some(space)) = (kept, open.space) {
                self.put_given(space, row, &bytes)?;
            }
            self.facet_live(facet, 1)?;
            self.tell_document(document, open.seq, true)?;
            return Ok(Became::Updated(row));
        }
        let mut changed = false;
        if facet != standing.facet {
            self.move_row(standing, facet, &standing.place, open.seq)?;
            self.facet_live(standing.facet, -1)?;
            self.facet_live(facet, 1)?;
            changed = true;
        }
        if let (Some(given), Some(space)) = (&record.given, open.space) {
            let bytes = encode(given);
            if self.given_vector(space, standing.row)?.as_deref() != Some(bytes.as_slice()) {
                self.put_given(space, standing.row, &bytes)?;
                changed = true;
            }
        }
        if !changed {
            return Ok(Became::Reused(standing.row));
        }
        self.tell_document(document, open.seq, true)?;
        Ok(Became::Updated(standing.row))
    }

    fn insert_chunk(
        &mut self,
        open: &Open,
        document: DocumentKey,
        facet: i64,
        record: &NewRecord,
    ) -> Written<Row> {
        let Some(chunk) = &record.chunk else {
            return Err(StoreError::Internal("a record without a chunk".to_owned()).into());
        };
        let row = match self.insert_row(document, facet, chunk, open.seq)? {
            RowOutcome::Inserted(row) => row,
            RowOutcome::Reused(_) => {
                return Err(StoreError::Internal("a record is there twice".to_owned()).into());
            }
        };
        if let (Some(given), Some(space)) = (&record.given, open.space) {
            self.put_given(space, row, &encode(given))?;
        }
        Ok(row)
    }

    fn put_given(&self, space: i64, row: Row, bytes: &[u8]) -> Written<()> {
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO vectors (vector_key, vector, hash) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![
                space << 32 | i64::from(row.0),
                bytes,
                &vector_hash(row, bytes)[..]
            ])?;
        Ok(())
    }

    /// Returns the stored bytes of a given vector; none when there is none, or it does not have its hash.
    fn given_vector(&self, space: i64, row: Row) -> Written<Option<Vec<u8>>> {
        use rusqlite::OptionalExtension as _;
        let found: Option<(Vec<u8>, Vec<u8>)> = self
            .connection
            .prepare_cached("SELECT vector, hash FROM vectors WHERE vector_key = ?1")?
            .query_row([space << 32 | i64::from(row.0)], |columns| {
                Ok((columns.get(0)?, columns.get(1)?))
            })
            .optional()?;
        Ok(found
            .filter(|(bytes, hash)| vector_hash(row, bytes) == hash.as_slice())
            .map(|(bytes, _)| bytes))
    }

    fn document_of(&self, namespace: &Namespace, id: &str) -> Written<Option<DocumentKey>> {
        use rusqlite::OptionalExtension as _;
        Ok(self
            .connection
            .prepare_cached("SELECT document FROM documents WHERE namespace = ?1 AND source = ?2")?
            .query_row(params![namespace.as_str(), id], |row| {
                Ok(DocumentKey(row.get(0)?))
            })
            .optional()?)
    }

    /// Writes down that the rows given out since `first` are records of a collection.
    fn add_range(&self, collection: CollectionKey, first: i64) -> Written<()> {
        let last = self.head.next_row - 1;
        if last < first {
            return Ok(());
        }
        let extended = self
            .connection
            .prepare_cached(
                "UPDATE record_ranges SET last_row = ?3 WHERE collection = ?1 AND last_row = ?2 - 1
                 AND first_row = (SELECT max(first_row) FROM record_ranges)",
            )?
            .execute(params![collection.0, first, last])?;
        if extended == 0 {
            self.connection
                .prepare_cached(
                    "INSERT INTO record_ranges (first_row, last_row, collection) VALUES (?1, ?2, ?3)",
                )?
                .execute(params![first, last, collection.0])?;
        }
        Ok(())
    }
}

/// Returns the space of the vectors given for a collection: one of its own, so it is compared with no other.
fn given_space(collection: CollectionKey, dimensions: usize) -> ModelId {
    let mut model = ModelId {
        name: format!("collection-{}", collection.0),
        revision: "given".to_owned(),
        dimensions,
        hash: [0; 16],
    };
    let hash = blake3::hash(format!("vectors given for {model}").as_bytes());
    if let Some(start) = hash.as_bytes().first_chunk::<16>() {
        model.hash = *start;
    }
    model
}

fn encode(values: &[f32]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}
