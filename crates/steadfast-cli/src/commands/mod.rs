//! The commands, one file each: flags, work, answer.

pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod export;
pub(crate) mod forget;
pub(crate) mod get;
pub(crate) mod hook;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod names;
mod palace;
pub(crate) mod prune;
pub(crate) mod rebuild;
pub(crate) mod remember;
pub(crate) mod restore;
pub(crate) mod search;
pub(crate) mod selftest;
pub(crate) mod serve;
pub(crate) mod setup;
pub(crate) mod sources;
mod status;
mod stdin;
pub(crate) mod undo;
pub(crate) mod verify;
mod version;
pub(crate) mod wake_up;
pub(crate) mod watch;

use std::time::Instant;

use crate::args::Command;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;

/// Does what was asked.
pub(crate) fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Index(args) => index::run(&args, context),
        Command::Search(args) => search::run(&args, context),
        Command::Get(args) => get::run(&args, context),
        Command::List(args) => list::run(&args, context),
        Command::Sources(args) => sources::run(&args, context),
        Command::Remember(args) => remember::run(&args, context),
        Command::Forget(args) => forget::run(&args, context),
        Command::Tags(args) => names::run(names::What::Tags, &args, context),
        Command::Namespaces(args) => names::run(names::What::Namespaces, &args, context),
        Command::Status => status::run(context),
        Command::Verify(args) => verify::run(&args, context),
        Command::Import(args) => import::run(&args, context),
        Command::Export(args) => export::run(&args, context),
        Command::Rebuild(args) => rebuild::run(&args, context),
        Command::Doctor(args) => doctor::run(&args, context),
        Command::Selftest(args) => selftest::run(&args, context),
        Command::Backup(args) => backup::run(&args, context),
        Command::Restore(args) => restore::run(&args, context),
        Command::Log(args) => log::run(&args, context),
        Command::Undo(args) => undo::run(&args, context),
        Command::Prune(args) => prune::run(&args, context),
        Command::Config(args) => config::run(&args, context),
        Command::Completions(args) => completions::run(&args, context),
        Command::Mcp(args) => mcp::run(&args, context),
        Command::Serve(args) => serve::run(&args, context),
        Command::Watch(args) => watch::run(&args, context),
        Command::Setup(args) => setup::run(&args, context),
        Command::Hook(args) => Ok(hook::run(&args, context)),
        Command::WakeUp(args) => wake_up::run(&args, context),
        Command::Man(args) => man::run(&args, context),
        Command::Version => version::run(context),
    }
}

/// Returns the milliseconds since a moment, to the microsecond.
fn elapsed_ms(started: Instant) -> f64 {
    (started.elapsed().as_secs_f64() * 1e6).round() / 1e3
}
