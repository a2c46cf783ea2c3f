//! From a commit to its acknowledgement: the flush between the two.
//!
//! A caller who had to wait at the writer gate lets the waiting thread stand in
//! line for the flush as well, and watches over it: behind a process that was
//! stopped in the middle of a flush it would stand for ever. Whoever of the two
//! takes the commit out of [`Waiting`] goes on with it, so it is acknowledged once.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::error::StoreError;
use crate::files::GateHeld;
use crate::sabotage::{self, Sabotage};
use crate::sqlite::SqliteStore;
use crate::sqlite::flush::{Log, PATIENCE};
use crate::sqlite::owner::WriterState;

/// What a transaction gave, and the log that is still to be flushed, if there is one.
pub(super) type Committed<T> = Result<(T, Option<io::Result<Unflushed>>), StoreError>;

/// A log that holds a commit whose flush is still to come.
pub(super) struct Unflushed {
    pub(super) log: Arc<Log>,
    /// The last commit of the store that the log holds; none when a flush of another one cannot be relied on.
    pub(super) seq: Option<u64>,
}

/// What was committed and stands in line for its flush, for whoever takes it first.
pub(super) struct Waiting<T>(Mutex<Option<(Instant, T, Unflushed)>>);

impl<T> Default for Waiting<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Waiting<T> {
    fn put(&self, value: T, unflushed: Unflushed) {
        *self.slot() = Some((Instant::now(), value, unflushed));
    }

    fn take(&self) -> Option<(T, Unflushed)> {
        self.slot()
            .take()
            .map(|(_, value, unflushed)| (value, unflushed))
    }

    /// Takes what has waited longer than a commit waits for the flush of another one.
    pub(super) fn take_overdue(&self) -> Option<(T, Unflushed)> {
        let overdue = self
            .slot()
            .take_if(|(since, ..)| since.elapsed() >= PATIENCE);
        overdue.map(|(_, value, unflushed)| (value, unflushed))
    }

    fn slot(&self) -> MutexGuard<'_, Option<(Instant, T, Unflushed)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SqliteStore {
    /// Returns what was committed once it is on the disk; the gate is open again.
    pub(super) fn acknowledge<T>(&self, committed: Committed<T>) -> Result<T, StoreError> {
        let (value, unflushed) = committed?;
        if let Some(unflushed) = unflushed
            && !sabotage::is(Sabotage::AcknowledgedUnflushed)
        {
            unflushed
                .and_then(|Unflushed { log, seq }| {
                    self.core.owner.flushes.flush(&log, seq, self.disk())
                })
                .map_err(|error| self.not_flushed(&error))?;
        }
        Ok(value)
    }

    /// Like [`Self::acknowledge`], on a thread that may wait for the flush without limit: whoever takes what waits
    /// goes on with it, this thread or its caller. None when the caller has.
    pub(super) fn acknowledge_in_turn<T>(
        &self,
        committed: Committed<T>,
        waiting: &Waiting<T>,
    ) -> Option<Result<T, StoreError>> {
        let (value, unflushed) = match committed {
            Ok((value, Some(Ok(unflushed)))) if unflushed.seq.is_some() => (value, unflushed),
            other => return Some(self.acknowledge(other)),
        };
        waiting.put(value, unflushed);
        let turn = self.core.owner.flushes.turn();
        let (value, unflushed) = waiting.take()?;
        Some(self.acknowledge_with(turn, value, &unflushed))
    }

    /// Acknowledges what waited too long for the flush of another one, by a flush of its own.
    pub(super) fn acknowledge_alone<T>(
        &self,
        (value, unflushed): (T, Unflushed),
    ) -> Result<T, StoreError> {
        self.acknowledge_with(None, value, &unflushed)
    }

    fn acknowledge_with<T>(
        &self,
        turn: Option<GateHeld<'_>>,
        value: T,
        unflushed: &Unflushed,
    ) -> Result<T, StoreError> {
        if !sabotage::is(Sabotage::AcknowledgedUnflushed) {
            let (log, seq, disk) = (&unflushed.log, unflushed.seq, self.disk().as_ref());
            let flushed = self.core.owner.flushes.flush_in_turn(turn, log, seq, disk);
            flushed.map_err(|error| self.not_flushed(&error))?;
        }
        Ok(value)
    }

    /// Ends the writing of this handle: what it committed may not be on the disk.
    fn not_flushed(&self, error: &std::io::Error) -> StoreError {
        let what = format!("the log could not be flushed: {error}");
        // If this fails, whoever writes next tries again.
        let mended = self.with_writer(|_| Ok(()));
        let mut state = self
            .core
            .owner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !sabotage::is(Sabotage::PoisonedReused) {
            *state = WriterState::Poisoned(what.clone());
        }
        StoreError::Poisoned {
            what: match mended {
                Ok(()) => what,
                Err(error) => format!("{what}; nor could it be mended: {error}"),
            },
        }
    }
}
