//! Records of values between commas, semicolons, tabs or bars.
//!
//! A record ends with a line outside of quotes. A quote opens only at the
//! start of a field; one that is not closed for long is read as any other
//! letter, so that a stray quote costs one record and not the rest of a file.

use super::super::ChunkLimits;
use super::super::structure::{Label, Role, Structure};

/// How far the end of a quoted field is looked for.
const QUOTED_BYTES_MAX: usize = 64 << 10;
/// Quotes that may prove stray before quotes mean nothing any more.
const STRAYS_MAX: usize = 16;
/// The longest line of column names.
const NAMES_BYTES_MAX: usize = 1 << 10;
/// The longest first field that a record is called by.
const KEY_BYTES_MAX: usize = 80;
const SEPARATORS: &[u8] = b",;\t|";

/// Returns the structure of a text of records.
pub(super) fn structure(text: &str, limits: ChunkLimits) -> Structure {
    let mut structure = Structure::new(limits);
    let mut records = Records {
        bytes: text.as_bytes(),
        separator: separator(text),
        strays: 0,
    };
    let first_end = records.end(0);
    let first = text.get(..first_end).unwrap_or_default();
    let names = (first_end < text.len())
        .then(|| names(first, char::from(records.separator)))
        .flatten();
    let columns = names.and_then(|names| structure.add_symbol(Label::Written(names), None));
    structure.mark(0, columns);
    let (mut start, mut number) = (first_end, 1_u64);
    while start < text.len() {
        structure.allow(start, Structure::ROOT, Role::Other, false);
        let end = records.end(start);
        number += 1;
        // The pieces of such a record say which record they are of, and hold nothing behind it.
        if end - start > limits.bytes_max {
            let record = text.get(start..end).unwrap_or_default();
            let label = record_label(record, char::from(records.separator), number);
            let symbol = structure.add_symbol(Label::Written(label), columns);
            structure.mark(start, symbol);
            structure.mark(end, columns);
        }
        start = end;
    }
    structure
}

/// Returns what a record is called: by its first field, which another record in front does not change; by its number
/// when that is empty or long.
fn record_label(record: &str, separator: char, number: u64) -> String {
    let field = record.split([separator, '\n']).next().unwrap_or_default();
    let field = field.trim().trim_matches('"').trim();
    if field.is_empty() || field.len() > KEY_BYTES_MAX {
        format!("record {number}")
    } else {
        format!("record {field}")
    }
}

/// Returns the separator that the first line has most of.
fn separator(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default();
    let count = |separator: u8| line.bytes().filter(|byte| *byte == separator).count();
    SEPARATORS
        .iter()
        .copied()
        .rev()
        .max_by_key(|separator| count(*separator))
        .unwrap_or(b',')
}

/// Returns the column names, when the first record looks like them.
fn names(record: &str, separator: char) -> Option<String> {
    if record.len() > NAMES_BYTES_MAX {
        return None;
    }
    let fields: Vec<&str> = record
        .trim()
        .split(separator)
        .map(|field| field.trim().trim_matches('"').trim())
        .collect();
    let is_name = |field: &&str| !field.is_empty() && field.parse::<f64>().is_err();
    (fields.len() > 1 && fields.iter().all(is_name)).then(|| fields.join(", "))
}

struct Records<'t> {
    bytes: &'t [u8],
    separator: u8,
    strays: usize,
}

impl Records<'_> {
    /// Returns where the record that begins at `start` ends, with its line end.
    fn end(&mut self, start: usize) -> usize {
        let mut place = start;
        let mut begins_field = true;
        while let Some(byte) = self.bytes.get(place) {
            if *byte == b'"' && begins_field && self.strays < STRAYS_MAX {
                match self.quoted_end(place + 1) {
                    Some(end) => place = end,
                    None => self.strays += 1,
                }
            } else if *byte == b'\n' {
                return place + 1;
            }
            begins_field = *byte == self.separator;
            place += 1;
        }
        self.bytes.len()
    }

    /// Returns the place of the quote that closes a field.
    fn quoted_end(&self, start: usize) -> Option<usize> {
        let end = self.bytes.len().min(start.saturating_add(QUOTED_BYTES_MAX));
        let mut bytes = self.bytes.get(start..end)?.iter().enumerate().peekable();
        while let Some((offset, byte)) = bytes.next() {
            if *byte == b'"' && bytes.next_if(|(_, next)| **next == b'"').is_none() {
                return Some(start + offset);
            }
        }
        None
    }
}
