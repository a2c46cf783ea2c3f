//! Exports of a Slack workspace, as a folder or a zip archive.
//!
//! Written after Slack's help ("How to read Slack data exports") and the
//! documentation of its message objects: `users.json`, lists of channels, and
//! one file a day and channel. A day of a channel is one document and a message
//! one chunk, called by channel and `ts`, which is its id in Slack; a reply
//! names its thread. Marks of users and the three escapes of Slack's markup are
//! written out, and the message then says `converted`. Files are named, not
//! fetched; what says no more than that somebody joined or left is left out.

use std::collections::HashMap;

use serde_json::Value;
use steadfast_model::{Kind, Timestamp};

use super::files::{Files, TEXT_BYTES_MAX, Unread, refuse};
use super::json;
use super::survey::{Survey, UnitRow, namespace};
use super::{ImportKind, Source};
use crate::ingest::chunk::{ChunkLimits, chunk};

/// Lists of members.
const USERS: [&str; 2] = ["users.json", "org_users.json"];
/// Lists of conversations.
const CHANNELS: [&str; 4] = ["channels.json", "groups.json", "mpims.json", "dms.json"];
/// Messages that say what happened to a channel, and nothing else.
const EVENTS: &[&str] = &[
    "channel_join",
    "channel_leave",
    "channel_archive",
    "channel_unarchive",
    "channel_name",
    "channel_convert_to_private",
    "group_join",
    "group_leave",
    "group_name",
    "group_archive",
    "bot_add",
    "bot_remove",
    "pinned_item",
    "reminder_add",
    "tombstone",
];

/// Returns whether files are such an export: a list of members or channels, and a day of a channel.
pub(super) fn is_export(files: &Files) -> bool {
    USERS.iter().chain(&CHANNELS).any(|name| files.has(name))
        && files.names().any(|name| day(name).is_some())
}

/// Returns the folder of a day of a channel, and the day.
fn day(name: &str) -> Option<(&str, &str)> {
    let (folder, file) = name.split_once('/')?;
    let day = file.strip_suffix(".json")?;
    let is_day = day.len() == 10
        && day.bytes().enumerate().all(|(place, byte)| match place {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
    is_day.then_some((folder, day))
}

/// What is known of the workspace.
#[derive(Default)]
struct Workspace {
    /// Names of members by id.
    members: HashMap<String, String>,
    /// Id and topic of conversations, by the folder they lie in.
    channels: HashMap<String, (String, Option<String>)>,
}

/// Reads an export.
pub(super) fn survey(source: &Source<'_>, files: &mut Files) -> Survey {
    let mut survey = Survey::new(ImportKind::Slack);
    let workspace = workspace(files, &mut survey);
    let names: Vec<String> = files.names().map(str::to_owned).collect();
    for name in names {
        let Some((folder, date)) = day(&name) else {
            let is_list = USERS.iter().chain(&CHANNELS).any(|list| *list == name);
            if !is_list {
                survey.left_out.add("file", "no_messages", 1);
            }
            continue;
        };
        match list(files, &name, &mut survey) {
            Ok(messages) => {
                let place = Day {
                    workspace: &workspace,
                    folder,
                    date,
                };
                for (number, message) in messages.iter().enumerate() {
                    place.add(source, number, message, &mut survey);
                }
            }
            Err(unread) => refuse(vec![unread], &mut survey),
        }
    }
    files.report(&mut survey);
    survey
}

fn list(files: &mut Files, name: &str, survey: &mut Survey) -> Result<Vec<Value>, Unread> {
    let bytes = files.bytes(name, TEXT_BYTES_MAX)?;
    match json::read(&bytes, name, survey) {
        Ok(Value::Array(list)) => Ok(list),
        Ok(_) | Err(_) => Err(Unread {
            name: name.to_owned(),
            reason: "no_export",
        }),
    }
}

fn workspace(files: &mut Files, survey: &mut Survey) -> Workspace {
    let mut workspace = Workspace::default();
    let mut lists = |names: &[&str]| -> Vec<Value> {
        let mut found = Vec::new();
        for name in names {
            if files.has(name) {
                match list(files, name, survey) {
                    Ok(list) => found.extend(list),
                    Err(unread) => refuse(vec![unread], survey),
                }
            }
        }
        found
    };
    for member in lists(&USERS) {
        let text = |value: Option<&Value>| {
            value
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let profile = member.get("profile");
        let name = text(profile.and_then(|profile| profile.get("real_name")))
            .or_else(|| text(member.get("real_name")))
            .or_else(|| text(member.get("name")));
        if let (Some(id), Some(name)) = (text(member.get("id")), name) {
            workspace.members.insert(id, name);
        }
    }
    for channel in lists(&CHANNELS) {
        let text = |name: &str| channel.get(name).and_then(Value::as_str);
        let Some(id) = text("id") else {
            continue;
        };
        let topic = channel
            .get("purpose")
            .or_else(|| channel.get("topic"))
            .and_then(|topic| topic.get("value")?.as_str())
            .filter(|topic| !topic.is_empty());
        // Direct messages lie in a folder that is called by their id.
        let folder = text("name").unwrap_or(id);
        workspace
            .channels
            .insert(folder.to_owned(), (id.to_owned(), topic.map(str::to_owned)));
    }
    workspace
}

/// A day of a channel.
struct Day<'d> {
    workspace: &'d Workspace,
    folder: &'d str,
    date: &'d str,
}

impl Day<'_> {
    fn add(&self, source: &Source<'_>, number: usize, message: &Value, survey: &mut Survey) {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        let Some(ts) = text("ts") else {
            survey.refuse("message", "unreadable", 1);
            return;
        };
        if text("subtype").is_some_and(|subtype| EVENTS.contains(&subtype)) {
            survey.left_out.add("message", "channel_event", 1);
            return;
        }
        let (said, is_converted) = self.said(message);
        let spans = chunk(&said, Kind::Note, &ChunkLimits::default()).spans;
        if spans.is_empty() {
            survey.left_out.add("message", "no_text", 1);
        }
        let known = self.workspace.channels.get(self.folder);
        let channel = known.map_or(self.folder, |(id, _)| id.as_str());
        for (piece, span) in spans.into_iter().enumerate() {
            let id = match piece {
                0 => format!("{channel}:{ts}"),
                _ => format!("{channel}:{ts}#{}", piece + 1),
            };
            let text_of = said.get(span.range.clone()).unwrap_or_default();
            let mut row = UnitRow::new(ImportKind::Slack, id, text_of);
            let line = i64::try_from(number + 1).ok();
            row.lines(line, line);
            row.place.start_byte = span.range.start as u64;
            row.place.end_byte = span.range.end as u64;
            row.place.fidelity.converted = is_converted;
            row.attributes.kind = Kind::Message;
            row.attributes.title = Some(format!("#{}", self.folder));
            row.attributes.document_time = moment(ts);
            row.keep("speaker", self.speaker(message).into());
            row.keep("message_id", ts.into());
            let thread = text("thread_ts");
            let parent = thread.filter(|thread| *thread != ts);
            row.keep("reply_to", parent.map_or(Value::Null, Value::from));
            row.origin("thread", thread.map_or(Value::Null, Value::from));
            row.origin("channel", self.folder);
            row.origin("channel_id", channel);
            row.origin("user", text("user").map_or(Value::Null, Value::from));
            let topic = known.and_then(|(_, topic)| topic.as_deref());
            row.origin("purpose", topic.map_or(Value::Null, Value::from));
            let document = format!("slack:{channel}/{}", self.date);
            survey.add(namespace(source.options), document, row);
        }
    }

    fn speaker(&self, message: &Value) -> String {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let profile = message.get("user_profile");
        text(message.get("user"))
            .and_then(|user| self.workspace.members.get(&user).cloned())
            .or_else(|| text(profile.and_then(|profile| profile.get("real_name"))))
            .or_else(|| text(message.get("username")))
            .or_else(|| text(message.get("user")))
            .unwrap_or_default()
    }

    /// Returns what was said, with the texts of attachments and the names of files; and whether that is more than the
    /// text as Slack has it.
    fn said(&self, message: &Value) -> (String, bool) {
        let plain = message.get("text").and_then(Value::as_str).unwrap_or("");
        let written = self.written_out(plain);
        let mut is_converted = written != plain;
        let mut parts = vec![written];
        let list = |name: &str| message.get(name).and_then(Value::as_array);
        for attachment in list("attachments").into_iter().flatten() {
            let text = |name: &str| attachment.get(name).and_then(Value::as_str);
            let said = text("text").or_else(|| text("fallback"));
            parts.extend(said.map(|said| self.written_out(said)));
        }
        for file in list("files").into_iter().flatten() {
            let text = |name: &str| file.get(name).and_then(Value::as_str);
            let name = text("title").or_else(|| text("name")).unwrap_or("file");
            parts.push(format!("[file: {name}]"));
        }
        parts.retain(|part| !part.trim().is_empty());
        is_converted |= parts.len() > 1 || plain.trim().is_empty();
        (parts.join("\n\n"), is_converted)
    }

    /// Writes names in the place of ids, and characters in the place of escapes.
    fn written_out(&self, text: &str) -> String {
        let mut written = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, mark)) = rest.split_once("<@") {
            written.push_str(before);
            let Some((inner, after)) = mark.split_once('>') else {
                written.push_str("<@");
                rest = mark;
                continue;
            };
            let (id, label) = inner.split_once('|').unwrap_or((inner, inner));
            let name = self.workspace.members.get(id).map_or(label, String::as_str);
            written.push('@');
            written.push_str(name);
            rest = after;
        }
        written.push_str(rest);
        if written.contains('&') {
            // The ampersand comes last, so that what was escaped twice is not taken off twice.
            written = written
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
        }
        written
    }
}

/// Reads seconds since 1970 with a fraction, as text.
fn moment(ts: &str) -> Option<Timestamp> {
    let (seconds, fraction) = ts.split_once('.').unwrap_or((ts, ""));
    let seconds: i64 = seconds.parse().ok()?;
    let thousandths = fraction.get(..3).and_then(|digits| digits.parse().ok());
    let whole = seconds.checked_mul(1_000)?;
    Some(Timestamp(whole.checked_add(thousandths.unwrap_or(0))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_members_are_written_out() {
        let mut workspace = Workspace::default();
        workspace.members.insert("U1".into(), "Ada".into());
        let day = Day {
            workspace: &workspace,
            folder: "general",
            date: "2026-03-01",
        };
        for (text, expected) in [
            ("<@U1> said &lt;b&gt;", "@Ada said <b>"),
            ("<@U2|bob>: &amp;lt;", "@bob: &lt;"),
            ("<@U1", "<@U1"),
            ("<https://a.example|a>", "<https://a.example|a>"),
        ] {
            assert_eq!(day.written_out(text), expected);
        }
        assert_eq!(
            moment("1503435956.000247"),
            Some(Timestamp(1_503_435_956_000))
        );
        assert_eq!(moment("x"), None);
        assert_eq!(
            super::day("general/2026-03-01.json"),
            Some(("general", "2026-03-01"))
        );
        assert_eq!(super::day("general/2026-3-1.json"), None);
    }
}
