//! Records on their way in and out: one call is one commit.

use std::borrow::Cow;
use std::collections::HashSet;
use std::num::NonZeroUsize;

use steadfast_embed::{Embed, embed_proven};
use steadfast_index::Analyzer;
use steadfast_model::{
    Analyze as _, CollectionChange, CollectionSpace, ContentHash, HashedTerms, NewChunk, NewRecord,
    Place, RecordsWrite, Vector, WriteMode,
};

use super::check;
use super::handle::Collection;
use super::request::{DeleteRequest, Deleted, Records, Written};
use crate::error::{Error, Result};

/// Texts that are embedded in one call.
const EMBED_BATCH: usize = 64;

/// Fewer texts than this are not worth a thread of their own.
const TEXTS_PER_THREAD_MIN: usize = 256;

/// The most threads that embed one call.
const THREADS_MAX: usize = 8;

impl Collection {
    /// Adds records. Ids that are there already are left as they are, and counted in [`Written::unchanged`].
    ///
    /// The first write decides for good where the vectors of the collection come from: given by the caller, all of
    /// one dimension, or by the model of the store.
    ///
    /// # Errors
    /// [`crate::CollectionError`] when the lists do not belong together, an id is empty or twice, a vector is of another
    /// space, or the collection is gone; [`Error::Store`]. Then nothing is written.
    ///
    /// # Durability
    /// All records are one commit, on the disk and found by every query in any process when this returns.
    pub fn add(&self, records: &Records) -> Result<Written> {
        self.write(WriteMode::Add, records)
    }

    /// Adds records; those that are there become what is given, as if they were new.
    ///
    /// # Errors
    /// As [`Self::add`].
    ///
    /// # Durability
    /// As [`Self::add`].
    pub fn upsert(&self, records: &Records) -> Result<Written> {
        self.write(WriteMode::Upsert, records)
    }

    /// Changes records that are there: what is given replaces what they have, keys of metadata one by one, and the
    /// rest stays. A null takes a key out. Ids that are not there are passed over, and counted in
    /// [`Written::missing`].
    ///
    /// A document that changes in a collection of given vectors keeps its vector unless one is given.
    ///
    /// # Errors
    /// As [`Self::add`]; [`Error::Invalid`] when there is nothing to change.
    ///
    /// # Durability
    /// As [`Self::add`].
    pub fn update(&self, records: &Records) -> Result<Written> {
        if records.documents.is_none()
            && records.metadatas.is_none()
            && records.embeddings.is_none()
        {
            return Err(Error::Invalid {
                what: "an update needs documents, metadatas or embeddings".to_owned(),
            });
        }
        self.write(WriteMode::Update, records)
    }

    /// Takes out the records that are asked for. Ids that are not there are passed over.
    ///
    /// They leave every search at once; like every text that was replaced they stay in the history of the store
    /// until they are forgotten.
    ///
    /// # Errors
    /// [`Error::NothingSelected`] when neither ids nor a filter with a condition are given; [`Error::Expression`];
    /// [`crate::CollectionError::NotFound`]; [`Error::Store`].
    ///
    /// # Durability
    /// One commit, on the disk when this returns.
    pub fn delete(&self, request: &DeleteRequest) -> Result<Deleted> {
        self.inner.check()?;
        // A caller without a condition sends an empty filter: that is none, and does not mean everything.
        let has_condition = [&request.filter, &request.document_filter]
            .into_iter()
            .flatten()
            .any(|filter| filter != &serde_json::json!({}));
        let ids = match &request.ids {
            None if !has_condition => return Err(Error::NothingSelected),
            Some(ids) if !has_condition => ids.clone(),
            _ => self.matching_ids(request)?,
        };
        let settled = self.inner.settle(
            &self.name,
            CollectionChange::Remove {
                collection: self.key,
                ids,
            },
        )?;
        let seq = self.inner.seq_of(&settled)?;
        Ok(Deleted::new(seq, settled.counts.removed))
    }

    fn write(&self, mode: WriteMode, records: &Records) -> Result<Written> {
        self.inner.check()?;
        let given = check::records(records)?;
        let cleaned = self.cleaned(records);
        let records = &*cleaned.records;
        let stored = {
            let snapshot = self.inner.backend().snapshot()?;
            self.stored(snapshot.as_ref())?
        };
        let space = match (mode, given) {
            (_, CollectionSpace::Given { .. }) => given,
            // Without a vector, a record of given ones keeps the one it has.
            (WriteMode::Update, _) => stored.space,
            (WriteMode::Add | WriteMode::Upsert, _) if records.ids.is_empty() => stored.space,
            (WriteMode::Add | WriteMode::Upsert, _) => CollectionSpace::Model,
        };
        if stored.space.after(space).is_none() {
            return Err(check::other_space(&self.name, stored.space, space));
        }
        if mode != WriteMode::Update
            && records.documents.is_none()
            && space == CollectionSpace::Model
        {
            return Err(Error::Invalid {
                what: "records need documents or embeddings".to_owned(),
            });
        }
        let write = RecordsWrite {
            collection: self.key,
            mode,
            space,
            records: prepare(self.inner.embed(), mode, space, &cleaned)?,
        };
        let settled = self
            .inner
            .settle(&self.name, CollectionChange::Write(write))?;
        let missing = records.ids.len().saturating_sub(settled.ids.len()) as u64;
        let seq = self.inner.seq_of(&settled)?;
        Ok(Written::new(
            seq,
            settled.counts,
            missing,
            cleaned.redactions,
        ))
    }

    /// Takes secrets out of documents and of the texts of metadata. Ids and given vectors stay as they are.
    fn cleaned<'r>(&self, records: &'r Records) -> Cleaned<'r> {
        let mut cleaned = Cleaned::already(records);
        if !self.redacts() {
            return cleaned;
        }
        let redactor = self.inner.redactor();
        for (index, document) in records.documents.iter().flatten().enumerate() {
            let redacted = redactor.redact(document);
            if redacted.removals.count() == 0 {
                continue;
            }
            cleaned.redactions += redacted.removals.count();
            cleaned.redacted.insert(index);
            let documents = cleaned.records.to_mut().documents.as_mut();
            if let Some(slot) = documents.and_then(|documents| documents.get_mut(index)) {
                *slot = redacted.text.into_owned();
            }
        }
        for (index, meta) in records.metadatas.iter().flatten().enumerate() {
            let mut meta = meta.clone();
            let found = redactor.redact_metadata(&mut meta);
            if found == 0 {
                continue;
            }
            cleaned.redactions += found;
            let metadatas = cleaned.records.to_mut().metadatas.as_mut();
            if let Some(slot) = metadatas.and_then(|metadatas| metadatas.get_mut(index)) {
                *slot = meta;
            }
        }
        cleaned
    }
}

/// Records without secrets.
pub(crate) struct Cleaned<'r> {
    records: Cow<'r, Records>,
    /// The places of documents that something was taken out of.
    redacted: HashSet<usize>,
    redactions: u64,
}

impl<'r> Cleaned<'r> {
    /// Returns records out of which secrets were taken before, or are to stay in.
    pub(crate) fn already(records: &'r Records) -> Self {
        Self {
            records: Cow::Borrowed(records),
            redacted: HashSet::new(),
            redactions: 0,
        }
    }
}

/// Makes rows of columns; documents are hashed, analysed and, where the model does it, embedded.
pub(crate) fn prepare(
    embed: &dyn Embed,
    mode: WriteMode,
    space: CollectionSpace,
    cleaned: &Cleaned<'_>,
) -> Result<Vec<NewRecord>> {
    let records = &*cleaned.records;
    let dimensions = embed.model().dimensions;
    let mut chunks = match (&records.documents, space) {
        (Some(documents), CollectionSpace::Model) => embedded_chunks(embed, documents)?,
        (Some(documents), _) => documents
            .iter()
            .map(|document| chunk(document, nowhere(dimensions)))
            .collect(),
        (None, _) => Vec::new(),
    };
    for &index in &cleaned.redacted {
        if let Some(chunk) = chunks.get_mut(index) {
            chunk.place.fidelity.redacted = true;
        }
    }
    let mut chunks = chunks.into_iter();
    let mut metadatas = records.metadatas.iter().flatten();
    let mut embeddings = records.embeddings.iter().flatten();
    let records = records.ids.iter().map(|id| NewRecord {
        id: id.clone(),
        chunk: match chunks.next() {
            None if mode != WriteMode::Update => Some(no_document(dimensions)),
            chunk => chunk,
        },
        meta: metadatas.next().cloned(),
        given: embeddings.next().cloned(),
    });
    Ok(records.collect())
}

/// Embeds documents on several threads: that is most of the work of a large call.
fn embedded_chunks(embed: &dyn Embed, documents: &[String]) -> Result<Vec<NewChunk>> {
    let threads = std::thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .min(THREADS_MAX)
        .min(documents.len() / TEXTS_PER_THREAD_MIN + 1);
    let share = documents.len().div_ceil(threads).max(1);
    let made: Vec<Result<Vec<NewChunk>>> = std::thread::scope(|scope| {
        let workers: Vec<_> = documents
            .chunks(share)
            .map(|part| scope.spawn(move || embed_part(embed, part)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker.join().unwrap_or_else(|_| {
                    Err(Error::Invalid {
                        what: "the embedder panicked".to_owned(),
                    })
                })
            })
            .collect()
    });
    let mut chunks = Vec::with_capacity(documents.len());
    for part in made {
        chunks.extend(part?);
    }
    Ok(chunks)
}

fn embed_part(embed: &dyn Embed, documents: &[String]) -> Result<Vec<NewChunk>> {
    let mut chunks = Vec::with_capacity(documents.len());
    for batch in documents.chunks(EMBED_BATCH) {
        let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
        let vectors = embed_proven(embed, &texts)?;
        chunks.extend(
            batch
                .iter()
                .zip(vectors)
                .map(|(document, vector)| chunk(document, vector)),
        );
    }
    Ok(chunks)
}

/// Returns the vector of a record whose text has no place in the model's space: the caller gives its vector.
fn nowhere(dimensions: usize) -> Vector {
    Vector(vec![0.0; dimensions])
}

fn chunk(document: &str, vector: Vector) -> NewChunk {
    let lines = document.bytes().filter(|&byte| byte == b'\n').count();
    NewChunk {
        text: document.to_owned(),
        content_hash: ContentHash::of(document),
        place: Place {
            start_line: 1,
            end_line: u32::try_from(lines + 1).unwrap_or(u32::MAX),
            end_byte: document.len() as u64,
            ..Place::default()
        },
        attributes: 0,
        terms: Analyzer.terms(document),
        vector: Some(vector),
    }
}

/// Returns the chunk of a record without a document: no text, at no line.
fn no_document(dimensions: usize) -> NewChunk {
    NewChunk {
        text: String::new(),
        content_hash: ContentHash::of(""),
        place: Place::default(),
        attributes: 0,
        terms: HashedTerms::default(),
        vector: Some(nowhere(dimensions)),
    }
}
