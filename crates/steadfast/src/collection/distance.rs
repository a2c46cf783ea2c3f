//! How far two vectors are apart: exact, in f64, in a fixed order of summation.
//!
//! The same numbers give the same distance on every machine and by every
//! backend, so two backends rank alike.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use steadfast_model::{Distance, Row};

/// A question, with what every comparison needs of it.
pub(super) struct Question<'q> {
    values: &'q [f32],
    norm_squared: f64,
}

impl<'q> Question<'q> {
    pub(super) fn new(values: &'q [f32]) -> Self {
        Self {
            values,
            norm_squared: dot(values, values),
        }
    }

    pub(super) fn values(&self) -> &'q [f32] {
        self.values
    }

    pub(super) fn is_zero(&self) -> bool {
        self.norm_squared == 0.0
    }

    /// Returns the distance to a vector of the same space.
    pub(super) fn distance(&self, distance: Distance, vector: &[f32]) -> f64 {
        match distance {
            Distance::Cosine => {
                let norms = (self.norm_squared * dot(vector, vector)).sqrt();
                if norms == 0.0 {
                    return 1.0;
                }
                1.0 - dot(self.values, vector) / norms
            }
            Distance::L2 => difference_squared(self.values, vector),
            Distance::Ip => 1.0 - dot(self.values, vector),
        }
    }
}

/// Sums term by term in eight interleaved sums of fixed order, which the compiler can keep in wide registers.
fn sum_by(a: &[f32], b: &[f32], term: impl Fn(f64, f64) -> f64) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *sum += term(f64::from(x), f64::from(y));
        }
    }
    for ((sum, &x), &y) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += term(f64::from(x), f64::from(y));
    }
    sums.iter().sum()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    sum_by(a, b, |x, y| x * y)
}

fn difference_squared(a: &[f32], b: &[f32]) -> f64 {
    sum_by(a, b, |x, y| (x - y) * (x - y))
}

/// The nearest rows of a scan: nearest first, equally near ones by row.
pub(super) struct Nearest {
    heap: BinaryHeap<Near>,
    results: usize,
}

#[derive(PartialEq)]
struct Near {
    distance: f64,
    row: Row,
}

impl Eq for Near {}

impl Ord for Near {
    fn cmp(&self, other: &Self) -> Ordering {
        self.distance
            .total_cmp(&other.distance)
            .then(self.row.cmp(&other.row))
    }
}

impl PartialOrd for Near {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Nearest {
    pub(super) fn new(results: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            results,
        }
    }

    pub(super) fn offer(&mut self, row: Row, distance: f64) {
        // Minus zero and zero are the same distance.
        let near = Near {
            distance: distance + 0.0,
            row,
        };
        if self.heap.len() < self.results {
            self.heap.push(near);
        } else if let Some(mut farthest) = self.heap.peek_mut()
            && near < *farthest
        {
            *farthest = near;
        }
    }

    pub(super) fn into_rows(self) -> Vec<(Row, f64)> {
        let sorted = self.heap.into_sorted_vec();
        sorted
            .into_iter()
            .map(|near| (near.row, near.distance))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(value: f64, wanted: f64) -> bool {
        (value - wanted).abs() < 1e-12
    }

    #[test]
    fn distances_are_those_of_the_formulas() {
        let question = Question::new(&[3.0, 4.0]);
        assert!(near(question.distance(Distance::Cosine, &[3.0, 4.0]), 0.0));
        assert!(near(
            question.distance(Distance::Cosine, &[-6.0, -8.0]),
            2.0
        ));
        assert!(near(question.distance(Distance::Cosine, &[0.0, 0.0]), 1.0));
        assert!(near(question.distance(Distance::L2, &[0.0, 0.0]), 25.0));
        assert!(near(question.distance(Distance::Ip, &[1.0, 1.0]), -6.0));
        let huge = Question::new(&[f32::MAX, f32::MAX]);
        assert!(near(
            huge.distance(Distance::Cosine, &[f32::MAX, f32::MAX]),
            0.0
        ));
        assert!(
            huge.distance(Distance::L2, &[f32::MIN, f32::MIN])
                .is_finite()
        );
    }

    proptest! {
        #[test]
        fn the_nearest_are_those_of_a_sort(
            distances in prop::collection::vec(-3_i32..3, 0..40),
            results in 0_usize..12,
        ) {
            let mut nearest = Nearest::new(results);
            let mut sorted = Vec::new();
            for (row, distance) in (1..).map(Row).zip(&distances) {
                nearest.offer(row, f64::from(*distance));
                sorted.push((row, f64::from(*distance)));
            }
            sorted.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            sorted.truncate(results);
            prop_assert_eq!(nearest.into_rows(), sorted);
        }
    }
}
