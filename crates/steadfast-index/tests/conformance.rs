//! The embedded backend passes the suite that every backend passes.
//!
//! The suite's backends live for one test; their folder lives as long.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use steadfast_index::{Analyzer, EmbeddedBackend};
use steadfast_model::{Change, Clock, Settled, StoreId};
use steadfast_store::conformance::{Bench, options};
use steadfast_store::{
    Backend, Capabilities, CatchUp, Derived, Effort, Health, Jobs, Progress, Snapshot, StoreError,
    Verification,
};

/// A backend that takes its folder with it.
struct Housed {
    backend: EmbeddedBackend,
    _folder: tempfile::TempDir,
}

fn make(clock: Arc<dyn Clock>) -> Box<dyn Backend> {
    let folder = tempfile::tempdir().unwrap();
    let options = options(Arc::new(Analyzer), clock);
    let backend = EmbeddedBackend::open(&folder.path().join("store"), options).unwrap();
    Box::new(Housed {
        backend,
        _folder: folder,
    })
}

impl Backend for Housed {
    fn store_id(&self) -> StoreId {
        self.backend.store_id()
    }

    fn capabilities(&self) -> Capabilities {
        self.backend.capabilities()
    }

    fn commit(&self, changes: &[Change], actor: &str) -> Result<Vec<Settled>, StoreError> {
        self.backend.commit(changes, actor)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        self.backend.snapshot()
    }

    fn catch_up(&self, effort: Effort) -> Result<CatchUp, StoreError> {
        self.backend.catch_up(effort)
    }

    fn rebuild(&self, which: Derived, progress: &dyn Progress) -> Result<Vec<String>, StoreError> {
        self.backend.rebuild(which, progress)
    }

    fn verify(&self, progress: &dyn Progress) -> Result<Verification, StoreError> {
        self.backend.verify(progress)
    }

    fn health(&self) -> Result<Health, StoreError> {
        self.backend.health()
    }

    fn jobs(&self) -> &dyn Jobs {
        self.backend.jobs()
    }
}

steadfast_store::conformance_tests!(super::bench());

fn bench() -> Bench<'static> {
    Bench::new(&make, &Analyzer)
}
