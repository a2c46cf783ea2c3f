//! Commands as whole processes: wall time from start to end, and peak memory.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::corpus::Draw;
use crate::figures::{Table, Times, milliseconds, per_second};

/// How often a cold search is repeated, each time as a new process with another question.
const SEARCHES: usize = 60;

/// One finished process.
pub(crate) struct Run {
    pub(crate) wall: Duration,
    pub(crate) peak_kib: u64,
}

/// Runs a command in this process and prints its figures for [`measured`].
pub(crate) fn measure_here(command: &[String]) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("no command")?;
    let started = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let wall = started.elapsed();
    #[expect(clippy::print_stdout, reason = "read by the parent")]
    {
        println!(
            "{} {} {}",
            wall.as_nanos(),
            peak_kib(),
            status.code().unwrap_or(-1)
        );
    }
    Ok(())
}

#[cfg(unix)]
fn peak_kib() -> u64 {
    use nix::sys::resource::{UsageWho, getrusage};
    let peak = getrusage(UsageWho::RUSAGE_CHILDREN).map_or(0, |usage| usage.max_rss());
    let peak = u64::try_from(peak).unwrap_or(0);
    if cfg!(target_os = "macos") {
        peak / 1024
    } else {
        peak
    }
}

#[cfg(not(unix))]
fn peak_kib() -> u64 {
    0
}

/// Runs a command through a process of its own, so that its peak memory is nobody else's.
pub(crate) fn measured(binary: &Path, arguments: &[&str]) -> anyhow::Result<Run> {
    let output = Command::new(std::env::current_exe()?)
        .args(["measure", "--"])
        .arg(binary)
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<i128> = text
        .split_whitespace()
        .filter_map(|part| part.parse().ok())
        .collect();
    let [wall, peak, code] = numbers.as_slice() else {
        anyhow::bail!("the measuring process said `{text}`");
    };
    anyhow::ensure!(
        *code == 0,
        "{} {arguments:?} ended with {code}",
        binary.display()
    );
    Ok(Run {
        wall: Duration::from_nanos(u64::try_from(*wall)?),
        peak_kib: u64::try_from(*peak)?,
    })
}

/// Indexes a tree into a new store.
pub(crate) fn index(binary: &Path, tree: &Path, store: &Path) -> anyhow::Result<()> {
    let status = Command::new(binary)
        .arg("--store")
        .arg(store)
        .arg("index")
        .arg(tree)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    anyhow::ensure!(status.success(), "the tree cannot be indexed");
    Ok(())
}

pub(crate) fn commands(
    binary: &Path,
    tree: &Path,
    store: &Path,
    table: &mut Table,
) -> anyhow::Result<()> {
    let tree = tree.to_str().context("the folder's name is not UTF-8")?;
    let store = store.to_str().context("the folder's name is not UTF-8")?;
    let with = |arguments: &[&str]| {
        let mut all = vec!["--store", store];
        all.extend_from_slice(arguments);
        measured(binary, &all)
    };
    if !Path::new(store).exists() {
        let first = with(&["index", tree])?;
        let memory = steadfast::Memory::open(store)?;
        let chunks = memory.status()?.chunks;
        let figure = format!(
            "{} ({} in all, {} MiB)",
            per_second(chunks, first.wall),
            milliseconds(first.wall),
            first.peak_kib / 1024
        );
        table.add(
            "ingest with embeddings, durable and searchable, chunks",
            figure,
            "15,000 / 25,000 /s",
        );
    }
    let files = steadfast::Memory::open(store)?.status()?.sources;
    // The files are as old as this run: racy times are read once more.
    with(&["index", tree])?;
    std::thread::sleep(Duration::from_secs(3));
    with(&["index", tree])?;
    let again = Times::of(
        (0..5)
            .map(|_| Ok(with(&["index", tree])?.wall))
            .collect::<anyhow::Result<_>>()?,
    );
    table.add(
        "unchanged tree, files",
        per_second(files, again.median()),
        "50,000 / 200,000 /s",
    );

    cold_searches(binary, &with, table)?;
    let verify = with(&["verify"])?;
    let chunks = steadfast::Memory::open(store)?.status()?.chunks;
    table.add(
        "verify, chunks",
        per_second(chunks, verify.wall),
        "100,000 / 400,000 /s",
    );
    let rebuild = with(&["rebuild"])?;
    let figure = format!(
        "{} ({} MiB)",
        milliseconds(rebuild.wall),
        rebuild.peak_kib / 1024
    );
    table.add(
        "rebuild of every index, no embedding",
        figure,
        "30 / 15 s at 1,000,000",
    );
    Ok(())
}

fn cold_searches(
    binary: &Path,
    with: &dyn Fn(&[&str]) -> anyhow::Result<Run>,
    table: &mut Table,
) -> anyhow::Result<()> {
    let bare = Times::of(
        (0..SEARCHES)
            .map(|_| Ok(measured(binary, &["version"])?.wall))
            .collect::<anyhow::Result<_>>()?,
    );
    let mut draw = Draw::new(7);
    let mut walls = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..SEARCHES {
        let question: Vec<String> = (0..8).map(|_| draw.word()).collect();
        let run = with(&["search", "--json", &question.join(" ")])?;
        walls.push(run.wall);
        peaks.push(run.peak_kib);
    }
    let cold = Times::of(walls);
    peaks.sort_unstable();
    let (median, most) = (peaks.get(peaks.len() / 2), peaks.last());
    let mib = |peak: Option<&u64>| peak.map_or(0, |kib| kib / 1024);
    let figure = format!(
        "{}; {} MiB (at most {}); bare start {}",
        cold.text(),
        mib(median),
        mib(most),
        milliseconds(bare.median())
    );
    table.add(
        "cold `steadfast search`, whole process",
        figure,
        "15 / 9 ms; 48 / 36 MiB",
    );
    Ok(())
}
