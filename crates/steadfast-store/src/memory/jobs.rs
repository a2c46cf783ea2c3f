//! The queue of work on plain maps.

use std::sync::Arc;
use std::time::Duration;

use steadfast_model::Timestamp;

use super::MemoryBackend;
use super::state::{JobState, State, StoredJob};
use crate::error::StoreError;
use crate::jobs::{JOB_ATTEMPTS_MAX, Job, Jobs};

/// The pause after the first failure; it doubles with each further one.
const BACK_OFF_MS: i64 = 1_000;
/// What is due later than this was written by a clock that was ahead.
const BACK_OFF_LONGEST_MS: i64 = BACK_OFF_MS << JOB_ATTEMPTS_MAX;
/// No lease is longer, for the same reason.
const LEASE_LONGEST_MS: i64 = 24 * 3_600_000;

/// Adds a job unless one with the same key waits already.
pub(super) fn enqueue(
    state: &mut State,
    kind: &str,
    key: &str,
    payload: &str,
    now: Timestamp,
) -> bool {
    if is_waiting(state, kind, key) {
        return false;
    }
    state.jobs_given += 1;
    let id = state.jobs_given;
    let job = Job {
        id,
        kind: kind.to_owned(),
        key: key.to_owned(),
        payload: payload.to_owned(),
        attempt: 0,
    };
    let stored = StoredJob {
        job,
        state: JobState::Waiting,
        due: now,
        lease_ends: now,
        is_given_back: true,
    };
    state.jobs.insert(id, stored);
    true
}

fn is_waiting(state: &State, kind: &str, key: &str) -> bool {
    has(state, kind, key, JobState::Waiting)
}

fn has(state: &State, kind: &str, key: &str, wanted: JobState) -> bool {
    state
        .jobs
        .values()
        .any(|stored| stored.state == wanted && stored.job.kind == kind && stored.job.key == key)
}

/// Ends a lease without success. A job of the same key that waits by now does the work instead.
fn give_back(state: &mut State, id: i64, now: Timestamp) {
    let Some(stored) = state.jobs.get(&id) else {
        return;
    };
    let (kind, key) = (stored.job.kind.clone(), stored.job.key.clone());
    if is_waiting(state, &kind, &key) {
        state.jobs.remove(&id);
    } else if let Some(stored) = state.jobs.get_mut(&id) {
        let attempt = stored.job.attempt;
        stored.state = if attempt >= JOB_ATTEMPTS_MAX {
            JobState::Failed
        } else {
            JobState::Waiting
        };
        let pause = BACK_OFF_MS << attempt.saturating_sub(1).min(16);
        stored.due = Timestamp(now.0.saturating_add(pause));
    }
}

impl Jobs for MemoryBackend {
    fn enqueue(&self, kind: &str, key: &str, payload: &str) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        Ok(enqueue(Arc::make_mut(&mut state), kind, key, payload, now))
    }

    fn claim(&self, kind: &str, lease: Duration) -> Result<Option<Job>, StoreError> {
        let now = self.clock.now();
        let lease_ms = i64::try_from(lease.as_millis())
            .unwrap_or(i64::MAX)
            .min(LEASE_LONGEST_MS);
        let is_reached =
            |time: Timestamp, longest: i64| time <= now || time.0 > now.0.saturating_add(longest);
        let mut state = self.state();
        let state = Arc::make_mut(&mut state);
        let lapsed: Vec<i64> = state
            .jobs
            .values()
            .filter(|stored| {
                stored.state == JobState::Leased && is_reached(stored.lease_ends, LEASE_LONGEST_MS)
            })
            .map(|stored| stored.job.id)
            .collect();
        for id in lapsed {
            give_back(state, id, now);
        }
        let next = state
            .jobs
            .values()
            .filter(|stored| {
                stored.job.kind == kind
                    && stored.state == JobState::Waiting
                    && is_reached(stored.due, BACK_OFF_LONGEST_MS)
            })
            .filter(|stored| !has(state, kind, &stored.job.key, JobState::Leased))
            .min_by_key(|stored| (stored.due, stored.job.id))
            .map(|stored| stored.job.id);
        let Some(stored) = next.and_then(|id| state.jobs.get_mut(&id)) else {
            return Ok(None);
        };
        stored.state = JobState::Leased;
        stored.is_given_back = false;
        stored.lease_ends = Timestamp(now.0.saturating_add(lease_ms));
        stored.job.attempt += 1;
        Ok(Some(stored.job.clone()))
    }

    fn complete(&self, job: &Job) -> Result<bool, StoreError> {
        let mut state = self.state();
        let state = Arc::make_mut(&mut state);
        let held = state
            .jobs
            .get(&job.id)
            .is_some_and(|stored| stored.is_leased_to(job));
        if held {
            state.jobs.remove(&job.id);
        }
        Ok(held)
    }

    fn fail(&self, job: &Job, _error: &str) -> Result<(), StoreError> {
        let now = self.clock.now();
        let mut state = self.state();
        let state = Arc::make_mut(&mut state);
        let Some(stored) = state
            .jobs
            .get_mut(&job.id)
            .filter(|stored| stored.is_leased_to(job))
        else {
            return Ok(());
        };
        stored.is_given_back = true;
        if stored.state == JobState::Leased {
            give_back(state, job.id, now);
        }
        Ok(())
    }
}
