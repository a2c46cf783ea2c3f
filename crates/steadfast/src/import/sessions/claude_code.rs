//! Logs of Claude Code: `projects/<project>/<session>.jsonl`, one event a line.

use std::path::Path;

use serde_json::Value;

use super::super::ImportKind;
use super::super::survey::Survey;
use super::super::times::time;
use super::content::content;
use super::lines;
use super::mark::{Begun, Reached, session};
use super::message::{Said, Talk};
use crate::error::Result;

/// Returns whether a line is one of these logs.
pub(super) fn is_line(line: &Value) -> bool {
    let is_event = matches!(
        line.get("type").and_then(Value::as_str),
        Some("user" | "assistant" | "system" | "summary")
    );
    let has_ids = line.get("sessionId").is_some() && line.get("uuid").is_some();
    is_event && (has_ids || line.get("leafUuid").is_some())
}

/// Reads a log, from where it was read to if that is known.
pub(super) fn read(path: &Path, begun: Option<&Begun>, survey: &mut Survey) -> Result<Reached> {
    let whole = || Talk::new(ImportKind::ClaudeCode, session(path));
    let mut talk = begun.map_or_else(whole, Begun::talk);
    let project = path.parent().and_then(Path::file_name);
    talk.fact(
        "project",
        project.map(|name| name.to_string_lossy()).as_deref(),
    );
    let mut other = 0;
    let place = begun.map(Begun::place).unwrap_or_default();
    let (end, file) = lines::each(path, place, survey, |number, line| {
        let text = |name: &str| line.get(name).and_then(Value::as_str);
        let id = text("uuid").map_or_else(|| format!("line:{number}"), str::to_owned);
        let time = text("timestamp").and_then(time);
        talk.fact("cwd", text("cwd"));
        talk.fact("branch", text("gitBranch"));
        talk.time = talk.time.or(time);
        match text("type") {
            Some(role @ ("user" | "assistant")) => {
                let message = line.get("message").unwrap_or(&Value::Null);
                let (text_of, is_converted) =
                    content(message.get("content").unwrap_or(&Value::Null));
                talk.messages.push(Said {
                    id,
                    text: text_of,
                    role: Some(role.to_owned()),
                    time,
                    reply_to: text("parentUuid").map(str::to_owned),
                    is_converted,
                });
            }
            Some("system") => talk.messages.push(Said {
                id,
                text: content(line.get("content").unwrap_or(&Value::Null)).0,
                role: Some("system".to_owned()),
                time,
                reply_to: text("parentUuid").map(str::to_owned),
                is_converted: false,
            }),
            Some("summary") => {
                if talk.title.is_none() {
                    talk.title = text("summary").map(str::to_owned);
                }
            }
            _ => other += 1,
        }
    })?;
    survey.left_out.add("event", "no_message", other);
    Ok(Reached { talk, end, file })
}
