//! Exports of ChatGPT and Claude.ai: `conversations.json`, all chats in one list.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use steadfast_model::Timestamp;

use super::super::ImportKind;
use super::super::survey::Survey;
use super::super::times::{of_value, time};
use super::content::content;
use super::message::{Said, Talk};

/// Tells whose export it is, by a chat.
pub(super) fn kind_of(chat: &Value) -> Option<ImportKind> {
    if chat.get("mapping").is_some_and(Value::is_object) {
        Some(ImportKind::ChatGpt)
    } else if chat.get("chat_messages").is_some_and(Value::is_array) {
        Some(ImportKind::ClaudeAi)
    } else {
        None
    }
}

/// Reads a chat, the one at a place of its list; none when it is no chat.
pub(super) fn read(
    kind: ImportKind,
    chat: &Value,
    place: usize,
    survey: &mut Survey,
) -> Option<Talk> {
    if kind == ImportKind::ChatGpt {
        chat_gpt(chat, place, survey)
    } else {
        claude_ai(chat, place)
    }
}

fn claude_ai(chat: &Value, place: usize) -> Option<Talk> {
    let text = |name: &str| chat.get(name).and_then(Value::as_str);
    let id = text("uuid").map_or_else(|| format!("chat:{place}"), str::to_owned);
    let mut talk = Talk::new(ImportKind::ClaudeAi, id);
    talk.title = text("name")
        .filter(|name| !name.is_empty())
        .map(str::to_owned);
    talk.time = text("created_at").and_then(time);
    for (number, message) in chat.get("chat_messages")?.as_array()?.iter().enumerate() {
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        let (blocks, is_converted) = content(message.get("content").unwrap_or(&Value::Null));
        // Older exports have the text alone.
        let (said, is_converted) = if blocks.trim().is_empty() {
            (text("text").unwrap_or_default().to_owned(), false)
        } else {
            (blocks, is_converted)
        };
        let (said, is_converted) = match attached(message) {
            attached if attached.is_empty() => (said, is_converted),
            attached if said.trim().is_empty() => (attached, true),
            attached => (format!("{said}\n\n{attached}"), true),
        };
        let role = match text("sender") {
            Some("human") => "user",
            other => other.unwrap_or("assistant"),
        };
        talk.messages.push(Said {
            id: text("uuid").map_or_else(|| format!("{}:{number}", talk.session), str::to_owned),
            text: said,
            role: Some(role.to_owned()),
            time: text("created_at").and_then(time),
            reply_to: None,
            is_converted,
        });
    }
    Some(talk)
}

/// Returns the texts of files that were attached, each below the name of its file.
fn attached(message: &Value) -> String {
    let files = message.get("attachments").and_then(Value::as_array);
    let texts = files.into_iter().flatten().filter_map(|file| {
        let text = |name: &str| file.get(name).and_then(Value::as_str);
        let said = text("extracted_content").filter(|said| !said.trim().is_empty())?;
        let name = text("file_name").unwrap_or("file");
        Some(format!("[file: {name}]\n{said}"))
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// A chat is a tree of messages: what was answered anew has several branches. All of them come in, the branch that
/// was shown last in its order, the others behind it.
fn chat_gpt(chat: &Value, place: usize, survey: &mut Survey) -> Option<Talk> {
    let text = |name: &str| chat.get(name).and_then(Value::as_str);
    let id = text("conversation_id")
        .or_else(|| text("id"))
        .map_or_else(|| format!("chat:{place}"), str::to_owned);
    let mut talk = Talk::new(ImportKind::ChatGpt, id);
    talk.title = text("title")
        .filter(|title| !title.is_empty())
        .map(str::to_owned);
    talk.time = chat.get("create_time").and_then(of_value);
    let nodes = chat.get("mapping")?.as_object()?;
    let mut shown: Vec<&str> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    let mut node = text("current_node");
    // A parent that was seen already ends a chain that goes in a circle.
    while let Some((id, found)) = node.and_then(|id| nodes.get_key_value(id)) {
        if !seen.insert(id) {
            break;
        }
        shown.push(id);
        node = found.get("parent").and_then(Value::as_str);
    }
    shown.reverse();
    let mut others: Vec<&str> = nodes.keys().map(String::as_str).collect();
    others.retain(|id| !seen.contains(id));
    let times: HashMap<&str, Option<Timestamp>> = others
        .iter()
        .map(|id| (*id, nodes.get(*id).and_then(sent_at)))
        .collect();
    others.sort_by_key(|id| (times.get(id).copied().flatten(), *id));
    let nodes_count = nodes.len();
    for id in shown.into_iter().chain(others) {
        talk.messages
            .extend(nodes.get(id).and_then(|node| said(id, node)));
    }
    // Frames without text, such as the root and hidden instructions.
    let empty = nodes_count.saturating_sub(talk.messages.len());
    survey.left_out.add("message", "no_text", empty as u64);
    Some(talk)
}

fn sent_at(node: &Value) -> Option<Timestamp> {
    of_value(node.get("message")?.get("create_time")?)
}

fn said(id: &str, node: &Value) -> Option<Said> {
    let message = node.get("message").filter(|message| message.is_object())?;
    let content = message.get("content")?;
    let (text, is_converted) = match content.get("parts").and_then(Value::as_array) {
        Some(parts) => {
            let texts: Vec<String> = parts.iter().map(part).collect();
            (texts.join("\n\n"), !parts.iter().all(Value::is_string))
        }
        None => bare(content),
    };
    // Frames without text, such as those of hidden instructions, are no messages.
    if text.trim().is_empty() {
        return None;
    }
    let role = message.get("author").and_then(|author| author.get("role"));
    Some(Said {
        id: id.to_owned(),
        text,
        role: role.and_then(Value::as_str).map(str::to_owned),
        time: sent_at(node),
        reply_to: node
            .get("parent")
            .and_then(Value::as_str)
            .map(str::to_owned),
        is_converted,
    })
}

/// Returns the text of a part; of a picture or a recording, what it is.
fn part(part: &Value) -> String {
    let text = |name: &str| part.get(name).and_then(Value::as_str);
    // What was spoken stands beside the recording.
    part.as_str().or_else(|| text("text")).map_or_else(
        || format!("[{}]", text("content_type").unwrap_or("attachment")),
        str::to_owned,
    )
}

/// Returns the text of a content without parts, and whether it is more than a text.
fn bare(content: &Value) -> (String, bool) {
    let text = |name: &str| content.get(name).and_then(Value::as_str);
    // Code and results of tools have a text.
    if let Some(text) = text("text") {
        return (text.to_owned(), false);
    }
    let thoughts = content.get("thoughts").and_then(Value::as_array);
    let thoughts = thoughts.into_iter().flatten().map(|thought| {
        let said = ["summary", "content"].map(|name| thought.get(name).and_then(Value::as_str));
        let said: Vec<&str> = said.into_iter().flatten().collect();
        format!("[thinking]\n{}", said.join("\n"))
    });
    // What the user has said about himself, what a page holds, and how long was thought.
    let others = [
        "user_profile",
        "user_instructions",
        "result",
        "summary",
        "content",
    ];
    let others = others.into_iter().filter_map(text).map(str::to_owned);
    let mut parts: Vec<String> = thoughts.chain(others).collect();
    parts.retain(|part| !part.trim().is_empty());
    (parts.join("\n\n"), true)
}
