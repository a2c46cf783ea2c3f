//! One moment of the store, with the indexes that belong to it.
//!
//! The rows that are live, the tail and the statistics are all of the moment of
//! the ground's read transaction; an index generation is used only when it is
//! the one that the store names at that moment. So every answer is that of one
//! moment, whatever other processes publish meanwhile.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::ops::RangeInclusive;
use std::sync::{Arc, PoisonError};

use steadfast_model::{
    Assignment, Attributes, ChunkId, ContentHash, Document, DocumentKey, Filter, Namespace, Root,
    Row, RowSet, Seq, Timestamp, Vector,
};
use steadfast_store::sabotage::{self, Sabotage};
use steadfast_store::sqlite::Published;
use steadfast_store::{
    Bm25, Event, FacetKey, Fetched, History, Placed, Reach, Scope, Snapshot, SqliteSnapshot,
    Standing, StoreError, TermCounts, Ways,
};

use super::EmbeddedBackend;
use super::context::query_terms;
use super::once::get_or_try;
use super::tail::{
    SCAN_TIME_MAX, Scanned, TailRows, VectorTail, scan_vectors, text_tail, vector_tail,
};
use crate::analyze::QueryTerms;
use crate::catalog::{Kind, Loaded, Mapped, State, TextKind, VectorKind, VectorSegment};
use crate::text::{self, Scratch, Stats, View};
use crate::vector::{self, ScanError};

pub(super) struct EmbeddedSnapshot<'b> {
    backend: &'b EmbeddedBackend,
    ground: SqliteSnapshot<'b>,
    text_published: Option<Published>,
    vector_published: Option<Published>,
    /// Nobody has asked these generations in this process: what a question reads of them leaves memory again. A process
    /// that asks once has no use for it, and one that asks again keeps it from then on.
    is_first: bool,
    text: OnceCell<State<text::Segment>>,
    vector: OnceCell<State<VectorSegment>>,
    live: OnceCell<RowSet>,
    tail: OnceCell<Arc<TailRows>>,
    vector_tail: OnceCell<Arc<VectorTail>>,
    /// Every term that will be asked for, as far as it was said.
    expected: RefCell<BTreeSet<u64>>,
    /// What was read for want of a text index, for the last question.
    pub(super) scanned: RefCell<Option<Arc<Scanned>>>,
    /// Rows whose vector turned out not to have its hash.
    pub(super) damaged_vectors: RefCell<RowSet>,
    /// What the vector index and the store contradict each other in.
    pub(super) distrusted: RefCell<Option<String>>,
}

impl<'b> EmbeddedSnapshot<'b> {
    pub(super) fn begin(backend: &'b EmbeddedBackend) -> Result<Self, StoreError> {
        let ground = backend.store.snapshot()?;
        let text_published = ground.published(TextKind::NAME)?;
        let vector_published = ground.published(VectorKind::NAME)?;
        Ok(Self {
            text_published,
            vector_published,
            is_first: !backend.is_loaded(text_published, vector_published),
            backend,
            ground,
            text: OnceCell::new(),
            vector: OnceCell::new(),
            live: OnceCell::new(),
            tail: OnceCell::new(),
            vector_tail: OnceCell::new(),
            expected: RefCell::default(),
            scanned: RefCell::default(),
            damaged_vectors: RefCell::default(),
            distrusted: RefCell::default(),
        })
    }

    pub(super) fn backend(&self) -> &'b EmbeddedBackend {
        self.backend
    }

    pub(super) fn ground(&self) -> &SqliteSnapshot<'b> {
        &self.ground
    }

    pub(super) fn text_state(&self) -> &State<text::Segment> {
        self.text
            .get_or_init(|| self.backend.text_state(self.text_published))
    }

    pub(super) fn vector_state(&self) -> &State<VectorSegment> {
        self.vector
            .get_or_init(|| self.backend.vector_state(self.vector_published))
    }

    /// Returns what the text index has not seen; empty when there is no index, since then nothing is read from one.
    pub(super) fn tail(&self) -> Result<&TailRows, StoreError> {
        get_or_try(&self.tail, || {
            let Some(loaded) = self.text_state().ready() else {
                return Ok(Arc::default());
            };
            let cache = &self.backend.cache;
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            let seen = (loaded.seq(), loaded.row());
            text_tail(&mut cache.tail, &self.ground, self.text_published, seen)
        })
        .map(AsRef::as_ref)
    }

    /// Returns all live rows.
    pub(super) fn live(&self) -> Result<&RowSet, StoreError> {
        get_or_try(&self.live, || {
            let Some(loaded) = self.text_state().ready() else {
                return self.ground.live_rows();
            };
            let tail = self.tail()?;
            let mut live = loaded.rows.clone();
            for (row, _) in &tail.removed {
                live.remove(*row);
            }
            for (row, _) in &tail.added {
                live.insert(*row);
            }
            Ok(live)
        })
    }

    /// Returns what the vector index has not seen; empty when there is no index.
    pub(super) fn vector_tail(&self) -> Result<&[(Row, Vector)], StoreError> {
        get_or_try(&self.vector_tail, || {
            let Some(loaded) = self.vector_state().ready() else {
                return Ok(Arc::default());
            };
            let cache = &self.backend.cache;
            let mut cache = cache.lock().unwrap_or_else(PoisonError::into_inner);
            let slot = &mut cache.vector_tail;
            let seen = (loaded.seq(), loaded.row());
            let tail = vector_tail(
                slot,
                &self.ground,
                self.vector_published,
                seen,
                &loaded.rows,
            )?;
            let damaged = tail.damaged.iter().copied().collect();
            self.damaged_vectors.borrow_mut().unite(&damaged);
            Ok(tail)
        })
        .map(|tail| tail.rows.as_slice())
    }

    pub(super) fn vector_tail_len(&self) -> Result<u64, StoreError> {
        Ok(self.vector_tail()?.len() as u64)
    }

    /// Returns all live rows as far as these terms see them: read once for all terms that are expected.
    fn scanned(&self, terms: &QueryTerms) -> Result<Arc<Scanned>, StoreError> {
        let mut hashes = self.expected.borrow_mut();
        hashes.extend(terms.terms().iter().map(|term| term.hash));
        let known = self.scanned.borrow().clone();
        if let Some(scanned) = &known
            && hashes.iter().eq(&scanned.hashes)
        {
            return Ok(Arc::clone(scanned));
        }
        let hashes: Vec<u64> = hashes.iter().copied().collect();
        let mut scanned = Scanned::read(&self.ground, self.live()?, &hashes, SCAN_TIME_MAX)?;
        if let Some(known) = known {
            // What was answered from the scan before did not see these.
            scanned.unread.unite(&known.unread);
        }
        let scanned = Arc::new(scanned);
        *self.scanned.borrow_mut() = Some(Arc::clone(&scanned));
        Ok(scanned)
    }

    /// Runs `work` over the text index and its tail, or over the store itself when there is no index.
    pub(super) fn with_view<T>(
        &self,
        terms: &QueryTerms,
        work: impl FnOnce(&View<'_>, &text::Search<'_>) -> T,
    ) -> Result<T, StoreError> {
        let head = self.ground.head();
        let stats = Stats {
            rows_live: head.live_chunks,
            tokens_live: head.live_tokens,
        };
        let Some(loaded) = self.text_state().ready() else {
            let scanned = self.scanned(terms)?;
            let tail = text::Tail {
                added: &scanned.rows,
                removed: &[],
            };
            let view = View {
                segments: &[],
                dead: &[],
                tail,
                stats,
            };
            return Ok(work(&view, &view.search(terms)));
        };
        let rows = self.tail()?;
        let dead: Vec<text::DeadTerms> = loaded
            .manifest
            .parts
            .iter()
            .map(|part| part.dead_terms.clone())
            .collect();
        let view = View {
            segments: &loaded.segments,
            dead: &dead,
            tail: text::Tail {
                added: &rows.added,
                removed: &rows.removed,
            },
            stats,
        };
        let done = work(&view, &view.search(terms));
        self.let_go(loaded);
        Ok(done)
    }

    /// Lets go of what a question has read of an index, when it is the first one.
    pub(super) fn let_go<S>(&self, loaded: &Loaded<S>) {
        if self.is_first {
            loaded.mapped.iter().for_each(Mapped::let_go);
        }
    }

    /// Returns what lets go behind a scan, when it is that of the first question.
    pub(super) fn letting_go<S>(&self, loaded: &Loaded<S>) -> impl Fn(&[u8]) + Sync {
        let mapped = self.is_first.then_some(&loaded.mapped);
        let behind = mapped.into_iter().flatten().map(Mapped::letting_go);
        let behind: Vec<_> = behind.collect();
        move |read| behind.iter().for_each(|behind| behind(read))
    }
}

impl Snapshot for EmbeddedSnapshot<'_> {
    fn generation(&self) -> Seq {
        self.ground.head().seq
    }

    fn scope(&self, filter: &Filter, now: Timestamp) -> Result<Scope, StoreError> {
        self.live_scope(filter, now)
    }

    fn text_top(
        &self,
        terms: &[u64],
        k: usize,
        bm25: Bm25,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError> {
        let terms = query_terms(terms);
        if sabotage::is(Sabotage::FilterAfterCut) {
            return self.cut_before_filter(&terms, k, parameters(bm25), scope);
        }
        self.with_view(&terms, |_, search| {
            search.top(k, scope, parameters(bm25), &mut Scratch::default())
        })
    }

    fn text_scores(&self, terms: &[u64], bm25: Bm25, rows: &[Row]) -> Result<Vec<f32>, StoreError> {
        let terms = query_terms(terms);
        let mut sorted = rows.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let scores = self.with_view(&terms, |_, search| {
            search.scores(&sorted, parameters(bm25), &mut Scratch::default())
        })?;
        let score = |row: &Row| {
            sorted
                .binary_search(row)
                .ok()
                .and_then(|place| scores.get(place))
                .copied()
        };
        Ok(rows.iter().map(|row| score(row).unwrap_or(0.0)).collect())
    }

    fn vector_top(
        &self,
        query: &Vector,
        k: usize,
        scope: &RowSet,
    ) -> Result<Vec<(Row, f32)>, StoreError> {
        let prepared = self.query(query)?;
        if query.is_zero() || k == 0 {
            return Ok(Vec::new());
        }
        if let Some(top) = self.scan(&prepared, k, scope)? {
            return Ok(top);
        }
        let found = scan_vectors(&self.ground, query, k, scope)?;
        self.damaged_vectors
            .borrow_mut()
            .unite(&found.damaged.into_iter().collect());
        Ok(found.best)
    }

    fn vector_scores(&self, query: &Vector, rows: &[Row]) -> Result<Vec<Option<f32>>, StoreError> {
        let prepared = self.query(query)?;
        let scores = vector::scores(&prepared, rows, &mut |rows, give| {
            self.fetch_vectors(rows, give)
        });
        if let Err(ScanError::Fetch(error)) = scores {
            return Err(error);
        }
        scores.map_err(|error| StoreError::Internal(error.to_string()))
    }

    fn reach(&self, scope: &RowSet, ways: Ways) -> Result<Reach, StoreError> {
        let mut reach = Reach::default();
        if ways.text {
            self.text_reach(scope, &mut reach)?;
        }
        if ways.vector {
            self.vector_reach(scope, &mut reach)?;
        }
        let found = self.backend.scrub_findings();
        let warnings = found.iter().map(|it| format!("{}; {}", it.what, it.remedy));
        reach.warnings.extend(warnings);
        Ok(reach)
    }

    fn is_in_tail(&self, row: Row) -> Result<bool, StoreError> {
        Ok(self
            .tail()?
            .added
            .binary_search_by_key(&row, |(added, _)| *added)
            .is_ok())
    }

    fn warm(&self, ways: Ways, terms: &[u64]) {
        self.expected.borrow_mut().extend(terms);
        let (backend, vector_published) = (self.backend, self.vector_published);
        let is_cold = ways.text && ways.vector && self.is_first;
        if is_cold && self.text.get().is_none() && self.vector.get().is_none() {
            let vector = std::thread::scope(|scope| {
                let other = scope.spawn(move || backend.vector_state(vector_published));
                self.text_state();
                other.join().ok()
            });
            // A thread that could not be joined leaves the vector index to be loaded when it is needed.
            drop(vector.map(|state| self.vector.set(state)));
        }
    }

    fn fetch(&self, rows: &[Row]) -> Result<Fetched, StoreError> {
        self.ground.fetch(rows)
    }

    fn resolve(&self, id: &ChunkId) -> Result<Option<Row>, StoreError> {
        self.ground.resolve(id)
    }

    fn neighbours(&self, row: Row, distance: u32) -> Result<Vec<(i64, Row)>, StoreError> {
        self.ground.neighbours(row, distance)
    }

    fn standings(&self, rows: &[Row]) -> Result<Vec<Option<Standing>>, StoreError> {
        self.ground.standings(rows)
    }

    fn placed(
        &self,
        document: DocumentKey,
        places: RangeInclusive<u32>,
    ) -> Result<Vec<Placed>, StoreError> {
        self.ground.placed(document, places)
    }

    fn attributes(&self, facets: &[FacetKey]) -> Result<Vec<Option<Arc<Attributes>>>, StoreError> {
        self.facets(facets)
    }

    fn term_counts(&self, terms: &[u64], rows: &[Row]) -> Result<TermCounts, StoreError> {
        self.counts(terms, rows)
    }

    fn rounded_vectors(
        &self,
        rows: &[Row],
        each: &mut dyn FnMut(Row, &[f32]),
    ) -> Result<(), StoreError> {
        self.rounded(rows, each)
    }

    fn document(
        &self,
        namespace: &Namespace,
        source: &str,
    ) -> Result<Option<Document>, StoreError> {
        self.ground.document(namespace, source)
    }

    fn documents(&self, filter: &Filter) -> Result<Vec<Document>, StoreError> {
        self.ground.documents(filter)
    }

    fn documents_after(
        &self,
        filter: &Filter,
        after: Option<(&Namespace, &str)>,
        each: &mut dyn FnMut(Document) -> bool,
    ) -> Result<(), StoreError> {
        self.ground.documents_after(filter, after, each)
    }

    fn rows_of(&self, documents: &[DocumentKey]) -> Result<Vec<Row>, StoreError> {
        self.ground.rows_of(documents)
    }

    fn tags(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.ground.tags()
    }

    fn namespaces(&self) -> Result<Vec<(String, u64)>, StoreError> {
        self.ground.namespaces()
    }

    fn notes(&self, rows: &[Row]) -> Result<Vec<Option<ContentHash>>, StoreError> {
        self.ground.notes(rows)
    }

    fn history(&self) -> Option<&dyn History> {
        Some(&self.ground)
    }

    fn roots(&self) -> Result<Vec<Root>, StoreError> {
        self.ground.roots()
    }

    fn assignments(&self) -> Result<HashMap<DocumentKey, Arc<Assignment>>, StoreError> {
        self.ground.assignments()
    }

    fn may_be_stale(&self) -> Result<bool, StoreError> {
        self.ground.may_be_stale()
    }

    fn pending_vectors(&self) -> Result<Vec<Row>, StoreError> {
        self.waiting_for_vectors()
    }

    fn log(&self, limit: usize) -> Result<Vec<Event>, StoreError> {
        self.ground.log(limit)
    }
}

fn parameters(bm25: Bm25) -> text::Bm25 {
    text::Bm25 {
        k1: bm25.k1,
        b: bm25.b,
    }
}
