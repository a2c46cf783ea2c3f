//! The score of a row: BM25 in whole units, so that no order of summation changes it.
//!
//! The score is the sum over the terms of the query of
//! `weight * idf * count * (k1 + 1) / (count + k1 * (1 - b + b * length / average))`
//! with `idf = ln(1 + (N - df + 0.5) / (df + 0.5))`. Each summand is computed
//! in f32 and rounded to a whole number of units; a unit is the power of two
//! for which the largest possible summand of the query lies between 2^22 and
//! 2^23 units, about the precision of an f32. Sums of whole numbers are exact, so index,
//! tail, lookup and any other order of work give the same bits.

use super::format::BLOCK_ROWS;
use crate::analyze::QueryTerms;

/// The two parameters of BM25.
///
/// Values outside their ranges count as the nearest inside, values that are no number as the default.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bm25 {
    /// How slowly repeated words stop counting: 0 to 1000.
    pub k1: f32,
    /// How much long texts are held back: 0 to 1.
    pub b: f32,
}

impl Default for Bm25 {
    /// The values for chunks: k1 0.9, b 0.4.
    fn default() -> Self {
        Self { k1: 0.9, b: 0.4 }
    }
}

const K1_MAX: f32 = 1000.0;

/// What scores depend on beyond postings: exact counts over live rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// How many live rows there are.
    pub rows_live: u64,
    /// The sum of their lengths in tokens, each as in [`steadfast_model::HashedTerms::tokens`].
    pub tokens_live: u64,
}

impl Stats {
    /// Returns the mean length of a live row, 1 when there is none.
    pub fn average_tokens(&self) -> f64 {
        if self.rows_live == 0 || self.tokens_live == 0 {
            return 1.0;
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "2^53 tokens are far beyond any store"
        )]
        let average = self.tokens_live as f64 / self.rows_live as f64;
        average
    }

    /// Returns the inverse document frequency of a term that `df` live rows have; above 0 for every `df`.
    #[expect(clippy::cast_precision_loss, reason = "row counts fit 32 bits")]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are f32 by definition"
    )]
    pub fn idf(&self, df: u64) -> f32 {
        let df = df.max(1);
        let rows = self.rows_live.max(df);
        (1.0 + ((rows - df) as f64 + 0.5) / (df as f64 + 0.5)).ln() as f32
    }
}

/// One summand at most, in units.
const SUMMAND_BITS: i32 = 23;
const SUMMAND_MAX: f32 = 8_388_608.0;
/// More than rounding can lift a summand over its bound, in units.
const BOUND_SLACK: u32 = 8;
/// f32 numbers from 2^23 to 2^24 are whole: adding 2^23 rounds a number that is not above it.
const ROUND: f32 = 8_388_608.0;

const _: () = assert!(
    QueryTerms::TERMS_MAX << SUMMAND_BITS <= 1 << 31,
    "sums and bounds fit 32 bits"
);

/// The scale of one query: from counts and lengths to units, and from units to scores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    k1_plus_1: f32,
    norm_base: f32,
    norm_per_token: f32,
    /// Units in a score of 1, and the score of one unit.
    units: f32,
    unit: f32,
}

impl Scale {
    /// Returns the scale of a query whose largest weighted idf is `largest`.
    pub(super) fn new(params: Bm25, stats: &Stats, largest: f32) -> Self {
        let standard = Bm25::default();
        let k1 = if params.k1.is_nan() {
            standard.k1
        } else {
            params.k1.clamp(0.0, K1_MAX)
        };
        let b = if params.b.is_nan() {
            standard.b
        } else {
            params.b.clamp(0.0, 1.0)
        };
        let largest = (largest * (k1 + 1.0)).clamp(f32::MIN_POSITIVE, f32::MAX);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the logarithm of a positive f32 is within 150"
        )]
        let exponent = (SUMMAND_BITS - 1 - largest.log2().floor() as i32).clamp(-100, 100);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "scores are f32 by definition"
        )]
        let norm_per_token = (f64::from(k1 * b) / stats.average_tokens()) as f32;
        Self {
            k1_plus_1: k1 + 1.0,
            norm_base: k1 * (1.0 - b),
            norm_per_token,
            units: 2.0_f32.powi(exponent),
            unit: 2.0_f32.powi(-exponent),
        }
    }

    /// Returns the summand, in units, of a term of this weighted idf that fills a row.
    pub(super) fn factor(&self, weighted_idf: f32) -> f32 {
        (weighted_idf * self.k1_plus_1 * self.units).min(SUMMAND_MAX)
    }

    /// Returns the summand of a term that occurs `count` times in a row of `length` tokens; at least one unit.
    #[inline]
    pub(super) fn summand(&self, factor: f32, count: u32, length: u16) -> u32 {
        rounded(factor, count, self.norm(length))
    }

    /// Fills `units` with the summands of the rows of a block.
    #[inline]
    pub(super) fn summands(
        &self,
        factor: f32,
        counts: &[u32],
        lengths: impl Iterator<Item = u16>,
        units: &mut [u32; BLOCK_ROWS],
    ) {
        // Norms first, so that the loop over the arrays is free of look-ups and uses wide registers.
        let mut norms = [0.0; BLOCK_ROWS];
        for (norm, length) in norms.iter_mut().zip(lengths) {
            *norm = self.norm(length);
        }
        for ((units, &count), &norm) in units.iter_mut().zip(counts).zip(&norms) {
            *units = rounded(factor, count, norm);
        }
    }

    #[inline]
    fn norm(&self, length: u16) -> f32 {
        self.norm_base + self.norm_per_token * f32::from(length)
    }

    /// Returns a number of units that no summand of a block exceeds.
    #[inline]
    pub(super) fn bound(&self, factor: f32, count_max: u8, length_min: u16) -> u32 {
        self.summand(factor, u32::from(count_max), length_min) + BOUND_SLACK
    }

    /// Returns the score of a sum of units.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "scores are f32 by definition")]
    pub(super) fn score(&self, units: u32) -> f32 {
        units as f32 * self.unit
    }
}

/// Rounds a summand to whole units; the lowest bit is always set, so that no row with a term scores 0.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "counts are at most 256")]
fn rounded(factor: f32, count: u32, norm: f32) -> u32 {
    let count = f32::from(count as u16);
    let units = factor * count / (count + norm);
    (units + ROUND).to_bits().wrapping_sub(ROUND.to_bits()) | 1
}

/// The best rows seen so far, at most `k`, and the units that a row needs to join them.
///
/// One of these is shared by all segments and the tail, so that each makes the others skip more.
pub(super) struct Best {
    scale: Scale,
    k: usize,
    /// Score bits above the inverted row: larger is better. The worst is on top.
    heap: std::collections::BinaryHeap<std::cmp::Reverse<u64>>,
    floor: u32,
}

impl Best {
    const ROOM_MAX: usize = 1 << 12;

    pub(super) fn new(scale: Scale, k: usize) -> Self {
        Self {
            scale,
            k,
            heap: std::collections::BinaryHeap::with_capacity(k.min(Self::ROOM_MAX)),
            floor: 0,
        }
    }

    /// Returns the most rows that are kept.
    pub(super) fn k(&self) -> usize {
        self.k
    }

    /// Returns a number of units: rows that have fewer are not among the best.
    #[inline]
    pub(super) fn floor(&self) -> u32 {
        self.floor
    }

    /// Raises the floor to units that `k` other rows are known to reach.
    pub(super) fn raise(&mut self, units: u32) {
        self.floor = self.floor.max(lowest_equal(units));
    }

    /// Offers a row; it stays when it is among the best.
    #[inline]
    pub(super) fn offer(&mut self, row: u32, units: u32) {
        if units < self.floor || units == 0 || self.k == 0 {
            return;
        }
        // The bits of positive f32 numbers are ordered as the numbers are.
        let key = u64::from(self.scale.score(units).to_bits()) << 32 | u64::from(!row);
        if self.heap.len() < self.k {
            self.heap.push(std::cmp::Reverse(key));
        } else if let Some(mut worst) = self.heap.peek_mut() {
            if key <= worst.0 {
                return;
            }
            *worst = std::cmp::Reverse(key);
        }
        if self.heap.len() == self.k
            && let Some(std::cmp::Reverse(worst)) = self.heap.peek()
        {
            let score = f32::from_bits((worst >> 32) as u32);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "units fit 32 bits"
            )]
            let units = (score / self.scale.unit) as u32;
            self.raise(units);
        }
    }

    /// Returns the rows and scores, best first, equal scores by ascending row.
    pub(super) fn into_rows(self) -> Vec<(steadfast_model::Row, f32)> {
        let mut keys: Vec<u64> = self
            .heap
            .into_iter()
            .map(|std::cmp::Reverse(key)| key)
            .collect();
        keys.sort_unstable_by(|a, b| b.cmp(a));
        #[expect(clippy::cast_possible_truncation, reason = "two halves of 32 bits")]
        let rows = keys.into_iter().map(|key| {
            (
                steadfast_model::Row(!(key as u32)),
                f32::from_bits((key >> 32) as u32),
            )
        });
        rows.collect()
    }
}

/// Returns a number not above the lowest number of units whose score equals that of `units`.
///
/// Below 2^24 every number has a score of its own; up to 2^32 at most 128 to either side share one.
fn lowest_equal(units: u32) -> u32 {
    if units < 1 << 24 { units } else { units - 128 }
}
