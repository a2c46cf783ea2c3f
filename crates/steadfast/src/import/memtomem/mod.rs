//! memtomem: chunks of markdown in one SQLite file.
//!
//! Rows that two indexing processes wrote twice collapse to the one that was
//! used most; its counters, tags and links are those of all of them. Sessions
//! and working memory come in as notes. What memtomem derives or logs (search
//! texts, query history, health) stays out and is counted.

pub(super) mod bundle;
mod chunks;
mod side;

use steadfast_store::ForeignDatabase;

use super::survey::Survey;
use super::{ImportKind, Source};
use crate::error::Result;

/// Tables that hold no memory, with the reason why they stay out.
const LEFT_OUT: &[(&str, &str)] = &[
    ("access_log", "log"),
    ("query_history", "log"),
    ("search_feedback", "log"),
    ("eval_cases", "evaluation"),
    ("eval_case_labels", "evaluation"),
    ("idempotency_ledger", "log"),
    ("memory_candidates", "not_accepted"),
    ("memory_candidate_transitions", "log"),
    ("canonical_entities", "derived"),
    ("memory_assertions", "derived"),
    ("assertion_edges", "derived"),
    ("memory_policies", "configuration"),
    ("namespace_metadata", "configuration"),
    ("schedules", "configuration"),
    ("health_snapshots", "log"),
];

/// Returns whether the database is one of memtomem's.
pub(super) fn is_memtomem(database: &ForeignDatabase) -> bool {
    ["content_hash", "source_file", "content"]
        .iter()
        .all(|column| database.has_column("chunks", column))
}

/// Reads a memtomem database.
pub(super) fn survey(source: &Source<'_>, database: &ForeignDatabase) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::Memtomem);
    chunks::read(source, database, &mut survey)?;
    side::sessions(source, database, &mut survey)?;
    side::working_memory(source, database, &mut survey)?;
    for (table, reason) in LEFT_OUT {
        survey.left_out.add(table, reason, database.count(table));
    }
    Ok(survey)
}
