//! `steadfast wake-up`: what a new session should know.

use steadfast_server::wake::{self, WakeUpRequest};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::store::open_to_read;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast wake-up
  steadfast wake-up --budget 300
  steadfast remember \"Answer in British English.\" --tag pinned";

/// Flags of `steadfast wake-up`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The most tokens that it may have, by a cautious guess
    #[arg(long, value_name = "TOKENS", default_value_t = wake::BUDGET_TOKENS as u32,
          value_parser = clap::value_parser!(u32).range(100..=20_000))]
    budget: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let settings = context.settings()?;
    let memory = open_to_read(&settings)?;
    let request = WakeUpRequest {
        budget_tokens: usize::try_from(args.budget).unwrap_or(usize::MAX),
        project: Some(context.environment.here()),
        ..WakeUpRequest::default()
    };
    let woken = wake::wake_up(&memory, &request)?;
    context.output.show(
        || woken.to_json(),
        |out, _| match woken.text.as_str() {
            "" => Ok(()),
            text => writeln!(out, "{text}"),
        },
    )?;
    if woken.text.is_empty() {
        context.output.talk(&["nothing to tell".to_owned()]);
    }
    Ok(Exit::Done)
}
