//! Who stands beside the candidates.
//!
//! A document is read in blocks of [`BLOCK`] places with the margins that the
//! windows of its candidates need, so the cost of a question is bounded by its
//! candidates, whatever the size of their documents. All rows that were read
//! lie in one list by document and place: windows and blocks are ranges of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Range;
use std::sync::Arc;

use steadfast_model::{Attributes, DocumentKey, Row, RowSet};
use steadfast_store::{FacetKey, Placed, Snapshot};

use crate::error::Result;

/// Places of a document that count as the parent of a candidate: a session or a short file as a
/// whole, a long one in parts.
const BLOCK: u32 = 64;

/// The candidates with everything that stands around them. A seat is an index into the list of rows.
pub(super) struct Surroundings {
    placed: Vec<Placed>,
    /// For each seat the seats of its document that were read.
    documents: Vec<Range<usize>>,
    /// The rows, ascending, each with its seat.
    seats: Vec<(Row, usize)>,
    candidates: Vec<usize>,
}

impl Surroundings {
    /// Reads the blocks in which the rows stand, and `margin` places around each row.
    pub(super) fn read(snapshot: &dyn Snapshot, rows: &[Row], margin: u32) -> Result<Self> {
        let mut blocks: BTreeMap<DocumentKey, BTreeSet<u32>> = BTreeMap::new();
        for standing in snapshot.standings(rows)?.into_iter().flatten() {
            let first = standing.position.saturating_sub(margin) / BLOCK;
            let last = standing.position.saturating_add(margin) / BLOCK;
            let known = blocks.entry(standing.document).or_default();
            known.extend(first..=last);
        }
        let mut placed: Vec<Placed> = Vec::new();
        let mut documents = Vec::new();
        for (document, blocks) in blocks {
            let start = placed.len();
            for (first, last) in runs(&blocks) {
                let range = first * BLOCK..=(last * BLOCK).saturating_add(BLOCK - 1);
                placed.extend(snapshot.placed(document, range)?);
            }
            documents.resize(placed.len(), start..placed.len());
        }
        let mut seats = seats_of(&placed);
        // What stands nowhere because the store is damaged is a candidate all the same, alone: whoever fetches it is told.
        for row in rows {
            if seats.binary_search_by_key(row, |(row, _)| *row).is_err() {
                documents.push(placed.len()..placed.len() + 1);
                placed.push(Placed {
                    position: 0,
                    row: *row,
                    facet: FacetKey(0),
                });
            }
        }
        if placed.len() > seats.len() {
            seats = seats_of(&placed);
        }
        let mut read = Self {
            placed,
            documents,
            seats,
            candidates: Vec::new(),
        };
        read.candidates = rows.iter().filter_map(|row| read.seat(*row)).collect();
        Ok(read)
    }

    fn seat(&self, row: Row) -> Option<usize> {
        let place = self.seats.binary_search_by_key(&row, |(row, _)| *row);
        self.seats.get(place.ok()?).map(|(_, seat)| *seat)
    }

    /// Returns how many rows were read.
    pub(super) fn len(&self) -> usize {
        self.placed.len()
    }

    /// Returns the rows that were read, ascending, each with its seat.
    pub(super) fn by_row(&self) -> &[(Row, usize)] {
        &self.seats
    }

    /// Returns the row on a seat.
    pub(super) fn row(&self, seat: usize) -> Row {
        self.placed.get(seat).map_or(Row(0), |placed| placed.row)
    }

    /// Returns the seats of the candidates and of their neighbours that are in scope, ascending by row.
    pub(super) fn joined(&self, scope: &RowSet, distance: u32) -> Vec<usize> {
        let mut is_joined = vec![false; self.len()];
        for seat in &self.candidates {
            for neighbour in self.window(*seat, distance) {
                if let Some(joined) = is_joined.get_mut(neighbour) {
                    *joined = true;
                }
            }
        }
        self.seats
            .iter()
            .filter(|(row, seat)| {
                is_joined.get(*seat).copied().unwrap_or(false) && scope.contains(*row)
            })
            .map(|(_, seat)| *seat)
            .collect()
    }

    /// Returns the seats within `distance` places of a seat, with itself.
    pub(super) fn window(&self, seat: usize, distance: u32) -> Range<usize> {
        let here = self.position(seat);
        self.around(seat, |position| position.abs_diff(here) <= distance)
    }

    /// Returns the seats of the block in which a seat is.
    pub(super) fn block(&self, seat: usize) -> Range<usize> {
        let here = self.position(seat) / BLOCK;
        self.around(seat, |position| position / BLOCK == here)
    }

    fn position(&self, seat: usize) -> u32 {
        self.placed.get(seat).map_or(0, |placed| placed.position)
    }

    /// Returns the run of seats of one document around a seat whose places are wanted.
    fn around(&self, seat: usize, is_wanted: impl Fn(u32) -> bool) -> Range<usize> {
        let Some(document) = self.documents.get(seat) else {
            return seat..seat;
        };
        let wanted = |seat: &usize| is_wanted(self.position(*seat));
        let before = (document.start..seat).rev().take_while(wanted).count();
        let after = (seat + 1..document.end).take_while(wanted).count();
        seat - before..seat + 1 + after
    }

    /// Returns the attributes of each seat.
    pub(super) fn attributes(
        &self,
        snapshot: &dyn Snapshot,
        seats: &[usize],
    ) -> Result<Vec<Option<Arc<Attributes>>>> {
        let facet = |seat: &usize| self.placed.get(*seat).map(|placed| placed.facet);
        let mut keys: Vec<FacetKey> = seats.iter().filter_map(facet).collect();
        keys.sort_unstable();
        keys.dedup();
        let found = snapshot.attributes(&keys)?;
        let known: HashMap<FacetKey, Arc<Attributes>> = keys
            .into_iter()
            .zip(found)
            .filter_map(|(key, found)| Some((key, found?)))
            .collect();
        Ok(seats
            .iter()
            .map(|seat| known.get(&facet(seat)?).map(Arc::clone))
            .collect())
    }
}

/// Returns the rows, ascending, each with its seat.
fn seats_of(placed: &[Placed]) -> Vec<(Row, usize)> {
    let rows = placed.iter().map(|placed| placed.row).enumerate();
    let mut seats: Vec<(Row, usize)> = rows.map(|(seat, row)| (row, seat)).collect();
    seats.sort_unstable();
    seats
}

/// Returns runs of numbers that follow each other as first and last.
fn runs(numbers: &BTreeSet<u32>) -> Vec<(u32, u32)> {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &number in numbers {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == number => *last = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}
