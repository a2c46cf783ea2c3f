//! `steadfast sources`: files and notes, also those that were left out.

use serde_json::{Value, json};

use crate::args::Filters;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast sources --in docs
  steadfast sources --json | jq '.sources[] | select(.status == \"skipped\")'";

/// Flags of `steadfast sources`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(flatten)]
    filters: Filters,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let filter = args.filters.to_filter(&context.environment.here())?;
    let documents = open_to_read(&settings)?.sources(&filter)?;
    context.output.show(
        || json!({"sources": documents.iter().map(json::source).collect::<Value>()}),
        |out, style| {
            for document in &documents {
                let reason = document
                    .reason
                    .as_ref()
                    .map(|reason| format!(" ({reason})"))
                    .unwrap_or_default();
                writeln!(
                    out,
                    "{:>8}  {}{}  {}  [{}]",
                    grouped(document.chunks),
                    document.status.as_str(),
                    style.clean(&reason),
                    style.bold(&document.source),
                    style.clean(document.namespace.as_str()),
                )?;
            }
            writeln!(out, "{} sources", grouped(documents.len() as u64))
        },
    )?;
    Ok(Exit::Done)
}
