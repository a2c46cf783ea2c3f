//! Writes a segment, term by term: building and merging both end here, so that equal rows give equal bytes.

use super::bits;
use super::error::BuildError;
use super::format::{self, BLOCK_BYTES, BLOCK_ROWS, Header, Layout, SINGLE};
use crate::assembly::Pieces;
use steadfast_model::{AnalyzerId, Row, StoreId};

/// What the hash of a term takes.
const HASH_BYTES: usize = size_of::<u64>();

/// Postings of one term: ordinals in ascending order with their counts.
#[derive(Default)]
pub(super) struct TermRows {
    pub(super) ordinals: Vec<u32>,
    pub(super) counts: Vec<u8>,
}

/// A segment in the making: its rows are known, its terms come in ascending order of hash.
pub(super) struct Writer {
    store: StoreId,
    analyzer: AnalyzerId,
    rows: Vec<Row>,
    lengths: Vec<u16>,
    /// Of each term, as they lie in the file.
    hashes: Vec<u8>,
    entries: Vec<u8>,
    blocks: Vec<u8>,
    data: Vec<u8>,
}

impl Writer {
    /// Starts a segment over rows in ascending order; `lengths` are by ordinal.
    pub(super) fn new(
        store: StoreId,
        analyzer: AnalyzerId,
        rows: Vec<Row>,
        lengths: Vec<u16>,
    ) -> Self {
        Self {
            store,
            analyzer,
            rows,
            lengths,
            hashes: Vec::new(),
            entries: Vec::new(),
            blocks: Vec::new(),
            data: Vec::new(),
        }
    }

    /// Adds the next term; a term without rows is left out.
    pub(super) fn term(
        &mut self,
        hash: u64,
        ordinals: &[u32],
        counts: &[u8],
    ) -> Result<(), BuildError> {
        let entry = match (ordinals, counts) {
            ([], _) | (_, []) => return Ok(()),
            ([ordinal], [count]) => SINGLE | u64::from(*count) << 32 | u64::from(*ordinal),
            _ => {
                let first = narrow(self.blocks.len() / BLOCK_BYTES, "blocks")?;
                let mut next = 0;
                for (ordinals, counts) in ordinals.chunks(BLOCK_ROWS).zip(counts.chunks(BLOCK_ROWS))
                {
                    self.block(&mut next, ordinals, counts)?;
                }
                u64::from(narrow(ordinals.len(), "rows of a term")?) << 32 | u64::from(first)
            }
        };
        self.hashes.extend(hash.to_le_bytes());
        self.entries.extend(entry.to_le_bytes());
        Ok(())
    }

    /// Adds one block; `next` is the lowest ordinal that may come.
    fn block(&mut self, next: &mut u32, ordinals: &[u32], counts: &[u8]) -> Result<(), BuildError> {
        let mut deltas = [0_u32; BLOCK_ROWS];
        let mut length_min = u16::MAX;
        for (delta, &ordinal) in deltas.iter_mut().zip(ordinals) {
            *delta = ordinal - *next;
            *next = ordinal + 1;
            length_min = length_min.min(self.lengths.get(ordinal as usize).copied().unwrap_or(0));
        }
        let count_max = counts.iter().copied().max().unwrap_or(1);
        let delta_bits = bits::width(
            deltas
                .iter()
                .take(ordinals.len())
                .copied()
                .max()
                .unwrap_or(0),
        );
        let count_bits = bits::width(u32::from(count_max) - 1);
        let offset = narrow(self.data.len(), "bytes of postings")?;
        bits::pack(
            deltas.iter().take(ordinals.len()).copied(),
            delta_bits,
            &mut self.data,
        );
        bits::pack(
            counts.iter().map(|&count| u32::from(count) - 1),
            count_bits,
            &mut self.data,
        );
        self.blocks.extend((*next - 1).to_le_bytes());
        self.blocks.extend(offset.to_le_bytes());
        let rows_less_one = u8::try_from(ordinals.len() - 1).unwrap_or(u8::MAX);
        self.blocks
            .extend([rows_less_one, delta_bits, count_bits, count_max]);
        self.blocks.extend(length_min.to_le_bytes());
        self.blocks.extend([0, 0]);
        Ok(())
    }

    /// Returns the file.
    pub(super) fn finish(mut self) -> Result<Pieces, BuildError> {
        self.data.extend([0; bits::PADDING_BYTES]);
        let header = Header {
            analyzer: self.analyzer,
            store: self.store,
            rows: narrow(self.rows.len(), "rows")?,
            first: self.rows.first().copied().unwrap_or_default(),
            last: self.rows.last().copied().unwrap_or_default(),
            terms: narrow(self.hashes.len() / HASH_BYTES, "terms")?,
            blocks: narrow(self.blocks.len() / BLOCK_BYTES, "blocks")?,
            data_bytes: narrow(self.data.len(), "bytes of postings")?,
            tokens: self.lengths.iter().map(|&length| u64::from(length)).sum(),
        };
        let too_large = BuildError::TooLarge {
            what: "bytes",
            most: usize::MAX as u64,
        };
        let layout = Layout::of(&header).ok_or(too_large)?;
        let mut head = Vec::with_capacity(layout.hashes.start);
        head.extend(header.encode());
        if !header.is_contiguous() {
            head.extend(self.rows.iter().flat_map(|row| row.0.to_le_bytes()));
        }
        head.resize(layout.lengths.start, 0);
        head.extend(self.lengths.iter().flat_map(|length| length.to_le_bytes()));
        head.resize(layout.lookup.start, 0);
        let lookup = lookup(&self.hashes, header.terms);
        head.extend(lookup.into_iter().flat_map(u32::to_le_bytes));
        head.resize(layout.hashes.start, 0);
        // What follows has entries of a multiple of eight bytes, so there are no gaps.
        let mut file = Pieces::new([head, self.hashes, self.entries, self.blocks, self.data]);
        let trailer = format::trailer(&file, layout.body_bytes);
        file.push(trailer);
        Ok(file)
    }
}

/// Returns the index of the first hash of each prefix, and at the end the number of hashes.
fn lookup(hashes: &[u8], terms: u32) -> Vec<u32> {
    let bits = format::prefix_bits(terms);
    let mut starts = vec![0_u32; (1 << bits) + 1];
    for hash in hashes.as_chunks().0 {
        let hash = u64::from_le_bytes(*hash);
        if let Some(slot) = starts.get_mut(prefix(hash, bits) + 1) {
            *slot += 1;
        }
    }
    let mut sum = 0;
    for slot in &mut starts {
        sum += *slot;
        *slot = sum;
    }
    starts
}

/// Returns the leading `bits` of a hash.
#[expect(clippy::cast_possible_truncation, reason = "at most 26 bits are left")]
pub(super) fn prefix(hash: u64, bits: u32) -> usize {
    hash.checked_shr(64 - bits).unwrap_or(0) as usize
}

fn narrow(count: usize, what: &'static str) -> Result<u32, BuildError> {
    // One bit less than u32: the entry of a term keeps its highest bit as a mark.
    const MOST: u32 = u32::MAX >> 1;
    u32::try_from(count)
        .ok()
        .filter(|&count| count <= MOST)
        .ok_or(BuildError::TooLarge {
            what,
            most: u64::from(MOST),
        })
}
