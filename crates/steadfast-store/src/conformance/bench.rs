//! What subjects work with: a way to make backends, and short words for long changes.

use std::sync::Arc;
use std::time::Duration;

use steadfast_model::{
    Analyze, Assignment, Attributes, Change, Chunk, ChunkId, Clock, ContentHash, DocumentStatus,
    Filter, Fingerprint, FixedClock, ModelId, Namespace, NewChunk, NoteWrite, Place, PutDocument,
    Row, RowSet, Said, Settled, Timestamp, Validity,
};

use super::Make;
use super::words::vector_of;
use crate::backend::{Backend, Derived, Effort, Silent, Snapshot};
use crate::files::SystemDisk;
use crate::sqlite::{Connections, Journal, OpenOptions};

/// How many numbers a vector of the suite has.
pub const DIMENSIONS: usize = 32;

/// The moment at which the clocks of the suite start.
pub(super) const START: Timestamp = Timestamp(1_700_000_000_000);

/// Returns the vector space of the suite.
pub fn model() -> ModelId {
    ModelId {
        name: "conformance".to_owned(),
        revision: "1".to_owned(),
        dimensions: DIMENSIONS,
        hash: [0xc0; 16],
    }
}

/// Returns how a store of the suite is opened, which is made when there is none.
pub fn options(analyze: Arc<dyn Analyze>, clock: Arc<dyn Clock>) -> OpenOptions {
    OpenOptions {
        create: true,
        journal: Journal::Auto,
        analyze,
        model: model(),
        clock,
        patience: Duration::from_mins(1),
        disk: Arc::new(SystemDisk),
        connections: Connections::default(),
    }
}

/// Makes the backends under test and the changes that they are given.
pub struct Bench<'m> {
    make: &'m Make<'m>,
    analyze: &'m dyn Analyze,
}

impl<'m> Bench<'m> {
    /// Returns a bench for backends whose text index understands terms of `analyze`.
    pub fn new(make: &'m Make<'m>, analyze: &'m dyn Analyze) -> Self {
        Self { make, analyze }
    }

    pub(super) fn open(&self) -> Box<dyn Backend> {
        self.open_at(Arc::new(FixedClock::at(START)))
    }

    pub(super) fn open_at(&self, clock: Arc<dyn Clock>) -> Box<dyn Backend> {
        (self.make)(clock)
    }

    pub(super) fn analyze(&self) -> &dyn Analyze {
        self.analyze
    }

    /// Returns the hashes of the words of a question.
    pub(super) fn terms(&self, text: &str) -> Vec<u64> {
        self.analyze.terms(text).hashes().to_vec()
    }

    pub(super) fn chunk(&self, text: &str, start_line: u32) -> NewChunk {
        chunk(self.analyze, text, start_line)
    }

    /// Returns a document of these texts, three lines each.
    pub(super) fn put(&self, source: &str, texts: &[&str]) -> PutDocument {
        let chunks = texts.iter().zip((1..).step_by(3));
        PutDocument {
            namespace: Namespace::default(),
            source: source.to_owned(),
            fingerprint: None,
            attributes: vec![Attributes::default()],
            chunks: chunks.map(|(text, line)| self.chunk(text, line)).collect(),
            revive: false,
            assigned: Assignment::default(),
        }
    }

    pub(super) fn note(&self, text: &str) -> NoteWrite {
        NoteWrite {
            namespace: Namespace::default(),
            source: None,
            attributes: Attributes::default(),
            said: Said::default(),
            chunks: vec![self.chunk(text, 1)],
            idempotency_key: None,
        }
    }
}

/// Returns a chunk with the terms and the vector of its text.
pub(super) fn chunk(analyze: &dyn Analyze, text: &str, start_line: u32) -> NewChunk {
    NewChunk {
        text: text.to_owned(),
        content_hash: ContentHash::of(text),
        place: Place {
            start_line,
            end_line: start_line + 1,
            ..Place::default()
        },
        attributes: 0,
        terms: analyze.terms(text),
        vector: Some(vector_of(text)),
    }
}

pub(super) fn namespace(name: &str) -> Namespace {
    Namespace::new(name).expect("a namespace")
}

pub(super) fn fingerprint(size: u64) -> Fingerprint {
    Fingerprint {
        size,
        mtime_ns: -5,
        ctime_ns: i64::MAX,
        inode: u64::MAX,
        hash: ContentHash::of(&size.to_string()),
        racy: size.is_multiple_of(2),
    }
}

pub(super) fn mark(
    source: &str,
    status: DocumentStatus,
    reason: Option<&str>,
    fingerprint: Option<Fingerprint>,
) -> Change {
    Change::Mark {
        namespace: Namespace::default(),
        source: source.to_owned(),
        status,
        reason: reason.map(str::to_owned),
        fingerprint,
    }
}

/// Commits one change.
pub(super) fn commit(backend: &dyn Backend, change: Change) -> Settled {
    let mut settled = backend.commit(&[change], "suite").expect("a commit");
    assert_eq!(settled.len(), 1, "one change, one answer");
    settled.remove(0)
}

pub(super) fn snapshot(backend: &dyn Backend) -> Box<dyn Snapshot + '_> {
    backend.snapshot().expect("a snapshot")
}

/// Returns a filter that asks nothing.
pub(super) fn everything() -> Filter {
    Filter {
        validity: Validity::Any,
        ..Filter::default()
    }
}

/// Returns all live rows.
pub(super) fn live(snapshot: &dyn Snapshot) -> RowSet {
    snapshot.scope(&everything(), START).expect("a scope").rows
}

/// Returns the chunks of rows, none of which may be damaged.
pub(super) fn fetch(snapshot: &dyn Snapshot, rows: &[Row]) -> Vec<Chunk> {
    let fetched = snapshot.fetch(rows).expect("a fetch");
    assert_eq!(fetched.damaged, [], "nothing has rotted");
    fetched.chunks
}

pub(super) fn row(snapshot: &dyn Snapshot, id: &ChunkId) -> Row {
    snapshot
        .resolve(id)
        .expect("a lookup")
        .expect("a row of this id")
}

pub(super) fn rows(snapshot: &dyn Snapshot, ids: &[ChunkId]) -> Vec<Row> {
    ids.iter().map(|id| row(snapshot, id)).collect()
}

/// Returns the live texts in order of row.
pub(super) fn live_texts(backend: &dyn Backend) -> Vec<String> {
    let snapshot = snapshot(backend);
    let rows: Vec<Row> = live(snapshot.as_ref()).iter().collect();
    let chunks = fetch(snapshot.as_ref(), &rows);
    chunks.into_iter().map(|chunk| chunk.text).collect()
}

/// Calls `check` with derived state as it is, caught up, and made anew: no answer may depend on that.
pub(super) fn in_every_state(backend: &dyn Backend, mut check: impl FnMut(&dyn Snapshot)) {
    check(snapshot(backend).as_ref());
    backend.catch_up(Effort::Wait).expect("catching up");
    check(snapshot(backend).as_ref());
    backend
        .rebuild(Derived::All, &Silent)
        .expect("a rebuild of derived state");
    check(snapshot(backend).as_ref());
    let verification = backend.verify(&Silent).expect("a verification");
    assert_eq!(verification.findings, [], "nothing is wrong");
}
