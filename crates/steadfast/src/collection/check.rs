//! Whether a call can be carried out, decided before anything is embedded or written.

use std::collections::HashSet;

use serde_json::Value;
use steadfast_model::record::DIMENSIONS_MAX;
use steadfast_model::{CollectionSpace, Metadata};

use super::request::Records;
use crate::error::{CollectionError, Error, Result};

/// The most records that one call takes.
pub const BATCH_RECORDS_MAX: usize = 100_000;

/// The most bytes of ids, documents and vectors that one call takes: they are in memory at once.
pub const BATCH_BYTES_MAX: usize = 256 << 20;

/// The longest id in bytes.
pub const ID_BYTES_MAX: usize = 4_096;

/// The most questions that one call takes.
pub const QUERIES_MAX: usize = 10_000;

/// Checks records and returns the space that they are of.
///
/// # Errors
/// [`CollectionError`]: what is wrong with which of them.
pub(super) fn records(records: &Records) -> Result<CollectionSpace> {
    let expected = records.ids.len();
    let lengths = [
        ("documents", records.documents.as_ref().map(Vec::len)),
        ("metadatas", records.metadatas.as_ref().map(Vec::len)),
        ("embeddings", records.embeddings.as_ref().map(Vec::len)),
    ];
    for (what, length) in lengths {
        if let Some(found) = length.filter(|found| *found != expected) {
            return Err(CollectionError::LengthMismatch {
                what,
                expected,
                found,
            }
            .into());
        }
    }
    at_most("records", expected, BATCH_RECORDS_MAX)?;
    let texts = records.ids.iter().chain(records.documents.iter().flatten());
    let vectors = records.embeddings.iter().flatten();
    let bytes = texts.map(String::len).sum::<usize>()
        + vectors.map(|vector| vector.len() * 4).sum::<usize>();
    at_most("bytes", bytes, BATCH_BYTES_MAX)?;
    ids(&records.ids)?;
    for (id, meta) in records.ids.iter().zip(records.metadatas.iter().flatten()) {
        metadata(id, meta)?;
    }
    match &records.embeddings {
        Some(embeddings) => space_of(embeddings),
        None => Ok(CollectionSpace::Undecided),
    }
}

/// Checks that ids are none of them empty or too long, and none twice.
pub(super) fn ids(ids: &[String]) -> Result<()> {
    let mut seen = HashSet::with_capacity(ids.len());
    for (place, id) in ids.iter().enumerate() {
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(CollectionError::InvalidId {
                place,
                bytes: id.len(),
                bytes_max: ID_BYTES_MAX,
            }
            .into());
        }
        if !seen.insert(id.as_str()) {
            return Err(CollectionError::DuplicateId { id: id.clone() }.into());
        }
    }
    Ok(())
}

/// Checks that metadata holds nothing but scalars and lists of scalars.
pub(super) fn metadata(id: &str, meta: &Metadata) -> Result<()> {
    let is_scalar =
        |value: &Value| matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    for (key, value) in meta {
        let what = match value {
            _ if key.is_empty() => "has no name",
            _ if key.starts_with('$') => "begins with `$`, so no filter could ask for it",
            Value::Object(_) => "is an object; scalars and lists of scalars can be kept",
            Value::Array(items) if !items.iter().all(is_scalar) => {
                "is a list of something else than scalars"
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => continue,
        };
        return Err(CollectionError::InvalidMetadata {
            id: id.to_owned(),
            key: key.clone(),
            what,
        }
        .into());
    }
    Ok(())
}

/// Checks vectors and returns the space that they are all of; undecided when there is none.
pub(super) fn space_of(vectors: &[Vec<f32>]) -> Result<CollectionSpace> {
    let Some(first) = vectors.first() else {
        return Ok(CollectionSpace::Undecided);
    };
    let dimensions = first.len();
    for (place, vector) in vectors.iter().enumerate() {
        let is_usable = (1..=DIMENSIONS_MAX).contains(&vector.len())
            && vector.iter().all(|value| value.is_finite());
        if !is_usable {
            return Err(CollectionError::InvalidVector {
                place,
                dimensions_max: DIMENSIONS_MAX,
            }
            .into());
        }
        if vector.len() != dimensions {
            return Err(CollectionError::DimensionMismatch {
                expected: dimensions,
                found: vector.len(),
            }
            .into());
        }
    }
    Ok(CollectionSpace::Given { dimensions })
}

/// Returns why records or questions of one space cannot meet a collection of another.
pub(super) fn other_space(name: &str, expected: CollectionSpace, found: CollectionSpace) -> Error {
    let name = name.to_owned();
    match (expected, found) {
        (
            CollectionSpace::Given {
                dimensions: expected,
            },
            CollectionSpace::Given { dimensions: found },
        ) => CollectionError::DimensionMismatch { expected, found }.into(),
        (CollectionSpace::Given { .. }, _) => CollectionError::VectorsExpected { name }.into(),
        _ => CollectionError::VectorsUnexpected { name }.into(),
    }
}

pub(super) fn at_most(what: &'static str, found: usize, max: usize) -> Result<()> {
    if found > max {
        return Err(CollectionError::TooLarge { what, found, max }.into());
    }
    Ok(())
}
