//! Chunks every file of a folder as an index run would, and proves that nothing is lost.
//!
//! What must hold is checked here from the spans alone, with nothing of the
//! chunker's own bookkeeping: they lie in the text on boundaries of
//! characters, ascend, are short enough, name the right lines, and leave no
//! byte out but white space. Only the chunker is on the clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use steadfast::ingest::chunk::{ChunkLimits, Span, Syntax, chunk_source, kind_of, syntax_of};
use steadfast::model::Kind;

/// Files longer than this are not indexed either.
const FILE_BYTES_MAX: u64 = 32 << 20;
/// Where a zero byte means that a file is no text.
const HEAD_BYTES: usize = 8 << 10;
/// Faults that are shown one by one.
const FAULTS_SHOWN_MAX: u64 = 20;

/// What was found in the files of one language or format.
#[derive(Default)]
struct Tally {
    files: u64,
    bytes: u64,
    chunks: u64,
    with_path: u64,
    uncovered: u64,
    invalid: u64,
    slowest: Option<(Duration, PathBuf)>,
    elapsed: Duration,
}

/// Walks `folder` and prints a row for each language and format; fails when a byte is lost or a span is wrong.
#[expect(clippy::print_stdout, reason = "the table is the output")]
pub(crate) fn run(folder: &Path, slowest: bool) -> anyhow::Result<()> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    let mut others = 0_u64;
    let mut faults = 0_u64;
    let mut waiting = vec![folder.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(about) = std::fs::symlink_metadata(&path) else {
            others += 1;
            continue;
        };
        if about.is_dir() {
            let Ok(entries) = std::fs::read_dir(&path) else {
                others += 1;
                continue;
            };
            waiting.extend(entries.flatten().map(|entry| entry.path()));
        } else if about.is_file() {
            match text(&path, about.len()) {
                Some(text) => faults += file(&path, &text, &mut tallies, faults),
                None => others += 1,
            }
        }
    }
    println!(
        "| what | files | MB | chunks | bytes a chunk | with a path | uncovered bytes | invalid spans | MB/s | chunks/s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (name, tally) in &tallies {
        print_row(name, tally);
        if let Some((elapsed, path)) = tally.slowest.as_ref().filter(|_| slowest) {
            println!("  slowest: {} ms, {}", elapsed.as_millis(), path.display());
        }
    }
    println!("\nLeft out, because they are no text or too long: {others} files.");
    anyhow::ensure!(faults == 0, "{faults} files have faults");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn print_row(name: &str, tally: &Tally) {
    let seconds = tally.elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
    let megabytes = tally.bytes as f64 / 1e6;
    println!(
        "| {name} | {} | {megabytes:.1} | {} | {} | {:.0} % | {} | {} | {:.1} | {:.0} |",
        tally.files,
        tally.chunks,
        tally.bytes.checked_div(tally.chunks).unwrap_or(0),
        100.0 * tally.with_path as f64 / (tally.chunks as f64).max(1.0),
        tally.uncovered,
        tally.invalid,
        megabytes / seconds,
        tally.chunks as f64 / seconds,
    );
}

/// Reads a file that is a text, with what is not UTF-8 replaced.
fn text(path: &Path, bytes: u64) -> Option<String> {
    if bytes > FILE_BYTES_MAX {
        return None;
    }
    let bytes = std::fs::read(path).ok()?;
    if bytes.iter().take(HEAD_BYTES).any(|byte| *byte == 0) {
        return None;
    }
    Some(match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

/// Chunks one file; returns 1 when something is wrong with it.
#[expect(clippy::print_stderr, reason = "faults are shown as they are found")]
fn file(path: &Path, text: &str, tallies: &mut BTreeMap<String, Tally>, faults: u64) -> u64 {
    let source = path.to_string_lossy();
    let (kind, syntax) = (kind_of(&source), syntax_of(&source));
    let limits = ChunkLimits::default();
    let started = Instant::now();
    let spans = chunk_source(text, kind, &source, &limits).spans;
    let elapsed = started.elapsed();
    let (uncovered, invalid) = faults_of(text, &spans, limits);
    let tally = tallies.entry(name(kind, syntax)).or_default();
    tally.files += 1;
    tally.bytes += text.len() as u64;
    tally.chunks += spans.len() as u64;
    tally.with_path += spans
        .iter()
        .filter(|span| !span.heading_path.is_empty())
        .count() as u64;
    tally.uncovered += uncovered;
    tally.invalid += invalid;
    tally.elapsed += elapsed;
    if tally
        .slowest
        .as_ref()
        .is_none_or(|(slowest, _)| elapsed > *slowest)
    {
        tally.slowest = Some((elapsed, path.to_owned()));
    }
    let is_faulty = uncovered + invalid > 0;
    if is_faulty && faults < FAULTS_SHOWN_MAX {
        eprintln!("{source}: {uncovered} uncovered bytes, {invalid} invalid spans");
    }
    u64::from(is_faulty)
}

fn name(kind: Kind, syntax: Syntax) -> String {
    match syntax {
        Syntax::Language(language) => format!("{kind} {language:?}"),
        Syntax::Format(format) => format!("{kind} {format:?}"),
        Syntax::Plain => format!("{kind}, plain"),
    }
}

/// Returns how many bytes that are not white space lie in no span, and how many spans are wrong.
fn faults_of(text: &str, spans: &[Span], limits: ChunkLimits) -> (u64, u64) {
    let mut uncovered = 0;
    let mut invalid = 0;
    let mut covered_to = 0;
    let mut lines = Lines {
        text,
        place: 0,
        line: 1,
    };
    for span in spans {
        let Some(piece) = text.get(span.range.clone()) else {
            invalid += 1;
            continue;
        };
        uncovered += visible(text.get(covered_to..span.range.start).unwrap_or_default());
        let lines_are_right = lines.at(span.range.start) == span.start_line
            && lines.at(span.range.end.saturating_sub(1)) == span.end_line;
        let is_valid = span.range.start >= covered_to
            && !piece.trim().is_empty()
            && piece.trim().len() <= limits.bytes_max
            && lines_are_right;
        invalid += u64::from(!is_valid);
        covered_to = covered_to.max(span.range.end);
    }
    uncovered += visible(text.get(covered_to..).unwrap_or_default());
    (uncovered, invalid)
}

fn visible(gap: &str) -> u64 {
    gap.trim().len() as u64
}

/// Counts lines at ascending places.
struct Lines<'t> {
    text: &'t str,
    place: usize,
    line: u32,
}

impl Lines<'_> {
    fn at(&mut self, place: usize) -> u32 {
        let bytes = self.text.as_bytes();
        let between = bytes.get(self.place..place).unwrap_or_default();
        let line_feeds = between
            .iter()
            .fold(0_u32, |count, &byte| count + u32::from(byte == b'\n'));
        self.line = self.line.saturating_add(line_feeds);
        self.place = self.place.max(place);
        self.line
    }
}
