//! Attributes as columns.

use std::collections::BTreeSet;

use rusqlite::types::Type;
use steadfast_model::{Attributes, Kind, Metadata, Timestamp, Trust};

/// Reads `kind, title, tags, meta, document_time, valid_from, valid_to, trust` from column `first` on.
pub(in crate::sqlite) fn decode(
    row: &rusqlite::Row<'_>,
    first: usize,
) -> rusqlite::Result<Attributes> {
    let malformed = |column: usize, what: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.to_owned().into())
    };
    let kind: i64 = row.get(first)?;
    // Borrowed: most facets have neither, and filters read many facets.
    let tags = row.get_ref(first + 2)?.as_str()?;
    let meta = row.get_ref(first + 3)?.as_str()?;
    let trust: i64 = row.get(first + 7)?;
    let time =
        |column: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(column)?.map(Timestamp));
    Ok(Attributes {
        kind: by_number(&Kind::ALL, kind).ok_or_else(|| malformed(first, "unknown kind"))?,
        title: row.get(first + 1)?,
        tags: if tags == "[]" {
            BTreeSet::new()
        } else {
            serde_json::from_str::<Vec<String>>(tags)
                .map_err(|_| malformed(first + 2, "malformed tags"))?
                .into_iter()
                .collect()
        },
        meta: if meta == "{}" {
            Metadata::new()
        } else {
            serde_json::from_str(meta).map_err(|_| malformed(first + 3, "malformed metadata"))?
        },
        document_time: time(first + 4)?,
        valid_from: time(first + 5)?,
        valid_to: time(first + 6)?,
        trust: by_number(&Trust::ALL, trust)
            .ok_or_else(|| malformed(first + 7, "unknown trust label"))?,
    })
}

pub(in crate::sqlite) fn tags_text(tags: &BTreeSet<String>) -> String {
    serde_json::Value::from(tags.iter().cloned().collect::<Vec<_>>()).to_string()
}

pub(in crate::sqlite) fn meta_text(meta: &Metadata) -> String {
    serde_json::Value::Object(meta.clone()).to_string()
}

pub(in crate::sqlite) fn kind_number(kind: Kind) -> i64 {
    number(&Kind::ALL, kind)
}

pub(in crate::sqlite) fn trust_number(trust: Trust) -> i64 {
    number(&Trust::ALL, trust)
}

/// Returns the stored number of an item: its place in the list of all.
pub(in crate::sqlite) fn number<T: PartialEq + Copy>(all: &[T], wanted: T) -> i64 {
    all.iter()
        .position(|&item| item == wanted)
        .and_then(|index| i64::try_from(index).ok())
        .unwrap_or(0)
}

/// Returns the item with a stored number.
pub(in crate::sqlite) fn by_number<T: Copy>(all: &[T], number: i64) -> Option<T> {
    all.get(usize::try_from(number).ok()?).copied()
}
