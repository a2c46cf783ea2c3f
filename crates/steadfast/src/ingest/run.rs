//! The line at work: who feeds it, workers, and the committer, side by side.
//!
//! Invariants: however many files there are, few are in memory, because channels
//! are bounded, and few of their bytes, because of the budget; the calling
//! thread commits, and prepares files that are too long for a worker (see
//! [`super::budget`]), but never waits for the budget, since it is what frees
//! it; when one of them ends the others do too, because nobody takes
//! from them any more.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crossbeam_channel::{Receiver, Sender, bounded};
use steadfast_model::ContentHash;
use steadfast_model::filter::lies_within;
use steadfast_store::Progress;

use super::budget::{Budget, Share, worker_bytes_max};
use super::chunk::is_parsed;
use super::commit::Committer;
use super::convert::is_packed;
use super::identify::source_name;
use super::known::{Known, Verdict};
use super::prepare::{Moved, Prepared, prepare};
use super::rename::Held;
use super::report::IndexReport;
use super::walk::{Found, Item, Summary, WalkError, WalkOptions, walk};
use super::{IndexOptions, Line};
use crate::error::{Error, Result};

/// Files that may wait between two stations of the line.
const WAITING_FILES: usize = 64;

/// What a document that is packed weighs at least: of what it unpacks to nothing is known before.
const PACKED_BYTES_MIN: u64 = 16 << 20;

/// How many times its length a text weighs while it is parsed.
const PARSED_TIMES: u64 = 64;

/// What goes to the committer, with the share of memory that it needs until it is in the store.
enum Sent<'s> {
    /// What a worker made of a file.
    File(Prepared, Share<'s>),
    /// A file that the committer prepares itself.
    Long(usize, Found, Share<'s>),
    /// What is not read.
    Mark(Prepared),
}

/// A root of a call, and what the store knows of it.
pub(super) struct Root<'r> {
    pub(super) path: PathBuf,
    pub(super) known: Known<'r>,
    /// How it is walked.
    pub(super) walk: WalkOptions,
}

/// What a call works with.
pub(super) struct Run<'r> {
    pub(super) line: &'r Line<'r>,
    pub(super) options: &'r IndexOptions,
    pub(super) progress: &'r dyn Progress,
    pub(super) roots: &'r [Root<'r>],
    pub(super) moved: Moved<'r>,
    pub(super) overlap: Overlap,
}

/// Paths of a call that lie within others, and what was found there: it counts once.
#[derive(Default)]
pub(super) struct Overlap {
    inner: Vec<String>,
    seen: Mutex<HashSet<String>>,
}

impl Overlap {
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let is_inner = |path: &PathBuf| {
            let mut others = paths.iter();
            others.any(|other| other != path && path.starts_with(other))
        };
        let inner = paths.iter().filter(|path| is_inner(path));
        Self {
            inner: inner.map(|path| source_name(path)).collect(),
            seen: Mutex::default(),
        }
    }

    /// Returns whether a source was found before, by way of another path.
    fn is_again(&self, source: &str) -> bool {
        let mut inner = self.inner.iter();
        let is_shared = inner.any(|path| lies_within(source, path));
        let seen = || self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        is_shared && !seen().insert(source.to_owned())
    }
}

/// Where a feeder puts what it finds, and what it looks at.
struct Feed<'f> {
    to_read: Sender<(usize, Found)>,
    to_commit: Sender<Sent<'f>>,
    found_files: &'f AtomicU64,
    stop: &'f AtomicBool,
}

/// What the line did, when all of it has ended.
struct Done<R> {
    /// What the feeder returned.
    result: R,
    /// The observer did not ask to stop.
    going_on: bool,
    held: Vec<(Found, ContentHash)>,
}

impl Run<'_> {
    /// Walks a root and takes in what is new or changed there; files that may have been renamed go to `held`.
    pub(super) fn walk(
        &self,
        number: usize,
        held: &mut Vec<Held>,
        report: &mut IndexReport,
    ) -> Result<Summary> {
        let Some(Root {
            path,
            known,
            walk: options,
        }) = self.roots.get(number)
        else {
            return Ok(Summary::default());
        };
        let done = self.run(report, |feed| {
            walk(path, options, threads(), |item| {
                let named = self.options.force && item.path() == Some(path.as_path());
                if !named && self.overlap.is_again(item.source()) {
                    known.see(item.source());
                    return ControlFlow::Continue(());
                }
                feed.found_files.fetch_add(1, Ordering::Relaxed);
                let sent = feed.pass_on(known, number, item);
                if sent.is_err() || feed.stop.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        })?;
        let mut summary = done.result.map_err(walk_error)?;
        summary.stopped |= !done.going_on;
        let of_root = |(found, hash)| Held {
            root: number,
            found,
            hash,
        };
        held.extend(done.held.into_iter().map(of_root));
        Ok(summary)
    }

    /// Takes in the files that waited for the end of the walk.
    pub(super) fn take_in(&self, held: Vec<Held>, report: &mut IndexReport) -> Result<()> {
        if held.is_empty() {
            return Ok(());
        }
        self.run(report, |feed| {
            for held in held {
                feed.found_files.fetch_add(1, Ordering::Relaxed);
                let sent = feed.to_read.send((held.root, held.found));
                if sent.is_err() || feed.stop.load(Ordering::Relaxed) {
                    break;
                }
            }
        })
        .map(drop)
    }

    fn run<R: Send>(
        &self,
        report: &mut IndexReport,
        feeder: impl FnOnce(&Feed<'_>) -> R + Send,
    ) -> Result<Done<R>> {
        let found_files = AtomicU64::new(0);
        let stop = AtomicBool::new(false);
        let budget = Budget::new();
        let (to_read, found) = bounded::<(usize, Found)>(WAITING_FILES);
        let (to_commit, prepared) = bounded::<Sent<'_>>(WAITING_FILES);
        std::thread::scope(|scope| {
            for _ in 0..threads() {
                let (found, to_commit, budget) = (found.clone(), to_commit.clone(), &budget);
                scope.spawn(move || self.work(&found, &to_commit, budget));
            }
            drop(found);
            let feed = Feed {
                to_read,
                to_commit,
                found_files: &found_files,
                stop: &stop,
            };
            let feeder = scope.spawn(move || feeder(&feed));
            let committed = self.commit(&prepared, &found_files, report);
            // When committing failed the others must not wait for ever: nobody takes from them any more.
            stop.store(true, Ordering::Relaxed);
            drop(prepared);
            let result = feeder.join().map_err(|_| panicked())?;
            let (going_on, held) = committed?;
            Ok(Done {
                result,
                going_on,
                held,
            })
        })
    }

    fn work<'s>(
        &self,
        found: &Receiver<(usize, Found)>,
        to_commit: &Sender<Sent<'s>>,
        budget: &'s Budget,
    ) {
        let bytes_max = worker_bytes_max(threads());
        for (number, found) in found {
            let share = budget.take(self.weight(&found));
            let sent = if found.state.size > bytes_max {
                Some(Sent::Long(number, found, share))
            } else {
                self.file(number, found, share)
                    .map(|(prepared, share)| Sent::File(prepared, share))
            };
            if sent.is_some_and(|sent| to_commit.send(sent).is_err()) {
                return;
            }
        }
    }

    /// Prepares a file of a root.
    fn file<'s>(
        &self,
        number: usize,
        found: Found,
        mut share: Share<'s>,
    ) -> Option<(Prepared, Share<'s>)> {
        let Root { path, known, .. } = self.roots.get(number)?;
        let size = found.state.size;
        let named = self.options.force && found.path == *path;
        let prepared = prepare(self.line, self.options, known, &self.moved, found, named);
        // What is left of it now is as long as its text, whatever it took to make it.
        share.shrink(size);
        Some((prepared, share))
    }

    /// Returns how many bytes a file brings onto the line; one over the limit is not read.
    fn weight(&self, found: &Found) -> u64 {
        if found.state.size > self.options.read_limits().file_bytes_max {
            0
        } else if is_packed(&found.source) {
            found.state.size.max(PACKED_BYTES_MIN)
        } else if is_parsed(&found.source, found.state.size) {
            found.state.size.saturating_mul(PARSED_TIMES)
        } else {
            found.state.size
        }
    }

    /// Commits what the workers prepared; returns whether to go on, and what waits for the end of the walk.
    fn commit(
        &self,
        prepared: &Receiver<Sent<'_>>,
        found_files: &AtomicU64,
        report: &mut IndexReport,
    ) -> Result<(bool, Vec<(Found, ContentHash)>)> {
        let mut committer = Committer::new(self.line, report);
        let mut going_on = true;
        for sent in prepared {
            let (prepared, share) = match sent {
                Sent::File(prepared, share) => (prepared, Some(share)),
                Sent::Mark(prepared) => (prepared, None),
                Sent::Long(number, found, share) => match self.file(number, found, share) {
                    Some((prepared, share)) => (prepared, Some(share)),
                    None => continue,
                },
            };
            self.progress.item(prepared.source());
            committer.add(prepared)?;
            // What waits for its commit now is bounded by the committer.
            drop(share);
            let found = found_files.load(Ordering::Relaxed);
            if !self.progress.step("files", committer.files(), found) {
                going_on = false;
                break;
            }
        }
        Ok((going_on, committer.finish()?))
    }
}

impl Feed<'_> {
    /// Sends a found file to the readers when it must be read, and what cannot be taken to the committer.
    fn pass_on(&self, known: &Known<'_>, number: usize, item: Item) -> std::result::Result<(), ()> {
        let prepared = match item {
            Item::Found(found) => match known.judge(&found) {
                Verdict::Read => return self.to_read.send((number, found)).map_err(drop),
                Verdict::Unchanged => Prepared::unchanged(),
                Verdict::Skipped(reason) => Prepared::still_skipped(found.source, reason),
            },
            Item::Problem(problem) => {
                let was_indexed = known.see(&problem.source);
                let namespace = &known.placement(&problem.source).namespace;
                Prepared::problem(namespace, problem, was_indexed)
            }
        };
        self.to_commit.send(Sent::Mark(prepared)).map_err(drop)
    }
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

pub(super) fn walk_error(error: WalkError) -> Error {
    match error {
        WalkError::Missing { path } => Error::PathNotFound { path },
        WalkError::Unreadable { path, source } => Error::PathUnreadable {
            path,
            what: source.to_string(),
        },
        glob @ WalkError::Glob { .. } => Error::Invalid {
            what: glob.to_string(),
        },
    }
}

fn panicked() -> Error {
    Error::Store(steadfast_store::StoreError::Internal(
        "a thread of the line in panicked".to_owned(),
    ))
}
