//! The rows of Chroma's metadata segments: ids, documents, metadata.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use steadfast_model::{Metadata, Vector};
use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use super::super::survey::Survey;
use crate::error::Result;

/// The metadata key under which Chroma keeps the text.
pub(super) const DOCUMENT: &str = "chroma:document";

/// Records of a database, by collection and id.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Collections by id.
    pub(super) collections: BTreeMap<String, String>,
    /// Records by id of the collection and id of the record.
    pub(super) rows: BTreeMap<(String, String), Record>,
}

/// A record.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Record {
    pub(super) document: Option<String>,
    pub(super) is_lossy: bool,
    pub(super) metadata: Metadata,
    pub(super) created_at: Option<String>,
    /// Its place in the order in which records came.
    pub(super) order: i64,
    /// Its vector, with the name of the space that it is in.
    pub(super) vector: Option<(Vector, String)>,
    /// The last operation of the queue that is in it; none where that cannot be told.
    pub(super) seq: Option<i64>,
}

/// Reads the records that the metadata segments hold.
pub(super) fn read(database: &ForeignDatabase, survey: &mut Survey) -> Result<Records> {
    let mut records = Records::default();
    let read = database.read("collections", &["id", "name"], &mut |row| {
        if let (Some(id), Some(name)) = (row.text("id"), row.text("name")) {
            records.collections.insert(id.to_owned(), name.to_owned());
        }
    })?;
    survey.note(read);
    let mut segments: HashMap<String, String> = HashMap::new();
    let read = database.read("segments", &["id", "collection", "scope"], &mut |row| {
        if let (Some(id), Some(collection)) = (row.text("id"), row.text("collection")) {
            segments.insert(id.to_owned(), collection.to_owned());
        }
    })?;
    survey.note(read);
    let by_number = embeddings(database, survey, &segments, &mut records)?;
    metadata(database, survey, &by_number, &mut records)?;
    arrays(database, survey, &by_number, &mut records)?;
    from_text_search(database, survey, &by_number, &mut records)?;
    Ok(records)
}

/// Which record a row number stands for.
type ByNumber = HashMap<i64, (String, String)>;

fn embeddings(
    database: &ForeignDatabase,
    survey: &mut Survey,
    segments: &HashMap<String, String>,
    records: &mut Records,
) -> Result<ByNumber> {
    let mut by_number = ByNumber::new();
    let mut without_collection = 0;
    let columns = &["id", "segment_id", "embedding_id", "seq_id", "created_at"];
    let read = database.read("embeddings", columns, &mut |row| {
        let number = row.integer("id").unwrap_or_else(|| row.number());
        let collection = row
            .text("segment_id")
            .and_then(|segment| segments.get(segment))
            .filter(|collection| records.collections.contains_key(*collection));
        let (Some(collection), Some(id)) = (collection, row.text("embedding_id")) else {
            // A collection that was deleted leaves its rows behind for a while.
            without_collection += 1;
            return;
        };
        let key = (collection.clone(), id.to_owned());
        records.rows.insert(
            key.clone(),
            Record {
                created_at: row.text("created_at").map(str::to_owned),
                order: number,
                seq: sequence(row.value("seq_id")),
                ..Record::default()
            },
        );
        by_number.insert(number, key);
    })?;
    survey.note(read);
    survey
        .left_out
        .add("embeddings", "no_collection", without_collection);
    Ok(by_number)
}

fn metadata(
    database: &ForeignDatabase,
    survey: &mut Survey,
    by_number: &ByNumber,
    records: &mut Records,
) -> Result<()> {
    let columns = &[
        "id",
        "key",
        "string_value",
        "int_value",
        "float_value",
        "bool_value",
    ];
    let read = database.read("embedding_metadata", columns, &mut |row| {
        let Some(record) = record_of(row, by_number, records) else {
            return;
        };
        let (Some(key), Some(value)) = (row.text("key"), value_of(row)) else {
            return;
        };
        if key == DOCUMENT {
            record.is_lossy = row.is_lossy("string_value");
            record.document = row.text("string_value").map(str::to_owned);
        } else {
            record.metadata.insert(key.to_owned(), value);
        }
    })?;
    survey.note(read);
    Ok(())
}

/// Lists, which Chroma keeps apart since 1.5: one row an element, in order.
fn arrays(
    database: &ForeignDatabase,
    survey: &mut Survey,
    by_number: &ByNumber,
    records: &mut Records,
) -> Result<()> {
    let columns = &[
        "id",
        "key",
        "string_value",
        "int_value",
        "float_value",
        "bool_value",
    ];
    let mut begun: BTreeSet<(i64, String)> = BTreeSet::new();
    let read = database.read("embedding_metadata_array", columns, &mut |row| {
        let number = row.integer("id").unwrap_or(0);
        let Some(record) = record_of(row, by_number, records) else {
            return;
        };
        let (Some(key), Some(value)) = (row.text("key"), value_of(row)) else {
            return;
        };
        let is_first = begun.insert((number, key.to_owned()));
        let list = record
            .metadata
            .entry(key.to_owned())
            .or_insert_with(|| Value::Array(Vec::new()));
        if is_first {
            // What stood under the key before was not the list.
            *list = Value::Array(vec![value]);
        } else if let Value::Array(list) = list {
            list.push(value);
        }
    })?;
    survey.note(read);
    Ok(())
}

/// Where the metadata is damaged the text search still has the texts: its content table is an ordinary one.
fn from_text_search(
    database: &ForeignDatabase,
    survey: &mut Survey,
    by_number: &ByNumber,
    records: &mut Records,
) -> Result<()> {
    if survey.complete
        || records
            .rows
            .values()
            .all(|record| record.document.is_some())
    {
        return Ok(());
    }
    let table = "embedding_fulltext_search_content";
    let read = database.read(table, &["id", "c0"], &mut |row| {
        if let Some(record) = record_of(row, by_number, records)
            && record.document.is_none()
        {
            record.is_lossy = row.is_lossy("c0");
            record.document = row.text("c0").map(str::to_owned);
        }
    })?;
    survey.note(read);
    Ok(())
}

/// The largest sequence number that is believed: what is above was misread by a migration of Chroma's.
const SEQUENCE_MAX: i64 = 1 << 53;

/// Reads a sequence number: an integer, or, until 0.6, eight bytes with the highest first.
fn sequence(value: &ForeignValue) -> Option<i64> {
    let number = match value {
        ForeignValue::Integer(number) => *number,
        ForeignValue::Blob(bytes) => i64::from_be_bytes(bytes.as_slice().try_into().ok()?),
        ForeignValue::Null | ForeignValue::Real(_) | ForeignValue::Text(..) => return None,
    };
    (0..=SEQUENCE_MAX).contains(&number).then_some(number)
}

fn record_of<'r>(
    row: &ForeignRow<'_>,
    by_number: &ByNumber,
    records: &'r mut Records,
) -> Option<&'r mut Record> {
    let key = by_number.get(&row.integer("id")?)?;
    records.rows.get_mut(key)
}

/// Returns the value of a row, from the first column that has one: text, whole number, number, truth.
fn value_of(row: &ForeignRow<'_>) -> Option<Value> {
    let number = |column: &str| match row.value(column) {
        ForeignValue::Integer(number) => Some(Value::from(*number)),
        ForeignValue::Real(number) => serde_json::Number::from_f64(*number).map(Value::Number),
        ForeignValue::Null | ForeignValue::Text(..) | ForeignValue::Blob(_) => None,
    };
    row.text("string_value")
        .map(Value::from)
        .or_else(|| number("int_value"))
        .or_else(|| number("float_value"))
        .or_else(|| {
            row.integer("bool_value")
                .map(|truth| Value::from(truth != 0))
        })
}
