//! Rows without a hash of their own: taken as they are where they can be read, mended where they cannot.

use std::collections::BTreeSet;

use rusqlite::types::Value;

use super::Salvaged;
use super::source::{Source, Table};
use super::target::Target;
use crate::sqlite::values::{Fate, Origin, settle};

/// Where a document or a collection has its name.
const NAME: usize = 1;
/// Where a facet names its document.
const DOCUMENT_OF_FACET: usize = 1;

/// Copies every table that is neither proven row by row nor made anew. Documents whose attributes were mended are
/// added to `concerned`: their files may know better.
pub(super) fn copy_tables(
    source: &Source,
    target: &Target,
    salvaged: &mut Salvaged,
    concerned: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    for table in target.copied()? {
        let mut pass = Pass {
            table: &table,
            target,
            concerned,
            nameless: Vec::new(),
            left_out: 0,
            refused: BTreeSet::new(),
            mended: 0,
            failed: None,
        };
        let reading = source.read(&table, &mut |values, origin| pass.take(values, origin));
        pass.name_the_rest()?;
        let left_out = pass.left_out + pass.refused.len() as u64;
        salvaged.note_mended(&table.name, pass.mended);
        salvaged.note_left_out(&table.name, left_out);
        salvaged.rows_read += reading.rows;
        if reading.broken {
            salvaged.broken.push(table.name);
        }
    }
    Ok(())
}

/// One table on its way.
struct Pass<'p> {
    table: &'p Table,
    target: &'p Target,
    concerned: &'p mut BTreeSet<i64>,
    /// Rows whose name was none: they must not take that of another that is still to come.
    nameless: Vec<Vec<Value>>,
    left_out: u64,
    /// The numbers of rows that were left out: a tree that ends early is read again.
    refused: BTreeSet<i64>,
    mended: u64,
    failed: Option<rusqlite::Error>,
}

impl Pass<'_> {
    fn take(&mut self, found: &[Value], origin: Origin) -> bool {
        let mut values = found.to_vec();
        let fate = settle(&self.table.name, &mut values, origin);
        let count = match fate {
            Fate::Sound => 0,
            Fate::Mended(count) => count,
            Fate::LeftOut if origin == Origin::Page => return false,
            Fate::LeftOut => {
                match found.first() {
                    Some(Value::Integer(row)) if self.table.by_row => {
                        self.refused.insert(*row);
                    }
                    _ => self.left_out += 1,
                }
                return false;
            }
        };
        let has_name = ["documents", "collections"].contains(&self.table.name.as_str());
        if has_name && values.get(NAME) != found.get(NAME) {
            self.mended += count;
            self.nameless.push(values);
            return true;
        }
        let is_taken = self
            .target
            .insert(self.table, &values)
            .unwrap_or_else(|error| {
                self.failed.get_or_insert(error);
                false
            });
        if is_taken && count > 0 {
            self.mended += count;
            if self.table.name == "facets"
                && let Some(Value::Integer(document)) = values.get(DOCUMENT_OF_FACET)
            {
                self.concerned.insert(*document);
            }
        }
        is_taken
    }

    /// Puts in what has a new name, one that nothing else has.
    fn name_the_rest(&mut self) -> rusqlite::Result<()> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        for mut values in std::mem::take(&mut self.nameless) {
            if self.target.insert(self.table, &values)? {
                continue;
            }
            if let Some(Value::Integer(key)) = values.first().cloned()
                && let Some(Value::Text(name)) = values.get_mut(NAME)
            {
                *name = format!("{name}-{key}");
            }
            if !self.target.insert(self.table, &values)? {
                self.left_out += 1;
            }
        }
        Ok(())
    }
}
