//! Terms and vectors that need no model: enough to search by, the same everywhere.

use steadfast_model::{Analyze, AnalyzerId, HashedTerms, Vector};

use super::bench::DIMENSIONS;
use super::random::Random;

/// Splits at white space, lower-cases and hashes with FNV-1a.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlainWords;

impl Analyze for PlainWords {
    fn id(&self) -> AnalyzerId {
        AnalyzerId(u32::MAX)
    }

    fn terms(&self, text: &str) -> HashedTerms {
        HashedTerms::from_tokens(words(text).map(|word| fnv(&word)).collect())
    }
}

fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split_whitespace().map(str::to_lowercase)
}

fn fnv(word: &str) -> u64 {
    word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Returns a vector of length 1 that lies near those of texts with the same words; zeros for no word.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "any number will do, as long as it is the same everywhere"
)]
pub fn vector_of(text: &str) -> Vector {
    let mut sums = vec![0.0_f64; DIMENSIONS];
    for word in words(text) {
        let mut random = Random::new(fnv(&word));
        for sum in &mut sums {
            *sum += random.below(2001) as f64 / 1000.0 - 1.0;
        }
    }
    let length = sums.iter().map(|sum| sum * sum).sum::<f64>().sqrt();
    let length = if length == 0.0 { 1.0 } else { length };
    Vector(sums.into_iter().map(|sum| (sum / length) as f32).collect())
}
