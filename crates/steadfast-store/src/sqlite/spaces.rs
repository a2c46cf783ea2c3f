//! Which vector spaces a store has, and which rows have no vector in the active one.
//!
//! A row waits for its vector when it says so (`vector_state` 2). Where another
//! model was at work too that says nothing of the active space: there a row
//! waits when it is in no part of it. So that a text which has no place in a
//! space is not embedded again and again, a mark says that this was tried: a
//! vector without numbers, in a space that belongs to the model's and that no
//! question reads. Vectors of two models are never compared, and none of either
//! is taken away when the other one is at work.

use rusqlite::Connection;
use steadfast_model::ModelId;

use super::read::find_space;

/// Finds out whether a model other than that of the active space has embedded anything. Spaces of vectors that callers
/// gave (`collection-N`) and marks are of no model.
const OTHER_MODELS: &str =
    "SELECT EXISTS (SELECT 1 FROM spaces WHERE dimensions > 0 AND space IS NOT ?1
    AND NOT (revision = 'given' AND name GLOB 'collection-*'))";

/// Is true of a row that is a record of a collection whose vectors the caller gives: such a row never waits for one.
pub(in crate::sqlite) const IS_GIVEN: &str =
    "EXISTS (SELECT 1 FROM record_ranges r JOIN collections c ON c.collection = r.collection
    WHERE c.given = 1 AND chunks.row BETWEEN r.first_row AND r.last_row)";

/// Returns whether a model other than that of the active space has embedded anything here.
pub(in crate::sqlite) fn has_other_models(
    connection: &Connection,
    active: Option<i64>,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(OTHER_MODELS)?
        .query_row([active], |row| row.get(0))
}

/// Returns the space of the marks of a model.
pub(in crate::sqlite) fn marks_of(model: &ModelId) -> ModelId {
    let hash = blake3::hash(&[b"texts without a place in ".as_slice(), &model.hash].concat());
    let mut marks = ModelId {
        name: model.name.clone(),
        revision: format!("{} (marks)", model.revision),
        dimensions: 0,
        hash: [0; 16],
    };
    if let Some(start) = hash.as_bytes().first_chunk::<16>() {
        marks.hash = *start;
    }
    marks
}

/// Returns the number of the space of the marks of a model, when there is any.
pub(in crate::sqlite) fn find_marks(
    connection: &Connection,
    model: &ModelId,
) -> rusqlite::Result<Option<i64>> {
    find_space(connection, &marks_of(model).hash)
}
