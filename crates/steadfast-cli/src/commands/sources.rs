//! `steadfast sources`: files and notes, also those that were left out.

use serde_json::{Value, json};
use steadfast::model::Root;

use crate::args::Filters;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast sources --in docs
  steadfast sources --roots
  steadfast sources --json | jq '.sources[] | select(.status == \"skipped\")'";

/// Flags of `steadfast sources`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Show what is remembered of the folders and files that were named to `index`
    #[arg(long, conflicts_with = "Filters")]
    roots: bool,
    #[command(flatten)]
    filters: Filters,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    if args.roots {
        return roots(&open_to_read(&settings)?.roots()?, context);
    }
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

fn roots(roots: &[Root], context: &Context) -> Result<Exit, Failure> {
    context.output.show(
        || json!({"roots": roots.iter().map(json::root).collect::<Value>()}),
        |out, style| {
            for root in roots {
                let namespace = root.namespace.as_ref().map_or(String::new(), |namespace| {
                    format!("  [{}]", style.clean(namespace.as_str()))
                });
                writeln!(out, "{}{namespace}", style.bold(&root.path))?;
                let tags: Vec<String> = root.tags.iter().cloned().collect();
                let lists = [
                    ("tags", &tags),
                    ("include", &root.include),
                    ("exclude", &root.exclude),
                ];
                for (name, items) in lists.into_iter().filter(|(_, items)| !items.is_empty()) {
                    writeln!(out, "    {name}: {}", style.clean(&items.join(", ")))?;
                }
                let takes = [
                    ("hidden files are taken", root.takes_hidden),
                    ("ignore files are disregarded", root.takes_ignored),
                ];
                for (what, _) in takes.into_iter().filter(|(_, is_so)| *is_so) {
                    writeln!(out, "    {what}")?;
                }
            }
            writeln!(out, "{} roots", grouped(roots.len() as u64))
        },
    )?;
    Ok(Exit::Done)
}
