//! The disk by itself: how fast it flushes, and whether its locks keep others out.

use std::io::Write as _;
use std::time::{Duration, Instant};

use steadfast::model::Severity;
use steadfast::{Disk as _, FilesystemKind, SystemDisk};

use super::child::{Child, Heard};
use super::peer::said;
use super::report::{Flushes, percentile};
use super::{Trial, failed};
use crate::error::Failure;

/// Flushes that are measured in any case, and at most.
const FLUSHES_MIN: usize = 20;
const FLUSHES_MAX: usize = 2_000;

/// What is written before each flush: a page of the database.
const BLOCK: [u8; 4096] = [0x5a; 4096];

/// A flush that is faster than this has reached no medium: a transfer to the fastest of them takes longer.
const FLUSH_CREDIBLE: Duration = Duration::from_micros(8);

pub(super) fn run(trial: &mut Trial<'_>, deadline: Instant) -> Result<(), Failure> {
    measure(trial, deadline)?;
    if trial.report.filesystem == FilesystemKind::Remote {
        let what =
            "the file system is a network or user-space one: stores here use the TRUNCATE journal";
        let remedy = "nothing, unless it is slow: then keep the store on a local disk";
        trial
            .report
            .add("filesystem_remote", Severity::Info, what.to_owned(), remedy);
    }
    let lock = trial.place.lock_file();
    let child = Child::start("lock", &[lock.as_os_str()])?;
    match child.hear() {
        Heard::Line(line) if said(&line) == Some(("held", "")) => {}
        Heard::Line(_) | Heard::End | Heard::Hung => {
            let what = "a lock that one process holds does not keep another out";
            trial.report.unsound(what.to_owned());
        }
    }
    trial.report.counts.processes += 1;
    Ok(())
}

fn measure(trial: &mut Trial<'_>, deadline: Instant) -> Result<(), Failure> {
    let path = trial.place.folder().join("flushes");
    let mut file = SystemDisk.create(&path).map_err(failed(&path))?;
    let mut times = Vec::new();
    while times.len() < FLUSHES_MIN || (times.len() < FLUSHES_MAX && Instant::now() < deadline) {
        let started = Instant::now();
        file.write_all(&BLOCK)
            .and_then(|()| file.sync_data())
            .map_err(failed(&path))?;
        times.push(started.elapsed());
    }
    let total: Duration = times.iter().sum();
    times.sort_unstable();
    let middle = times.get(times.len() / 2).copied().unwrap_or_default();
    trial.report.flushes = Flushes {
        count: times.len() as u64,
        per_second: 1.0 / (total / u32::try_from(times.len()).unwrap_or(1)).as_secs_f64(),
        p50_ms: percentile(&times, 50),
        p99_ms: percentile(&times, 99),
    };
    if middle < FLUSH_CREDIBLE {
        let what = "a flush returns faster than any medium can write: what is acknowledged here survives a kill, but \
                    perhaps not a loss of power";
        let remedy = "nothing on a disk in memory; else look for a setting that turns flushes off";
        trial
            .report
            .add("flush_unproven", Severity::Info, what.to_owned(), remedy);
    }
    Ok(())
}
