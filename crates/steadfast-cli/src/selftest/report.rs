//! What came of a self-test: counts, and each broken promise as a finding.

use std::path::{Path, PathBuf};
use std::time::Duration;

use steadfast::FilesystemKind;
use steadfast::model::{Finding, Severity};

use super::deed::Key;
use super::oracle::Broken;

/// How many findings are told one by one.
const FINDINGS_MAX: usize = 20;

const REMEDY: &str =
    "do not keep memories on this disk before the cause is known; please report this with the seed";

/// What came of a self-test.
pub(crate) struct Report {
    /// What the choices were made from.
    pub(crate) seed: u64,
    /// Where it was.
    pub(crate) folder: PathBuf,
    /// What sort of file system that is.
    pub(crate) filesystem: FilesystemKind,
    /// How the disk flushes.
    pub(crate) flushes: Flushes,
    /// How long a store takes to open after a kill, the middle of all and the longest, by journal.
    pub(crate) opens: Vec<Opens>,
    /// What was done and what went wrong.
    pub(crate) counts: Counts,
    /// What is wrong or should be known.
    pub(crate) findings: Vec<Finding>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// How the disk flushes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Flushes {
    pub(crate) count: u64,
    pub(crate) per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
}

/// How stores of one journal opened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opens {
    pub(crate) journal: &'static str,
    pub(crate) count: u64,
    pub(crate) p50_ms: f64,
    pub(crate) max_ms: f64,
}

/// What was done, and what went wrong.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: u64,
    pub(crate) kills: u64,
    pub(crate) conversions: u64,
    pub(crate) processes: u64,
    pub(crate) searches: u64,
    pub(crate) damaged: u64,
    pub(crate) lost: u64,
    pub(crate) torn: u64,
    pub(crate) duplicated: u64,
    pub(crate) wrong: u64,
    pub(crate) missed: u64,
    pub(crate) refused: u64,
    pub(crate) crashed: u64,
    pub(crate) unsound: u64,
}

impl Report {
    pub(super) fn new(seed: u64, folder: &Path) -> Self {
        Self {
            seed,
            folder: folder.to_owned(),
            filesystem: steadfast::filesystem_kind(folder),
            flushes: Flushes::default(),
            opens: Vec::new(),
            counts: Counts::default(),
            findings: Vec::new(),
            elapsed: Duration::ZERO,
        }
    }

    /// Returns whether every promise was kept.
    pub(crate) fn is_ok(&self) -> bool {
        self.findings.iter().all(Finding::only_informs)
    }

    /// Notes that a promise about a conversation is broken.
    pub(super) fn broken(&mut self, when: &str, key: Key, how: Broken) {
        let (count, word) = match how {
            Broken::Lost => (&mut self.counts.lost, "is lost"),
            Broken::Torn => (&mut self.counts.torn, "is there in part"),
            Broken::Duplicated => (&mut self.counts.duplicated, "is there twice"),
            Broken::Wrong => (&mut self.counts.wrong, "has a text that nobody wrote"),
        };
        *count += 1;
        self.promise(format!("{when}: {} {word}", key.source()));
    }

    /// Notes a text that nobody wrote.
    pub(super) fn wrong(&mut self, what: String) {
        self.counts.wrong += 1;
        self.promise(what);
    }

    /// Notes that a search left out what it says it has searched.
    pub(super) fn missed(&mut self, what: String) {
        self.counts.missed += 1;
        self.promise(what);
    }

    /// Notes that a sound store was not opened, read or written.
    pub(super) fn refused(&mut self, what: String) {
        self.counts.refused += 1;
        self.promise(what);
    }

    /// Notes that a process crashed or hung.
    pub(super) fn crashed(&mut self, what: String) {
        self.counts.crashed += 1;
        self.promise(what);
    }

    /// Notes that a store does not agree with itself.
    pub(super) fn unsound(&mut self, what: String) {
        self.counts.unsound += 1;
        self.promise(what);
    }

    /// Notes that something is there twice.
    pub(super) fn duplicated(&mut self, what: String) {
        self.counts.duplicated += 1;
        self.promise(what);
    }

    /// Notes that something is not there.
    pub(super) fn lost(&mut self, what: String) {
        self.counts.lost += 1;
        self.promise(what);
    }

    fn promise(&mut self, what: String) {
        self.add("promise_broken", Severity::Error, what, REMEDY);
    }

    pub(super) fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        what: String,
        remedy: &str,
    ) {
        let is_full = self.findings.len() >= FINDINGS_MAX;
        if let Some(last) = self.findings.last_mut()
            && (is_full || last.what == what)
        {
            last.count += 1;
            return;
        }
        self.findings.push(Finding {
            code,
            severity,
            what,
            place: self.folder.display().to_string(),
            count: 1,
            remedy: remedy.to_owned(),
            ids: Vec::new(),
        });
    }
}

/// Returns a number of the sorted durations in milliseconds, by its place in hundredths.
pub(super) fn percentile(sorted: &[Duration], hundredths: usize) -> f64 {
    let index = sorted.len().saturating_sub(1) * hundredths / 100;
    let found = sorted.get(index).copied().unwrap_or_default();
    (found.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_broken_promise_is_enough_and_many_are_counted() {
        let mut report = Report::new(1, Path::new("x"));
        report.add(
            "filesystem_remote",
            Severity::Info,
            "far".to_owned(),
            "none",
        );
        assert!(report.is_ok());
        for number in 0..100 {
            report.missed(format!("{number}"));
        }
        assert!(!report.is_ok());
        assert_eq!(report.findings.len(), FINDINGS_MAX);
        assert_eq!(report.findings.iter().map(|it| it.count).sum::<u64>(), 101);
        assert_eq!(report.counts.missed, 100);
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_list() {
        let all: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        assert_eq!((percentile(&all, 50), percentile(&all, 100)), (50.0, 100.0));
        assert!(percentile(&[], 50).abs() < f64::EPSILON);
    }
}
