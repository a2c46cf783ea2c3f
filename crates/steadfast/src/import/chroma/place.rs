//! Where a record goes: wing and room become namespace and tag, records of one file become one document.

use serde_json::Value;
use steadfast_model::{Kind, Metadata};

use super::super::survey::{Survey, UnitRow};
use super::super::times::{of_value, time};
use super::super::{ImportKind, Source};
use super::PALACE_PREFIX;
use super::rows::{Record, Records};
use crate::ingest::chunk::kind_of;

/// Metadata keys that name the file a record is from, in the order of preference: MemPalace's, then those of common
/// loaders.
const SOURCE_KEYS: &[&str] = &["source_file", "source"];
/// Metadata keys that date a record, in the order of preference.
const TIME_KEYS: &[&str] = &[
    "content_date",
    "timestamp",
    "date",
    "filed_at",
    "created_at",
];

/// Where a record stands among those of its document.
type Order = (String, String, i64, i64);

/// Adds all records to the survey, by document and in their order there.
pub(super) fn add(source: &Source<'_>, kind: ImportKind, records: Records, survey: &mut Survey) {
    let mut placed: Vec<(Order, String, String, Record)> = records
        .rows
        .into_iter()
        .map(|((collection, id), record)| {
            let name = records
                .collections
                .get(&collection)
                .cloned()
                .unwrap_or(collection);
            let unit = unit(kind, &name, &id, &record.metadata);
            let index = number(&record.metadata, "chunk_index").unwrap_or(i64::MAX);
            ((name.clone(), unit, index, record.order), name, id, record)
        })
        .collect();
    placed.sort_by(|a, b| a.0.cmp(&b.0));
    for ((_, unit, _, _), collection, id, record) in placed {
        match record.document.as_deref() {
            Some(text) if !text.trim().is_empty() => {
                let row = row(kind, &collection, &id, text, &record);
                let name = if kind == ImportKind::MemPalace {
                    text_of(&record.metadata, "wing")
                } else {
                    Some(collection.as_str())
                };
                let namespace = survey.namespace(source.options, name);
                survey.add(namespace, unit, row);
            }
            _ => survey.refuse("record", "no_text", 1),
        }
    }
}

/// Returns the source of a record: that of its file, or one of its own.
fn unit(kind: ImportKind, collection: &str, id: &str, metadata: &Metadata) -> String {
    let collection = collection.strip_prefix(PALACE_PREFIX).unwrap_or(collection);
    let name = SOURCE_KEYS
        .iter()
        .find_map(|key| text_of(metadata, key))
        .unwrap_or(id);
    format!("{kind}:{collection}:{name}")
}

fn row(kind: ImportKind, collection: &str, id: &str, text: &str, record: &Record) -> UnitRow {
    let metadata = &record.metadata;
    let mut row = UnitRow::new(kind, id, text);
    row.place.fidelity.lossy = record.is_lossy;
    row.carried.vector.clone_from(&record.vector);
    row.lines(number(metadata, "line_start"), number(metadata, "line_end"));
    let file = SOURCE_KEYS.iter().find_map(|key| text_of(metadata, key));
    row.attributes.kind = file.map_or(Kind::Note, kind_of);
    row.attributes.title = text_of(metadata, "title")
        .or_else(|| file.and_then(|file| file.rsplit(['/', '\\']).next()))
        .map(str::to_owned);
    row.attributes.document_time = TIME_KEYS
        .iter()
        .find_map(|key| of_value(metadata.get(*key)?))
        .or_else(|| record.created_at.as_deref().and_then(time));
    if kind == ImportKind::MemPalace {
        row.attributes
            .tags
            .extend(text_of(metadata, "room").map(str::to_owned));
    }
    row.origin("collection", collection);
    row.take_over(metadata);
    row
}

fn text_of<'m>(metadata: &'m Metadata, key: &str) -> Option<&'m str> {
    metadata
        .get(key)
        .and_then(Value::as_str)
        .filter(|text| !text.trim().is_empty())
}

fn number(metadata: &Metadata, key: &str) -> Option<i64> {
    metadata.get(key).and_then(Value::as_i64)
}
