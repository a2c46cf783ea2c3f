//! Who stands beside the candidates, and which terms are in them.
//!
//! A document is read in blocks of [`BLOCK`] places with the margins that the
//! windows of its candidates need, so the cost of a question is bounded by its
//! candidates, whatever the size of their documents.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use steadfast_model::{Attributes, DocumentKey, Row, RowSet};
use steadfast_store::{Bm25, FacetKey, Placed, Snapshot, TermCounts};

use crate::error::Result;

/// Places of a document that count as the parent of a candidate: a session or a short file as a
/// whole, a long one in parts.
const BLOCK: u32 = 64;

/// Where a row stands among the rows that were read.
#[derive(Clone, Copy)]
struct Seat {
    document: DocumentKey,
    index: usize,
}

pub(super) struct Surroundings {
    /// The rows of each document that were read, in order of place.
    documents: BTreeMap<DocumentKey, Vec<Placed>>,
    seats: HashMap<Row, Seat>,
    candidates: Vec<Row>,
}

impl Surroundings {
    /// Reads the blocks in which the rows stand, and `margin` places around each row.
    pub(super) fn read(snapshot: &dyn Snapshot, rows: &[Row], margin: u32) -> Result<Self> {
        let mut ranges: BTreeMap<DocumentKey, BTreeSet<u32>> = BTreeMap::new();
        for standing in snapshot.standings(rows)?.into_iter().flatten() {
            let blocks = ranges.entry(standing.document).or_default();
            let first = standing.position.saturating_sub(margin) / BLOCK;
            let last = standing.position.saturating_add(margin) / BLOCK;
            blocks.extend(first..=last);
        }
        let mut documents = BTreeMap::new();
        let mut seats = HashMap::new();
        for (document, blocks) in ranges {
            let mut read: Vec<Placed> = Vec::new();
            for (first, last) in runs(&blocks) {
                let places = first * BLOCK..=(last * BLOCK).saturating_add(BLOCK - 1);
                read.extend(snapshot.placed(document, places)?);
            }
            seats.extend(
                read.iter()
                    .enumerate()
                    .map(|(index, placed)| (placed.row, Seat { document, index })),
            );
            documents.insert(document, read);
        }
        Ok(Self {
            documents,
            seats,
            candidates: rows.to_vec(),
        })
    }

    /// Returns all rows that were read, ascending.
    pub(super) fn rows(&self) -> Vec<Row> {
        let mut rows: Vec<Row> = self.seats.keys().copied().collect();
        rows.sort_unstable();
        rows
    }

    /// Returns the candidates and their neighbours that are in scope, ascending.
    pub(super) fn joined(&self, scope: &RowSet, distance: u32) -> Vec<Row> {
        let mut joined: Vec<Row> = self
            .candidates
            .iter()
            .flat_map(|row| self.window(*row, distance))
            .filter(|row| scope.contains(*row))
            .collect();
        joined.sort_unstable();
        joined.dedup();
        joined
    }

    /// Returns the rows within `distance` places of a row, with itself, in order of place.
    pub(super) fn window(&self, row: Row, distance: u32) -> Vec<Row> {
        let Some((read, seat)) = self.seat(row) else {
            return vec![row];
        };
        let Some(here) = read.get(seat.index).map(|placed| placed.position) else {
            return vec![row];
        };
        let near = |placed: &&Placed| placed.position.abs_diff(here) <= distance;
        // Places are distinct but for notes of one source that came at once: a few more on each side do.
        let reach = 2 * distance as usize + 1;
        let first = seat.index.saturating_sub(reach);
        read.get(first..)
            .unwrap_or_default()
            .iter()
            .take(2 * reach + 1)
            .filter(near)
            .map(|placed| placed.row)
            .collect()
    }

    fn seat(&self, row: Row) -> Option<(&[Placed], Seat)> {
        let seat = self.seats.get(&row)?;
        Some((self.documents.get(&seat.document)?, *seat))
    }

    /// Returns the attributes of each row.
    pub(super) fn attributes(
        &self,
        snapshot: &dyn Snapshot,
        rows: &[Row],
    ) -> Result<Vec<Option<Arc<Attributes>>>> {
        let facet = |row: &Row| {
            let (read, seat) = self.seat(*row)?;
            Some(read.get(seat.index)?.facet)
        };
        let facets: Vec<Option<FacetKey>> = rows.iter().map(facet).collect();
        let mut keys: Vec<FacetKey> = facets.iter().flatten().copied().collect();
        keys.sort_unstable();
        keys.dedup();
        let found = snapshot.attributes(&keys)?;
        let known: HashMap<FacetKey, Arc<Attributes>> = keys
            .into_iter()
            .zip(found)
            .filter_map(|(key, found)| Some((key, found?)))
            .collect();
        Ok(facets
            .into_iter()
            .map(|facet| known.get(&facet?).map(Arc::clone))
            .collect())
    }

    /// Returns for each candidate the terms of the block in which it stands.
    pub(super) fn parents(
        &self,
        counts: &TermCounts,
        rows: &[Row],
        candidates: &[Row],
    ) -> Vec<Bag> {
        let mut known: HashMap<(DocumentKey, u32), Bag> = HashMap::new();
        candidates
            .iter()
            .map(|row| {
                let Some((read, seat)) = self.seat(*row) else {
                    return Bag::of(counts, rows, &[*row]);
                };
                let block = read
                    .get(seat.index)
                    .map_or(0, |placed| placed.position / BLOCK);
                known
                    .entry((seat.document, block))
                    .or_insert_with(|| {
                        let members: Vec<Row> = read
                            .iter()
                            .filter(|placed| placed.position / BLOCK == block)
                            .map(|placed| placed.row)
                            .collect();
                        Bag::of(counts, rows, &members)
                    })
                    .clone()
            })
            .collect()
    }
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

/// The terms of several rows as one text.
#[derive(Clone, Debug, Default)]
pub(super) struct Bag {
    counts: Vec<u32>,
    pub(super) tokens: f32,
}

impl Bag {
    /// Adds up the terms of `members`, which are among `rows`.
    pub(super) fn of(counts: &TermCounts, rows: &[Row], members: &[Row]) -> Self {
        let mut bag = Self {
            counts: vec![0; counts.df.len()],
            tokens: 0.0,
        };
        for member in members {
            let Ok(place) = rows.binary_search(member) else {
                continue;
            };
            for (sum, count) in bag.counts.iter_mut().zip(counts.row(place)) {
                *sum += u32::from(*count);
            }
            bag.tokens += f32::from(counts.lengths.get(place).copied().unwrap_or(0));
        }
        bag
    }
}

/// Returns the mean length of a live row.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts are below 2^53, and scores are f32 by definition"
)]
pub(super) fn average_tokens(counts: &TermCounts) -> f32 {
    if counts.rows_live == 0 || counts.tokens_live == 0 {
        1.0
    } else {
        (counts.tokens_live as f64 / counts.rows_live as f64) as f32
    }
}

/// Returns BM25 of a bag, with the inverse document frequencies of chunks.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a few thousand, and scores are f32 by definition"
)]
pub(super) fn bm25(counts: &TermCounts, bag: &Bag, average: f32, bm25: Bm25) -> f32 {
    let norm = bm25.k1 * (1.0 - bm25.b + bm25.b * bag.tokens / average);
    bag.counts
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
        .map(|(term, &count)| {
            let count = count as f32;
            counts.idf(term) * count * (bm25.k1 + 1.0) / (count + norm)
        })
        .sum()
}
