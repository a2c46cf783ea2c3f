//! The queue of operations, replayed on the rows: what was acknowledged there and never reached them is not lost.
//!
//! The rules are Chroma's: an add of an id that is there does nothing, an
//! update of one that is not does nothing, updates and upserts merge metadata,
//! and a null takes a key out.

use serde_json::Value;
use steadfast_model::Metadata;
use steadfast_store::ForeignDatabase;

use super::super::survey::Survey;
use super::rows::{DOCUMENT, Record, Records};
use crate::error::Result;

pub(super) const ADD: i64 = 0;
pub(super) const UPDATE: i64 = 1;
pub(super) const UPSERT: i64 = 2;
pub(super) const DELETE: i64 = 3;

struct Operation {
    seq: i64,
    what: i64,
    key: (String, String),
    created_at: Option<String>,
    metadata: Metadata,
    is_lossy: bool,
}

/// Replays the queue.
pub(super) fn replay(
    database: &ForeignDatabase,
    records: &mut Records,
    survey: &mut Survey,
) -> Result<()> {
    let mut operations = read(database, records, survey)?;
    operations.sort_by_key(|operation| operation.seq);
    let mut order = records
        .rows
        .values()
        .map(|record| record.order)
        .max()
        .unwrap_or(0);
    for operation in operations {
        let known = records.rows.get_mut(&operation.key);
        // What is in a row already is not done twice: the texts of the queue round numbers that the row has exactly.
        // Where rows are damaged the queue may have what they lost.
        let is_done = survey.complete
            && known
                .as_ref()
                .and_then(|record| record.seq)
                .is_some_and(|seq| operation.seq <= seq);
        if is_done {
            continue;
        }
        match (operation.what, known) {
            (ADD, Some(_)) | (UPDATE, None) => {}
            (UPDATE | UPSERT, Some(record)) => merge(record, operation),
            (ADD | UPSERT, None) => {
                order = order.saturating_add(1);
                let mut record = Record {
                    created_at: operation.created_at.clone(),
                    order,
                    ..Record::default()
                };
                let key = operation.key.clone();
                merge(&mut record, operation);
                records.rows.insert(key, record);
            }
            (DELETE, _) => drop(records.rows.remove(&operation.key)),
            (other, _) => survey.incomplete(format!(
                "the queue holds an operation {other} that is not known"
            )),
        }
    }
    Ok(())
}

fn read(
    database: &ForeignDatabase,
    records: &Records,
    survey: &mut Survey,
) -> Result<Vec<Operation>> {
    let mut operations = Vec::new();
    let (mut without_collection, mut unreadable) = (0, 0);
    let columns = &[
        "seq_id",
        "created_at",
        "operation",
        "topic",
        "id",
        "metadata",
    ];
    let read = database.read("embeddings_queue", columns, &mut |row| {
        let collection = row
            .text("topic")
            .and_then(|topic| topic.rsplit('/').next())
            .filter(|collection| records.collections.contains_key(*collection));
        let (Some(collection), Some(id), Some(operation)) =
            (collection, row.text("id"), row.integer("operation"))
        else {
            without_collection += 1;
            return;
        };
        let metadata = match row.text("metadata").map(serde_json::from_str::<Value>) {
            Some(Ok(Value::Object(metadata))) => metadata,
            None | Some(Ok(Value::Null)) => Metadata::new(),
            Some(_) => {
                unreadable += 1;
                return;
            }
        };
        operations.push(Operation {
            seq: row.integer("seq_id").unwrap_or_else(|| row.number()),
            what: operation,
            key: (collection.to_owned(), id.to_owned()),
            created_at: row.text("created_at").map(str::to_owned),
            metadata,
            is_lossy: row.is_lossy("metadata"),
        });
    })?;
    survey.note(read);
    survey
        .left_out
        .add("embeddings_queue", "no_collection", without_collection);
    if unreadable > 0 {
        survey.incomplete(format!(
            "{unreadable} operations of the queue have metadata that is no JSON"
        ));
    }
    Ok(operations)
}

fn merge(record: &mut Record, operation: Operation) {
    for (key, value) in operation.metadata {
        match (key.as_str(), value) {
            (DOCUMENT, Value::String(text)) => {
                record.is_lossy = operation.is_lossy;
                record.document = Some(text);
            }
            (DOCUMENT, _) => record.document = None,
            (_, Value::Null) => drop(record.metadata.remove(&key)),
            (_, value) => drop(record.metadata.insert(key, value)),
        }
    }
}
