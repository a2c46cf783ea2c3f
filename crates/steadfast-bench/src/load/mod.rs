//! A store under load for a while, then killed: was it fast and small all the time, and is everything there?
//!
//! A process with reading and writing threads works on a store of many chunks (`worker`) and says which writes
//! were acknowledged. This one (`run`) watches how much memory it takes, kills it in the middle of its work,
//! measures how long the store takes to open, and looks for every write that was acknowledged.
//!
//! Readers ask again as soon as they have an answer, so their times are those of a machine with all its
//! processors busy. Writers keep a pace: what is measured is not to grow by millions meanwhile.

mod watch;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use steadfast::model::filter::SourcePattern;
use steadfast::{IndexOptions, ListRequest, Memory, Note, SearchRequest, Silent};

use crate::corpus;
use crate::figures::milliseconds;
use watch::{Sample, watch};
pub(crate) use worker::{WorkerArguments, work};

/// The run is told in so many parts, to see what changes with time.
const PARTS: u32 = 4;

/// Flags of `load`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// How many chunks the store has
    #[arg(long, default_value_t = 1_000_000)]
    chunks: usize,
    /// For how long
    #[arg(long, default_value_t = 900)]
    seconds: u64,
    /// Threads that search
    #[arg(long, default_value_t = 32)]
    readers: usize,
    /// Threads that write
    #[arg(long, default_value_t = 4)]
    writers: usize,
    /// Writes of each of them in a second
    #[arg(long, default_value_t = 25)]
    pace: u32,
    /// Where the files and the store go, and are taken up again; a temporary folder otherwise
    #[arg(long)]
    folder: Option<PathBuf>,
}

/// What was acknowledged: of each writer, how many of its notes.
type Acknowledged = BTreeMap<usize, u64>;

/// Returns the source of a note, which no other run gives.
fn source(run: u32, writer: usize, number: u64) -> String {
    format!("load-{run}-{writer}-{number}")
}

/// Returns the note that a writer writes; its text names it.
fn note(run: u32, writer: usize, number: u64) -> Note {
    let mut draw = corpus::Draw::new(number ^ ((writer as u64) << 40));
    let words: Vec<String> = (0..40).map(|_| draw.word()).collect();
    let mut note = Note::new(format!(
        "{} {}",
        source(run, writer, number),
        words.join(" ")
    ));
    note.source = Some(source(run, writer, number));
    note
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let temporary = tempfile::tempdir()?;
    let folder = arguments
        .folder
        .clone()
        .unwrap_or_else(|| temporary.path().to_owned());
    let store = prepare(&folder, arguments.chunks)?;
    let run = std::process::id();
    let mut child = Command::new(std::env::current_exe()?)
        .arg("load-worker")
        .arg(&store)
        .args(["--run", &run.to_string()])
        .args(["--seconds", &arguments.seconds.to_string()])
        .args(["--readers", &arguments.readers.to_string()])
        .args(["--writers", &arguments.writers.to_string()])
        .args(["--pace", &arguments.pace.to_string()])
        .stdout(Stdio::piped())
        .spawn()?;
    let watched = watch(&mut child, Duration::from_secs(arguments.seconds))?;
    print(arguments, &watched.told, &watched.samples);
    after_the_kill(&store, run, &watched.acknowledged)
}

/// Makes the store, unless it is there.
fn prepare(folder: &Path, chunks: usize) -> anyhow::Result<PathBuf> {
    let (tree, store) = (folder.join("tree"), folder.join("store"));
    if store.exists() {
        return Ok(store);
    }
    if !tree.exists() {
        corpus::generate(&tree, chunks, 1)?;
    }
    let memory = Memory::options().create(true).open(&store)?;
    memory.index(&[tree], &IndexOptions::default(), &Silent)?;
    memory.maintain()?;
    Ok(store)
}

#[expect(clippy::print_stdout, reason = "the table is the output")]
fn print(arguments: &Arguments, told: &[String], samples: &[Sample]) {
    println!(
        "{} chunks, {} readers, {} writers at {} writes/s each, {} s\n",
        arguments.chunks, arguments.readers, arguments.writers, arguments.pace, arguments.seconds
    );
    println!(
        "| Part | Searches | p50 | p99 | longest | Writes | p50 | p99 | longest | Memory of its own | With mapped files |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    for (part, line) in (0..).zip(told) {
        let in_part = samples.iter().filter(|sample| sample.part == part);
        let of_part: Vec<&Sample> = in_part.collect();
        let mib = |of: fn(&Sample) -> u64| {
            let largest = of_part.iter().map(|sample| of(sample)).max();
            largest.unwrap_or(0) / 1024
        };
        let (own, all) = (mib(|it| it.own_kib), mib(|it| it.all_kib));
        println!(
            "| {} of {PARTS} | {line} | {own} MiB | {all} MiB |",
            part + 1
        );
    }
}

/// Opens the store, looks for all that was acknowledged, and says what was found.
#[expect(clippy::print_stdout, reason = "the figures are the output")]
fn after_the_kill(store: &Path, run: u32, acknowledged: &Acknowledged) -> anyhow::Result<()> {
    let begun = Instant::now();
    let memory = Memory::open(store)?;
    let opened = begun.elapsed();
    memory.search(&SearchRequest::new("which note was the last"))?;
    let answered = begun.elapsed();
    let mut request = ListRequest::default();
    request.limit = 10_000;
    request.filter.sources = vec![SourcePattern::parse(&format!("load-{run}-*"))?];
    let (mut found, mut twice) = (BTreeMap::<String, String>::new(), 0);
    loop {
        let listing = memory.list(&request)?;
        anyhow::ensure!(listing.damaged == 0, "{} are damaged", listing.damaged);
        for chunk in listing.chunks {
            twice += u64::from(found.insert(chunk.source, chunk.text).is_some());
        }
        match listing.cursor {
            Some(cursor) => request.cursor = Some(cursor),
            None => break,
        }
    }
    let mut lost = BTreeSet::new();
    for (writer, count) in acknowledged {
        for number in 0..*count {
            let note = note(run, *writer, number);
            let source = note.source.unwrap_or_default();
            if found.get(&source) != Some(&note.text) {
                lost.insert(source);
            }
        }
    }
    let verified = memory.verify(&Silent)?;
    let told: u64 = acknowledged.values().sum();
    println!("\n| After kill -9 | |\n|---|---|");
    println!("| acknowledged writes | {told} |");
    println!("| lost or changed | {} |", lost.len());
    println!("| there twice | {twice} |");
    println!("| findings of verify | {} |", verified.findings.len());
    println!("| open | {} |", milliseconds(opened));
    println!("| open and first search | {} |", milliseconds(answered));
    anyhow::ensure!(
        lost.is_empty() && twice == 0,
        "lost: {:?}",
        lost.iter().take(10).collect::<Vec<_>>()
    );
    if let Some(finding) = verified.findings.first() {
        anyhow::bail!("{}: {}", finding.code, finding.what);
    }
    Ok(())
}
