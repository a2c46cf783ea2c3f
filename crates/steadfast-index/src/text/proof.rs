//! What the postings say of each row, as one number, to be compared with what its text says.
//!
//! The sum over a row's terms of a hash of term and count, and its length: two
//! rows with different terms or counts have the same sum with probability
//! 2^-64. So postings, which are in order of terms, are compared with texts,
//! which are in order of rows, in one pass over each.

use super::error::SegmentError;
use super::postings::BlockRows;
use super::segment::Segment;
use steadfast_model::{HashedTerms, Row};

/// Returns the sum of a row with these terms.
pub fn sum_of(terms: &HashedTerms) -> u64 {
    let entries = terms.entries();
    entries.fold(u64::from(terms.tokens()), |sum, (hash, count)| {
        sum.wrapping_add(mixed(hash, u32::from(count)))
    })
}

/// The finaliser of `SplitMix64`: every bit of term and count has a part in every bit of the result.
fn mixed(hash: u64, count: u32) -> u64 {
    let mut z = hash ^ u64::from(count).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl Segment {
    /// Returns the sum of each row, in order of rows, from the postings alone.
    ///
    /// # Errors
    /// [`SegmentError::Content`] when the postings of a term are not sound.
    pub fn sums(&self) -> Result<Vec<(Row, u64)>, SegmentError> {
        let sections = self.sections();
        let mut sums: Vec<(Row, u64)> = (0..sections.rows())
            .map(|ordinal| (sections.row(ordinal), u64::from(sections.length(ordinal))))
            .collect();
        let mut decoded = BlockRows::default();
        for term in 0..self.terms() {
            let damaged = || SegmentError::Content { term };
            let (hash, postings) = sections.term(term).ok_or_else(damaged)?;
            for block in 0..postings.blocks() {
                postings.decode(block, &mut decoded).ok_or_else(damaged)?;
                for (&ordinal, &count) in decoded.ordinals().iter().zip(decoded.counts()) {
                    let (_, sum) = sums.get_mut(ordinal as usize).ok_or_else(damaged)?;
                    *sum = sum.wrapping_add(mixed(hash, count));
                }
            }
        }
        Ok(sums)
    }
}
