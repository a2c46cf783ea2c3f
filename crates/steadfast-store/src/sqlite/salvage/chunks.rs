//! Chunks: what has its hash is taken, wherever it stands and whatever its other columns say.

use std::collections::BTreeSet;

use rusqlite::types::Value;
use steadfast_model::{Analyze, ContentHash};

use super::source::{Source, Table};
use super::target::Target;
use super::{Salvaged, column};
use crate::sqlite::values::{COUNT_MAX, DOCUMENT_MAX, Fate, Origin, ROW_MAX, settle};

/// Copies every chunk whose text has its hash. Documents that lost some, or whose chunks were mended, are added to
/// `concerned`.
pub(super) fn copy_chunks(
    source: &Source,
    target: &Target,
    analyze: &dyn Analyze,
    salvaged: &mut Salvaged,
    concerned: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    let table = target.table("chunks")?;
    let mut pass = Pass {
        table: &table,
        target,
        analyze,
        salvaged,
        concerned,
        spare: (
            target.next("document", "documents")?,
            target.next("facet", "facets")?,
        ),
        damaged: BTreeSet::new(),
        refused: BTreeSet::new(),
        strays: BTreeSet::new(),
        failed: None,
    };
    let reading = source.read(&table, &mut |values, origin| pass.take(values, origin));
    if let Some(error) = pass.failed.take() {
        return Err(error);
    }
    if !pass.strays.is_empty() {
        // Their numbers cannot be kept: they are given those behind all others.
        let mut next = target.next("row", "chunks")?;
        let mut waiting = std::mem::take(&mut pass.strays);
        source.read(&table, &mut |values, _| {
            let is_due = matches!(values.first(), Some(Value::Integer(row)) if waiting.remove(row));
            is_due && next <= ROW_MAX && {
                let mut values = values.to_vec();
                if let Some(row) = values.first_mut() {
                    *row = Value::Integer(next);
                }
                let is_taken = pass.take(&values, Origin::Tree);
                next += i64::from(is_taken);
                pass.salvaged.note_mended("chunks", u64::from(is_taken));
                is_taken
            }
        });
        if let Some(error) = pass.failed.take() {
            return Err(error);
        }
    }
    let damaged = std::mem::take(&mut pass.damaged);
    salvaged.rows_read += reading.rows;
    if reading.broken {
        salvaged.broken.push(table.name);
    }
    count_damaged(target, damaged, salvaged, concerned)
}

struct Pass<'p> {
    table: &'p Table,
    target: &'p Target,
    analyze: &'p dyn Analyze,
    salvaged: &'p mut Salvaged,
    concerned: &'p mut BTreeSet<i64>,
    /// The numbers of a document and of a facet for chunks that name none.
    spare: (i64, i64),
    /// Row, document, and whether it is live, of what does not have its hash.
    damaged: BTreeSet<(i64, i64, bool)>,
    refused: BTreeSet<i64>,
    /// Numbers that no row can have.
    strays: BTreeSet<i64>,
    failed: Option<rusqlite::Error>,
}

impl Pass<'_> {
    fn take(&mut self, found: &[Value], origin: Origin) -> bool {
        let is_live = found.get(column::REMOVED) == Some(&Value::Null);
        let Some(&Value::Integer(row)) = found.first() else {
            return false;
        };
        let document = match found.get(column::DOCUMENT) {
            Some(&Value::Integer(document)) if (1..=DOCUMENT_MAX).contains(&document) => document,
            _ => self.spare.0,
        };
        let Some(text) = proven_text(found) else {
            if let Some(Value::Blob(hash)) = found.get(column::HASH)
                && hash.len() == 32
            {
                self.damaged.insert((row, document, is_live));
            }
            return false;
        };
        if !(1..=ROW_MAX).contains(&row) {
            self.strays.insert(row);
            return false;
        }
        let mut values = found.to_vec();
        let tokens = Value::Integer(i64::from(self.analyze.terms(text).tokens()));
        let counts_differ = values.get(column::TOKENS) != Some(&tokens);
        for (place, value) in [
            (column::DOCUMENT, Value::Integer(document)),
            (column::TOKENS, tokens),
        ] {
            if let Some(slot) = values.get_mut(place) {
                *slot = value;
            }
        }
        if let Some(facet) = values.get_mut(column::FACET)
            && !matches!(facet, Value::Integer(1..=COUNT_MAX))
        {
            *facet = Value::Integer(self.spare.1);
        }
        let mended = match settle(&self.table.name, &mut values, origin) {
            Fate::Sound => 0,
            Fate::Mended(count) => count,
            Fate::LeftOut => return false,
        };
        let is_taken = self.insert(row, is_live, &values);
        if is_taken {
            self.salvaged.lengths_made += u64::from(counts_differ);
            self.salvaged.note_mended("chunks", mended);
            if mended > 0 {
                self.concerned.insert(document);
            }
        }
        is_taken
    }

    fn insert(&mut self, row: i64, is_live: bool, values: &[Value]) -> bool {
        let inserted = self
            .target
            .insert(self.table, values)
            .unwrap_or_else(|error| {
                self.failed.get_or_insert(error);
                false
            });
        // A row is read again where pages are read for themselves.
        if !inserted && is_live && self.refused.insert(row) {
            match self.target.fold(values) {
                Ok(folded) => self.salvaged.doubled += u64::from(folded),
                Err(error) => drop(self.failed.get_or_insert(error)),
            }
        }
        inserted
    }
}

/// Returns the text of a chunk, when it has its hash.
fn proven_text(values: &[Value]) -> Option<&str> {
    let (Some(Value::Blob(hash)), Some(Value::Blob(text))) =
        (values.get(column::HASH), values.get(column::TEXT))
    else {
        return None;
    };
    let text = std::str::from_utf8(text).ok()?;
    (ContentHash::of(text).0[..] == hash[..]).then_some(text)
}

/// Counts what was found only damaged.
fn count_damaged(
    target: &Target,
    damaged: BTreeSet<(i64, i64, bool)>,
    salvaged: &mut Salvaged,
    concerned: &mut BTreeSet<i64>,
) -> rusqlite::Result<()> {
    for (row, document, is_live) in damaged {
        if target.has_row(row)? {
            continue;
        }
        if is_live {
            salvaged.damaged += 1;
            concerned.insert(document);
        } else {
            salvaged.damaged_history += 1;
        }
    }
    Ok(())
}
