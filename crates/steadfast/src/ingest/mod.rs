//! The line in: walk, read, redact, chunk, identify, embed, commit; then the indexes catch up.
//!
//! May name: `error`, `config`. Invariants: one file is one commit; a file is
//! acknowledged after its commit; whatever is left out has a reason that is
//! stored and listed; nothing is written of a text that redaction
//! has not seen; the decision what changes is taken by the store inside
//! the transaction, so any number of processes may index one tree at once.
//! What is deliberately not here: SQL, ranking, the terminal.

pub mod chunk;
pub mod identify;
pub mod read;
pub mod redact;
pub mod walk;

mod commit;
mod conversation;
mod known;
mod note;
mod prepare;
mod report;
mod rows;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};
use steadfast_embed::Embed;
use steadfast_model::{Analyze, Clock, Namespace};
use steadfast_store::{Backend, Effort, Progress};

use crate::error::{Error, Result};
use commit::Committer;
use known::{Known, Verdict};
use prepare::{Prepared, prepare};
use redact::Redactor;
use walk::{Found, Item, Summary, WalkError, WalkOptions, walk};

pub(crate) use conversation::keep_conversation;
pub use conversation::{Conversation, KeptConversation, Message};
pub(crate) use note::remember;
pub use note::{Note, Remembered};
pub use report::{FileCounts, IndexReport, SkippedSource};
pub(crate) use rows::{DocumentIn, RowIn, put_rows, redact_row};

/// What the line in works with.
#[derive(Clone, Copy)]
pub(crate) struct Line<'l> {
    pub(crate) backend: &'l dyn Backend,
    pub(crate) embed: &'l dyn Embed,
    pub(crate) analyze: &'l dyn Analyze,
    pub(crate) clock: &'l dyn Clock,
    pub(crate) actor: &'l str,
    pub(crate) redactor: &'l Redactor,
}

/// How folders are indexed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IndexOptions {
    /// The namespace that documents come into.
    pub namespace: Namespace,
    /// Tags for every chunk.
    pub tags: Vec<String>,
    /// Which files are taken and left.
    pub walk: WalkOptions,
    /// Read every file, also unchanged ones; a file that is named itself is taken even when it was forgotten.
    pub force: bool,
    /// Let go of what is gone, even when a whole root is gone.
    pub prune: bool,
    /// The largest file that is read, in bytes; 0 means the default of 32 MiB.
    pub file_bytes_max: u64,
}

/// Files that may wait between two stations of the line.
const WAITING_FILES: usize = 64;

/// Brings the store up to date with files and folders.
pub(crate) fn index(
    line: &Line<'_>,
    paths: &[PathBuf],
    options: &IndexOptions,
    progress: &dyn Progress,
) -> Result<IndexReport> {
    let roots = roots(paths, options)?;
    let mut report = IndexReport::default();
    for root in &roots {
        index_root(line, root, options, progress, &mut report)?;
    }
    // Big work leaves the indexes up to date; after small work the tail is cheap to search.
    let effort = if report.chunks.inserted + report.chunks.removed > BULK_ROWS {
        Effort::Now
    } else {
        Effort::WhenDue
    };
    if let Err(error) = line.backend.catch_up(effort) {
        report
            .warnings
            .push(format!("the indexes are behind: {error}"));
    }
    report.seq = line.backend.snapshot()?.generation();
    Ok(report)
}

/// New and gone rows from which on an index run brings the indexes up to date itself.
const BULK_ROWS: u64 = 256;

/// Resolves every path before anything is written: one that is missing refuses the whole call.
fn roots(paths: &[PathBuf], options: &IndexOptions) -> Result<Vec<PathBuf>> {
    paths
        .iter()
        .map(|path| match std::fs::canonicalize(path) {
            Ok(resolved) => Ok(resolved),
            // A root that has vanished is let go of only when that was asked for.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && options.prune => {
                identify::source_of(path)
                    .map(PathBuf::from)
                    .map_err(|_| Error::PathNotFound { path: path.clone() })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::PathNotFound { path: path.clone() })
            }
            Err(error) => Err(Error::PathUnreadable {
                path: path.clone(),
                what: error.to_string(),
            }),
        })
        .collect()
}

fn index_root(
    line: &Line<'_>,
    root: &Path,
    options: &IndexOptions,
    progress: &dyn Progress,
    report: &mut IndexReport,
) -> Result<()> {
    let known = Known::load(line.backend, root, options)?;
    let summary = if root.exists() {
        run_line(line, root, options, progress, &known, report)?
    } else {
        Summary::default()
    };
    report.warnings.extend(summary.warnings.iter().cloned());
    let vanished = known.vanished(&summary, options, report);
    let mut committer = Committer::new(line, report);
    for change in vanished {
        committer.add(Prepared::vanished(change))?;
    }
    committer.finish()
}

/// Walk, workers and committer side by side; the calling thread commits.
fn run_line(
    line: &Line<'_>,
    root: &Path,
    options: &IndexOptions,
    progress: &dyn Progress,
    known: &Known,
    report: &mut IndexReport,
) -> Result<Summary> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let found_files = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    let (to_read, found) = bounded::<Found>(WAITING_FILES);
    let (to_commit, prepared) = bounded::<Prepared>(WAITING_FILES);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            let (found, to_commit) = (found.clone(), to_commit.clone());
            scope.spawn(move || work(line, options, known, root, &found, &to_commit));
        }
        drop(found);
        let (stop_walk, count) = (&stop, &found_files);
        let walker = scope.spawn(move || {
            walk(root, &options.walk, threads, |item| {
                count.fetch_add(1, Ordering::Relaxed);
                let sent = pass_on(known, item, &to_read, &to_commit);
                if sent.is_err() || stop_walk.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })
        });
        let committed = commit_all(line, &prepared, progress, &found_files, report);
        // When committing failed the others must not wait for ever: nobody takes from them any more.
        stop.store(true, Ordering::Relaxed);
        drop(prepared);
        let outcome = walker.join().map_err(|_| panicked())?;
        let going_on = committed?;
        let mut summary = outcome.map_err(walk_error)?;
        summary.stopped |= !going_on;
        Ok(summary)
    })
}

/// Sends a found file to the readers when it must be read, and what cannot be taken to the committer.
fn pass_on(
    known: &Known,
    item: Item,
    to_read: &Sender<Found>,
    to_commit: &Sender<Prepared>,
) -> std::result::Result<(), ()> {
    match item {
        Item::Found(found) => match known.judge(&found) {
            Verdict::Read => to_read.send(found).map_err(drop),
            Verdict::Unchanged => to_commit.send(Prepared::unchanged()).map_err(drop),
            Verdict::Skipped(reason) => to_commit
                .send(Prepared::still_skipped(found.source, reason))
                .map_err(drop),
        },
        Item::Problem(problem) => {
            let was_indexed = known.see(&problem.source);
            to_commit
                .send(Prepared::problem(known.namespace(), problem, was_indexed))
                .map_err(drop)
        }
    }
}

fn work(
    line: &Line<'_>,
    options: &IndexOptions,
    known: &Known,
    root: &Path,
    found: &Receiver<Found>,
    to_commit: &Sender<Prepared>,
) {
    for found in found {
        let named = options.force && found.path == root;
        let prepared = prepare(line, options, known, &found, named);
        if to_commit.send(prepared).is_err() {
            return;
        }
    }
}

/// Commits what the workers prepared; returns false when the observer asked to stop.
fn commit_all(
    line: &Line<'_>,
    prepared: &Receiver<Prepared>,
    progress: &dyn Progress,
    found_files: &AtomicU64,
    report: &mut IndexReport,
) -> Result<bool> {
    let mut committer = Committer::new(line, report);
    let mut going_on = true;
    for prepared in prepared {
        progress.item(prepared.source());
        committer.add(prepared)?;
        if !progress.step(
            "files",
            committer.files(),
            found_files.load(Ordering::Relaxed),
        ) {
            going_on = false;
            break;
        }
    }
    committer.finish()?;
    Ok(going_on)
}

fn walk_error(error: WalkError) -> Error {
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
