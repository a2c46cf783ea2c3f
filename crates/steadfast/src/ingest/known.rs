//! What the store knows of a root before it is walked, and what has vanished after.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use steadfast_model::filter::lies_within;
use steadfast_model::{Change, ContentHash, DocumentStatus, Filter, Fingerprint, Namespace};
use steadfast_store::Backend;

use super::IndexOptions;
use super::identify::{self, source_name, unchanged};
use super::report::IndexReport;
use super::walk::{Found, Summary};
use crate::error::Result;

/// The documents of the store that lie within one root.
pub(super) struct Known {
    namespace: Namespace,
    documents: HashMap<Box<str>, Entry>,
    /// Every file must be read.
    read_all: bool,
    /// The root is a file, or was named so.
    root: String,
    force: bool,
}

struct Entry {
    status: DocumentStatus,
    reason: Option<Box<str>>,
    fingerprint: Option<Fingerprint>,
    chunks: u64,
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

impl Known {
    pub(super) fn load(backend: &dyn Backend, root: &Path, options: &IndexOptions) -> Result<Self> {
        let root = source_name(root);
        let filter = Filter {
            namespaces: vec![options.namespace.clone()],
            within: vec![root.clone()],
            ..Filter::default()
        };
        let mut documents = HashMap::new();
        backend
            .snapshot()?
            .each_document(&filter, &mut |document| {
                let entry = Entry {
                    status: document.status,
                    reason: document.reason.map(String::into_boxed_str),
                    fingerprint: document.fingerprint,
                    chunks: document.chunks,
                    seen: AtomicBool::new(false),
                };
                documents.insert(document.source.into_boxed_str(), entry);
            })?;
        Ok(Self {
            namespace: options.namespace.clone(),
            documents,
            // Tags of the call are to be on unchanged files too.
            read_all: options.force || !options.tags.is_empty(),
            root,
            force: options.force,
        })
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
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
            _ if self.read_all || !same => Verdict::Read,
            DocumentStatus::Indexed => Verdict::Unchanged,
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
        options: &IndexOptions,
        report: &mut IndexReport,
    ) -> Vec<&str> {
        let has_no_globs = options.walk.include.is_empty() && options.walk.exclude.is_empty();
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
            namespace: self.namespace.clone(),
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
