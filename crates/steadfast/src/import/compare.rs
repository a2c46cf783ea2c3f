//! Decides what of a document is new, what is there, and what differs. Pure.
//!
//! A row is the same as a chunk by its id in the source; where the source was
//! made anew and its ids with it, by text and line. Nothing leaves the store but
//! copies of what was forgotten: chunks that the source does not know stay behind those that it does.

use std::collections::{HashMap, HashSet};

use steadfast_model::{Chunk, ContentHash, Trust};

use super::OnConflict;
use super::survey::{Extent, Unit, UnitRow};
use crate::ingest::{Carried, RowIn};

/// A live chunk, and the note that it belongs to.
#[derive(Debug)]
pub(super) struct Standing {
    pub(super) chunk: Chunk,
    pub(super) note: Option<ContentHash>,
}

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
    /// Rows whose text was forgotten.
    pub(super) forgotten: u64,
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
    /// Its text was forgotten.
    Withhold,
}

/// Compares a document of the source with the live chunks of the same document, and with the texts that were forgotten
/// of it.
///
/// The store would withhold those. They are not even sent, so that a plan knows what becomes of them and none is
/// embedded; a live copy of such a text leaves with the next change of the document, and is reused until then.
pub(super) fn compare(
    unit: &Unit,
    live: &[Standing],
    forgotten: &HashSet<ContentHash>,
    on_conflict: OnConflict,
) -> UnitPlan {
    let is_forgotten =
        |text: &str| !forgotten.is_empty() && forgotten.contains(&ContentHash::of(text));
    let mut fates = fates(unit, live, on_conflict);
    for (fate, row) in fates.iter_mut().zip(&unit.rows) {
        if !matches!(fate, Fate::Keep(_)) && is_forgotten(&row.text) {
            *fate = Fate::Withhold;
        }
    }
    let mut is_changed = |fate: &Fate| matches!(fate, Fate::New | Fate::Replace(_));
    if fates.iter().any(&mut is_changed) {
        for (fate, row) in fates.iter_mut().zip(&unit.rows) {
            if is_forgotten(&row.text) {
                *fate = Fate::Withhold;
            }
        }
    }
    let mut plan = UnitPlan::default();
    for (fate, row) in fates.iter().zip(&unit.rows) {
        if is_changed(fate) {
            plan.redactions += row.redactions;
        }
        match fate {
            Fate::New => plan.imported += 1,
            Fate::Keep(_) => plan.reused += 1,
            Fate::Replace(_) => plan.updated += 1,
            Fate::Refuse(_) => plan.differing += 1,
            Fate::Withhold => plan.forgotten += 1,
        }
    }
    if plan.imported + plan.updated > 0 {
        let mut rows = content(unit, live, &fates);
        rows.retain(|row| !is_forgotten(&row.text));
        plan.rows = Some(rows);
    }
    plan
}

/// Live chunks that no row has been found to be yet.
struct Candidates<'l> {
    live: &'l [Standing],
    by_id: HashMap<&'l str, Vec<usize>>,
    /// Those whose id the source no longer gives out: their text may be there under a new one.
    by_text: HashMap<(ContentHash, u32), Vec<usize>>,
    taken: HashSet<usize>,
}

impl<'l> Candidates<'l> {
    fn of(unit: &Unit, live: &'l [Standing]) -> Self {
        let wanted: HashSet<&str> = unit.rows.iter().map(|row| row.id.as_str()).collect();
        let (mut by_id, mut by_text) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (place, Standing { chunk, .. }) in live.iter().enumerate() {
            match origin_id(chunk) {
                Some(id) if wanted.contains(id) => by_id.entry(id).or_default().push(place),
                _ => by_text
                    .entry((chunk.content_hash, chunk.place.start_line))
                    .or_default()
                    .push(place),
            }
        }
        Self {
            live,
            by_id,
            by_text,
            taken: HashSet::new(),
        }
    }

    /// Takes the chunk of the same id and text.
    fn same(&mut self, row: &UnitRow, hash: ContentHash) -> Option<usize> {
        let candidates = self.by_id.get_mut(row.id.as_str())?;
        let found = candidates.iter().position(|place| {
            self.live
                .get(*place)
                .is_some_and(|standing| standing.chunk.content_hash == hash)
        })?;
        Some(candidates.remove(found))
    }

    /// Takes a chunk with this text at this line whose id is not that of another row.
    fn same_text(&mut self, row: &UnitRow, hash: ContentHash) -> Option<usize> {
        let place = self
            .by_text
            .get_mut(&(hash, row.place.start_line))
            .and_then(Vec::pop)?;
        self.taken.insert(place);
        Some(place)
    }

    /// Takes a chunk of the store's own, one that no import brought, that is free and fits.
    fn own(&mut self, fits: impl Fn(&Chunk) -> bool) -> Option<usize> {
        let mut free = self.live.iter().enumerate().filter(|(place, standing)| {
            origin_id(&standing.chunk).is_none() && !self.taken.contains(place)
        });
        let (place, _) = free.find(|(_, standing)| fits(&standing.chunk))?;
        self.taken.insert(place);
        Some(place)
    }
}

fn origin_id(chunk: &Chunk) -> Option<&str> {
    chunk.attributes.meta.get("origin.id")?.as_str()
}

fn fates(unit: &Unit, live: &[Standing], on_conflict: OnConflict) -> Vec<Fate> {
    let hashes: Vec<ContentHash> = unit
        .rows
        .iter()
        .map(|row| ContentHash::of(&row.text))
        .collect();
    let rows = || unit.rows.iter().zip(hashes.iter().copied());
    let mut candidates = Candidates::of(unit, live);
    // Whoever is the same is found first, so that no other row takes its place.
    let mut fates: Vec<Option<Fate>> = rows()
        .map(|(row, hash)| {
            let place = candidates.same(row, hash)?;
            Some(keep(row, live, place, on_conflict))
        })
        .collect();
    for ((row, hash), fate) in rows().zip(&mut fates).filter(|(_, fate)| fate.is_none()) {
        let differing = candidates.by_id.get_mut(row.id.as_str());
        *fate = match differing.filter(|differing| !differing.is_empty()) {
            Some(differing) => Some(differs(differing, on_conflict)),
            None => candidates
                .same_text(row, hash)
                .map(|place| keep(row, live, place, on_conflict)),
        };
    }
    let is_ours = live
        .iter()
        .any(|standing| origin_id(&standing.chunk).is_none());
    if is_ours {
        // The file was read here too: its texts may stand elsewhere, and its lines hold other texts.
        for ((row, hash), fate) in rows().zip(&mut fates).filter(|(_, fate)| fate.is_none()) {
            *fate = candidates
                .own(|chunk| chunk.content_hash == hash)
                .map(|place| keep(row, live, place, on_conflict));
        }
        for ((row, _), fate) in rows().zip(&mut fates).filter(|(_, fate)| fate.is_none()) {
            let differing = candidates.own(|chunk| {
                row.attributes.trust == Trust::File
                    && chunk.attributes.trust == Trust::File
                    && chunk.place.start_line == row.place.start_line
            });
            *fate = differing.map(|place| differs(&mut vec![place], on_conflict));
        }
    }
    fates
        .into_iter()
        .map(|fate| fate.unwrap_or(Fate::New))
        .collect()
}

/// The text is there: only its attributes can differ.
fn keep(row: &UnitRow, live: &[Standing], place: usize, on_conflict: OnConflict) -> Fate {
    let is_equal = live
        .get(place)
        .is_some_and(|standing| has_attributes(&standing.chunk, row));
    if on_conflict == OnConflict::Update && !is_equal {
        Fate::Replace(place)
    } else {
        Fate::Keep(place)
    }
}

/// A chunk that comes back into the store that it is of has no origin there.
fn has_attributes(chunk: &Chunk, row: &UnitRow) -> bool {
    if chunk.attributes == row.attributes {
        return true;
    }
    if origin_id(chunk).is_some() {
        return false;
    }
    let mut attributes = row.attributes.clone();
    for key in ["origin.id", "origin.kind"] {
        attributes.meta.remove(key);
    }
    chunk.attributes == attributes
}

fn differs(candidates: &mut Vec<usize>, on_conflict: OnConflict) -> Fate {
    match on_conflict {
        // The chunk that differs stays as what it is, behind the rows of the source.
        OnConflict::Duplicate => Fate::New,
        OnConflict::Skip => candidates.pop().map_or(Fate::New, Fate::Refuse),
        OnConflict::Update => candidates.pop().map_or(Fate::New, Fate::Replace),
    }
}

fn content(unit: &Unit, live: &[Standing], fates: &[Fate]) -> Vec<RowIn> {
    if unit.extent == Extent::Rest {
        return continued(unit, live, fates);
    }
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
            Fate::Withhold => {}
        }
    }
    let rest = live.iter().enumerate();
    rows.extend(
        rest.filter(|(place, _)| !placed.contains(place))
            .map(|(_, chunk)| of_chunk(chunk)),
    );
    rows
}

/// Returns what is there, in its order, and behind it what is new.
fn continued(unit: &Unit, live: &[Standing], fates: &[Fate]) -> Vec<RowIn> {
    let mut rows: Vec<RowIn> = live.iter().map(of_chunk).collect();
    for (row, fate) in unit.rows.iter().zip(fates) {
        match *fate {
            Fate::New => rows.push(of_row(row)),
            Fate::Replace(place) => {
                if let Some(slot) = rows.get_mut(place) {
                    *slot = of_row(row);
                }
            }
            Fate::Keep(_) | Fate::Refuse(_) | Fate::Withhold => {}
        }
    }
    rows
}

fn of_row(row: &UnitRow) -> RowIn {
    RowIn {
        text: row.text.clone(),
        place: row.place.clone(),
        attributes: row.attributes.clone(),
        carried: row.carried.clone(),
    }
}

fn of_chunk(chunk: &Standing) -> RowIn {
    let Standing { chunk, note } = chunk;
    RowIn {
        text: chunk.text.clone(),
        place: chunk.place.clone(),
        attributes: chunk.attributes.clone(),
        carried: Carried {
            access_count: chunk.access_count,
            note: *note,
            vector: None,
            is_live: true,
            added: None,
        },
    }
}
