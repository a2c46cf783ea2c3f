//! The oracle: a whole backend in plain maps, with brute force for every question.
//!
//! It keeps no counter that it can count, no index and no cache: what the
//! embedded backend maintains, this one works out anew, so that the two agree
//! only when both are right. Rows, sequence numbers and ids are given out as
//! the embedded backend gives them out. What is deliberately not here:
//! durability, speed, sharing between processes.

mod forget;
mod health;
mod jobs;
mod names;
mod note;
mod read;
mod records;
mod rename;
mod roots;
mod rows;
pub(crate) mod score;
mod state;
mod write;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use steadfast_model::{Change, Clock, ModelId, Settled, StoreId};

use crate::backend::{Backend, Capabilities, CatchUp, Derived, Effort, Progress, Snapshot};
use crate::error::StoreError;
use crate::health::{Health, Verification};
use crate::jobs::Jobs;
use read::MemorySnapshot;
use state::State;

/// A store in memory. It ends with its last handle.
pub struct MemoryBackend {
    id: StoreId,
    model: ModelId,
    clock: Arc<dyn Clock>,
    state: Mutex<Arc<State>>,
}

impl MemoryBackend {
    /// Returns an empty store.
    pub fn new(id: StoreId, model: ModelId, clock: Arc<dyn Clock>) -> Self {
        Self {
            id,
            model,
            clock,
            state: Mutex::new(Arc::new(State::default())),
        }
    }

    fn state(&self) -> MutexGuard<'_, Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> MemorySnapshot {
        MemorySnapshot::new(self.id, self.model.dimensions, Arc::clone(&self.state()))
    }
}

impl Backend for MemoryBackend {
    fn store_id(&self) -> StoreId {
        self.id
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn commit(&self, changes: &[Change], actor: &str) -> Result<Vec<Settled>, StoreError> {
        let mut state = self.state();
        // The changes go to a copy, so that a refused one leaves nothing behind.
        let mut next = State::clone(&state);
        let mut transaction = write::Transaction {
            state: &mut next,
            store_id: self.id,
            dimensions: self.model.dimensions,
            now: self.clock.now(),
            actor,
        };
        let settled = changes
            .iter()
            .map(|change| transaction.apply(change))
            .collect::<Result<Vec<_>, _>>()?;
        *state = Arc::new(next);
        Ok(settled)
    }

    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, StoreError> {
        Ok(Box::new(self.view()))
    }

    fn catch_up(&self, _effort: Effort) -> Result<CatchUp, StoreError> {
        Ok(CatchUp::NotNeeded)
    }

    fn rebuild(
        &self,
        _which: Derived,
        _progress: &dyn Progress,
    ) -> Result<Vec<String>, StoreError> {
        Ok(Vec::new())
    }

    fn verify(&self, _progress: &dyn Progress) -> Result<Verification, StoreError> {
        Ok(health::verify(&self.state()))
    }

    fn health(&self) -> Result<Health, StoreError> {
        Ok(health::health(&self.state(), &self.model))
    }

    fn jobs(&self) -> &dyn Jobs {
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance;

    fn make(clock: Arc<dyn Clock>) -> Box<dyn Backend> {
        Box::new(MemoryBackend::new(
            StoreId([7; 16]),
            conformance::model(),
            clock,
        ))
    }

    crate::conformance_tests!(crate::conformance::Bench::new(
        &super::make,
        &crate::conformance::PlainWords
    ));
}
