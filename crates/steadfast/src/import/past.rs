//! Versions of a document that were no longer live in the store that they are from.
//!
//! They come in beside what is live, with when they came and left there, and are
//! found by nothing but a question about an earlier moment.

use std::collections::HashMap;

use steadfast_model::{ContentHash, DocumentStatus, Outcome, Settled};
use steadfast_store::StoreError;

use super::bring::{Bringing, forgotten};
use super::bundle::PastIn;
use super::survey::UnitRow;
use crate::error::Result;
use crate::ingest::{Line, RowIn, VectorCounts, foresee, put_past};

/// What became of some versions.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) imported: u64,
    pub(super) reused: u64,
    pub(super) forgotten: u64,
    /// Secrets that were taken out of what is new.
    pub(super) redactions: u64,
    /// Where the vectors of what is new came from.
    pub(super) vectors: VectorCounts,
    /// What the store answered.
    pub(super) settled: Option<Settled>,
    /// The texts that were sent.
    pub(super) sent: Vec<ContentHash>,
}

/// Brings versions of one document in, or says what that would do.
pub(super) fn bring(mut past: PastIn, bringing: Bringing<'_>) -> Result<Brought> {
    let count = past.versions.len() as u64;
    let line = match bringing {
        Bringing::Count => {
            return Ok(Brought {
                imported: count,
                ..Brought::default()
            });
        }
        Bringing::Write(line) | Bringing::Compare(line) => line,
    };
    for (row, _, _) in &mut past.versions {
        row.redact(line);
    }
    let mut brought = sift(line, &mut past)?;
    if past.versions.is_empty() {
        return Ok(brought);
    }
    brought.redactions = past.versions.iter().map(|(row, _, _)| row.redactions).sum();
    match bringing {
        Bringing::Write(_) => write(line, past, &mut brought)?,
        Bringing::Compare(_) | Bringing::Count => {
            brought.imported = past.versions.len() as u64;
            let rows: Vec<RowIn> = past
                .versions
                .into_iter()
                .map(|(row, _, _)| sent(row))
                .collect();
            brought.vectors = foresee(line, &rows);
        }
    }
    Ok(brought)
}

/// Counts versions that are in the store or were forgotten there, and leaves those that are new.
fn sift(line: &Line<'_>, past: &mut PastIn) -> Result<Brought> {
    let snapshot = line.backend.snapshot()?;
    let mut brought = Brought::default();
    let Some(document) = snapshot.document(&past.namespace, &past.source)? else {
        return Ok(brought);
    };
    if document.status == DocumentStatus::Forgotten {
        brought.forgotten = std::mem::take(&mut past.versions).len() as u64;
        return Ok(brought);
    }
    let mut known: HashMap<_, u64> = HashMap::new();
    let history = snapshot
        .history()
        .ok_or(StoreError::Unsupported("past versions"))?;
    for row in history.past_of(document.key)? {
        let key = (row.content_hash, row.start_line, row.added, row.removed);
        *known.entry(key).or_default() += 1;
    }
    let forgotten = forgotten(snapshot.as_ref(), document.key)?;
    past.versions.retain(|(row, added, removed)| {
        let hash = ContentHash::of(&row.text);
        let key = (hash, row.place.start_line, *added, *removed);
        if let Some(left) = known.get_mut(&key).filter(|left| **left > 0) {
            *left -= 1;
            brought.reused += 1;
            return false;
        }
        let is_forgotten = forgotten.contains(&hash);
        brought.forgotten += u64::from(is_forgotten);
        !is_forgotten
    });
    Ok(brought)
}

fn sent(row: UnitRow) -> RowIn {
    RowIn {
        text: row.text,
        place: row.place,
        attributes: row.attributes,
        carried: row.carried,
    }
}

/// Writes versions; others may have changed the store since they were compared with it.
fn write(line: &Line<'_>, past: PastIn, brought: &mut Brought) -> Result<()> {
    let count = past.versions.len() as u64;
    let texts = past.versions.iter();
    brought.sent = texts
        .map(|(row, _, _)| ContentHash::of(&row.text))
        .collect();
    let rows = past
        .versions
        .into_iter()
        .map(|(row, added, removed)| (sent(row), added, removed));
    let (settled, vectors) = put_past(line, (past.namespace, past.source), rows.collect())?;
    let Some(settled) = settled.into_iter().next() else {
        return Err(StoreError::Internal("a change without an answer".to_owned()).into());
    };
    if let Outcome::Refused(_) = settled.outcome {
        brought.forgotten += count;
        return Ok(());
    }
    brought.vectors = vectors;
    brought.imported += settled.counts.inserted;
    brought.reused += settled.counts.reused;
    brought.forgotten += settled.withheld;
    brought.settled = Some(settled);
    Ok(())
}
