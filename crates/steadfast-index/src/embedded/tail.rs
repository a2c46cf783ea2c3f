//! Rows that the indexes have not seen, and searching when there is no index at all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use steadfast_model::vector::dot;
use steadfast_model::{HashedTerms, Row, RowSet, Seq, Vector};
use steadfast_store::sabotage::{self, Sabotage};
use steadfast_store::sqlite::{Published, TailEntry};
use steadfast_store::{SqliteSnapshot, StoreError};

/// How long a question without an index may read the store before it says what it has not read.
pub(super) const SCAN_TIME_MAX: Duration = Duration::from_secs(20);

/// How many terms a row is taken to have whose terms are not known.
const UNKNOWN_TERMS: usize = 512;

/// How many rows are read between two looks at the clock.
const ROWS_PER_LOOK: usize = 256;

/// What has come and gone since the text index was published.
#[derive(Clone, Debug, Default)]
pub(super) struct TailRows {
    /// Live rows in no segment, ascending.
    pub(super) added: Vec<(Row, HashedTerms)>,
    /// Rows of segments that are no longer live.
    pub(super) removed: Vec<(Row, HashedTerms)>,
    /// Rows among `added` whose terms were to be had from their text, which cannot be read.
    pub(super) damaged: Vec<Row>,
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
        let (tail, _) = Self::read_part(ground, seq, row, Row(0), usize::MAX)?;
        Ok(tail)
    }

    /// Reads a part of it: entries above the row `after` until they have `terms_max` terms. Returns the last row too,
    /// none where there were no more.
    pub(super) fn read_part(
        ground: &SqliteSnapshot<'_>,
        seq: Seq,
        row: Row,
        after: Row,
        terms_max: usize,
    ) -> Result<(Self, Option<Row>), StoreError> {
        let mut tail = Self::default();
        let (mut unknown, mut terms, mut last) = (Vec::new(), 0, None);
        let analyzer = ground.store().analyze().id();
        ground.each_tail(seq, after, analyzer, &mut |entry| {
            last = Some(entry.row);
            // An entry without any has to be analysed, and counts as what a long text has.
            terms += entry
                .terms
                .as_ref()
                .map_or(UNKNOWN_TERMS, |it| it.entries().len());
            tail.take(entry, row, &mut unknown);
            terms < terms_max
        })?;
        tail.analyze(ground, unknown)?;
        Ok((tail, last))
    }

    /// Brings a tail that was read at the commit `seq`, when the store's last row was `last`, up to date.
    fn extend(
        &mut self,
        ground: &SqliteSnapshot<'_>,
        (seq, last): (Seq, Row),
        row: Row,
    ) -> Result<(), StoreError> {
        let analyzer = ground.store().analyze().id();
        let mut news = Self::default();
        let mut unknown = Vec::new();
        let mut gone = RowSet::new();
        ground.each_tail_since(seq, last, analyzer, &mut |entry| {
            if entry.removed {
                gone.insert(entry.row);
            }
            news.take(entry, row, &mut unknown);
        })?;
        news.analyze(ground, unknown)?;
        if !gone.is_empty() {
            self.added.retain(|(row, _)| !gone.contains(*row));
        }
        self.added.append(&mut news.added);
        self.removed.append(&mut news.removed);
        self.damaged.append(&mut news.damaged);
        Ok(())
    }

    /// Takes an entry; one whose terms are of an older analyser, or damaged, is left in `unknown`.
    fn take(&mut self, entry: TailEntry, row: Row, unknown: &mut Vec<(Row, bool, usize)>) {
        let is_left_out = sabotage::is(Sabotage::TailNotSearched);
        if is_left_out || entry.removed && entry.row > row {
            return;
        }
        let list = if entry.removed {
            &mut self.removed
        } else {
            &mut self.added
        };
        if entry.terms.is_none() {
            unknown.push((entry.row, entry.removed, list.len()));
        }
        list.push((entry.row, entry.terms.unwrap_or_default()));
    }

    /// Fills in the terms of entries without any: the text tells.
    fn analyze(
        &mut self,
        ground: &SqliteSnapshot<'_>,
        unknown: Vec<(Row, bool, usize)>,
    ) -> Result<(), StoreError> {
        let analyze = ground.store().analyze().as_ref();
        for (row, removed, place) in unknown {
            let mut fetched = ground.fetch(&[row])?;
            let text = fetched.chunks.pop().map(|chunk| chunk.text);
            if !removed {
                self.damaged.append(&mut fetched.damaged);
            }
            let list = if removed {
                &mut self.removed
            } else {
                &mut self.added
            };
            if let (Some(text), Some(entry)) = (text, list.get_mut(place)) {
                entry.1 = analyze.terms(&text);
            }
        }
        Ok(())
    }
}

/// Vectors of rows that the vector index has not seen.
#[derive(Clone, Debug, Default)]
pub(super) struct VectorTail {
    /// Rows with their vectors, live or history, ascending.
    pub(super) rows: Vec<(Row, Vector)>,
    /// Rows whose vector does not have its hash.
    pub(super) damaged: Vec<Row>,
}

impl VectorTail {
    /// Adds the vectors of rows after `last`, and those that came after the commit `seq` to rows before which no index
    /// has.
    fn extend(
        &mut self,
        ground: &SqliteSnapshot<'_>,
        (seq, last): (Seq, Row),
        indexed: &RowSet,
    ) -> Result<(), StoreError> {
        let mut take = |row: Row, values: Option<&[f32]>| {
            match values {
                Some(values) => self.rows.push((row, Vector(values.to_vec()))),
                None => self.damaged.push(row),
            }
            true
        };
        let late = late_rows(ground, (seq, last), indexed)?;
        ground.vectors(&late, &mut take)?;
        ground.each_vector(last, &mut take)?;
        if !late.is_empty() {
            self.rows.sort_by_key(|(row, _)| *row);
            // A vector of another space that came late has the row of one that is here.
            self.rows.dedup_by_key(|(row, _)| *row);
        }
        Ok(())
    }
}

/// Returns the rows up to `last` whose vector came after the commit `seq` and is not indexed, ascending.
///
/// What came late is told for all spaces together: where two models are at work, a row may have had its vector in
/// this one long before.
pub(super) fn late_rows(
    ground: &SqliteSnapshot<'_>,
    (seq, last): (Seq, Row),
    indexed: &RowSet,
) -> Result<Vec<Row>, StoreError> {
    let mut late = ground.late_vectors(seq, last)?;
    late.retain(|row| !indexed.contains(*row));
    Ok(late)
}

/// A tail as it was at some moment, for the next question: rows only ever come at
/// its end or leave with an entry of their own, so it is brought up to date and not read again.
pub(super) struct Kept<T> {
    published: Option<Published>,
    seq: Seq,
    last: Row,
    tail: Arc<T>,
}

/// Returns a tail at the moment of `ground`, by way of the one in `slot`.
fn current<T: Clone>(
    slot: &mut Option<Kept<T>>,
    ground: &SqliteSnapshot<'_>,
    published: Option<Published>,
    read: impl FnOnce() -> Result<T, StoreError>,
    extend: impl FnOnce(&mut T, (Seq, Row)) -> Result<(), StoreError>,
) -> Result<Arc<T>, StoreError> {
    let head = ground.head();
    if let Some(kept) = slot.as_ref().filter(|kept| kept.published == published) {
        if kept.seq == head.seq {
            return Ok(Arc::clone(&kept.tail));
        }
        // A view that is older than the tail kept reads its own, and leaves that one to the younger.
        if kept.seq > head.seq {
            return Ok(Arc::new(read()?));
        }
    }
    // Taken out first: a tail that could only be brought up to date in part is not kept.
    let tail = match slot.take().filter(|kept| kept.published == published) {
        Some(mut kept) => {
            extend(Arc::make_mut(&mut kept.tail), (kept.seq, kept.last))?;
            kept.tail
        }
        None => Arc::new(read()?),
    };
    *slot = Some(Kept {
        published,
        seq: head.seq,
        last: head.last_row,
        tail: Arc::clone(&tail),
    });
    Ok(tail)
}

/// Returns the tail of a text index that has seen the commits up to `seen.0` and the rows up to `seen.1`.
pub(super) fn text_tail(
    slot: &mut Option<Kept<TailRows>>,
    ground: &SqliteSnapshot<'_>,
    published: Option<Published>,
    seen: (Seq, Row),
) -> Result<Arc<TailRows>, StoreError> {
    current(
        slot,
        ground,
        published,
        || TailRows::read(ground, seen.0, seen.1),
        |tail, since| tail.extend(ground, since, seen.1),
    )
}

/// Returns the tail of a vector index that has seen the commits up to `seen.0` and the rows up to `seen.1`, and holds
/// the rows `indexed`.
pub(super) fn vector_tail(
    slot: &mut Option<Kept<VectorTail>>,
    ground: &SqliteSnapshot<'_>,
    published: Option<Published>,
    seen: (Seq, Row),
    indexed: &RowSet,
) -> Result<Arc<VectorTail>, StoreError> {
    let read = || {
        let mut tail = VectorTail::default();
        tail.extend(ground, seen, indexed)?;
        Ok(tail)
    };
    current(slot, ground, published, read, |tail, since| {
        tail.extend(ground, since, indexed)
    })
}

/// All live rows, as far as the terms of one question see them, read from the store itself.
#[derive(Debug, Default)]
pub(super) struct Scanned {
    /// Those terms, ascending.
    pub(super) hashes: Vec<u64>,
    pub(super) rows: Vec<(Row, HashedTerms)>,
    /// Rows whose text cannot be read.
    pub(super) damaged: RowSet,
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
        let mut damaged = RowSet::new();
        ground.each_live_text(Row(0), &mut |row, text| {
            if text.is_none() {
                damaged.insert(row);
            }
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
            damaged,
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
