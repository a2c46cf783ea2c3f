//! Sessions of Gemini CLI: `~/.gemini/tmp/<project>/chats/session-*.json` or `.jsonl`, and `logs.json` beside them.
//!
//! Written after `chatRecordingTypes.ts` of the program: a session is one JSON
//! object, or, since 2026, a line of facts and then one message or change a
//! line, where a later line with the same id takes the place of an earlier one,
//! and a change of all messages that of each which it names.
//! `logs.json` holds what the user typed in all sessions of a project; what of
//! that a session has too is not taken twice. A message and each of its calls
//! are rows of their own, so that a session that is going on only gains rows; a
//! call that has not ended is left for the next time. Messages that the user
//! took back with a rewind stay, and so do those that a change of all messages
//! does not name: they were said, and an import before that has brought them.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::json;
use super::super::survey::Survey;
use super::super::times::time;
use super::super::{ImportKind, Source};
use super::message::{Said, Talk, add};
use super::{lines, read_whole};
use crate::error::Result;

/// How much of a JSON file is looked at, in bytes.
const LOOK_BYTES: u64 = 4 << 10;

/// Returns whether a JSON file begins as a session or a log of prompts does.
pub(super) fn is_whole(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(LOOK_BYTES).read_to_end(&mut head));
    let head = String::from_utf8_lossy(&head);
    let head = head.trim_start_matches('\u{feff}').trim_start();
    let has = |key: &str| head.contains(&format!("\"{key}\""));
    let is_object = head.starts_with('{');
    let is_list = head.starts_with('[');
    read.is_ok()
        && has("sessionId")
        && (is_object && has("projectHash") || is_list && has("messageId") && has("message"))
}

/// Returns whether a file lies and is called as one of these, whatever it holds.
pub(super) fn is_called_one(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let folder = path.parent().unwrap_or(Path::new("."));
    let is_among_chats = folder.file_name().is_some_and(|folder| folder == "chats");
    name.starts_with("session-") && is_among_chats
        || name == "logs.json" && folder.join("chats").is_dir()
}

/// Returns whether a line is the first of a session.
pub(super) fn is_line(line: &Value) -> bool {
    line.get("sessionId").is_some() && line.get("projectHash").is_some()
}

/// What was typed, by session.
type Typed = HashMap<String, HashSet<String>>;

/// Reads all sessions, and then the logs of prompts.
pub(super) fn survey(source: &Source<'_>, logs: &[PathBuf], survey: &mut Survey) {
    let mut typed = Typed::new();
    let is_log = |path: &&PathBuf| path.file_name().is_some_and(|name| name == "logs.json");
    for path in logs.iter().filter(|path| !is_log(path)) {
        let talk = if path.extension().is_some_and(|end| end == "jsonl") {
            if super::kind_of_log(path) != Some(ImportKind::Gemini) {
                super::leave(path, survey);
                continue;
            }
            of_lines(path, survey)
        } else {
            read_whole(path).map(|text| of_text(path, &text, source, survey))
        };
        match talk {
            Ok(Some(talk)) => {
                let said = talk
                    .messages
                    .iter()
                    .filter(|said| said.role.as_deref() == Some("user"));
                typed
                    .entry(talk.session.clone())
                    .or_default()
                    .extend(said.map(|said| said.text.trim().to_owned()));
                add(source, &talk, survey);
            }
            Ok(None) => {}
            Err(error) => unreadable(survey, error.to_string()),
        }
    }
    for path in logs.iter().filter(is_log) {
        match read_whole(path) {
            Ok(text) => prompts(path, &text, &typed, source, survey),
            Err(error) => unreadable(survey, error.to_string()),
        }
    }
}

fn unreadable(survey: &mut Survey, what: String) {
    survey.refuse("log", "unreadable", 1);
    survey.warnings.push(what);
}

/// Reads a session of one object. A file of another name may hold a log of prompts all the same.
fn of_text(path: &Path, text: &[u8], source: &Source<'_>, survey: &mut Survey) -> Option<Talk> {
    let of = path.display().to_string();
    let Ok(whole) = json::read(text, &of, survey) else {
        unreadable(survey, format!("{} is cut off or damaged", path.display()));
        return None;
    };
    if whole.is_array() {
        prompts(path, text, &Typed::new(), source, survey);
        return None;
    }
    let Some(messages) = whole.get("messages").and_then(Value::as_array) else {
        unreadable(survey, format!("{} has no messages", path.display()));
        return None;
    };
    let mut talk = begin(&whole, path);
    for (number, message) in messages.iter().enumerate() {
        said(message, number, &mut talk, survey);
    }
    Some(talk)
}

fn begin(facts: &Value, path: &Path) -> Talk {
    let text = |name: &str| facts.get(name).and_then(Value::as_str);
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let mut talk = Talk::new(ImportKind::Gemini, text("sessionId").unwrap_or(&name));
    talk.time = text("startTime").and_then(time);
    talk.title = text("summary").map(str::to_owned);
    talk.fact("project", text("projectHash"));
    talk.fact("kind", text("kind"));
    talk
}

/// Reads a session of many lines.
fn of_lines(path: &Path, survey: &mut Survey) -> Result<Option<Talk>> {
    let mut facts = Value::Null;
    let mut messages = Messages::default();
    let mut rewinds = 0;
    let mut title = None;
    lines::each(path, (0, 0), survey, |_, line| {
        if line.get("$rewindTo").is_some() {
            rewinds += 1;
        } else if let Some(change) = line.get("$set") {
            if let Some(summary) = change.get("summary") {
                title = summary.as_str().map(str::to_owned);
            }
            let all = change.get("messages").and_then(Value::as_array);
            for message in all.into_iter().flatten() {
                messages.set_again(message.clone());
            }
        } else if is_line(&line) {
            facts = line;
        } else {
            messages.set(line);
        }
    })?;
    survey.left_out.add("line", "rewind", rewinds);
    let mut talk = begin(&facts, path);
    talk.title = title.or(talk.title);
    for (number, message) in messages.list.iter().enumerate() {
        said(message, number, &mut talk, survey);
    }
    Ok(Some(talk))
}

/// Messages of a session of many lines, in the order in which they were first told.
#[derive(Default)]
struct Messages {
    list: Vec<Value>,
    places: HashMap<String, usize>,
    /// Those without an id.
    nameless: HashSet<String>,
}

impl Messages {
    /// Adds a message, or puts it in the place of the one with its id.
    fn set(&mut self, message: Value) {
        let Some(id) = message.get("id").and_then(Value::as_str) else {
            // It has no id, so nothing can replace it.
            self.nameless.insert(message.to_string());
            self.list.push(message);
            return;
        };
        let place = *self.places.entry(id.to_owned()).or_insert(self.list.len());
        match self.list.get_mut(place) {
            Some(known) => *known = message,
            None => self.list.push(message),
        }
    }

    /// Sets a message that is told with all others, so that one without an id may be known already.
    fn set_again(&mut self, message: Value) {
        let has_id = message.get("id").is_some_and(Value::is_string);
        if has_id || !self.nameless.contains(&message.to_string()) {
            self.set(message);
        }
    }
}

/// Adds a message and its calls.
fn said(message: &Value, number: usize, talk: &mut Talk, survey: &mut Survey) {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let id = text("id").map_or_else(|| format!("message:{number}"), str::to_owned);
    let role = match text("type") {
        Some("gemini") => "assistant",
        Some("user") => "user",
        Some("info" | "error" | "warning") => "system",
        _ => {
            survey.refuse("message", "unreadable", 1);
            return;
        }
    };
    let at = text("timestamp").and_then(time);
    let (content, is_converted) = parts(message.get("content").unwrap_or(&Value::Null));
    let mut all: Vec<String> = thoughts(message);
    let is_converted = is_converted || !all.is_empty();
    all.extend(Some(content).filter(|content| !content.trim().is_empty()));
    talk.messages.push(Said {
        id: id.clone(),
        text: all.join("\n\n"),
        role: Some(role.to_owned()),
        time: at,
        reply_to: None,
        is_converted,
    });
    let calls = message.get("toolCalls").and_then(Value::as_array);
    for (place, call) in calls.into_iter().flatten().enumerate() {
        match called(call) {
            Some(text) => talk.messages.push(Said {
                id: call
                    .get("id")
                    .and_then(Value::as_str)
                    .map_or_else(|| format!("{id}/{place}"), |call| format!("{id}/{call}")),
                text,
                role: Some("tool".to_owned()),
                time: call.get("timestamp").and_then(Value::as_str).and_then(time),
                reply_to: Some(id.clone()),
                is_converted: true,
            }),
            None => survey.left_out.add("call", "unfinished", 1),
        }
    }
}

fn thoughts(message: &Value) -> Vec<String> {
    let list = message.get("thoughts").and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .map(|thought| {
            let text = |name: &str| thought.get(name).and_then(Value::as_str);
            let parts: Vec<&str> = [text("subject"), text("description")]
                .into_iter()
                .flatten()
                .collect();
            format!("[thinking]\n{}", parts.join("\n"))
        })
        .collect()
}

/// Returns a call with its result, verbatim; none while it is going on.
fn called(call: &Value) -> Option<String> {
    let text = |name: &str| call.get(name).and_then(Value::as_str);
    if !matches!(text("status"), Some("success" | "error" | "cancelled")) {
        return None;
    }
    let name = text("name").unwrap_or("tool");
    let arguments = call.get("args").map(Value::to_string).unwrap_or_default();
    let result = call.get("result").unwrap_or(&Value::Null);
    let mut said = format!("[call of {name}]\n{arguments}");
    if !result.is_null() {
        said.push_str("\n\n[result]\n");
        said.push_str(&parts(result).0);
    }
    Some(said)
}

/// Returns the text of a text, a part, or a list of both; and whether it was more than text.
fn parts(content: &Value) -> (String, bool) {
    let list = content
        .as_array()
        .map_or_else(|| std::slice::from_ref(content), Vec::as_slice);
    let mut is_converted = list.len() > 1;
    let texts: Vec<String> = list
        .iter()
        .filter_map(|part| {
            let text = part.as_str().or_else(|| part.get("text")?.as_str());
            if let Some(text) = text {
                return Some(text.to_owned());
            }
            let (name, inner) = part.as_object()?.iter().next()?;
            is_converted = true;
            let output = inner
                .get("response")
                .and_then(|response| response.get("output"));
            Some(match (name.as_str(), output) {
                (_, Some(output)) => output
                    .as_str()
                    .map_or_else(|| output.to_string(), str::to_owned),
                // Of pictures and files is kept that they were there.
                ("inlineData" | "fileData", None) => format!("[{name}]"),
                _ => part.to_string(),
            })
        })
        .filter(|text| !text.trim().is_empty())
        .collect();
    (texts.join("\n\n"), is_converted)
}

/// Reads a log of prompts: those that are in no session.
fn prompts(path: &Path, text: &[u8], typed: &Typed, source: &Source<'_>, survey: &mut Survey) {
    let of = path.display().to_string();
    let Ok(Value::Array(list)) = json::read(text, &of, survey) else {
        unreadable(survey, format!("{} is cut off or damaged", path.display()));
        return;
    };
    let mut talks: Vec<Talk> = Vec::new();
    for entry in &list {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let (Some(session), Some(message)) = (text("sessionId"), text("message")) else {
            survey.refuse("prompt", "unreadable", 1);
            continue;
        };
        let is_known = typed
            .get(session)
            .is_some_and(|said| said.contains(message.trim()));
        if is_known {
            survey.merge(1);
            continue;
        }
        let name = format!("log:{session}");
        let place = talks.iter().position(|talk| talk.session == name);
        let place = place.unwrap_or_else(|| {
            talks.push(Talk::new(ImportKind::Gemini, name));
            talks.len() - 1
        });
        let Some(talk) = talks.get_mut(place) else {
            continue;
        };
        let number = entry.get("messageId").map(Value::to_string);
        let number = number.unwrap_or_else(|| talk.messages.len().to_string());
        talk.messages.push(Said {
            id: format!("{session}:{number}"),
            text: message.to_owned(),
            role: Some("user".to_owned()),
            time: text("timestamp").and_then(time),
            ..Said::default()
        });
    }
    for talk in talks {
        add(source, &talk, survey);
    }
}
