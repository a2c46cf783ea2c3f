//! Eight processes that write to one store at once, against the flush rate of the disk.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use steadfast::{Memory, Note};

use crate::figures::Table;

const WRITERS: usize = 8;
const MILLISECONDS: u64 = 3_000;

/// Writes notes until the time is over and prints how many were acknowledged.
pub(crate) fn write(store: &Path, writer: usize, milliseconds: u64) -> anyhow::Result<()> {
    let memory = Memory::options().create(true).open(store)?;
    let end = Instant::now() + Duration::from_millis(milliseconds);
    let mut acknowledged = 0_u64;
    while Instant::now() < end {
        memory.remember(&Note::new(format!(
            "writer {writer} wrote note {acknowledged} of the benchmark, process {}",
            std::process::id()
        )))?;
        acknowledged += 1;
    }
    #[expect(clippy::print_stdout, reason = "read by the parent")]
    {
        println!("{acknowledged}");
    }
    Ok(())
}

pub(crate) fn run(folder: &Path, table: &mut Table) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let before = flush_rate(folder)?;
    let children = (0..WRITERS)
        .map(|writer| {
            Command::new(std::env::current_exe()?)
                .arg("write")
                .arg(folder.join("store"))
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
    let after = flush_rate(folder)?;
    counts.sort_unstable();
    let sum: u64 = counts.iter().sum();
    #[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
    let (rate, slowest, median) = (
        sum as f64 * 1e3 / MILLISECONDS as f64,
        counts.first().copied().unwrap_or(0) as f64,
        counts.get(counts.len() / 2).copied().unwrap_or(0) as f64,
    );
    let flushes = f64::midpoint(before, after);
    let figure = format!(
        "{rate:.0} writes/s = {:.0} % of {flushes:.0} flushes/s; slowest / median {:.2}",
        100.0 * rate / flushes.max(1.0),
        slowest / median.max(1.0)
    );
    table.add(
        "8 writing processes",
        figure,
        "80 % of the flush rate; slowest 1/5 of the median",
    );
    Ok(())
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
