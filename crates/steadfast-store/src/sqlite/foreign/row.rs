//! A row of a foreign table, as typed values.

use rusqlite::types::ValueRef;

/// A value of a foreign table.
#[derive(Clone, Debug, PartialEq)]
pub enum ForeignValue {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text, and whether bytes of it that are not UTF-8 were replaced.
    Text(String, bool),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A row of a foreign table.
#[derive(Clone, Debug, PartialEq)]
pub struct ForeignRow<'c> {
    number: i64,
    columns: &'c [&'c str],
    values: Vec<ForeignValue>,
}

impl<'c> ForeignRow<'c> {
    pub(super) fn read(row: &rusqlite::Row<'_>, columns: &'c [&'c str]) -> rusqlite::Result<Self> {
        let number = row.get(0)?;
        let values = (1..=columns.len())
            .map(|place| Ok(value(row.get_ref(place)?)))
            .collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self {
            number,
            columns,
            values,
        })
    }

    /// Returns the number of the row in its table; 0 in a table without such numbers.
    pub fn number(&self) -> i64 {
        self.number
    }

    /// Returns a value by the name of its column, which must be one that was asked for.
    pub fn value(&self, column: &str) -> &ForeignValue {
        self.columns
            .iter()
            .position(|known| *known == column)
            .and_then(|place| self.values.get(place))
            .unwrap_or(&ForeignValue::Null)
    }

    /// Returns a text; none for null and for what is no text.
    pub fn text(&self, column: &str) -> Option<&str> {
        if let ForeignValue::Text(text, _) = self.value(column) {
            Some(text)
        } else {
            None
        }
    }

    /// Returns whether bytes of a text that are not UTF-8 were replaced.
    pub fn is_lossy(&self, column: &str) -> bool {
        matches!(self.value(column), ForeignValue::Text(_, true))
    }

    /// Returns a whole number; none for null and for what is no whole number.
    pub fn integer(&self, column: &str) -> Option<i64> {
        if let ForeignValue::Integer(number) = self.value(column) {
            Some(*number)
        } else {
            None
        }
    }

    /// Returns bytes; none for null and for what is no blob.
    pub fn blob(&self, column: &str) -> Option<&[u8]> {
        if let ForeignValue::Blob(bytes) = self.value(column) {
            Some(bytes)
        } else {
            None
        }
    }
}

fn value(value: ValueRef<'_>) -> ForeignValue {
    match value {
        ValueRef::Null => ForeignValue::Null,
        ValueRef::Integer(number) => ForeignValue::Integer(number),
        ValueRef::Real(number) => ForeignValue::Real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => ForeignValue::Text(text.to_owned(), false),
            Err(_) => ForeignValue::Text(String::from_utf8_lossy(bytes).into_owned(), true),
        },
        ValueRef::Blob(bytes) => ForeignValue::Blob(bytes.to_vec()),
    }
}
