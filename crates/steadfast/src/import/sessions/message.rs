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
    let namespace = namespace(source.options);
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
