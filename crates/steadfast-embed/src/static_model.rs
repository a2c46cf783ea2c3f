//! The built-in model: the sum of a text's token rows, at length 1.

use std::sync::LazyLock;

use steadfast_model::{ModelId, Vector};

use crate::table::{BYTES, DIMENSIONS, TABLE, Table};
use crate::{Embed, EmbedError, wordpiece};

/// Rows that are summed in 32 bits before they move to 64: 256 x 127 x 32,767 fits into an `i32`.
const ROWS_PER_BLOCK: u32 = 256;

/// The model inside the binary: a table of token vectors distilled from a sentence encoder.
///
/// No file, no network, no key; tens of thousands of texts per second and
/// thread. A vector is a function of the text alone: the sums are integers,
/// and what follows is a fixed order of IEEE operations, so every machine and
/// every compiler gives the same bits.
///
/// Text of any length counts to its end. Words outside the vocabulary (other
/// scripts than Latin, above all) add nothing; a text of only such words has
/// the zero vector.
pub struct StaticModel {
    table: &'static Table,
    id: ModelId,
}

/// How much of a text the built-in model knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TokenCount {
    /// Tokens with a vector.
    pub known: usize,
    /// Words without one.
    pub unknown: usize,
}

static BUILT_IN: LazyLock<StaticModel> = LazyLock::new(|| StaticModel {
    table: &TABLE,
    id: ModelId {
        name: "steadfast-static".to_owned(),
        revision: "1".to_owned(),
        dimensions: DIMENSIONS,
        hash: TABLE.hash(),
    },
});

impl StaticModel {
    /// Returns the built-in model. Costs nothing: it is read in place.
    ///
    /// # Examples
    /// ```
    /// use steadfast_embed::StaticModel;
    ///
    /// let model = StaticModel::built_in();
    /// let question = model.embed_one("Where do we keep the backups?");
    /// let near = model.embed_one("Backups are stored on the second disk.");
    /// let far = model.embed_one("The cat sleeps in the sun.");
    /// assert!(question.dot(&near) > question.dot(&far));
    /// ```
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// Returns the vector of a text: length 1, or all zeros when no token is known.
    pub fn embed_one(&self, text: &str) -> Vector {
        let mut sum = RowSum::new();
        wordpiece::tokenize(self.table, text, |token| {
            if let Some((scale, row)) = token.and_then(|token| self.table.row(token)) {
                sum.add(&[scale; 8], row);
            }
        });
        sum.normalised()
    }

    /// Returns how many tokens of a text have a vector, and how many words have none.
    pub fn count_tokens(&self, text: &str) -> TokenCount {
        let mut count = TokenCount::default();
        wordpiece::tokenize(self.table, text, |token| match token {
            Some(_) => count.known += 1,
            None => count.unknown += 1,
        });
        count
    }

    /// Returns the vocabulary in the order of its rows; `##` marks what continues a word.
    pub fn vocabulary(&self) -> impl Iterator<Item = String> + '_ {
        (0..u16::MAX)
            .take(self.table.len())
            .filter_map(|token| self.table.token(token))
    }

    /// Returns whether the bytes in memory are those that [`ModelId::hash`] names; takes about a millisecond.
    pub fn is_intact(&self) -> bool {
        Table::hash_of(BYTES) == self.id.hash
    }
}

impl Embed for StaticModel {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        Ok(texts.iter().map(|text| self.embed_one(text)).collect())
    }
}

/// A sum of scaled rows in integers: exact, so no order of additions can change it.
struct RowSum {
    block: [i32; DIMENSIONS],
    block_rows: u32,
    total: [i64; DIMENSIONS],
}

impl RowSum {
    fn new() -> Self {
        Self {
            block: [0; DIMENSIONS],
            block_rows: 0,
            total: [0; DIMENSIONS],
        }
    }

    /// Adds one row.
    ///
    /// The scale comes eight times and behind a call: as one number it would
    /// be spread over a register outside the loop, where the compiler no
    /// longer sees that it has 16 bits, and multiplies in 32 at six times the cost.
    #[inline(never)]
    fn add(&mut self, scale: &[i16; 8], row: &[u8; DIMENSIONS]) {
        for (sums, values) in self
            .block
            .as_chunks_mut::<8>()
            .0
            .iter_mut()
            .zip(row.as_chunks::<8>().0)
        {
            for ((sum, &value), &scale) in sums.iter_mut().zip(values).zip(scale) {
                *sum += i32::from(value.cast_signed()) * i32::from(scale);
            }
        }
        self.block_rows += 1;
        if self.block_rows == ROWS_PER_BLOCK {
            self.move_block();
        }
    }

    fn move_block(&mut self) {
        for (total, sum) in self.total.iter_mut().zip(&mut self.block) {
            *total += i64::from(std::mem::take(sum));
        }
        self.block_rows = 0;
    }

    fn normalised(mut self) -> Vector {
        self.move_block();
        #[expect(
            clippy::cast_precision_loss,
            reason = "exact up to 2^53: two thousand million tokens"
        )]
        let values = self.total.map(|sum| sum as f64);
        let mut squares = [0.0_f64; 8];
        for chunk in values.as_chunks::<8>().0 {
            for (sum, value) in squares.iter_mut().zip(chunk) {
                *sum += value * value;
            }
        }
        let length = squares.iter().sum::<f64>().sqrt();
        if length == 0.0 {
            return Vector(vec![0.0; DIMENSIONS]);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "vectors are f32 by definition"
        )]
        let vector = values.iter().map(|value| (value / length) as f32).collect();
        Vector(vector)
    }
}
