//! `steadfast rebuild`: indexes made anew from the store.

use std::time::Instant;

use clap::ValueEnum;
use serde_json::json;
use steadfast::Derived;

use super::elapsed_ms;
use crate::args::WriteOptions;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::text;
use crate::store::open_to_change;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast rebuild
  steadfast rebuild --index text";

/// Flags of `steadfast rebuild`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Which index
    #[arg(long, value_name = "INDEX", default_value = "all")]
    index: Index,
    #[command(flatten)]
    write: WriteOptions,
}

/// Which index is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Index {
    Text,
    Vector,
    All,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let settings = context.settings()?;
    let memory = open_to_change(&settings, args.write.journal())?;
    let which = match args.index {
        Index::Text => Derived::Text,
        Index::Vector => Derived::Vector,
        Index::All => Derived::All,
    };
    let bar = Bar::new();
    let rebuilt = memory.rebuild(which, &bar)?;
    drop(bar);
    let elapsed_ms = elapsed_ms(started);
    context.output.show(
        || json!({"rebuilt": rebuilt, "elapsed_ms": elapsed_ms}),
        |out, _| {
            writeln!(
                out,
                "rebuilt {} in {}",
                rebuilt.join(" and "),
                text::duration(elapsed_ms)
            )
        },
    )?;
    Ok(Exit::Done)
}
