//! The postings of one term in one segment: blocks of 128 rows with their counts.

use super::bits;
use super::format::BLOCK_ROWS;

/// What is known of a block without unpacking it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block {
    /// The last ordinal.
    pub(super) last: u32,
    pub(super) offset: u32,
    pub(super) rows: u8,
    pub(super) delta_bits: u8,
    pub(super) count_bits: u8,
    /// The largest count of the term in a row.
    pub(super) count_max: u8,
    /// The length of the shortest row.
    pub(super) length_min: u16,
}

/// The postings of a term: packed blocks, or the one row of a term that occurs nowhere else.
#[derive(Clone, Copy)]
pub(super) struct Postings<'a> {
    rows: u32,
    single: Option<Block>,
    blocks: &'a [[u8; 16]],
    data: &'a [u8],
}

/// The unpacked rows of one block.
pub(super) struct BlockRows {
    ordinals: [u32; BLOCK_ROWS],
    counts: [u32; BLOCK_ROWS],
    rows: usize,
}

impl Default for BlockRows {
    fn default() -> Self {
        Self {
            ordinals: [0; BLOCK_ROWS],
            counts: [0; BLOCK_ROWS],
            rows: 0,
        }
    }
}

impl BlockRows {
    /// The ordinals, ascending in every sound segment.
    pub(super) fn ordinals(&self) -> &[u32] {
        self.ordinals.get(..self.rows).unwrap_or_default()
    }

    /// The counts of the term, 1 to 255 in every sound segment.
    pub(super) fn counts(&self) -> &[u32] {
        self.counts.get(..self.rows).unwrap_or_default()
    }
}

impl<'a> Postings<'a> {
    pub(super) fn single(ordinal: u32, count: u8, length: u16) -> Self {
        Self {
            rows: 1,
            single: Some(Block {
                last: ordinal,
                offset: 0,
                rows: 1,
                delta_bits: 0,
                count_bits: 0,
                count_max: count,
                length_min: length,
            }),
            blocks: &[],
            data: &[],
        }
    }

    pub(super) fn packed(rows: u32, blocks: &'a [[u8; 16]], data: &'a [u8]) -> Self {
        Self {
            rows,
            single: None,
            blocks,
            data,
        }
    }

    /// Returns in how many rows the term occurs.
    pub(super) fn rows(&self) -> u32 {
        self.rows
    }

    /// Returns how many blocks there are.
    pub(super) fn blocks(&self) -> usize {
        if self.single.is_some() {
            1
        } else {
            self.blocks.len()
        }
    }

    /// Returns a block unless it is past the end.
    #[inline]
    pub(super) fn block(&self, index: usize) -> Option<Block> {
        match self.single {
            Some(block) => (index == 0).then_some(block),
            None => self.blocks.get(index).map(Block::decode),
        }
    }

    /// Returns the lowest ordinal that a block may hold.
    #[inline]
    pub(super) fn start(&self, index: usize) -> u32 {
        match self.single {
            Some(block) => block.last,
            None => index
                .checked_sub(1)
                .and_then(|before| self.blocks.get(before))
                .map_or(0, |block| Block::decode(block).last.wrapping_add(1)),
        }
    }

    /// Returns the first block from `index` on whose last ordinal is not before `ordinal`.
    #[inline]
    pub(super) fn seek(&self, index: usize, ordinal: u32) -> usize {
        if let Some(block) = self.single {
            return index.max(usize::from(block.last < ordinal));
        }
        let rest = self.blocks.get(index..).unwrap_or_default();
        index + super::segment::gallop(rest, |block| Block::decode(block).last < ordinal)
    }

    /// Unpacks a block, or returns nothing when it is not sound.
    pub(super) fn decode(&self, index: usize, out: &mut BlockRows) -> Option<()> {
        let block = self.block(index)?;
        out.rows = usize::from(block.rows);
        let ordinals = out.ordinals.get_mut(..out.rows)?;
        let counts = out.counts.get_mut(..out.rows)?;
        if self.single.is_some() {
            ordinals.fill(block.last);
            counts.fill(u32::from(block.count_max));
            return Some(());
        }
        let packed = self.data.get(block.offset as usize..)?;
        bits::unpack(packed, block.delta_bits, ordinals)?;
        let mut next = self.start(index);
        for ordinal in ordinals {
            next = next.wrapping_add(*ordinal);
            *ordinal = next;
            next = next.wrapping_add(1);
        }
        bits::unpack(
            packed.get(bits::packed_bytes(out.rows, block.delta_bits)..)?,
            block.count_bits,
            counts,
        )?;
        for count in counts {
            *count = count.wrapping_add(1);
        }
        Some(())
    }
}
