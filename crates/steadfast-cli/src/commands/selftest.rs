//! `steadfast selftest`: the promises, tried on the user's own disk.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use steadfast::FilesystemKind;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{Style, grouped, json, text};
use crate::selftest::{Options, Report, run as try_promises};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast selftest
  steadfast selftest --seconds 600
  steadfast selftest --dir /mnt/backup";

/// Flags of `steadfast selftest`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// About how long it may take
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// Try the disk of this folder, not that of the store
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Make the choices of an earlier run again; what the processes do meanwhile is never quite the same
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let folder = match &args.dir {
        Some(folder) if folder.is_dir() => folder.clone(),
        Some(folder) => {
            return Err(Failure::new("path_not_found", "there is no such folder")
                .at(folder.display().to_string()));
        }
        None => {
            let settings = context.settings()?;
            let store = settings.store();
            store.parent().unwrap_or(store).to_owned()
        }
    };
    let folder = std::fs::canonicalize(&folder).unwrap_or(folder);
    let options = Options {
        time: Duration::from_secs(args.seconds),
        // Every table of this type has its own random keys.
        seed: args
            .seed
            .unwrap_or_else(|| RandomState::new().build_hasher().finish()),
        folder,
    };
    let bar = Bar::new();
    let report = try_promises(&options, &bar)?;
    drop(bar);
    context
        .output
        .show(|| object(&report), |out, style| write(out, style, &report))?;
    Ok(if report.is_ok() {
        Exit::Done
    } else {
        Exit::Found
    })
}

fn name(kind: FilesystemKind) -> &'static str {
    match kind {
        FilesystemKind::Local => "local",
        FilesystemKind::Remote => "remote",
        FilesystemKind::Unknown => "unknown",
    }
}

fn object(report: &Report) -> Value {
    let counts = &report.counts;
    let opens: Value = report
        .opens
        .iter()
        .map(|it| json!({"journal": it.journal, "count": it.count, "p50_ms": it.p50_ms, "max_ms": it.max_ms}))
        .collect();
    json!({
        "ok": report.is_ok(),
        "seed": report.seed.to_string(),
        "folder": report.folder.display().to_string(),
        "filesystem": name(report.filesystem),
        "flushes": {
            "count": report.flushes.count,
            "per_second": report.flushes.per_second.round(),
            "p50_ms": report.flushes.p50_ms,
            "p99_ms": report.flushes.p99_ms,
        },
        "opens": opens,
        "done": {
            "acknowledged": counts.acknowledged,
            "kills": counts.kills,
            "conversions": counts.conversions,
            "processes": counts.processes,
            "searches": counts.searches,
            "damaged": counts.damaged,
        },
        "broken": {
            "lost": counts.lost,
            "torn": counts.torn,
            "duplicated": counts.duplicated,
            "wrong": counts.wrong,
            "missed": counts.missed,
            "refused": counts.refused,
            "crashed": counts.crashed,
            "unsound": counts.unsound,
        },
        "findings": report.findings.iter().map(json::finding).collect::<Value>(),
        "elapsed_ms": (report.elapsed.as_secs_f64() * 1e3).round(),
    })
}

fn write(out: &mut dyn Write, style: Style, report: &Report) -> io::Result<()> {
    let counts = &report.counts;
    writeln!(
        out,
        "disk        {} flushes/s, {} ms each, {} ms at worst of a hundred ({} file system)",
        report.flushes.per_second.round(),
        report.flushes.p50_ms,
        report.flushes.p99_ms,
        name(report.filesystem),
    )?;
    for opens in &report.opens {
        writeln!(
            out,
            "opening     {} ms after a kill with the {} journal, {} ms at most",
            opens.p50_ms, opens.journal, opens.max_ms,
        )?;
    }
    writeln!(
        out,
        "did         {} writes acknowledged, {} kills, {} conversions of the journal, {} processes, {} searches, {} \
         damaged stores",
        grouped(counts.acknowledged),
        grouped(counts.kills),
        grouped(counts.conversions),
        grouped(counts.processes),
        grouped(counts.searches),
        grouped(counts.damaged),
    )?;
    writeln!(
        out,
        "found       {} lost, {} torn, {} twice, {} wrong, {} missed, {} refused, {} crashed, {} unsound",
        counts.lost,
        counts.torn,
        counts.duplicated,
        counts.wrong,
        counts.missed,
        counts.refused,
        counts.crashed,
        counts.unsound,
    )?;
    report
        .findings
        .iter()
        .try_for_each(|finding| text::finding(out, style, finding))?;
    writeln!(
        out,
        "{} in {} (seed {})",
        if report.is_ok() {
            "ok: every promise was kept"
        } else {
            "NOT OK"
        },
        text::duration(report.elapsed.as_secs_f64() * 1e3),
        report.seed,
    )
}
