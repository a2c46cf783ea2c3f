//! How many rows of a segment with a given term are dead: what document frequencies lose.

use std::collections::BTreeMap;
use steadfast_model::HashedTerms;

/// For each term, the number of rows of one segment that are gone but still in its postings.
///
/// Kept per segment, beside it: when a merge drops the dead rows of a segment,
/// the counts go with the segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadTerms {
    /// In strictly ascending order of the hash, counts above 0.
    counts: Vec<(u64, u32)>,
}

/// The bytes are not dead-term counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes are not a list of dead terms")]
pub struct DeadTermsError {
    /// How many bytes were given.
    pub bytes: usize,
}

const ENTRY_BYTES: usize = 12;

impl DeadTerms {
    /// Counts the terms of dead rows, each row given once.
    pub fn of<'a>(rows: impl IntoIterator<Item = &'a HashedTerms>) -> Self {
        let mut counts: BTreeMap<u64, u32> = BTreeMap::new();
        for terms in rows {
            for (hash, _) in terms.entries().filter(|(_, count)| *count > 0) {
                *counts.entry(hash).or_default() += 1;
            }
        }
        Self {
            counts: counts.into_iter().collect(),
        }
    }

    /// Takes counts that are in strictly ascending order of the hash and above 0.
    pub(super) fn from_counts(counts: Vec<(u64, u32)>) -> Self {
        debug_assert!(
            counts.is_sorted_by(|a, b| a.0 < b.0),
            "dead terms come sorted"
        );
        Self { counts }
    }

    /// Returns how many dead rows have the term.
    pub fn count(&self, hash: u64) -> u32 {
        self.counts
            .binary_search_by_key(&hash, |&(entry, _)| entry)
            .ok()
            .and_then(|index| self.counts.get(index))
            .map_or(0, |&(_, count)| count)
    }

    /// Returns `(hash, rows)` in ascending order of the hash.
    pub fn counts(&self) -> &[(u64, u32)] {
        &self.counts
    }

    /// Returns whether no dead row has a term.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Returns the counts of both: of the rows that were dead before and those that died since.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut counts: BTreeMap<u64, u32> = self.counts.iter().copied().collect();
        for &(hash, count) in &other.counts {
            let sum = counts.entry(hash).or_default();
            *sum = sum.saturating_add(count);
        }
        Self {
            counts: counts.into_iter().collect(),
        }
    }

    /// Returns the stored form: all hashes (u64), then all counts (u32), little-endian.
    ///
    /// It carries no checksum of its own: the manifest that holds it does.
    pub fn encode(&self) -> Vec<u8> {
        let hashes = self.counts.iter().flat_map(|(hash, _)| hash.to_le_bytes());
        let counts = self
            .counts
            .iter()
            .flat_map(|(_, count)| count.to_le_bytes());
        hashes.chain(counts).collect()
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DeadTermsError`] when the length does not fit, the hashes are not strictly ascending, or a count is 0.
    pub fn decode(bytes: &[u8]) -> Result<Self, DeadTermsError> {
        let malformed = DeadTermsError { bytes: bytes.len() };
        if !bytes.len().is_multiple_of(ENTRY_BYTES) {
            return Err(malformed);
        }
        let (hashes, counts) = bytes.split_at(bytes.len() / ENTRY_BYTES * 8);
        let counts: Vec<(u64, u32)> = hashes
            .as_chunks::<8>()
            .0
            .iter()
            .zip(counts.as_chunks::<4>().0)
            .map(|(hash, count)| (u64::from_le_bytes(*hash), u32::from_le_bytes(*count)))
            .collect();
        if !counts.is_sorted_by(|a, b| a.0 < b.0) || counts.iter().any(|&(_, count)| count == 0) {
            return Err(malformed);
        }
        Ok(Self { counts })
    }
}
