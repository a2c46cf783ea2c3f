//! Transcripts of Cursor's agent: `projects/<project>/agent-transcripts/<session>/<session>.jsonl`, one message a line.
//!
//! Cursor's hooks are given the path of one. What stands in it Cursor does not document; this is written after what
//! others have found: `role`, and `message.content` in blocks, without ids, times and results of tools; marks
//! between them say how a turn ended.

use std::path::Path;

use serde_json::Value;

use super::super::ImportKind;
use super::super::survey::Survey;
use super::content::content;
use super::lines;
use super::mark::{Begun, Reached, session};
use super::message::{Said, Talk};
use crate::error::Result;

/// Returns whether a line is one of these logs.
pub(super) fn is_line(line: &Value) -> bool {
    let is_message = line.get("type").is_none()
        && role(line).is_some()
        && line.pointer("/message/content").is_some();
    let is_mark = line.get("type").and_then(Value::as_str) == Some("turn_ended");
    is_message || is_mark
}

/// Reads a log, from where it was read to if that is known.
pub(super) fn read(path: &Path, begun: Option<&Begun>, survey: &mut Survey) -> Result<Reached> {
    let whole = || Talk::new(ImportKind::CursorAgent, session(path));
    let mut talk = begun.map_or_else(whole, Begun::talk);
    talk.fact("project", project(path).as_deref());
    let mut other = 0;
    let place = begun.map(Begun::place).unwrap_or_default();
    let (end, file) = lines::each(path, place, survey, |number, line| {
        let (Some(role), Some(blocks)) = (role(&line), line.pointer("/message/content")) else {
            other += 1;
            return;
        };
        let (text, is_converted) = content(blocks);
        let asked = asked(&text).filter(|_| role == "user");
        talk.messages.push(Said {
            // Messages have no ids; their line does for one, because a log only grows.
            id: format!("line:{number}"),
            is_converted,
            text: asked.map(str::to_owned).unwrap_or(text),
            role: Some(role.to_owned()),
            time: None,
            reply_to: None,
        });
    })?;
    survey.left_out.add("event", "no_message", other);
    Ok(Reached { talk, end, file })
}

fn role(line: &Value) -> Option<&str> {
    let role = line.get("role").and_then(Value::as_str);
    role.filter(|role| matches!(*role, "user" | "assistant" | "system" | "tool"))
}

/// Returns the name of the project's folder, if the log lies where Cursor puts it.
fn project(path: &Path) -> Option<String> {
    let folders = path
        .ancestors()
        .find(|folder| folder.ends_with("agent-transcripts"))?;
    let name = folders.parent()?.file_name()?;
    Some(name.to_string_lossy().into_owned())
}

/// Returns what the user typed, when the text is nothing but that in the tags that Cursor puts around it.
fn asked(text: &str) -> Option<&str> {
    let text = text.trim();
    let text = match text.strip_prefix("<timestamp>") {
        Some(rest) => rest.split_once("</timestamp>")?.1.trim_start(),
        None => text,
    };
    let inside = text
        .strip_prefix("<user_query>")?
        .strip_suffix("</user_query>")?;
    (!inside.contains("<user_query>")).then(|| inside.trim())
}

#[cfg(test)]
mod tests {
    use super::asked;

    #[test]
    fn only_tags_around_the_whole_question_are_taken_away() {
        for (text, wanted) in [
            (
                "<user_query>\nWhich port?\n</user_query>",
                Some("Which port?"),
            ),
            (
                "<timestamp>Monday</timestamp>\n<user_query>Which?</user_query>\n",
                Some("Which?"),
            ),
            (
                "<user_query>a</user_query> and <user_query>b</user_query>",
                None,
            ),
            ("<rules>x</rules>\n<user_query>Which?</user_query>", None),
            ("<timestamp>Monday", None),
            ("Which port?", None),
        ] {
            assert_eq!(asked(text), wanted, "{text}");
        }
    }
}
