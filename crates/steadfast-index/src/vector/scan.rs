//! One pass over the codes that keeps every row which could be among the best.
//!
//! A row is dropped only when the greatest score it can have is below the
//! least scores of k other rows: then k rows are strictly better, whatever the
//! exact scores turn out to be, and ties cannot bring it back. The kept rows
//! are scored exactly by [`super::rescore`].
//!
//! Invariant: the answer depends on the vectors, the scope and k; never on the
//! segments they lie in, the kernel, the number of threads or their timing.

use super::best::Best;
use super::error::ScanError;
use super::kernel::{Batch, Kernel};
use super::query::Query;
use super::rescore::{self, Fetch};
use super::scope::{each, each_in_scope};
use super::segment::SegmentView;
use crate::behind::{Behind, kept};
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use steadfast_model::{Row, RowSet, Vector};

/// How many positions a thread takes at a time.
const CHUNK_ROWS: usize = 4096;
/// How many bytes of codes make another thread worth its start (0.05 ms).
const THREAD_BYTES_MIN: usize = 6 << 20;
/// Below this many kept rows, rows that the threshold has overtaken are not worth removing.
const KEPT_ROWS_MIN: usize = 4096;

/// What is searched: segments, and the rows that they have not seen.
#[derive(Clone, Copy, Debug)]
pub struct Corpus<'a> {
    /// The segments, all of one space; no row is in two of them.
    pub segments: &'a [SegmentView<'a>],
    /// Rows in no segment, with their vectors; zero vectors are passed over.
    pub tail: &'a [(Row, Vector)],
    /// The rows that may be found, or nothing when all may.
    pub scope: Option<&'a RowSet>,
}

/// How a search is done.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// How many rows are wanted.
    pub k: usize,
    /// The most threads to scan with; small scans use fewer.
    pub threads_max: NonZeroUsize,
    /// Which compilation of the scan loop runs.
    pub kernel: Kernel,
    /// Is told the codes that the scan is done with.
    pub behind: Behind<'a>,
}

impl fmt::Debug for Options<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("k", &self.k)
            .field("threads_max", &self.threads_max)
            .field("kernel", &self.kernel)
            .finish_non_exhaustive()
    }
}

impl Options<'_> {
    /// Returns the options for the best `k` rows: one thread, the fastest kernel.
    pub fn best(k: usize) -> Self {
        Self {
            k,
            threads_max: NonZeroUsize::MIN,
            kernel: Kernel::Fastest,
            behind: &kept,
        }
    }
}

/// A row and its exact score.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The row.
    pub row: Row,
    /// Its inner product with the query, as [`steadfast_model::vector::dot`] gives it.
    pub score: f32,
}

/// The best rows, and what finding them took.
#[derive(Clone, Debug, PartialEq, Default)]
#[non_exhaustive]
pub struct Top {
    /// The best rows, best first, equal scores by ascending row.
    pub hits: Vec<Hit>,
    /// How many vectors were in scope: in segments and tail, without zero vectors.
    pub rows_searched: usize,
    /// How many vectors were fetched to be scored exactly.
    pub rows_rescored: usize,
}

/// A row of a segment that could be among the best.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) row: Row,
    pub(super) lower: f32,
    pub(super) upper: f32,
}

/// Returns the rows of the corpus whose vectors have the greatest inner product with the query.
///
/// The result is that of scoring every vector in scope with
/// [`steadfast_model::vector::dot`], row for row and bit for bit. A zero query
/// has no place in the space and finds nothing.
///
/// # Errors
/// [`ScanError`] when the corpus contradicts itself or the store, or when `fetch` fails.
pub fn top<E>(
    query: &Query,
    corpus: &Corpus<'_>,
    options: &Options<'_>,
    fetch: &mut Fetch<'_, E>,
) -> Result<Top, ScanError<E>> {
    check_spaces(query, corpus.segments)?;
    if options.k == 0 || query.is_zero() {
        return Ok(Top::default());
    }
    let tail = rescore::tail_hits(query, corpus)?;
    let mut best = Best::new(options.k);
    for hit in &tail {
        best.offer(hit.score);
    }
    let found = scan(query, corpus, options, best.threshold());
    for lower in found.iter().flat_map(|found| found.best.scores()) {
        best.offer(lower);
    }
    let threshold = best.threshold();
    let candidates = found.iter().flat_map(|found| &found.kept);
    let candidates: Vec<Candidate> = candidates
        .filter(|kept| kept.upper >= threshold)
        .copied()
        .collect();
    check_unique(&candidates, &tail, threshold)?;
    let rows_searched = tail.len() + found.iter().map(|found| found.rows_searched).sum::<usize>();
    let (hits, rows_rescored) = rescore::best(query, options.k, tail, candidates, fetch)?;
    Ok(Top {
        hits,
        rows_searched,
        rows_rescored,
    })
}

fn check_spaces<E>(query: &Query, segments: &[SegmentView<'_>]) -> Result<(), ScanError<E>> {
    let Some(first) = segments.first().map(SegmentView::space) else {
        return Ok(());
    };
    if first.dimensions != query.dimensions() {
        return Err(ScanError::Dimensions {
            expected: query.dimensions(),
            found: first.dimensions,
        });
    }
    match segments
        .iter()
        .map(SegmentView::space)
        .find(|&space| space != first)
    {
        Some(other) => Err(ScanError::Mixed { first, other }),
        None => Ok(()),
    }
}

/// Refuses a row that counts twice: it would raise the threshold above a row that belongs in the answer.
///
/// Every row that helped to set the threshold is kept, so looking at kept rows is enough.
fn check_unique<E>(
    candidates: &[Candidate],
    tail: &[Hit],
    threshold: f32,
) -> Result<(), ScanError<E>> {
    let tail = tail
        .iter()
        .filter(|hit| hit.score >= threshold)
        .map(|hit| hit.row);
    let mut rows: Vec<Row> = candidates.iter().map(|kept| kept.row).chain(tail).collect();
    rows.sort_unstable();
    match rows.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(pair) => Err(ScanError::Duplicate {
            row: pair.first().copied().unwrap_or_default(),
        }),
        None => Ok(()),
    }
}

/// What one thread found.
struct Found {
    floor: f32,
    best: Best,
    threshold: f32,
    kept: Vec<Candidate>,
    kept_rows_max: usize,
    rows_searched: usize,
}

impl Found {
    fn new(k: usize, floor: f32) -> Self {
        Self {
            floor,
            best: Best::new(k),
            threshold: floor,
            kept: Vec::new(),
            kept_rows_max: KEPT_ROWS_MIN,
            rows_searched: 0,
        }
    }

    fn take(&mut self, view: &SegmentView<'_>, query: &Query, batch: &Batch) {
        self.rows_searched += batch.positions.len();
        for (index, &upper) in batch.uppers().iter().enumerate() {
            if upper >= self.threshold
                && let Some((position, lower)) = batch.lower(index, &query.bounds())
                && let Some(row) = view.row_at(position as usize)
            {
                self.best.offer(lower);
                self.threshold = self.floor.max(self.best.threshold());
                self.kept.push(Candidate { row, lower, upper });
            }
        }
        if self.kept.len() > self.kept_rows_max {
            self.kept.retain(|kept| kept.upper >= self.threshold);
            self.kept_rows_max = KEPT_ROWS_MIN.max(2 * self.kept.len());
        }
    }
}

fn scan(query: &Query, corpus: &Corpus<'_>, options: &Options<'_>, floor: f32) -> Vec<Found> {
    let chunks: Vec<(SegmentView<'_>, usize)> = corpus
        .segments
        .iter()
        .flat_map(|view| {
            (0..view.len())
                .step_by(CHUNK_ROWS)
                .map(|from| (*view, from))
        })
        .collect();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut found = Found::new(options.k, floor);
        let mut batch = Batch::new();
        while let Some((view, from)) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            let to = (from + CHUNK_ROWS).min(view.len());
            let mut run = |batch: &mut Batch| {
                options.kernel.run(view, query, batch);
                found.take(view, query, batch);
                batch.positions.clear();
            };
            match corpus.scope {
                Some(scope) => each_in_scope(view, *from, to, scope, &mut batch, &mut run),
                None => each(*from, to, &mut batch, &mut run),
            }
            (options.behind)(view.codes_between(*from, to));
        }
        found
    };
    let others = threads(corpus, options).min(chunks.len()).saturating_sub(1);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
        let mut found = vec![work()];
        for other in others {
            match other.join() {
                Ok(other) => found.push(other),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        found
    })
}

fn threads(corpus: &Corpus<'_>, options: &Options<'_>) -> usize {
    let rows: usize = corpus.segments.iter().map(SegmentView::len).sum();
    let rows = corpus.scope.map_or(rows, |scope| rows.min(scope.len()));
    let dimensions = corpus
        .segments
        .first()
        .map_or(0, |view| view.space.dimensions);
    (rows.saturating_mul(dimensions) / THREAD_BYTES_MIN).clamp(1, options.threads_max.get())
}
