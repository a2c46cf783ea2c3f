//! `steadfast export`: what a filter admits, as a file that any store takes in.

use std::ffi::OsStr;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use serde_json::{Value, json};
use steadfast::model::Validity;
use steadfast::{ExportFormat, ExportOptions, Exported, Memory};

use crate::args::Filters;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{Style, grouped, text};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  Move all memories to another machine:
    steadfast export memories.bundle.zst
    steadfast import memories.bundle.zst
  steadfast export work.bundle --namespace work --with-vectors
  steadfast export everything.bundle.zst --history
  steadfast export vault --format markdown
  steadfast export - --format jsonl --tag ops | jq -r .text";

/// How many ids of damaged chunks are named.
const IDS_MAX: usize = 100;

/// Flags of `steadfast export`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The file or folder to write, packed with zstd when its name ends in `.zst`; `-` streams one object a line
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// What it looks like
    ///
    /// `bundle` proves that nothing is missing from it; `jsonl` has one chunk a
    /// line and nothing else; `markdown` makes a new folder of pages, one a
    /// source, which opens as a vault of Obsidian.
    #[arg(long, value_name = "FORMAT", default_value = "bundle", value_parser = PossibleValuesParser::new(ExportFormat::ALL.map(ExportFormat::as_str)))]
    format: String,
    /// Also write the vectors, which can be computed anew
    #[arg(long)]
    with_vectors: bool,
    /// Also write versions that are no longer live, with when they came and left; for a bundle
    #[arg(long)]
    history: bool,
    /// Replace a file of that name
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    filters: Filters,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let mut options = ExportOptions::default();
    options.filter = args.filters.to_filter(&context.environment.here())?;
    if args.filters.valid_at.is_none() {
        // What holds no longer is a memory as well.
        options.filter.validity = Validity::Any;
    }
    // The parser has let only known names through.
    options.format = args.format.parse().unwrap_or_default();
    options.vectors = args.with_vectors;
    options.history = args.history;
    options.overwrite = args.force;
    let memory = open_to_read(&settings)?;
    let bar = Bar::new();
    let is_stream = args.file.as_os_str() == OsStr::new("-");
    let exported = if is_stream {
        stream(&memory, &options, &bar)?
    } else {
        memory.export(&args.file, &options, &bar)?
    };
    drop(bar);
    warn(context, &exported);
    if is_stream {
        return Ok(exit(&exported));
    }
    let file = args.file.display().to_string();
    context.output.show(
        || object(&exported, &file),
        |out, style| write(out, style, &exported, &file),
    )?;
    Ok(exit(&exported))
}

/// Writes to standard output; that whoever reads it goes away is no error.
fn stream(memory: &Memory, options: &ExportOptions, bar: &Bar) -> Result<Exported, Failure> {
    let mut out = Heard {
        out: BufWriter::new(io::stdout().lock()),
        failed: None,
    };
    let exported = memory.export_to(&mut out, options, bar);
    match out.failed {
        Some(error) => Err(Failure::output(&error)),
        None => Ok(exported?),
    }
}

/// Keeps the error that an output fails with, as the library has no output.
struct Heard<W> {
    out: W,
    failed: Option<io::Error>,
}

impl<W: Write> Heard<W> {
    fn hear<T>(&mut self, done: io::Result<T>) -> io::Result<T> {
        done.inspect_err(|error| {
            self.failed = Some(io::Error::new(error.kind(), error.to_string()));
        })
    }
}

impl<W: Write> Write for Heard<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let done = self.out.write(bytes);
        self.hear(done)
    }

    fn flush(&mut self) -> io::Result<()> {
        let done = self.out.flush();
        self.hear(done)
    }
}

fn warn(context: &Context, exported: &Exported) {
    if !exported.damaged.is_empty() {
        context.output.warn(&[format!(
            "{} chunks are left out because they are damaged; run `steadfast doctor`",
            exported.damaged.len()
        )]);
    }
}

fn exit(exported: &Exported) -> Exit {
    if exported.damaged.is_empty() {
        Exit::Done
    } else {
        Exit::Found
    }
}

fn object(exported: &Exported, file: &str) -> Value {
    let damaged = exported.damaged.iter().take(IDS_MAX);
    json!({
        "chunks": exported.chunks,
        "sources": exported.sources,
        "collections": exported.collections,
        "records": exported.records,
        "past": exported.past,
        "bytes": exported.bytes,
        "file": file,
        "seq": exported.seq.0,
        "damaged": damaged.map(ToString::to_string).collect::<Value>(),
    })
}

fn write(out: &mut dyn Write, style: Style, exported: &Exported, file: &str) -> io::Result<()> {
    let records = match exported.records {
        0 => String::new(),
        records => format!(
            ", {} records of {} collections",
            grouped(records),
            grouped(exported.collections)
        ),
    };
    let past = match exported.past {
        0 => String::new(),
        past => format!(", {} past versions", grouped(past)),
    };
    writeln!(
        out,
        "wrote {}: {} chunks of {} sources{records}{past} as of commit {}, {}",
        style.clean(file),
        grouped(exported.chunks),
        grouped(exported.sources),
        exported.seq.0,
        text::size(exported.bytes),
    )
}
