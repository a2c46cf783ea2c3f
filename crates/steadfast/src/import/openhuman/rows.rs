//! Chunks and summaries of a memory tree, with what other tables say about them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};
use steadfast_model::{Kind, Timestamp};
use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use super::super::survey::{Survey, UnitRow, json_value, namespace, text_list};
use super::super::{ImportKind, Source};
use super::bodies::{Bodies, Body};
use crate::error::Result;

const CHUNKS: &[&str] = &[
    "id",
    "source_kind",
    "source_id",
    "path_scope",
    "source_ref",
    "owner",
    "timestamp_ms",
    "time_range_start_ms",
    "time_range_end_ms",
    "tags_json",
    "content",
    "token_count",
    "seq_in_source",
    "created_at_ms",
    "parent_summary_id",
    "lifecycle_status",
    "content_path",
    "content_sha256",
    "raw_refs_json",
];

/// What is kept of a chunk as it is, as metadata `origin.<column>`.
const KEPT: &[&str] = &[
    "source_kind",
    "source_id",
    "path_scope",
    "source_ref",
    "owner",
    "time_range_start_ms",
    "time_range_end_ms",
    "seq_in_source",
    "created_at_ms",
    "parent_summary_id",
    "lifecycle_status",
    "content_path",
    "content_sha256",
];

const SUMMARIES: &[&str] = &[
    "id",
    "tree_id",
    "tree_kind",
    "level",
    "parent_id",
    "child_ids_json",
    "content",
    "entities_json",
    "topics_json",
    "time_range_start_ms",
    "time_range_end_ms",
    "score",
    "sealed_at_ms",
    "deleted",
    "content_path",
    "content_sha256",
];

/// What is kept of a summary as it is.
const KEPT_OF_SUMMARY: &[&str] = &[
    "tree_id",
    "tree_kind",
    "level",
    "parent_id",
    "time_range_start_ms",
    "time_range_end_ms",
    "sealed_at_ms",
];

/// Reads the chunks.
pub(super) fn chunks(
    source: &Source<'_>,
    database: &ForeignDatabase,
    bodies: &mut Bodies,
    survey: &mut Survey,
) -> Result<()> {
    let entities = entities(database, survey)?;
    let scores = scores(database, survey)?;
    let mut found: BTreeMap<(String, i64, i64, String), UnitRow> = BTreeMap::new();
    let read = database.read("mem_tree_chunks", CHUNKS, &mut |row| {
        let id = id_of(row);
        let source_kind = row.text("source_kind").unwrap_or("chunk");
        let source_id = row.text("source_id").unwrap_or_default();
        let seq = row.integer("seq_in_source").unwrap_or(0);
        bodies.see(source_id, seq);
        let mut unit = with_body(row, &id, bodies);
        unit.attributes.kind = match source_kind {
            "chat" | "email" => Kind::Message,
            "document" => Kind::Markdown,
            _ => Kind::Text,
        };
        unit.attributes.title = Some(source_id.to_owned()).filter(|title| !title.is_empty());
        unit.attributes.tags = text_list(row.text("tags_json")).into_iter().collect();
        unit.attributes.document_time = row.integer("timestamp_ms").map(Timestamp);
        keep(&mut unit, row, KEPT);
        unit.origin("raw_refs", json_value(row.text("raw_refs_json")));
        unit.origin("entities", json!(entities.get(&id)));
        if let Some((score, dropped)) = scores.get(&id) {
            unit.origin("score", *score);
            unit.origin(
                "dropped",
                if *dropped {
                    Value::Bool(true)
                } else {
                    Value::Null
                },
            );
        }
        let document = format!("openhuman:{source_kind}:{source_id}");
        found.insert((document, seq, row.number(), id), unit);
    })?;
    survey.note(read);
    for ((document, ..), unit) in found {
        survey.add(namespace(source.options), document, unit);
    }
    Ok(())
}

/// Reads the summaries: a note each, in the document of its tree.
pub(super) fn summaries(
    source: &Source<'_>,
    database: &ForeignDatabase,
    bodies: &mut Bodies,
    survey: &mut Survey,
) -> Result<()> {
    let mut scopes: HashMap<String, String> = HashMap::new();
    let read = database.read("mem_tree_trees", &["id", "scope"], &mut |row| {
        if let (Some(id), Some(scope)) = (row.text("id"), row.text("scope")) {
            scopes.insert(id.to_owned(), scope.to_owned());
        }
    })?;
    survey.note(read);
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut found: Vec<(String, i64, UnitRow)> = Vec::new();
    let mut deleted = 0;
    let read = database.read("mem_tree_summaries", SUMMARIES, &mut |row| {
        if row.integer("deleted").unwrap_or(0) != 0 {
            deleted += 1;
            return;
        }
        let mut note = with_body(row, &id_of(row), bodies);
        let tree = row.text("tree_id").unwrap_or_default();
        used.insert(tree.to_owned());
        let scope = scopes.get(tree).map_or(tree, String::as_str);
        note.attributes.kind = Kind::Note;
        note.attributes.title = Some(format!("Summary of {scope}"));
        note.attributes.tags.insert("summary".to_owned());
        note.attributes.document_time = row
            .integer("time_range_end_ms")
            .or_else(|| row.integer("sealed_at_ms"))
            .map(Timestamp);
        keep(&mut note, row, KEPT_OF_SUMMARY);
        note.origin("scope", scope);
        note.origin("child_ids", json_value(row.text("child_ids_json")));
        note.origin("entities", json_value(row.text("entities_json")));
        note.origin("topics", json_value(row.text("topics_json")));
        let sealed = row.integer("sealed_at_ms").unwrap_or(0);
        found.push((format!("openhuman:summary:{scope}"), sealed, note));
    })?;
    survey.note(read);
    survey
        .left_out
        .add("mem_tree_summaries", "deleted", deleted);
    let bare = scopes.keys().filter(|tree| !used.contains(*tree)).count();
    survey
        .left_out
        .add("mem_tree_trees", "without_summary", bare as u64);
    found.sort_by(|a, b| (&a.0, a.1, &a.2.id).cmp(&(&b.0, b.1, &b.2.id)));
    for (document, _, note) in found {
        survey.add(namespace(source.options), document, note);
    }
    Ok(())
}

fn id_of(row: &ForeignRow<'_>) -> String {
    row.text("id")
        .map_or_else(|| format!("row:{}", row.number()), str::to_owned)
}

fn with_body(row: &ForeignRow<'_>, id: &str, bodies: &mut Bodies) -> UnitRow {
    let content = row.text("content").unwrap_or_default();
    let body = bodies.body(
        content,
        row.text("content_path"),
        row.text("content_sha256"),
    );
    let mut unit = match body {
        Body::Whole(text) => UnitRow::new(ImportKind::OpenHuman, id, text),
        Body::Preview(text) => {
            let mut unit = UnitRow::new(ImportKind::OpenHuman, id, text);
            unit.origin("preview", true);
            unit
        }
    };
    unit.place.fidelity.lossy = row.is_lossy("content");
    unit
}

fn keep(unit: &mut UnitRow, row: &ForeignRow<'_>, columns: &[&str]) {
    for column in columns {
        let value = match row.value(column) {
            ForeignValue::Text(text, _) => Value::from(text.as_str()),
            ForeignValue::Integer(number) => Value::from(*number),
            ForeignValue::Real(number) => Value::from(*number),
            ForeignValue::Null | ForeignValue::Blob(_) => Value::Null,
        };
        unit.origin(column, value);
    }
}

fn entities(
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<HashMap<String, BTreeSet<String>>> {
    let mut entities: HashMap<String, BTreeSet<String>> = HashMap::new();
    let columns = &["node_id", "entity_id"];
    let read = database.read("mem_tree_entity_index", columns, &mut |row| {
        if let (Some(node), Some(entity)) = (row.text("node_id"), row.text("entity_id")) {
            entities
                .entry(node.to_owned())
                .or_default()
                .insert(entity.to_owned());
        }
    })?;
    survey.note(read);
    Ok(entities)
}

fn scores(database: &ForeignDatabase, survey: &mut Survey) -> Result<HashMap<String, (f64, bool)>> {
    let mut scores = HashMap::new();
    let columns = &["chunk_id", "total", "dropped"];
    let read = database.read("mem_tree_score", columns, &mut |row| {
        if let (Some(chunk), ForeignValue::Real(total)) = (row.text("chunk_id"), row.value("total"))
        {
            let dropped = row.integer("dropped").unwrap_or(0) != 0;
            scores.insert(chunk.to_owned(), (*total, dropped));
        }
    })?;
    survey.note(read);
    Ok(scores)
}
