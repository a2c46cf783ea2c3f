//! Chats of Cursor: `state.vscdb`, an SQLite file of keys and JSON values.
//!
//! Cursor documents none of this; it is written after what others have found
//! in files of versions 0.50 to 2: `composerData:<chat>` names a chat and the
//! order of its messages, `bubbleId:<chat>:<message>` is one message (type 1 of
//! the user, 2 of the assistant) with calls of tools in `toolFormerData`; older
//! chats hold their messages themselves, and the oldest lie in the table
//! `ItemTable` under one key. What is still being generated is left for the
//! next time.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use steadfast_model::Timestamp;
use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use super::super::json::{self, Flaws};
use super::super::survey::Survey;
use super::super::times::time;
use super::super::{ImportKind, Source};
use super::message::{Said, Talk, add};
use crate::error::Result;

/// The key of the oldest chats.
const PANEL: &str = "workbench.panel.aichat.view.aichat.chatdata";
const TABLE: &str = "cursorDiskKV";
/// Where the oldest chats are.
const ITEMS: &str = "ItemTable";

/// Returns whether the database is one of Cursor's; that of the editor it is made from lacks the table.
pub(in super::super) fn is_cursor(database: &ForeignDatabase) -> bool {
    database.has_column(TABLE, "key") && database.has_column(TABLE, "value")
}

/// A chat, before its messages are known.
struct Chat {
    talk: Talk,
    /// Ids of its messages, in their order.
    order: Vec<String>,
    unfinished: HashSet<String>,
}

/// Reads all chats.
pub(in super::super) fn survey(source: &Source<'_>, database: &ForeignDatabase) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::Cursor);
    let mut chats: Vec<Chat> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut other = 0;
    let mut flaws = Flaws::default();
    let read = database.read(TABLE, &["key", "value"], &mut |row| {
        let key = row.text("key").unwrap_or_default();
        if let Some(id) = key.strip_prefix("composerData:") {
            match value(row, &mut flaws)
                .as_ref()
                .and_then(|found| chat(id, found))
            {
                Some(chat) => {
                    places.insert(id.to_owned(), chats.len());
                    chats.push(chat);
                }
                None if is_null(row) => other += 1,
                None => survey.refuse("chat", "unreadable", 1),
            }
        } else if !key.starts_with("bubbleId:") {
            other += 1;
        }
    })?;
    survey.note(read);
    flaws += messages(database, &mut chats, &mut places, &mut survey)?;
    json::tell(flaws, TABLE, &mut survey);
    for chat in chats {
        let talk = in_order(chat, &mut survey);
        if talk.messages.is_empty() {
            survey.left_out.add("chat", "no_message", 1);
        }
        add(source, &talk, &mut survey);
    }
    panel(source, database, &mut survey)?;
    survey.left_out.add(TABLE, "no_message", other);
    Ok(survey)
}

/// Reads the messages that lie under keys of their own, into their chats.
fn messages(
    database: &ForeignDatabase,
    chats: &mut Vec<Chat>,
    places: &mut HashMap<String, usize>,
    survey: &mut Survey,
) -> Result<Flaws> {
    let mut flaws = Flaws::default();
    let read = database.read(TABLE, &["key", "value"], &mut |row| {
        let key = row.text("key").unwrap_or_default();
        let Some((id, message)) = key
            .strip_prefix("bubbleId:")
            .and_then(|rest| rest.split_once(':'))
        else {
            return;
        };
        let found = value(row, &mut flaws);
        let Some(said) = found.as_ref().and_then(|found| said(message, found)) else {
            if is_null(row) {
                survey.left_out.add("message", "no_text", 1);
            } else {
                survey.refuse("message", "unreadable", 1);
            }
            return;
        };
        // A message whose chat is gone is a memory all the same.
        let place = *places.entry(id.to_owned()).or_insert(chats.len());
        if place == chats.len() {
            chats.push(Chat {
                talk: Talk::new(ImportKind::Cursor, id),
                order: Vec::new(),
                unfinished: HashSet::new(),
            });
        }
        if let Some(chat) = chats.get_mut(place) {
            chat.talk.messages.push(said);
        }
    })?;
    survey.note(read);
    Ok(flaws)
}

/// Puts the messages of a chat into their order; those that it does not name stand behind.
fn in_order(chat: Chat, survey: &mut Survey) -> Talk {
    let Chat {
        mut talk,
        order,
        unfinished,
    } = chat;
    let places: HashMap<&str, usize> = order
        .iter()
        .enumerate()
        .map(|(place, id)| (id.as_str(), place))
        .collect();
    // A message may lie in the chat and under a key of its own.
    let mut seen: HashSet<String> = HashSet::new();
    talk.messages.retain(|said| seen.insert(said.id.clone()));
    let count = talk.messages.len();
    talk.messages.retain(|said| !unfinished.contains(&said.id));
    let left = count - talk.messages.len();
    survey.left_out.add("message", "unfinished", left as u64);
    talk.messages
        .sort_by_key(|said| places.get(said.id.as_str()).copied().unwrap_or(usize::MAX));
    let here: HashSet<&str> = talk.messages.iter().map(|said| said.id.as_str()).collect();
    let missing = order
        .iter()
        .filter(|id| !here.contains(id.as_str()) && !unfinished.contains(*id))
        .count();
    if missing > 0 {
        survey.refuse("message", "missing", missing as u64);
    }
    talk
}

fn chat(id: &str, found: &Value) -> Option<Chat> {
    let found = found.as_object()?;
    let list = |name: &str| found.get(name).and_then(Value::as_array);
    let mut talk = Talk::new(ImportKind::Cursor, id);
    let name = found.get("name").and_then(Value::as_str);
    talk.title = name.filter(|name| !name.is_empty()).map(str::to_owned);
    talk.time = found.get("createdAt").and_then(moment);
    talk.fact("mode", found.get("unifiedMode").and_then(Value::as_str));
    let ids = |name: &str| -> Vec<String> {
        let headers = list(name).into_iter().flatten();
        headers
            .filter_map(|header| header.get("bubbleId").unwrap_or(header).as_str())
            .map(str::to_owned)
            .collect()
    };
    let mut order = ids("fullConversationHeadersOnly");
    let within = list("conversation").into_iter().flatten();
    let mapped = found
        .get("conversationMap")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|map| map.values());
    let held: Vec<Said> = within
        .chain(mapped)
        .enumerate()
        .filter_map(|(place, message)| {
            let own = message.get("bubbleId").and_then(Value::as_str);
            let own = own.map_or_else(|| format!("{id}:{place}"), str::to_owned);
            said(&own, message)
        })
        .collect();
    for said in held {
        if !order.contains(&said.id) {
            order.push(said.id.clone());
        }
        talk.messages.push(said);
    }
    Some(Chat {
        talk,
        order,
        unfinished: ids("generatingBubbleIds").into_iter().collect(),
    })
}

/// Reads a message; none when it is no message.
fn said(id: &str, message: &Value) -> Option<Said> {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    let sort = message.get("type")?;
    let role = match (sort.as_i64(), sort.as_str()) {
        (Some(1), _) | (_, Some("user")) => "user",
        (Some(2), _) | (_, Some("ai")) => "assistant",
        _ => return None,
    };
    let mut parts: Vec<String> = Vec::new();
    let thought = message
        .get("thinking")
        .and_then(|thought| thought.get("text"))
        .and_then(Value::as_str);
    parts.extend(
        thought
            .filter(|thought| !thought.trim().is_empty())
            .map(|thought| format!("[thinking]\n{thought}")),
    );
    let plain = text("text").or_else(|| text("rawText")).unwrap_or_default();
    parts.extend((!plain.trim().is_empty()).then(|| plain.to_owned()));
    parts.extend(message.get("toolFormerData").and_then(call));
    let is_converted = parts.len() > 1 || plain.trim().is_empty();
    Some(Said {
        id: id.to_owned(),
        text: parts.join("\n\n"),
        role: Some(role.to_owned()),
        time: message.get("createdAt").and_then(moment),
        reply_to: None,
        is_converted,
    })
}

/// Returns a call of a tool with its result, verbatim.
fn call(call: &Value) -> Option<String> {
    let name = call.get("name").and_then(Value::as_str)?;
    let verbatim = |names: [&str; 2]| {
        names
            .iter()
            .find_map(|name| call.get(name).filter(|value| !value.is_null()))
            .map(|value| {
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            })
            .filter(|text| !text.is_empty())
    };
    let mut said = format!("[call of {name}]");
    if let Some(arguments) = verbatim(["rawArgs", "params"]) {
        said.push('\n');
        said.push_str(&arguments);
    }
    if let Some(result) = verbatim(["result", "error"]) {
        said.push_str("\n\n[result]\n");
        said.push_str(&result);
    }
    Some(said)
}

/// Reads the oldest chats: tabs of one panel.
fn panel(source: &Source<'_>, database: &ForeignDatabase, survey: &mut Survey) -> Result<()> {
    let mut talks: Vec<Talk> = Vec::new();
    let mut is_damaged = false;
    let mut flaws = Flaws::default();
    let has = |column| database.has_column(ITEMS, column);
    if database.has_table(ITEMS) && !(has("key") && has("value")) {
        survey.incomplete(format!(
            "the table {ITEMS} has no key or no value: chats in it cannot be read"
        ));
    }
    let read = database.read(ITEMS, &["key", "value"], &mut |row| {
        if row.text("key") != Some(PANEL) {
            return;
        }
        let found = value(row, &mut flaws);
        let tabs = found
            .as_ref()
            .and_then(|found| found.get("tabs")?.as_array());
        is_damaged |= tabs.is_none();
        for (place, tab) in tabs.into_iter().flatten().enumerate() {
            let text = |name: &str| tab.get(name).and_then(Value::as_str);
            let id = text("tabId").map_or_else(|| format!("tab:{place}"), str::to_owned);
            let mut talk = Talk::new(ImportKind::Cursor, id);
            talk.title = text("chatTitle").map(str::to_owned);
            talk.time = tab.get("lastSendTime").and_then(moment);
            let list = tab.get("bubbles").and_then(Value::as_array);
            is_damaged |= list.is_none();
            for (number, message) in list.into_iter().flatten().enumerate() {
                let id = message.get("id").and_then(Value::as_str);
                let id = id.map_or_else(|| format!("{}:{number}", talk.session), str::to_owned);
                match said(&id, message) {
                    Some(said) => talk.messages.push(said),
                    None => survey.refuse("message", "unreadable", 1),
                }
            }
            talks.push(talk);
        }
    })?;
    survey.note(read);
    json::tell(flaws, ITEMS, survey);
    if is_damaged {
        survey.refuse("chat", "unreadable", 1);
    }
    for talk in talks {
        add(source, &talk, survey);
    }
    Ok(())
}

/// Reads the JSON of a row, which is a text or bytes; none when it is damaged.
fn value(row: &ForeignRow<'_>, flaws: &mut Flaws) -> Option<Value> {
    let (parsed, is_lossy) = match row.value("value") {
        ForeignValue::Text(text, is_lossy) => (json::parse(text.as_bytes()), *is_lossy),
        ForeignValue::Blob(bytes) => (json::parse(bytes), false),
        ForeignValue::Null | ForeignValue::Integer(_) | ForeignValue::Real(_) => return None,
    };
    let parsed = parsed.ok().filter(|parsed| parsed.flaws.lost == 0)?;
    *flaws += parsed.flaws;
    flaws.mended.bytes += u64::from(is_lossy);
    Some(parsed.value)
}

/// Returns whether a row was emptied, as Cursor does with what was deleted.
fn is_null(row: &ForeignRow<'_>) -> bool {
    matches!(row.value("value"), ForeignValue::Null)
}

/// Reads RFC 3339, or milliseconds since 1970.
fn moment(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => time(text),
        Value::Number(number) => number.as_i64().map(Timestamp),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
