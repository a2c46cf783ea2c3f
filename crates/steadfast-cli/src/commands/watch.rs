//! `steadfast watch`: folders are kept up to date while they change.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};
use steadfast::IndexOptions;
use steadfast_server::store::Store;
use steadfast_server::watch::{self, Told, WatchOptions};

use crate::args::namespace;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{grouped, json as shapes, text};
use crate::store::server_settings;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast watch ~/notes
  steadfast watch docs src --tag project --json";

/// Who is named in the log.
const ACTOR: &str = "watch";

/// Flags of `steadfast watch`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// Files and folders
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Put the files into this namespace
    #[arg(long, value_name = "NS")]
    namespace: Option<String>,
    /// Tag every chunk with this; may be given more than once
    #[arg(long, value_name = "T")]
    tag: Vec<String>,
    /// Take only files that match this glob; may be given more than once
    #[arg(long, value_name = "GLOB")]
    include: Vec<String>,
    /// Leave out files and folders that match this glob; may be given more than once
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// Look at everything again after so many seconds, for changes that the system did not tell
    #[arg(long, value_name = "SECONDS", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    rescan: u64,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = server_settings(context, ACTOR)?;
    let mut index = IndexOptions::default();
    index.namespace = match &args.namespace {
        Some(name) => Some(namespace("--namespace", name)?),
        None => None,
    };
    index.namespace_default.clone_from(&settings.namespace);
    index.tags.clone_from(&args.tag);
    index.walk.include.clone_from(&args.include);
    index.walk.exclude.clone_from(&args.exclude);
    index.file_bytes_max = settings.file_bytes_max;
    let options = WatchOptions {
        roots: args.paths.clone(),
        index,
        rescan: Duration::from_secs(args.rescan),
    };
    let mut ended = None;
    watch::watch(&Store::new(settings), &options, &mut |told| {
        let shown = context
            .output
            .show(|| object(&told), |out, _| writeln!(out, "{}", words(&told)));
        // Whoever read the lines has gone: there is nobody left to watch for.
        ended = shown.err();
        ended.is_none()
    })?;
    ended.map_or(Ok(Exit::Done), Err)
}

fn object(told: &Told<'_>) -> Value {
    match told {
        Told::Watching(path, flaw) => json!({
            "event": "watching",
            "path": path.display().to_string(),
            "by": if flaw.is_none() { "events" } else { "rescans" },
            "reason": flaw,
        }),
        Told::Indexed(path, report, took) => {
            let elapsed_ms = (took.as_secs_f64() * 1e6).round() / 1e3;
            let mut object = shapes::index_report(report, elapsed_ms);
            shapes::set(&mut object, "event", json!("indexed"));
            shapes::set(&mut object, "path", json!(path.display().to_string()));
            object
        }
        Told::Gone(path) => json!({"event": "gone", "path": path.display().to_string()}),
        Told::Failed(path, error) => {
            let mut object = shapes::library_error(error);
            shapes::set(&mut object, "event", json!("failed"));
            shapes::set(&mut object, "path", json!(path.display().to_string()));
            object
        }
    }
}

fn words(told: &Told<'_>) -> String {
    match told {
        Told::Watching(path, None) => format!("watching {}", path.display()),
        Told::Watching(path, Some(flaw)) => format!(
            "looking at {} now and then, for it cannot be watched: {flaw}",
            path.display()
        ),
        Told::Indexed(path, report, took) => {
            let files = report.files;
            format!(
                "{}: {} added, {} changed, {} removed, commit {}, {}",
                path.display(),
                grouped(files.added),
                grouped(files.changed),
                grouped(files.removed),
                report.seq.0,
                text::duration(took.as_secs_f64() * 1e3)
            )
        }
        Told::Gone(path) => format!("{} is gone; what is known of it stays", path.display()),
        Told::Failed(path, error) => format!("{}: {error}; trying again", path.display()),
    }
}
