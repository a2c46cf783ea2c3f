//! The vectors of a Chroma database, for rows of collections that may be of the store's model.
//!
//! A row has the vector of the last operation of the queue that gave it one,
//! whatever the watermarks say, else that of its element in the index; of a torn
//! index those elements that are whole. An operation that gives a row another
//! text and no vector takes its vector away. What is damaged costs no row: it is
//! embedded anew. Deliberately not here: indexes that were set aside.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;
use steadfast_model::Vector;
use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use super::super::Source;
use super::super::survey::Survey;
use super::super::vectors::{ForeignSpace, Said};
use super::rows::{DOCUMENT, Records};
use super::segment::Space;
use super::{queue, segment, settings};
use crate::error::Result;

/// A collection whose vectors may be of the store's model.
struct Collection {
    name: String,
    dimension: u64,
    space: Space,
    /// Its index.
    segment: String,
}

/// Vectors of rows by id, for each collection by id.
type ByCollection = HashMap<String, HashMap<String, Vec<f32>>>;

/// Gives records the vectors that are there for them, under the name of a space of their collection.
pub(super) fn read(
    source: &Source<'_>,
    database: &ForeignDatabase,
    records: &mut Records,
    survey: &mut Survey,
) -> Result<()> {
    let folder = database.source().parent().unwrap_or(Path::new("."));
    let collections = collections(source, folder, database, survey)?;
    if collections.is_empty() {
        return Ok(());
    }
    let mut vectors: ByCollection = collections
        .iter()
        .map(|(id, collection)| {
            let index = folder.join(&collection.segment);
            let read = segment::read(&index, Some(collection.dimension), collection.space);
            (id.clone(), read.vectors)
        })
        .collect();
    replay(database, &collections, &mut vectors)?;
    for ((collection, id), record) in &mut records.rows {
        let vector = vectors
            .get_mut(collection)
            .and_then(|vectors| vectors.remove(id));
        record.vector = vector
            .filter(|_| !record.is_lossy)
            .map(|vector| (Vector(vector), label(collection)));
    }
    let spaces = collections
        .into_iter()
        .map(|(id, collection)| ForeignSpace {
            label: label(&id),
            of: collection.name,
        });
    survey.spaces.extend(spaces);
    Ok(())
}

/// Returns the name under which rows carry vectors of a collection.
pub(super) fn label(collection: &str) -> String {
    format!("chroma:{collection}")
}

/// Returns whether the vectors of a collection may be of the store's model; says why, where they cannot be.
pub(super) fn may_be_ours(
    source: &Source<'_>,
    name: &str,
    said: &Said,
    dimension: Option<u64>,
    survey: &mut Survey,
) -> Option<u64> {
    // Without a dimension nothing was ever added.
    let (model, dimension) = (source.model?, dimension?);
    match said.may_be(model, dimension) {
        Ok(()) => Some(dimension),
        Err(why) => {
            survey.made_anew(name, &why);
            None
        }
    }
}

fn collections(
    source: &Source<'_>,
    folder: &Path,
    database: &ForeignDatabase,
    survey: &mut Survey,
) -> Result<HashMap<String, Collection>> {
    let marked = settings::marked(folder);
    let (distances, _) = settings::distances(database)?;
    let mut segments: HashMap<String, String> = HashMap::new();
    database.read("segments", &["id", "scope", "collection"], &mut |row| {
        if let (Some(id), Some("VECTOR"), Some(collection)) =
            (row.text("id"), row.text("scope"), row.text("collection"))
        {
            segments.insert(collection.to_owned(), id.to_owned());
        }
    })?;
    let mut collections = HashMap::new();
    let [config, schema] = settings::COLUMNS;
    let columns = &["id", "name", "dimension", config, schema];
    database.read("collections", columns, &mut |row| {
        let (Some(id), Some(name)) = (row.text("id"), row.text("name")) else {
            return;
        };
        let said = marked
            .get(name)
            .cloned()
            .unwrap_or_else(|| settings::model_of(row));
        let dimension = row
            .integer("dimension")
            .and_then(|it| u64::try_from(it).ok());
        let dimension = may_be_ours(source, name, &said, dimension, survey);
        if let (Some(dimension), Some(segment)) = (dimension, segments.get(id)) {
            let collection = Collection {
                name: name.to_owned(),
                dimension,
                space: settings::distance_of(id, row, &distances),
                segment: segment.clone(),
            };
            collections.insert(id.to_owned(), collection);
        }
    })?;
    Ok(collections)
}

/// What an operation of the queue does to a vector.
enum Change {
    /// Gives one, unless there is one.
    Add(Vec<f32>),
    /// Gives another one, where there is one.
    Update(Vec<f32>),
    /// Gives one.
    Set(Vec<f32>),
    /// Takes it away.
    Clear,
}

fn replay(
    database: &ForeignDatabase,
    collections: &HashMap<String, Collection>,
    vectors: &mut ByCollection,
) -> Result<()> {
    let mut operations: Vec<(i64, String, String, Change)> = Vec::new();
    let columns = &[
        "seq_id",
        "operation",
        "topic",
        "id",
        "vector",
        "encoding",
        "metadata",
    ];
    database.read("embeddings_queue", columns, &mut |row| {
        let topic = row.text("topic").and_then(|topic| topic.rsplit('/').next());
        let (Some(collection), Some(id)) = (topic, row.text("id")) else {
            return;
        };
        let Some(known) = collections.get(collection) else {
            return;
        };
        if let Some(change) = change(row, known.dimension) {
            let seq = row.integer("seq_id").unwrap_or_else(|| row.number());
            operations.push((seq, collection.to_owned(), id.to_owned(), change));
        }
    })?;
    operations.sort_by_key(|(seq, ..)| *seq);
    for (_, collection, id, change) in operations {
        let Some(vectors) = vectors.get_mut(&collection) else {
            continue;
        };
        match change {
            Change::Add(vector) => drop(vectors.entry(id).or_insert(vector)),
            Change::Update(vector) => {
                vectors.entry(id).and_modify(|known| *known = vector);
            }
            Change::Set(vector) => drop(vectors.insert(id, vector)),
            Change::Clear => drop(vectors.remove(&id)),
        }
    }
    Ok(())
}

fn change(row: &ForeignRow<'_>, dimension: u64) -> Option<Change> {
    let vector = vector(row, dimension);
    match (row.integer("operation")?, vector) {
        (queue::ADD, Some(vector)) => Some(Change::Add(vector)),
        (queue::UPDATE, Some(vector)) => Some(Change::Update(vector)),
        (queue::UPSERT, Some(vector)) => Some(Change::Set(vector)),
        (queue::DELETE, _) => Some(Change::Clear),
        // An add of what is there does nothing, and of what is not there leaves nothing to take away.
        (queue::UPDATE | queue::UPSERT, None) => names_text(row).then_some(Change::Clear),
        _ => None,
    }
}

fn vector(row: &ForeignRow<'_>, dimension: u64) -> Option<Vec<f32>> {
    let ForeignValue::Blob(bytes) = row.value("vector") else {
        return None;
    };
    let is_fitting = row.text("encoding") == Some("FLOAT32")
        && dimension.checked_mul(4) == Some(bytes.len() as u64);
    let numbers = bytes.chunks_exact(4);
    is_fitting.then(|| {
        numbers
            .filter_map(|number| number.try_into().ok().map(f32::from_le_bytes))
            .collect()
    })
}

fn names_text(row: &ForeignRow<'_>) -> bool {
    // Metadata that cannot be read may name one.
    row.text("metadata").is_some_and(|metadata| {
        serde_json::from_str::<Value>(metadata).map_or(true, |it| it.get(DOCUMENT).is_some())
    })
}
