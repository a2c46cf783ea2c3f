//! BM25 by brute force, bit for bit what the text index answers.
//!
//! Each summand `idf * count * (k1 + 1) / (count + k1 * (1 - b + b * length / average))`
//! is computed in f32 and rounded to an odd number of units; the unit is the
//! power of two for which the largest possible summand of the question lies
//! between 2^22 and 2^23 units. Sums of whole numbers are exact in any order,
//! which is why an index may add them as it likes.

use steadfast_model::{HashedTerms, Row};

use crate::backend::Bm25;

/// The most distinct terms of a question; of a longer one those with the lowest hashes count.
const TERMS_MAX: usize = 256;
const K1_MAX: f32 = 1000.0;
const SUMMAND_BITS: i32 = 23;

/// A question against the live texts of one moment: each term with its factor in units.
pub(crate) struct Scorer {
    factors: Vec<(u64, f32)>,
    norm_base: f32,
    norm_per_token: f32,
    unit: f32,
}

impl Scorer {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are f32 by definition, and exponents are within 150"
    )]
    pub(crate) fn new(live: &[&HashedTerms], terms: &[u64], bm25: Bm25) -> Self {
        let mut distinct = terms.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.truncate(TERMS_MAX);
        let tokens: u64 = live.iter().map(|text| u64::from(text.tokens())).sum();
        let average = if tokens == 0 {
            1.0
        } else {
            float(tokens) / float(live.len() as u64)
        };
        let k1 = if bm25.k1.is_nan() {
            Bm25::default().k1
        } else {
            bm25.k1.clamp(0.0, K1_MAX)
        };
        let b = if bm25.b.is_nan() {
            Bm25::default().b
        } else {
            bm25.b.clamp(0.0, 1.0)
        };

        let weights: Vec<(u64, f32)> = distinct
            .into_iter()
            .filter_map(|term| {
                let df = live.iter().filter(|text| text.count(term) > 0).count() as u64;
                let absent = float(live.len() as u64 - df);
                (df > 0).then(|| (term, (1.0 + (absent + 0.5) / (float(df) + 0.5)).ln() as f32))
            })
            .collect();
        let largest = weights
            .iter()
            .map(|(_, idf)| *idf)
            .fold(f32::MIN_POSITIVE, f32::max)
            * (k1 + 1.0);
        let exponent =
            (SUMMAND_BITS - 1 - largest.min(f32::MAX).log2().floor() as i32).clamp(-100, 100);
        let units = 2.0_f32.powi(exponent);
        let ceiling = 2.0_f32.powi(SUMMAND_BITS);
        let factor = |idf: f32| (idf * (k1 + 1.0) * units).min(ceiling);
        Self {
            factors: weights
                .into_iter()
                .map(|(term, idf)| (term, factor(idf)))
                .collect(),
            norm_base: k1 * (1.0 - b),
            norm_per_token: (f64::from(k1 * b) / average) as f32,
            unit: 2.0_f32.powi(-exponent),
        }
    }

    /// Returns the score of a text, none when it has no term of the question.
    #[expect(clippy::cast_precision_loss, reason = "scores are f32 by definition")]
    pub(crate) fn score(&self, terms: &HashedTerms) -> Option<f32> {
        let length = f32::from(terms.tokens());
        let mut sum = 0_u32;
        for &(term, factor) in &self.factors {
            let count = f32::from(terms.count(term));
            if count > 0.0 {
                let units =
                    factor * count / (count + (self.norm_base + self.norm_per_token * length));
                sum += odd(units);
            }
        }
        (sum > 0).then_some(sum as f32 * self.unit)
    }
}

/// Returns the nearest whole number, of two the even one, with its lowest bit set: no row with a term scores 0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "units are between 0 and 2^23"
)]
fn odd(units: f32) -> u32 {
    units.round_ties_even() as u32 | 1
}

#[expect(
    clippy::cast_precision_loss,
    reason = "row and token counts are below 2^53"
)]
fn float(value: u64) -> f64 {
    value as f64
}

/// Returns the `k` largest scores, best first, equal ones by row.
pub(crate) fn best(mut found: Vec<(Row, f32)>, k: usize) -> Vec<(Row, f32)> {
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(k);
    found
}
