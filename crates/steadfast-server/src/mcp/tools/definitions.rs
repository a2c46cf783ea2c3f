//! What a client is told about the tools.
//!
//! All of it goes into the context of a model, so it is short: the schemas name
//! types and leave out what the names say. Invariant: the definitions of the
//! default set stay below [`DEFINITIONS_BYTES_MAX`].

use std::sync::Arc;

use rmcp::model::{JsonObject, Tool, ToolAnnotations};
use serde_json::{Value, json};

use super::{Toolset, further};

/// The most bytes of the default set as JSON: 2,000 tokens at 3.3 bytes each, which JSON rarely exceeds.
#[cfg(test)]
const DEFINITIONS_BYTES_MAX: usize = 6_600;

/// The most tools of the default set.
#[cfg(test)]
const TOOLS_MAX: usize = 8;

/// What calling a tool can do.
#[derive(Clone, Copy)]
pub(super) enum Effect {
    Reads,
    Adds,
    /// Changes what is there, and again when it is called again.
    Edits,
    TakesAway,
}

/// Returns the tools in the order in which they are listed.
pub(in crate::mcp) fn definitions(tools: Toolset) -> Vec<Tool> {
    let own = || vec![search(), get(), remember(), forget(), recent(), status()];
    match tools {
        Toolset::Default => own(),
        Toolset::Full => {
            let mut all = own();
            all.extend(further::all());
            all
        }
        Toolset::Chatgpt => further::chatgpt(),
    }
}

fn search() -> Tool {
    let mut properties = filters();
    extend(
        &mut properties,
        json!({
            "query": {"type": "string", "description": "Words or a question. Also: \"exact phrase\", -without, tag:T, since:DATE"},
            "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
            "mode": {"enum": ["hybrid", "text", "vector"]},
            "neighbours": {"type": "integer", "description": "Chunks around each hit"},
            "cursor": text(),
            "min_score": {"type": "number"},
            "as_of": {"type": "string", "description": "As the store was: time or seq:N"},
        }),
    );
    tool(
        ("search", "Search memory"),
        "Search the long-term memory (notes, files, past conversations) by words and meaning. \
         Use it before answering about earlier decisions, preferences, people or project history. \
         Gives snippets with ids, and says what was searched; `get` gives whole texts.",
        json!({"type": "object", "properties": properties, "required": ["query"]}),
        &json!({"hits": list(), "coverage": object(), "cursor": nullable("string"), "elapsed_ms": {"type": "number"}}),
        Effect::Reads,
    )
}

fn get() -> Tool {
    tool(
        ("get", "Read memories"),
        "Read whole memories by id, with their neighbours in the same file or conversation.",
        json!({
            "type": "object",
            "properties": {
                "ids": texts(),
                "neighbours": {"type": "integer", "minimum": 0, "maximum": 100},
            },
            "required": ["ids"],
        }),
        &json!({"chunks": list()}),
        Effect::Reads,
    )
}

fn remember() -> Tool {
    tool(
        ("remember", "Remember"),
        "Keep a fact, decision or preference for later sessions. One self-contained statement; \
         the same text again changes nothing. Secrets are taken out.",
        json!({
            "type": "object",
            "properties": {
                "text": text(),
                "title": text(),
                "tag": texts(),
                "namespace": text(),
                "source": text(),
                "meta": object(),
                "time": {"type": "string", "description": "When it was; RFC 3339 or date"},
                "valid_from": text(),
                "valid_to": text(),
                "idempotency_key": text(),
            },
            "required": ["text"],
        }),
        &json!({"id": text(), "seq": integer(), "outcome": text(), "redactions": integer()}),
        Effect::Adds,
    )
}

fn forget() -> Tool {
    tool(
        ("forget", "Forget"),
        "Delete memories for good. Selectors combine by AND. The user is asked; where that cannot \
         be, the answer is a plan with a confirm_token: show it, and call again with the token \
         after a yes.",
        json!({
            "type": "object",
            "properties": {
                "ids": texts(),
                "source": {"type": "array", "items": text(), "description": "Globs"},
                "namespace": texts(),
                "tag": texts(),
                "confirm_token": text(),
            },
        }),
        &json!({"plan": object(), "seq": nullable("integer"), "forgotten": integer(), "confirm_token": text()}),
        Effect::TakesAway,
    )
}

fn recent() -> Tool {
    let mut properties = filters();
    extend(
        &mut properties,
        json!({"limit": {"type": "integer", "minimum": 1, "maximum": 1000}, "cursor": text()}),
    );
    tool(
        ("recent", "Recent memories"),
        "List what came into memory last, newest first.",
        json!({"type": "object", "properties": properties}),
        &json!({"chunks": list(), "cursor": nullable("string"), "total": integer()}),
        Effect::Reads,
    )
}

fn status() -> Tool {
    tool(
        ("status", "Memory status"),
        "Say how much memory there is, and whether anything is wrong with it.",
        json!({"type": "object", "properties": {}}),
        &json!({"store": text(), "generation": integer(), "chunks": integer(), "sources": integer(), "indexes": list(), "problems": list()}),
        Effect::Reads,
    )
}

/// The filters that search and recent share.
fn filters() -> JsonObject {
    fields(json!({
        "in": {"type": "array", "items": text(), "description": "Files or folders"},
        "namespace": texts(),
        "source": {"type": "array", "items": text(), "description": "Globs"},
        "tag": texts(),
        "kind": {"type": "array", "items": {"enum": ["text", "markdown", "code", "data", "message", "note"]}},
        "since": {"type": "string", "description": "RFC 3339 or date"},
        "until": text(),
        "valid_at": {"type": "string", "description": "Time or all"},
        "where": {"type": "object", "description": "On metadata: {\"year\": {\"$gte\": 2024}}"},
    }))
}

pub(super) fn tool(
    (name, title): (&'static str, &'static str),
    description: &'static str,
    input: Value,
    output: &Value,
    effect: Effect,
) -> Tool {
    let (reads, takes_away) = match effect {
        Effect::Reads => (true, None),
        Effect::Adds => (false, Some(false)),
        Effect::Edits | Effect::TakesAway => (false, Some(true)),
    };
    // What is required is left open: the object of an error comes the same way.
    let output = fields(json!({"type": "object", "properties": output}));
    let idempotent = (!reads).then_some(!matches!(effect, Effect::Edits));
    let annotations =
        ToolAnnotations::from_raw(None, Some(reads), takes_away, idempotent, Some(false));
    Tool::new(name, description, Arc::new(fields(input)))
        .with_title(title)
        .with_raw_output_schema(Arc::new(output))
        .with_annotations(annotations)
}

fn fields(value: Value) -> JsonObject {
    if let Value::Object(fields) = value {
        fields
    } else {
        JsonObject::new()
    }
}

fn extend(properties: &mut JsonObject, further: Value) {
    properties.extend(fields(further));
}

pub(super) fn text() -> Value {
    json!({"type": "string"})
}

pub(super) fn texts() -> Value {
    json!({"type": "array", "items": {"type": "string"}})
}

pub(super) fn integer() -> Value {
    json!({"type": "integer"})
}

pub(super) fn object() -> Value {
    json!({"type": "object"})
}

pub(super) fn list() -> Value {
    json!({"type": "array", "items": {"type": "object"}})
}

pub(super) fn nullable(kind: &str) -> Value {
    json!({"type": [kind, "null"]})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_fit_into_a_context() {
        let tools = definitions(Toolset::Default);
        let bytes = serde_json::to_string(&tools).unwrap().len();
        assert!(bytes <= DEFINITIONS_BYTES_MAX, "{bytes} bytes");
        assert!(tools.len() <= TOOLS_MAX, "{} tools", tools.len());
    }

    #[test]
    fn every_tool_says_what_it_takes_gives_and_does() {
        let sets = [Toolset::Full, Toolset::Chatgpt];
        for tool in sets.into_iter().flat_map(definitions) {
            let tool = serde_json::to_value(tool).unwrap();
            let name = &tool["name"];
            assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
            assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
            assert!(tool["title"].is_string(), "{name}");
            assert!(tool["annotations"]["readOnlyHint"].is_boolean(), "{name}");
            assert_eq!(tool["annotations"]["openWorldHint"], false, "{name}");
        }
    }
}
