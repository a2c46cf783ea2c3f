//! `steadfast hook`: an agent's host tells what happens to a session.
//!
//! Invariants: it ends with 0 and an object of JSON, whatever is wrong with the
//! input, the settings or the store; what takes long is done by a process that
//! the host does not wait for.

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use steadfast::Memory;
use steadfast_server::hooks::host::{self, Call};
use steadfast_server::hooks::spool::Spool;
use steadfast_server::hooks::{file, recall};
use steadfast_server::store::{Access, Store};
use steadfast_server::wake::{self, WakeUpRequest};

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::store::server_settings_of;

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast setup claude-code
  echo '{\"cwd\": \"/home/me/project\"}' | steadfast hook session-start
  steadfast hook file";

/// Who is named in the log.
const ACTOR: &str = "hook";

/// What is said to the user when the memory cannot be used.
const TROUBLE: &str = "Steadfast: the memory cannot be used";

/// Flags of `steadfast hook`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// What happened: session-start, prompt, stop, pre-compact, session-end; or file
    // A text: a name that this version does not know must not fail, for hosts take that as a refusal.
    #[arg(value_name = "EVENT")]
    event: String,
    /// The most tokens that session-start gives the session
    #[arg(long, value_name = "TOKENS", default_value_t = wake::BUDGET_TOKENS as u32,
          value_parser = clap::value_parser!(u32).range(100..=20_000))]
    budget: u32,
}

pub(crate) fn run(args: &Args, context: &Context) -> Exit {
    let is_file = args.event == "file";
    let call = if is_file {
        Call::default()
    } else {
        Call::read(std::io::stdin().lock())
    };
    let done = panic::catch_unwind(AssertUnwindSafe(|| act(args, &call, context)));
    let answer = match done {
        Ok(Ok(answer)) => answer,
        Ok(Err(failure)) => {
            let lines = failure.to_lines();
            context.output.talk(&lines);
            call.notice(&format!("{TROUBLE}: {}", lines.join("; ")))
        }
        Err(_) => call.notice(&format!("{TROUBLE}: internal error")),
    };
    // A host that does not read the answer does not need it.
    drop(context.output.object(&answer));
    Exit::Done
}

fn act(args: &Args, call: &Call, context: &Context) -> Result<Value, Failure> {
    let here = call
        .folder
        .clone()
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(|| context.environment.here());
    let here = std::fs::canonicalize(&here).unwrap_or(here);
    let settings = context.settings_at(&here)?;
    let store = Store::new(server_settings_of(&settings, ACTOR, here.clone())?);
    match args.event.as_str() {
        "session-start" => session_start(args, call, &store),
        "prompt" => prompt(call, &store),
        "stop" | "pre-compact" | "session-end" => note(call, context, &store),
        "file" => {
            let filed = file::file_all(&store).map_err(|error| no_place(&error))?;
            Ok(serde_json::json!({
                "filed": filed.filed,
                "messages": filed.messages,
                "failed": filed.failed,
            }))
        }
        other => {
            let what = format!("error: there is no event `{other}`");
            context.output.talk(&[what]);
            Ok(host::nothing())
        }
    }
}

fn session_start(args: &Args, call: &Call, store: &Store) -> Result<Value, Failure> {
    if Spool::of_store(&store.settings().folder).has_requests() {
        // What a killed process left behind.
        start_filing(store)?;
    }
    // A session that goes on has its memory in its context.
    if call.reason.as_deref() == Some("resume") {
        return Ok(host::nothing());
    }
    let Some(memory) = existing(store)? else {
        return Ok(host::nothing());
    };
    let request = WakeUpRequest {
        budget_tokens: usize::try_from(args.budget).unwrap_or(usize::MAX),
        project: Some(store.settings().here.clone()),
        session: call.session.clone(),
        ..WakeUpRequest::default()
    };
    let woken = wake::wake_up(&memory, &request)?;
    Ok(call.context("SessionStart", &woken.text))
}

fn prompt(call: &Call, store: &Store) -> Result<Value, Failure> {
    let (Some(prompt), Some(memory)) = (&call.prompt, existing(store)?) else {
        return Ok(host::nothing());
    };
    let text = recall::recall(&memory, prompt, call.session.as_deref())?;
    Ok(call.context("UserPromptSubmit", &text))
}

/// Notes the transcript, and starts a process that files it.
fn note(call: &Call, context: &Context, store: &Store) -> Result<Value, Failure> {
    let Some(transcript) = &call.transcript else {
        return Ok(host::nothing());
    };
    let transcript = context.environment.expanded(transcript);
    if !is_log(&transcript) {
        return Ok(host::nothing());
    }
    Spool::of_store(&store.settings().folder)
        .put(&transcript)
        .map_err(|error| no_place(&error))?;
    start_filing(store)?;
    Ok(host::nothing())
}

/// Returns whether a file can be a transcript: whatever else a host may name is not read.
fn is_log(path: &Path) -> bool {
    let is_text = path
        .extension()
        .is_some_and(|end| end == "jsonl" || end == "json");
    path.is_absolute() && is_text
}

/// Opens the store; none when there is no store yet, which is no trouble.
fn existing(store: &Store) -> Result<Option<Memory>, Failure> {
    match store.memory(Access::Read) {
        Ok(memory) => Ok(Some(memory)),
        Err(steadfast::Error::Store(steadfast::StoreError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Starts a process that files what waits. It lives on when the host ends its hooks.
fn start_filing(store: &Store) -> Result<(), Failure> {
    let settings = store.settings();
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("steadfast"));
    let mut command = Command::new(program);
    command
        .arg("--store")
        .arg(&settings.folder)
        .args(["hook", "file"])
        .current_dir(&settings.here)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        /// `CREATE_NO_WINDOW` and `CREATE_NEW_PROCESS_GROUP` of the Windows API.
        const DETACHED: u32 = 0x0800_0000 | 0x0000_0200;
        command.creation_flags(DETACHED);
    }
    match command.spawn() {
        Ok(child) => {
            // It is not waited for; the request stays when it dies.
            drop(child);
            Ok(())
        }
        Err(error) => Err(Failure::new(
            "too_many_open_files",
            format!("the system starts no process: {error}"),
        )),
    }
}

fn no_place(error: &std::io::Error) -> Failure {
    Failure::new(
        "permission",
        format!("the transcript cannot be noted: {error}"),
    )
}
