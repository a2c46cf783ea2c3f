//! The best rows of a scope over segments and tail.

use super::lookup::{Scratch, offer_candidates};
use super::postings::Postings;
use super::score::{Best, Bm25};
use super::segment::Sections;
use super::view::Search;
use super::wide;
use steadfast_model::{Row, RowSet};

/// At most this many rows of a segment are scored row by row.
const ROWS_DIRECT_MAX: usize = 64;
/// So are those that are at most this part of the segment: one in twenty.
const NARROW_PART: usize = 20;

impl Search<'_> {
    /// Returns the best `k` rows of `scope` that have a term of the query, best first, equal scores by ascending row.
    ///
    /// `scope` holds live rows only. The answer is exact: it is what scoring
    /// every row of the scope would give, bit for bit.
    pub fn top(
        &self,
        k: usize,
        scope: &RowSet,
        params: Bm25,
        scratch: &mut Scratch,
    ) -> Vec<(Row, f32)> {
        let (scale, factors) = self.scale(params);
        let mut best = Best::new(scale, k.min(scope.len()));
        if best.k() == 0 || self.terms.is_empty() {
            return Vec::new();
        }
        for (index, (row, _)) in self.view.tail.added.iter().enumerate() {
            if scope.contains(*row) {
                best.offer(row.0, self.tail_units(index, &scale, &factors));
            }
        }
        // Large segments first: the floor that they set makes the small ones cheap.
        let mut order: Vec<usize> = (0..self.sections.len()).collect();
        order.sort_by_key(|&index| std::cmp::Reverse(self.sections.get(index).map(Sections::rows)));
        for index in order {
            let (Some(segment), Some(sections), Some(postings)) = (
                self.view.segments.get(index),
                self.sections.get(index),
                self.postings.get(index),
            ) else {
                continue;
            };
            let terms: Vec<(Postings<'_>, f32)> = postings
                .iter()
                .zip(&factors)
                .filter_map(|(found, &factor)| Some(((*found)?, factor)))
                .collect();
            let Some(range) = segment.range().filter(|_| !terms.is_empty()) else {
                continue;
            };
            let narrow_max = (sections.rows() as usize / NARROW_PART).max(ROWS_DIRECT_MAX);
            if has_at_most(scope, range, narrow_max) {
                scratch.place(sections, rows_in(scope, range).enumerate());
                offer_candidates(sections, &terms, &scale, scratch, &mut best);
            } else {
                wide::offer_segment(
                    sections,
                    &terms,
                    &scale,
                    scope,
                    &mut scratch.wide,
                    &mut best,
                );
            }
        }
        best.into_rows()
    }
}

/// Returns the words of a set that reach into a range, the bits outside cleared, each with its first row.
fn words_in(scope: &RowSet, (first, last): (Row, Row)) -> impl Iterator<Item = (u32, u64)> + '_ {
    let (first_word, last_word) = (first.0 / 64, last.0 / 64);
    let words = scope.words().get(first_word as usize..).unwrap_or_default();
    (first_word..=last_word)
        .zip(words)
        .map(move |(index, &word)| {
            let mut mask = u64::MAX;
            if index == first_word {
                mask &= u64::MAX << (first.0 % 64);
            }
            if index == last_word {
                mask &= u64::MAX >> (63 - last.0 % 64);
            }
            (index * 64, word & mask)
        })
}

/// Returns whether a range has at most `most` rows of a set; stops counting beyond.
fn has_at_most(scope: &RowSet, range: (Row, Row), most: usize) -> bool {
    if scope.len() <= most {
        return true;
    }
    let mut rows = 0;
    words_in(scope, range).all(|(_, word)| {
        rows += word.count_ones() as usize;
        rows <= most
    })
}

fn rows_in(scope: &RowSet, range: (Row, Row)) -> impl Iterator<Item = Row> + '_ {
    words_in(scope, range).flat_map(|(base, mut word)| {
        std::iter::from_fn(move || {
            let bit = (word != 0).then(|| word.trailing_zeros())?;
            word &= word - 1;
            Some(Row(base + bit))
        })
    })
}
