//! What a backend must be able to do: ground operations and retrieval operations.
//!
//! Everything above speaks to a [`Backend`]; the embedded one (SQLite with
//! derived indexes), the in-memory oracle and any later one pass the same
//! conformance suite. What is deliberately not here: fusion of scores, parsing
//! of questions, files.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use steadfast_model::{
    Assignment, Attributes, Change, Chunk, ChunkId, ContentHash, Document, DocumentKey, Filter,
    Namespace, Root, Row, RowSet, Seq, Settled, StoreId, Timestamp, Vector,
};

use crate::context::{Each, FacetKey, Placed, Standing, TermCounts};
use crate::error::StoreError;
use crate::health::{Health, Verification};
use crate::jobs::Jobs;
use crate::records::Records;
use crate::upkeep::{History, Scrubbed, Upkeep};

/// A place that keeps memories. All methods may be called from any thread and any number of processes.
pub trait Backend: Send + Sync {
    /// Returns the identity of the store.
    fn store_id(&self) -> StoreId;

    /// Returns what this backend can do beyond the required.
    fn capabilities(&self) -> Capabilities;

    /// Applies changes in order, each under its own sequence number, all in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; then none of the changes is applied.
    ///
    /// # Durability
    /// When this returns, every change survives a crash of the process, of the
    /// system, and a loss of power on a disk that honours flush.
    fn commit(&self, changes: &[Change], actor: &str) -> Result<Vec<Settled>, StoreError>;

    /// Returns a view of one moment, which later commits do not change.
    ///
    /// It sees every commit that was acknowledged before the call, in any process.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError>;

    /// Brings derived state up to date, if that is worth it.
    ///
    /// # Errors
    /// [`StoreError`]; derived state is then as good as before.
    fn catch_up(&self, effort: Effort) -> Result<CatchUp, StoreError>;

    /// Makes derived state anew from the ground state, without embedding anything; returns the names of what was made.
    ///
    /// What the observer stops is not among them: it is as before, and nothing that lacks rows is ever published.
    ///
    /// # Errors
    /// [`StoreError`]; what was there before stays in place.
    fn rebuild(&self, which: Derived, progress: &dyn Progress) -> Result<Vec<String>, StoreError>;

    /// Compares everything with everything: hashes with texts and vectors, counts with rows, indexes with the store.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all; damage is a finding, not an error.
    fn verify(&self, progress: &dyn Progress) -> Result<Verification, StoreError>;

    /// Compares a part of that, for about `time`, going on where the last part ended in any process.
    ///
    /// With [`Effort::WhenDue`] nothing is compared when another part was compared a short while ago.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read at all; damage is a finding, not an error.
    fn scrub(&self, _effort: Effort, _time: std::time::Duration) -> Result<Scrubbed, StoreError> {
        Ok(Scrubbed::default())
    }

    /// Gives back memory that is only kept to answer the next question faster; that one reads it again.
    fn release_memory(&self) {}

    /// Returns the state of the store in numbers.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn health(&self) -> Result<Health, StoreError>;

    /// Returns the queue of work that commits leave behind.
    fn jobs(&self) -> &dyn Jobs;

    /// Returns what only a durable backend can do.
    fn upkeep(&self) -> Option<&dyn Upkeep> {
        None
    }
}

/// What a backend can do beyond the required.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// What is acknowledged survives the process.
    pub durable: bool,
    /// Several processes may use one store at once.
    pub multi_process: bool,
    /// There is derived state that can be rebuilt.
    pub derived: bool,
}

/// How hard to try to bring derived state up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Only when rows that no index has seen would make searches slow.
    WhenDue,
    /// Whenever there is something to do and nobody else is at it.
    Now,
    /// Also wait for whoever else is at it.
    Wait,
}

/// What became of a [`Backend::catch_up`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// There was nothing to do, or too little.
    NotNeeded,
    /// Somebody else is at it.
    Elsewhere,
    /// This many rows were brought in.
    Done {
        /// Rows brought in or taken out.
        rows: u64,
    },
}

/// Which derived state is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Derived {
    /// The text index.
    Text,
    /// The vector index.
    Vector,
    /// All of it.
    All,
}

/// Hears how far a long operation is, and may stop it.
pub trait Progress: Sync {
    /// Hears that `done` of `total` steps of `stage` are done; returns false to stop.
    fn step(&self, stage: &str, done: u64, total: u64) -> bool;

    /// Hears what is being worked on, such as a file.
    fn item(&self, name: &str) {
        let _ = name;
    }
}

/// Hears nothing and never stops.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn step(&self, _stage: &str, _done: u64, _total: u64) -> bool {
        true
    }
}

/// The chunks that a filter leaves.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Their rows.
    pub rows: RowSet,
    /// Chunks that pass everything but the validity asked for.
    pub left_out_by_validity: u64,
}

/// Ways of searching.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ways {
    /// By words.
    pub text: bool,
    /// By vector.
    pub vector: bool,
}

/// How a scope was, or would be, searched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Rows searched by text.
    pub text: u64,
    /// Rows with a vector in the active space, all of which are searched by vector.
    pub vector: u64,
    /// Rows without a place in the active space, for good.
    pub vector_none: u64,
    /// Rows whose vector is still to come.
    pub vector_pending: u64,
    /// Rows that no index has seen yet, searched directly.
    pub tail: u64,
    /// Rows whose text could not be read when it should have been searched or indexed: no word finds them.
    pub text_damaged: RowSet,
    /// Rows that were not searched for other reasons, with the reason.
    pub not_searched: Vec<(String, u64)>,
    /// What works worse than it should.
    pub degraded: Vec<String>,
    /// What checks of the store have found wrong with it, also outside the scope.
    pub warnings: Vec<String>,
}

/// The constants of BM25.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bm25 {
    /// How soon more occurrences stop counting.
    pub k1: f32,
    /// How much length counts.
    pub b: f32,
}

impl Default for Bm25 {
    /// Returns the values chosen for chunks of a message or a paragraph.
    fn default() -> Self {
        Self { k1: 0.9, b: 0.4 }
    }
}

/// Chunks that were asked for, and what could not be given.
#[derive(Clone, Debug, Default)]
pub struct Fetched {
    /// The chunks, in the order of the rows asked for.
    pub chunks: Vec<Chunk>,
    /// Rows that are there but do not have the hash they were written with; their text is not given out.
    pub damaged: Vec<Row>,
}

/// A view of one moment of a store.
pub trait Snapshot: Records {
    /// Returns the last commit this view sees.
    fn generation(&self) -> Seq;

    /// Returns the live rows that pass the filter. `now` decides validity when the filter asks for it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn scope(&self, filter: &Filter, now: Timestamp) -> Result<Scope, StoreError>;

    /// Returns the `k` best rows of the scope by BM25 over the given term hashes, best first, equal scores by row.
    ///
    /// Statistics are exact over all live rows; rows without any of the terms are left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn text_top(
        &self,
        terms: &[u64],
        k: usize,
        bm25: Bm25,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError>;

    /// Returns the BM25 score of each given live row, in their order.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn text_scores(&self, terms: &[u64], bm25: Bm25, rows: &[Row]) -> Result<Vec<f32>, StoreError>;

    /// Returns the `k` rows of the scope with the largest inner product, best first, equal scores by row.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read, or the query has another dimension.
    fn vector_top(
        &self,
        query: &Vector,
        k: usize,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError>;

    /// Returns the inner product of each given row, in their order; none where it has no vector.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn vector_scores(&self, query: &Vector, rows: &[Row]) -> Result<Vec<Option<f32>>, StoreError>;

    /// Returns how a search of this scope in these ways searches it; fields of other ways are 0.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn reach(&self, scope: &RowSet, ways: Ways) -> Result<Reach, StoreError>;

    /// Returns whether no index has seen a live row yet.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn is_in_tail(&self, row: Row) -> Result<bool, StoreError> {
        let _ = row;
        Ok(false)
    }

    /// Hears which ways of searching come next, and every term that will be asked for, so that a backend can make
    /// the ways ready side by side and read what is in no index once.
    fn warm(&self, ways: Ways, terms: &[u64]) {
        let _ = (ways, terms);
    }

    /// Returns chunks by row, live or history; unknown rows are left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn fetch(&self, rows: &[Row]) -> Result<Fetched, StoreError>;

    /// Returns the row of an id of this store, when there is such a row, live or history.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn resolve(&self, id: &ChunkId) -> Result<Option<Row>, StoreError>;

    /// Returns the live rows of the same document within `distance` places of `row`, with their distance, without itself.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn neighbours(&self, row: Row, distance: u32) -> Result<Vec<(i64, Row)>, StoreError>;

    /// Returns where each given live row stands; none for a row that is not live.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn standings(&self, rows: &[Row]) -> Result<Vec<Option<Standing>>, StoreError>;

    /// Returns the live rows of a document whose places lie in `places`, in order of place.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn placed(
        &self,
        document: DocumentKey,
        places: RangeInclusive<u32>,
    ) -> Result<Vec<Placed>, StoreError>;

    /// Returns the attributes behind each key; none for a key that is not in use.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn attributes(&self, facets: &[FacetKey]) -> Result<Vec<Option<Arc<Attributes>>>, StoreError>;

    /// Returns how often each term occurs in each row, and in how many live rows each occurs. Rows ascend
    /// and are live; terms ascend.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn term_counts(&self, terms: &[u64], rows: &[Row]) -> Result<TermCounts, StoreError>;

    /// Hands over each given row's vector as the vector index keeps it, rounded by
    /// [`steadfast_model::codes::round`]; a row without one is passed over.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn rounded_vectors(
        &self,
        rows: &[Row],
        each: &mut dyn FnMut(Row, &[f32]),
    ) -> Result<(), StoreError>;

    /// Returns the document of a source, in whatever status.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn document(&self, namespace: &Namespace, source: &str)
    -> Result<Option<Document>, StoreError>;

    /// Returns whether a source may be out of date. False spares every answer the look-ups by which that is told.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn may_be_stale(&self) -> Result<bool, StoreError> {
        Ok(true)
    }

    /// Returns the documents that a filter's namespace, source and folder parts admit, by namespace and source.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn documents(&self, filter: &Filter) -> Result<Vec<Document>, StoreError>;

    /// Hands over the documents that [`Self::documents`] returns, one by one, so that millions need no memory.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn each_document(&self, filter: &Filter, each: Each<'_, Document>) -> Result<(), StoreError> {
        self.documents_after(filter, None, &mut |document| {
            each(document);
            true
        })
    }

    /// Hands over those of them that come after a namespace and a source, until `each` says no. That is how a list of
    /// millions is read page by page: what lies before the place is not read.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn documents_after(
        &self,
        filter: &Filter,
        after: Option<(&Namespace, &str)>,
        each: &mut dyn FnMut(Document) -> bool,
    ) -> Result<(), StoreError> {
        let place = |found: &Document| Some((&found.namespace, found.source.as_str())) > after;
        let mut documents = self.documents(filter)?.into_iter().filter(place);
        documents.all(each);
        Ok(())
    }

    /// Returns all rows of these documents, live and history, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn rows_of(&self, documents: &[DocumentKey]) -> Result<Vec<Row>, StoreError>;

    /// Returns for each row the digest of the note that it belongs to; none for what is no note.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn notes(&self, rows: &[Row]) -> Result<Vec<Option<ContentHash>>, StoreError>;

    /// Returns each tag with its number of live chunks, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn tags(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Returns each namespace that has documents with its number of live chunks, by name.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn namespaces(&self) -> Result<Vec<(String, u64)>, StoreError>;

    /// Returns what is remembered of roots, in the order in which it was told.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn roots(&self) -> Result<Vec<Root>, StoreError>;

    /// Returns what documents were given from outside; those that were given nothing are left out, and those that
    /// were given the same share it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn assignments(&self) -> Result<HashMap<DocumentKey, Arc<Assignment>>, StoreError>;

    /// Returns the live rows whose vector is still to come, ascending.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn pending_vectors(&self) -> Result<Vec<Row>, StoreError>;

    /// Returns the newest `limit` events, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn log(&self, limit: usize) -> Result<Vec<Event>, StoreError>;

    /// Returns the way to earlier moments, where the backend keeps them.
    fn history(&self) -> Option<&dyn History> {
        None
    }
}

/// One commit, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its sequence number.
    pub seq: Seq,
    /// When it was made, by the clock of its process.
    pub time: Timestamp,
    /// What it did: `put`, `note`, `mark`, `forget`, `undo`, `vectors`, `prune`, ...
    pub operation: String,
    /// The namespace it was about.
    pub namespace: Option<String>,
    /// The source it was about.
    pub source: Option<String>,
    /// How many chunks it added, changed or took out.
    pub chunks: u64,
    /// Who made it.
    pub actor: String,
}
