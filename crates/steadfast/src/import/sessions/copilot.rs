//! Transcripts of GitHub Copilot: those of VS Code in `GitHub.copilot-chat/transcripts/<session>.jsonl`, those of
//! Copilot CLI in `session-state/<session>/events.jsonl`; one event a line.
//!
//! Written after the types in VS Code's own source (`sessionTranscriptService.ts`): what an event tells stands in
//! `data`. VS Code calls the shape of the file no interface that stays.

use std::path::Path;

use serde_json::Value;

use super::super::ImportKind;
use super::super::survey::Survey;
use super::super::times::time;
use super::content::verbatim;
use super::lines;
use super::mark::{Begun, Reached, session};
use super::message::{Said, Talk};
use crate::error::Result;

/// Returns whether a line is one of these logs.
pub(super) fn is_line(line: &Value) -> bool {
    let is_event = matches!(
        line.get("type").and_then(Value::as_str),
        Some(
            "session.start"
                | "user.message"
                | "assistant.turn_start"
                | "assistant.message"
                | "tool.execution_start"
                | "tool.execution_complete"
        )
    );
    is_event && line.get("data").is_some_and(Value::is_object)
}

/// Reads a log, from where it was read to if that is known.
pub(super) fn read(path: &Path, begun: Option<&Begun>, survey: &mut Survey) -> Result<Reached> {
    let whole = || Talk::new(ImportKind::Copilot, session(path));
    let mut talk = begun.map_or_else(whole, Begun::talk);
    let mut other = 0;
    let place = begun.map(Begun::place).unwrap_or_default();
    let (end, file) = lines::each(path, place, survey, |number, line| {
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let at = text("timestamp").and_then(time);
        talk.time = talk.time.or(at);
        let data = line.get("data").unwrap_or(&Value::Null);
        let told = |name: &str| data.pointer(name).and_then(Value::as_str);
        if text("type") == Some("session.start") {
            talk.fact("cwd", told("/context/cwd"));
            talk.fact("branch", told("/context/branch"));
            return;
        }
        match said(text("type").unwrap_or_default(), data) {
            Some(said) => talk.messages.push(Said {
                id: text("id").map_or_else(|| format!("line:{number}"), str::to_owned),
                time: at,
                ..said
            }),
            // Starts and ends of turns; the start of a call repeats the message that asks for it.
            None => other += 1,
        }
    })?;
    survey.left_out.add("event", "no_message", other);
    Ok(Reached { talk, end, file })
}

fn said(event: &str, data: &Value) -> Option<Said> {
    let (role, text_of, is_converted) = match event {
        "user.message" => ("user", verbatim(data.get("content")), false),
        "assistant.message" => {
            let (text_of, is_converted) = answer(data);
            ("assistant", text_of, is_converted)
        }
        "tool.execution_complete" => {
            let result = verbatim(Some(data.pointer("/result/content")?));
            ("tool", format!("[result]\n{result}"), true)
        }
        _ => return None,
    };
    Some(Said {
        text: text_of,
        role: Some(role.to_owned()),
        reply_to: data
            .get("toolCallId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        is_converted,
        ..Said::default()
    })
}

/// Returns the thoughts, the words and the calls of an answer, and whether there is more than words.
fn answer(data: &Value) -> (String, bool) {
    let thought = verbatim(data.get("reasoningText"));
    let words = verbatim(data.get("content"));
    let mut parts = Vec::new();
    if !thought.trim().is_empty() {
        parts.push(format!("[thinking]\n{thought}"));
    }
    let mut is_converted = !parts.is_empty() || words.trim().is_empty();
    if !words.trim().is_empty() {
        parts.push(words);
    }
    let calls = data.get("toolRequests").and_then(Value::as_array);
    for call in calls.into_iter().flatten() {
        let name = call.get("name").and_then(Value::as_str).unwrap_or("tool");
        let input = verbatim(call.get("arguments"));
        parts.push(format!("[call of {name}]\n{input}"));
        is_converted = true;
    }
    (parts.join("\n\n"), is_converted)
}
