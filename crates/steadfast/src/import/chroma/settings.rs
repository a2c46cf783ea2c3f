//! What a collection of Chroma says of itself: how far apart its vectors are, and what made them.
//!
//! Both are said in one of three places, by the version of Chroma that made the
//! collection: its metadata, its configuration, its schema. What made the
//! vectors is only what the program said it would use; vectors that a caller
//! gave may be of anything.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;
use steadfast_store::{ForeignDatabase, ForeignRow};

use super::super::vectors::Said;
use super::segment::Space;
use crate::error::Result;

/// Columns of a collection that say something of its vectors.
pub(crate) const COLUMNS: [&str; 2] = ["config_json_str", "schema_str"];
/// Where `MemPalace` keeps which model each collection is of.
const MARKER: &str = "mempalace_embedder.json";
/// The largest such file that is read, in bytes.
const MARKER_BYTES_MAX: u64 = 1 << 20;
/// Names of functions that are all-MiniLM-L6-v2: Chroma's own, and `MemPalace`'s.
const MINILM: [&str; 3] = ["default", "onnx_mini_lm_l6_v2", "minilm"];
/// The function that runs any model of one library.
const SENTENCE_TRANSFORMER: &str = "sentence_transformer";
/// How the published model is called there, without its owner.
const PUBLISHED: &str = "all-MiniLM-L6-v2";

/// Reads the distances that collections were made with by their metadata, and what is damaged of that.
pub(crate) fn distances(
    database: &ForeignDatabase,
) -> Result<(HashMap<String, Space>, Option<String>)> {
    let mut distances = HashMap::new();
    let columns = &["collection_id", "key", "str_value"];
    let read = database.read("collection_metadata", columns, &mut |row| {
        if row.text("key") == Some("hnsw:space")
            && let (Some(id), Some(space)) = (row.text("collection_id"), row.text("str_value"))
        {
            distances.insert(id.to_owned(), space_of(space));
        }
    })?;
    Ok((distances, read.damage))
}

/// Returns the distance of a collection; what its metadata says beats what its configuration says.
pub(crate) fn distance_of(
    id: &str,
    row: &ForeignRow<'_>,
    by_metadata: &HashMap<String, Space>,
) -> Space {
    let config = || {
        let config = json(row, "config_json_str")?;
        ["hnsw", "hnsw_configuration"]
            .iter()
            .find_map(|part| config.get(part)?.get("space")?.as_str())
            .map(space_of)
    };
    let schema = || {
        let schema = json(row, "schema_str")?;
        in_schema(&schema, "space").and_then(|space| space.as_str().map(space_of))
    };
    let known = by_metadata.get(id).copied();
    known
        .or_else(config)
        .or_else(schema)
        .unwrap_or(Space::Other)
}

/// Returns what a collection says of the model of its vectors.
pub(crate) fn model_of(row: &ForeignRow<'_>) -> Said {
    let part = |column| json(row, column).unwrap_or(Value::Null);
    model_in(&part("config_json_str"), &part("schema_str"))
}

/// Returns what the configuration and the schema of a collection say of the model of its vectors.
pub(super) fn model_in(config: &Value, schema: &Value) -> Said {
    let function = config
        .get("embedding_function")
        .or_else(|| in_schema(schema, "embedding_function"));
    function.map_or(Said::Nothing, function_of)
}

/// Returns what the program that a palace belongs to says of the model of each collection.
pub(crate) fn marked(folder: &Path) -> HashMap<String, Said> {
    let path = folder.join(MARKER);
    let is_small = std::fs::metadata(&path).is_ok_and(|found| found.len() <= MARKER_BYTES_MAX);
    let bytes = if is_small {
        std::fs::read(&path).ok()
    } else {
        None
    };
    let said = bytes.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let Some(Value::Object(collections)) = said else {
        return HashMap::new();
    };
    let marked = collections.into_iter().filter_map(|(collection, said)| {
        let name = said.get("model_name")?.as_str()?;
        Some((collection, named(name)))
    });
    marked.collect()
}

/// Reads a function as Chroma describes it: `{type, name, config}`.
fn function_of(function: &Value) -> Said {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    if function.get("type").and_then(Value::as_str) != Some("known") {
        return Said::Nothing;
    }
    let Some(name) = text(function.get("name")) else {
        return Said::Nothing;
    };
    let model = function.get("config").and_then(|it| it.get("model_name"));
    match text(model) {
        Some(model) if name == SENTENCE_TRANSFORMER => {
            if model.rsplit('/').next() == Some(PUBLISHED) {
                Said::MiniLm
            } else {
                Said::Other(model)
            }
        }
        _ => named(&name),
    }
}

fn named(name: &str) -> Said {
    if MINILM.contains(&name) {
        Said::MiniLm
    } else {
        Said::Other(name.to_owned())
    }
}

fn json(row: &ForeignRow<'_>, column: &str) -> Option<Value> {
    serde_json::from_str(row.text(column)?).ok()
}

fn space_of(name: &str) -> Space {
    if name.eq_ignore_ascii_case("cosine") {
        Space::Cosine
    } else {
        Space::Other
    }
}

/// Returns what a schema says of the index of the vectors.
fn in_schema<'s>(schema: &'s Value, what: &str) -> Option<&'s Value> {
    let vector = |of: &'s Value| {
        let index = of.get("float_list")?.get("vector_index")?;
        index.get("config")?.get(what)
    };
    schema
        .get("keys")
        .and_then(|keys| vector(keys.get("#embedding")?))
        .or_else(|| vector(schema.get("defaults")?))
}
