//! `steadfast get`: chunks by id.

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{json, text};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast get 1k7-9f3m2q8x
  steadfast get 1k7-9f3m2q8x --neighbours 2 --json";

/// The most neighbours of a chunk on each side.
const NEIGHBOURS_MAX: i64 = 100;

/// Flags of `steadfast get`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Ids, as `search`, `list` and `remember` give them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    /// Show this many chunks before and after each
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=NEIGHBOURS_MAX))]
    neighbours: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let here = context.environment.here();
    let found = open_to_read(&settings)?.get(&args.ids, args.neighbours)?;
    context.output.show(
        || json::found(&found),
        |out, style| {
            for (index, found) in found.iter().enumerate() {
                if index > 0 {
                    writeln!(out)?;
                }
                let neighbours = |is_before: bool| {
                    found
                        .neighbours
                        .iter()
                        .filter(move |(offset, _)| (*offset < 0) == is_before)
                        .map(|(_, chunk)| chunk)
                };
                let chunks = neighbours(true)
                    .chain(std::iter::once(&found.chunk))
                    .chain(neighbours(false));
                for chunk in chunks {
                    text::chunk(out, style, chunk, &here)?;
                }
            }
            Ok(())
        },
    )?;
    Ok(Exit::Done)
}
