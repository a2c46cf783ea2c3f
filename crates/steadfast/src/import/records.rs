//! Records of collections, one batch after the other: compared by id, written in one commit, read back.
//!
//! An id names one record, so there is no keeping both: a record that differs
//! stays as it is, or is replaced when that was asked for.

use std::collections::BTreeMap;

use steadfast_model::{
    Change, Chunk, CollectionChange, CollectionSpace, NewRecord, Outcome, RecordsWrite, Row,
    RowSet, StoredCollection, WriteMode,
};
use steadfast_store::{Snapshot, StoreError};

use super::OnConflict;
use super::bring::Bringing;
use super::bundle::RecordsIn;
use super::bundle::line::{CollectionHead, KeptRecord};
use crate::collection::{self, Cleaned, Records};
use crate::error::{Error, Result};
use crate::ingest::Line;

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Brought {
    pub(super) imported: u64,
    pub(super) reused: u64,
    pub(super) updated: u64,
    pub(super) verified: u64,
    pub(super) redactions: u64,
    pub(super) refused: BTreeMap<&'static str, u64>,
}

/// Brings a batch in, or says what that would do.
pub(super) fn bring(
    mut batch: RecordsIn,
    on_conflict: OnConflict,
    bringing: Bringing<'_>,
) -> Result<Brought> {
    let mut brought = Brought::default();
    if let Bringing::Write(line) | Bringing::Compare(line) = bringing
        && collection::redacts(&batch.collection.meta)
    {
        // Before they are compared: what is in the store went the same way.
        for record in &mut batch.records {
            let document = record.document.as_mut();
            brought.redactions += document.map_or(0, |text| line.redactor.redact_in_place(text))
                + line.redactor.redact_metadata(&mut record.meta);
        }
    }
    let line = match bringing {
        Bringing::Count => {
            brought.imported = batch.records.len() as u64;
            return Ok(brought);
        }
        Bringing::Write(line) | Bringing::Compare(line) => line,
    };
    let is_write = matches!(bringing, Bringing::Write(_));
    if is_write && !make(line, &batch.collection)? {
        brought
            .refused
            .insert("malformed_collection", batch.records.len() as u64);
        return Ok(brought);
    }
    let stored = line
        .backend
        .snapshot()?
        .collection(&batch.collection.name)?;
    let space = match stored.as_ref().map(|stored| stored.space) {
        None | Some(CollectionSpace::Undecided) => batch.collection.space,
        Some(space) => space,
    };
    let mut existing = match &stored {
        Some(stored) => existing(line.backend.snapshot()?.as_ref(), stored, &batch.records)?,
        None => BTreeMap::new(),
    };
    let mut taken = Vec::new();
    for record in batch.records {
        let known = existing.remove(&record.id);
        match fate(&record, known.as_ref(), space, on_conflict) {
            Fate::Reuse => brought.reused += 1,
            Fate::Refuse(reason) => *brought.refused.entry(reason).or_default() += 1,
            Fate::Add => {
                brought.imported += 1;
                taken.push(record);
            }
            Fate::Replace => {
                brought.updated += 1;
                taken.push(record);
            }
        }
    }
    if let (true, Some(stored)) = (is_write, &stored) {
        brought.verified = write(line, stored, space, &taken)?;
    }
    Ok(brought)
}

/// Makes the collection when there is none; returns whether its name can be one.
fn make(line: &Line<'_>, head: &CollectionHead) -> Result<bool> {
    if steadfast_model::record::collection_namespace(&head.name).is_err() {
        return Ok(false);
    }
    if line.backend.snapshot()?.collection(&head.name)?.is_none() {
        let change = Change::Collection(CollectionChange::Create {
            name: head.name.clone(),
            distance: head.distance,
            meta: head.meta.clone(),
        });
        line.backend.commit(&[change], line.actor)?;
    }
    Ok(true)
}

/// A record that is in the store.
struct Known {
    chunk: Chunk,
    vector: Option<Vec<f32>>,
}

fn existing(
    snapshot: &dyn Snapshot,
    stored: &StoredCollection,
    records: &[KeptRecord],
) -> Result<BTreeMap<String, Known>> {
    let ids: Vec<&str> = records.iter().map(|record| record.id.as_str()).collect();
    let rows: Vec<Row> = snapshot
        .record_rows(stored, &ids)?
        .into_iter()
        .flatten()
        .collect();
    let mut vectors: BTreeMap<Row, Vec<f32>> = BTreeMap::new();
    if matches!(stored.space, CollectionSpace::Given { .. }) {
        let set: RowSet = rows.iter().copied().collect();
        snapshot.record_vectors(stored, &set, &mut |row, vector| {
            vectors.extend(vector.map(|vector| (row, vector.to_vec())));
            true
        })?;
    }
    let fetched = snapshot.fetch(&rows)?;
    Ok(fetched
        .chunks
        .into_iter()
        .map(|chunk| {
            let vector = vectors.remove(&chunk.row);
            (chunk.source.clone(), Known { chunk, vector })
        })
        .collect())
}

enum Fate {
    Add,
    Reuse,
    Replace,
    Refuse(&'static str),
}

fn fate(
    record: &KeptRecord,
    known: Option<&Known>,
    space: CollectionSpace,
    on_conflict: OnConflict,
) -> Fate {
    let fits = match (space, &record.vector) {
        (CollectionSpace::Given { dimensions }, Some(vector)) => vector.len() == dimensions,
        (CollectionSpace::Model | CollectionSpace::Undecided, None) => true,
        (CollectionSpace::Given { .. }, None) | (_, Some(_)) => false,
    };
    let Some(known) = known else {
        return if fits {
            Fate::Add
        } else {
            Fate::Refuse("other_space")
        };
    };
    let document = (known.chunk.place.start_line > 0).then_some(&known.chunk.text);
    let is_same = document == record.document.as_ref()
        && known.chunk.attributes.meta == record.meta
        && known.vector == record.vector;
    match on_conflict {
        _ if is_same => Fate::Reuse,
        _ if !fits => Fate::Refuse("other_space"),
        OnConflict::Update => Fate::Replace,
        OnConflict::Skip => Fate::Refuse("differs_from_store"),
        OnConflict::Duplicate => Fate::Refuse("id_is_taken"),
    }
}

/// Writes records in one commit, and reads back which are there.
fn write(
    line: &Line<'_>,
    stored: &StoredCollection,
    space: CollectionSpace,
    records: &[KeptRecord],
) -> Result<u64> {
    if records.is_empty() {
        return Ok(0);
    }
    let change = Change::Collection(CollectionChange::Write(RecordsWrite {
        collection: stored.key,
        mode: WriteMode::Upsert,
        space,
        records: new_records(line, space, records)?,
    }));
    for settled in line.backend.commit(&[change], line.actor)? {
        if let Outcome::Refused(refusal) = settled.outcome {
            return Err(refusal.into());
        }
    }
    let there = existing(line.backend.snapshot()?.as_ref(), stored, records)?;
    let is_there = |record: &&KeptRecord| {
        let known = there.get(&record.id);
        known.is_some_and(|known| known.chunk.text == record.document.as_deref().unwrap_or(""))
    };
    let verified = records.iter().filter(is_there).count();
    if verified < records.len() {
        return Err(Error::Store(StoreError::Internal(format!(
            "{} of {} records were not there when they were read back",
            records.len() - verified,
            records.len()
        ))));
    }
    Ok(verified as u64)
}

/// Records with and without a document are made apart: the columns of a call hold all or none.
fn new_records(
    line: &Line<'_>,
    space: CollectionSpace,
    records: &[KeptRecord],
) -> Result<Vec<NewRecord>> {
    let (with, without): (Vec<_>, Vec<_>) =
        records.iter().partition(|record| record.document.is_some());
    let mut made = Vec::with_capacity(records.len());
    for part in [with, without] {
        let mut columns = Records::new(part.iter().map(|record| record.id.clone()))
            .metadatas(part.iter().map(|record| record.meta.clone()));
        if part.iter().any(|record| record.document.is_some()) {
            let documents = part
                .iter()
                .map(|record| record.document.clone().unwrap_or_default());
            columns = columns.documents(documents);
        }
        if matches!(space, CollectionSpace::Given { .. }) {
            let vectors = part
                .iter()
                .map(|record| record.vector.clone().unwrap_or_default());
            columns = columns.embeddings(vectors);
        }
        made.extend(collection::prepare(
            line.embed,
            WriteMode::Upsert,
            space,
            &Cleaned::already(&columns),
        )?);
    }
    Ok(made)
}
