//! What the store knows of a root before it is walked, and what has vanished after.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use steadfast_model::filter::lies_within;
use steadfast_model::{
    Assignment, Change, ContentHash, DocumentKey, DocumentStatus, Filter, Namespace,
};
use steadfast_store::Snapshot;

use super::documents::{Documents, Entry, New};
use super::identify::{self, SkipReason, source_name, unchanged};
use super::place::{Placement, Placing};
use super::report::IndexReport;
use super::walk::{Found, Summary};
use super::{IndexOptions, Remember};
use crate::error::Result;

/// The documents of the store that lie within one root.
///
/// Only documents in the namespace that is theirs by now: a file may be in others too, which this call leaves alone.
pub(super) struct Known<'k> {
    placing: &'k Placing<'k>,
    documents: Documents,
    /// The root is a file, or was named so.
    root: String,
    force: bool,
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
        assignments: &HashMap<DocumentKey, Arc<Assignment>>,
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
        let mut documents = Documents::default();
        let mut misplaced = Vec::new();
        snapshot.each_document(&filter, &mut |document| {
            let assigned = assignments.get(&document.key).map(AsRef::as_ref);
            let placement = placing.of(&document.source);
            if placement.namespace != document.namespace {
                let (source, namespace) = (&document.source, &document.namespace);
                if placing.may_move(source, namespace, &placement, assigned) {
                    misplaced.push(Misplaced {
                        from: document.namespace,
                        to: placement.namespace.clone(),
                        source: document.source,
                    });
                }
                return;
            }
            let nothing = Assignment::default();
            documents.push(&New {
                source: &document.source,
                fingerprint: document.fingerprint,
                reason: document.reason.as_deref(),
                status: document.status,
                has_chunks: document.chunks > 0,
                is_assigned: *assigned.unwrap_or(&nothing) == placement.assignment,
            });
        })?;
        documents.finish();
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
            entry.see();
            entry.has_chunks
        })
    }

    /// Returns whether a walk came by a source that the store has.
    pub(super) fn is_seen(&self, source: &str) -> bool {
        self.documents.get(source).is_some_and(Entry::is_seen)
    }

    /// Returns whether the store has live chunks of a source.
    pub(super) fn has_chunks(&self, source: &str) -> bool {
        self.documents
            .get(source)
            .is_some_and(|entry| entry.has_chunks)
    }

    /// Returns the hash that an indexed source had when it was last read.
    pub(super) fn hash(&self, source: &str) -> Option<ContentHash> {
        let entry = self
            .documents
            .get(source)
            .filter(|entry| entry.status == DocumentStatus::Indexed)?;
        entry.fingerprint.map(|fingerprint| fingerprint.hash)
    }

    /// Returns the documents whose chunks could go on under another name, by number, with their content.
    pub(super) fn movable(&self) -> impl Iterator<Item = (u32, ContentHash)> {
        let movable = self.documents.iter().filter(|(_, _, entry)| {
            let is_kept = matches!(
                entry.status,
                DocumentStatus::Indexed | DocumentStatus::Stale
            );
            is_kept && entry.has_chunks
        });
        movable.filter_map(|(number, _, entry)| Some((number, entry.fingerprint?.hash)))
    }

    /// Returns the document of a number that [`Self::movable`] gave.
    pub(super) fn at(&self, number: u32) -> Option<(&str, &Entry)> {
        self.documents.at(number)
    }

    /// Decides, without reading, what is to be done with a file.
    pub(super) fn judge(&self, found: &Found) -> Verdict {
        let Some(entry) = self.documents.get(&found.source) else {
            return Verdict::Read;
        };
        entry.see();
        let reason = || self.documents.reason(entry).to_owned();
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
            .filter(|(_, source, entry)| {
                let was_indexed = matches!(
                    entry.status,
                    DocumentStatus::Indexed | DocumentStatus::Stale
                );
                was_indexed && entry.has_chunks && !entry.is_seen() && summary.is_blind_to(source)
            })
            .map(|(_, source, _)| source.to_owned())
            .collect();
        blocked.sort_unstable();
        blocked
    }

    /// Returns the sources which are gone from the disk and to be let go of, sorted.
    ///
    /// Absence counts only where the walk looked. What is on the disk and was
    /// left out belongs to a nearer root, or is left out from now on; globs that
    /// hold for this call alone say nothing of it. When not a single file is
    /// left of a root that had some, the root itself is probably gone, as with
    /// a disk that is not mounted: then nothing is let go of unless asked for.
    pub(super) fn vanished(
        &self,
        summary: &Summary,
        options: &IndexOptions,
        report: &mut IndexReport,
    ) -> Vec<&str> {
        let said = &options.walk;
        let globs_last = options.remember != Remember::Nothing
            || (said.include.is_empty() && said.exclude.is_empty());
        let gone: Vec<&str> = self
            .documents
            .iter()
            .filter(|(_, source, entry)| {
                let is_there = matches!(
                    entry.status,
                    DocumentStatus::Indexed | DocumentStatus::Skipped | DocumentStatus::Stale
                );
                is_there
                    && !entry.is_seen()
                    && !summary.is_blind_to(source)
                    && (!is_file(source)
                        || (globs_last && !self.placing.has_nearer(source, &self.root)))
            })
            .map(|(_, source, _)| source)
            .collect();
        let root_is_empty = summary.files == 0 && summary.problems == 0 && !summary.stopped;
        if !gone.is_empty() && root_is_empty && !options.prune {
            let what = if summary.left_out > 0 {
                "has no file that is taken any more"
            } else {
                "is empty or gone"
            };
            report.warnings.push(format!(
                "{} {what}; its {} sources are kept until `index --prune` or `forget`",
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
        let reason = if is_file(source) {
            SkipReason::LeftOut
        } else {
            SkipReason::Vanished
        };
        Change::Mark {
            namespace: self.placement(source).namespace.clone(),
            source: source.to_owned(),
            status: DocumentStatus::Removed,
            reason: Some(reason.as_str().to_owned()),
            fingerprint: None,
        }
    }
}

/// Returns whether there is a file at a source, or the system would not say.
fn is_file(source: &str) -> bool {
    match std::fs::symlink_metadata(source) {
        Ok(metadata) => metadata.is_file(),
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    }
}
