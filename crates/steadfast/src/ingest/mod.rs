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

mod budget;
mod commit;
mod conversation;
mod convert;
mod documents;
mod known;
mod late;
mod note;
pub mod place;
mod prepare;
mod rename;
mod report;
mod rows;
mod run;
mod text;

use std::collections::BTreeSet;
use std::path::PathBuf;

use steadfast_embed::Embed;
use steadfast_model::filter::lies_within;
use steadfast_model::{Analyze, Change, Clock, Filter, Namespace};
use steadfast_store::{Backend, Effort, Progress, Snapshot};

use crate::error::{Error, Result};
use commit::Committer;
use known::Known;
use place::{Placing, Rules, Told};
pub(crate) use prepare::check_tags;
use prepare::{Moved, Prepared};
use redact::Redactor;
use rename::{Held, Movable};
use run::{Overlap, Root, Run, walk_error};
use walk::{Summary, WalkOptions};

pub(crate) use conversation::keep_conversation;
pub use conversation::{Conversation, KeptConversation, Message};
pub use late::FilledVectors;
pub(crate) use late::fill_vectors;
pub(crate) use note::remember;
pub use note::{Note, Remembered};
pub use report::{FileCounts, IndexReport, SkippedSource};
pub use rows::VectorCounts;
pub(crate) use rows::{
    Carried, DocumentIn, RowIn, foresee, model_name, put_past, put_rows, redact_row,
};
pub(crate) use text::{TextIn, put_text};

/// What the line in works with.
#[derive(Clone, Copy)]
pub(crate) struct Line<'l> {
    pub(crate) backend: &'l dyn Backend,
    pub(crate) embed: &'l dyn Embed,
    pub(crate) analyze: &'l dyn Analyze,
    pub(crate) clock: &'l dyn Clock,
    pub(crate) actor: &'l str,
    pub(crate) redactor: &'l Redactor,
    pub(crate) rules: &'l Rules,
}

/// How folders are indexed.
///
/// What is said here of a path is remembered, and holds for later calls that do not say it again: namespace, tags,
/// globs, hidden and ignored files. Said anew it takes the place of what was said before, each by itself.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct IndexOptions {
    /// The namespace that documents come into; none leaves it to what was said before, to rules, and to the default.
    pub namespace: Option<Namespace>,
    /// The namespace where nothing says another.
    pub namespace_default: Namespace,
    /// Tags for every chunk; none means those that were given before.
    pub tags: Vec<String>,
    /// Which files are taken and left; globs that are empty mean those that were given before.
    pub walk: WalkOptions,
    /// What becomes of what is said here.
    pub remember: Remember,
    /// Read every file, also unchanged ones; a file that is named itself is taken even when it was forgotten.
    pub force: bool,
    /// Let go of what is gone, even when a whole root is gone.
    pub prune: bool,
    /// The largest file that is read, in bytes; 0 means the default of 32 MiB.
    pub file_bytes_max: u64,
    /// How long chunks become. Files that have not changed keep the chunks they have, unless [`Self::force`] is set.
    pub chunk_limits: chunk::ChunkLimits,
}

impl IndexOptions {
    /// Returns the bounds of reading.
    fn read_limits(&self) -> read::ReadLimits {
        let mut limits = read::ReadLimits::default();
        if self.file_bytes_max > 0 {
            limits.file_bytes_max = self.file_bytes_max;
        }
        limits
    }
}

/// What becomes of what a call says of its paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Remember {
    /// It is remembered, on top of what was said before.
    #[default]
    Said,
    /// It is remembered, and what was said before is disregarded.
    OnlySaid,
    /// It holds for this call: it is not the user's word on these paths.
    Nothing,
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
    let paths = roots(paths, options)?;
    walk::check_globs(&options.walk).map_err(walk_error)?;
    check_tags(&options.tags)?;
    let overlap = Overlap::of(&paths);
    let mut report = IndexReport::default();
    let (placing, told) = placing(line, &paths, options)?;
    remember_roots(line, &told, options, &mut report)?;
    let roots = known_roots(line, paths, told, &placing, options)?;
    let movable = Movable::of(roots.iter().map(|root| &root.known));
    let mut run = Run {
        line,
        options,
        progress,
        roots: &roots,
        moved: Moved::Maybe(&movable),
        overlap,
    };
    let (mut held, mut gone): (Vec<Held>, Vec<(&Known<'_>, &str)>) = (Vec::new(), Vec::new());
    let mut blocked: Vec<(&Known<'_>, String)> = Vec::new();
    for (number, Root { path, known, .. }) in roots.iter().enumerate() {
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
    // What one path leaves out may be named by another.
    gone.retain(|(_, source)| !roots.iter().any(|root| root.known.is_seen(source)));
    let renamed = movable.meet(&held, gone.iter().map(|(_, source)| *source));
    run.moved = Moved::From(&renamed);
    run.take_in(held, &mut report)?;
    let mut committer = Committer::new(line, &mut report);
    for (known, source) in blocked {
        let namespace = &known.placement(&source).namespace;
        committer.add(Prepared::blocked(namespace, source))?;
    }
    for (known, source) in gone {
        committer.add(Prepared::vanished(known.let_go(source)))?;
    }
    committer.finish()?;
    finish(line, progress, &mut report)?;
    Ok(report)
}

/// Gives chunks their vector that wait for it, and brings the indexes up to date, if that is worth it.
fn finish(line: &Line<'_>, progress: &dyn Progress, report: &mut IndexReport) -> Result<()> {
    match fill_vectors(line, progress) {
        Ok(filled) => report.vectors_filled = filled.filled,
        Err(Error::Embed(error)) => report.warnings.push(format!(
            "chunks without a vector are found by their words only, until the next index or rebuild: {error}"
        )),
        Err(error) => return Err(error),
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
    Ok(())
}

/// Reads what this call says of its paths, on top of what the store remembers.
fn placing<'p>(
    line: &'p Line<'p>,
    paths: &[PathBuf],
    options: &IndexOptions,
) -> Result<(Placing<'p>, Vec<Told>)> {
    let snapshot = line.backend.snapshot()?;
    let mut remembered = snapshot.roots()?;
    // Told last comes first.
    remembered.reverse();
    if options.namespace.is_none()
        && options.remember != Remember::OnlySaid
        && line.rules.is_empty()
    {
        let adopted = adopted(snapshot.as_ref(), &remembered, paths)?;
        remembered.extend(adopted);
    }
    Ok(Placing::read(line, remembered, paths, options))
}

/// Returns roots for paths whose documents came in before stores remembered roots, where all of them are in one namespace.
fn adopted(
    snapshot: &dyn Snapshot,
    remembered: &[steadfast_model::Root],
    paths: &[PathBuf],
) -> Result<Vec<steadfast_model::Root>> {
    let mut adopted = Vec::new();
    for path in paths {
        let source = identify::source_name(path);
        let filter = Filter {
            within: vec![source.clone()],
            ..Filter::default()
        };
        let is_held = |source: &str| {
            remembered
                .iter()
                .any(|root| lies_within(source, &root.path))
        };
        if is_held(&source) {
            continue;
        }
        let mut namespaces = BTreeSet::new();
        snapshot.each_document(&filter, &mut |document| {
            if !is_held(&document.source) {
                namespaces.insert(document.namespace);
            }
        })?;
        if let (1, Some(namespace)) = (namespaces.len(), namespaces.pop_first()) {
            adopted.push(steadfast_model::Root::new(source, Some(namespace)));
        }
    }
    Ok(adopted)
}

/// Commits what the user said of roots before any file: a run that is killed is gone on with by the next one.
fn remember_roots(
    line: &Line<'_>,
    told: &[Told],
    options: &IndexOptions,
    report: &mut IndexReport,
) -> Result<()> {
    if options.remember == Remember::Nothing {
        return Ok(());
    }
    let mut changes = Vec::new();
    for Told { root, before, .. } in told {
        if before.as_ref() != Some(root) {
            changes.push(Change::Root(root.clone()));
            let replaced = before
                .as_ref()
                .and_then(|before| place::replaced(before, root));
            report.warnings.extend(replaced);
        }
        report.roots.push(root.clone());
    }
    if !changes.is_empty() {
        line.backend.commit(&changes, line.actor)?;
    }
    Ok(())
}

/// Reads what the store knows of each root; documents that a rule gives another namespace by now go there first.
fn known_roots<'k>(
    line: &Line<'_>,
    paths: Vec<PathBuf>,
    told: Vec<Told>,
    placing: &'k Placing<'k>,
    options: &IndexOptions,
) -> Result<Vec<Root<'k>>> {
    let mut roots = Vec::with_capacity(paths.len());
    for (path, told) in paths.into_iter().zip(told) {
        let load = || {
            let snapshot = line.backend.snapshot()?;
            let assignments = snapshot.assignments()?;
            Known::load(snapshot.as_ref(), &assignments, &path, placing, options)
        };
        let (mut known, misplaced) = load()?;
        if !misplaced.is_empty() {
            let moves: Vec<Change> = misplaced
                .into_iter()
                .map(|misplaced| Change::RenameNamespace {
                    from: misplaced.from,
                    to: misplaced.to,
                    source: Some(misplaced.source),
                })
                .collect();
            for group in moves.chunks(MOVES_MAX) {
                line.backend.commit(group, line.actor)?;
            }
            known = load()?.0;
        }
        let walk = told.walk;
        roots.push(Root { path, known, walk });
    }
    Ok(roots)
}

/// Documents that get another namespace in one commit.
const MOVES_MAX: usize = 256;

/// New and gone rows from which on an index run brings the indexes up to date itself.
const BULK_ROWS: u64 = 256;

/// Resolves every path before anything is written: one that is missing refuses the whole call.
///
/// A path that lies within another comes behind it, so that it belongs to that root where nothing else was said of it.
fn roots(paths: &[PathBuf], options: &IndexOptions) -> Result<Vec<PathBuf>> {
    let mut roots: Vec<PathBuf> = resolved(paths, options)?;
    roots.sort_by_key(|path| path.components().count());
    let mut known = BTreeSet::new();
    roots.retain(|path| known.insert(path.clone()));
    Ok(roots)
}

fn resolved(paths: &[PathBuf], options: &IndexOptions) -> Result<Vec<PathBuf>> {
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
