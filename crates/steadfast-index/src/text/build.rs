//! Builds a segment from analysed rows.

use super::error::BuildError;
use super::writer::Writer;
use crate::assembly::Pieces;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use steadfast_model::{AnalyzerId, HashedTerms, Row, StoreId};

/// Collects analysed rows and turns them into a segment.
///
/// Holds about 10 bytes for each distinct term of each row, and as much again
/// while finishing: some 200 MB for 100,000 chunks of 110 tokens. Bulk work
/// builds several segments, each up to a bound ([`Self::peak_bytes`]).
pub struct SegmentBuilder {
    store: StoreId,
    analyzer: AnalyzerId,
    rows: Vec<Row>,
    lengths: Vec<u16>,
    /// Number of each term, in order of appearance.
    terms: HashMap<u64, u32, BuildHasherDefault<TermHasher>>,
    /// In how many rows each term occurs.
    row_counts: Vec<u32>,
    /// The term of each posting, in order of rows.
    posting_terms: Vec<u32>,
    posting_counts: Vec<u8>,
    /// How many postings each row has.
    row_postings: Vec<u32>,
}

impl SegmentBuilder {
    /// Starts a segment of the store `store`, for rows analysed by `analyzer`.
    pub fn new(store: StoreId, analyzer: AnalyzerId) -> Self {
        Self {
            store,
            analyzer,
            rows: Vec::new(),
            lengths: Vec::new(),
            terms: HashMap::default(),
            row_counts: Vec::new(),
            posting_terms: Vec::new(),
            posting_counts: Vec::new(),
            row_postings: Vec::new(),
        }
    }

    /// Adds the next row.
    ///
    /// # Errors
    /// [`BuildError::Order`] when the row does not come after the one before;
    /// [`BuildError::TooLarge`] when one segment cannot hold more. The builder
    /// keeps what it had.
    pub fn push(&mut self, row: Row, terms: &HashedTerms) -> Result<(), BuildError> {
        if let Some(&before) = self.rows.last()
            && row <= before
        {
            return Err(BuildError::Order { before, row });
        }
        let too_large = BuildError::TooLarge {
            what: "postings",
            most: u64::from(u32::MAX >> 1),
        };
        if self.posting_terms.len() + terms.entries().len() > (u32::MAX >> 1) as usize {
            return Err(too_large);
        }
        let before = self.posting_terms.len();
        for (hash, count) in terms.entries().filter(|(_, count)| *count > 0) {
            let next = u32::try_from(self.row_counts.len()).unwrap_or(u32::MAX);
            let term = *self.terms.entry(hash).or_insert(next);
            if term == next {
                self.row_counts.push(0);
            }
            if let Some(rows) = self.row_counts.get_mut(term as usize) {
                *rows += 1;
            }
            self.posting_terms.push(term);
            self.posting_counts.push(count);
        }
        self.rows.push(row);
        self.lengths.push(terms.tokens());
        let postings = self.posting_terms.len() - before;
        self.row_postings
            .push(u32::try_from(postings).unwrap_or(u32::MAX));
        Ok(())
    }

    /// Returns how many rows the segment has so far.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Returns about how many bytes [`Self::finish`] needs at its peak, with what is held already: 20 for a posting, and 90
    /// for a term that no row before had.
    pub fn peak_bytes(&self) -> usize {
        20 * self.posting_terms.len() + 90 * self.terms.len()
    }

    /// Returns the file.
    ///
    /// # Errors
    /// [`BuildError::TooLarge`] when a section passes its limit (2 GiB of packed postings).
    pub fn finish(self) -> Result<Pieces, BuildError> {
        let mut order: Vec<(u64, u32)> = self
            .terms
            .iter()
            .map(|(&hash, &term)| (hash, term))
            .collect();
        order.sort_unstable();
        let starts = starts(&order, &self.row_counts);
        let (ordinals, counts) = self.by_term(starts.clone());
        let mut writer = Writer::new(self.store, self.analyzer, self.rows, self.lengths);
        for (hash, term) in order {
            let start = starts.get(term as usize).copied().unwrap_or(0) as usize;
            let rows = self.row_counts.get(term as usize).copied().unwrap_or(0) as usize;
            let range = start..start + rows;
            writer.term(
                hash,
                ordinals.get(range.clone()).unwrap_or_default(),
                counts.get(range).unwrap_or_default(),
            )?;
        }
        writer.finish()
    }

    /// Moves the postings from row order to term order; `next` is where each term's next posting goes.
    fn by_term(&self, mut next: Vec<u32>) -> (Vec<u32>, Vec<u8>) {
        let mut ordinals = vec![0_u32; self.posting_terms.len()];
        let mut counts = vec![0_u8; self.posting_terms.len()];
        let mut postings = self.posting_terms.iter().zip(&self.posting_counts);
        for (ordinal, &row_postings) in (0_u32..).zip(&self.row_postings) {
            for (&term, &count) in postings.by_ref().take(row_postings as usize) {
                let Some(place) = next.get_mut(term as usize) else {
                    continue;
                };
                if let (Some(to), Some(count_to)) = (
                    ordinals.get_mut(*place as usize),
                    counts.get_mut(*place as usize),
                ) {
                    (*to, *count_to) = (ordinal, count);
                }
                *place += 1;
            }
        }
        (ordinals, counts)
    }
}

/// Returns where the postings of each term start when terms lie in the given order.
fn starts(order: &[(u64, u32)], row_counts: &[u32]) -> Vec<u32> {
    let mut starts = vec![0; row_counts.len()];
    let mut sum = 0;
    for &(_, term) in order {
        if let (Some(start), Some(rows)) =
            (starts.get_mut(term as usize), row_counts.get(term as usize))
        {
            *start = sum;
            sum += rows;
        }
    }
    starts
}

/// Returns the bytes of a segment of the given rows, which come in ascending order.
///
/// # Errors
/// As [`SegmentBuilder::push`] and [`SegmentBuilder::finish`].
pub fn build<'a>(
    store: StoreId,
    analyzer: AnalyzerId,
    rows: impl IntoIterator<Item = (Row, &'a HashedTerms)>,
) -> Result<Vec<u8>, BuildError> {
    let mut builder = SegmentBuilder::new(store, analyzer);
    for (row, terms) in rows {
        builder.push(row, terms)?;
    }
    Ok(builder.finish()?.into_bytes())
}

/// Term hashes are already evenly spread: they are their own hash.
#[derive(Default)]
struct TermHasher(u64);

impl Hasher for TermHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
