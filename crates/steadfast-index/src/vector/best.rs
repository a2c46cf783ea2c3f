//! The threshold of a search: the k-th greatest score seen.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// The k greatest of the scores offered so far.
#[derive(Clone, Debug)]
pub(super) struct Best {
    k: usize,
    scores: BinaryHeap<Reverse<Score>>,
}

/// A score in the total order of f32; NaN never occurs in a verified segment.
#[derive(Clone, Copy, Debug)]
struct Score(f32);

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Score {}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Score {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self {
            k,
            scores: BinaryHeap::new(),
        }
    }

    pub(super) fn offer(&mut self, score: f32) {
        if self.scores.len() < self.k {
            self.scores.push(Reverse(Score(score)));
        } else if let Some(mut least) = self.scores.peek_mut()
            && least.0.0 < score
        {
            *least = Reverse(Score(score));
        }
    }

    /// Returns the scores kept, in no order.
    pub(super) fn scores(&self) -> impl Iterator<Item = f32> + '_ {
        self.scores.iter().map(|score| score.0.0)
    }

    /// Returns the k-th greatest score; below it no row can be among the best k.
    pub(super) fn threshold(&self) -> f32 {
        if self.scores.len() < self.k {
            return f32::NEG_INFINITY;
        }
        self.scores
            .peek()
            .map_or(f32::NEG_INFINITY, |least| least.0.0)
    }
}
