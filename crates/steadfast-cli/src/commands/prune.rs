//! `steadfast prune`: first the plan, then, with `--yes`, old history is gone.

use std::io::{self, Write};

use serde_json::{Value, json};
use steadfast::model::Seq;
use steadfast::{Keep, PrunePlan};

use crate::args::{WriteOptions, age_or_time};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, text};
use crate::store::{open_to_change, open_to_read};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast prune --older-than 90d
  steadfast prune --older-than 2026-01-01 --yes
  Keep a year of history from now on:
    steadfast config set retention.history_days 365
    steadfast prune --yes";

/// Flags of `steadfast prune`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Let go of history from before this: an age such as `90d` or `12w`, or a time
    ///
    /// Without it the setting `retention.history_days` says it.
    #[arg(long, value_name = "AGE|T")]
    older_than: Option<String>,
    /// Do it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    write: WriteOptions,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let keep = match &args.older_than {
        Some(text) => age_or_time("--older-than", text)?,
        None => settings.history_days().map(Keep::Days).ok_or_else(|| {
            Failure::new(
                "usage",
                "all history is kept, so there is nothing to let go of",
            )
            .at("--older-than")
            .hint("give --older-than 90d, or set retention.history_days")
        })?,
    };
    let memory = if args.yes {
        open_to_change(&settings, args.write.journal())?
    } else {
        open_to_read(&settings)?
    };
    let plan = memory.plan_prune(keep)?;
    let seq = if args.yes { memory.prune(&plan)? } else { None };
    context.output.show(
        || object(&plan, args.yes, seq),
        |out, _| write(out, &plan, args.yes, seq),
    )?;
    if !args.yes && !context.output.is_json() {
        context
            .output
            .talk(&["hint: nothing was changed; add --yes to let go of this for good".to_owned()]);
    }
    Ok(Exit::Done)
}

fn object(plan: &PrunePlan, is_done: bool, seq: Option<Seq>) -> Value {
    json!({
        "plan": {
            "kept_from": plan.kept_from.0,
            "versions": plan.versions,
            "bytes": plan.bytes,
            "moves": plan.moves,
        },
        "seq": seq.map(|seq| seq.0),
        "pruned": if is_done { plan.versions } else { 0 },
    })
}

fn write(out: &mut dyn Write, plan: &PrunePlan, is_done: bool, seq: Option<Seq>) -> io::Result<()> {
    let did = if is_done {
        "let go of"
    } else {
        "would let go of"
    };
    let commit = seq.map_or_else(String::new, |seq| format!(", commit {}", seq.0));
    writeln!(
        out,
        "{did} {} versions ({}) from before commit {}{commit}",
        grouped(plan.versions),
        text::size(plan.bytes),
        plan.kept_from.0
    )
}
