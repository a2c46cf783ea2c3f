//! What a search sees: segments, what died in them, and the rows that are in no segment yet.

use super::dead::DeadTerms;
use super::postings::Postings;
use super::score::Stats;
use super::segment::{Sections, Segment};
use crate::analyze::QueryTerms;
use steadfast_model::{HashedTerms, Row};

/// The rows that have come and gone since the segments were published.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tail<'a> {
    /// Live rows that are in no segment, in ascending order.
    pub added: &'a [(Row, HashedTerms)],
    /// Dead rows that are in a segment and not yet counted in its [`DeadTerms`].
    pub removed: &'a [(Row, HashedTerms)],
}

/// One consistent state of the text index.
///
/// The caller promises that no row is in two segments or in a segment and
/// `tail.added`, and that `stats`, `dead` and `tail` are of the same moment.
/// Then document frequencies are exact over live rows, and scores do not
/// depend on how rows are spread over segments and tail.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    /// The segments, in any order.
    pub segments: &'a [Segment],
    /// The dead terms of the segments, in any order.
    pub dead: &'a [DeadTerms],
    /// What the segments do not know yet.
    pub tail: Tail<'a>,
    /// Counts over all live rows.
    pub stats: Stats,
}

/// A term of a query in one state of the index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TermStats {
    /// The hash of the term.
    pub hash: u64,
    /// Its weight in the query.
    pub weight: f32,
    /// How many live rows have it; 0 when only dead rows do.
    pub df: u64,
    /// Its inverse document frequency.
    pub idf: f32,
}

/// A query against one state of the index: its terms are looked up, nothing is scored yet.
///
/// Serves any number of questions about the same query: the best rows, the
/// scores and counts of given rows.
pub struct Search<'a> {
    pub(super) view: View<'a>,
    pub(super) sections: Vec<Sections<'a>>,
    pub(super) terms: Vec<TermStats>,
    /// For each segment the postings of each term.
    pub(super) postings: Vec<Vec<Option<Postings<'a>>>>,
    /// For each row of the tail the count of each term.
    pub(super) tail_counts: Vec<u8>,
}

impl<'a> View<'a> {
    /// Looks up the terms of a query; those that no row has, live or dead, fall away.
    pub fn search(&self, query: &QueryTerms) -> Search<'a> {
        let view = *self;
        let sections: Vec<Sections<'a>> = view.segments.iter().map(Segment::sections).collect();
        let tail_counts = tail_counts(view.tail.added, query);
        let mut postings: Vec<Vec<Option<Postings<'a>>>> = sections
            .iter()
            .map(|sections| {
                query
                    .terms()
                    .iter()
                    .map(|term| sections.find(term.hash))
                    .collect()
            })
            .collect();

        let width = query.terms().len();
        let mut in_rows = vec![0_u64; width];
        let segment_rows =
            |found: &Option<Postings<'_>>| found.map_or(0, |found| u64::from(found.rows()));
        for per_segment in &postings {
            add(&mut in_rows, per_segment.iter().map(segment_rows));
        }
        for counts in tail_counts.chunks_exact(width.max(1)) {
            add(
                &mut in_rows,
                counts.iter().map(|&count| u64::from(count > 0)),
            );
        }

        let is_kept: Vec<bool> = in_rows.iter().map(|&rows| rows > 0).collect();
        let terms = query
            .terms()
            .iter()
            .zip(&in_rows)
            .filter(|(_, rows)| **rows > 0)
            .map(|(term, &rows)| {
                let df = rows.saturating_sub(self.dead_rows(term.hash));
                TermStats {
                    hash: term.hash,
                    weight: term.weight,
                    df,
                    idf: view.stats.idf(df),
                }
            });
        let terms = terms.collect();
        for per_segment in &mut postings {
            retain(per_segment, &is_kept);
        }
        let tail_counts = tail_counts
            .into_iter()
            .zip(is_kept.iter().cycle())
            .filter(|(_, kept)| **kept)
            .map(|(count, _)| count);
        Search {
            view,
            sections,
            terms,
            postings,
            tail_counts: tail_counts.collect(),
        }
    }

    /// Returns in how many live rows the term occurs, exactly.
    pub fn df(&self, hash: u64) -> u64 {
        let in_segments = |segment: &Segment| {
            segment
                .sections()
                .find(hash)
                .map_or(0, |found| u64::from(found.rows()))
        };
        let rows: u64 = self.segments.iter().map(in_segments).sum();
        let added = self
            .tail
            .added
            .iter()
            .filter(|(_, terms)| terms.count(hash) > 0)
            .count() as u64;
        (rows + added).saturating_sub(self.dead_rows(hash))
    }

    fn dead_rows(&self, hash: u64) -> u64 {
        let dead: u64 = self
            .dead
            .iter()
            .map(|dead| u64::from(dead.count(hash)))
            .sum();
        let removed = self
            .tail
            .removed
            .iter()
            .filter(|(_, terms)| terms.count(hash) > 0)
            .count() as u64;
        dead + removed
    }

    /// Returns the lengths in tokens of rows in ascending order, 0 for a row that is nowhere.
    pub fn lengths(&self, rows: &[Row]) -> Vec<u16> {
        let mut lengths = vec![0; rows.len()];
        for segment in self.segments {
            let sections = segment.sections();
            for (place, ordinal) in sections.locate(within(rows, segment.range())) {
                if let Some(length) = lengths.get_mut(place) {
                    *length = sections.length(ordinal);
                }
            }
        }
        for (place, index) in tail_places(rows, self.tail.added) {
            if let (Some(length), Some((_, terms))) =
                (lengths.get_mut(place), self.tail.added.get(index))
            {
                *length = terms.tokens();
            }
        }
        lengths
    }
}

impl Search<'_> {
    /// Returns the terms that some row has, in ascending order of the hash.
    pub fn terms(&self) -> &[TermStats] {
        &self.terms
    }
}

/// Returns the rows inside `range` with their places; rows are in ascending order.
pub(super) fn within(
    rows: &[Row],
    range: Option<(Row, Row)>,
) -> impl Iterator<Item = (usize, Row)> + '_ {
    let (start, end) = range.map_or((0, 0), |(first, last)| {
        (
            rows.partition_point(|row| *row < first),
            rows.partition_point(|row| *row <= last),
        )
    });
    (start..end).zip(rows.get(start..end).unwrap_or_default().iter().copied())
}

/// Returns the places among `rows` of rows of the tail, each with its index in the tail.
pub(super) fn tail_places(
    rows: &[Row],
    added: &[(Row, HashedTerms)],
) -> impl Iterator<Item = (usize, usize)> {
    let range = added
        .first()
        .zip(added.last())
        .map(|((first, _), (last, _))| (*first, *last));
    within(rows, range).filter_map(|(place, row)| {
        Some((
            place,
            added.binary_search_by_key(&row, |(added, _)| *added).ok()?,
        ))
    })
}

fn tail_counts(added: &[(Row, HashedTerms)], query: &QueryTerms) -> Vec<u8> {
    let mut counts = Vec::with_capacity(added.len() * query.terms().len());
    for (_, terms) in added {
        counts.extend(query.terms().iter().map(|term| terms.count(term.hash)));
    }
    counts
}

fn add(sums: &mut [u64], summands: impl Iterator<Item = u64>) {
    for (sum, summand) in sums.iter_mut().zip(summands) {
        *sum += summand;
    }
}

fn retain<T>(items: &mut Vec<T>, is_kept: &[bool]) {
    let mut kept = is_kept.iter();
    items.retain(|_| kept.next().copied().unwrap_or(false));
}
