//! Long calls: how far they are, and an end before their end.
//!
//! The work runs on a thread of its own and tells its steps; the client hears of
//! them when it asked to, at most ten times a second, always with a larger
//! number. A client that cancels stops the work at its next step, where all that
//! was begun is either committed or not there. Invariant: the work is never
//! waited for by the thread that speaks the protocol.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;
use steadfast::Progress;
use tokio::sync::watch;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{Instant, sleep_until};

/// The least time between two notifications.
const PAUSE: Duration = Duration::from_millis(100);

/// A client that wants to hear how far a call is.
pub(super) struct Listener {
    pub(super) peer: Peer<RoleServer>,
    pub(super) token: ProgressToken,
}

/// How far a work is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Step {
    stage: String,
    done: u64,
    total: u64,
}

/// What the work tells its steps to.
struct Reporter {
    steps: watch::Sender<Step>,
    stop: Arc<AtomicBool>,
}

impl Progress for Reporter {
    fn step(&self, stage: &str, done: u64, total: u64) -> bool {
        self.steps.send_replace(Step {
            stage: stage.to_owned(),
            done,
            total,
        });
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Runs work on a thread of its own, tells how far it is, and stops it when `cancelled` is over.
pub(super) async fn watched<T: Send + 'static>(
    listener: Option<Listener>,
    cancelled: impl Future<Output = ()>,
    work: impl FnOnce(&dyn Progress) -> T + Send + 'static,
) -> Result<T, JoinError> {
    let (steps, mut seen) = watch::channel(Step::default());
    let stop = Arc::new(AtomicBool::new(false));
    let reporter = Reporter {
        steps,
        stop: Arc::clone(&stop),
    };
    let mut work = spawn_blocking(move || work(&reporter));
    let mut cancelled = pin!(cancelled);
    let mut count = Count::default();
    let mut not_before = Instant::now();
    let mut tells = listener.is_some();
    let done = loop {
        tokio::select! {
            biased;
            () = &mut cancelled, if !stop.load(Ordering::Relaxed) => {
                stop.store(true, Ordering::Relaxed);
                // Nobody waits for the answer any more.
                tells = false;
            }
            is_more = next(&mut seen, not_before), if tells => {
                tell(listener.as_ref(), &mut count, &seen).await;
                not_before = Instant::now() + PAUSE;
                tells = is_more;
            }
            done = &mut work => break done,
        }
    };
    if tells {
        tell(listener.as_ref(), &mut count, &seen).await;
    }
    done
}

/// Returns at the next step, but not before a moment; false when there will be none.
async fn next(seen: &mut watch::Receiver<Step>, not_before: Instant) -> bool {
    sleep_until(not_before).await;
    seen.changed().await.is_ok()
}

async fn tell(listener: Option<&Listener>, count: &mut Count, seen: &watch::Receiver<Step>) {
    let step = seen.borrow().clone();
    let (Some(listener), Some((progress, total))) = (listener, count.advance(&step)) else {
        return;
    };
    let param = ProgressNotificationParam::new(listener.token.clone(), progress)
        .with_total(total)
        .with_message(step.stage);
    // A client that does not hear it misses nothing but that.
    drop(listener.peer.notify_progress(param).await);
}

/// One number over all stages, for the protocol wants it to grow.
#[derive(Default)]
struct Count {
    stage: String,
    /// What the stages before came to.
    base: u64,
    last: Option<u64>,
}

impl Count {
    /// Returns how far all is, and how far it goes as far as is known; none when nothing has grown.
    #[expect(clippy::cast_precision_loss, reason = "counts of files and rows")]
    fn advance(&mut self, step: &Step) -> Option<(f64, f64)> {
        if step.stage.is_empty() {
            return None;
        }
        if step.stage != self.stage {
            self.stage.clone_from(&step.stage);
            self.base = self.last.unwrap_or(0);
        }
        let done = self.base.saturating_add(step.done);
        if self.last.is_some_and(|last| done <= last) {
            return None;
        }
        self.last = Some(done);
        let total = self.base.saturating_add(step.total.max(step.done));
        Some((done as f64, total as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
            .block_on(future)
    }

    /// Works until it is told to stop, or for longer than anybody waits.
    fn endless(progress: &dyn Progress) -> bool {
        (0..u64::MAX).any(|step| !progress.step("files", step, step))
    }

    #[test]
    fn work_that_is_cancelled_stops() {
        let stopped = run(watched(None, std::future::ready(()), endless));
        assert!(stopped.unwrap());
    }

    #[test]
    fn work_that_nobody_cancels_is_done_and_a_panic_is_told() {
        let done = run(watched(None, std::future::pending(), |progress| {
            (0..1_000).all(|step| progress.step("files", step, 1_000))
        }));
        assert!(done.unwrap());
        let broken = run(watched(None, std::future::pending(), |_| {
            panic!("a tool broke off")
        }));
        assert!(broken.map(|(): ()| ()).is_err());
    }

    #[test]
    fn the_number_grows_over_all_stages() {
        let mut count = Count::default();
        let mut advance = |stage: &str, done, total| {
            count.advance(&Step {
                stage: stage.to_owned(),
                done,
                total,
            })
        };
        assert_eq!(advance("", 0, 0), None);
        assert_eq!(advance("files", 0, 10), Some((0.0, 10.0)));
        assert_eq!(advance("files", 10, 5), Some((10.0, 10.0)));
        assert_eq!(advance("files", 10, 12), None);
        assert_eq!(advance("vectors", 0, 4), None);
        assert_eq!(advance("vectors", 4, 4), Some((14.0, 14.0)));
    }
}
