//! Calls of the library in one process: warm searches, filters, opening after a kill, one durable write.

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use steadfast::model::Filter;
use steadfast::{Memory, Mode, Note, SearchRequest};

use crate::corpus::Draw;
use crate::figures::{Table, Times};

const QUESTIONS: usize = 300;
const WRITES: usize = 300;
const KILLS: usize = 5;

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}

fn questions(words: usize) -> Vec<String> {
    let mut draw = Draw::new(11);
    (0..QUESTIONS)
        .map(|_| {
            (0..words)
                .map(|_| draw.word())
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect()
}

fn searches(memory: &Memory, mode: Mode, filter: &Filter, passes: usize) -> anyhow::Result<Times> {
    let mut times = Vec::new();
    // The first pass warms caches and is not counted.
    for pass in 0..=passes {
        for question in questions(8) {
            let mut request = SearchRequest::new(question);
            request.mode = mode;
            request.filter = filter.clone();
            let time = timed(|| Ok(memory.search(&request)?))?;
            if pass > 0 {
                times.push(time);
            }
        }
    }
    Ok(Times::of(times))
}

/// Searches a store that is there, and prints the times.
pub(crate) fn warm(store: &Path, passes: usize, only: Option<&str>) -> anyhow::Result<()> {
    let mut table = Table::new(0);
    warm_searches(&Memory::open(store)?, passes, only, &mut table)
}

fn warm_searches(
    memory: &Memory,
    passes: usize,
    only: Option<&str>,
    table: &mut Table,
) -> anyhow::Result<()> {
    let all = Filter::default();
    let narrow = Filter {
        within: vec![one_in_a_hundred(memory)?],
        ..Filter::default()
    };
    let hybrid = "2 / 1.2 ms (at 1,000,000: 12 / 7)";
    for (name, mode, filter, goal) in [
        ("warm hybrid search, 8 words", Mode::Hybrid, &all, hybrid),
        ("warm text search, 8 words", Mode::Text, &all, ""),
        ("warm vector search", Mode::Vector, &all, ""),
        (
            "warm hybrid search in 1 % of the store",
            Mode::Hybrid,
            &narrow,
            "0.6 / 0.3 ms",
        ),
    ] {
        if only.is_some_and(|only| !name.contains(only)) {
            continue;
        }
        let times = searches(memory, mode, filter, passes)?;
        table.add(name, times.text(), goal);
    }
    Ok(())
}

pub(crate) fn calls(store: &Path, table: &mut Table) -> anyhow::Result<()> {
    let memory = Memory::open(store)?;
    warm_searches(&memory, 1, None, table)?;

    let flush = flushes(store)?;
    let mut times = Vec::new();
    for number in 0..WRITES {
        // Another run must not find this run's notes.
        let note = Note::new(format!(
            "note {number} of the benchmark, process {}",
            std::process::id()
        ));
        times.push(timed(|| Ok(memory.remember(&note)?))?);
    }
    let written = Times::of(times);
    let ratio = written.median().as_secs_f64() / flush.median().as_secs_f64().max(1e-9);
    let figure = format!(
        "{}; one flush {}, ratio {ratio:.2}",
        written.text(),
        flush.text()
    );
    table.add("one durable write", figure, "1.5 x one flush + 0.2 ms");
    drop(memory);
    table.add(
        "open and first search after a kill",
        after_kills(store)?.text(),
        "100 / 20 ms",
    );
    Ok(())
}

/// A folder with about one in a hundred of the sources.
fn one_in_a_hundred(memory: &Memory) -> anyhow::Result<String> {
    let sources = memory.sources(&Filter::default())?;
    let wanted = (sources.len() / 100).max(1);
    let folder_of = |source: &str| {
        source
            .rsplit_once('/')
            .map_or(String::new(), |(folder, _)| folder.to_owned())
    };
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for document in &sources {
        *counts.entry(folder_of(&document.source)).or_default() += 1;
    }
    let best = counts
        .into_iter()
        .min_by_key(|(_, count)| count.abs_diff(wanted));
    Ok(best.map(|(folder, _)| folder).unwrap_or_default())
}

/// What this disk takes for one small append and its flush, as a write-ahead log does them.
fn flushes(store: &Path) -> anyhow::Result<Times> {
    let mut file = tempfile::tempfile_in(store)?;
    let page = [7_u8; 4096 * 3];
    let mut times = Vec::new();
    for place in 0..WRITES as u64 {
        file.seek(SeekFrom::Start(place % 64 * page.len() as u64))?;
        file.write_all(&page)?;
        times.push(timed(|| Ok(file.sync_data()?))?);
    }
    Ok(Times::of(times))
}

/// Kills a process that writes, then opens the store and searches.
fn after_kills(store: &Path) -> anyhow::Result<Times> {
    let mut times = Vec::new();
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("write")
            .arg(store)
            .args(["99", "60000"])
            .stdout(Stdio::null())
            .spawn()?;
        std::thread::sleep(Duration::from_millis(500));
        child.kill()?;
        child.wait()?;
        times.push(timed(|| {
            let memory = Memory::open(store)?;
            Ok(memory.search(&SearchRequest::new("note of the benchmark"))?)
        })?);
    }
    Ok(Times::of(times))
}
