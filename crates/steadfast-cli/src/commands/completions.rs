//! `steadfast completions`: made from the definition of the arguments.

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::json;

use crate::args::Cli;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast completions bash > ~/.local/share/bash-completion/completions/steadfast
  steadfast completions zsh > ~/.zfunc/_steadfast
  steadfast completions fish > ~/.config/fish/completions/steadfast.fish";

/// Flags of `steadfast completions`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "steadfast", &mut script);
    let script = String::from_utf8_lossy(&script);
    context.output.show(
        || json!({"shell": args.shell.to_string(), "script": script}),
        |out, _| write!(out, "{script}"),
    )?;
    Ok(Exit::Done)
}
