//! Decides what of a document is new, what is there, and what differs. Pure.
//!
//! A row is the same as a chunk by its id in the source; where the source was
//! made anew and its ids with it, by text and line. Nothing leaves the store:
//! chunks that the source does not know stay behind those that it does.

use std::collections::{HashMap, HashSet};

use steadfast_model::{Chunk, ContentHash};

use super::OnConflict;
use super::survey::{Unit, UnitRow};
use crate::ingest::RowIn;

/// What is to be done with a document.
#[derive(Debug, Default)]
pub(super) struct UnitPlan {
    /// Its whole new content; none when nothing changes.
    pub(super) rows: Option<Vec<RowIn>>,
    pub(super) imported: u64,
    pub(super) reused: u64,
    pub(super) updated: u64,
    /// Secrets that were taken out of what is new.
    pub(super) redactions: u64,
    /// Rows that are in the store with another text, which stays.
    pub(super) differing: u64,
}

/// What becomes of one row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It comes in.
    New,
    /// It is this chunk, which stays.
    Keep(usize),
    /// It takes the place of this chunk.
    Replace(usize),
    /// It differs from this chunk, which stays.
    Refuse(usize),
}

/// Compares a document of the source with the live chunks of the same document.
pub(super) fn compare(unit: &Unit, live: &[Chunk], on_conflict: OnConflict) -> UnitPlan {
    let fates = fates(unit, live, on_conflict);
    let mut plan = UnitPlan::default();
    for (fate, row) in fates.iter().zip(&unit.rows) {
        if matches!(fate, Fate::New | Fate::Replace(_)) {
            plan.redactions += row.redactions;
        }
        match fate {
            Fate::New => plan.imported += 1,
            Fate::Keep(_) => plan.reused += 1,
            Fate::Replace(_) => plan.updated += 1,
            Fate::Refuse(_) => plan.differing += 1,
        }
    }
    if plan.imported + plan.updated > 0 {
        plan.rows = Some(content(unit, live, &fates));
    }
    plan
}

fn fates(unit: &Unit, live: &[Chunk], on_conflict: OnConflict) -> Vec<Fate> {
    let hashes: Vec<ContentHash> = unit
        .rows
        .iter()
        .map(|row| ContentHash::of(&row.text))
        .collect();
    let mut by_id: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut by_text: HashMap<(ContentHash, u32), Vec<usize>> = HashMap::new();
    let wanted: HashSet<&str> = unit.rows.iter().map(|row| row.id.as_str()).collect();
    for (place, chunk) in live.iter().enumerate() {
        let id = chunk
            .attributes
            .meta
            .get("origin.id")
            .and_then(serde_json::Value::as_str);
        match id {
            Some(id) if wanted.contains(id) => by_id.entry(id).or_default().push(place),
            // An id that the source no longer gives out: its text may be there under a new one.
            _ => by_text
                .entry((chunk.content_hash, chunk.place.start_line))
                .or_default()
                .push(place),
        }
    }
    unit.rows
        .iter()
        .zip(hashes)
        .map(|(row, hash)| {
            let candidates = by_id.get_mut(row.id.as_str());
            if let Some(candidates) = candidates.filter(|candidates| !candidates.is_empty()) {
                let same = candidates.iter().position(|place| {
                    live.get(*place)
                        .is_some_and(|chunk| chunk.content_hash == hash)
                });
                return match same {
                    Some(same) => keep(row, live, candidates.remove(same), on_conflict),
                    None => differs(candidates, on_conflict),
                };
            }
            by_text
                .get_mut(&(hash, row.place.start_line))
                .and_then(Vec::pop)
                .map_or(Fate::New, |place| keep(row, live, place, on_conflict))
        })
        .collect()
}

/// The text is there: only its attributes can differ.
fn keep(row: &UnitRow, live: &[Chunk], place: usize, on_conflict: OnConflict) -> Fate {
    let is_equal = live
        .get(place)
        .is_some_and(|chunk| chunk.attributes == row.attributes);
    if on_conflict == OnConflict::Update && !is_equal {
        Fate::Replace(place)
    } else {
        Fate::Keep(place)
    }
}

fn differs(candidates: &mut Vec<usize>, on_conflict: OnConflict) -> Fate {
    match on_conflict {
        // The chunk that differs stays as what it is, behind the rows of the source.
        OnConflict::Duplicate => Fate::New,
        OnConflict::Skip => candidates.pop().map_or(Fate::New, Fate::Refuse),
        OnConflict::Update => candidates.pop().map_or(Fate::New, Fate::Replace),
    }
}

fn content(unit: &Unit, live: &[Chunk], fates: &[Fate]) -> Vec<RowIn> {
    let mut placed: HashSet<usize> = HashSet::new();
    let mut rows: Vec<RowIn> = Vec::with_capacity(unit.rows.len());
    for (row, fate) in unit.rows.iter().zip(fates) {
        match *fate {
            Fate::New => rows.push(of_row(row)),
            Fate::Replace(place) => {
                placed.insert(place);
                rows.push(of_row(row));
            }
            Fate::Keep(place) | Fate::Refuse(place) => {
                placed.insert(place);
                rows.extend(live.get(place).map(of_chunk));
            }
        }
    }
    let rest = live.iter().enumerate();
    rows.extend(
        rest.filter(|(place, _)| !placed.contains(place))
            .map(|(_, chunk)| of_chunk(chunk)),
    );
    rows
}

fn of_row(row: &UnitRow) -> RowIn {
    RowIn {
        text: row.text.clone(),
        place: row.place.clone(),
        attributes: row.attributes.clone(),
    }
}

fn of_chunk(chunk: &Chunk) -> RowIn {
    RowIn {
        text: chunk.text.clone(),
        place: chunk.place.clone(),
        attributes: chunk.attributes.clone(),
    }
}
