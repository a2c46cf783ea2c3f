//! What the values of a row must be, so that whoever reads the row can: bounds, lengths, JSON, names.
//!
//! SQLite keeps types and no more, and what has no hash of its own may have rotted. This is one list, asked three
//! times: by the look (what is there that does not decode?), by the salvage (what is taken, mended, or left out?) and
//! by the proof of a new database (does every row decode?). Invariants: what is mended here satisfies its rule; a
//! column whose value nothing can stand for leaves its row out. What is deliberately not here: texts and vectors,
//! which have hashes.

mod scan;
mod tables;

use rusqlite::types::{Value, ValueRef};
use steadfast_model::record::collection_namespace;
use steadfast_model::{Metadata, Namespace};

pub(super) use scan::{Unreadable, unreadable};
use tables::columns_of;

/// The largest row number, which ids and indexes keep in four bytes.
pub(super) const ROW_MAX: i64 = u32::MAX as i64;
/// The largest number of a document, which is kept in four bytes as well.
pub(super) const DOCUMENT_MAX: i64 = u32::MAX as i64;
/// Counters end well before the end of what SQLite counts with: one more must always be possible.
pub(super) const COUNT_MAX: i64 = 1 << 53;

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// A whole number within these bounds.
    Number(i64, i64),
    /// A text.
    Text,
    /// A text that can name a namespace.
    Namespace,
    /// The same, or empty.
    NamespaceOrEmpty,
    /// A text that can name a collection.
    Collection,
    /// A JSON object.
    Object,
    /// A JSON list of texts.
    Texts,
    /// A JSON list of row numbers.
    Rows,
    /// Bytes, so many of them where a number says so.
    Bytes(Option<usize>),
}

/// What becomes of a row whose value breaks the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Otherwise {
    /// Nothing can stand for the value: the row is left out.
    LeaveOut,
    /// The value becomes nothing.
    Null,
    /// The value becomes this number.
    Number(i64),
    /// The value becomes this text.
    Text(&'static str),
    /// The value keeps what of it can be in a name.
    Clean,
}

/// A column of a table, in the order of the schema.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    pub(super) may_be_null: bool,
    pub(super) otherwise: Otherwise,
}

/// Where a row was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// In the tree of its table.
    Tree,
    /// On a page to which no tree led: it may be a row of any table with as many columns.
    Page,
}

/// What became of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It was as it must be.
    Sound,
    /// So many values were given another.
    Mended(u64),
    /// It cannot be a row of this table.
    LeftOut,
}

impl Rule {
    fn allows(self, value: ValueRef<'_>) -> bool {
        match (self, value) {
            (Self::Number(least, most), ValueRef::Integer(number)) => {
                (least..=most).contains(&number)
            }
            (Self::Bytes(length), ValueRef::Blob(bytes)) => {
                length.is_none_or(|length| bytes.len() == length)
            }
            (_, ValueRef::Text(bytes)) => {
                std::str::from_utf8(bytes).is_ok_and(|text| self.allows_text(text))
            }
            _ => false,
        }
    }

    fn allows_text(self, text: &str) -> bool {
        match self {
            Self::Number(..) | Self::Bytes(_) => false,
            Self::Text => true,
            Self::Namespace => Namespace::new(text).is_ok(),
            Self::NamespaceOrEmpty => text.is_empty() || Namespace::new(text).is_ok(),
            Self::Collection => collection_namespace(text).is_ok(),
            // Most rows have neither tags nor metadata.
            Self::Object => text == "{}" || serde_json::from_str::<Metadata>(text).is_ok(),
            Self::Texts => text == "[]" || serde_json::from_str::<Vec<String>>(text).is_ok(),
            Self::Rows => serde_json::from_str::<Vec<u32>>(text).is_ok(),
        }
    }

    fn is_of_type(self, value: ValueRef<'_>) -> bool {
        match self {
            Self::Number(..) => matches!(value, ValueRef::Integer(_)),
            Self::Bytes(_) => matches!(value, ValueRef::Blob(_)),
            Self::Text
            | Self::Namespace
            | Self::NamespaceOrEmpty
            | Self::Collection
            | Self::Object
            | Self::Texts
            | Self::Rows => matches!(value, ValueRef::Text(_)),
        }
    }
}

impl Column {
    fn allows(&self, value: ValueRef<'_>) -> bool {
        (self.may_be_null && value == ValueRef::Null) || self.rule.allows(value)
    }

    fn is_of_type(&self, value: ValueRef<'_>) -> bool {
        (self.may_be_null && value == ValueRef::Null) || self.rule.is_of_type(value)
    }

    /// Returns what stands for a value that breaks the rule; none when nothing can.
    fn instead_of(&self, value: &Value) -> Option<Value> {
        match self.otherwise {
            Otherwise::LeaveOut => None,
            Otherwise::Null => Some(Value::Null),
            Otherwise::Number(number) => Some(Value::Integer(number)),
            Otherwise::Text(text) => Some(Value::Text(text.to_owned())),
            Otherwise::Clean => Some(Value::Text(clean(value))),
        }
    }
}

/// Returns whether a row can be read; columns at the end of the table may be missing.
pub(super) fn is_sound(table: &str, values: &[ValueRef<'_>]) -> bool {
    columns_of(table)
        .iter()
        .zip(values)
        .all(|(column, value)| column.allows(*value))
        && fits_together(table, &|index| values.get(index).copied())
}

/// Gives each value that cannot be read another, where there is one.
pub(super) fn settle(table: &str, values: &mut [Value], origin: Origin) -> Fate {
    let columns = columns_of(table);
    let is_of_types = || {
        columns
            .iter()
            .zip(values.iter())
            .all(|(column, value)| column.is_of_type(value.into()))
    };
    if columns.len() != values.len() || (origin == Origin::Page && !is_of_types()) {
        return Fate::LeftOut;
    }
    let mut mended = 0;
    for (column, value) in columns.iter().zip(values.iter_mut()) {
        if column.allows((&*value).into()) {
            continue;
        }
        let Some(instead) = column.instead_of(value) else {
            return Fate::LeftOut;
        };
        *value = instead;
        mended += 1;
    }
    if !fits_together(table, &|index| values.get(index).map(ValueRef::from)) {
        if table != "documents" {
            return Fate::LeftOut;
        }
        // Without its fingerprint a file is read again.
        for value in values.iter_mut().skip(FINGERPRINT.0).take(FINGERPRINT.1) {
            *value = Value::Null;
        }
        mended += 1;
    }
    if origin == Origin::Page && !may_stand_alone(table, values) {
        return Fate::LeftOut;
    }
    match mended {
        0 => Fate::Sound,
        count => Fate::Mended(count),
    }
}

/// Where the fingerprint of a document begins, and of how many columns it is; the last is the hash.
const FINGERPRINT: (usize, usize) = (5, 5);

/// Returns whether the values of a row agree with each other, as far as readers rely on it.
fn fits_together<'v>(table: &str, value: &dyn Fn(usize) -> Option<ValueRef<'v>>) -> bool {
    let number = |index: usize| match value(index) {
        Some(ValueRef::Integer(number)) => Some(number),
        _ => None,
    };
    match table {
        "documents" => {
            let (first, count) = FINGERPRINT;
            let is_there = |index: usize| value(index).is_some_and(|it| it != ValueRef::Null);
            !is_there(first + count - 1) || (first..first + count).all(is_there)
        }
        "record_ranges" => number(0) <= number(1),
        _ => true,
    }
}

/// Returns whether a row from a page is of this table and not of one whose columns have the same types.
fn may_stand_alone(table: &str, values: &[Value]) -> bool {
    match (table, values) {
        // Ranges have these types too, and name a collection last, whose number is small.
        ("intervals", [_, Value::Integer(added), Value::Integer(removed)]) => added <= removed,
        _ => true,
    }
}

/// Returns what of a name can be in one.
fn clean(value: &Value) -> String {
    let text = match value {
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Null | Value::Integer(_) | Value::Real(_) => String::new(),
    };
    let mut name = String::new();
    for character in text
        .chars()
        .filter(|it| !it.is_control() && *it != char::REPLACEMENT_CHARACTER)
    {
        // A number may have to be put behind it.
        if name.len() + character.len_utf8() > Namespace::BYTES_MAX / 2 {
            break;
        }
        name.push(character);
    }
    if name.trim().is_empty() {
        return Namespace::default().as_str().to_owned();
    }
    name
}

#[cfg(test)]
mod tests;
