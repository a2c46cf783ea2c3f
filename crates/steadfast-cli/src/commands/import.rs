//! `steadfast import`: the store of another program comes in.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use steadfast::{
    ChromaServer, Error, ImportKind, ImportOptions, ImportReport, LeftOut, OnConflict,
};

use super::elapsed_ms;
use crate::args::{WriteOptions, namespace};
use crate::config::Settings;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{grouped, json, text};
use crate::store::{open_to_read, open_to_write};

pub(crate) const EXAMPLES: &str = "\
Examples:
  See what would come, then bring it in:
    steadfast import ~/.mempalace/palace --dry-run
    steadfast import ~/.mempalace/palace
  steadfast import ~/.memtomem/memtomem.db --namespace notes
  steadfast import ~/.claude/projects
  steadfast import ~/.gemini/tmp
  steadfast import chatgpt-export.zip
  steadfast import slack-export.zip --namespace work
  steadfast import ~/.claude-mem --dry-run
  steadfast import memory_tree --from openhuman --on-conflict update
  steadfast import http://127.0.0.1:8000 --database notes
  steadfast import memories.bundle.zst";

/// The tenant and the database that Chroma makes itself.
const DEFAULT_TENANT: &str = "default_tenant";
const DEFAULT_DATABASE: &str = "default_database";

/// Flags of `steadfast import`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The database file, log, export or zip archive, or the folder that holds it; or a Chroma server
    ///
    /// A server is given by its address, which begins with `http://`. It is
    /// only read, and nothing else is called, whatever it answers.
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Say what the source is, instead of finding out
    ///
    /// One of mempalace, chroma, memtomem, openhuman, claude-code, codex,
    /// chatgpt, claude-ai, gemini, cursor, cursor-agent, copilot, slack,
    /// obsidian, notion, basic-memory, claude-mem, mem0, mcp-memory-service,
    /// transcript, bundle.
    #[arg(long, value_name = "KIND", value_parser = kind)]
    from: Option<ImportKind>,
    /// The tenant of a Chroma server
    #[arg(long, value_name = "NAME", default_value = DEFAULT_TENANT)]
    tenant: String,
    /// The database of a Chroma server
    #[arg(long, value_name = "NAME", default_value = DEFAULT_DATABASE)]
    database: String,
    /// Only say what would come, and what would be refused and why
    #[arg(long)]
    dry_run: bool,
    /// Put everything into this namespace; without it those of the source are taken over
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// What to do with a row that is in the store with another text
    #[arg(long, value_name = "WHAT", default_value = "skip")]
    on_conflict: Conflict,
    #[command(flatten)]
    write: WriteOptions,
}

/// What to do with a row that is in the store with another text.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Conflict {
    /// Keep what is in the store
    Skip,
    /// Take the row in its place
    Update,
    /// Keep both
    Duplicate,
}

fn kind(name: &str) -> Result<ImportKind, String> {
    name.parse::<ImportKind>()
        .map_err(|error| error.to_string())
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let started = Instant::now();
    let settings = context.settings()?;
    let mut options = ImportOptions::default();
    options.kind = args.from;
    options.on_conflict = match args.on_conflict {
        Conflict::Skip => OnConflict::Skip,
        Conflict::Update => OnConflict::Update,
        Conflict::Duplicate => OnConflict::Duplicate,
    };
    options.namespace = args
        .namespace
        .as_deref()
        .map(|name| namespace("--namespace", name))
        .transpose()?;
    let server = server(args)?;
    // A missing path is refused before a store is created for it.
    if server.is_none() && matches!(args.path.try_exists(), Ok(false)) {
        let path = args.path.clone();
        return Err(Error::PathNotFound { path }.into());
    }
    if let Some(server) = &server {
        server.check()?;
    }
    let bar = Bar::new();
    let report = if args.dry_run {
        plan(args, server.as_ref(), options, &settings, &bar)?
    } else {
        let memory = open_to_write(&settings, args.write.journal())?;
        let report = match &server {
            Some(server) => memory.import_server(server, &options, &bar)?,
            None => memory.import(&args.path, &options, &bar)?,
        };
        // The import is done; whoever comes by also mends what is derived from it. Status tells when that fails.
        drop(memory.maintain());
        report
    };
    drop(bar);
    let elapsed_ms = elapsed_ms(started);
    context.output.warn(&report.warnings);
    context.output.show(
        || json::import_report(&report, elapsed_ms),
        |out, _| write(out, args, &report, elapsed_ms),
    )?;
    Ok(Exit::Done)
}

/// Returns the server that is meant, if one is; its flags mean nothing for a path.
fn server(args: &Args) -> Result<Option<ChromaServer>, Failure> {
    let text = args.path.to_string_lossy();
    if !["http://", "https://"]
        .iter()
        .any(|scheme| text.to_lowercase().starts_with(scheme))
    {
        if args.tenant != DEFAULT_TENANT || args.database != DEFAULT_DATABASE {
            let what =
                "--tenant and --database belong to a server, which is given as http://HOST:PORT";
            return Err(Failure::new("usage", what));
        }
        return Ok(None);
    }
    let mut server = ChromaServer::new(text);
    server.tenant.clone_from(&args.tenant);
    server.database.clone_from(&args.database);
    Ok(Some(server))
}

/// Says what would come; creates no store, and writes into none.
fn plan(
    args: &Args,
    server: Option<&ChromaServer>,
    mut options: ImportOptions,
    settings: &Settings,
    bar: &Bar,
) -> Result<ImportReport, Failure> {
    options.scratch = Some(std::env::temp_dir());
    match open_to_read(settings) {
        Ok(memory) => Ok(match server {
            Some(server) => memory.plan_import_server(server, &options, bar)?,
            None => memory.plan_import(&args.path, &options, bar)?,
        }),
        Err(Failure::Library(Error::Store(steadfast::StoreError::NotFound { .. }))) => {
            Ok(match server {
                Some(server) => steadfast::import::plan_server(server, &options, bar)?,
                None => steadfast::import::plan(&args.path, &options, bar)?,
            })
        }
        Err(error) => Err(error),
    }
}

fn write(
    out: &mut dyn Write,
    args: &Args,
    report: &ImportReport,
    elapsed_ms: f64,
) -> io::Result<()> {
    let would = if args.dry_run { "would be " } else { "" };
    if !report.complete {
        writeln!(out, "NOT COMPLETE: something of the source is not here")?;
    }
    writeln!(
        out,
        "{}: {} read, {would}{} imported, {} reused, {} updated, {} refused",
        report.kind,
        grouped(report.read),
        grouped(report.imported),
        grouped(report.reused),
        grouped(report.updated),
        grouped(report.refused),
    )?;
    list(out, "refused", &report.refusals)?;
    list(out, "left out, as it is no memory", &report.left_out)?;
    if report.redactions > 0 {
        writeln!(out, "secrets taken out: {}", grouped(report.redactions))?;
    }
    if report.vectors.taken_over + report.vectors.pending > 0 {
        writeln!(
            out,
            "vectors: {} taken over, {} made, {} to come",
            grouped(report.vectors.taken_over),
            grouped(report.vectors.embedded),
            grouped(report.vectors.pending)
        )?;
    }
    for why in &report.vectors_anew {
        writeln!(out, "{why}")?;
    }
    if args.dry_run {
        return writeln!(out, "nothing was written, {}", text::duration(elapsed_ms));
    }
    writeln!(
        out,
        "{} read back and compared, commit {}, {}",
        grouped(report.verified),
        report.seq.0,
        text::duration(elapsed_ms)
    )
}

fn list(out: &mut dyn Write, what: &str, left: &[LeftOut]) -> io::Result<()> {
    if left.is_empty() {
        return Ok(());
    }
    let parts: Vec<String> = left
        .iter()
        .map(|left| format!("{} {} ({})", grouped(left.count), left.what, left.reason))
        .collect();
    writeln!(out, "{what}: {}", parts.join(", "))
}
