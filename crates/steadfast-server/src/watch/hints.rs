//! Hints that something changed: a bounded set of paths, filled by the system's watcher.
//!
//! Bound: beyond [`PATHS_MAX`] paths, after an overflow or an error the hint is
//! that everything may have changed.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

/// The most paths that are kept apart.
const PATHS_MAX: usize = 1_024;

/// Where something changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Hinted {
    /// Everything may have changed.
    pub(super) is_everything: bool,
    /// These changed.
    pub(super) paths: BTreeSet<PathBuf>,
}

impl Hinted {
    fn is_empty(&self) -> bool {
        !self.is_everything && self.paths.is_empty()
    }
}

#[derive(Default)]
struct Noted {
    hinted: Hinted,
    last: Option<Instant>,
}

#[derive(Default)]
struct Board {
    noted: Mutex<Noted>,
    changed: Condvar,
}

/// The hints that have come and were not taken.
pub(super) struct Hints {
    board: Arc<Board>,
    watcher: Result<RecommendedWatcher, String>,
}

impl Hints {
    /// Returns hints without any watch; what happens in the folder of the store is none.
    pub(super) fn new(store: PathBuf) -> Self {
        let store = std::fs::canonicalize(&store).unwrap_or(store);
        let board = Arc::new(Board::default());
        let noting = Arc::clone(&board);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            noting.note(event, &store);
        });
        Self {
            board,
            watcher: watcher.map_err(|error| error.to_string()),
        }
    }

    /// Watches a folder, or the folder of a file; returns why it cannot be watched, if so.
    pub(super) fn watch(&mut self, path: &Path) -> Option<String> {
        let watcher = match &mut self.watcher {
            Ok(watcher) => watcher,
            Err(flaw) => return Some(flaw.clone()),
        };
        let (folder, mode) = match path.parent() {
            Some(parent) if path.is_file() => (parent, RecursiveMode::NonRecursive),
            _ => (path, RecursiveMode::Recursive),
        };
        // What was watched under this name may be another folder by now.
        drop(watcher.unwatch(folder));
        watcher
            .watch(folder, mode)
            .err()
            .map(|error| error.to_string())
    }

    /// Waits for a hint; returns whether one is there.
    pub(super) fn wait_for_hint(&self, patience: Duration) -> bool {
        let noted = self.board.lock();
        let (noted, _) = self
            .board
            .changed
            .wait_timeout_while(noted, patience, |noted| noted.hinted.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        !noted.hinted.is_empty()
    }

    /// Waits until no hint has come for some time, or until the patience is over.
    pub(super) fn wait_for_quiet(&self, quiet: Duration, patience: Duration) {
        let started = Instant::now();
        let mut noted = self.board.lock();
        loop {
            let since = noted.last.map_or(quiet, |last| last.elapsed());
            let left = patience.saturating_sub(started.elapsed());
            let pause = quiet.saturating_sub(since).min(left);
            if pause.is_zero() {
                return;
            }
            noted = self
                .board
                .changed
                .wait_timeout(noted, pause)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Takes the hints.
    pub(super) fn take(&self) -> Hinted {
        std::mem::take(&mut self.board.lock().hinted)
    }
}

impl Board {
    fn lock(&self) -> MutexGuard<'_, Noted> {
        // Hints are whole between any two statements.
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, event: notify::Result<Event>, store: &Path) {
        let (paths, is_everything) = match event {
            // Reading is no change; our own rescans read.
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
            Ok(event) => {
                let is_everything = event.need_rescan() || event.paths.is_empty();
                (event.paths, is_everything)
            }
            Err(error) => (error.paths, true),
        };
        let mut noted = self.lock();
        for path in paths {
            if !is_beside_the_point(&path, store) {
                noted.hinted.paths.insert(path);
            }
        }
        noted.hinted.is_everything |= is_everything;
        if noted.hinted.paths.len() > PATHS_MAX {
            noted.hinted = Hinted {
                is_everything: true,
                paths: BTreeSet::new(),
            };
        }
        if !noted.hinted.is_empty() {
            noted.last = Some(Instant::now());
            self.changed.notify_all();
        }
    }
}

/// Returns whether a path is of the store itself, or inside a folder `.git`, which no rescan reads.
fn is_beside_the_point(path: &Path, store: &Path) -> bool {
    path.starts_with(store) || path.components().any(|part| part.as_os_str() == ".git")
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, CreateKind, Flag};

    use super::*;

    fn noted(events: Vec<notify::Result<Event>>) -> Hinted {
        let hints = Hints::new(PathBuf::from("/notes/.steadfast"));
        for event in events {
            hints.board.note(event, Path::new("/notes/.steadfast"));
        }
        hints.take()
    }

    fn created(path: &str) -> Event {
        Event::new(EventKind::Create(CreateKind::Any)).add_path(PathBuf::from(path))
    }

    #[test]
    fn reading_the_store_and_git_are_no_hints() {
        let read = Event::new(EventKind::Access(AccessKind::Any)).add_path("/notes/a.md".into());
        let hinted = noted(vec![
            Ok(read),
            Ok(created("/notes/.steadfast/steadfast.db-wal")),
            Ok(created("/notes/.git/index")),
        ]);
        assert!(hinted.is_empty());
        let hinted = noted(vec![Ok(created("/notes/a.md")), Ok(created("/notes/a.md"))]);
        assert_eq!((hinted.paths.len(), hinted.is_everything), (1, false));
    }

    /// Each wait would take an hour if only the other bound held.
    #[test]
    fn a_wait_ends_by_quiet_and_also_where_it_is_never_quiet() {
        let (hour, moment) = (Duration::from_hours(1), Duration::from_millis(1));
        let hints = Hints::new(PathBuf::from("/notes/.steadfast"));
        assert!(!hints.wait_for_hint(moment));
        let saved = created("/notes/a.md");
        hints.board.note(Ok(saved), Path::new("/notes/.steadfast"));
        hints.wait_for_quiet(hour, moment);
        hints.wait_for_quiet(moment, hour);
        assert!(hints.wait_for_hint(hour));
        assert_eq!(hints.take().paths.len(), 1);
        assert!(!hints.wait_for_hint(moment), "it was taken");
    }

    #[test]
    fn overflows_errors_and_floods_mean_everything() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert!(noted(vec![Ok(overflow)]).is_everything);
        assert!(noted(vec![Err(notify::Error::generic("x"))]).is_everything);
        let flood = (0..=PATHS_MAX).map(|number| Ok(created(&format!("/notes/{number}"))));
        let hinted = noted(flood.collect());
        assert_eq!((hinted.paths.len(), hinted.is_everything), (0, true));
    }
}
