//! What the oracle remembers: documents, facets, chunks, events, jobs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use steadfast_model::{
    Assignment, Attributes, CollectionKey, ContentHash, Document, DocumentKey, DocumentStatus,
    Fingerprint, HashedTerms, Namespace, Place, Root, Row, Seq, StoredCollection, Timestamp,
    Vector,
};

use crate::backend::Event;
use crate::jobs::Job;

/// Everything at one moment. A commit replaces it as a whole.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) seq: u64,
    /// Rows, documents and facets that were ever given out, including purged ones.
    pub(super) rows_given: u32,
    pub(super) documents_given: u32,
    pub(super) facets_given: u64,
    pub(super) documents: BTreeMap<DocumentKey, StoredDocument>,
    pub(super) facets: BTreeMap<u64, StoredFacet>,
    pub(super) chunks: BTreeMap<Row, Arc<StoredChunk>>,
    /// Texts that stay out of a document.
    pub(super) forgotten: BTreeSet<(DocumentKey, ContentHash)>,
    pub(super) collections: BTreeMap<CollectionKey, StoredCollection>,
    pub(super) collections_given: u32,
    /// The vectors that callers gave for records.
    pub(super) given: BTreeMap<Row, Arc<Vec<f32>>>,
    pub(super) idempotency: BTreeMap<(Namespace, String), Idempotent>,
    /// In the order in which they were told.
    pub(super) roots: Vec<Root>,
    pub(super) assignments: BTreeMap<DocumentKey, Assignment>,
    pub(super) events: Vec<Event>,
    pub(super) jobs: BTreeMap<i64, StoredJob>,
    pub(super) jobs_given: i64,
}

#[derive(Clone)]
pub(super) struct StoredDocument {
    pub(super) namespace: Namespace,
    pub(super) source: String,
    pub(super) status: DocumentStatus,
    pub(super) reason: Option<String>,
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) indexed_at: Timestamp,
    pub(super) seq: Seq,
}

#[derive(Clone)]
pub(super) struct StoredFacet {
    pub(super) document: DocumentKey,
    pub(super) attributes: Attributes,
    /// Which note the facet belongs to, if to one.
    pub(super) note: Option<ContentHash>,
}

#[derive(Clone)]
pub(super) struct StoredChunk {
    pub(super) document: DocumentKey,
    pub(super) facet: u64,
    pub(super) text: String,
    pub(super) content_hash: ContentHash,
    pub(super) place: Place,
    pub(super) terms: HashedTerms,
    pub(super) vector: InSpace,
    pub(super) added: Seq,
    pub(super) removed: Option<Seq>,
    pub(super) access_count: u64,
}

impl StoredChunk {
    pub(super) fn is_live(&self) -> bool {
        self.removed.is_none()
    }
}

/// Whether a chunk has its vector.
#[derive(Clone)]
pub(super) enum InSpace {
    /// It has.
    Present(Vector),
    /// Its text has no place in the space, for good.
    Nowhere,
    /// It is still to come.
    Pending,
}

/// What an idempotency key was used for.
#[derive(Clone)]
pub(super) struct Idempotent {
    pub(super) digest: ContentHash,
    pub(super) document: DocumentKey,
    pub(super) rows: Vec<Row>,
}

#[derive(Clone)]
pub(super) struct StoredJob {
    pub(super) job: Job,
    pub(super) state: JobState,
    pub(super) due: Timestamp,
    pub(super) lease_ends: Timestamp,
    /// Nobody holds a lease of it, not even one that ran out.
    pub(super) is_given_back: bool,
}

impl StoredJob {
    /// Returns whether `job` is the last lease of it, and was not given back.
    pub(super) fn is_leased_to(&self, job: &Job) -> bool {
        !self.is_given_back && self.job.attempt == job.attempt
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum JobState {
    Waiting,
    Leased,
    Failed,
}

impl JobState {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Failed => "failed",
        }
    }
}

impl State {
    /// Returns the live chunks in order of row.
    pub(super) fn live(&self) -> impl Iterator<Item = (Row, &StoredChunk)> {
        self.chunks
            .iter()
            .filter(|(_, chunk)| chunk.is_live())
            .map(|(&row, chunk)| (row, chunk.as_ref()))
    }

    /// Returns the live chunks of a document in order of row.
    pub(super) fn live_of(
        &self,
        document: DocumentKey,
    ) -> impl Iterator<Item = (Row, &StoredChunk)> {
        self.live()
            .filter(move |(_, chunk)| chunk.document == document)
    }

    /// Returns whether a chunk is one of a note.
    pub(super) fn is_of_note(&self, chunk: &StoredChunk) -> bool {
        let facet = self.facets.get(&chunk.facet);
        facet.is_some_and(|facet| facet.note.is_some())
    }

    /// Returns the key of a source, in whatever status.
    pub(super) fn find(&self, namespace: &Namespace, source: &str) -> Option<DocumentKey> {
        self.documents
            .iter()
            .find(|(_, document)| document.namespace == *namespace && document.source == source)
            .map(|(&key, _)| key)
    }

    /// Returns a document as the store tells of it.
    pub(super) fn document(&self, key: DocumentKey) -> Option<Document> {
        let stored = self.documents.get(&key)?;
        let mut document = Document::new(
            key,
            stored.namespace.clone(),
            stored.source.clone(),
            stored.status,
        );
        document.reason.clone_from(&stored.reason);
        document.fingerprint = stored.fingerprint;
        document.chunks = count(self.live_of(key));
        document.indexed_at = stored.indexed_at;
        document.seq = stored.seq;
        Some(document)
    }
}

/// Returns how many items there are.
pub(super) fn count<T>(items: impl Iterator<Item = T>) -> u64 {
    u64::try_from(items.count()).unwrap_or(u64::MAX)
}
