//! How many secrets are found, how much else is taken for one, and how fast.
//!
//! Recall is over the labelled cases of the tests, made anew with many seeds;
//! what else is taken is counted over the text files of folders that are there,
//! such as a tree of documentation, by kind.

#[path = "../../steadfast/tests/secrets/cases.rs"]
mod cases;

#[path = "../../steadfast/tests/caution/sets.rs"]
mod sets;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Write, stdout};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use steadfast::ingest::chunk::{ChunkLimits, chunk};
use steadfast::ingest::redact::Redactor;
use steadfast::model::Kind;
use steadfast::query::{caution, instruction_like};

/// How often the labelled cases are made.
const SEEDS: u64 = 200;
/// The largest file that is read, and the most files of a folder.
const FILE_BYTES_MAX: u64 = 4 << 20;
const FILES_MAX: usize = 200_000;
/// Names that text files of a tree end with.
const ENDINGS: &[&str] = &[
    "md", "txt", "rs", "toml", "json", "yml", "yaml", "html", "py", "js", "ts", "sh", "c", "h",
    "go", "rst", "cfg", "ini", "conf", "env",
];

pub(crate) fn run(folders: &[PathBuf], show: usize) -> anyhow::Result<()> {
    let redactor = Redactor::default();
    recall(&redactor)?;
    cautions()?;
    for folder in folders {
        others(&redactor, folder, show)?;
    }
    Ok(())
}

fn recall(redactor: &Redactor) -> anyhow::Result<()> {
    let mut kinds: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    let mut missed = BTreeMap::new();
    for seed in 0..SEEDS {
        for case in cases::labelled(seed) {
            let text = redactor.redact(&case.text).text;
            let (found, all) = kinds.entry(case.kind.clone()).or_default();
            for secret in &case.secrets {
                *all += 1;
                if text.contains(secret.as_str()) {
                    missed
                        .entry(case.kind.clone())
                        .or_insert_with(|| case.text.clone());
                } else {
                    *found += 1;
                }
            }
        }
    }
    let mut out = stdout().lock();
    writeln!(out, "| kind | found | of | recall |\n|---|---|---|---|")?;
    let sum = kinds
        .values()
        .fold((0, 0), |sum, kind| (sum.0 + kind.0, sum.1 + kind.1));
    for (kind, (found, all)) in kinds.iter().chain([(&"all".to_owned(), &sum)]) {
        writeln!(
            out,
            "| {kind} | {found} | {all} | {:.2} % |",
            percent(*found, *all)
        )?;
    }
    for (kind, text) in missed {
        writeln!(out, "missed {kind}: {text:?}")?;
    }
    let made_up = cases::made_up();
    let taken = made_up
        .iter()
        .filter(|text| redactor.redact(text).removals.count() > 0)
        .count();
    writeln!(
        out,
        "made-up secrets taken out: {taken} of {}",
        made_up.len()
    )?;
    Ok(())
}

/// Prints how well the label for instruction-like texts does on the labelled texts of the tests.
fn cautions() -> anyhow::Result<()> {
    let (positive, negative) = (sets::positive(), sets::negative());
    let has = |text: &&String| caution(text).is_some();
    let missed: Vec<&String> = positive.iter().filter(|text| !has(text)).collect();
    let taken: Vec<&String> = negative.iter().filter(has).collect();
    let found = positive.len() - missed.len();
    let mut out = stdout().lock();
    writeln!(
        out,
        "instruction-like: recall {found} of {} ({:.1} %), precision {:.1} %, taken of others {} of {}",
        positive.len(),
        percent(found, positive.len()),
        percent(found, found + taken.len()),
        taken.len(),
        negative.len()
    )?;
    for (what, texts) in [("missed", missed), ("taken", taken)] {
        for text in texts {
            writeln!(out, "{what}: {text:?}")?;
        }
    }
    Ok(())
}

/// What was found in the files of a folder.
#[derive(Default)]
struct Tally {
    bytes: usize,
    time: Duration,
    files_with_any: usize,
    /// How many places of each kind, and the lines of some.
    kinds: BTreeMap<String, (usize, Vec<String>)>,
    chunks: usize,
    caution_time: Duration,
    cautions: Vec<String>,
}

fn others(redactor: &Redactor, folder: &Path, show: usize) -> anyhow::Result<()> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    let mut tally = Tally::default();
    for file in &files {
        if let Ok(text) = fs::read_to_string(file) {
            tally.redact(redactor, file, &text, show);
            tally.caution(file, &text);
        }
    }
    tally.print(folder, files.len(), show)
}

impl Tally {
    fn redact(&mut self, redactor: &Redactor, file: &Path, text: &str, show: usize) {
        let started = Instant::now();
        let redacted = redactor.redact(text);
        self.time += started.elapsed();
        self.bytes += text.len();
        self.files_with_any += usize::from(redacted.removals.count() > 0);
        for removed in redacted.removals.all() {
            let (count, samples) = self.kinds.entry(removed.kind.clone()).or_default();
            *count += 1;
            if samples.len() < show {
                let before = text.get(..removed.before.start).unwrap_or_default();
                let line = before.rfind('\n').map_or(0, |at| at + 1);
                let end = text.floor_char_boundary(removed.before.end.min(line + 160));
                let sample = text.get(line..end.max(line)).unwrap_or_default();
                samples.push(format!("{}: {sample:?}", file.display()));
            }
        }
    }

    fn caution(&mut self, file: &Path, text: &str) {
        let spans = chunk(text, Kind::Text, &ChunkLimits::default()).spans;
        self.chunks += spans.len();
        let started = Instant::now();
        for span in spans {
            let piece = text.get(span.range).unwrap_or_default();
            if let Some(sign) = instruction_like(piece) {
                let place = format!("{sign:?}\t{}:{}", file.display(), span.start_line);
                self.cautions.push(place);
            }
        }
        self.caution_time += started.elapsed();
    }

    fn print(&self, folder: &Path, files: usize, show: usize) -> anyhow::Result<()> {
        let mut out = stdout().lock();
        let (megabytes, fast) = (self.bytes / 1_000_000, speed(self.bytes, self.time));
        writeln!(
            out,
            "\n{}: {files} files, {megabytes} MB, {fast:.0} MB/s",
            folder.display()
        )?;
        writeln!(
            out,
            "| kind | taken out | a thousand files |\n|---|---|---|"
        )?;
        let kinds = self
            .kinds
            .iter()
            .map(|(kind, (count, _))| (kind.as_str(), *count));
        for (kind, count) in kinds.chain([("files with any", self.files_with_any)]) {
            writeln!(
                out,
                "| {kind} | {count} | {:.2} |",
                10.0 * percent(count, files)
            )?;
        }
        let (cautions, fast) = (self.cautions.len(), speed(self.bytes, self.caution_time));
        writeln!(
            out,
            "instruction-like: {cautions} of {} chunks, {fast:.0} MB/s",
            self.chunks
        )?;
        for place in self.cautions.iter().take(show * 4) {
            writeln!(out, "caution\t{place}")?;
        }
        for (kind, (_, samples)) in &self.kinds {
            for sample in samples {
                writeln!(out, "{kind}\t{sample}")?;
            }
        }
        Ok(())
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let entry = entry?;
            let (path, metadata) = (entry.path(), entry.metadata()?);
            let is_text = path
                .extension()
                .and_then(|end| end.to_str())
                .is_some_and(|end| ENDINGS.contains(&end));
            if metadata.is_dir() {
                folders.push(path);
            } else if metadata.is_file()
                && is_text
                && metadata.len() <= FILE_BYTES_MAX
                && files.len() < FILES_MAX
            {
                files.push(path);
            }
        }
    }
    files.sort_unstable();
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
fn percent(part: usize, whole: usize) -> f64 {
    part as f64 * 100.0 / whole.max(1) as f64
}

#[expect(clippy::cast_precision_loss, reason = "no decimal is shown")]
fn speed(bytes: usize, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64().max(1e-9)
}
