//! An opened segment: an immutable file of postings over some rows of a store.
//!
//! Invariant: no bytes whatever make any function here panic. Opening refuses
//! every file that differs from what was written;
//! beyond that, every access is checked, so that even a file that was never
//! verified can only answer wrongly, not crash.

use super::dead::DeadTerms;
use super::error::SegmentError;
use super::format::{
    self, HASH_BYTES, HASHED_BYTES, HEADER_BYTES, Header, Layout, MAGIC, SINGLE, VERSION,
};
use super::postings::{Block, BlockRows, Postings};
use super::writer::prefix;
use crate::behind::{Behind, kept};
use crate::digest::digest;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use steadfast_model::{AnalyzerId, Row, RowSet, StoreId};

/// An immutable segment of the text index, over bytes in memory or in a memory map.
#[derive(Clone)]
pub struct Segment {
    bytes: Arc<dyn AsRef<[u8]> + Send + Sync>,
    header: Header,
    layout: Layout,
}

impl fmt::Debug for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segment")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Segment {
    /// Opens the bytes of a segment and compares all of them with their hashes.
    ///
    /// # Errors
    /// [`SegmentError`] when the bytes are no segment, of another format, cut or damaged.
    pub fn open(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Result<Self, SegmentError> {
        Self::open_behind(bytes, &kept)
    }

    /// Like [`Self::open`], and tells `behind` what was read.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_behind(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
        behind: Behind<'_>,
    ) -> Result<Self, SegmentError> {
        let segment = Self::open_unverified(bytes)?;
        segment.verify_list()?;
        (0..segment.pieces()).try_for_each(|piece| {
            behind(segment.verify_piece(piece)?);
            Ok(())
        })?;
        Ok(segment)
    }

    /// Opens the bytes of a segment by its header alone.
    pub(super) fn open_unverified(
        bytes: impl AsRef<[u8]> + Send + Sync + 'static,
    ) -> Result<Self, SegmentError> {
        let all = bytes.as_ref();
        if !all.starts_with(&MAGIC) {
            return Err(SegmentError::Magic);
        }
        let length = |expected: Option<usize>| SegmentError::Length {
            found: all.len() as u64,
            expected: expected.map_or(u64::MAX, |expected| expected as u64),
        };
        let head = all
            .first_chunk::<HEADER_BYTES>()
            .ok_or_else(|| length(Some(HEADER_BYTES)))?;
        let version = head
            .get(8..)
            .and_then(<[u8]>::first_chunk::<4>)
            .copied()
            .unwrap_or_default();
        let found = u32::from_le_bytes(version);
        if found != VERSION {
            return Err(SegmentError::Version {
                found,
                expected: VERSION,
            });
        }
        let header = Header::decode(head);
        let layout = Layout::of(&header).ok_or_else(|| length(None))?;
        if layout.file_bytes != all.len() {
            return Err(length(Some(layout.file_bytes)));
        }
        Ok(Self {
            bytes: Arc::new(bytes),
            header,
            layout,
        })
    }

    /// Returns how many pieces of 1 MiB have a hash of their own.
    fn pieces(&self) -> usize {
        self.layout.body_bytes.div_ceil(HASHED_BYTES)
    }

    /// Compares one piece with its hash and returns it.
    fn verify_piece(&self, piece: usize) -> Result<&[u8], SegmentError> {
        let start = piece
            .saturating_mul(HASHED_BYTES)
            .min(self.layout.body_bytes);
        let range = start
            ..start
                .saturating_add(HASHED_BYTES)
                .min(self.layout.body_bytes);
        let stored = self
            .layout
            .body_bytes
            .saturating_add(piece.saturating_mul(HASH_BYTES));
        let bytes = (*self.bytes).as_ref();
        let hash = bytes
            .get(stored..)
            .and_then(<[u8]>::first_chunk::<HASH_BYTES>);
        let content = bytes
            .get(range.clone())
            .filter(|content| !content.is_empty());
        match (content, hash) {
            (Some(content), Some(hash)) if digest(content, 0) == *hash => Ok(content),
            _ => Err(checksum(range)),
        }
    }

    fn verify_list(&self) -> Result<(), SegmentError> {
        let bytes = (*self.bytes).as_ref();
        let range = self.layout.body_bytes..self.layout.file_bytes;
        let sound = bytes
            .get(range.clone())
            .and_then(<[u8]>::split_last_chunk::<HASH_BYTES>)
            .is_some_and(|(list, root)| format::root(list, self.layout.body_bytes) == *root);
        if sound { Ok(()) } else { Err(checksum(range)) }
    }

    /// Returns the store whose rows these are.
    pub fn store(&self) -> StoreId {
        self.header.store
    }

    /// Returns the analyser of the rows.
    pub fn analyzer(&self) -> AnalyzerId {
        self.header.analyzer
    }

    /// Returns how many rows the segment has.
    pub fn rows(&self) -> u32 {
        self.header.rows
    }

    /// Returns the first and the last row, nothing when there is none.
    pub fn range(&self) -> Option<(Row, Row)> {
        (self.header.rows > 0).then_some((self.header.first, self.header.last))
    }

    /// Returns the number of tokens of all rows, each row saturated as in [`steadfast_model::HashedTerms`].
    pub fn tokens(&self) -> u64 {
        self.header.tokens
    }

    /// Returns how many distinct terms the segment has.
    pub fn terms(&self) -> u32 {
        self.header.terms
    }

    /// Returns the size of the file in bytes.
    pub fn bytes(&self) -> usize {
        self.layout.file_bytes
    }

    /// Returns the rows in ascending order.
    pub fn row_iter(&self) -> impl Iterator<Item = Row> + '_ {
        let sections = self.sections();
        (0..self.header.rows).map(move |ordinal| sections.row(ordinal))
    }

    /// Counts, for each term, its rows that are not in `live`, and their tokens.
    ///
    /// Reads all postings: some 10 ms for 100,000 chunks.
    ///
    /// # Errors
    /// [`SegmentError::Content`] when the segment contradicts itself.
    pub fn dead_terms(&self, live: &RowSet) -> Result<DeadTerms, SegmentError> {
        let sections = self.sections();
        let dead: Vec<bool> = self.row_iter().map(|row| !live.contains(row)).collect();
        let mut counts = Vec::new();
        let mut last = None;
        let mut decoded = BlockRows::default();
        for index in 0..self.header.terms {
            let damaged = SegmentError::Content { term: index };
            let (hash, postings) = sections.term(index).ok_or(damaged.clone())?;
            let mut rows = 0_u32;
            for block in 0..postings.blocks() {
                postings
                    .decode(block, &mut decoded)
                    .ok_or(damaged.clone())?;
                for &ordinal in decoded.ordinals() {
                    rows += u32::from(*dead.get(ordinal as usize).ok_or(damaged.clone())?);
                }
            }
            if last.is_some_and(|last| last >= hash) {
                return Err(damaged);
            }
            last = Some(hash);
            if rows > 0 {
                counts.push((hash, rows));
            }
        }
        Ok(DeadTerms::from_counts(counts))
    }

    /// Returns the sections of the file.
    pub(super) fn sections(&self) -> Sections<'_> {
        let bytes = (*self.bytes).as_ref();
        let section = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
        Sections {
            first: self.header.first.0,
            count: self.header.rows,
            prefix_bits: format::prefix_bits(self.header.terms),
            rows: section(&self.layout.rows).as_chunks().0,
            lengths: section(&self.layout.lengths).as_chunks().0,
            lookup: section(&self.layout.lookup).as_chunks().0,
            hashes: section(&self.layout.hashes).as_chunks().0,
            entries: section(&self.layout.entries).as_chunks().0,
            blocks: section(&self.layout.blocks).as_chunks().0,
            data: section(&self.layout.data),
        }
    }
}

fn checksum(range: Range<usize>) -> SegmentError {
    SegmentError::Checksum {
        start: range.start as u64,
        end: range.end as u64,
    }
}

/// The sections of a segment as tables; entries are read byte-wise, so their place in memory does not matter.
#[derive(Clone, Copy)]
pub(super) struct Sections<'a> {
    first: u32,
    count: u32,
    prefix_bits: u32,
    /// Empty when the rows are contiguous.
    rows: &'a [[u8; 4]],
    lengths: &'a [[u8; 2]],
    lookup: &'a [[u8; 4]],
    hashes: &'a [[u8; 8]],
    entries: &'a [[u8; 8]],
    blocks: &'a [[u8; 16]],
    data: &'a [u8],
}

impl<'a> Sections<'a> {
    /// Returns how many rows there are.
    pub(super) fn rows(&self) -> u32 {
        self.count
    }

    /// Returns the row at `ordinal`.
    #[inline]
    pub(super) fn row(&self, ordinal: u32) -> Row {
        if self.rows.is_empty() {
            return Row(self.first.wrapping_add(ordinal));
        }
        Row(self
            .rows
            .get(ordinal as usize)
            .map_or(u32::MAX, |row| u32::from_le_bytes(*row)))
    }

    /// Returns the length of the row at `ordinal`, in tokens.
    #[inline]
    pub(super) fn length(&self, ordinal: u32) -> u16 {
        self.lengths
            .get(ordinal as usize)
            .map_or(0, |length| u16::from_le_bytes(*length))
    }

    /// Returns the ordinals of rows in ascending order that lie in the segment, with their places among `rows`.
    pub(super) fn locate(
        &self,
        rows: impl Iterator<Item = (usize, Row)>,
    ) -> impl Iterator<Item = (usize, u32)> {
        let (first, count, table) = (self.first, self.count, self.rows);
        let mut from = 0;
        rows.filter_map(move |(place, row)| {
            if table.is_empty() {
                let ordinal = row.0.checked_sub(first)?;
                return (ordinal < count).then_some((place, ordinal));
            }
            let rest = table.get(from..)?;
            from += gallop(rest, |entry| u32::from_le_bytes(*entry) < row.0);
            let found = table
                .get(from)
                .is_some_and(|entry| u32::from_le_bytes(*entry) == row.0);
            found.then_some((place, u32::try_from(from).ok()?))
        })
    }

    /// Returns the postings of a term.
    pub(super) fn find(&self, hash: u64) -> Option<Postings<'a>> {
        let bucket = prefix(hash, self.prefix_bits);
        let bound = |index: usize| {
            self.lookup
                .get(index)
                .map(|entry| u32::from_le_bytes(*entry) as usize)
        };
        let (start, end) = (bound(bucket)?, bound(bucket + 1)?);
        let hashes = self.hashes.get(start..end)?;
        let place = hashes
            .binary_search_by_key(&hash, |entry| u64::from_le_bytes(*entry))
            .ok()?;
        self.postings(start + place)
    }

    /// Returns the term at a place in the order of hashes.
    pub(super) fn term(&self, index: u32) -> Option<(u64, Postings<'a>)> {
        let hash = self.hashes.get(index as usize)?;
        Some((u64::from_le_bytes(*hash), self.postings(index as usize)?))
    }

    fn postings(&self, index: usize) -> Option<Postings<'a>> {
        let entry = u64::from_le_bytes(*self.entries.get(index)?);
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the entry packs numbers of these widths"
        )]
        let (low, high) = (entry as u32, (entry >> 32) as u32);
        if entry & SINGLE != 0 {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "the lowest 8 bits of the high half"
            )]
            let count = high as u8;
            return Some(Postings::single(low, count, self.length(low)));
        }
        let rows = high as usize;
        let start = low as usize;
        let blocks = self
            .blocks
            .get(start..start.checked_add(rows.div_ceil(format::BLOCK_ROWS))?)?;
        Some(Postings::packed(high, blocks, self.data))
    }
}

/// Returns how many leading entries satisfy `before`, by doubling steps and then halving them.
#[inline]
pub(super) fn gallop<T>(entries: &[T], mut before: impl FnMut(&T) -> bool) -> usize {
    let mut step = 1;
    let mut low = 0;
    while entries.get(low + step - 1).is_some_and(&mut before) {
        low += step;
        step *= 2;
    }
    let window = entries
        .get(low..entries.len().min(low + step))
        .unwrap_or_default();
    low + window.partition_point(before)
}

/// A block is 16 bytes; see the table in [`format`](super::format).
impl Block {
    pub(super) fn decode(bytes: &[u8; 16]) -> Self {
        let [
            l0,
            l1,
            l2,
            l3,
            o0,
            o1,
            o2,
            o3,
            rows,
            delta_bits,
            count_bits,
            count_max,
            m0,
            m1,
            _,
            _,
        ] = *bytes;
        Self {
            last: u32::from_le_bytes([l0, l1, l2, l3]),
            offset: u32::from_le_bytes([o0, o1, o2, o3]),
            rows: rows.saturating_add(1),
            delta_bits,
            count_bits,
            count_max,
            length_min: u16::from_le_bytes([m0, m1]),
        }
    }
}
