//! What a message holds, as text: words, calls of tools, their results, documents.
//!
//! Written after the content blocks of the APIs of Anthropic and OpenAI, which logs keep as they are. What is more than
//! words stands verbatim below a line that names it; of a block of an unknown sort the text, or its JSON. What is
//! deliberately not here: bytes of pictures and recordings, and what only the service can read. That they were there
//! is said.

use serde_json::{Map, Value};

/// Sorts of blocks that hold bytes, or nothing that was said.
const WITHOUT_TEXT: &[&str] = &[
    "image",
    "image_url",
    "input_image",
    "audio",
    "input_audio",
    "redacted_thinking",
    "token_budget",
];
/// What only the service that wrote it can read.
const SEALED: &[&str] = &["encrypted_content", "encrypted_index", "signature"];

/// Returns the text of a content: a text, or blocks of text, calls and results; and whether it is more than text.
pub(super) fn content(value: &Value) -> (String, bool) {
    let blocks = match value {
        Value::String(text) => return (text.clone(), false),
        Value::Array(blocks) => blocks.as_slice(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {
            std::slice::from_ref(value)
        }
    };
    let mut parts = Vec::new();
    let mut is_converted = false;
    for block in blocks {
        let (part, is_text) = block_text(block);
        is_converted |= !is_text;
        if !part.trim().is_empty() {
            parts.push(part);
        }
    }
    (parts.join("\n\n"), is_converted || parts.len() > 1)
}

/// Returns a text as it is, and anything else as JSON; nothing of what is not there.
pub(super) fn verbatim(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// Returns the text of one block, and whether it is nothing but text.
fn block_text(block: &Value) -> (String, bool) {
    let Some(fields) = block.as_object() else {
        return (verbatim(Some(block)), block.is_string() || block.is_null());
    };
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let Some(sort) = text("type") else {
        let plain = text("text").map(str::to_owned);
        let is_text = plain.is_some();
        return (plain.unwrap_or_else(|| rest(fields)), is_text);
    };
    let body = match sort {
        "text" | "input_text" | "output_text" => return (verbatim(fields.get("text")), true),
        "thinking" => verbatim(fields.get("thinking")),
        "tool_use" | "server_tool_use" | "mcp_tool_use" => {
            let name = text("name").unwrap_or("tool");
            let input = verbatim(fields.get("input"));
            return (format!("[call of {name}]\n{input}"), false);
        }
        "document" => document(fields),
        sort if sort == "tool_result" || sort.ends_with("_tool_result") => {
            let inner = content(fields.get("content").unwrap_or(&Value::Null)).0;
            return (format!("[result]\n{inner}"), false);
        }
        sort if WITHOUT_TEXT.contains(&sort) => String::new(),
        _ => of_unknown(fields),
    };
    // A thought stands below its name even when it is empty, as it always did.
    if body.is_empty() && sort != "thinking" {
        return (format!("[{sort}]"), false);
    }
    (format!("[{sort}]\n{body}"), false)
}

/// Returns what a document is called and says; one in bytes only the first.
fn document(fields: &Map<String, Value>) -> String {
    let source = fields.get("source").unwrap_or(&Value::Null);
    let of_source = |name: &str| source.get(name).unwrap_or(&Value::Null);
    let said = match of_source("type").as_str() {
        Some("text") => verbatim(source.get("data")),
        Some("content") => content(of_source("content")).0,
        Some("url") => verbatim(source.get("url")),
        _ => String::new(),
    };
    let title = verbatim(fields.get("title"));
    let about = verbatim(fields.get("context"));
    let mut parts = vec![title, about, said];
    parts.retain(|part| !part.trim().is_empty());
    parts.join("\n\n")
}

/// Returns the text of a block whose sort is not known.
fn of_unknown(fields: &Map<String, Value>) -> String {
    let title = verbatim(fields.get("title"));
    let said = match (fields.get("text"), fields.get("content")) {
        (Some(Value::String(text)), _) => text.clone(),
        (_, Some(inner @ (Value::String(_) | Value::Array(_)))) => content(inner).0,
        _ => return rest(fields),
    };
    if title.trim().is_empty() {
        said
    } else {
        format!("{title}\n\n{said}")
    }
}

/// Returns the fields of a block beside its sort as JSON, without what nobody can read; nothing when none is left.
fn rest(fields: &Map<String, Value>) -> String {
    let left: Map<String, Value> = fields
        .iter()
        .filter(|(name, value)| *name != "type" && !value.is_null() && !is_sealed(name, value))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if left.is_empty() {
        return String::new();
    }
    Value::Object(left).to_string()
}

/// Returns whether a field holds bytes, or what only the service can read.
fn is_sealed(name: &str, value: &Value) -> bool {
    let is_bytes = value.get("type").and_then(Value::as_str) == Some("base64");
    is_bytes || SEALED.contains(&name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn calls_and_results_are_kept_verbatim_and_named() {
        let plain = content(&json!([{"type": "text", "text": "Hello."}]));
        assert_eq!(plain, ("Hello.".to_owned(), false));
        let (text, is_converted) = content(&json!([
            {"type": "text", "text": "Look:"},
            {"type": "tool_use", "name": "Bash", "input": {"command": "ls -l"}},
            {"type": "tool_result", "content": [{"type": "text", "text": "a.md"}]},
            {"type": "image", "source": {}},
        ]));
        assert_eq!(
            text,
            "Look:\n\n[call of Bash]\n{\"command\":\"ls -l\"}\n\n[result]\na.md\n\n[image]"
        );
        assert!(is_converted);
        assert_eq!(content(&json!(null)), (String::new(), false));
    }

    #[test]
    fn no_text_of_a_block_is_lost_for_its_shape() {
        for (block, wanted) in [
            (
                json!({"type": "tool_result", "content": {"rows": 3}}),
                "[result]\n{\"rows\":3}",
            ),
            (
                json!({"type": "tool_result", "content": [{"text": "a"}, {"k": "v"}, "b", 7, null]}),
                "[result]\na\n\n{\"k\":\"v\"}\n\nb\n\n7",
            ),
            (
                json!({"type": "tool_result", "content": [
                    {"type": "document", "source": {"type": "text", "data": "Of the plan."}}]}),
                "[result]\n[document]\nOf the plan.",
            ),
            (
                json!({"type": "document", "title": "Plan", "source": {"type": "content", "content": "Sow."}}),
                "[document]\nPlan\n\nSow.",
            ),
            (
                json!({"type": "document", "source": {"type": "base64", "data": "AAAA"}}),
                "[document]",
            ),
            (
                json!({"type": "server_tool_use", "name": "web_search", "input": {"query": "tea"}}),
                "[call of web_search]\n{\"query\":\"tea\"}",
            ),
            (
                json!({"type": "web_search_tool_result", "content": [
                    {"type": "web_search_result", "title": "Tea", "encrypted_content": "AAAA"}]}),
                "[result]\n[web_search_result]\n{\"title\":\"Tea\"}",
            ),
            (
                json!({"type": "voice_note", "title": "Note", "text": "Buy tea."}),
                "[voice_note]\nNote\n\nBuy tea.",
            ),
            (
                json!({"type": "of_the_future", "source": {"type": "base64", "data": "AAAA"}, "a": null}),
                "[of_the_future]",
            ),
        ] {
            assert_eq!(content(&json!([block])), (wanted.to_owned(), true));
        }
        let object = content(&json!({"text": "Bare."}));
        assert_eq!(object, ("Bare.".to_owned(), false));
    }
}
