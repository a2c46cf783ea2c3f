//! `steadfast log`: what was done to the store, newest first.

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast log --limit 5
  steadfast log --json | jq .op";

/// Flags of `steadfast log`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How many entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let events = open_to_read(&settings)?.log(usize::try_from(args.limit).unwrap_or(usize::MAX))?;
    if context.output.is_json() {
        context.output.print(|out, _| {
            events
                .iter()
                .try_for_each(|event| writeln!(out, "{}", json::event(event)))
        })?;
        return Ok(Exit::Done);
    }
    context.output.print(|out, style| {
        for event in &events {
            writeln!(
                out,
                "{:>6}  {}  {:<6}  {:>6} chunks  {}  {} by {}",
                event.seq.0,
                event.time,
                event.operation,
                grouped(event.chunks),
                style.clean(event.namespace.as_deref().unwrap_or("-")),
                style.clean(event.source.as_deref().unwrap_or("-")),
                style.clean(&event.actor),
            )?;
        }
        Ok(())
    })?;
    Ok(Exit::Done)
}
