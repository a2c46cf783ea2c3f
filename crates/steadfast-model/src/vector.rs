//! Vectors and the models that make them.

use std::fmt;

/// The identity of a vector space. Vectors of two spaces are never compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ModelId {
    /// The model's name.
    pub name: String,
    /// The revision of its weights and rules.
    pub revision: String,
    /// How many numbers a vector has.
    pub dimensions: usize,
    /// The first 16 bytes of the blake3 hash over everything that decides a vector.
    pub hash: [u8; 16],
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}/{}d/", self.name, self.revision, self.dimensions)?;
        self.hash
            .iter()
            .take(4)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A vector of length 1, or all zeros when the text has no known token.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Vector(pub Vec<f32>);

impl Vector {
    /// Returns the stored form: little-endian f32.
    pub fn encode(&self) -> Vec<u8> {
        self.0
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect()
    }

    /// Reads the stored form; bytes past the last whole number are left out.
    pub fn decode(bytes: &[u8]) -> Self {
        let mut values = Vec::new();
        Self::decode_into(bytes, &mut values);
        Self(values)
    }

    /// Reads the stored form into a buffer in place of what it holds.
    pub fn decode_into(bytes: &[u8], values: &mut Vec<f32>) {
        values.clear();
        let numbers = bytes.as_chunks::<4>().0.iter();
        values.extend(numbers.map(|value| f32::from_le_bytes(*value)));
    }

    /// Returns the inner product, summed in f64 from the first number to the last.
    ///
    /// This is the score of record: index, tail and oracle all end here.
    pub fn dot(&self, other: &Self) -> f32 {
        dot(&self.0, &other.0)
    }

    /// Returns whether every number is zero: such a text has no place in the space.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|&value| value == 0.0)
    }
}

/// Returns the inner product of two slices in f64, in eight interleaved sums of fixed order.
///
/// The fixed order makes the result the same on every machine and lets the compiler use wide registers.
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f64; 8];
    let (a_blocks, a_rest) = a.as_chunks::<8>();
    let (b_blocks, b_rest) = b.as_chunks::<8>();
    for (x, y) in a_blocks.iter().zip(b_blocks) {
        for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *sum += f64::from(x) * f64::from(y);
        }
    }
    for ((sum, &x), &y) in sums.iter_mut().zip(a_rest).zip(b_rest) {
        *sum += f64::from(x) * f64::from(y);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are f32 by definition"
    )]
    let total = sums.iter().sum::<f64>() as f32;
    total
}
