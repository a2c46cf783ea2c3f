//! The quantised query and the bounds it gives for every row.
//!
//! # Why the bounds hold
//!
//! Let q be the query and q' = step * its codes; x a vector and x' = scale *
//! its codes. Known: |q| <= length, |q - q'| <= rest, |x - x'| <= error, and
//! |x'| <= scale * 128 * sqrt(d), since no byte is below -128. Then
//!
//! ```text
//! q.x - q'.x' = q.(x - x') + (q - q').x'
//! |q.x - q'.x'| <= length * error + rest * scale * 128 * sqrt(d)
//! ```
//!
//! by Cauchy and Schwarz, for vectors of any length. Three roundings remain:
//!
//! - The score of record sums exact products (24 + 24 bits) in f64; at most
//!   d/8 + 9 additions touch a term, so it is off by less than
//!   (d/8 + 9) * 2^-53 * |q| |x| < 3e-13 * |q| |x| for d <= 16,384.
//! - `approximate`, q'.x', is an exact integer times two scales: off by less
//!   than 3e-16 * |q'| |x'|.
//! - The margin and the two ends of the interval round by 2^-53 each, of
//!   terms no larger than |q'| |x'| + margin.
//!
//! With |q'| <= 2 |q|, |x| <= |x'| + error and |x'| as above, all three
//! together stay below `SLACK` * length * (error + scale * 128 * sqrt(d)),
//! a hundred times over; so `SLACK` is added to both factors. Now the f64 sum
//! behind the score lies in [lower, upper]. Rounding to f32 is monotone, so
//! the score lies in [lower as f32, upper as f32], which are the bounds used:
//! also where scores overflow to infinity, since an f64 sum of f32 products
//! never does.

use super::DIMENSIONS_MAX;
use super::error::QueryError;

const SLACK: f64 = 1e-10;

/// A query ready to be scanned with.
#[derive(Clone, Debug)]
pub struct Query {
    values: Vec<f32>,
    codes: Vec<i16>,
    bounds: Bounds,
}

/// The factors that turn an integer inner product into bounds on a score.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    step: f64,
    per_error: f64,
    per_scale: f64,
}

impl Query {
    /// Returns the query for a vector; a zero vector is a query that finds nothing.
    ///
    /// # Errors
    /// [`QueryError`] for a vector without values, with too many, or with one that is not finite.
    pub fn new(values: &[f32]) -> Result<Self, QueryError> {
        if values.is_empty() || values.len() > DIMENSIONS_MAX {
            return Err(QueryError::Dimensions {
                received: values.len(),
            });
        }
        if !values.iter().all(|value| value.is_finite()) {
            return Err(QueryError::NotFinite);
        }
        let largest = values
            .iter()
            .fold(0.0_f32, |largest, value| largest.max(value.abs()));
        let code_max = code_max(values.len());
        // Any positive step is right for a zero query, which is never scanned with.
        let step = f64::from(largest.max(f32::from_bits(1))) / f64::from(code_max);
        let mut codes = Vec::with_capacity(values.len());
        let (mut squares, mut rest_squares) = (0.0_f64, 0.0_f64);
        for &value in values {
            let value = f64::from(value);
            #[expect(
                clippy::cast_possible_truncation,
                reason = "casts saturate, and the rest is measured"
            )]
            let code = ((value / step).round() as i16).clamp(-code_max, code_max);
            let rest = value - step * f64::from(code);
            squares += value * value;
            rest_squares += rest * rest;
            codes.push(code);
        }
        let length = squares.sqrt();
        let rest = rest_squares.sqrt();
        #[expect(clippy::cast_precision_loss, reason = "at most 16,384")]
        let codes_length_max = 128.0 * (values.len() as f64).sqrt();
        Ok(Self {
            values: values.to_vec(),
            codes,
            bounds: Bounds {
                step,
                per_error: length * (1.0 + SLACK),
                per_scale: (rest * (1.0 + SLACK) + length * SLACK) * codes_length_max,
            },
        })
    }

    /// Returns the vector that is searched for.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Returns how many dimensions the query has.
    pub fn dimensions(&self) -> usize {
        self.values.len()
    }

    /// Returns whether the query is a zero vector, which has no place in the space.
    pub fn is_zero(&self) -> bool {
        self.values.iter().all(|&value| value == 0.0)
    }

    pub(super) fn codes(&self) -> &[i16] {
        &self.codes
    }

    pub(super) fn bounds(&self) -> Bounds {
        self.bounds
    }
}

/// Returns the largest code for which no inner product with i8 codes overflows.
///
/// Every partial sum is at most d * 128 * `code_max` <= 2^31 - 1, whatever the order.
fn code_max(dimensions: usize) -> i16 {
    let products = i64::try_from(dimensions).map_or(i64::MAX, |count| count.saturating_mul(128));
    i16::try_from(i64::from(i32::MAX) / products.max(1)).unwrap_or(i16::MAX)
}

impl Bounds {
    /// Returns the least and the greatest score that the row can have.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "compiled into the kernel of each instruction set"
    )]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding to f32 is monotone, which is all that counts"
    )]
    pub(super) fn of(&self, product: i32, scale: f32, error: f32) -> (f32, f32) {
        let (scale, error) = (f64::from(scale), f64::from(error));
        let approximate = self.step * scale * f64::from(product);
        let margin = self.per_error * error + self.per_scale * scale;
        ((approximate - margin) as f32, (approximate + margin) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_inner_product_can_overflow() {
        for dimensions in 1..=DIMENSIONS_MAX {
            let code_max = u64::from(code_max(dimensions).unsigned_abs());
            let worst = dimensions as u64 * 128 * code_max;
            assert!(worst <= u64::from(i32::MAX.unsigned_abs()), "{dimensions}");
            assert!(code_max >= 1000, "{dimensions}");
        }
        assert_eq!(code_max(128), i16::MAX);
    }
}
