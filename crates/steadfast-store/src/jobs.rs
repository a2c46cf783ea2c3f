//! The queue of work that commits leave behind, as every backend offers it.

use std::time::Duration;

use crate::error::StoreError;

/// Work that a commit left behind, for whoever comes by.
pub trait Jobs {
    /// Adds a job unless one with the same key waits already; returns whether it was added.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn enqueue(&self, kind: &str, key: &str, payload: &str) -> Result<bool, StoreError>;

    /// Leases the oldest job of a kind that is due; leases that ran out are swept first.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn claim(&self, kind: &str, lease: Duration) -> Result<Option<Job>, StoreError>;

    /// Ends a job, unless it was leased again since, was given back, or gave way to a later one of its key;
    /// returns whether it did.
    ///
    /// [`Job::attempt`] decides, not the clock: work that was done behind time and that nobody else has begun is done.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn complete(&self, job: &Job) -> Result<bool, StoreError>;

    /// Gives a job back after a failure, due again after a growing pause, or failed for good after
    /// [`JOB_ATTEMPTS_MAX`] attempts.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written.
    fn fail(&self, job: &Job, error: &str) -> Result<(), StoreError>;
}

/// How often a job is tried.
pub const JOB_ATTEMPTS_MAX: u32 = 8;

/// A leased job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its number.
    pub id: i64,
    /// What is to be done.
    pub kind: String,
    /// What makes it the same as another.
    pub key: String,
    /// With what.
    pub payload: String,
    /// Which attempt this is, from 1. A lease that ran out and was given to another has a later number.
    pub attempt: u32,
}
