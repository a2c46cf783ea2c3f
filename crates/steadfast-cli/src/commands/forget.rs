//! `steadfast forget`: first the plan, then, with `--yes`, it is gone.

use std::io::{self, Write};

use steadfast::{ForgetPlan, Forgotten, Selection};

use crate::args::{WriteOptions, namespace, source_patterns};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Style, grouped, json};
use crate::store::{open_to_change, open_to_read};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast forget 1k7-9f3m2q8x
  steadfast forget --source 'drafts/**' --yes
  steadfast forget --namespace private --tag diary --yes";

/// How many sources a plan names.
const SOURCES_SHOWN: usize = 100;

/// Flags of `steadfast forget`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Forget the chunks with these ids
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Forget sources that match this glob; may be given more than once
    #[arg(long, value_name = "GLOB")]
    source: Vec<String>,
    /// Forget only in this namespace, or all of it; may be given more than once
    #[arg(long, value_name = "NS")]
    namespace: Vec<String>,
    /// Forget chunks with this tag; given more than once, with all of them
    #[arg(long, value_name = "T")]
    tag: Vec<String>,
    /// Do it
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    write: WriteOptions,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let mut selection = Selection::default();
    selection.ids.clone_from(&args.ids);
    selection.sources = source_patterns(&args.source, &context.environment.here())?;
    selection.namespaces = args
        .namespace
        .iter()
        .map(|name| namespace("--namespace", name))
        .collect::<Result<_, _>>()?;
    selection.tags.clone_from(&args.tag);
    let memory = if args.yes {
        open_to_change(&settings, args.write.journal())?
    } else {
        open_to_read(&settings)?
    };
    let plan = memory.plan_forget(&selection)?;
    let forgotten = if args.yes {
        Some(memory.forget(&plan)?)
    } else {
        None
    };
    context.output.show(
        || json::forgotten(&plan, forgotten.as_ref()),
        |out, style| write(out, style, &plan, forgotten.as_ref()),
    )?;
    if forgotten.is_none() && !context.output.is_json() {
        context
            .output
            .talk(&["hint: nothing was changed; add --yes to forget this for good".to_owned()]);
    }
    if forgotten.is_some_and(|forgotten| !forgotten.is_purged) {
        let warning =
            "other processes still read old pages of the store's files; the next write wipes those";
        context.output.warn(&[warning.to_owned()]);
    }
    Ok(Exit::Done)
}

fn write(
    out: &mut dyn Write,
    style: Style,
    plan: &ForgetPlan,
    forgotten: Option<&Forgotten>,
) -> io::Result<()> {
    for source in plan.sources.iter().take(SOURCES_SHOWN) {
        writeln!(out, "{}", style.bold(source))?;
    }
    if plan.sources.len() > SOURCES_SHOWN {
        writeln!(
            out,
            "... and {} more",
            grouped((plan.sources.len() - SOURCES_SHOWN) as u64)
        )?;
    }
    for root in &plan.roots {
        writeln!(out, "what is remembered of {}", style.bold(&root.path))?;
    }
    let (chunks, sources) = (grouped(plan.chunks), grouped(plan.sources.len() as u64));
    match forgotten {
        None => writeln!(
            out,
            "would forget {chunks} chunks, and {sources} sources as a whole"
        ),
        Some(forgotten) => {
            let commit = forgotten
                .seq
                .map(|seq| format!(", commit {}", seq.0))
                .unwrap_or_default();
            writeln!(
                out,
                "forgot {} chunks, and {sources} sources as a whole{commit}",
                grouped(forgotten.chunks)
            )
        }
    }
}
