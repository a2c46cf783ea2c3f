//! Waiting for a file lock that another process holds, for a limited time.

use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

/// Threads of this process that may wait in the system's queues; where more come they ask again and again instead.
const STUCK_MAX: usize = 256;
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// Takes the lock, waiting in the system's own queue; false when the deadline came first.
///
/// The system cannot be asked to wait for a limited time, so a thread of its
/// own waits there, only when the lock is held. Polling instead would let a
/// busy process starve the others: measured, the slowest of eight writers then
/// gets 9 commits where this gives it 1,638.
pub(super) fn lock_before(file: &Arc<File>, deadline: Instant) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => return Ok(true),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    let Some(stuck) = Stuck::new() else {
        return poll_before(file, deadline);
    };
    // Room for one answer: the thread need not wait until it is taken. One that is never taken lets the lock go, also
    // where others of this process have the same file by then.
    let (sender, receiver) = sync_channel(1);
    let waiting = Arc::clone(file);
    std::thread::Builder::new()
        .name("steadfast-gate".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || {
            let locked = waiting.lock().map(|()| Locked::new(waiting));
            drop(stuck);
            // Nobody may wait any more.
            drop(sender.send(locked));
        })?;
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(locked) => {
            locked?.hand_over();
            Ok(true)
        }
        Err(RecvTimeoutError::Timeout) => Ok(false),
        Err(RecvTimeoutError::Disconnected) => {
            Err(std::io::Error::other("the waiting thread ended"))
        }
    }
}

/// Takes the lock by asking for it again and again, where too many threads wait in the system already.
pub(super) fn poll_before(file: &File, deadline: Instant) -> std::io::Result<bool> {
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= deadline => return Ok(false),
            Err(TryLockError::WouldBlock) => std::thread::sleep(POLL_PAUSE),
        }
    }
}

/// Unlocks the file when it is dropped, also by a panic.
pub(super) struct Locked(Option<Arc<File>>);

impl Locked {
    pub(super) fn new(file: Arc<File>) -> Self {
        Self(Some(file))
    }

    /// Leaves the unlocking to somebody else.
    fn hand_over(mut self) {
        self.0 = None;
    }
}

impl Drop for Locked {
    fn drop(&mut self) {
        if let Some(file) = self.0.take() {
            // A failed unlock ends with the file.
            drop(file.unlock());
        }
    }
}

/// A thread that waits in the system's queue for a lock. It cannot be called back: behind a process that was stopped
/// it stays there, and so would one for each attempt since.
pub(super) struct Stuck;

static STUCK: AtomicUsize = AtomicUsize::new(0);

impl Stuck {
    /// Counts one more; none when there are enough.
    pub(super) fn new() -> Option<Self> {
        let more = |count: usize| (count < STUCK_MAX).then_some(count + 1);
        STUCK
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
            .then_some(Self)
    }
}

impl Drop for Stuck {
    fn drop(&mut self) {
        STUCK.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Gate, open_private};

    #[test]
    fn a_lock_that_comes_at_the_last_moment_is_not_kept_by_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let (other, file) = (
            Gate::new(path.clone()),
            Arc::new(open_private(&path).unwrap()),
        );
        for round in 0..300 {
            let held = other.pass(Duration::from_mins(1)).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| drop(held));
                let deadline = Instant::now() + Duration::from_micros(round);
                if lock_before(&file, deadline).unwrap() {
                    file.unlock().unwrap();
                }
            });
            // The file is still open, as it is where other threads wait with it.
            drop(other.pass(Duration::from_secs(20)).unwrap());
        }
    }

    #[test]
    fn where_too_many_wait_the_lock_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let (mine, other) = (open_private(&path).unwrap(), open_private(&path).unwrap());
        other.lock().unwrap();
        assert!(!poll_before(&mine, Instant::now()).unwrap());
        other.unlock().unwrap();
        assert!(poll_before(&mine, Instant::now()).unwrap());
    }
}
