//! What ranking asks about the surroundings of a row: where it stands, who stands beside it, and which
//! terms are in them.

use steadfast_model::{DocumentKey, Row};

/// Hears of things one by one, so that nobody has to hold all of them.
pub type Each<'e, T> = &'e mut dyn FnMut(T);

/// Names attributes that chunks of one document share. Never given out twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FacetKey(pub u64);

/// Where a live chunk stands in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its document.
    pub document: DocumentKey,
    /// Its place among the chunks of the document, from 0.
    pub position: u32,
}

/// A live chunk of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Its place among the chunks of the document, from 0.
    pub position: u32,
    /// Its row.
    pub row: Row,
    /// Its attributes.
    pub facet: FacetKey,
}

/// How often terms occur in rows, and in how many live rows each occurs.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct TermCounts {
    /// Live rows of the store.
    pub rows_live: u64,
    /// The sum of their lengths in tokens.
    pub tokens_live: u64,
    /// For each term the number of live rows that have it.
    pub df: Vec<u64>,
    /// For each row its length in tokens.
    pub lengths: Vec<u16>,
    /// For each row the count of each term.
    pub counts: Vec<u8>,
}

impl TermCounts {
    /// Returns the counts in one row, by place in the list of rows; one per term.
    pub fn row(&self, place: usize) -> &[u8] {
        let start = place.saturating_mul(self.df.len());
        self.counts
            .get(start..start.saturating_add(self.df.len()))
            .unwrap_or_default()
    }

    /// Returns the inverse document frequency of a term, as the text index has it.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "row counts are below 2^53, and scores are f32 by definition"
    )]
    pub fn idf(&self, term: usize) -> f32 {
        let df = self.df.get(term).copied().unwrap_or(0).max(1);
        let rows = self.rows_live.max(df);
        (1.0 + ((rows - df) as f64 + 0.5) / (df as f64 + 0.5)).ln() as f32
    }
}
