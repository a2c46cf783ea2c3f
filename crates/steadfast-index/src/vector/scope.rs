//! Which positions of a segment a scan visits.
//!
//! Invariant: each position whose row is in scope is visited once, in order.

use super::kernel::{BATCH_ROWS, Batch};
use super::segment::SegmentView;
use steadfast_model::{Row, RowSet};

/// Visits the positions from `from` to `to` in batches.
pub(super) fn each(from: usize, to: usize, batch: &mut Batch, run: &mut impl FnMut(&mut Batch)) {
    for start in (from..to).step_by(BATCH_ROWS) {
        batch
            .positions
            .extend(positions(start, to.min(start + BATCH_ROWS)));
        run(batch);
    }
}

/// Positions fit into 32 bits because rows do.
fn positions(from: usize, to: usize) -> impl Iterator<Item = u32> {
    (from..to).map(|position| u32::try_from(position).unwrap_or(u32::MAX))
}

/// Visits the positions from `from` to `to` whose rows are in `scope`, driven by the words of the scope.
pub(super) fn each_in_scope(
    view: &SegmentView<'_>,
    from: usize,
    to: usize,
    scope: &RowSet,
    batch: &mut Batch,
    run: &mut impl FnMut(&mut Batch),
) {
    let (Some(first), Some(last)) = (view.row_at(from), view.row_at(to.saturating_sub(1))) else {
        return;
    };
    let mut cursor = from;
    let words = scope.words().iter().enumerate();
    for (index, &word) in words
        .take(last.0 as usize / 64 + 1)
        .skip(first.0 as usize / 64)
    {
        if word == 0 {
            continue;
        }
        if batch.positions.len() + 64 > BATCH_ROWS {
            run(batch);
        }
        let base = u32::try_from(index * 64).unwrap_or(u32::MAX);
        let low = Row(base.max(first.0));
        let high = Row((base | 63).min(last.0));
        let word = word & (u64::MAX << (low.0 % 64)) & (u64::MAX >> (63 - high.0 % 64));
        cursor = take_word(view, cursor, (low, high), word, batch);
    }
    if !batch.positions.is_empty() {
        run(batch);
    }
}

/// Adds the positions of the rows in one word of the scope; returns where the next word begins.
fn take_word(
    view: &SegmentView<'_>,
    cursor: usize,
    (low, high): (Row, Row),
    mut word: u64,
    batch: &mut Batch,
) -> usize {
    let mut cursor = view.position_from(cursor, low);
    let end = cursor + (high.0 - low.0) as usize;
    // Where no rows are missing, positions follow from rows alone.
    let dense = view.row_at(cursor) == Some(low) && view.row_at(end) == Some(high);
    if dense && word == u64::MAX {
        batch.positions.extend(positions(cursor, end + 1));
        return end;
    }
    let start = cursor;
    while word != 0 {
        let row = Row((low.0 & !63) | word.trailing_zeros());
        word &= word - 1;
        let position = if dense {
            start + (row.0 - low.0) as usize
        } else {
            view.position_from(cursor, row)
        };
        if dense || view.row_at(position) == Some(row) {
            batch.positions.extend(positions(position, position + 1));
        }
        cursor = position;
    }
    cursor
}
