//! Merges segments: rows come in ascending order, so postings are concatenated and renumbered.

use super::error::{MergeError, SegmentError};
use super::postings::{BlockRows, Postings};
use super::segment::{Sections, Segment};
use super::writer::{TermRows, Writer};
use crate::assembly::{Pieces, STEP_BYTES};
use steadfast_model::RowSet;

/// Marks an ordinal whose row is not kept.
const DROPPED: u32 = u32::MAX;

/// What a term takes in a segment, and about what each of its postings.
const TERM_BYTES: usize = 32;
const POSTING_BYTES: usize = 2;

/// One segment on its way into the merged one.
struct Source<'a> {
    sections: Sections<'a>,
    terms: u32,
    /// The place of the next term.
    next: u32,
    head: Option<(u64, Postings<'a>)>,
    /// The new ordinal of each row, or [`DROPPED`].
    ordinals: Vec<u32>,
}

impl Source<'_> {
    /// Moves to the next term; terms of a sound segment strictly ascend.
    fn advance(&mut self) -> Result<(), SegmentError> {
        let before = self.head.take().map(|(hash, _)| hash);
        if self.next < self.terms {
            let found = self.sections.term(self.next);
            let ascends =
                |(hash, _): &(u64, Postings<'_>)| before.is_none_or(|before| before < *hash);
            self.head = Some(
                found
                    .filter(ascends)
                    .ok_or(SegmentError::Content { term: self.next })?,
            );
            self.next += 1;
        }
        Ok(())
    }

    fn copy(
        &self,
        postings: &Postings<'_>,
        decoded: &mut BlockRows,
        out: &mut TermRows,
    ) -> Result<(), SegmentError> {
        let damaged = || SegmentError::Content {
            term: self.next.saturating_sub(1),
        };
        for block in 0..postings.blocks() {
            postings.decode(block, decoded).ok_or_else(damaged)?;
            for (&ordinal, &count) in decoded.ordinals().iter().zip(decoded.counts()) {
                let new = *self.ordinals.get(ordinal as usize).ok_or_else(damaged)?;
                let count = u8::try_from(count)
                    .ok()
                    .filter(|&count| count > 0)
                    .ok_or_else(damaged)?;
                if new == DROPPED {
                    continue;
                }
                if out.ordinals.last().is_some_and(|&last| last >= new) {
                    return Err(damaged());
                }
                out.ordinals.push(new);
                out.counts.push(count);
            }
        }
        Ok(())
    }
}

/// Returns the segment of all rows of `segments` that are in `keep`.
///
/// The bytes are those that building from the kept rows would give.
///
/// # Errors
/// [`MergeError`] when there is nothing to merge, when the segments are of
/// different stores or analysers, when their rows interleave, or when one is not sound.
pub fn merge(
    segments: &[&Segment],
    keep: &RowSet,
    between: &dyn Fn(),
) -> Result<Pieces, MergeError> {
    let first = segments.first().ok_or(MergeError::Nothing)?;
    let mut ordered: Vec<&Segment> = segments.to_vec();
    ordered.sort_by_key(|segment| segment.range());
    check(first, &ordered)?;

    let mut rows = Vec::new();
    let mut lengths = Vec::new();
    let mut sources = Vec::with_capacity(ordered.len());
    for segment in &ordered {
        let sections = segment.sections();
        let mut ordinals = Vec::with_capacity(segment.rows() as usize);
        for (ordinal, row) in (0..segment.rows()).zip(segment.row_iter()) {
            if keep.contains(row) {
                ordinals.push(u32::try_from(rows.len()).unwrap_or(DROPPED));
                rows.push(row);
                lengths.push(sections.length(ordinal));
            } else {
                ordinals.push(DROPPED);
            }
        }
        let mut source = Source {
            sections,
            terms: segment.terms(),
            next: 0,
            head: None,
            ordinals,
        };
        source.advance()?;
        sources.push(source);
    }

    let mut writer = Writer::new(first.store(), first.analyzer(), rows, lengths);
    let mut decoded = BlockRows::default();
    let mut term = TermRows::default();
    let mut read_bytes = 0;
    while let Some(hash) = sources
        .iter()
        .filter_map(|source| Some(source.head.as_ref()?.0))
        .min()
    {
        term.ordinals.clear();
        term.counts.clear();
        for source in &mut sources {
            if let Some((head, postings)) = source.head
                && head == hash
            {
                source.copy(&postings, &mut decoded, &mut term)?;
                source.advance()?;
            }
        }
        writer.term(hash, &term.ordinals, &term.counts)?;
        read_bytes += TERM_BYTES + term.ordinals.len() * POSTING_BYTES;
        if read_bytes >= STEP_BYTES {
            read_bytes = 0;
            between();
        }
    }
    Ok(writer.finish()?)
}

fn check(first: &Segment, ordered: &[&Segment]) -> Result<(), MergeError> {
    for segment in ordered {
        if segment.store() != first.store() {
            return Err(MergeError::Stores(first.store(), segment.store()));
        }
        if segment.analyzer() != first.analyzer() {
            return Err(MergeError::Analyzers(first.analyzer(), segment.analyzer()));
        }
    }
    let ranges = ordered.iter().filter_map(|segment| segment.range());
    for ((_, last), (row, _)) in ranges.clone().zip(ranges.skip(1)) {
        if row <= last {
            return Err(MergeError::Overlap { row });
        }
    }
    Ok(())
}
