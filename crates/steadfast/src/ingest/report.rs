//! What an index run did, in numbers that add up.

use steadfast_model::{Counts, Root, Seq};

/// What an index run did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexReport {
    /// The last commit when the run ended; all that it wrote is at or before it.
    pub seq: Seq,
    /// Files by what became of them.
    pub files: FileCounts,
    /// Chunks by what became of them.
    pub chunks: Counts,
    /// Secrets that were taken out before anything was written.
    pub redactions: u64,
    /// Chunks that waited for their vector and have it now.
    pub vectors_filled: u64,
    /// Sources that were left out, with the reason; also those left out before.
    pub skipped: Vec<SkippedSource>,
    /// The roots that the paths of the call belong to, as they are remembered now.
    pub roots: Vec<Root>,
    /// What the caller should know.
    pub warnings: Vec<String>,
}

/// Files by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileCounts {
    /// New in the store.
    pub added: u64,
    /// With other content than before.
    pub changed: u64,
    /// As they were.
    pub unchanged: u64,
    /// Gone from the disk, and so from the live chunks.
    pub removed: u64,
    /// Left out.
    pub skipped: u64,
}

/// A source that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkippedSource {
    /// The source.
    pub source: String,
    /// Why.
    pub reason: String,
}
