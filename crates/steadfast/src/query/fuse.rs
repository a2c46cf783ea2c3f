//! Two scores become one: each divided by the best in scope, then weighed.
//!
//! Max-normalised weights and not reciprocal ranks: on development
//! conversations the common RRF with k = 60 scores eight points below its own
//! text input, the weighted sum above both inputs.

use steadfast_model::Row;

use super::copies::likeness;
use super::rank::Parts;

/// What the vector counts against the words.
const VECTOR_WEIGHT: f32 = 0.5;

/// What each way of searching counts in the score of a hit.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
struct Weights {
    text: f32,
    vector: f32,
}

/// A candidate with its two scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Candidate {
    pub(super) row: Row,
    pub(super) text: f32,
    pub(super) vector: Option<f32>,
}

/// A candidate with its place in the order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ranked {
    pub(super) candidate: Candidate,
    pub(super) score: f32,
    /// What each part adds to the score.
    pub(super) parts: Parts,
    /// Equal for copies of one text.
    pub(super) likeness: Option<u64>,
}

/// The best scores in scope, by which others are divided.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Best {
    pub(super) text: f32,
    pub(super) vector: f32,
}

impl Best {
    /// Returns what each way counts. A way that found nothing in scope does not weigh.
    fn weights(self) -> Weights {
        let (text, vector) = match (self.text > 0.0, self.vector > 0.0) {
            (true, true) => (1.0 - VECTOR_WEIGHT, VECTOR_WEIGHT),
            (true, false) => (1.0, 0.0),
            (false, true) => (0.0, 1.0),
            (false, false) => (0.0, 0.0),
        };
        Weights { text, vector }
    }
}

/// Ranks candidates, best first, equal scores by row.
pub(super) fn fuse(candidates: Vec<Candidate>, best: Best) -> Vec<Ranked> {
    let weights = best.weights();
    let part = |weight: f32, score: f32, best: f32| {
        if weight > 0.0 {
            weight * score.max(0.0) / best
        } else {
            0.0
        }
    };
    let mut ranked: Vec<Ranked> = candidates
        .into_iter()
        .map(|candidate| {
            let chunk = part(weights.text, candidate.text, best.text);
            let vector = part(weights.vector, candidate.vector.unwrap_or(0.0), best.vector);
            let mut parts = Parts::default();
            (parts.chunk, parts.vector) = (chunk, vector);
            Ranked {
                score: chunk + vector,
                likeness: likeness(candidate.text, candidate.vector),
                candidate,
                parts,
            }
        })
        .collect();
    ranked.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.candidate.row.cmp(&b.candidate.row))
    });
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(row: u32, text: f32, vector: Option<f32>) -> Candidate {
        Candidate {
            row: Row(row),
            text,
            vector,
        }
    }

    fn order(candidates: Vec<Candidate>, text: f32, vector: f32) -> Vec<u32> {
        fuse(candidates, Best { text, vector })
            .iter()
            .map(|ranked| ranked.candidate.row.0)
            .collect()
    }

    #[test]
    fn both_ways_together_beat_either_alone() {
        let found = order(
            vec![
                candidate(1, 10.0, None),
                candidate(2, 0.0, Some(0.8)),
                candidate(3, 8.0, Some(0.7)),
            ],
            10.0,
            0.8,
        );
        assert_eq!(found, [3, 1, 2]);
    }

    #[test]
    fn a_way_without_results_does_not_halve_the_other() {
        let ranked = fuse(
            vec![candidate(1, 3.0, None)],
            Best {
                text: 3.0,
                vector: 0.0,
            },
        );
        assert!((ranked[0].score - 1.0).abs() < f32::EPSILON);
    }

    #[test]
    fn equal_scores_go_by_row_and_negative_similarity_counts_as_none() {
        assert_eq!(
            order(
                vec![candidate(5, 1.0, Some(-0.9)), candidate(4, 1.0, None)],
                1.0,
                0.5
            ),
            [4, 5]
        );
    }
}
