//! What an import did, in numbers that add up.

use steadfast_model::Seq;

use super::ImportKind;
use crate::ingest::VectorCounts;

/// What an import did, or, as a plan, would do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportReport {
    /// What the source is.
    pub kind: ImportKind,
    /// Memories that were found in the source: always imported + reused + updated + refused.
    pub read: u64,
    /// New in the store.
    pub imported: u64,
    /// In the store already, or merged into another row of the source.
    pub reused: u64,
    /// In the store before, with another text or other attributes.
    pub updated: u64,
    /// Not in the store, each for a reason of [`Self::refusals`].
    pub refused: u64,
    /// Why memories were refused; the counts add up to [`Self::refused`].
    pub refusals: Vec<LeftOut>,
    /// What else the source holds that is no memory, such as logs of searches.
    pub left_out: Vec<LeftOut>,
    /// Rows whose text was read back from the store after it was written.
    pub verified: u64,
    /// Secrets that were taken out before anything was written.
    pub redactions: u64,
    /// Where the vectors of the rows that are new in the store came from; of records of collections, and of a plan
    /// without a store, nothing is counted.
    pub vectors: VectorCounts,
    /// Why vectors that the source holds were not taken over, when they were not.
    pub vectors_anew: Vec<String>,
    /// Every memory that the source holds or names is in the store with its whole text.
    pub complete: bool,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// The last commit when the import ended.
    pub seq: Seq,
}

/// A group of things that did not come in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What they are.
    pub what: String,
    /// Why they stay out.
    pub reason: String,
    /// How many.
    pub count: u64,
}

impl ImportReport {
    /// Returns whether the counts add up.
    pub fn adds_up(&self) -> bool {
        self.read == self.imported + self.reused + self.updated + self.refused
            && self.refused
                == self
                    .refusals
                    .iter()
                    .map(|refusal| refusal.count)
                    .sum::<u64>()
    }
}
