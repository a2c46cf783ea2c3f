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
    let parts = content.get("parts").and_then(Value::as_array);
    let mut is_converted = false;
    let text = match parts {
        Some(parts) => {
            let texts: Vec<String> = parts
                .iter()
                .map(|part| {
                    part.as_str().map_or_else(
                        || {
                            is_converted = true;
                            let kind = part.get("content_type").and_then(Value::as_str);
                            format!("[{}]", kind.unwrap_or("attachment"))
                        },
                        str::to_owned,
                    )
                })
                .collect();
            texts.join("\n\n")
        }
        // Code and results of tools have a text.
        None => content.get("text")?.as_str()?.to_owned(),
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
