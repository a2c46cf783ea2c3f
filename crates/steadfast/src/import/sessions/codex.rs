//! Logs of Codex: `sessions/<year>/<month>/<day>/rollout-<time>-<id>.jsonl`, one item a line.
//!
//! Since 2025-09 an item stands in `payload` below the time and sort of its line; before, it was the line.

use std::path::Path;

use serde_json::Value;

use super::super::ImportKind;
use super::super::survey::Survey;
use super::super::times::time;
use super::content::{content, verbatim};
use super::lines;
use super::mark::{Begun, Reached, session};
use super::message::{Said, Talk};
use crate::error::Result;

/// Returns whether a line is one of these logs.
pub(super) fn is_line(line: &Value) -> bool {
    let is_item = |item: &Value| {
        matches!(
            item.get("type").and_then(Value::as_str),
            Some("message" | "function_call" | "function_call_output" | "reasoning")
        )
    };
    let is_wrapped = matches!(
        line.get("type").and_then(Value::as_str),
        Some("session_meta" | "response_item" | "event_msg" | "turn_context")
    ) && line.get("payload").is_some();
    is_wrapped
        || (is_item(line) && (line.get("content").is_some() || line.get("call_id").is_some()))
}

/// Reads a log, from where it was read to if that is known. Events repeat what items say, and are left out.
pub(super) fn read(path: &Path, begun: Option<&Begun>, survey: &mut Survey) -> Result<Reached> {
    let whole = || Talk::new(ImportKind::Codex, session(path));
    let mut talk = begun.map_or_else(whole, Begun::talk);
    let mut other = 0;
    let place = begun.map(Begun::place).unwrap_or_default();
    let (end, file) = lines::each(path, place, survey, |number, line| {
        let sort = line.get("type").and_then(Value::as_str);
        let at = line.get("timestamp").and_then(Value::as_str).and_then(time);
        talk.time = talk.time.or(at);
        let item = match (sort, line.get("payload")) {
            (Some("response_item"), Some(item)) => item,
            (Some("session_meta"), Some(meta)) => {
                talk.fact("cwd", meta.get("cwd").and_then(Value::as_str));
                talk.fact("session_id", meta.get("id").and_then(Value::as_str));
                return;
            }
            (_, Some(_)) => {
                other += 1;
                return;
            }
            (_, None) => &line,
        };
        match said(item, number) {
            Some(said) => talk.messages.push(Said { time: at, ..said }),
            None => other += 1,
        }
    })?;
    survey.left_out.add("event", "no_message", other);
    Ok(Reached { talk, end, file })
}

fn said(item: &Value, number: usize) -> Option<Said> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let (role, (text_of, is_converted)) = match text("type")? {
        "message" => (text("role")?, content(item.get("content")?)),
        sort if sort.ends_with("_call") => {
            let names = ["arguments", "input", "action", "revised_prompt"];
            let mut inputs = names.iter().filter_map(|name| item.get(*name));
            let input = inputs.find(|input| !input.is_null());
            let name = text("name").unwrap_or(sort.trim_end_matches("_call"));
            let said = format!("[call of {name}]\n{}", verbatim(input));
            ("assistant", (said, true))
        }
        sort if sort.ends_with("_call_output") => {
            let output = verbatim(Some(item.get("output")?));
            ("tool", (format!("[result]\n{output}"), true))
        }
        _ => return None,
    };
    Some(Said {
        // Items have no ids of their own that stay; their line does, because a log only grows.
        id: format!("line:{number}"),
        text: text_of,
        role: Some(role.to_owned()),
        reply_to: text("call_id").map(str::to_owned),
        is_converted,
        time: None,
    })
}
