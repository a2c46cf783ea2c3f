//! The gate that writers pass one by one, fairly, across threads and processes.
//!
//! Threads of one process queue by ticket. Processes queue in the system's
//! blocking file lock, which wakes them in order and which the system releases
//! when its holder dies: there is no lock file to go stale.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, SendError, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::StoreError;
use crate::files::open_private;

/// Something to be done with the lock held.
type Job = Box<dyn FnOnce() + Send>;

/// A gate on one lock file.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    /// The thread that waits for the lock and then does the work; in-process turns see to it
    /// that it has one job at a time.
    waiter: Mutex<Option<Sender<Job>>>,
    queue: Mutex<Queue>,
    turn: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    next_ticket: u64,
    serving: u64,
    /// Tickets whose owners gave up waiting.
    abandoned: Vec<u64>,
    file: Option<Arc<File>>,
}

/// The gate is held until this is dropped.
#[derive(Debug)]
pub struct GateHeld<'gate> {
    gate: &'gate Gate,
    file: Arc<File>,
}

impl Gate {
    /// Returns the gate on `path`; the file is created when the gate is first passed.
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            waiter: Mutex::default(),
            queue: Mutex::default(),
            turn: Condvar::new(),
        }
    }

    /// Returns the lock file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Passes the gate when nobody holds it.
    ///
    /// # Errors
    /// [`StoreError`] when the lock file cannot be opened.
    pub fn try_pass(&self) -> Result<Option<GateHeld<'_>>, StoreError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.next_ticket != queue.serving {
            return Ok(None);
        }
        let file = self.file(&mut queue)?;
        match file.try_lock() {
            Ok(()) => {
                queue.next_ticket += 1;
                Ok(Some(GateHeld { gate: self, file }))
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(StoreError::from_io(&self.path, &error)),
        }
    }

    /// Passes the gate and runs `work` inside, waiting for those who came before, but not longer than `patience`.
    ///
    /// Where there is a wait, `work` runs on the thread that waits: handing the gate on to
    /// another thread first would keep the whole queue waiting until that one has woken up too.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the patience is over, and then `work` never runs; other errors when
    /// the lock file cannot be used.
    pub fn pass_and<T: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let deadline = Instant::now() + patience;
        let busy = || self.busy(patience);
        let file = self.wait_in_process(deadline)?.ok_or_else(busy)?;
        match self.run_before(&file, deadline, work) {
            Ok(Some(value)) => {
                self.leave(false);
                Ok(value)
            }
            // The waiting thread may be in the system's queue for as long as it likes: whoever
            // comes next gets another one, and another file.
            Ok(None) => {
                self.retire();
                Err(busy())
            }
            Err(error) => {
                self.retire();
                Err(StoreError::from_io(&self.path, &error))
            }
        }
    }

    /// Passes the gate, waiting for those who came before, but not longer than `patience`.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the patience is over; other errors when the lock file cannot be used.
    pub fn pass(&self, patience: Duration) -> Result<GateHeld<'_>, StoreError> {
        let deadline = Instant::now() + patience;
        let busy = || self.busy(patience);
        let file = self.wait_in_process(deadline)?.ok_or_else(busy)?;
        match lock_before(&file, deadline) {
            Ok(true) => Ok(GateHeld { gate: self, file }),
            Ok(false) => {
                // The waiting thread may still get the lock through this very
                // file and lets it go; a new file keeps that apart from us.
                self.leave(true);
                Err(busy())
            }
            Err(error) => {
                self.leave(false);
                Err(StoreError::from_io(&self.path, &error))
            }
        }
    }

    fn retire(&self) {
        drop(self.waiter().take());
        self.leave(true);
    }

    fn waiter(&self) -> MutexGuard<'_, Option<Sender<Job>>> {
        self.waiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` with the lock held; none when the deadline came first, and then it never runs.
    fn run_before<T: Send + 'static>(
        &self,
        file: &Arc<File>,
        deadline: Instant,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::io::Result<Option<T>> {
        match file.try_lock() {
            Ok(()) => {
                let locked = Locked(file);
                let value = work();
                drop(locked);
                return Ok(Some(value));
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // Whoever claims first decides: the thread that got the lock, or the caller who waits no longer.
        let claim = Arc::new(AtomicBool::new(false));
        let (sender, receiver) = sync_channel(1);
        let (waiting, thread_claim) = (Arc::clone(file), Arc::clone(&claim));
        self.wait_with(Box::new(move || {
            let locked = waiting.lock().map(|()| Locked(&waiting));
            let is_mine = !thread_claim.swap(true, Ordering::AcqRel);
            let done = locked.map(|locked| {
                let value = is_mine.then(work);
                drop(locked);
                value
            });
            // Nobody hears this when the caller has given up.
            drop(sender.send(done));
        }))?;
        let ended = || std::io::Error::other("the thread that wrote ended without an answer");
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(done) => done,
            Err(RecvTimeoutError::Timeout) if !claim.swap(true, Ordering::AcqRel) => Ok(None),
            // It is at work, and its transaction is bounded.
            Err(RecvTimeoutError::Timeout) => receiver.recv().map_err(|_| ended())?,
            Err(RecvTimeoutError::Disconnected) => Err(ended()),
        }
    }

    /// Gives a job to the waiting thread, which the first job starts.
    fn wait_with(&self, job: Job) -> std::io::Result<()> {
        let mut waiter = self.waiter();
        let job = match waiter.as_ref() {
            Some(sender) => match sender.send(job) {
                Ok(()) => return Ok(()),
                // A panic ended it.
                Err(SendError(job)) => job,
            },
            None => job,
        };
        let (sender, jobs) = channel::<Job>();
        std::thread::Builder::new()
            .name("steadfast-gate".to_owned())
            .spawn(move || jobs.into_iter().for_each(|job| job()))?;
        drop(sender.send(job));
        *waiter = Some(sender);
        Ok(())
    }

    fn busy(&self, patience: Duration) -> StoreError {
        StoreError::Busy {
            what: self.path.display().to_string(),
            waited_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Waits for this thread's turn; none when the deadline came first.
    fn wait_in_process(&self, deadline: Instant) -> Result<Option<Arc<File>>, StoreError> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let file = self.file(&mut queue)?;
        let ticket = queue.next_ticket;
        queue.next_ticket += 1;
        while queue.serving != ticket {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                queue.abandoned.push(ticket);
                return Ok(None);
            }
            queue = self
                .turn
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(file);
        self.file(&mut queue).map(Some)
    }

    fn file(&self, queue: &mut Queue) -> Result<Arc<File>, StoreError> {
        if let Some(file) = &queue.file {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open_private(&self.path)?);
        queue.file = Some(Arc::clone(&file));
        Ok(file)
    }

    fn leave(&self, forget_file: bool) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if forget_file {
            queue.file = None;
        }
        queue.serving += 1;
        loop {
            let serving = queue.serving;
            let Some(index) = queue.abandoned.iter().position(|&ticket| ticket == serving) else {
                break;
            };
            queue.abandoned.swap_remove(index);
            queue.serving += 1;
        }
        self.turn.notify_all();
    }
}

impl Drop for GateHeld<'_> {
    fn drop(&mut self) {
        // An unlock that fails leaves the lock to the closing of the file.
        let forget_file = self.file.unlock().is_err();
        self.gate.leave(forget_file);
    }
}

/// Takes the lock, waiting in the system's own queue; false when the deadline came first.
///
/// The system cannot be asked to wait for a limited time, so a thread of its
/// own waits there, only when the lock is held. Polling instead would let a
/// busy process starve the others: measured, the slowest of eight writers then
/// gets 9 commits where this gives it 1,638.
fn lock_before(file: &Arc<File>, deadline: Instant) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => return Ok(true),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(error),
    }
    // Room for one answer: the thread need not wait until it is taken. One that is never
    // taken lets the lock go with the last owner of the file.
    let (sender, receiver) = sync_channel(1);
    let waiting = Arc::clone(file);
    std::thread::Builder::new()
        .name("steadfast-gate".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || {
            let locked = waiting.lock();
            let took = locked.is_ok();
            if sender.send(locked).is_err() && took {
                // Nobody waits any more. A failed unlock ends with the file.
                drop(waiting.unlock());
            }
        })?;
    match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
        Ok(locked) => locked.map(|()| true),
        Err(RecvTimeoutError::Timeout) => Ok(false),
        Err(RecvTimeoutError::Disconnected) => {
            Err(std::io::Error::other("the waiting thread ended"))
        }
    }
}

/// Unlocks the file when it is dropped, also by a panic.
struct Locked<'f>(&'f File);

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // A failed unlock ends with the file.
        drop(self.0.unlock());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_everyone_gets_a_turn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let inside = Mutex::new((0_u32, 0_u32));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                // Two gates stand for two processes: the system tells their files apart.
                let gates = [Gate::new(path.clone()), Gate::new(path.clone())];
                let inside = &inside;
                scope.spawn(move || {
                    for turn in 0..50 {
                        let held = gates[turn % 2].pass(Duration::from_mins(1)).unwrap();
                        let mut count = inside.try_lock().expect("two writers inside");
                        count.0 += 1;
                        drop(count);
                        drop(held);
                    }
                });
            }
        });
        assert_eq!(inside.into_inner().unwrap().0, 200);
    }

    #[test]
    fn patience_ends_with_a_typed_error_and_the_gate_still_works() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let (mine, other) = (Gate::new(path.clone()), Gate::new(path));
        let held = other.pass(Duration::from_mins(1)).unwrap();
        assert!(mine.try_pass().unwrap().is_none());
        let refused = mine.pass(Duration::from_millis(5));
        assert!(
            matches!(refused, Err(StoreError::Busy { .. })),
            "{refused:?}"
        );
        drop(held);
        drop(mine.pass(Duration::from_mins(1)).unwrap());
        drop(mine.try_pass().unwrap().unwrap());
    }

    #[test]
    fn work_runs_inside_once_or_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let (mine, other) = (Gate::new(path.clone()), Gate::new(path));
        let ran = Arc::new(AtomicBool::new(false));
        let work = |ran: &Arc<AtomicBool>| {
            let ran = Arc::clone(ran);
            move || assert!(!ran.swap(true, Ordering::AcqRel), "it ran twice")
        };
        let held = other.pass(Duration::from_mins(1)).unwrap();
        let refused = mine.pass_and(Duration::from_millis(5), work(&ran));
        assert!(
            matches!(refused, Err(StoreError::Busy { .. })),
            "{refused:?}"
        );
        std::thread::scope(|scope| {
            // This one waits behind the thread that still waits for the caller who gave up.
            let waiting = scope.spawn(|| mine.pass_and(Duration::from_mins(1), || 7).unwrap());
            drop(held);
            assert_eq!(waiting.join().unwrap(), 7);
        });
        assert!(!ran.load(Ordering::Acquire), "a refused write was done");
        mine.pass_and(Duration::from_mins(1), work(&ran)).unwrap();
        assert!(ran.load(Ordering::Acquire));
        drop(other.pass(Duration::from_mins(1)).unwrap());
    }

    #[test]
    fn a_thread_that_gave_up_does_not_hold_up_the_queue() {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::new(folder.path().join("writer.lock"));
        let held = gate.pass(Duration::from_mins(1)).unwrap();
        std::thread::scope(|scope| {
            scope
                .spawn(|| assert!(gate.pass(Duration::from_millis(1)).is_err()))
                .join()
                .unwrap();
            let waiting = scope.spawn(|| drop(gate.pass(Duration::from_mins(1)).unwrap()));
            drop(held);
            waiting.join().unwrap();
        });
    }
}
