//! `steadfast tags` and `steadfast namespaces`: names with their number of chunks, and other names for them.

use serde_json::{Map, Value, json};
use steadfast::{Memory, RenamePlan, Renamed};

use crate::args::{WriteOptions, namespace};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json};
use crate::store::{open_to_change, open_to_read};

pub(crate) const TAG_EXAMPLES: &str = "\
Examples:
  steadfast tags
  steadfast tags rename todo to-do
  steadfast tags rename todo to-do --yes";

pub(crate) const NAMESPACE_EXAMPLES: &str = "\
Examples:
  steadfast namespaces
  steadfast namespaces rename scratch work --yes";

const RENAME_EXAMPLES: &str = "\
Examples:
  steadfast tags rename todo to-do
  steadfast namespaces rename scratch work --yes";

/// How many sources a plan names.
const SOURCES_SHOWN: usize = 100;

/// Flags of `steadfast tags` and `steadfast namespaces`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Give it another name; when that is in use both become one
    ///
    /// Without `--yes` only the plan is shown. Ids, counters and history stay. A
    /// tag that a file itself names comes back when the file changes; a source
    /// that is in both namespaces stays where it is.
    #[command(after_long_help = RENAME_EXAMPLES)]
    Rename {
        /// The name it has
        from: String,
        /// The name it is to have
        to: String,
        /// Do it
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        write: WriteOptions,
    },
}

/// Which names are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    Tags,
    Namespaces,
}

pub(super) fn run(what: What, args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    if let Some(Action::Rename {
        from,
        to,
        yes,
        write,
    }) = &args.action
    {
        let memory = if *yes {
            open_to_change(&settings, write.journal())?
        } else {
            open_to_read(&settings)?
        };
        return rename(what, &memory, (from, to), *yes, context);
    }
    let memory = open_to_read(&settings)?;
    let (field, names) = match what {
        What::Tags => ("tags", memory.tags()?),
        What::Namespaces => ("namespaces", memory.namespaces()?),
    };
    context.output.show(
        || Value::Object(Map::from_iter([(field.to_owned(), json::names(&names))])),
        |out, style| {
            for (name, chunks) in &names {
                writeln!(out, "{:>12}  {}", grouped(*chunks), style.clean(name))?;
            }
            writeln!(out, "{} {field}", grouped(names.len() as u64))
        },
    )?;
    Ok(Exit::Done)
}

fn rename(
    what: What,
    memory: &Memory,
    (from, to): (&str, &str),
    yes: bool,
    context: &Context,
) -> Result<Exit, Failure> {
    let plan = match what {
        What::Tags => memory.plan_rename_tag(from, to)?,
        What::Namespaces => {
            memory.plan_rename_namespace(&namespace("FROM", from)?, &namespace("TO", to)?)?
        }
    };
    let renamed = if yes {
        Some(memory.rename(&plan)?)
    } else {
        None
    };
    context.output.show(
        || object(&plan, renamed.as_ref()),
        |out, style| {
            for source in plan.stay.iter().take(SOURCES_SHOWN) {
                writeln!(out, "in both, and stays: {}", style.clean(source))?;
            }
            let (verb, chunks) = match &renamed {
                Some(renamed) => ("renamed", renamed.chunks),
                None => ("would rename", plan.chunks),
            };
            let (chunks, sources) = (grouped(chunks), grouped(plan.sources));
            let merges = if plan.merges {
                ", into what has that name"
            } else {
                ""
            };
            writeln!(out, "{verb} {chunks} chunks of {sources} sources{merges}")
        },
    )?;
    if !yes && !context.output.is_json() {
        let hint = "hint: nothing was changed; add --yes to rename";
        context.output.talk(&[hint.to_owned()]);
    }
    Ok(Exit::Done)
}

fn object(plan: &RenamePlan, renamed: Option<&Renamed>) -> Value {
    json!({
        "plan": {
            "chunks": plan.chunks,
            "sources": plan.sources,
            "merges": plan.merges,
            "stay": plan.stay.len(),
            "stay_names": plan.stay.iter().take(SOURCES_SHOWN).collect::<Vec<_>>(),
        },
        "seq": renamed.and_then(|renamed| renamed.seq).map(|seq| seq.0),
        "renamed": renamed.map_or(0, |renamed| renamed.chunks),
    })
}
