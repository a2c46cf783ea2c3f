//! The end of the line: changes are committed in groups, and counted when they are.
//!
//! Each change has its own sequence number; grouping only shares one flush
//! among many, so files are durable in the order in which they came.

use steadfast_model::{Change, ContentHash, DocumentStatus, Outcome, Refusal, Settled};

use super::Line;
use super::prepare::{Prepared, Step};
use super::report::{IndexReport, SkippedSource};
use super::walk::Found;
use crate::error::Result;

/// Chunks of one group: enough to make a flush cheap, few enough to hold the gate briefly (about 30 ms).
const GROUP_CHUNKS: usize = 1_000;
/// Changes of one group.
const GROUP_CHANGES: usize = 256;
/// Bytes of text of one group.
const GROUP_BYTES: usize = 8 << 20;

/// How a change is counted once it is committed.
enum Tally {
    Rename,
    Put {
        source: String,
        same_bytes: bool,
        /// A rename stands before it.
        behind_rename: bool,
    },
    Skip,
    Vanished,
}

/// Collects changes into groups and commits them.
pub(super) struct Committer<'c> {
    line: &'c Line<'c>,
    report: &'c mut IndexReport,
    changes: Vec<Change>,
    tallies: Vec<Tally>,
    chunks: usize,
    bytes: usize,
    files: u64,
    /// Files that may have been renamed, with the hash of their content.
    held: Vec<(Found, ContentHash)>,
    /// The rename that was counted last was one.
    was_renamed: bool,
}

impl<'c> Committer<'c> {
    pub(super) fn new(line: &'c Line<'c>, report: &'c mut IndexReport) -> Self {
        Self {
            line,
            report,
            changes: Vec::new(),
            tallies: Vec::new(),
            chunks: 0,
            bytes: 0,
            files: 0,
            held: Vec::new(),
            was_renamed: false,
        }
    }

    /// Returns how many sources came by.
    pub(super) fn files(&self) -> u64 {
        self.files
    }

    pub(super) fn add(&mut self, prepared: Prepared) -> Result<()> {
        self.files += 1;
        let (source, step) = prepared.into_parts();
        match step {
            Step::Unchanged => self.report.files.unchanged += 1,
            Step::StillSkipped { reason } => self.skipped(source, reason),
            Step::Skip { change, reason } => {
                self.skipped(source, reason);
                self.push(change, Tally::Skip);
            }
            Step::Put {
                change,
                same_bytes,
                chunks,
                redactions,
                rename,
            } => {
                if let Change::Put(put) = &change {
                    self.bytes += put
                        .chunks
                        .iter()
                        .map(|chunk| chunk.text.len())
                        .sum::<usize>();
                }
                self.chunks += chunks;
                self.report.redactions += redactions;
                let behind_rename = rename.is_some();
                // Both are in one group, and so in one transaction.
                if let Some(rename) = rename {
                    self.push(*rename, Tally::Rename);
                }
                let tally = Tally::Put {
                    source,
                    same_bytes,
                    behind_rename,
                };
                self.push(change, tally);
            }
            Step::Held { found, hash } => self.held.push((found, hash)),
            Step::Vanished { change } => self.push(change, Tally::Vanished),
            Step::Failed(error) => return Err(error),
        }
        if self.chunks >= GROUP_CHUNKS
            || self.changes.len() >= GROUP_CHANGES
            || self.bytes >= GROUP_BYTES
        {
            self.flush()?;
        }
        Ok(())
    }

    /// Commits what is left, and returns the files that wait for the end of the walk.
    pub(super) fn finish(mut self) -> Result<Vec<(Found, ContentHash)>> {
        self.flush()?;
        Ok(self.held)
    }

    fn push(&mut self, change: Change, tally: Tally) {
        self.changes.push(change);
        self.tallies.push(tally);
    }

    fn skipped(&mut self, source: String, reason: String) {
        self.report.files.skipped += 1;
        self.report.skipped.push(SkippedSource { source, reason });
    }

    fn flush(&mut self) -> Result<()> {
        if self.changes.is_empty() {
            return Ok(());
        }
        let settled = self.line.backend.commit(&self.changes, self.line.actor)?;
        let changes = std::mem::take(&mut self.changes);
        let tallies = std::mem::take(&mut self.tallies);
        (self.chunks, self.bytes) = (0, 0);
        for ((settled, tally), change) in settled.into_iter().zip(tallies).zip(changes) {
            self.count(&settled, tally, &change);
        }
        Ok(())
    }

    fn count(&mut self, settled: &Settled, tally: Tally, change: &Change) {
        self.report.chunks.add(settled.counts);
        let files = &mut self.report.files;
        match (tally, &settled.outcome) {
            (Tally::Rename, outcome) => {
                self.was_renamed = *outcome == Outcome::Updated;
                files.changed += u64::from(self.was_renamed);
            }
            (
                Tally::Put {
                    behind_rename: true,
                    ..
                },
                _,
            ) if self.was_renamed => {}
            (Tally::Put { source, .. }, Outcome::Refused(Refusal::Forgotten { .. })) => {
                self.skipped(source, DocumentStatus::Forgotten.as_str().to_owned());
            }
            (Tally::Put { .. }, Outcome::Inserted) => files.added += 1,
            (
                Tally::Put {
                    same_bytes: true, ..
                },
                _,
            )
            | (Tally::Put { .. }, Outcome::Reused) => files.unchanged += 1,
            (Tally::Put { .. }, _) => files.changed += 1,
            (Tally::Vanished, _) => {
                // What had only been skipped before is gone without having been in the store.
                let had_chunks = settled.counts.removed > 0;
                let is_mark = matches!(change, Change::Mark { .. });
                files.removed += u64::from(is_mark && (had_chunks || settled.seq.is_some()));
            }
            (Tally::Skip, _) => {}
        }
        if settled.withheld > 0 {
            self.report.warnings.push(format!(
                "{} chunks stay out because their text was forgotten",
                settled.withheld
            ));
        }
    }
}
