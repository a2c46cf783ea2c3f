//! `steadfast verify`: everything against everything.

use serde_json::{Value, json};
use steadfast::model::Severity;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{grouped, json, text};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast verify
  steadfast verify --json && echo sound";

/// Flags of `steadfast verify`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Name every chunk of a finding, not the first hundred
    #[arg(long)]
    all: bool,
}

pub(super) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = open_to_read(&settings)?;
    let bar = Bar::new();
    let report = if args.all {
        memory.verify_all(&bar)?
    } else {
        memory.verify(&bar)?
    };
    drop(bar);
    let is_ok = report
        .findings
        .iter()
        .all(|finding| finding.severity == Severity::Info);
    context.output.show(
        || {
            json!({
                "ok": is_ok,
                "checked": {
                    "chunks": report.chunks,
                    "vectors": report.vectors,
                    "text": report.text_bytes,
                    "index_rows": report.index_rows,
                },
                "findings": report.findings.iter().map(json::finding).collect::<Value>(),
            })
        },
        |out, style| {
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
            )
        },
    )?;
    Ok(if is_ok { Exit::Done } else { Exit::Found })
}
