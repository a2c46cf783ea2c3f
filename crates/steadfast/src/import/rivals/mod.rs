//! Memory programs that keep their memories in SQLite, as far as they document their tables.
//!
//! Columns that are not known are not read, and those that are not there read
//! as nothing: all of these schemas have grown. A table or column that every
//! version has had is missed aloud.

pub(super) mod basic_memory;
pub(super) mod claude_mem;
pub(super) mod mcp_memory_service;
pub(super) mod mem0;
mod pickle;

use serde_json::Value;
use steadfast_model::Timestamp;
use steadfast_store::{ForeignDatabase, ForeignRow, ForeignValue};

use super::survey::Survey;
use super::times::{of_number, of_real, time};

/// Says when a table lacks what it has had in every version.
fn expect(database: &ForeignDatabase, table: &str, columns: &[&str], survey: &mut Survey) {
    if !database.has_table(table) {
        survey.incomplete(format!("there is no table {table}"));
        return;
    }
    for column in columns {
        if !database.has_column(table, column) {
            survey.incomplete(format!("the table {table} has no column {column}"));
        }
    }
}

/// Returns a value as JSON keeps it; bytes are not kept.
fn plain(row: &ForeignRow<'_>, column: &str) -> Value {
    match row.value(column) {
        ForeignValue::Integer(number) => Value::from(*number),
        ForeignValue::Real(number) => Value::from(*number),
        ForeignValue::Text(text, _) => Value::from(text.as_str()),
        ForeignValue::Null | ForeignValue::Blob(_) => Value::Null,
    }
}

/// Reads a time: a text, or seconds or milliseconds since 1970.
fn moment(row: &ForeignRow<'_>, column: &str) -> Option<Timestamp> {
    match row.value(column) {
        ForeignValue::Text(text, _) => time(text),
        ForeignValue::Integer(number) => Some(of_number(*number)),
        ForeignValue::Real(number) => of_real(*number),
        ForeignValue::Null | ForeignValue::Blob(_) => None,
    }
}

/// Returns a text that says something.
fn said<'r>(row: &'r ForeignRow<'_>, column: &str) -> Option<&'r str> {
    row.text(column).filter(|text| !text.trim().is_empty())
}
