//! `steadfast list`: chunks by filter alone.

use steadfast::ListRequest;

use crate::args::{Filters, moment};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json, text};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast list --kind note --tag ops
  steadfast list --in docs -k 1000 --json";

/// Flags of `steadfast list`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// How many chunks, at most 10000
    #[arg(short = 'k', long = "limit", value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Go on where the list with this cursor ended
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
    /// What the store held at this time, or after the commit `seq:N`; reads every text
    #[arg(long, value_name = "T|seq:N")]
    as_of: Option<String>,
    #[command(flatten)]
    filters: Filters,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let here = context.environment.here();
    let mut request = ListRequest::default();
    request.filter = args.filters.to_filter(&here)?;
    request.limit = usize::from(args.limit);
    request.cursor.clone_from(&args.cursor);
    request.as_of = args
        .as_of
        .as_deref()
        .map(|text| moment("--as-of", text))
        .transpose()?;
    let listing = open_to_read(&settings)?.list(&request)?;
    if listing.damaged > 0 {
        let warning = format!(
            "{} chunks are left out because their text is damaged; run `steadfast verify`",
            listing.damaged
        );
        context.output.warn(&[warning]);
    }
    context.output.show(
        || json::listing(&listing),
        |out, style| {
            for chunk in &listing.chunks {
                text::chunk_line(out, style, chunk, &here)?;
            }
            let shown = listing.chunks.len() as u64;
            writeln!(
                out,
                "{} of {} chunks",
                grouped(shown),
                grouped(listing.total)
            )?;
            match &listing.cursor {
                Some(cursor) => writeln!(out, "more: --cursor {cursor}"),
                None => Ok(()),
            }
        },
    )?;
    Ok(Exit::Done)
}
