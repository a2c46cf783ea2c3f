//! The file format of a segment, in bytes. All numbers are little-endian.
//!
//! | Section | Bytes | Content |
//! |---|---|---|
//! | header | 64 | magic, format version (u32), analyser (u32), store (16), rows, first row, last row, terms, blocks, data bytes (u32 each), tokens (u64) |
//! | rows | 4 x rows | the rows in ascending order; absent when they are contiguous |
//! | lengths | 2 x rows | tokens of each row, by ordinal |
//! | lookup | 4 x (2^p + 1) | index of the first term of each p-bit prefix, p by [`prefix_bits`] |
//! | hashes | 8 x terms | term hashes, strictly ascending |
//! | entries | 8 x terms | bit 63 set: one row, its ordinal in bits 0-31, its count in 32-39; else first block in bits 0-31, number of rows in 32-62 |
//! | blocks | 16 x blocks | last ordinal (u32), offset in data (u32), rows - 1, delta bits, count bits, largest count (u8 each), smallest length (u16), 0 (u16) |
//! | data | data bytes | per block: ordinal deltas, then counts - 1, bit-packed; at the very end 8 zero bytes |
//! | hash list | 16 per MiB | XXH3-128 of each [`HASHED_BYTES`] of all the above; the last piece may be short |
//! | root | 16 | XXH3-128 of the hash list, seeded with the length of what it covers |
//!
//! Each section starts at a multiple of 8 bytes, with zeros between. An
//! ordinal is the place of a row in its segment, from 0. A block holds 128
//! postings of one term, the last of a term maybe fewer; its first delta counts
//! from the ordinal after the last one of the block before (from 0 in the
//! first), each further one from the ordinal after its predecessor. Equal rows
//! give equal bytes, however the segment came to be.

use crate::assembly::Pieces;
use crate::digest::{DIGEST_BYTES, digest};
use std::ops::Range;
use steadfast_model::{AnalyzerId, Row, StoreId};

pub(super) const MAGIC: [u8; 8] = *b"SFTEXT\r\n";
pub(super) const VERSION: u32 = 2;
pub(super) const HEADER_BYTES: usize = 64;
pub(super) const BLOCK_BYTES: usize = 16;
/// Postings per block.
pub(super) const BLOCK_ROWS: usize = 128;
/// How much of a file one hash of the list covers.
pub(super) const HASHED_BYTES: usize = 1 << 20;
pub(super) const HASH_BYTES: usize = DIGEST_BYTES;
/// Marks the entry of a term that occurs in one row.
pub(super) const SINGLE: u64 = 1 << 63;

/// The head of a segment: what it is about and how large its sections are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) analyzer: AnalyzerId,
    pub(super) store: StoreId,
    pub(super) rows: u32,
    pub(super) first: Row,
    pub(super) last: Row,
    pub(super) terms: u32,
    pub(super) blocks: u32,
    pub(super) data_bytes: u32,
    pub(super) tokens: u64,
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut out = [0; HEADER_BYTES];
        let numbers = [
            self.rows,
            self.first.0,
            self.last.0,
            self.terms,
            self.blocks,
            self.data_bytes,
        ];
        let bytes = MAGIC
            .into_iter()
            .chain(VERSION.to_le_bytes())
            .chain(self.analyzer.0.to_le_bytes())
            .chain(self.store.0)
            .chain(numbers.into_iter().flat_map(u32::to_le_bytes))
            .chain(self.tokens.to_le_bytes());
        for (slot, byte) in out.iter_mut().zip(bytes) {
            *slot = byte;
        }
        out
    }

    /// Reads the fields after magic and version, which the caller has checked.
    pub(super) fn decode(bytes: &[u8; HEADER_BYTES]) -> Self {
        let number = |at: usize| {
            let field = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>);
            u32::from_le_bytes(field.copied().unwrap_or_default())
        };
        let store = bytes.get(16..).and_then(<[u8]>::first_chunk::<16>);
        Self {
            analyzer: AnalyzerId(number(12)),
            store: StoreId(store.copied().unwrap_or_default()),
            rows: number(32),
            first: Row(number(36)),
            last: Row(number(40)),
            terms: number(44),
            blocks: number(48),
            data_bytes: number(52),
            tokens: u64::from(number(56)) | u64::from(number(60)) << 32,
        }
    }

    /// Whether the rows have no gaps, so that no table of rows is stored.
    pub(super) fn is_contiguous(&self) -> bool {
        self.rows == 0
            || u64::from(self.last.0) + 1 == u64::from(self.first.0) + u64::from(self.rows)
    }
}

/// Returns the number of leading hash bits that the lookup table resolves: about 64 terms a prefix.
pub(super) fn prefix_bits(terms: u32) -> u32 {
    (terms / 64).checked_ilog2().map_or(0, |log| log + 1)
}

/// Where each section lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) rows: Range<usize>,
    pub(super) lengths: Range<usize>,
    pub(super) lookup: Range<usize>,
    pub(super) hashes: Range<usize>,
    pub(super) entries: Range<usize>,
    pub(super) blocks: Range<usize>,
    pub(super) data: Range<usize>,
    /// The length of all that the hash list covers.
    pub(super) body_bytes: usize,
    /// The length of the file.
    pub(super) file_bytes: usize,
}

impl Layout {
    /// Returns the layout that the header asks for, nothing when no file can be that large here.
    pub(super) fn of(header: &Header) -> Option<Self> {
        let mut at = HEADER_BYTES as u64;
        let mut section = |bytes: u64| {
            let start = at.next_multiple_of(8);
            at = start + bytes;
            Some(usize::try_from(start).ok()?..usize::try_from(at).ok()?)
        };
        let rows = u64::from(header.rows);
        let terms = u64::from(header.terms);
        let layout_rows = section(if header.is_contiguous() { 0 } else { 4 * rows })?;
        let lengths = section(2 * rows)?;
        let lookup = section(4 * ((1 << prefix_bits(header.terms)) + 1))?;
        let hashes = section(8 * terms)?;
        let entries = section(8 * terms)?;
        let blocks = section(BLOCK_BYTES as u64 * u64::from(header.blocks))?;
        let data = section(u64::from(header.data_bytes))?;
        let body_bytes = data.end;
        let trailer = (body_bytes.div_ceil(HASHED_BYTES) + 1) * HASH_BYTES;
        Some(Self {
            rows: layout_rows,
            lengths,
            lookup,
            hashes,
            entries,
            blocks,
            data,
            body_bytes,
            file_bytes: body_bytes.checked_add(trailer)?,
        })
    }
}

/// Returns the hash list and root over the body of a file.
pub(super) fn trailer(body: &Pieces, body_bytes: usize) -> Vec<u8> {
    let mut out = body.digests(HASHED_BYTES).concat();
    out.extend(root(&out, body_bytes));
    out
}

/// Returns the root over a hash list.
pub(super) fn root(list: &[u8], body_bytes: usize) -> [u8; HASH_BYTES] {
    digest(list, body_bytes as u64)
}
