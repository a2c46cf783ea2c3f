//! `steadfast man`: made from the definition of the arguments.

use std::fs;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use clap_mangen::Man;
use serde_json::json;

use crate::args::Cli;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast man | man -l -
  steadfast man search | man -l -
  steadfast man --dir ~/.local/share/man/man1";

/// Flags of `steadfast man`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The page of this command; without it, the page of steadfast
    command: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    dir: Option<PathBuf>,
}

/// A page: its file name and its text.
struct Page {
    name: String,
    text: String,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut root = Cli::command();
    root.build();
    if let Some(folder) = &args.dir {
        return write_all(&root, folder, context);
    }
    let command = match &args.command {
        None => &root,
        Some(name) => root
            .get_subcommands()
            .find(|command| command.get_name() == name)
            .ok_or_else(|| {
                Failure::new("usage", format!("`{name}` is not a command"))
                    .hint("`steadfast --help` lists them")
            })?,
    };
    let page = page(command)?;
    context.output.show(
        || json!({"name": page.name, "text": page.text}),
        |out, _| write!(out, "{}", page.text),
    )?;
    Ok(Exit::Done)
}

fn write_all(root: &clap::Command, folder: &Path, context: &Context) -> Result<Exit, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("output", error.to_string()).at(folder.display().to_string())
    };
    fs::create_dir_all(folder).map_err(failed)?;
    let mut files = Vec::new();
    for command in std::iter::once(root).chain(root.get_subcommands()) {
        let page = page(command)?;
        let file = folder.join(page.name);
        fs::write(&file, page.text).map_err(failed)?;
        files.push(file.display().to_string());
    }
    context.output.show(
        || json!({"files": files}),
        |out, _| files.iter().try_for_each(|file| writeln!(out, "{file}")),
    )?;
    Ok(Exit::Done)
}

fn page(command: &clap::Command) -> Result<Page, Failure> {
    let mut text = Vec::new();
    let man = Man::new(command.clone());
    let name = man.get_filename();
    man.render(&mut text)
        .map_err(|error| Failure::output(&error))?;
    Ok(Page {
        name,
        text: String::from_utf8_lossy(&text).into_owned(),
    })
}
