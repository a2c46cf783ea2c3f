//! Vectors as the vector index keeps them: int8 codes and a scale.
//!
//! Plain IEEE arithmetic in a fixed order, so the same vector gives the same
//! codes on every machine, in an index, in the tail and in the oracle.

/// The largest code; -128 stays unused so that codes are symmetric.
const CODE_MAX: f64 = 127.0;

/// Added to a small number, rounds it to a whole one, whose two's complement is then in the lowest bits.
///
/// A scale is right to 24 bits, so a scaled value is below 127.00001 and its
/// code needs no clamping.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// A vector holds a NaN or an infinity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a vector holds a NaN or an infinity")]
pub struct NotFinite;

/// Appends the codes of `values`, int8 in two's complement; returns the scale and the error, or nothing for a zero vector.
///
/// The error is at least the true length of `values - scale * codes`:
/// `scale * code` has at most 24 + 7 bits and is exact in f64; the difference
/// and its square each carry a relative error of 2^-53, a sum of d terms and
/// its root add less than d * 2^-53, in all below 2e-12 for d <= 16,384. The
/// factor 1 + 1e-9 covers that, and the step to f32 rounds up. No square
/// underflows: the least f32 is 2^-149, and a difference that is not zero is
/// no smaller than 2^-52 of that.
///
/// # Errors
/// [`NotFinite`] when a value is a NaN or an infinity; nothing is appended then.
pub fn quantise(values: &[f32], codes: &mut Vec<u8>) -> Result<Option<(f32, f32)>, NotFinite> {
    let mut largest = 0.0_f32;
    let mut finite = true;
    for value in values {
        largest = largest.max(value.abs());
        finite &= value.is_finite();
    }
    if !finite {
        return Err(NotFinite);
    }
    if largest == 0.0 {
        return Ok(None);
    }
    // Below the smallest normal number codes could not be told apart, so the
    // whole vector then becomes error, which the bounds allow for.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the error is measured against the rounded scale"
    )]
    let scale = ((f64::from(largest) / CODE_MAX) as f32).max(f32::MIN_POSITIVE);
    let (step, inverse) = (f64::from(scale), 1.0 / f64::from(scale));
    let from = codes.len();
    codes.resize(from + values.len(), 0);
    let written = codes.get_mut(from..).unwrap_or_default();
    let mut squares = [0.0_f64; 8];
    let mut quantise_block = |values: &[f32], codes: &mut [u8]| {
        for ((&value, code), square) in values.iter().zip(codes).zip(&mut squares) {
            let shifted = f64::from(value) * inverse + ROUNDER;
            let rest = f64::from(value) - step * (shifted - ROUNDER);
            *square += rest * rest;
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the code is the lowest byte"
            )]
            let lowest = shifted.to_bits() as u8;
            *code = lowest;
        }
    };
    // Blocks of known length let the compiler use wide registers.
    let (blocks, values_rest) = values.as_chunks::<8>();
    let (written_blocks, written_rest) = written.as_chunks_mut::<8>();
    for (values, codes) in blocks.iter().zip(written_blocks) {
        quantise_block(values, codes);
    }
    quantise_block(values_rest, written_rest);
    let length = squares.iter().sum::<f64>().sqrt() * (1.0 + 1e-9);
    Ok(Some((scale, round_up(length))))
}

fn round_up(value: f64) -> f32 {
    #[expect(clippy::cast_possible_truncation, reason = "rounded up right after")]
    let nearest = value as f32;
    if f64::from(nearest) < value {
        nearest.next_up()
    } else {
        nearest
    }
}

/// Writes the vector that codes stand for.
pub fn restore(scale: f32, codes: &[u8], values: &mut Vec<f32>) {
    values.clear();
    values.extend(
        codes
            .iter()
            .map(|&code| scale * f32::from(code.cast_signed())),
    );
}

/// Writes the vector that the codes of `values` stand for; false for a zero vector, and for one that has no codes.
pub fn round(values: &[f32], codes: &mut Vec<u8>, rounded: &mut Vec<f32>) -> bool {
    codes.clear();
    match quantise(values, codes) {
        Ok(Some((scale, _))) => {
            restore(scale, codes, rounded);
            true
        }
        Ok(None) | Err(NotFinite) => false,
    }
}
