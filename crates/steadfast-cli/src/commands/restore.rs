//! `steadfast restore`: a backup becomes a store in a new place.

use std::path::PathBuf;

use steadfast::{Memory, RestoreOptions, restore};

use super::backup::{exit, object, write};
use crate::args::WriteOptions;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast restore memories.zst --to ~/recovered
  steadfast --store ~/recovered verify";

/// Flags of `steadfast restore`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The folder of the new store; it must be new or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Refuse a file that does not have this SHA-256
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    #[command(flatten)]
    write: WriteOptions,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut options = RestoreOptions::default();
    options.sha256.clone_from(&args.sha256);
    let mut opening = Memory::options();
    if let Some(journal) = args.write.journal() {
        opening = opening.journal(journal);
    }
    let bar = Bar::new();
    let archive = restore(&args.file, &args.to, &options, &opening, &bar)?;
    drop(bar);
    let folder = args.to.display().to_string();
    context.output.show(
        || object(&archive, "store", &folder),
        |out, style| write(out, style, &archive, &format!("restored into {folder}")),
    )?;
    Ok(exit(&archive))
}
