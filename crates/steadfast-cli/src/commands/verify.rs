//! `steadfast verify`: everything against everything, or a slice of it.

use std::io::{self, Write};
use std::time::Duration;

use steadfast::model::Finding;
use steadfast::{Memory, Scrubbed, Verification};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{Style, grouped, json, text};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast verify
  steadfast verify --json && echo sound
  steadfast verify --slice 5";

/// Flags of `steadfast verify`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Name every chunk of a finding, not the first hundred
    #[arg(long)]
    all: bool,
    /// Compare for this many seconds only, going on where the last slice ended
    #[arg(long, value_name = "SECONDS", conflicts_with = "all", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    slice: Option<u64>,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = open_to_read(&settings)?;
    let (report, slice) = match args.slice {
        Some(seconds) => {
            let slice = memory.scrub(Duration::from_secs(seconds))?;
            (checked(&slice), Some(slice))
        }
        None => (all(args, &memory)?, None),
    };
    let is_ok = report.findings.iter().all(Finding::only_informs);
    context.output.show(
        || json::verification(&report, slice.as_ref()),
        |out, style| write(out, style, is_ok, &report, slice.as_ref()),
    )?;
    Ok(if is_ok { Exit::Done } else { Exit::Found })
}

fn all(args: &Args, memory: &Memory) -> Result<Verification, Failure> {
    let bar = Bar::new();
    Ok(if args.all {
        memory.verify_all(&bar)?
    } else {
        memory.verify(&bar)?
    })
}

fn checked(slice: &Scrubbed) -> Verification {
    Verification {
        chunks: slice.chunks,
        vectors: slice.vectors,
        text_bytes: slice.text_bytes,
        index_rows: slice.index_rows,
        findings: slice.findings.clone(),
    }
}

fn write(
    out: &mut dyn Write,
    style: Style,
    is_ok: bool,
    report: &Verification,
    slice: Option<&Scrubbed>,
) -> io::Result<()> {
    report
        .findings
        .iter()
        .try_for_each(|finding| text::finding(out, style, finding))?;
    writeln!(
        out,
        "{}: checked {} chunks ({} of text), {} vectors, {} index rows",
        if is_ok { "ok" } else { "NOT OK" },
        grouped(report.chunks),
        text::size(report.text_bytes),
        grouped(report.vectors),
        grouped(report.index_rows),
    )?;
    match slice {
        Some(slice) if slice.finished => writeln!(
            out,
            "every row has been compared {} times; the next slice begins anew",
            slice.pass
        ),
        Some(slice) => writeln!(
            out,
            "compared up to row {} of {}; the next slice goes on there",
            slice.row.0, slice.last_row.0
        ),
        None => Ok(()),
    }
}
