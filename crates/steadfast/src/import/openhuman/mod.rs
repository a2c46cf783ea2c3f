//! OpenHuman's memory tree: `chunks.db` with the folder `content` beside it.
//!
//! The database holds a chunk's text whole or as a preview; the whole text is
//! then a file below `content`, and is taken only when it has the hash that the
//! row gives. Files that are newer than every row of their source prove that
//! rows are missing, as after the loss of a write-ahead log; the survey is then
//! not complete. Summaries come in as notes; scores, entities and trees as
//! metadata of chunks and summaries; jobs and buffers stay out and are counted.

mod bodies;
mod rows;

use std::path::Path;

use steadfast_store::ForeignDatabase;

use super::survey::Survey;
use super::{ImportKind, Source};
use crate::error::Result;
use bodies::Bodies;

/// Tables that hold no memory.
const LEFT_OUT: &[&str] = &[
    "mem_tree_jobs",
    "mem_tree_buffers",
    "mem_tree_entity_hotness",
    "mem_tree_entity_edges",
    "mem_tree_ingested_sources",
    "mcp_writes",
];

/// Returns whether the database is a memory tree.
pub(super) fn is_memory_tree(database: &ForeignDatabase) -> bool {
    database.has_column("mem_tree_chunks", "source_id")
        && database.has_column("mem_tree_chunks", "content")
}

/// Reads a memory tree.
pub(super) fn survey(source: &Source<'_>, database: &ForeignDatabase) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::OpenHuman);
    let folder = database.source().parent().unwrap_or(Path::new("."));
    let mut bodies = Bodies::below(&folder.join("content"));
    rows::chunks(source, database, &mut bodies, &mut survey)?;
    rows::summaries(source, database, &mut bodies, &mut survey)?;
    bodies.report(database.is_without_log(), &mut survey);
    for table in LEFT_OUT {
        survey
            .left_out
            .add(table, "bookkeeping", database.count(table));
    }
    Ok(survey)
}
