//! Rows that the indexes have not seen, and searching when there is no index at all.

use std::time::{Duration, Instant};

use steadfast_model::vector::dot;
use steadfast_model::{HashedTerms, Row, RowSet, Seq, Vector};
use steadfast_store::{SqliteSnapshot, StoreError};

/// How long a question without an index may read the store before it says what it has not read.
pub(super) const SCAN_TIME_MAX: Duration = Duration::from_secs(20);

/// How many rows are read between two looks at the clock.
const ROWS_PER_LOOK: usize = 256;

/// What has come and gone since the text index was published.
#[derive(Debug, Default)]
pub(super) struct TailRows {
    /// Live rows in no segment, ascending.
    pub(super) added: Vec<(Row, HashedTerms)>,
    /// Rows of segments that are no longer live.
    pub(super) removed: Vec<(Row, HashedTerms)>,
}

impl TailRows {
    /// Reads the tail of commits after `seq`, for an index whose last row is `row`.
    ///
    /// A removed row above it came and went without the index; nothing is to be subtracted.
    pub(super) fn read(
        ground: &SqliteSnapshot<'_>,
        seq: Seq,
        row: Row,
    ) -> Result<Self, StoreError> {
        let analyze = ground.store().analyze().as_ref();
        let mut tail = Self::default();
        let mut unknown = Vec::new();
        ground.each_tail(seq, analyze.id(), &mut |entry| {
            if entry.removed && entry.row > row {
                return;
            }
            let list = if entry.removed {
                &mut tail.removed
            } else {
                &mut tail.added
            };
            if entry.terms.is_none() {
                unknown.push((entry.row, entry.removed, list.len()));
            }
            list.push((entry.row, entry.terms.unwrap_or_default()));
        })?;
        // Entries of an older analyser, or damaged ones: the text tells.
        for (row, removed, place) in unknown {
            let text = ground.fetch(&[row])?.chunks.pop().map(|chunk| chunk.text);
            let list = if removed {
                &mut tail.removed
            } else {
                &mut tail.added
            };
            if let (Some(text), Some(entry)) = (text, list.get_mut(place)) {
                entry.1 = analyze.terms(&text);
            }
        }
        Ok(tail)
    }
}

/// All live rows, as far as the terms of one question see them, read from the store itself.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    pub(super) hashes: Vec<u64>,
    pub(super) rows: Vec<(Row, HashedTerms)>,
    /// Rows that were not reached in time.
    pub(super) unread: RowSet,
}

impl Scanned {
    /// Reads and analyses every live text. Only the counts of the question's terms are kept, so memory is bounded.
    pub(super) fn read(
        ground: &SqliteSnapshot<'_>,
        live: &RowSet,
        hashes: &[u64],
        time_max: Duration,
    ) -> Result<Self, StoreError> {
        let analyze = ground.store().analyze().as_ref();
        let started = Instant::now();
        let mut rows: Vec<(Row, HashedTerms)> = Vec::with_capacity(live.len());
        ground.each_live_text(Row(0), &mut |row, text| {
            // A damaged text has no terms; fetching it reports the damage.
            let terms = text
                .map(|text| analyze.terms(text).restricted_to(hashes))
                .unwrap_or_default();
            rows.push((row, terms));
            !rows.len().is_multiple_of(ROWS_PER_LOOK) || started.elapsed() < time_max
        })?;
        let mut unread = RowSet::new();
        if rows.len() < live.len() {
            unread.unite(live);
            for (row, _) in &rows {
                unread.remove(*row);
            }
        }
        Ok(Self {
            hashes: hashes.to_vec(),
            rows,
            unread,
        })
    }
}

/// What reading every vector from the store gives.
pub(super) struct VectorScan {
    /// The best rows.
    pub(super) best: Vec<(Row, f32)>,
    /// Rows whose vector does not have its hash.
    pub(super) damaged: Vec<Row>,
}

/// Returns the best rows of a scope by inner product, reading every vector from the store.
pub(super) fn scan_vectors(
    ground: &SqliteSnapshot<'_>,
    query: &Vector,
    k: usize,
    scope: &RowSet,
) -> Result<VectorScan, StoreError> {
    let mut best: Vec<(Row, f32)> = Vec::new();
    let mut damaged = Vec::new();
    let keep = k.max(1).saturating_mul(2);
    ground.each_vector(Row(0), &mut |row, values| {
        if scope.contains(row) {
            match values {
                Some(values) => best.push((row, dot(&query.0, values))),
                None => damaged.push(row),
            }
            if best.len() > keep.max(4096) {
                cut(&mut best, k);
            }
        }
        true
    })?;
    cut(&mut best, k);
    Ok(VectorScan { best, damaged })
}

fn cut(best: &mut Vec<(Row, f32)>, k: usize) {
    best.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    best.truncate(k);
}
