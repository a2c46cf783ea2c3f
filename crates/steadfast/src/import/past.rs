//! Versions of a document that were no longer live in the store that they are from.
//!
//! They come in beside what is live, with when they came and left there, and are
//! found by nothing but a question about an earlier moment.

use std::collections::HashMap;

use steadfast_model::{ContentHash, DocumentStatus, Outcome, Settled};
use steadfast_store::StoreError;

use super::bring::Bringing;
use super::bundle::PastIn;
use crate::error::Result;
use crate::ingest::{Line, RowIn, VectorCounts, put_past};

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
    let redactions = past.versions.iter().map(|(row, _, _)| row.redactions).sum();
    let mut brought = match bringing {
        Bringing::Write(_) => write(line, past)?,
        Bringing::Compare(_) | Bringing::Count => compare(line, &past)?,
    };
    if brought.imported > 0 {
        brought.redactions = redactions;
    }
    Ok(brought)
}

fn compare(line: &Line<'_>, past: &PastIn) -> Result<Brought> {
    let snapshot = line.backend.snapshot()?;
    let count = past.versions.len() as u64;
    let mut brought = Brought::default();
    let document = snapshot.document(&past.namespace, &past.source)?;
    if document
        .as_ref()
        .is_some_and(|document| document.status == DocumentStatus::Forgotten)
    {
        brought.forgotten = count;
        return Ok(brought);
    }
    let mut known: HashMap<_, u64> = HashMap::new();
    if let Some(document) = document {
        let history = snapshot
            .history()
            .ok_or(StoreError::Unsupported("past versions"))?;
        for row in history.past_of(document.key)? {
            let key = (row.content_hash, row.start_line, row.added, row.removed);
            *known.entry(key).or_default() += 1;
        }
    }
    for (row, added, removed) in &past.versions {
        let key = (
            ContentHash::of(&row.text),
            row.place.start_line,
            *added,
            *removed,
        );
        match known.get_mut(&key).filter(|left| **left > 0) {
            Some(left) => {
                *left -= 1;
                brought.reused += 1;
            }
            None => brought.imported += 1,
        }
    }
    Ok(brought)
}

fn write(line: &Line<'_>, past: PastIn) -> Result<Brought> {
    let count = past.versions.len() as u64;
    let sent = past
        .versions
        .iter()
        .map(|(row, _, _)| ContentHash::of(&row.text));
    let mut brought = Brought {
        sent: sent.collect(),
        ..Brought::default()
    };
    let rows = past.versions.into_iter().map(|(row, added, removed)| {
        let row = RowIn {
            text: row.text,
            place: row.place,
            attributes: row.attributes,
            carried: row.carried,
        };
        (row, added, removed)
    });
    let (settled, vectors) = put_past(line, (past.namespace, past.source), rows.collect())?;
    brought.vectors = vectors;
    let Some(settled) = settled.into_iter().next() else {
        return Err(StoreError::Internal("a change without an answer".to_owned()).into());
    };
    if let Outcome::Refused(_) = settled.outcome {
        brought.forgotten = count;
        return Ok(brought);
    }
    brought.imported = settled.counts.inserted;
    brought.reused = settled.counts.reused;
    brought.forgotten = settled.withheld;
    brought.settled = Some(settled);
    Ok(brought)
}
