//! Chroma 0.6 to 1.5, and MemPalace palaces, which are Chroma databases with wings and rooms.
//!
//! Rows are those of SQLite with the queue on top, in order: each operation that
//! is newer than its row. The watermarks of segments are not believed, because
//! a wrong one hides rows. The vector segments are opened only where their
//! vectors may be of the store's model, their map of ids by a reader that knows
//! no class but Chroma's own; a torn segment cannot cost a row, only its vector.

mod knowledge;
pub(crate) mod pickle;
mod place;
mod queue;
mod rows;
pub(crate) mod segment;
#[cfg(feature = "remote")]
pub(super) mod server;
pub(crate) mod settings;
mod tunnels;
mod vectors;

use std::collections::BTreeMap;
use std::path::Path;

use steadfast_store::ForeignDatabase;

use super::survey::Survey;
use super::{ImportKind, Source};
use crate::error::Result;

/// The beginning of the names of MemPalace's collections.
const PALACE_PREFIX: &str = "mempalace_";

/// Returns whether the database is one of Chroma's.
pub(crate) fn is_chroma(database: &ForeignDatabase) -> bool {
    database.has_column("collections", "name")
        && database.has_column("segments", "collection")
        && database.has_column("embeddings", "embedding_id")
}

/// Returns whether the database is a palace.
pub(super) fn is_palace(database: &ForeignDatabase) -> Result<bool> {
    let mut is_palace = false;
    database.read("collections", &["name"], &mut |row| {
        is_palace |= row
            .text("name")
            .is_some_and(|name| name.starts_with(PALACE_PREFIX));
    })?;
    Ok(is_palace)
}

/// Returns the texts of the rows that a database holds, by the ids of the collection and of the row; those that can
/// be read.
pub(crate) fn texts(database: &ForeignDatabase) -> Result<BTreeMap<(String, String), String>> {
    // Whoever asks for texts was told by another way what is damaged.
    let mut survey = Survey::new(ImportKind::Chroma);
    let mut records = rows::read(database, &mut survey)?;
    queue::replay(database, &mut records, &mut survey)?;
    let texts = records.rows.into_iter().filter_map(|(key, record)| {
        let text = record.document.filter(|_| !record.is_lossy)?;
        Some((key, text))
    });
    Ok(texts.collect())
}

/// Reads a Chroma database as a palace or as it is.
pub(super) fn survey(
    source: &Source<'_>,
    kind: ImportKind,
    database: &ForeignDatabase,
) -> Result<Survey> {
    let mut survey = Survey::new(kind);
    let mut records = rows::read(database, &mut survey)?;
    queue::replay(database, &mut records, &mut survey)?;
    vectors::read(source, database, &mut records, &mut survey)?;
    place::add(source, kind, records, &mut survey);
    if kind == ImportKind::MemPalace {
        let folder = database.source().parent().unwrap_or(Path::new("."));
        knowledge::read(source, folder, &mut survey)?;
    }
    Ok(survey)
}
