//! Sessions and working memory: small texts that people and agents wrote, as notes and messages.

use serde_json::Value;
use steadfast_model::Kind;
use steadfast_store::ForeignDatabase;

use super::super::survey::{Survey, UnitRow, json_value, namespace};
use super::super::times::time;
use super::super::{ImportKind, Source};
use crate::error::Result;

/// Reads the summaries of sessions, and their events.
pub(super) fn sessions(
    source: &Source<'_>,
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<()> {
    let columns = &[
        "id",
        "agent_id",
        "started_at",
        "ended_at",
        "summary",
        "metadata",
        "namespace",
    ];
    let mut namespaces = std::collections::HashMap::new();
    let mut unsaid = 0;
    let read = database.read("sessions", columns, &mut |row| {
        let id = row.text("id").unwrap_or_default();
        namespaces.insert(id.to_owned(), row.text("namespace").map(str::to_owned));
        let Some(summary) = row.text("summary").filter(|text| !text.trim().is_empty()) else {
            unsaid += 1;
            return;
        };
        let mut note = UnitRow::new(ImportKind::Memtomem, format!("session:{id}"), summary);
        note.attributes.kind = Kind::Note;
        note.attributes.document_time = row.text("started_at").and_then(time);
        for column in ["agent_id", "started_at", "ended_at"] {
            note.origin(column, row.text(column).map_or(Value::Null, Value::from));
        }
        note.origin("metadata", json_value(row.text("metadata")));
        let namespace = survey.namespace(source.options, row.text("namespace"));
        survey.add(namespace, "memtomem:sessions".to_owned(), note);
    })?;
    survey.note(read);
    survey.left_out.add("sessions", "no_summary", unsaid);
    let columns = &[
        "id",
        "session_id",
        "event_type",
        "content",
        "created_at",
        "metadata",
    ];
    let read = database.read("session_events", columns, &mut |row| {
        let session = row.text("session_id").unwrap_or_default();
        let id = row.integer("id").unwrap_or_else(|| row.number());
        let text = row.text("content").unwrap_or_default();
        let mut message = UnitRow::new(ImportKind::Memtomem, format!("event:{id}"), text);
        message.attributes.kind = Kind::Message;
        message.attributes.document_time = row.text("created_at").and_then(time);
        message.origin("session", session);
        message.origin(
            "event_type",
            row.text("event_type").map_or(Value::Null, Value::from),
        );
        message.origin("metadata", json_value(row.text("metadata")));
        let namespace = survey.namespace(
            source.options,
            namespaces.get(session).and_then(Option::as_deref),
        );
        survey.add(namespace, format!("memtomem:session:{session}"), message);
    })?;
    survey.note(read);
    Ok(())
}

/// Reads what agents keep for a while, with its end as the end of validity.
pub(super) fn working_memory(
    source: &Source<'_>,
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<()> {
    let columns = &["key", "value", "session_id", "created_at", "expires_at"];
    let read = database.read("working_memory", columns, &mut |row| {
        let key = row.text("key").unwrap_or_default();
        let text = row.text("value").unwrap_or_default();
        let mut note = UnitRow::new(ImportKind::Memtomem, format!("working:{key}"), text);
        note.attributes.kind = Kind::Note;
        note.attributes.title = Some(key.to_owned());
        note.attributes.document_time = row.text("created_at").and_then(time);
        note.attributes.valid_to = row.text("expires_at").and_then(time);
        note.origin(
            "session",
            row.text("session_id").map_or(Value::Null, Value::from),
        );
        let namespace = namespace(source.options);
        survey.add(namespace, "memtomem:working-memory".to_owned(), note);
    })?;
    survey.note(read);
    Ok(())
}
