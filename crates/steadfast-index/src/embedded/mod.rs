//! The embedded backend: the ground state in SQLite, assembled with its derived indexes.
//!
//! Ground and derived are cut cleanly: a commit touches the ground alone, and
//! leaves the terms of new rows in the tail; whoever gets the index lock
//! carries the tail into the indexes. A search sees both, so a lagging or
//! missing index costs time and never a hit.
//!
//! | File | Question it answers |
//! |---|---|
//! | `snapshot` | Here is a question: what answers it at this moment? |
//! | `nearest` | Which vectors are nearest to the question's? |
//! | `once` | What does a snapshot read only when it is asked for? |
//! | `context` | What surrounds the rows that were found? |
//! | `reach` | What was searched, and what was not? |
//! | `records` | Which collections are there, and which rows are theirs? |
//! | `tail` | Which rows have the indexes not seen? What if there is no index? |
//! | `catch_up` | How does the tail get into the indexes? |
//! | `advance` | How does one generation of an index become the next? |
//! | `rebuild` | How is an index made from nothing? |
//! | `verify` | Does everything agree with everything? |
//! | `terms` | Are the words of each text those that the text index has? |
//! | `scrub`, `mark` | Does a part of everything, in passing? How far did that come? |

mod advance;
mod catch_up;
mod context;
mod mark;
mod nearest;
mod once;
mod reach;
mod rebuild;
mod records;
mod scrub;
mod segments;
mod snapshot;
mod tail;
mod terms;
mod verify;

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use steadfast_model::{Attributes, Change, Finding, Seq, Settled, Severity, StoreId};
use steadfast_store::files::Gate;
use steadfast_store::sqlite::Published;
use steadfast_store::{
    Backend, Capabilities, CatchUp, Derived, Effort, FacetKey, Health, IndexHealth, Jobs,
    OpenOptions, Progress, Scrubbed, Snapshot, SqliteStore, StoreError, Upkeep, Verification,
    stale_sources,
};

use crate::catalog::{Folder, Kind, Mapped, State, TextKind, VectorKind, VectorSegment};
use crate::heap;
use crate::text;
use snapshot::EmbeddedSnapshot;
use tail::{Kept, TailRows, VectorTail};

/// Rows in the tail from which on an index is brought up to date in passing.
pub const TAIL_DUE: u64 = 4_096;

/// Rows in the tail at which the writer itself brings the indexes up to date:
/// a search then still takes less than 10 ms more than without a tail.
pub const TAIL_MAX: u64 = 16_384;

/// A store folder: ground state and indexes.
pub struct EmbeddedBackend {
    store: SqliteStore,
    text: Folder<TextKind>,
    vector: Folder<VectorKind>,
    gate: Gate,
    /// Asked for once: the system answers by reading several files.
    threads_max: NonZeroUsize,
    cache: Mutex<Cache>,
    /// Rows that this handle has added or removed since the tail was last measured; `u64::MAX` when never.
    unseen: AtomicU64,
    /// What went wrong with the indexes after a commit that was acknowledged all the same.
    trouble: Mutex<Option<String>>,
    /// What checks in passing have found, once somebody has asked.
    scrubbed: Mutex<Option<Arc<Vec<Finding>>>>,
}

/// Generations and tails that were read before, for the next question.
#[derive(Default)]
struct Cache {
    text: Option<(Option<Published>, State<text::Segment>)>,
    vector: Option<(Option<Published>, State<VectorSegment>)>,
    tail: Option<Kept<TailRows>>,
    vector_tail: Option<Kept<VectorTail>>,
    /// Attributes never change behind their key, so what was read once stays right.
    facets: HashMap<FacetKey, Arc<Attributes>>,
}

impl EmbeddedBackend {
    /// Opens the store in `folder`.
    ///
    /// # Errors
    /// As [`SqliteStore::open`]. Indexes that are damaged or gone are no error: they are reported and rebuilt.
    pub fn open(folder: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        let store = SqliteStore::open(folder, options)?;
        let model = store.model();
        let analyzer = store.analyze().id();
        let mut text_stamp = [0; 16];
        if let Some(start) = text_stamp.first_chunk_mut() {
            *start = analyzer.0.to_le_bytes();
        }
        let vector_kind = VectorKind {
            model_hash: model.hash,
            dimensions: model.dimensions,
        };
        Ok(Self {
            text: Folder::new(TextKind { analyzer }, &store, text_stamp),
            vector: Folder::new(vector_kind, &store, model.hash),
            gate: Gate::new(folder.join("index.lock")),
            threads_max: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            cache: Mutex::default(),
            unseen: AtomicU64::new(u64::MAX),
            trouble: Mutex::default(),
            scrubbed: Mutex::default(),
            store,
        })
    }

    /// Returns the ground state.
    pub fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// Returns where the mark of the check in passing lies.
    fn mark_path(&self) -> PathBuf {
        self.store.folder().join("scrub.mark")
    }

    /// Returns what checks in passing have found, also those of other processes before the first question.
    fn scrub_findings(&self) -> Arc<Vec<Finding>> {
        let mut known = self.scrubbed.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.get_or_insert_with(|| {
            let path = self.mark_path();
            let mark = mark::Mark::read(self.store.disk().as_ref(), &path, self.store.store_id());
            Arc::new(scrub::findings(self, &mark))
        }))
    }

    fn remember_scrub(&self, findings: Vec<Finding>) {
        let mut known = self.scrubbed.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some(Arc::new(findings));
    }

    fn embedded_snapshot(&self) -> Result<EmbeddedSnapshot<'_>, StoreError> {
        EmbeddedSnapshot::begin(self)
    }

    /// Returns the generation of the text index that the store names, from the cache or from its files.
    fn text_state(&self, published: Option<Published>) -> State<text::Segment> {
        self.state(published, &self.text, |cache| &mut cache.text)
    }

    /// Returns the generation of the vector index that the store names, from the cache or from its files.
    fn vector_state(&self, published: Option<Published>) -> State<VectorSegment> {
        self.state(published, &self.vector, |cache| &mut cache.vector)
    }

    /// Returns whether these generations of both indexes were loaded before.
    fn is_loaded(&self, text: Option<Published>, vector: Option<Published>) -> bool {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = |known: Option<Option<Published>>, wanted| known == Some(wanted);
        is_known(cache.text.as_ref().map(|(known, _)| *known), text)
            && is_known(cache.vector.as_ref().map(|(known, _)| *known), vector)
    }

    fn state<K: Kind>(
        &self,
        published: Option<Published>,
        folder: &Folder<K>,
        slot: impl Fn(&mut Cache) -> &mut Option<(Option<Published>, State<K::Segment>)>,
    ) -> State<K::Segment> {
        let cached = slot(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner)).clone();
        if let Some((known, state @ State::Ready(_))) = cached
            && known == published
        {
            return state;
        }
        let state = folder.load(published);
        *slot(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner)) =
            Some((published, state.clone()));
        state
    }

    /// Carries the tail into the indexes when the commits of this handle have let it grow too long.
    fn after_commit(&self, settled: &[Settled]) {
        let rows: u64 = settled
            .iter()
            .map(|settled| settled.counts.inserted + settled.counts.removed)
            .sum();
        if rows == 0 {
            return;
        }
        let before = self.unseen.load(Ordering::Relaxed);
        let known = if before == u64::MAX {
            self.store
                .snapshot()
                .and_then(|snapshot| snapshot.tail_len())
                .unwrap_or(0)
        } else {
            before + rows
        };
        self.unseen.store(known, Ordering::Relaxed);
        if known < TAIL_MAX {
            return;
        }
        // The commit is acknowledged whatever becomes of the indexes.
        let result = self.catch_up(Effort::Now);
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        *trouble = result.err().map(|error| error.to_string());
    }

    fn index_problems(&self, indexes: &[(&'static str, Option<String>)]) -> Vec<Finding> {
        let mut problems: Vec<Finding> = indexes
            .iter()
            .filter_map(|(name, trouble)| Some((name, trouble.as_ref()?)))
            .map(|(name, trouble)| Finding {
                code: "index_unusable",
                severity: Severity::Warning,
                what: format!(
                    "the {name} index cannot be used: {trouble}; searches read the store instead"
                ),
                place: format!("index/{name}"),
                count: 1,
                remedy: "run `steadfast rebuild`; the next index or search does the same"
                    .to_owned(),
                ids: Vec::new(),
            })
            .collect();
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        problems.extend(trouble.as_ref().map(|what| Finding {
            code: "index_not_updated",
            severity: Severity::Warning,
            what: format!("an index could not be brought up to date: {what}"),
            place: "index".to_owned(),
            count: 1,
            remedy: "searches stay complete but get slower; run `steadfast rebuild` when the cause is gone".to_owned(),
            ids: Vec::new(),
        }));
        problems.extend(self.store.rungs().iter().map(|rung| Finding {
            code: "opened_with_care",
            severity: Severity::Warning,
            what: rung.clone(),
            place: self.store.folder().display().to_string(),
            count: 1,
            remedy: "check the permissions and the file system of the store".to_owned(),
            ids: Vec::new(),
        }));
        problems
    }
}

impl Backend for EmbeddedBackend {
    fn store_id(&self) -> StoreId {
        self.store.store_id()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            durable: true,
            multi_process: true,
            derived: true,
        }
    }

    fn commit(&self, changes: &[Change], actor: &str) -> Result<Vec<Settled>, StoreError> {
        let settled = self.store.commit(changes, actor)?;
        self.after_commit(&settled);
        Ok(settled)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        Ok(Box::new(self.embedded_snapshot()?))
    }

    fn catch_up(&self, effort: Effort) -> Result<CatchUp, StoreError> {
        catch_up::catch_up(self, effort)
    }

    fn rebuild(&self, which: Derived, progress: &dyn Progress) -> Result<Vec<String>, StoreError> {
        let rebuilt = rebuild::rebuild(self, which, progress)?;
        // What was found may be mended now; the next checks begin anew.
        self.store.disk().discard(&self.mark_path());
        self.remember_scrub(Vec::new());
        Ok(rebuilt)
    }

    fn verify(&self, progress: &dyn Progress) -> Result<Verification, StoreError> {
        verify::verify(self, progress)
    }

    fn scrub(&self, effort: Effort, time: Duration) -> Result<Scrubbed, StoreError> {
        scrub::slice(self, effort, time)
    }

    fn release_memory(&self) {
        self.store.release_memory();
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let text = cache.text.as_ref().and_then(|(_, state)| state.ready());
        let vector = cache.vector.as_ref().and_then(|(_, state)| state.ready());
        let mapped = text.map(|loaded| &loaded.mapped).into_iter();
        let mapped = mapped.chain(vector.map(|loaded| &loaded.mapped));
        mapped.flatten().for_each(Mapped::let_go);
        drop(cache);
        heap::trim();
    }

    fn health(&self) -> Result<Health, StoreError> {
        let snapshot = self.embedded_snapshot()?;
        let (head, tally) = (snapshot.ground().head(), snapshot.ground().tally()?);
        let (text, vector) = (snapshot.text_state(), snapshot.vector_state());
        let (text_tail, vector_tail) = (snapshot.ground().tail_len()?, snapshot.vector_tail_len()?);
        let indexes = vec![
            index_health(TextKind::NAME, text, text_tail),
            index_health(VectorKind::NAME, vector, vector_tail),
        ];
        let trouble = |name, trouble: Option<&str>| (name, trouble.map(str::to_owned));
        let mut problems = self.index_problems(&[
            trouble(TextKind::NAME, text.trouble()),
            trouble(VectorKind::NAME, vector.trouble()),
        ]);
        problems.extend(self.scrub_findings().iter().cloned());
        problems.extend(stale_sources(tally.stale));
        Ok(Health {
            schema: steadfast_store::sqlite::SCHEMA,
            generation: head.seq,
            journal: self.store.journal().to_owned(),
            chunks: head.live_chunks,
            sources: tally.sources,
            skipped: tally.skipped,
            namespaces: tally.namespaces,
            models: tally.models,
            indexes,
            jobs: tally.jobs,
            problems,
            bytes: self.store.bytes_on_disk()
                + self.text.bytes_on_disk()
                + self.vector.bytes_on_disk(),
        })
    }

    fn jobs(&self) -> &dyn Jobs {
        &self.store
    }

    fn upkeep(&self) -> Option<&dyn Upkeep> {
        Some(&self.store)
    }
}

fn index_health<S>(name: &str, state: &State<S>, tail: u64) -> IndexHealth {
    let ready = state.ready();
    let behind = ready.is_some() && tail > 0;
    IndexHealth {
        name: name.to_owned(),
        watermark: ready.map_or(Seq(0), |loaded| loaded.seq()),
        rows: ready.map_or(0, |loaded| loaded.rows.len() as u64),
        tail,
        state: if behind { "behind" } else { state.name() }.to_owned(),
    }
}
