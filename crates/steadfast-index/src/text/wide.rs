//! The best rows of a segment in a wide scope: `MaxScore` over windows of rows.
//!
//! The segment is worked through in windows of 4,096 ordinals, whose sums stay
//! in the first-level cache. In each window the terms whose bounds together
//! cannot lift a row over the floor are optional: rows are found by the other
//! terms only, and looked up in the optional ones, strongest first, for as
//! long as they can still win. Windows and blocks without a row of the scope
//! are skipped.

use super::format::BLOCK_ROWS;
use super::postings::{BlockRows, Postings};
use super::score::{Best, Scale};
use super::segment::Sections;
use steadfast_model::RowSet;

/// Rows per window.
const WINDOW_ROWS: u32 = 4096;
const WINDOW_WORDS: usize = WINDOW_ROWS as usize / 64;

/// Memory of this algorithm, reused between searches.
#[derive(Default)]
pub(super) struct WideScratch {
    /// Units of each row of the window; all 0 between windows.
    sums: Vec<u32>,
    /// The rows of the window that have a sum, as bits; all 0 between windows.
    touched: Vec<u64>,
    decoded: Vec<BlockRows>,
}

/// Where a search is in the postings of one term.
struct Cursor<'a> {
    postings: Postings<'a>,
    factor: f32,
    /// The first block that may reach into the window.
    block: usize,
    /// The block that is unpacked, and how many of its rows lie before the next row asked for.
    unpacked: Option<usize>,
    at: usize,
    /// The block whose bound is known, and the bound.
    bounded: Option<(usize, u32)>,
    /// The bound over the window.
    bound: u32,
}

impl<'a> Cursor<'a> {
    fn new(&(postings, factor): &(Postings<'a>, f32)) -> Self {
        Self {
            postings,
            factor,
            block: 0,
            unpacked: None,
            at: 0,
            bounded: None,
            bound: 0,
        }
    }

    /// Moves to the window and returns the bound of the term over it, 0 when it is absent.
    fn enter(&mut self, start: u32, end: u32, scale: &Scale) -> u32 {
        self.block = self.postings.seek(self.block, start);
        self.bound = 0;
        let mut index = self.block;
        while let Some(block) = self.postings.block(index)
            && self.postings.start(index) < end
        {
            let bound = match self.bounded {
                Some((bounded, bound)) if bounded == index => bound,
                _ => scale.bound(self.factor, block.count_max, block.length_min),
            };
            self.bounded = Some((index, bound));
            self.bound = self.bound.max(bound);
            if block.last >= end {
                break;
            }
            index += 1;
        }
        self.bound
    }

    /// Unpacks a block unless it is unpacked already; returns whether it could be.
    fn unpack(&mut self, index: usize, decoded: &mut BlockRows) -> bool {
        if self.unpacked != Some(index) {
            self.at = 0;
            // A block that does not unpack is in no verified segment; its rows are taken for absent.
            if self.postings.decode(index, decoded).is_none() {
                self.unpacked = None;
                return false;
            }
            self.unpacked = Some(index);
        }
        true
    }

    /// Returns the count of the term in the row; ordinals are asked for in ascending order.
    fn count(&mut self, ordinal: u32, decoded: &mut BlockRows) -> Option<u32> {
        self.block = self.postings.seek(self.block, ordinal);
        if self.block >= self.postings.blocks() || self.postings.start(self.block) > ordinal {
            return None;
        }
        if !self.unpack(self.block, decoded) {
            return None;
        }
        let rest = decoded.ordinals().get(self.at..).unwrap_or_default();
        self.at += super::segment::gallop(rest, |&before| before < ordinal);
        let found = decoded.ordinals().get(self.at) == Some(&ordinal);
        found.then(|| decoded.counts().get(self.at).copied().unwrap_or(1))
    }
}

/// One segment under search.
struct Sweep<'a, 'b> {
    sections: &'b Sections<'a>,
    scale: &'b Scale,
    scope: &'b RowSet,
    cursors: Vec<Cursor<'a>>,
    /// The cursors present in the window, weakest first.
    order: Vec<usize>,
    /// Of the first cursors of `order` together, the bound.
    bounds: Vec<u32>,
}

/// Offers the rows of a segment that are in `scope` to `best`.
pub(super) fn offer_segment(
    sections: &Sections<'_>,
    terms: &[(Postings<'_>, f32)],
    scale: &Scale,
    scope: &RowSet,
    scratch: &mut WideScratch,
    best: &mut Best,
) {
    scratch.sums.resize(WINDOW_ROWS as usize, 0);
    scratch.touched.resize(WINDOW_WORDS, 0);
    if scratch.decoded.len() < terms.len() {
        scratch.decoded.resize_with(terms.len(), BlockRows::default);
    }
    let mut sweep = Sweep {
        sections,
        scale,
        scope,
        cursors: terms.iter().map(Cursor::new).collect(),
        order: Vec::with_capacity(terms.len()),
        bounds: Vec::with_capacity(terms.len()),
    };
    let rows = sections.rows();
    let mut start = 0;
    while start < rows {
        let end = start.saturating_add(WINDOW_ROWS).min(rows);
        sweep.window(start, end, scratch, best);
        start = end;
    }
}

impl Sweep<'_, '_> {
    fn window(&mut self, start: u32, end: u32, scratch: &mut WideScratch, best: &mut Best) {
        if !self.any_in_scope(start, end - 1) {
            return;
        }
        self.order.clear();
        for (index, cursor) in self.cursors.iter_mut().enumerate() {
            if cursor.enter(start, end, self.scale) > 0 {
                self.order.push(index);
            }
        }
        let cursors = &self.cursors;
        self.order
            .sort_unstable_by_key(|&index| cursors.get(index).map_or(0, |cursor| cursor.bound));
        self.bounds.clear();
        let mut sum = 0;
        for &index in &self.order {
            sum += cursors.get(index).map_or(0, |cursor| cursor.bound);
            self.bounds.push(sum);
        }
        let optional = self.bounds.partition_point(|&bound| bound < best.floor());
        for place in optional..self.order.len() {
            self.accumulate(place, start, end, scratch);
        }
        if optional < self.order.len() {
            self.collect(optional, start, scratch, best);
        }
    }

    fn any_in_scope(&self, first: u32, last: u32) -> bool {
        self.scope
            .any_in(self.sections.row(first), self.sections.row(last))
    }

    /// Adds one term to the sums of the window.
    fn accumulate(&mut self, place: usize, start: u32, end: u32, scratch: &mut WideScratch) {
        let Some(&index) = self.order.get(place) else {
            return;
        };
        let (sections, scope) = (self.sections, self.scope);
        let (Some(cursor), Some(decoded)) =
            (self.cursors.get_mut(index), scratch.decoded.get_mut(index))
        else {
            return;
        };
        for block in cursor.block..cursor.postings.blocks() {
            let first = cursor.postings.start(block);
            let Some(found) = cursor.postings.block(block).filter(|_| first < end) else {
                return;
            };
            let (from, to) = (first.max(start), found.last.min(end - 1));
            if scope.any_in(sections.row(from), sections.row(to)) && cursor.unpack(block, decoded) {
                let ordinals = decoded.ordinals();
                let skipped = if first < start {
                    ordinals.partition_point(|&ordinal| ordinal < start)
                } else {
                    0
                };
                let kept = if found.last < end {
                    ordinals.len()
                } else {
                    ordinals.partition_point(|&ordinal| ordinal < end)
                };
                let ordinals = ordinals.get(skipped..kept).unwrap_or_default();
                let counts = decoded.counts().get(skipped..kept).unwrap_or_default();
                let units = &mut [0; BLOCK_ROWS];
                let lengths = ordinals.iter().map(|&ordinal| sections.length(ordinal));
                self.scale.summands(cursor.factor, counts, lengths, units);
                scatter(
                    ordinals,
                    units,
                    start,
                    &mut scratch.sums,
                    &mut scratch.touched,
                );
            }
            if found.last >= end {
                return;
            }
        }
    }

    /// Completes the rows with a sum from the optional terms, offers them, and clears the window.
    fn collect(&mut self, optional: usize, start: u32, scratch: &mut WideScratch, best: &mut Best) {
        let last_optional = optional
            .checked_sub(1)
            .and_then(|last| self.bounds.get(last));
        let reach = last_optional.copied().unwrap_or(0);
        let words = scratch
            .touched
            .iter_mut()
            .zip(scratch.sums.as_chunks_mut::<64>().0);
        for (base, (word, sums)) in (start..).step_by(64).zip(words) {
            let mut bits = std::mem::take(word);
            while bits != 0 {
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                let Some(sum) = sums.get_mut(bit as usize) else {
                    continue;
                };
                let units = std::mem::take(sum);
                if units.saturating_add(reach) < best.floor() {
                    continue;
                }
                let ordinal = base + bit;
                let row = self.sections.row(ordinal);
                if self.scope.contains(row)
                    && let Some(units) =
                        self.complete(optional, ordinal, units, &mut scratch.decoded, best.floor())
                {
                    best.offer(row.0, units);
                }
            }
        }
    }

    /// Adds the optional terms, strongest first; returns nothing once the row cannot win.
    fn complete(
        &mut self,
        optional: usize,
        ordinal: u32,
        mut units: u32,
        decoded: &mut [BlockRows],
        floor: u32,
    ) -> Option<u32> {
        for place in (0..optional).rev() {
            if units.saturating_add(self.bounds.get(place).copied().unwrap_or(0)) < floor {
                return None;
            }
            let &index = self.order.get(place)?;
            let (cursor, decoded) = (self.cursors.get_mut(index)?, decoded.get_mut(index)?);
            if let Some(count) = cursor.count(ordinal, decoded) {
                units = units.wrapping_add(self.scale.summand(
                    cursor.factor,
                    count,
                    self.sections.length(ordinal),
                ));
            }
        }
        Some(units)
    }
}

/// Adds the units of one block to the sums of the window that starts at `start`.
fn scatter(ordinals: &[u32], units: &[u32], start: u32, sums: &mut [u32], touched: &mut [u64]) {
    // The bits of one word are held back until the next word: a store for each row would wait for the one before.
    let (mut word, mut bits) = (0, 0_u64);
    for (&ordinal, &units) in ordinals.iter().zip(units) {
        let offset = ordinal.wrapping_sub(start) as usize;
        if let Some(sum) = sums.get_mut(offset) {
            *sum = sum.wrapping_add(units);
            if offset / 64 != word {
                if let Some(touched) = touched.get_mut(word) {
                    *touched |= bits;
                }
                (word, bits) = (offset / 64, 0);
            }
            bits |= 1 << (offset % 64);
        }
    }
    if let Some(touched) = touched.get_mut(word) {
        *touched |= bits;
    }
}
