//! Scores and counts of given rows: postings driven by the rows instead of the rows by postings.

use super::postings::{Block, BlockRows, Postings};
use super::score::{Best, Bm25, Scale};
use super::segment::{Sections, gallop};
use super::view::{Search, tail_places, within};
use steadfast_model::Row;

/// Memory that searches reuse: one per thread.
#[derive(Default)]
pub struct Scratch {
    pub(super) decoded: BlockRows,
    pub(super) rows: Vec<Candidate>,
    pub(super) sums: Vec<u32>,
    pub(super) wide: super::wide::WideScratch,
}

/// A row that may be among the best.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) ordinal: u32,
    pub(super) units: u32,
    /// Its place among the rows that were asked for.
    pub(super) place: usize,
}

/// The counts of the terms of a query in given rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    terms: usize,
    counts: Vec<u8>,
}

impl Counts {
    /// Returns the counts in one row, by place in the list of rows; one per term of [`Search::terms`].
    pub fn row(&self, place: usize) -> &[u8] {
        let start = place.saturating_mul(self.terms);
        self.counts
            .get(start..start.saturating_add(self.terms))
            .unwrap_or_default()
    }
}

/// Calls `visit` with each candidate that the term occurs in and the count; candidates ascend.
///
/// `is_wanted` is asked before a block is unpacked for a candidate: where it says no, the candidate is passed over.
pub(super) fn visit_counts(
    postings: &Postings<'_>,
    decoded: &mut BlockRows,
    candidates: &mut [Candidate],
    mut is_wanted: impl FnMut(&Block, &Candidate) -> bool,
    mut visit: impl FnMut(&mut Candidate, u32),
) {
    let mut index = 0;
    let mut at = 0;
    let mut is_unpacked = false;
    let (Some(mut block), mut start) = (postings.block(0), 0) else {
        return;
    };
    for candidate in candidates {
        if candidate.ordinal > block.last {
            index = postings.seek(index, candidate.ordinal);
            let Some(found) = postings.block(index) else {
                return;
            };
            (block, start) = (found, postings.start(index));
            (at, is_unpacked) = (0, false);
        }
        if candidate.ordinal < start || !is_wanted(&block, candidate) {
            continue;
        }
        if !is_unpacked {
            // A block that does not unpack is in no verified segment; its rows are taken for absent.
            is_unpacked = postings.decode(index, decoded).is_some();
            if !is_unpacked {
                continue;
            }
        }
        let rest = decoded.ordinals().get(at..).unwrap_or_default();
        at += gallop(rest, |&ordinal| ordinal < candidate.ordinal);
        if decoded.ordinals().get(at) == Some(&candidate.ordinal) {
            visit(candidate, decoded.counts().get(at).copied().unwrap_or(1));
        }
    }
}

impl Search<'_> {
    /// Returns the scores of rows in ascending order, 0 for a row that has no term of the query.
    ///
    /// Bit for bit the scores that [`Search::top`] gives. Whether a row is live is the caller's business.
    pub fn scores(&self, rows: &[Row], params: Bm25, scratch: &mut Scratch) -> Vec<f32> {
        let (scale, factors) = self.scale(params);
        let mut scores = vec![0.0; rows.len()];
        for (segment, (sections, postings)) in self
            .view
            .segments
            .iter()
            .zip(self.sections.iter().zip(&self.postings))
        {
            scratch.place(sections, within(rows, segment.range()));
            for (found, &factor) in postings.iter().zip(&factors) {
                let Some(found) = found else { continue };
                visit_counts(
                    found,
                    &mut scratch.decoded,
                    &mut scratch.rows,
                    |_, _| true,
                    |candidate, count| {
                        candidate.units +=
                            scale.summand(factor, count, sections.length(candidate.ordinal));
                    },
                );
            }
            for candidate in &scratch.rows {
                if let Some(score) = scores.get_mut(candidate.place) {
                    *score = scale.score(candidate.units);
                }
            }
        }
        for (place, index) in tail_places(rows, self.view.tail.added) {
            if let Some(score) = scores.get_mut(place) {
                *score = scale.score(self.tail_units(index, &scale, &factors));
            }
        }
        scores
    }

    /// Returns the counts of every term in rows in ascending order.
    pub fn counts(&self, rows: &[Row], scratch: &mut Scratch) -> Counts {
        let terms = self.terms.len();
        let mut counts = vec![0_u8; rows.len() * terms];
        for (segment, (sections, postings)) in self
            .view
            .segments
            .iter()
            .zip(self.sections.iter().zip(&self.postings))
        {
            scratch.place(sections, within(rows, segment.range()));
            for (term, found) in postings.iter().enumerate() {
                let Some(found) = found else { continue };
                visit_counts(
                    found,
                    &mut scratch.decoded,
                    &mut scratch.rows,
                    |_, _| true,
                    |candidate, count| {
                        if let Some(slot) = counts.get_mut(candidate.place * terms + term) {
                            *slot = u8::try_from(count).unwrap_or(u8::MAX);
                        }
                    },
                );
            }
        }
        for (place, index) in tail_places(rows, self.view.tail.added) {
            let from = self.tail_counts.get(index * terms..(index + 1) * terms);
            if let (Some(to), Some(from)) =
                (counts.get_mut(place * terms..(place + 1) * terms), from)
            {
                to.copy_from_slice(from);
            }
        }
        Counts { terms, counts }
    }

    pub(super) fn scale(&self, params: Bm25) -> (Scale, Vec<f32>) {
        // Dead terms must not set the scale, or scores would depend on rows that are gone. They keep a
        // factor all the same: a caller that counts too many dead rows loses accuracy, never a row.
        let all_dead = self.terms.iter().all(|term| term.df == 0);
        let live = self
            .terms
            .iter()
            .filter(|term| all_dead || term.df > 0)
            .map(|term| term.weight * term.idf);
        let scale = Scale::new(params, &self.view.stats, live.fold(0.0, f32::max));
        let factors = self
            .terms
            .iter()
            .map(|term| scale.factor(term.weight * term.idf))
            .collect();
        (scale, factors)
    }

    /// Returns the units of a row of the tail.
    pub(super) fn tail_units(&self, index: usize, scale: &Scale, factors: &[f32]) -> u32 {
        let terms = self.terms.len();
        let counts = self
            .tail_counts
            .get(index * terms..(index + 1) * terms)
            .unwrap_or_default();
        let length = self
            .view
            .tail
            .added
            .get(index)
            .map_or(0, |(_, terms)| terms.tokens());
        let present = counts.iter().zip(factors).filter(|(count, _)| **count > 0);
        present
            .map(|(&count, &factor)| scale.summand(factor, u32::from(count), length))
            .sum()
    }
}

impl Scratch {
    /// Fills the candidates with the rows that lie in a segment.
    pub(super) fn place(
        &mut self,
        sections: &Sections<'_>,
        rows: impl Iterator<Item = (usize, Row)>,
    ) {
        self.rows.clear();
        self.rows
            .extend(sections.locate(rows).map(|(place, ordinal)| Candidate {
                ordinal,
                units: 0,
                place,
            }));
    }
}

/// Offers the candidates of a segment to `best`, terms that add most first, dropping those that cannot win.
pub(super) fn offer_candidates(
    sections: &Sections<'_>,
    terms: &[(Postings<'_>, f32)],
    scale: &Scale,
    scratch: &mut Scratch,
    best: &mut Best,
) {
    let bounded = terms
        .iter()
        .map(|&(postings, factor)| (bound_of_term(&postings, factor, scale), postings, factor));
    let mut terms: Vec<(u32, Postings<'_>, f32)> = bounded.collect();
    terms.sort_unstable_by_key(|&(bound, ..)| std::cmp::Reverse(bound));
    let mut left: u32 = terms.iter().map(|&(bound, ..)| bound).sum();
    for &(bound, postings, factor) in &terms {
        left -= bound;
        let Scratch {
            decoded,
            rows,
            sums,
            ..
        } = &mut *scratch;
        let enough = best.floor().saturating_sub(left);
        let mut known = (u32::MAX, 0);
        let is_wanted = |block: &Block, candidate: &Candidate| {
            if enough == 0 {
                return true;
            }
            if known.0 != block.last {
                let bound = scale.bound(factor, block.count_max, block.length_min);
                known = (block.last, bound);
            }
            candidate.units + known.1 >= enough
        };
        visit_counts(&postings, decoded, rows, is_wanted, |candidate, count| {
            let length = sections.length(candidate.ordinal);
            candidate.units += scale.summand(factor, count, length);
        });
        raise_floor(rows, left, sums, best);
        let floor = best.floor();
        if floor > left {
            rows.retain(|candidate| candidate.units + left >= floor);
        }
    }
    for candidate in &scratch.rows {
        best.offer(sections.row(candidate.ordinal).0, candidate.units);
    }
}

/// Raises the floor to what the k-th best candidate has already, where that can drop any.
fn raise_floor(rows: &[Candidate], left: u32, sums: &mut Vec<u32>, best: &mut Best) {
    let highest = rows
        .iter()
        .map(|candidate| candidate.units)
        .max()
        .unwrap_or(0);
    if rows.len() <= best.k().saturating_mul(2) || highest <= left.max(best.floor()) {
        return;
    }
    sums.clear();
    sums.extend(rows.iter().map(|candidate| candidate.units));
    let kth = sums.len() - best.k();
    let (_, &mut kth, _) = sums.select_nth_unstable(kth);
    best.raise(kth);
}

/// A term of at most this many blocks is bounded by the best of them; the bound of a longer one is loose but small.
const BLOCKS_BOUNDED_MAX: usize = 64;

fn bound_of_term(postings: &Postings<'_>, factor: f32, scale: &Scale) -> u32 {
    if postings.blocks() > BLOCKS_BOUNDED_MAX {
        return scale.bound(factor, u8::MAX, 0);
    }
    let blocks = (0..postings.blocks()).filter_map(|index| postings.block(index));
    let bounds = blocks.map(|block| scale.bound(factor, block.count_max, block.length_min));
    bounds.max().unwrap_or(0)
}
