//! The process that is killed: threads that search and write, and say how they fare.
//!
//! Lines on the standard output: `ack WRITER NUMBER` for each write that was acknowledged, `error` with the
//! reason when a thread ends, and after each part of the time `part` with the cells of its row.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use steadfast::{Memory, SearchRequest};

use super::{PARTS, note};
use crate::corpus::Draw;
use crate::figures::{Times, milliseconds};

/// How often the indexes are looked after, as a server does between questions.
const MAINTAIN_EVERY: Duration = Duration::from_secs(1);

/// Flags of the hidden command.
#[derive(clap::Args)]
pub(crate) struct WorkerArguments {
    store: PathBuf,
    #[arg(long)]
    run: u32,
    #[arg(long)]
    seconds: u64,
    #[arg(long)]
    readers: usize,
    #[arg(long)]
    writers: usize,
    #[arg(long)]
    pace: u32,
}

/// What the threads share.
#[derive(Default)]
struct Tally {
    searches: Mutex<Vec<Duration>>,
    writes: Mutex<Vec<Duration>>,
}

impl Tally {
    fn add(to: &Mutex<Vec<Duration>>, times: &mut Vec<Duration>) {
        let mut all = to.lock().unwrap_or_else(PoisonError::into_inner);
        all.append(times);
    }

    fn take(of: &Mutex<Vec<Duration>>) -> Times {
        Times::of(std::mem::take(
            &mut of.lock().unwrap_or_else(PoisonError::into_inner),
        ))
    }
}

/// Works until it is killed.
pub(crate) fn work(arguments: &WorkerArguments) -> anyhow::Result<()> {
    let tally = Tally::default();
    let memory = Memory::open(&arguments.store)?;
    std::thread::scope(|scope| {
        let (tally, memory) = (&tally, &memory);
        for reader in 0..arguments.readers {
            scope.spawn(move || ended(read(memory, tally, reader)));
        }
        for writer in 0..arguments.writers {
            scope.spawn(move || ended(write(memory, tally, arguments, writer)));
        }
        scope.spawn(move || ended(maintain(memory)));
        for _ in 0..PARTS {
            std::thread::sleep(Duration::from_secs(arguments.seconds) / PARTS);
            say(&format!(
                "part {} | {}",
                cells(&Tally::take(&tally.searches)),
                cells(&Tally::take(&tally.writes))
            ))?;
        }
        Ok(())
    })
}

/// Says why a thread has ended: none does so but with an error.
fn ended(result: anyhow::Result<()>) {
    if let Err(error) = result {
        // Nobody to tell is left when this fails.
        drop(say(&format!("error {error}")));
    }
}

fn maintain(memory: &Memory) -> anyhow::Result<()> {
    loop {
        memory.maintain()?;
        std::thread::sleep(MAINTAIN_EVERY);
    }
}

fn cells(times: &Times) -> String {
    format!(
        "{} | {} | {} | {}",
        times.count(),
        milliseconds(times.at(50)),
        milliseconds(times.at(99)),
        milliseconds(times.at(100))
    )
}

fn read(memory: &Memory, tally: &Tally, reader: usize) -> anyhow::Result<()> {
    /// Times are handed in by so many: a lock for each would be part of what is measured.
    const BATCH: usize = 16;
    let mut draw = Draw::new(1_000 + reader as u64);
    let mut times = Vec::new();
    loop {
        let words: Vec<String> = (0..8).map(|_| draw.word()).collect();
        let begun = Instant::now();
        let answer = memory.search(&SearchRequest::new(words.join(" ")))?;
        times.push(begun.elapsed());
        anyhow::ensure!(answer.coverage.complete, "{:?}", answer.coverage);
        if times.len() >= BATCH {
            Tally::add(&tally.searches, &mut times);
        }
    }
}

fn write(
    memory: &Memory,
    tally: &Tally,
    arguments: &WorkerArguments,
    writer: usize,
) -> anyhow::Result<()> {
    let pause = Duration::from_secs(1) / arguments.pace.max(1);
    let begun = Instant::now();
    for number in 0_u64.. {
        let due = pause.mul_f64(f64::from(u32::try_from(number)?));
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
        let note = note(arguments.run, writer, number);
        let started = Instant::now();
        memory.remember(&note)?;
        let mut times = vec![started.elapsed()];
        say(&format!("ack {writer} {number}"))?;
        Tally::add(&tally.writes, &mut times);
    }
    Ok(())
}

/// Says a line, whole: a write that is acknowledged is told before the next one begins.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
