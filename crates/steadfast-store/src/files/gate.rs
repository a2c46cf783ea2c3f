//! The gate that writers pass one by one, fairly, across threads and processes.
//!
//! Threads of one process queue by ticket. Processes queue in the system's
//! blocking file lock, which wakes them in order and which the system releases
//! when its holder dies: there is no lock file to go stale.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, SendError, Sender, channel, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::wait::{Locked, Stuck, lock_before, poll_before};
use crate::error::StoreError;
use crate::files::open_private;

/// Something to be done with the lock held.
type Job = Box<dyn FnOnce() + Send>;

/// Waiting threads that are kept while nobody needs them.
const IDLE_MAX: usize = 4;

/// How often a caller who is kept waiting asks whether it can help itself.
const WATCH: Duration = Duration::from_millis(250);

/// A gate on one lock file.
#[derive(Debug)]
pub struct Gate {
    path: PathBuf,
    /// Threads that wait for the lock and then do the work, as long as nobody has work for them.
    idle: Mutex<Vec<Sender<Job>>>,
    turns: Arc<Turns>,
}

/// The threads of this process, by ticket.
#[derive(Debug, Default)]
struct Turns {
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

/// The turn of one thread of this process: the next one comes when this is dropped, also by a panic.
struct Turn {
    turns: Arc<Turns>,
    /// Those who come next open a file of their own.
    forget_file: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.leave(self.forget_file);
    }
}

/// Which thread goes on after the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thread {
    /// That of the caller, who waits for nobody.
    Caller,
    /// One that waited for the caller, who watches over it.
    Waiting,
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
            idle: Mutex::default(),
            turns: Arc::default(),
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
        let mut queue = self.turns.queue();
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
        self.pass_and_then(patience, work, |value, _| value, || None)
    }

    /// Like [`Self::pass_and`], and goes on with `after` on the same thread when the gate is open again.
    ///
    /// Only then the caller is woken: two changes of thread are saved where `after` waits in another line. Where
    /// that has no end, `instead` is the way out: the caller asks it now and then for a value to go on with.
    ///
    /// # Errors
    /// As [`Self::pass_and`]; then `after` never runs either.
    pub fn pass_and_then<T, U: Send + 'static>(
        &self,
        patience: Duration,
        work: impl FnOnce() -> T + Send + 'static,
        after: impl FnOnce(T, Thread) -> U + Send + 'static,
        instead: impl FnMut() -> Option<U>,
    ) -> Result<U, StoreError> {
        let deadline = Instant::now() + patience;
        let file = self.wait_in_process(deadline)?;
        let file = file.ok_or_else(|| self.busy(patience))?;
        let turn = Turn {
            turns: Arc::clone(&self.turns),
            forget_file: false,
        };
        let job = move |locked, turn, thread| {
            let value = work();
            drop::<Locked>(locked);
            drop::<Turn>(turn);
            after(value, thread)
        };
        let done = self.run_before(deadline, file, turn, job, instead);
        match done {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(self.busy(patience)),
            Err(error) => Err(StoreError::from_io(&self.path, &error)),
        }
    }

    /// Passes the gate, waiting on this very thread: for other threads of this process no longer than
    /// `patience`, for other processes as long as it takes.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the patience is over; other errors when the lock file cannot be used.
    pub fn pass_here(&self, patience: Duration) -> Result<GateHeld<'_>, StoreError> {
        let file = self.wait_in_process(Instant::now() + patience)?;
        let file = file.ok_or_else(|| self.busy(patience))?;
        match file.lock() {
            Ok(()) => Ok(GateHeld { gate: self, file }),
            Err(error) => {
                self.turns.leave(false);
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
                self.turns.leave(true);
                Err(busy())
            }
            Err(error) => {
                self.turns.leave(false);
                Err(StoreError::from_io(&self.path, &error))
            }
        }
    }

    /// Runs `job` with the lock held; none when the deadline came first, and then it never runs.
    ///
    /// The job lets go of lock and turn when it sees fit.
    fn run_before<T: Send + 'static>(
        &self,
        deadline: Instant,
        file: Arc<File>,
        turn: Turn,
        job: impl FnOnce(Locked, Turn, Thread) -> T + Send + 'static,
        mut instead: impl FnMut() -> Option<T>,
    ) -> std::io::Result<Option<T>> {
        let failed = |turn: Turn, error| {
            turn.retire();
            Err(error)
        };
        match file.try_lock() {
            Ok(()) => return Ok(Some(job(Locked::new(file), turn, Thread::Caller))),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return failed(turn, error),
        }
        let Some(stuck) = Stuck::new() else {
            return match poll_before(&file, deadline) {
                Ok(true) => Ok(Some(job(Locked::new(file), turn, Thread::Caller))),
                Ok(false) => Ok(None),
                Err(error) => failed(turn, error),
            };
        };
        // Whoever takes the turn decides: the thread that got the lock, or the caller who waits no longer.
        let turn = Arc::new(Mutex::new(Some(turn)));
        let (sender, receiver) = sync_channel(1);
        let offered = Arc::clone(&turn);
        let thread = self.wait_with(Box::new(move || {
            let done = file.lock().map(|()| {
                drop(stuck);
                let locked = Locked::new(file);
                take(&offered).map(|turn| job(locked, turn, Thread::Waiting))
            });
            // Nobody hears this when the caller has given up.
            drop(sender.send(done));
        }))?;
        let ended = || std::io::Error::other("the thread that wrote ended without an answer");
        let mut is_waiting = true;
        let done = loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let pause = if is_waiting { left.min(WATCH) } else { WATCH };
            match receiver.recv_timeout(pause) {
                Ok(done) => break done,
                Err(RecvTimeoutError::Disconnected) => return Err(ended()),
                Err(RecvTimeoutError::Timeout) => {}
            }
            if is_waiting && Instant::now() >= deadline {
                if let Some(turn) = take(&turn) {
                    // The waiting thread may be in the system's queue for as long as it likes:
                    // whoever comes next gets another one, and another file.
                    turn.retire();
                    return Ok(None);
                }
                // It is at work, and its transaction is bounded.
                is_waiting = false;
            }
            if let Some(value) = instead() {
                return Ok(Some(value));
            }
        };
        if done.is_ok() {
            self.keep(thread);
        } else if let Some(turn) = take(&turn) {
            turn.retire();
        }
        done
    }

    /// Gives a job to a waiting thread, a new one when all are at work, and returns the way to it.
    fn wait_with(&self, job: Job) -> std::io::Result<Sender<Job>> {
        let job = match self.idle().pop() {
            Some(sender) => match sender.send(job) {
                Ok(()) => return Ok(sender),
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
        Ok(sender)
    }

    /// Keeps a thread that has done its job for the next one.
    fn keep(&self, thread: Sender<Job>) {
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(thread);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Sender<Job>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busy(&self, patience: Duration) -> StoreError {
        StoreError::Busy {
            what: self.path.display().to_string(),
            waited_ms: u64::try_from(patience.as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Waits for this thread's turn; none when the deadline came first.
    fn wait_in_process(&self, deadline: Instant) -> Result<Option<Arc<File>>, StoreError> {
        let mut queue = self.turns.queue();
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
                .turns
                .turn
                .wait_timeout(queue, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        drop(file);
        let opened = self.file(&mut queue);
        drop(queue);
        if opened.is_err() {
            // The turn has come all the same: those behind must not wait for it for ever.
            self.turns.leave(true);
        }
        opened.map(Some)
    }

    fn file(&self, queue: &mut Queue) -> Result<Arc<File>, StoreError> {
        if let Some(file) = &queue.file {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(open_private(&self.path)?);
        queue.file = Some(Arc::clone(&file));
        Ok(file)
    }
}

impl Turns {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, forget_file: bool) {
        let mut queue = self.queue();
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
        // Waking goes through the system also where nobody waits.
        if queue.next_ticket != queue.serving {
            self.turn.notify_all();
        }
    }
}

impl Turn {
    /// Ends the turn, and those who come next open a file of their own.
    fn retire(mut self) {
        self.forget_file = true;
    }
}

fn take(offered: &Mutex<Option<Turn>>) -> Option<Turn> {
    let mut offered = offered.lock().unwrap_or_else(PoisonError::into_inner);
    offered.take()
}

impl GateHeld<'_> {
    /// Returns the lock file: where the system keeps all others from its content, this handle is the way to it.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for GateHeld<'_> {
    fn drop(&mut self) {
        // An unlock that fails leaves the lock to the closing of the file.
        let forget_file = self.file.unlock().is_err();
        self.gate.turns.leave(forget_file);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

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
    fn what_comes_after_finds_the_gate_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let (mine, other) = (
            Arc::new(Gate::new(path.clone())),
            Arc::new(Gate::new(path.clone())),
        );
        let held = other.pass(Duration::from_mins(1)).unwrap();
        let (inside, again) = (Arc::clone(&other), Arc::clone(&mine));
        let waiting = std::thread::spawn(move || {
            let third = Gate::new(path);
            let is_open = |gate: &Gate| gate.try_pass().unwrap().is_some();
            let gate = Arc::clone(&again);
            gate.pass_and_then(
                Duration::from_mins(1),
                move || is_open(&inside),
                // Both to another process and to the next thread of this one.
                move |was_open, _| (was_open, is_open(&third), is_open(&again)),
                || None,
            )
            .unwrap()
        });
        drop(held);
        assert_eq!(waiting.join().unwrap(), (false, true, true));
        drop(mine.try_pass().unwrap().unwrap());
    }

    #[test]
    fn a_caller_who_is_kept_waiting_after_the_gate_can_help_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        let (mine, other) = (Gate::new(file("one")), Gate::new(file("one")));
        let (line, stuck) = (
            Arc::new(Gate::new(file("two"))),
            Arc::new(Gate::new(file("two"))),
        );
        let never_ends = stuck.pass(Duration::from_mins(1)).unwrap();
        let mut held = Some(other.pass(Duration::from_mins(1)).unwrap());
        let mut asked = 0;
        let waits = Arc::clone(&line);
        let helped = mine.pass_and_then(
            Duration::from_mins(1),
            || (),
            move |(), thread| {
                drop(waits.pass_here(Duration::from_mins(1)).unwrap());
                Some(thread)
            },
            || {
                // The first time the gate itself is still shut.
                asked += 1;
                drop(held.take());
                (asked == 2).then_some(None)
            },
        );
        assert_eq!(helped.unwrap(), None);
        drop(never_ends);
    }

    #[test]
    fn a_panic_inside_lets_the_next_one_pass() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("writer.lock");
        let (mine, other) = (Gate::new(path.clone()), Gate::new(path));
        let held = other.pass(Duration::from_mins(1)).unwrap();
        std::thread::scope(|scope| {
            let failing =
                scope.spawn(|| mine.pass_and(Duration::from_mins(1), || panic!("inside")));
            drop(held);
            let failed: Result<(), StoreError> = failing.join().unwrap_or(Err(StoreError::Full));
            assert!(failed.is_err());
        });
        assert_eq!(mine.pass_and(Duration::from_mins(1), || 7).unwrap(), 7);
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

    #[test]
    fn a_turn_whose_file_cannot_be_opened_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (place, aside) = (folder.path().join("store"), folder.path().join("aside"));
        std::fs::create_dir(&place).unwrap();
        let gate = Gate::new(place.join("writer.lock"));
        let held = gate.pass(Duration::from_mins(1)).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| gate.pass(Duration::from_mins(1)).map(drop));
            while gate.turns.queue().next_ticket < 2 {
                std::thread::yield_now();
            }
            gate.turns.queue().file = None;
            std::fs::rename(&place, &aside).unwrap();
            drop(held);
            assert!(waiting.join().unwrap().is_err());
        });
        std::fs::rename(&aside, &place).unwrap();
        drop(gate.pass(Duration::from_millis(1)).unwrap());
    }
}
