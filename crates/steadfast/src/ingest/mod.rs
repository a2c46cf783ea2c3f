//! The line in: walk, read, convert, redact, chunk, identify, embed, commit; then the indexes catch up.
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
mod convert;
mod known;
mod note;
mod prepare;
mod rename;
mod report;
mod rows;
mod run;

use std::path::PathBuf;

use steadfast_embed::Embed;
use steadfast_model::{Analyze, Clock, Namespace};
use steadfast_store::{Backend, Effort, Progress};

use crate::error::{Error, Result};
use commit::Committer;
use known::Known;
use prepare::{Moved, Prepared};
use redact::Redactor;
use rename::{Held, Movable};
use run::{Root, Run};
use walk::{Summary, WalkOptions};

pub(crate) use conversation::keep_conversation;
pub use conversation::{Conversation, KeptConversation, Message};
pub(crate) use note::remember;
pub use note::{Note, Remembered};
pub use report::{FileCounts, IndexReport, SkippedSource};
pub(crate) use rows::{Carried, DocumentIn, RowIn, model_name, put_rows, redact_row};

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

/// Brings the store up to date with files and folders.
///
/// First what is there comes in, then it is known what is gone, and what of it
/// was only renamed; the rest is let go of.
pub(crate) fn index(
    line: &Line<'_>,
    paths: &[PathBuf],
    options: &IndexOptions,
    progress: &dyn Progress,
) -> Result<IndexReport> {
    let roots = roots(paths, options)?
        .into_iter()
        .map(|path| {
            let known = Known::load(line.backend, &path, options)?;
            Ok(Root { path, known })
        })
        .collect::<Result<Vec<Root>>>()?;
    let mut report = IndexReport::default();
    let movable = Movable::of(roots.iter().map(|root| &root.known));
    let mut run = Run {
        line,
        options,
        progress,
        roots: &roots,
        moved: Moved::Maybe(&movable),
    };
    let (mut held, mut gone): (Vec<Held>, Vec<(&Known, &str)>) = (Vec::new(), Vec::new());
    let mut blocked: Vec<(&Known, String)> = Vec::new();
    for (number, Root { path, known }) in roots.iter().enumerate() {
        let summary = if path.exists() {
            run.walk(number, &mut held, &mut report)?
        } else {
            Summary::default()
        };
        report.warnings.extend(summary.warnings.iter().cloned());
        let unseen = known.blocked(&summary).into_iter();
        blocked.extend(unseen.map(|source| (known, source)));
        let vanished = known.vanished(&summary, options, &mut report);
        gone.extend(vanished.into_iter().map(|source| (known, source)));
    }
    let renamed = movable.meet(&held, gone.iter().map(|(_, source)| *source));
    run.moved = Moved::From(&renamed);
    run.take_in(held, &mut report)?;
    let mut committer = Committer::new(line, &mut report);
    for (known, source) in blocked {
        committer.add(Prepared::blocked(known.namespace(), source))?;
    }
    for (known, source) in gone {
        committer.add(Prepared::vanished(known.let_go(source)))?;
    }
    committer.finish()?;
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
