//! `steadfast index`: folders and files come into the store, and are kept up to date.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use steadfast::ingest::walk::{Hidden, IgnoreFiles};
use steadfast::{IndexOptions, IndexReport, Remember};

use super::elapsed_ms;
use crate::args::{WriteOptions, namespace};
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{grouped, json, text};
use crate::store::open_to_write;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast index docs src
  steadfast index ~/notes --namespace private --tag diary
  steadfast index . --include '*.md' --exclude 'drafts/'";

/// Flags of `steadfast index`.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Files and folders; when one is missing nothing is indexed
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put the files into this namespace
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Tag every chunk with this; may be given more than once
    #[arg(long, value_name = "T")]
    tag: Vec<String>,
    /// Take only files that match this glob; may be given more than once
    ///
    /// A glob is written like a line of `.gitignore`. A file that matches is
    /// taken even when it is hidden or an ignore file names it.
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out files and folders that match this glob; may be given more than once
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Take hidden files too
    #[arg(long)]
    hidden: bool,
    /// Disregard `.gitignore`, `.ignore` and `.steadfastignore`
    #[arg(long)]
    no_ignore: bool,
    /// Disregard what is remembered of PATH, and remember only what is said now
    ///
    /// `index` remembers namespace, tags, globs, `--hidden` and `--no-ignore` of each
    /// PATH for later calls; what is said anew takes the place of what was said before.
    /// `steadfast sources --roots` lists what is remembered.
    #[arg(long)]
    reset: bool,
    /// Read every file again, also unchanged ones; a PATH that was forgotten comes back
    #[arg(long)]
    force: bool,
    /// Let go of what is gone, even when a whole PATH is gone
    #[arg(long)]
    prune: bool,
    /// Leave out files larger than this
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1..))]
    file_bytes_max: Option<u64>,
    #[command(flatten)]
    write: WriteOptions,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let settings = context.settings()?;
    let options = options(args, settings.namespace(), settings.file_bytes_max())?;
    require_paths(args)?;
    let memory = open_to_write(&settings, args.write.journal())?;
    let bar = Bar::new();
    let report = memory.index(&args.paths, &options, &bar)?;
    drop(bar);
    let elapsed_ms = elapsed_ms(started);
    context.output.warn(&report.warnings);
    context.output.show(
        || json::index_report(&report, elapsed_ms),
        |out, _| write(out, &report, elapsed_ms),
    )?;
    // The index is up to date; whoever comes by also mends what is derived from it. Status tells when that fails.
    drop(memory.maintain());
    Ok(Exit::Done)
}

fn options(
    args: &Args,
    namespace_default: &str,
    file_bytes_max: u64,
) -> Result<IndexOptions, Failure> {
    let mut options = IndexOptions::default();
    options.namespace = args
        .namespace
        .as_deref()
        .map(|name| namespace("--namespace", name))
        .transpose()?;
    options.namespace_default = namespace("namespace.default", namespace_default)?;
    if args.reset {
        options.remember = Remember::OnlySaid;
    }
    options.tags.clone_from(&args.tag);
    options.walk.include.clone_from(&args.include);
    options.walk.exclude.clone_from(&args.exclude);
    options.walk.hidden = if args.hidden {
        Hidden::Take
    } else {
        Hidden::Skip
    };
    options.walk.ignore_files = if args.no_ignore {
        IgnoreFiles::Disregard
    } else {
        IgnoreFiles::Obey
    };
    options.force = args.force;
    options.prune = args.prune;
    options.file_bytes_max = args.file_bytes_max.unwrap_or(file_bytes_max);
    Ok(options)
}

/// Refuses a missing path before a store is created for it.
fn require_paths(args: &Args) -> Result<(), Failure> {
    let missing = args
        .paths
        .iter()
        .find(|path| matches!(path.try_exists(), Ok(false)));
    match missing {
        Some(path) if !args.prune => {
            Err(steadfast::Error::PathNotFound { path: path.clone() }.into())
        }
        _ => Ok(()),
    }
}

fn write(out: &mut dyn Write, report: &IndexReport, elapsed_ms: f64) -> io::Result<()> {
    let (files, chunks) = (&report.files, &report.chunks);
    writeln!(
        out,
        "files: {} added, {} changed, {} unchanged, {} removed, {} skipped",
        grouped(files.added),
        grouped(files.changed),
        grouped(files.unchanged),
        grouped(files.removed),
        grouped(files.skipped),
    )?;
    writeln!(
        out,
        "chunks: {} inserted, {} reused, {} updated, {} removed",
        grouped(chunks.inserted),
        grouped(chunks.reused),
        grouped(chunks.updated),
        grouped(chunks.removed),
    )?;
    let mut reasons: BTreeMap<&str, u64> = BTreeMap::new();
    for skipped in &report.skipped {
        *reasons.entry(&skipped.reason).or_default() += 1;
    }
    if !reasons.is_empty() {
        let reasons: Vec<String> = reasons
            .iter()
            .map(|(reason, count)| format!("{} {reason}", grouped(*count)))
            .collect();
        writeln!(
            out,
            "skipped: {} (`steadfast sources` lists them)",
            reasons.join(", ")
        )?;
    }
    if report.redactions > 0 {
        writeln!(out, "secrets taken out: {}", grouped(report.redactions))?;
    }
    writeln!(
        out,
        "commit {}, {}",
        report.seq.0,
        text::duration(elapsed_ms)
    )
}
