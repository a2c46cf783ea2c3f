//! mcp-memory-service: memories with tags in one SQLite file, vectors beside them.
//!
//! Written after its `storage/sqlite_vec.py`: table `memories` with
//! `content_hash` as the id, tags with commas between them, metadata as JSON, and
//! a time of deletion for what was taken back. Each memory is a document.

use steadfast_model::{Kind, Namespace};
use steadfast_store::ForeignDatabase;

use super::super::survey::{Survey, UnitRow, json_value, namespace, text_list};
use super::super::{ImportKind, Source};
use super::{expect, moment, plain, said};
use crate::error::Result;

/// Columns that every version has.
const COLUMNS: &[&str] = &[
    "content_hash",
    "content",
    "tags",
    "memory_type",
    "metadata",
    "created_at",
];
/// What is kept as it is, when there is any.
const KEPT: &[&str] = &[
    "memory_type",
    "updated_at",
    "parent_id",
    "version",
    "confidence",
    "superseded_by",
];

/// Returns whether the database is one of mcp-memory-service.
pub(in super::super) fn is_mcp_memory_service(database: &ForeignDatabase) -> bool {
    ["content_hash", "content", "memory_type"]
        .iter()
        .all(|column| database.has_column("memories", column))
}

/// Reads all memories that were not deleted.
pub(in super::super) fn survey(source: &Source<'_>, database: &ForeignDatabase) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::McpMemoryService);
    expect(database, "memories", COLUMNS, &mut survey);
    let wanted: Vec<&str> = COLUMNS
        .iter()
        .chain(KEPT)
        .copied()
        .chain(["deleted_at", "created_at_iso"])
        .collect();
    let mut deleted = 0;
    let read = database.read("memories", &wanted, &mut |row| {
        if !plain(row, "deleted_at").is_null() {
            deleted += 1;
            return;
        }
        let Some(text) = said(row, "content") else {
            survey.refuse("memory", "no_text", 1);
            return;
        };
        let id = said(row, "content_hash");
        let id = id.map_or_else(|| format!("row:{}", row.number()), str::to_owned);
        let document = format!("{}:{id}", ImportKind::McpMemoryService);
        let mut memory = UnitRow::new(ImportKind::McpMemoryService, id, text);
        memory.place.fidelity.lossy = row.is_lossy("content");
        memory.attributes.kind = Kind::Note;
        memory.attributes.tags = tags(row.text("tags")).into_iter().collect();
        memory.attributes.document_time =
            moment(row, "created_at").or_else(|| moment(row, "created_at_iso"));
        for column in KEPT {
            memory.origin(column, plain(row, column));
        }
        memory.origin("metadata", json_value(row.text("metadata")));
        let namespace: Namespace = namespace(source.options);
        survey.add(namespace, document, memory);
    })?;
    survey.note(read);
    survey.left_out.add("memory", "deleted", deleted);
    let links = database.count("memory_graph");
    survey.left_out.add("memory_graph", "derived", links);
    Ok(survey)
}

/// Tags have commas between them; some versions wrote a list.
fn tags(text: Option<&str>) -> Vec<String> {
    let list = text_list(text);
    list.iter()
        .flat_map(|tag| tag.split(','))
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(str::to_owned)
        .collect()
}
