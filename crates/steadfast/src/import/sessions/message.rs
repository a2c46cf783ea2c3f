//! Messages of a session become rows of a document.

use serde_json::Value;
use steadfast_model::{Kind, Metadata, Timestamp};

use super::super::survey::{Survey, UnitRow, namespace};
use super::super::{ImportKind, Source};
use crate::ingest::chunk::{ChunkLimits, chunk};

/// A session, in the words of all logs.
#[derive(Clone, Debug)]
pub(super) struct Talk {
    pub(super) kind: ImportKind,
    /// What makes it the same as another.
    pub(super) session: String,
    pub(super) title: Option<String>,
    pub(super) time: Option<Timestamp>,
    /// What is known of the session as a whole, kept under `origin.`.
    pub(super) facts: Metadata,
    /// Messages that came before these and are in the store.
    pub(super) before: usize,
    pub(super) messages: Vec<Said>,
}

/// A message.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) role: Option<String>,
    pub(super) time: Option<Timestamp>,
    pub(super) reply_to: Option<String>,
    /// It holds more than what was said, such as a call of a tool.
    pub(super) is_converted: bool,
}

impl Talk {
    pub(super) fn new(kind: ImportKind, session: impl Into<String>) -> Self {
        Self {
            kind,
            session: session.into(),
            title: None,
            time: None,
            facts: Metadata::new(),
            before: 0,
            messages: Vec::new(),
        }
    }

    /// Returns the source that its messages have.
    pub(super) fn document(&self) -> String {
        format!("{}:{}", self.kind, self.session)
    }

    /// Keeps a fact of the session, the first time it is told.
    pub(super) fn fact(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.facts
                .entry(name.to_owned())
                .or_insert_with(|| Value::from(value));
        }
    }
}

/// Adds a session to the survey; messages without text are not memories.
pub(super) fn add(source: &Source<'_>, talk: &Talk, survey: &mut Survey) {
    let document = talk.document();
    let namespace = namespace(source.options, None);
    let mut empty = 0;
    for (number, said) in talk.messages.iter().enumerate() {
        let spans = chunk(&said.text, Kind::Note, &ChunkLimits::default()).spans;
        if spans.is_empty() {
            empty += 1;
        }
        for (piece, span) in spans.into_iter().enumerate() {
            let text = said.text.get(span.range.clone()).unwrap_or_default();
            let id = match piece {
                0 => said.id.clone(),
                _ => format!("{}#{}", said.id, piece + 1),
            };
            let mut row = UnitRow::new(talk.kind, id, text);
            let line = i64::try_from(talk.before + number + 1).ok();
            row.lines(line, line);
            row.place.start_byte = span.range.start as u64;
            row.place.end_byte = span.range.end as u64;
            row.place.fidelity.converted = said.is_converted;
            row.attributes.kind = Kind::Message;
            row.attributes.title.clone_from(&talk.title);
            row.attributes.document_time = said.time.or(talk.time);
            for (name, value) in [
                ("role", said.role.as_deref()),
                ("message_id", Some(said.id.as_str())),
                ("reply_to", said.reply_to.as_deref()),
            ] {
                row.keep(name, value.map_or(Value::Null, Value::from));
            }
            row.origin("session", talk.session.as_str());
            for (name, value) in &talk.facts {
                row.origin(name, value.clone());
            }
            survey.add(namespace.clone(), document.clone(), row);
        }
    }
    survey.left_out.add("message", "no_text", empty);
}

/// Returns the text of a content as the APIs of models have it: a text, or blocks of text, calls and results.
pub(super) fn content(value: &Value) -> (String, bool) {
    let Some(blocks) = value.as_array() else {
        return (value.as_str().unwrap_or_default().to_owned(), false);
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

/// Returns the text of one block, and whether it is nothing but text.
fn block_text(block: &Value) -> (String, bool) {
    let text = |name: &str| block.get(name).and_then(Value::as_str);
    let verbatim = |name: &str| match block.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(value) => value.to_string(),
        None => String::new(),
    };
    match text("type") {
        None => (block.as_str().unwrap_or_default().to_owned(), true),
        Some("text" | "input_text" | "output_text") => {
            (text("text").unwrap_or_default().to_owned(), true)
        }
        Some("thinking") => (format!("[thinking]\n{}", verbatim("thinking")), false),
        Some("tool_use") => {
            let name = text("name").unwrap_or("tool");
            (format!("[call of {name}]\n{}", verbatim("input")), false)
        }
        Some("tool_result") => {
            let inner = block.get("content").unwrap_or(&Value::Null);
            (format!("[result]\n{}", content_of_result(inner)), false)
        }
        // Pictures and whatever comes later: that they were there is kept, their bytes are not.
        Some(other) => (format!("[{other}]"), false),
    }
}

/// Results hold texts and pictures, but no further results.
fn content_of_result(value: &Value) -> String {
    let Some(blocks) = value.as_array() else {
        return value.as_str().unwrap_or_default().to_owned();
    };
    let texts: Vec<&str> = blocks
        .iter()
        .filter_map(|block| block.get("text").and_then(Value::as_str))
        .collect();
    texts.join("\n\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn calls_and_results_are_kept_verbatim_and_named() {
        let plain = super::content(&json!([{"type": "text", "text": "Hello."}]));
        assert_eq!(plain, ("Hello.".to_owned(), false));
        let (text, is_converted) = super::content(&json!([
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
        assert_eq!(super::content(&json!(null)), (String::new(), false));
    }
}
