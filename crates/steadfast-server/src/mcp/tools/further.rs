//! What a client is told about the tools beyond the default set.

use rmcp::model::Tool;
use serde_json::json;

use super::definitions::{Effect, integer, list, nullable, object, text, texts, tool};

/// Returns the tools that the full set adds, in the order in which they are listed.
pub(super) fn all() -> Vec<Tool> {
    vec![index(), sources(), memory(), verify(), rebuild()]
}

/// Returns the tools of the set for `ChatGPT`.
pub(super) fn chatgpt() -> Vec<Tool> {
    let search = tool(
        ("search", "Search memory"),
        "Search the long-term memory of this user (notes, files, past conversations) by words and \
         meaning. Gives ids for fetch.",
        json!({"type": "object", "properties": {"query": text()}, "required": ["query"]}),
        &json!({"results": list(), "coverage": object()}),
        Effect::Reads,
    );
    let fetch = tool(
        ("fetch", "Read a memory"),
        "Read a memory by the id that search gave, with what stands around it.",
        json!({"type": "object", "properties": {"id": text()}, "required": ["id"]}),
        &json!({"id": text(), "title": text(), "text": text(), "url": text(), "metadata": object()}),
        Effect::Reads,
    );
    vec![search, fetch]
}

fn index() -> Tool {
    tool(
        ("index", "Index files"),
        "Bring files and folders of this machine into memory, and up to date.",
        json!({
            "type": "object",
            "properties": {
                "paths": texts(),
                "namespace": text(),
                "tag": texts(),
                "include": texts(),
                "exclude": texts(),
                "force": {"type": "boolean"},
            },
            "required": ["paths"],
        }),
        &json!({"seq": integer(), "files": object(), "chunks": object(), "skipped": list()}),
        Effect::Adds,
    )
}

fn sources() -> Tool {
    tool(
        ("sources", "List sources"),
        "List the files, notes and conversations in memory, with how many texts each has and when it came in.",
        json!({
            "type": "object",
            "properties": {
                "in": texts(),
                "namespace": texts(),
                "source": {"type": "array", "items": text(), "description": "Globs"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 1000},
                "cursor": text(),
            },
        }),
        &json!({"sources": list(), "cursor": nullable("string")}),
        Effect::Reads,
    )
}

fn memory() -> Tool {
    tool(
        ("memory", "Memory files"),
        "Keep files below /memories for later sessions: view (a file or directory), create, \
         str_replace, insert, delete, rename. The commands of the memory tool memory_20250818. \
         Files are searched too, and earlier versions stay in the history.",
        json!({
            "type": "object",
            "properties": {
                "command": {"enum": ["view", "create", "str_replace", "insert", "delete", "rename"]},
                "path": text(),
                "view_range": {"type": "array", "items": integer(), "minItems": 2, "maxItems": 2},
                "file_text": text(),
                "old_str": text(),
                "new_str": text(),
                "insert_line": integer(),
                "insert_text": text(),
                "old_path": text(),
                "new_path": text(),
            },
            "required": ["command"],
        }),
        &json!({"result": text(), "seq": nullable("integer"), "redactions": integer(), "trust": text(), "caution": nullable("string")}),
        Effect::Edits,
    )
}

fn verify() -> Tool {
    tool(
        ("verify", "Verify memory"),
        "Compare all that is stored with its hashes, and the indexes with it. Takes seconds on a large store.",
        json!({"type": "object", "properties": {}}),
        &json!({"ok": {"type": "boolean"}, "checked": object(), "findings": list()}),
        Effect::Reads,
    )
}

fn rebuild() -> Tool {
    tool(
        ("rebuild", "Rebuild indexes"),
        "Make the indexes anew from what is stored, when status or verify says that they are not sound.",
        json!({"type": "object", "properties": {"index": {"enum": ["text", "vector", "all"]}}}),
        &json!({"rebuilt": texts(), "elapsed_ms": {"type": "number"}}),
        Effect::Adds,
    )
}
