//! What the store knows of a root before it is walked, and what has vanished after.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use steadfast_model::filter::lies_within;
use steadfast_model::{
    Assignment, Change, ContentHash, DocumentKey, DocumentStatus, Filter, Fingerprint, Namespace,
};
use steadfast_store::Snapshot;

use super::IndexOptions;
use super::identify::{self, source_name, unchanged};
use super::place::{Placement, Placing};
use super::report::IndexReport;
use super::walk::{Found, Summary, WalkOptions};
use crate::error::Result;

/// The documents of the store that lie within one root.
///
/// Only documents in the namespace that is theirs by now: a file may be in others too, which this call leaves alone.
pub(super) struct Known<'k> {
    placing: &'k Placing<'k>,
    documents: HashMap<Box<str>, Entry>,
    /// The root is a file, or was named so.
    root: String,
    force: bool,
}

struct Entry {
    status: DocumentStatus,
    reason: Option<Box<str>>,
    fingerprint: Option<Fingerprint>,
    chunks: u64,
    /// It has what roots and rules give it.
    is_assigned: bool,
    seen: AtomicBool,
}

/// What is to be done with a file that was found.
pub(super) enum Verdict {
    /// It must be read.
    Read,
    /// The store has it as it is.
    Unchanged,
    /// It was left out before for this reason, and has not changed since.
    Skipped(String),
}

/// A document that is to be in another namespace by now.
pub(super) struct Misplaced {
    pub(super) from: Namespace,
    pub(super) to: Namespace,
    pub(super) source: String,
}

impl<'k> Known<'k> {
    /// Reads what the store knows within a root, and which documents are in a namespace that a rule no longer gives.
    pub(super) fn load(
        snapshot: &dyn Snapshot,
        assignments: &HashMap<DocumentKey, Assignment>,
        root: &Path,
        placing: &'k Placing<'k>,
        options: &IndexOptions,
    ) -> Result<(Self, Vec<Misplaced>)> {
        let root = source_name(root);
        let filter = Filter {
            namespaces: placing.only().cloned().into_iter().collect(),
            within: vec![root.clone()],
            ..Filter::default()
        };
        let mut documents = HashMap::new();
        let mut misplaced = Vec::new();
        snapshot.each_document(&filter, &mut |document| {
            let assigned = assignments.get(&document.key);
            let placement = placing.of(&document.source);
            if placement.namespace != document.namespace {
                if placing.may_move(&document.source, &document.namespace, assigned) {
                    misplaced.push(Misplaced {
                        from: document.namespace,
                        to: placement.namespace.clone(),
                        source: document.source,
                    });
                }
                return;
            }
            let nothing = Assignment::default();
            let entry = Entry {
                status: document.status,
                reason: document.reason.map(String::into_boxed_str),
                fingerprint: document.fingerprint,
                chunks: document.chunks,
                is_assigned: *assigned.unwrap_or(&nothing) == placement.assignment,
                seen: AtomicBool::new(false),
            };
            documents.insert(document.source.into_boxed_str(), entry);
        })?;
        let known = Self {
            placing,
            documents,
            root,
            force: options.force,
        };
        Ok((known, misplaced))
    }

    /// Returns what a source is given from outside.
    pub(super) fn placement(&self, source: &str) -> Arc<Placement> {
        self.placing.of(source)
    }

    /// Notes that a source is there; returns whether it has live chunks.
    pub(super) fn see(&self, source: &str) -> bool {
        self.documents.get(source).is_some_and(|entry| {
            entry.seen.store(true, Ordering::Relaxed);
            entry.chunks > 0
        })
    }

    /// Returns whether the store has live chunks of a source.
    pub(super) fn has_chunks(&self, source: &str) -> bool {
        self.documents
            .get(source)
            .is_some_and(|entry| entry.chunks > 0)
    }

    /// Returns the hash that an indexed source had when it was last read.
    pub(super) fn hash(&self, source: &str) -> Option<ContentHash> {
        let entry = self
            .documents
            .get(source)
            .filter(|entry| entry.status == DocumentStatus::Indexed)?;
        entry.fingerprint.map(|fingerprint| fingerprint.hash)
    }

    /// Returns the sources whose chunks could go on under another name, with their content.
    pub(super) fn movable(&self) -> impl Iterator<Item = (&str, ContentHash)> {
        let movable = self.documents.iter().filter(|(_, entry)| {
            let is_kept = matches!(
                entry.status,
                DocumentStatus::Indexed | DocumentStatus::Stale
            );
            is_kept && entry.chunks > 0
        });
        movable.filter_map(|(source, entry)| Some((source.as_ref(), entry.fingerprint?.hash)))
    }

    /// Returns whether a walk came by a source.
    pub(super) fn is_seen(&self, source: &str) -> bool {
        self.documents
            .get(source)
            .is_some_and(|entry| entry.seen.load(Ordering::Relaxed))
    }

    /// Decides, without reading, what is to be done with a file.
    pub(super) fn judge(&self, found: &Found) -> Verdict {
        let Some(entry) = self.documents.get(found.source.as_str()) else {
            return Verdict::Read;
        };
        entry.seen.store(true, Ordering::Relaxed);
        let reason = || entry.reason.as_deref().unwrap_or_default().to_owned();
        if entry.status == DocumentStatus::Forgotten {
            let named = self.force && found.source == self.root;
            return if named {
                Verdict::Read
            } else {
                Verdict::Skipped(reason())
            };
        }
        let same = entry
            .fingerprint
            .is_some_and(|known| unchanged(&known, &found.state) == identify::Verdict::Unchanged);
        match entry.status {
            _ if self.force || !same => Verdict::Read,
            DocumentStatus::Indexed if entry.is_assigned => Verdict::Unchanged,
            DocumentStatus::Indexed => Verdict::Read,
            DocumentStatus::Skipped => Verdict::Skipped(reason()),
            DocumentStatus::Stale | DocumentStatus::Removed | DocumentStatus::Forgotten => {
                Verdict::Read
            }
        }
    }

    /// Returns the indexed sources that the walk could not look at.
    ///
    /// They are there for all that is known, so they stay, as out of date.
    pub(super) fn blocked(&self, summary: &Summary) -> Vec<String> {
        if summary.stopped || summary.blind.is_empty() {
            return Vec::new();
        }
        let mut blocked: Vec<String> = self
            .documents
            .iter()
            .filter(|(source, entry)| {
                let was_indexed = matches!(
                    entry.status,
                    DocumentStatus::Indexed | DocumentStatus::Stale
                );
                was_indexed
                    && entry.chunks > 0
                    && !entry.seen.load(Ordering::Relaxed)
                    && summary.is_blind_to(source)
            })
            .map(|(source, _)| source.to_string())
            .collect();
        blocked.sort_unstable();
        blocked
    }

    /// Returns the sources which are gone from the disk and to be let go of, sorted.
    ///
    /// Absence counts only where the walk looked; what the globs of this call
    /// leave out was not looked for, so there the disk itself is asked. When not a single file is
    /// left of a root that had some, the root itself is probably gone, as with
    /// a disk that is not mounted: then nothing is let go of unless asked for.
    pub(super) fn vanished(
        &self,
        summary: &Summary,
        walk: &WalkOptions,
        options: &IndexOptions,
        report: &mut IndexReport,
    ) -> Vec<&str> {
        let has_no_globs = walk.include.is_empty() && walk.exclude.is_empty();
        let gone: Vec<&str> = self
            .documents
            .iter()
            .filter(|(source, entry)| {
                let is_there = matches!(
                    entry.status,
                    DocumentStatus::Indexed | DocumentStatus::Skipped | DocumentStatus::Stale
                );
                is_there
                    && !entry.seen.load(Ordering::Relaxed)
                    && !summary.is_blind_to(source)
                    && (has_no_globs || is_gone(source))
            })
            .map(|(source, _)| source.as_ref())
            .collect();
        let root_is_empty = summary.files == 0 && summary.problems == 0 && !summary.stopped;
        if !gone.is_empty() && root_is_empty && !options.prune {
            report.warnings.push(format!(
                "{} is empty or gone; its {} sources are kept until `index --prune` or `forget`",
                self.root,
                gone.len()
            ));
            return Vec::new();
        }
        let mut gone: Vec<&str> = gone
            .into_iter()
            .filter(|source| lies_within(source, &self.root))
            .collect();
        gone.sort_unstable();
        gone
    }

    /// Returns the change that lets go of a source.
    pub(super) fn let_go(&self, source: &str) -> Change {
        Change::Mark {
            namespace: self.placement(source).namespace.clone(),
            source: source.to_owned(),
            status: DocumentStatus::Removed,
            reason: Some("vanished".to_owned()),
            fingerprint: None,
        }
    }
}

/// Returns whether the system says that there is nothing at a source.
fn is_gone(source: &str) -> bool {
    std::fs::symlink_metadata(source)
        .is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}
