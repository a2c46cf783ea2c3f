//! Eight processes that write to one store at once, against the flush rate of the disk and eight processes of plain SQLite.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use steadfast::{Memory, Note};

use crate::figures::Table;

const WRITERS: usize = 8;
const MILLISECONDS: u64 = 3_000;

/// What a process of plain SQLite waits for the others, by its own handler.
const PATIENCE: Duration = Duration::from_mins(1);

/// Writes notes until the time is over and prints how many were acknowledged.
pub(crate) fn write(store: &Path, writer: usize, milliseconds: u64) -> anyhow::Result<()> {
    let memory = Memory::options().create(true).open(store)?;
    let end = Instant::now() + Duration::from_millis(milliseconds);
    until(end, |number| {
        memory.remember(&Note::new(format!(
            "writer {writer} wrote note {number} of the benchmark, process {}",
            std::process::id()
        )))?;
        Ok(())
    })
}

/// Inserts rows into a table of one column, each durable before the next, and prints how many: the least that a write can be.
pub(crate) fn write_plain(database: &Path, writer: usize, milliseconds: u64) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_millis(milliseconds);
    let connection = plain(database)?;
    let mut insert = connection.prepare("INSERT INTO notes (text) VALUES (?1)")?;
    until(end, |number| {
        insert.execute([format!("writer {writer} wrote note {number}")])?;
        Ok(())
    })
}

fn plain(database: &Path) -> anyhow::Result<Connection> {
    let connection = Connection::open(database)?;
    connection.busy_timeout(PATIENCE)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

fn until(end: Instant, mut write: impl FnMut(u64) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut acknowledged = 0_u64;
    while Instant::now() < end {
        write(acknowledged)?;
        acknowledged += 1;
    }
    #[expect(clippy::print_stdout, reason = "read by the parent")]
    {
        println!("{acknowledged}");
    }
    Ok(())
}

/// What eight processes came to together.
struct Sum {
    /// Writes per second.
    rate: f64,
    /// The writes of the slowest one, as a part of those of the median one.
    slowest: f64,
}

pub(crate) fn run(folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let before = flush_rate(folder)?;
    let ours = together("write", &folder.join("store"))?;
    let after = flush_rate(folder)?;
    let flushes = f64::midpoint(before, after);
    let database = folder.join("plain.db");
    plain(&database)?.execute("CREATE TABLE notes (text TEXT NOT NULL)", [])?;
    let theirs = together("write-plain", &database)?;
    let figure = |sum: &Sum| {
        format!(
            "{:.0} writes/s = {:.0} % of {flushes:.0} flushes/s; slowest / median {:.2}",
            sum.rate,
            100.0 * sum.rate / flushes.max(1.0),
            sum.slowest
        )
    };
    table.add(
        "8 writing processes",
        figure(&ours),
        "80 % of the flush rate; slowest 1/5 of the median",
    );
    table.add(
        "beside them 8 of plain SQLite, one table",
        figure(&theirs),
        "",
    );
    Ok(())
}

/// Lets eight processes of this program run `command` on one path.
fn together(command: &str, path: &Path) -> anyhow::Result<Sum> {
    let children = (0..WRITERS)
        .map(|writer| {
            Command::new(std::env::current_exe()?)
                .arg(command)
                .arg(path)
                .args([writer.to_string(), MILLISECONDS.to_string()])
                .stdout(Stdio::piped())
                .spawn()
        })
        .collect::<std::io::Result<Vec<_>>>()?;
    let mut counts = Vec::new();
    for child in children {
        let output = child.wait_with_output()?;
        anyhow::ensure!(output.status.success(), "a writer failed");
        counts.push(String::from_utf8(output.stdout)?.trim().parse::<u64>()?);
    }
    counts.sort_unstable();
    let sum: u64 = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let (rate, slowest, median) = (
        sum as f64 * 1e3 / MILLISECONDS as f64,
        counts.first().copied().unwrap_or(0) as f64,
        counts.get(counts.len() / 2).copied().unwrap_or(0) as f64,
    );
    Ok(Sum {
        rate,
        slowest: slowest / median.max(1.0),
    })
}

/// Appends and flushes of one process in a second.
fn flush_rate(folder: &Path) -> anyhow::Result<f64> {
    use std::io::{Seek as _, SeekFrom, Write as _};
    let mut file = tempfile::tempfile_in(folder)?;
    let page = [7_u8; 4096];
    let started = Instant::now();
    let mut flushes = 0_u32;
    while started.elapsed() < Duration::from_secs(1) {
        file.seek(SeekFrom::Start(
            u64::from(flushes % 256) * page.len() as u64,
        ))?;
        file.write_all(&page)?;
        file.sync_data()?;
        flushes += 1;
    }
    Ok(f64::from(flushes) / started.elapsed().as_secs_f64())
}
