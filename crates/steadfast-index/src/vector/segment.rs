//! The segment file: rows, scales, errors and codes in row order.
//!
//! All numbers are little-endian:
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 8 | magic `SFVECSEG` |
//! | 8 | 4 | format version |
//! | 12 | 4 | dimensions d |
//! | 16 | 16 | store id |
//! | 32 | 16 | hash of the model |
//! | 48 | 4 | count n of vectors |
//! | 52 | 4 | first row (0 when n = 0) |
//! | 56 | 4 | last row (0 when n = 0) |
//! | 60 | 4 | zero |
//! | 64 | 4 n | rows, strictly ascending |
//! | | 4 n | scales, f32: the vector is about scale * codes |
//! | | 4 n | errors, f32: at least the length of vector - scale * codes |
//! | | < 64 | zeros up to a multiple of 64 |
//! | | n d | codes, i8 |
//! | | 16 | XXH3-128 of everything before |
//!
//! Invariants: opening never panics, whatever the bytes; a segment opened by
//! [`Segment::open`] is bit for bit what was built.

use super::DIMENSIONS_MAX;
use super::error::OpenError;
use crate::behind::{Behind, kept};
use crate::digest::{DIGEST_BYTES, Digester};
use std::fmt;
use steadfast_model::{Row, RowSet, StoreId};

pub(super) const MAGIC: [u8; 8] = *b"SFVECSEG";
pub(super) const FORMAT_VERSION: u32 = 2;
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const CODES_ALIGN_BYTES: usize = 64;
pub(super) const CHECKSUM_BYTES: usize = DIGEST_BYTES;
/// How much is proven before it is told to have been read.
const PROVEN_BYTES: usize = 1 << 20;

/// What the vectors of a segment belong to. Vectors of two spaces are never compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Space {
    /// The store whose rows they are.
    pub store: StoreId,
    /// The hash of the model that made them.
    pub model_hash: [u8; 16],
    /// How many numbers each has.
    pub dimensions: usize,
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "store {} model ", self.store)?;
        self.model_hash
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))?;
        write!(f, " of {} dimensions", self.dimensions)
    }
}

/// Where each part of a segment of known size begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) scales: usize,
    pub(super) errors: usize,
    pub(super) codes: usize,
    pub(super) checksum: usize,
    pub(super) bytes: usize,
}

impl Layout {
    /// Returns the layout, or nothing when it does not fit into memory.
    pub(super) fn of(count: usize, dimensions: usize) -> Option<Self> {
        let column = count.checked_mul(4)?;
        let scales = HEADER_BYTES.checked_add(column)?;
        let errors = scales.checked_add(column)?;
        let codes = errors
            .checked_add(column)?
            .checked_next_multiple_of(CODES_ALIGN_BYTES)?;
        let checksum = codes.checked_add(count.checked_mul(dimensions)?)?;
        let bytes = checksum.checked_add(CHECKSUM_BYTES)?;
        Some(Self {
            scales,
            errors,
            codes,
            checksum,
            bytes,
        })
    }
}

/// An immutable set of quantised vectors over bytes that are mapped or in memory.
#[derive(Clone, Debug)]
pub struct Segment<B> {
    bytes: B,
    space: Space,
    count: usize,
    layout: Layout,
}

impl<B: AsRef<[u8]>> Segment<B> {
    /// Opens a segment after proving that its bytes are those that were written.
    ///
    /// # Errors
    /// [`OpenError`] for anything else: foreign, newer, cut, extended or changed bytes.
    pub fn open(bytes: B) -> Result<Self, OpenError> {
        Self::open_behind(bytes, &kept)
    }

    /// Like [`Self::open`], and tells `behind` what was read.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn open_behind(bytes: B, behind: Behind<'_>) -> Result<Self, OpenError> {
        let segment = Self::open_unverified(bytes)?;
        segment.verify(behind)?;
        Ok(segment)
    }

    /// Opens a segment whose checksum the caller has verified before.
    ///
    /// The header, the lengths and the order of the rows are still checked, so
    /// that no bytes can cause a panic; changed codes would give wrong bounds.
    ///
    /// # Errors
    /// [`OpenError`] as for [`Segment::open`], without [`OpenError::Checksum`].
    pub fn open_unverified(bytes: B) -> Result<Self, OpenError> {
        let (space, count, layout) = parse(bytes.as_ref())?;
        let segment = Self {
            bytes,
            space,
            count,
            layout,
        };
        segment.view().check_rows(segment.bytes.as_ref())?;
        Ok(segment)
    }

    fn verify(&self, behind: Behind<'_>) -> Result<(), OpenError> {
        let (body, checksum) = self
            .bytes
            .as_ref()
            .split_at_checked(self.layout.checksum)
            .ok_or(OpenError::Checksum)?;
        let mut digester = Digester::new();
        for piece in body.chunks(PROVEN_BYTES) {
            digester.take(piece);
            behind(piece);
        }
        if digester.digest().as_slice() == checksum {
            Ok(())
        } else {
            Err(OpenError::Checksum)
        }
    }

    /// Returns what the vectors belong to.
    pub fn space(&self) -> Space {
        self.space
    }

    /// Returns the segment without its owner, which is what scans take.
    pub fn view(&self) -> SegmentView<'_> {
        let bytes = self.bytes.as_ref();
        let part = |from: usize, to: usize| bytes.get(from..to).unwrap_or_default();
        let layout = self.layout;
        let column = |from: usize| part(from, from + 4 * self.count).as_chunks().0;
        SegmentView {
            space: self.space,
            rows: column(HEADER_BYTES),
            scales: column(layout.scales),
            errors: column(layout.errors),
            codes: part(layout.codes, layout.checksum),
        }
    }
}

fn parse(bytes: &[u8]) -> Result<(Space, usize, Layout), OpenError> {
    let length = |expected: usize| OpenError::Length {
        expected: expected as u64,
        found: bytes.len() as u64,
    };
    let header = bytes
        .first_chunk::<HEADER_BYTES>()
        .ok_or_else(|| length(HEADER_BYTES + CHECKSUM_BYTES))?;
    if !header.starts_with(&MAGIC) {
        return Err(OpenError::Magic);
    }
    let number = |at: usize| u32::from_le_bytes(field(header, at));
    if number(8) != FORMAT_VERSION {
        return Err(OpenError::Version {
            found: number(8),
            known: FORMAT_VERSION,
        });
    }
    let inconsistent = |what| OpenError::Inconsistent { what };
    let dimensions = number(12) as usize;
    if dimensions == 0 || dimensions > DIMENSIONS_MAX {
        return Err(inconsistent("the number of dimensions is out of range"));
    }
    if number(60) != 0 {
        return Err(inconsistent("a reserved field is in use"));
    }
    let count = number(48) as usize;
    let layout =
        Layout::of(count, dimensions).ok_or(inconsistent("the count does not fit into memory"))?;
    if layout.bytes != bytes.len() {
        return Err(length(layout.bytes));
    }
    let space = Space {
        store: StoreId(field(header, 16)),
        model_hash: field(header, 32),
        dimensions,
    };
    Ok((space, count, layout))
}

fn field<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    header
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// A segment borrowed from its owner.
#[derive(Clone, Copy, Debug)]
pub struct SegmentView<'a> {
    pub(super) space: Space,
    pub(super) rows: &'a [[u8; 4]],
    pub(super) scales: &'a [[u8; 4]],
    pub(super) errors: &'a [[u8; 4]],
    pub(super) codes: &'a [u8],
}

/// One quantised vector of a segment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry<'a> {
    pub(super) row: Row,
    pub(super) scale: f32,
    pub(super) error: f32,
    pub(super) codes: &'a [u8],
}

impl<'a> SegmentView<'a> {
    /// Returns what the vectors belong to.
    pub fn space(&self) -> Space {
        self.space
    }

    /// Returns how many vectors the segment holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether the segment holds no vectors.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Returns the first and the last row, or nothing for an empty segment.
    pub fn span(&self) -> Option<(Row, Row)> {
        Some((self.row_at(0)?, self.row_at(self.len().checked_sub(1)?)?))
    }

    /// Returns the rows that have a vector here, in ascending order.
    pub fn rows(&self) -> impl Iterator<Item = Row> + use<'a> {
        self.rows.iter().map(|row| Row(u32::from_le_bytes(*row)))
    }

    /// Returns how many rows of `scope` have a vector here.
    pub fn count_in(&self, scope: &RowSet) -> usize {
        self.rows().filter(|&row| scope.contains(row)).count()
    }

    /// Returns whether the segment stores exactly what a build from `values` would store for `row`.
    ///
    /// For a zero vector, or one that cannot be indexed, that is nothing. This
    /// is how a check of the whole index compares it with the store.
    pub fn agrees(&self, row: Row, values: &[f32]) -> bool {
        let position = self.position_from(0, row);
        let entry = self.entry_at(position).filter(|entry| entry.row == row);
        let mut codes = Vec::new();
        let fresh = (values.len() == self.space.dimensions)
            .then(|| {
                steadfast_model::codes::quantise(values, &mut codes)
                    .ok()
                    .flatten()
            })
            .flatten();
        match (entry, fresh) {
            (None, None) => true,
            (Some(entry), Some((scale, error))) => {
                entry.scale.to_bits() == scale.to_bits()
                    && entry.error.to_bits() == error.to_bits()
                    && entry.codes == codes
            }
            _ => false,
        }
    }

    /// Returns the scale and the codes of a row, when it has a vector here.
    pub fn codes_of(&self, row: Row) -> Option<(f32, &'a [u8])> {
        let entry = self.entry_at(self.position_from(0, row))?;
        (entry.row == row).then_some((entry.scale, entry.codes))
    }

    /// Returns the codes of the positions from `from` to `to`.
    pub(super) fn codes_between(&self, from: usize, to: usize) -> &'a [u8] {
        let place = |position: usize| position.saturating_mul(self.space.dimensions);
        self.codes.get(place(from)..place(to)).unwrap_or_default()
    }

    pub(super) fn row_at(&self, position: usize) -> Option<Row> {
        self.rows
            .get(position)
            .map(|row| Row(u32::from_le_bytes(*row)))
    }

    pub(super) fn entry_at(&self, position: usize) -> Option<Entry<'a>> {
        let from = position.checked_mul(self.space.dimensions)?;
        Some(Entry {
            row: self.row_at(position)?,
            scale: f32::from_le_bytes(*self.scales.get(position)?),
            error: f32::from_le_bytes(*self.errors.get(position)?),
            codes: self
                .codes
                .get(from..from.checked_add(self.space.dimensions)?)?,
        })
    }

    /// Returns the first position from `cursor` on whose row is not below `row`.
    ///
    /// Rows ascend, so `row` lies at most `row - row_at(cursor)` positions
    /// further: where no rows are missing the first guess is the answer.
    pub(super) fn position_from(&self, cursor: usize, row: Row) -> usize {
        let Some(here) = self.row_at(cursor) else {
            return self.len();
        };
        let Some(ahead) = row.0.checked_sub(here.0) else {
            return cursor;
        };
        let guess = cursor.saturating_add(ahead as usize);
        if self.row_at(guess) == Some(row) {
            return guess;
        }
        let end = guess.min(self.len());
        let between = self.rows.get(cursor..end).unwrap_or_default();
        cursor + between.partition_point(|found| u32::from_le_bytes(*found) < row.0)
    }

    fn check_rows(&self, bytes: &[u8]) -> Result<(), OpenError> {
        let inconsistent = |what| Err(OpenError::Inconsistent { what });
        if !self.rows().is_sorted_by(|a, b| a < b) {
            return inconsistent("the rows do not ascend");
        }
        let span = self.span().unwrap_or_default();
        let number = |at: usize| bytes.get(at..).and_then(|rest| rest.first_chunk()).copied();
        if number(52) != Some(span.0.0.to_le_bytes()) || number(56) != Some(span.1.0.to_le_bytes())
        {
            return inconsistent("the header names other rows than the segment holds");
        }
        Ok(())
    }
}
