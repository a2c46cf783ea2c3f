//! BM25 of a candidate, of the window around it, and of its document.

use std::ops::Range;

use steadfast_model::Row;
use steadfast_store::{Bm25, Snapshot, TermCounts};

use super::WINDOW;
use super::formula::{Formula, Parts};
use super::surroundings::Surroundings;
use crate::error::Result;
use crate::query::parse::Question;

/// The counts of the question's terms on each seat.
struct Words {
    idf: Vec<f32>,
    /// One count for each term on each seat.
    counts: Vec<u8>,
    lengths: Vec<f32>,
    /// The mean length of a live row.
    average: f32,
}

impl Words {
    fn read(snapshot: &dyn Snapshot, terms: &[u64], surroundings: &Surroundings) -> Result<Self> {
        let rows: Vec<Row> = surroundings.by_row().iter().map(|(row, _)| *row).collect();
        let found = snapshot.term_counts(terms, &rows)?;
        let width = terms.len();
        let mut words = Self {
            idf: (0..width).map(|term| found.idf(term)).collect(),
            counts: vec![0; width * rows.len()],
            lengths: vec![0.0; rows.len()],
            average: average_tokens(&found),
        };
        for (place, (_, seat)) in surroundings.by_row().iter().enumerate() {
            if let Some(counts) = words.counts.get_mut(seat * width..(seat + 1) * width) {
                counts.copy_from_slice(found.row(place));
            }
            if let Some(length) = words.lengths.get_mut(*seat) {
                *length = f32::from(found.lengths.get(place).copied().unwrap_or(0));
            }
        }
        Ok(words)
    }

    fn tokens(&self, seats: Range<usize>) -> f32 {
        self.lengths.get(seats).unwrap_or_default().iter().sum()
    }

    /// Returns BM25 of the seats as one text, with the inverse document frequencies of chunks.
    fn bm25(&self, seats: Range<usize>, average: f32, bm25: Bm25, sums: &mut Vec<f32>) -> f32 {
        let width = self.idf.len();
        sums.clear();
        sums.resize(width, 0.0);
        let counts = self.counts.get(seats.start * width..seats.end * width);
        for counts in counts.unwrap_or_default().chunks_exact(width.max(1)) {
            for (sum, count) in sums.iter_mut().zip(counts) {
                *sum += f32::from(*count);
            }
        }
        let norm = bm25.k1 * (1.0 - bm25.b + bm25.b * self.tokens(seats) / average);
        sums.iter()
            .zip(&self.idf)
            .filter(|(sum, _)| **sum > 0.0)
            .map(|(sum, idf)| idf * sum * (bm25.k1 + 1.0) / (sum + norm))
            .sum()
    }
}

/// Fills in the parts of words.
pub(super) fn words(
    snapshot: &dyn Snapshot,
    question: &Question,
    surroundings: &Surroundings,
    candidates: &[usize],
    formula: &Formula,
    parts: &mut [Parts],
) -> Result<()> {
    let words = Words::read(snapshot, &question.terms, surroundings)?;
    let windows: Vec<Range<usize>> = candidates
        .iter()
        .map(|seat| surroundings.window(*seat, WINDOW))
        .collect();
    let blocks: Vec<Range<usize>> = candidates
        .iter()
        .map(|seat| surroundings.block(*seat))
        .collect();
    let window_average = mean(windows.iter().map(|seats| words.tokens(seats.clone())));
    let block_average = mean(blocks.iter().map(|seats| words.tokens(seats.clone())));
    let mut sums = Vec::new();
    // Candidates ascend by row, so those of one block mostly follow each other.
    let mut last_block: Option<(&Range<usize>, f32)> = None;
    for (index, parts) in parts.iter_mut().enumerate() {
        let (Some(seat), Some(window), Some(block)) =
            (candidates.get(index), windows.get(index), blocks.get(index))
        else {
            continue;
        };
        let own = formula.bm25_of(parts.kind);
        parts.chunk = words.bm25(*seat..seat + 1, words.average, own, &mut sums);
        parts.window = words.bm25(window.clone(), window_average, own, &mut sums);
        parts.parent = match last_block {
            Some((known, score)) if known == block => score,
            _ => words.bm25(block.clone(), block_average, formula.parent_bm25, &mut sums),
        };
        last_block = Some((block, parts.parent));
    }
    Ok(())
}

fn mean(lengths: impl Iterator<Item = f32>) -> f32 {
    let (sum, number) = lengths.fold((0.0, 0.0), |(sum, number), length| {
        (sum + length, number + 1.0)
    });
    if sum > 0.0 { sum / number } else { 1.0 }
}

/// Returns the mean length of a live row.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "counts are below 2^53, and scores are f32 by definition"
)]
fn average_tokens(counts: &TermCounts) -> f32 {
    if counts.rows_live == 0 || counts.tokens_live == 0 {
        1.0
    } else {
        (counts.tokens_live as f64 / counts.rows_live as f64) as f32
    }
}
