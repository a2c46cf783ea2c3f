//! The manifest: what a generation of an index consists of.
//!
//! Little-endian: magic, format version, store id, stamp, generation,
//! watermark row and commit, number of parts; then for each part its file
//! number, length, seal, number of rows, dead rows and dead terms; then the
//! damaged rows; then the hash of all before it.

use steadfast_model::{HashedTerms, Row, RowSet, Seq, StoreId};

use super::bytes::{Malformed, Reader, put_block};
use crate::assembly::Pieces;
use crate::digest::{DIGEST_BYTES, digest};
use crate::text::DeadTerms;

const MAGIC: [u8; 8] = *b"stdfmani";
const VERSION: u32 = 3;

/// A generation of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    /// The store whose rows these are.
    pub(crate) store: StoreId,
    /// The analyser or the model: an index under another one is not comparable.
    pub(crate) stamp: [u8; 16],
    /// Grows with each publication.
    pub(crate) generation: u64,
    /// The last row it has seen.
    pub(crate) row: Row,
    /// The last commit it has seen.
    pub(crate) seq: Seq,
    /// Its segments, in order of their rows.
    pub(crate) parts: Vec<Part>,
    /// Rows that could not be read when the index came by. They are in none of its answers, and whoever answers from it
    /// must say so.
    pub(crate) damaged: RowSet,
}

/// A segment of a generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// The number in its file name.
    pub(crate) file: u64,
    /// The length of the file.
    pub(crate) bytes: u64,
    /// The last bytes of the file, which are a hash over all the rest.
    pub(crate) seal: [u8; DIGEST_BYTES],
    /// Rows in it, dead or not.
    pub(crate) rows: u64,
    /// Rows in it that have died since it was built.
    pub(crate) dead: RowSet,
    /// The terms of those, which no longer count.
    pub(crate) dead_terms: DeadTerms,
}

impl Part {
    /// Returns the part of a segment that was just built, all of it alive.
    pub(crate) fn fresh(file: u64, content: &Pieces, rows: u64) -> Self {
        Self {
            file,
            bytes: content.bytes(),
            seal: content.seal(),
            rows,
            dead: RowSet::new(),
            dead_terms: DeadTerms::default(),
        }
    }

    /// Counts rows of this part as dead, with the terms that they take with them.
    pub(crate) fn bury(&mut self, dead: &[(Row, &HashedTerms)]) {
        let new: Vec<&HashedTerms> = dead
            .iter()
            .filter(|(row, _)| self.dead.insert(*row))
            .map(|(_, terms)| *terms)
            .collect();
        if !new.is_empty() {
            self.dead_terms = self.dead_terms.merge(&DeadTerms::of(new));
        }
    }
}

/// Returns the seal of a segment file.
pub(crate) fn seal(content: &[u8]) -> [u8; DIGEST_BYTES] {
    content.last_chunk().copied().unwrap_or_default()
}

impl Manifest {
    /// Returns the manifest of a store that has published nothing.
    pub(crate) fn empty(store: StoreId, stamp: [u8; 16]) -> Self {
        Self {
            store,
            stamp,
            generation: 0,
            row: Row(0),
            seq: Seq(0),
            parts: Vec::new(),
            damaged: RowSet::new(),
        }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.store.0);
        out.extend_from_slice(&self.stamp);
        out.extend_from_slice(&self.generation.to_le_bytes());
        out.extend_from_slice(&self.row.0.to_le_bytes());
        out.extend_from_slice(&self.seq.0.to_le_bytes());
        out.extend_from_slice(&(self.parts.len() as u64).to_le_bytes());
        for part in &self.parts {
            out.extend_from_slice(&part.file.to_le_bytes());
            out.extend_from_slice(&part.bytes.to_le_bytes());
            out.extend_from_slice(&part.seal);
            out.extend_from_slice(&part.rows.to_le_bytes());
            put_rows(&mut out, &part.dead);
            put_block(&mut out, &part.dead_terms.encode());
        }
        put_rows(&mut out, &self.damaged);
        let hash = digest(&out, 0);
        out.extend_from_slice(&hash);
        out
    }

    /// Returns whether these are the bytes of a manifest of another format version.
    pub(crate) fn is_of_another_version(bytes: &[u8]) -> bool {
        let mut from = Reader(bytes);
        from.array().is_ok_and(|magic: [u8; 8]| magic == MAGIC)
            && from.u32().is_ok_and(|version| version != VERSION)
    }

    /// Reads a manifest; anything but one that was written whole is refused.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, hash) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
        if digest(body, 0) != *hash {
            return None;
        }
        Self::read(&mut Reader(body)).ok()
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, Malformed> {
        if from.array()? != MAGIC || from.u32()? != VERSION {
            return Err(Malformed);
        }
        let mut manifest = Self {
            store: StoreId(from.array()?),
            stamp: from.array()?,
            generation: from.u64()?,
            row: Row(from.u32()?),
            seq: Seq(from.u64()?),
            parts: Vec::new(),
            damaged: RowSet::new(),
        };
        for _ in 0..from.u64()? {
            let (file, bytes, seal, rows) = (from.u64()?, from.u64()?, from.array()?, from.u64()?);
            let dead = rows_of(from.block()?);
            let dead_terms = DeadTerms::decode(from.block()?).map_err(|_| Malformed)?;
            manifest.parts.push(Part {
                file,
                bytes,
                seal,
                rows,
                dead,
                dead_terms,
            });
        }
        manifest.damaged = rows_of(from.block()?);
        if from.0.is_empty() {
            Ok(manifest)
        } else {
            Err(Malformed)
        }
    }
}

fn put_rows(out: &mut Vec<u8>, rows: &RowSet) {
    let rows: Vec<u8> = rows.iter().flat_map(|row| row.0.to_le_bytes()).collect();
    put_block(out, &rows);
}

fn rows_of(block: &[u8]) -> RowSet {
    let rows = block.as_chunks::<4>().0.iter();
    rows.map(|row| Row(u32::from_le_bytes(*row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Manifest {
        let mut part = Part::fresh(7, &Pieces::new([vec![9; 100]]), 50);
        part.bury(&[
            (Row(3), &HashedTerms::from_tokens(vec![5, 5, 8])),
            (Row(4), &HashedTerms::default()),
        ]);
        Manifest {
            row: Row(60),
            seq: Seq(11),
            generation: 2,
            damaged: [Row(9)].into_iter().collect(),
            parts: vec![part, Part::fresh(8, &Pieces::new([vec![1; 40]]), 10)],
            ..Manifest::empty(StoreId([1; 16]), [2; 16])
        }
    }

    #[test]
    fn a_manifest_survives_its_stored_form() {
        assert_eq!(Manifest::decode(&sample().encode()), Some(sample()));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_refused() {
        let bytes = sample().encode();
        for place in 0..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (place % 8);
            assert_eq!(Manifest::decode(&flipped), None, "byte {place}");
            assert_eq!(Manifest::decode(&bytes[..place]), None, "cut at {place}");
        }
    }
}
