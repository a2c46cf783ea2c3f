//! `steadfast backup`: the whole store in one file, while others write.

use std::io::{self, Write};
use std::path::PathBuf;

use serde_json::{Value, json};
use steadfast::{Archive, BackupOptions};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::{Style, grouped, json, text};
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast backup memories-2026-03-01.db
  steadfast backup memories.zst --json";

/// Flags of `steadfast backup`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The file to write; there must be none of that name
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Pack it with zstd, as is done when the name ends in `.zst`
    #[arg(long)]
    compress: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = open_to_read(&settings)?;
    let mut options = BackupOptions::default();
    options.compress = args.compress || args.file.extension().is_some_and(|end| end == "zst");
    let archive = memory.backup(&args.file, options)?;
    let file = args.file.display().to_string();
    context.output.show(
        || object(&archive, "file", &file),
        |out, style| write(out, style, &archive, &format!("wrote {file}")),
    )?;
    Ok(exit(&archive))
}

/// Returns the object of `backup` and `restore`.
pub(super) fn object(archive: &Archive, place: &str, name: &str) -> Value {
    let mut object = json!({
        "chunks": archive.chunks,
        "seq": archive.seq.0,
        "bytes": archive.bytes,
        "sha256": archive.sha256,
        "compressed": archive.compressed,
        "findings": archive.findings.iter().map(json::finding).collect::<Value>(),
    });
    json::set(&mut object, place, json!(name));
    object
}

pub(super) fn write(
    out: &mut dyn Write,
    style: Style,
    archive: &Archive,
    did: &str,
) -> io::Result<()> {
    archive
        .findings
        .iter()
        .try_for_each(|finding| text::finding(out, style, finding))?;
    writeln!(
        out,
        "{}: {} chunks as of commit {}, {}, sha256 {}",
        style.clean(did),
        grouped(archive.chunks),
        archive.seq.0,
        text::size(archive.bytes),
        archive.sha256,
    )
}

pub(super) fn exit(archive: &Archive) -> Exit {
    if archive.findings.is_empty() {
        Exit::Done
    } else {
        Exit::Found
    }
}
