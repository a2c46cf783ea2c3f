//! Chunks and records of one moment, document by document, in a memory that does not grow with them.

use std::collections::BTreeMap;

use steadfast_model::{
    Chunk, ChunkId, ContentHash, DocumentKey, Filter, Row, RowSet, StoredCollection, Timestamp,
    Validity,
};
use steadfast_store::{Backend, History, Progress, Snapshot, StoreError};

use crate::error::{Error, Result};

/// Chunks that are in memory at once.
const BATCH: usize = 256;

/// What hears a walk.
pub(super) trait Sink {
    /// Hears the next chunk; those of one document follow each other in its order.
    fn chunk(&mut self, found: &Found<'_>) -> Result<()>;

    /// Hears a version of the document of the chunks before it that is no longer live; without one that wants them,
    /// nobody asks for any.
    fn past(&mut self, _: &PastFound<'_>) -> Result<()> {
        Ok(())
    }

    /// Hears that a document has no further chunk.
    fn document_done(&mut self) -> Result<()>;

    /// Hears a collection before its records.
    fn collection(&mut self, collection: &StoredCollection) -> Result<()>;

    /// Hears the next record of the collection.
    fn record(
        &mut self,
        collection: &StoredCollection,
        chunk: &Chunk,
        vector: Option<&[f32]>,
    ) -> Result<()>;
}

/// A chunk with what belongs to it.
pub(super) struct Found<'f> {
    pub(super) chunk: &'f Chunk,
    pub(super) note: Option<&'f ContentHash>,
    pub(super) vector: Option<&'f [f32]>,
    /// When it came, where the history comes along.
    pub(super) added: Option<Timestamp>,
}

/// A version that is no longer live.
pub(super) struct PastFound<'f> {
    pub(super) chunk: &'f Chunk,
    pub(super) vector: Option<&'f [f32]>,
    pub(super) added: Timestamp,
    pub(super) removed: Timestamp,
}

/// What a walk came by.
#[derive(Clone, Debug, Default)]
pub(super) struct Walked {
    pub(super) chunks: u64,
    pub(super) sources: u64,
    pub(super) collections: u64,
    pub(super) records: u64,
    /// Versions that are no longer live.
    pub(super) past: u64,
    /// Chunks that were left out because they do not have their hash.
    pub(super) damaged: Vec<ChunkId>,
}

/// What is walked over.
pub(super) struct Walk<'w> {
    pub(super) backend: &'w dyn Backend,
    pub(super) snapshot: &'w dyn Snapshot,
    pub(super) filter: &'w Filter,
    pub(super) vectors: bool,
    /// Also what is no longer live.
    pub(super) history: bool,
    pub(super) now: Timestamp,
    pub(super) progress: &'w dyn Progress,
}

impl Walk<'_> {
    /// Hands all over that the filter admits.
    pub(super) fn run(&self, sink: &mut dyn Sink) -> Result<Walked> {
        let mut walked = Walked::default();
        let scope = self.snapshot.scope(self.filter, self.now)?.rows;
        let total = scope.len() as u64;
        let mut documents: Vec<DocumentKey> = Vec::new();
        self.snapshot.each_document(self.filter, &mut |document| {
            if (document.chunks > 0 || self.history) && !document.namespace.is_collection() {
                documents.push(document.key);
            }
        })?;
        for document in documents {
            self.document(document, &scope, sink, &mut walked)?;
            self.step(walked.chunks, total)?;
        }
        for collection in self.snapshot.collections()? {
            if let Some(rows) = self.records_of(&collection)? {
                walked.collections += 1;
                self.collection(&collection, &rows, sink, &mut walked)?;
            }
        }
        Ok(walked)
    }

    fn step(&self, done: u64, total: u64) -> Result<()> {
        if self.progress.step("chunks", done, total.max(done)) {
            return Ok(());
        }
        Err(Error::Invalid {
            what: "the export was stopped".to_owned(),
        })
    }

    fn document(
        &self,
        document: DocumentKey,
        scope: &RowSet,
        sink: &mut dyn Sink,
        walked: &mut Walked,
    ) -> Result<()> {
        let rows: Vec<Row> = self
            .snapshot
            .placed(document, 0..=u32::MAX)?
            .into_iter()
            .map(|placed| placed.row)
            .filter(|row| scope.contains(*row))
            .collect();
        let before = walked.chunks;
        for batch in rows.chunks(BATCH) {
            let fetched = self.snapshot.fetch(batch)?;
            self.note_damaged(&fetched.damaged, walked);
            let found: Vec<Row> = fetched.chunks.iter().map(|chunk| chunk.row).collect();
            let notes = self.snapshot.notes(&found)?;
            let vectors = self.vectors_of(&found)?;
            let added = self.came_at(&found)?;
            for ((chunk, note), added) in fetched.chunks.iter().zip(&notes).zip(added) {
                walked.chunks += 1;
                sink.chunk(&Found {
                    chunk,
                    note: note.as_ref(),
                    vector: vectors.get(&chunk.row).map(Vec::as_slice),
                    added,
                })?;
            }
        }
        if self.history {
            self.past(document, sink, walked)?;
        }
        if walked.chunks > before {
            walked.sources += 1;
            sink.document_done()?;
        }
        Ok(())
    }

    fn history(&self) -> Result<&dyn History> {
        let unsupported = StoreError::Unsupported("earlier moments");
        Ok(self.snapshot.history().ok_or(unsupported)?)
    }

    fn came_at(&self, rows: &[Row]) -> Result<Vec<Option<Timestamp>>> {
        if !self.history {
            return Ok(vec![None; rows.len()]);
        }
        Ok(self.history()?.came_at(rows)?)
    }

    /// Hands over the versions of a document that are no longer live.
    fn past(&self, document: DocumentKey, sink: &mut dyn Sink, walked: &mut Walked) -> Result<()> {
        for batch in self.history()?.past_of(document)?.chunks(BATCH) {
            let rows: Vec<Row> = batch.iter().map(|past| past.row).collect();
            let fetched = self.snapshot.fetch(&rows)?;
            self.note_damaged(&fetched.damaged, walked);
            let vectors = self.vectors_of(&rows)?;
            let times: BTreeMap<Row, _> = batch
                .iter()
                .map(|past| (past.row, (past.added, past.removed)))
                .collect();
            for chunk in &fetched.chunks {
                let Some(&(added, removed)) = times.get(&chunk.row) else {
                    continue;
                };
                if !self.filter.admits_attributes(&chunk.attributes) {
                    continue;
                }
                walked.past += 1;
                sink.past(&PastFound {
                    chunk,
                    vector: vectors.get(&chunk.row).map(Vec::as_slice),
                    added,
                    removed,
                })?;
            }
        }
        Ok(())
    }

    /// Returns the vectors of these rows in the active space; one that does not have its hash is left out, as it
    /// can be computed anew.
    fn vectors_of(&self, rows: &[Row]) -> Result<BTreeMap<Row, Vec<f32>>> {
        let mut vectors = BTreeMap::new();
        if self.vectors {
            self.history()?.vectors_of(rows, &mut |row, vector| {
                vectors.extend(vector.map(|vector| (row, vector.to_vec())));
                true
            })?;
        }
        Ok(vectors)
    }

    /// Returns the records of a collection that are meant: all when no filter asks for anything, else those of a
    /// collection that is named.
    fn records_of(&self, collection: &StoredCollection) -> Result<Option<RowSet>> {
        let namespace = collection.namespace()?;
        let rows = self.snapshot.record_scope(collection.key)?;
        if asks_nothing(self.filter) {
            return Ok(Some(rows));
        }
        if !self.filter.namespaces.contains(&namespace) {
            return Ok(None);
        }
        let mut scope = self.snapshot.scope(self.filter, self.now)?.rows;
        scope.intersect(&rows);
        Ok(Some(scope))
    }

    fn collection(
        &self,
        collection: &StoredCollection,
        rows: &RowSet,
        sink: &mut dyn Sink,
        walked: &mut Walked,
    ) -> Result<()> {
        sink.collection(collection)?;
        let rows: Vec<Row> = rows.iter().collect();
        for batch in rows.chunks(BATCH) {
            let fetched = self.snapshot.fetch(batch)?;
            self.note_damaged(&fetched.damaged, walked);
            let mut vectors: BTreeMap<Row, Vec<f32>> = BTreeMap::new();
            // Vectors that the caller gave cannot be computed anew, so they always come along.
            let is_given = matches!(
                collection.space,
                steadfast_model::CollectionSpace::Given { .. }
            );
            if is_given {
                let batch: RowSet = batch.iter().copied().collect();
                self.snapshot
                    .record_vectors(collection, &batch, &mut |row, vector| {
                        vectors.extend(vector.map(|vector| (row, vector.to_vec())));
                        true
                    })?;
            }
            for chunk in &fetched.chunks {
                let vector = vectors.get(&chunk.row).map(Vec::as_slice);
                if is_given && vector.is_none() {
                    walked.damaged.push(chunk.id);
                    continue;
                }
                walked.records += 1;
                sink.record(collection, chunk, vector)?;
            }
        }
        Ok(())
    }

    fn note_damaged(&self, rows: &[Row], walked: &mut Walked) {
        let store = self.backend.store_id();
        let ids = rows.iter().map(|row| ChunkId::new(&store, *row));
        walked.damaged.extend(ids);
    }
}

/// Returns whether a filter admits every memory.
fn asks_nothing(filter: &Filter) -> bool {
    filter.namespaces.is_empty()
        && filter.sources.is_empty()
        && filter.within.is_empty()
        && filter.validity == Validity::Any
        && filter.tags.is_empty()
        && filter.kinds.is_empty()
        && filter.since.is_none()
        && filter.until.is_none()
        && filter.expression.is_none()
}
