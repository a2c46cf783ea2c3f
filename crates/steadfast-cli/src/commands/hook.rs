//! `steadfast hook`: an agent's host tells what happens to a session.
//!
//! Invariants: it ends with 0 and an object of JSON, whatever is wrong with the
//! input, the settings or the store; what takes long is done by a process that
//! the host does not wait for, and what the host waits for has an end. A server
//! that serves the store does the work when there is one; without it, or when it
//! does not answer at once, the work is done here.

use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;
use steadfast_server::hooks::event::{self, Answer, Event, Told, Trouble};
use steadfast_server::hooks::file::{self, Patience};
use steadfast_server::hooks::host::{self, Call};
use steadfast_server::http::client;
use steadfast_server::store::Store;
use steadfast_server::wake;

use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::store::{server_settings_of, settings_without_model};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast setup claude-code
  echo '{\"cwd\": \"/home/me/project\"}' | steadfast hook session-start
  steadfast hook file";

/// Who is named in the log.
const ACTOR: &str = "hook";

/// What is said to the user when the memory cannot be used.
const TROUBLE: &str = "Steadfast: the memory cannot be used";

/// How long a server may take to note a transcript, and to say what the memory knows.
const NOTE_PATIENCE: Duration = Duration::from_millis(25);
const QUESTION_PATIENCE: Duration = Duration::from_millis(500);
/// How long a host may take to send its object.
const INPUT_PATIENCE: Duration = Duration::from_secs(2);
/// How long a store may take that is read here: one that others have locked is given up on.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

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
    /// How long a server that is found may take, in milliseconds
    #[arg(long, hide = true, value_name = "MS")]
    patience: Option<u64>,
    /// With file: leave what waits to another process that is at it
    #[arg(long, hide = true)]
    leave: bool,
}

pub(crate) fn run(args: &Args, context: &Context) -> Exit {
    let is_file = args.event == "file";
    let call = if is_file {
        Call::default()
    } else {
        read_call()
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

/// Reads what the host says; one that leaves its pipe open and sends nothing has said nothing.
fn read_call() -> Call {
    let (sender, receiver) = mpsc::sync_channel(1);
    let read = move || drop(sender.send(Call::read(std::io::stdin().lock())));
    if std::thread::Builder::new().spawn(read).is_err() {
        return Call::read(std::io::stdin().lock());
    }
    // It ends with the process.
    receiver.recv_timeout(INPUT_PATIENCE).unwrap_or_default()
}

fn act(args: &Args, call: &Call, context: &Context) -> Result<Value, Failure> {
    let here = call
        .folder
        .clone()
        .filter(|folder| folder.is_dir())
        .unwrap_or_else(|| context.environment.here());
    let here = std::fs::canonicalize(&here).unwrap_or(here);
    let settings = context.settings_at(&here)?;
    if args.event == "file" {
        let store = Store::new(server_settings_of(&settings, ACTOR, here)?);
        let patience = if args.leave {
            Patience::Leave
        } else {
            Patience::Wait
        };
        let filed =
            file::file_all(&store, patience).map_err(|error| failure(Trouble::Spool(error)))?;
        return Ok(serde_json::json!({
            "filed": filed.filed,
            "messages": filed.messages,
            "failed": filed.failed,
        }));
    }
    let Some(event) = Event::named(&args.event) else {
        let what = format!("error: there is no event `{}`", args.event);
        context.output.talk(&[what]);
        return Ok(host::nothing());
    };
    let told = Told {
        event,
        call: Call {
            folder: Some(here.clone()),
            ..call.clone()
        },
        project: here.clone(),
        home: context.environment.home().map(PathBuf::from),
        budget_tokens: usize::try_from(args.budget).unwrap_or(usize::MAX),
    };
    if let Some(answer) = asked(args, &told, settings.store()) {
        return Ok(answer);
    }
    let store = Arc::new(Store::new(if event.is_question() {
        server_settings_of(&settings, ACTOR, here)?
    } else {
        settings_without_model(&settings, ACTOR, here)?
    }));
    let answer = done_here(told, &store)?;
    if answer.is_waiting
        && let Err(failure) = start_filing(&store)
    {
        // The request stays, and the next event starts another one.
        context.output.talk(&failure.to_lines());
    }
    Ok(answer.object)
}

/// Returns what the server of the store in a folder answers, when there is one.
fn asked(args: &Args, told: &Told, folder: &Path) -> Option<Value> {
    let patience = if told.event.is_question() {
        QUESTION_PATIENCE
    } else if told.call.transcript.is_some() {
        NOTE_PATIENCE
    } else {
        // There is nothing to note.
        return None;
    };
    let body = told.call.to_json().to_string();
    client::ask(
        folder,
        told.event,
        told.budget_tokens,
        body.as_bytes(),
        args.patience.map_or(patience, Duration::from_millis),
    )
}

/// Does what the event asks for, and gives a store up that takes too long.
fn done_here(told: Told, store: &Arc<Store>) -> Result<Answer, Failure> {
    if !told.event.is_question() {
        return event::answer(&told, store).map_err(failure);
    }
    let (sender, receiver) = mpsc::sync_channel(1);
    let reading = Arc::clone(store);
    let work = move || drop(sender.send(event::answer(&told, &reading)));
    std::thread::Builder::new()
        .spawn(work)
        .map_err(|error| no_more(&format!("the system gives no thread: {error}")))?;
    match receiver.recv_timeout(STORE_PATIENCE) {
        Ok(done) => done.map_err(failure),
        // It only reads, and ends with the process.
        Err(mpsc::RecvTimeoutError::Timeout) => Err(Failure::new(
            "busy",
            "the store has not answered in time; another process may have it locked",
        )),
        Err(mpsc::RecvTimeoutError::Disconnected) => {
            Err(Failure::new("internal", "internal error"))
        }
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
        .args(["hook", "file", "--leave"])
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
        Err(error) => Err(no_more(&format!("the system starts no process: {error}"))),
    }
}

fn no_more(what: &str) -> Failure {
    Failure::new("too_many_open_files", what)
}

fn failure(trouble: Trouble) -> Failure {
    match trouble {
        Trouble::Store(error) => error.into(),
        spool @ Trouble::Spool(_) => Failure::new("permission", spool.message()),
    }
}
