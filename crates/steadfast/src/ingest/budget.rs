//! How many bytes of files may be on the line at once.
//!
//! Channels bound how many files wait, and files are up to 32 MiB long: sixty
//! that wait for a slow disk would fill a machine. So each file has a share of
//! a fixed number of bytes from before it is read until it is handed to the
//! store.
//!
//! What a thread has freed is not what the system gets back: allocators keep it
//! for that thread. Were any worker to prepare any file, each would in time keep
//! as much as the longest takes. So only one thread prepares long files, the
//! one that commits: it frees them too, and needs that memory again for the
//! indexes. All others together keep no more than it does.
//!
//! In figures, for one file of 32 MiB: its text, and twice that in chunks with
//! vectors and terms, or up to seven times where hardly a word is there twice;
//! beside it the caches of the store (48 MiB at most) and what one segment of
//! an index takes to be made, which is bounded there.
//!
//! Invariants: a file that alone is over the bound passes when nothing else
//! has a share, so none waits for ever; a share is given back when it is
//! dropped, also by a panic of who holds it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of files that may be on the line at once; what is made of them takes a few times as much.
const BYTES_MAX: u64 = 32 << 20;

/// Returns how long a file may be that one of so many workers prepares.
///
/// All that they may prepare at a time fills the budget once. Of files over half of it no two are on the line at
/// once, so nothing is lost by leaving them to one thread.
pub(super) fn worker_bytes_max(workers: usize) -> u64 {
    BYTES_MAX / u64::try_from(workers).unwrap_or(u64::MAX).max(2)
}

/// Bytes that can still be taken.
pub(super) struct Budget {
    used: Mutex<u64>,
    changed: Condvar,
}

/// A part of a budget, while something needs it.
pub(super) struct Share<'b> {
    budget: &'b Budget,
    bytes: u64,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            used: Mutex::new(0),
            changed: Condvar::new(),
        }
    }

    /// Waits until there is room for so many bytes, or until nothing else has any.
    pub(super) fn take(&self, bytes: u64) -> Share<'_> {
        let mut used = self.lock();
        while *used > 0 && used.saturating_add(bytes) > BYTES_MAX {
            used = self
                .changed
                .wait(used)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *used = used.saturating_add(bytes);
        Share {
            budget: self,
            bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        // One number is whole at any moment, so a panic elsewhere leaves it usable.
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Share<'_> {
    /// Gives back all but so many bytes.
    pub(super) fn shrink(&mut self, bytes: u64) {
        let more = self.bytes.saturating_sub(bytes);
        self.bytes -= more;
        let mut used = self.budget.lock();
        *used = used.saturating_sub(more);
        drop(used);
        self.budget.changed.notify_all();
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.shrink(0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn no_more_is_taken_than_there_is_and_nobody_waits_for_ever() {
        let budget = Budget::new();
        let (now, most) = (AtomicU64::new(0), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for worker in 0..8_u64 {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    for round in 0..200_u64 {
                        let bytes = (worker * 7_919 + round * 104_729) % (BYTES_MAX / 2);
                        let mut share = budget.take(bytes + 1);
                        share.shrink(bytes);
                        share.shrink(bytes + 7);
                        let taken = now.fetch_add(bytes, Ordering::SeqCst) + bytes;
                        most.fetch_max(taken, Ordering::SeqCst);
                        now.fetch_sub(bytes, Ordering::SeqCst);
                        drop(share);
                    }
                });
            }
        });
        assert!(most.into_inner() <= BYTES_MAX);
        assert_eq!(*budget.lock(), 0);
    }

    #[test]
    fn what_is_over_the_bound_passes_alone() {
        let budget = Budget::new();
        let small = budget.take(1);
        std::thread::scope(|scope| {
            let large = scope.spawn(|| drop(budget.take(BYTES_MAX * 4)));
            drop(small);
            assert!(large.join().is_ok());
        });
        drop(budget.take(u64::MAX));
        assert_eq!(*budget.lock(), 0);
    }
}
