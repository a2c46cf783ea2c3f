//! What is done when a host tells of an event, whoever was told: a command, or the server over HTTP.
//!
//! Invariants: it only reads the store, and notes in the spool what is to be filed;
//! a store that is not there yet is no trouble; what it answers is the host's own JSON.
//! Deliberately not here: the filing, which nobody is to wait for.

use std::path::{Path, PathBuf};

use serde_json::Value;
use steadfast::model::Fault as _;
use steadfast::{Error, Memory, StoreError};

use super::host::{Call, nothing};
use super::recall::recall;
use super::spool::Spool;
use crate::store::{Access, Store};
use crate::wake::{self, WakeUpRequest};

/// What a host tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A session begins, or goes on.
    SessionStart,
    /// The user has asked something.
    Prompt,
    /// The agent has answered.
    Stop,
    /// The session is about to be made shorter.
    PreCompact,
    /// The session has ended.
    SessionEnd,
}

impl Event {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SessionStart,
        Self::Prompt,
        Self::Stop,
        Self::PreCompact,
        Self::SessionEnd,
    ];

    /// Returns the name that commands and addresses have for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SessionStart => "session-start",
            Self::Prompt => "prompt",
            Self::Stop => "stop",
            Self::PreCompact => "pre-compact",
            Self::SessionEnd => "session-end",
        }
    }

    /// Returns the event of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == name)
    }

    /// Returns whether the host waits for a text of the memory, not only for a note to be taken.
    pub fn is_question(self) -> bool {
        matches!(self, Self::SessionStart | Self::Prompt)
    }
}

/// An event, and what belongs to it.
#[derive(Clone, Debug)]
pub struct Told {
    /// The event.
    pub event: Event,
    /// What the host said.
    pub call: Call,
    /// The folder of the project.
    pub project: PathBuf,
    /// The user's home, which a host may write as `~`.
    pub home: Option<PathBuf>,
    /// The most tokens that a session is given at its start; 0 means [`wake::BUDGET_TOKENS`].
    pub budget_tokens: usize,
}

/// What a host is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The host's own object.
    pub object: Value,
    /// Transcripts wait to be filed.
    pub is_waiting: bool,
}

/// Why nothing could be done.
#[derive(Debug)]
pub enum Trouble {
    /// The store cannot be read.
    Store(Error),
    /// The transcript cannot be noted.
    Spool(std::io::Error),
}

impl Trouble {
    /// Returns what the user is told.
    pub fn message(&self) -> String {
        match self {
            Self::Store(error) => {
                let hint = error.hint().map(|hint| format!("; {hint}"));
                format!("{error}{}", hint.unwrap_or_default())
            }
            Self::Spool(error) => format!("the transcript cannot be noted: {error}"),
        }
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

/// Does what an event asks for.
///
/// # Errors
/// [`Trouble`]; a host is told, and goes on.
pub fn answer(told: &Told, store: &Store) -> Result<Answer, Trouble> {
    let spool = Spool::of_store(&store.settings().folder);
    let object = match told.event {
        Event::SessionStart => session_start(told, store),
        Event::Prompt => prompt(told, store),
        Event::Stop | Event::PreCompact | Event::SessionEnd => {
            let is_waiting = note(told, &spool)?;
            return Ok(Answer {
                object: nothing(),
                is_waiting,
            });
        }
    };
    if let Err(error) = &object {
        store.note(error);
    }
    Ok(Answer {
        object: object?,
        // What a killed process left behind is filed when the next session starts.
        is_waiting: told.event == Event::SessionStart && spool.has_requests(),
    })
}

fn session_start(told: &Told, store: &Store) -> Result<Value, Error> {
    // A session that goes on has its memory in its context.
    if told.call.reason.as_deref() == Some("resume") {
        return Ok(nothing());
    }
    let Some(memory) = existing(store)? else {
        return Ok(nothing());
    };
    let request = WakeUpRequest {
        budget_tokens: told.budget_tokens,
        project: Some(told.project.clone()),
        session: told.call.session.clone(),
        ..WakeUpRequest::default()
    };
    let woken = wake::wake_up(&memory, &request)?;
    Ok(told.call.context("SessionStart", &woken.text))
}

fn prompt(told: &Told, store: &Store) -> Result<Value, Error> {
    let (Some(prompt), Some(memory)) = (&told.call.prompt, existing(store)?) else {
        return Ok(nothing());
    };
    let text = recall(&memory, prompt, told.call.session.as_deref())?;
    Ok(told.call.context("UserPromptSubmit", &text))
}

/// Notes the transcript; returns whether there was one.
fn note(told: &Told, spool: &Spool) -> Result<bool, Trouble> {
    let Some(transcript) = &told.call.transcript else {
        return Ok(false);
    };
    let transcript = match (transcript.strip_prefix("~/"), &told.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(transcript),
    };
    // One that is not there may come yet; what is no file, such as a pipe, will be none.
    let is_other = std::fs::metadata(&transcript).is_ok_and(|found| !found.is_file());
    if !is_log(&transcript) || is_other {
        return Ok(false);
    }
    spool.put(&transcript).map_err(Trouble::Spool)?;
    Ok(true)
}

/// Returns whether a file can be a transcript: whatever else a host may name is not read.
fn is_log(path: &Path) -> bool {
    let is_text = path
        .extension()
        .is_some_and(|end| end == "jsonl" || end == "json");
    path.is_absolute() && is_text
}

/// Opens the store; none when there is no store yet, which is no trouble.
fn existing(store: &Store) -> Result<Option<Memory>, Error> {
    match store.memory(Access::Read) {
        Ok(memory) => Ok(Some(memory)),
        Err(Error::Store(StoreError::NotFound { .. })) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_has_a_name_and_nothing_else_is_one() {
        for event in Event::ALL {
            assert_eq!(Event::named(event.as_str()), Some(event));
        }
        assert_eq!(Event::named("Stop"), None);
    }

    #[test]
    fn only_logs_by_their_whole_path_are_noted() {
        for (path, is) in [
            ("/logs/a.jsonl", true),
            ("/logs/a.json", true),
            ("logs/a.jsonl", false),
            ("/etc/passwd", false),
            ("", false),
        ] {
            assert_eq!(is_log(Path::new(path)), is, "{path}");
        }
    }
}
