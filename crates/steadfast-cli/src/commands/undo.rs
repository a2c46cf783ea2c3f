//! `steadfast undo`: first the plan, then, with `--yes`, a commit that takes another back.

use std::io::{self, Write};

use serde_json::{Value, json};
use steadfast::model::Seq;
use steadfast::{UndoPlan, Undone};

use crate::args::WriteOptions;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Style, grouped};
use crate::store::{open_to_change, open_to_read};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast log --limit 5
  steadfast undo 42
  steadfast undo 42 --yes";

/// Flags of `steadfast undo`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The commit, as `log` names it
    #[arg(value_name = "SEQ")]
    seq: u64,
    /// Do it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    write: WriteOptions,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = if args.yes {
        open_to_change(&settings, args.write.journal())?
    } else {
        open_to_read(&settings)?
    };
    let plan = memory.plan_undo(Seq(args.seq))?;
    if let Some(refusal) = &plan.refusal {
        return Err(steadfast::Error::Undo(refusal.clone()).into());
    }
    let undone = if args.yes {
        Some(memory.undo(&plan)?)
    } else {
        None
    };
    context.output.show(
        || object(&plan, undone.as_ref()),
        |out, style| write(out, style, &plan, undone.as_ref()),
    )?;
    if undone.is_none() && !context.output.is_json() {
        context
            .output
            .talk(&["hint: nothing was changed; add --yes to take this commit back".to_owned()]);
    }
    Ok(Exit::Done)
}

fn object(plan: &UndoPlan, undone: Option<&Undone>) -> Value {
    let skipped =
        |skipped: &steadfast::Skipped| json!({"reason": skipped.reason, "count": skipped.chunks});
    json!({
        "plan": {
            "seq": plan.seq.0,
            "op": plan.operation,
            "namespace": plan.namespace.as_ref().map(steadfast::model::Namespace::as_str),
            "source": plan.source,
            "restores": plan.restores.len(),
            "removes": plan.removes.len(),
            "moves": plan.moves.len(),
            "skipped": plan.skipped.iter().map(skipped).collect::<Value>(),
        },
        "seq": undone.map(|undone| undone.seq.0),
        "ids": undone.map(|undone| undone.ids.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap_or_default(),
    })
}

fn write(
    out: &mut dyn Write,
    style: Style,
    plan: &UndoPlan,
    undone: Option<&Undone>,
) -> io::Result<()> {
    let source = plan.source.as_deref().unwrap_or("-");
    writeln!(
        out,
        "commit {}: {} of {}",
        plan.seq.0,
        style.clean(&plan.operation),
        style.bold(source)
    )?;
    for skipped in &plan.skipped {
        let why = match skipped.reason {
            "forgotten" => "were forgotten and cannot come back",
            "removed_since" => "are gone already",
            "there_already" => "are there again",
            _ => "are damaged and stay out",
        };
        writeln!(out, "  {} chunks {why}", grouped(skipped.chunks))?;
    }
    let (back, gone, moved) = (
        grouped(plan.restores.len() as u64),
        grouped(plan.removes.len() as u64),
        grouped(plan.moves.len() as u64),
    );
    match undone {
        None => writeln!(
            out,
            "would bring back {back} chunks, remove {gone}, and put {moved} where they were"
        ),
        Some(undone) => writeln!(
            out,
            "brought back {back} chunks, removed {gone}, and put {moved} where they were: commit {}",
            undone.seq.0
        ),
    }
}
