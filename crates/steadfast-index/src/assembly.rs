//! The bytes of a file of an index, in the pieces that they were made in: no piece is copied in order to be written.

use crate::digest::{DIGEST_BYTES, Digester};

/// How much a merge reads before it lets go of it.
pub(crate) const STEP_BYTES: usize = 16 << 20;

/// A file that is to be written: its pieces follow each other without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pieces(Vec<Vec<u8>>);

impl Pieces {
    pub(crate) fn new(pieces: impl Into<Vec<Vec<u8>>>) -> Self {
        Self(pieces.into())
    }

    /// Adds what comes behind.
    pub(crate) fn push(&mut self, piece: Vec<u8>) {
        self.0.push(piece);
    }

    /// Returns the length of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.iter().map(|piece| piece.len() as u64).sum()
    }

    /// Returns the pieces in their order.
    pub(crate) fn slices(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }

    /// Returns the last bytes of the file, which both kinds of segments end with a hash in.
    pub(crate) fn seal(&self) -> [u8; DIGEST_BYTES] {
        let last = self.0.last().and_then(|piece| piece.last_chunk());
        last.copied().unwrap_or_default()
    }

    /// Returns the hash of every `step` bytes, and of the rest.
    pub(crate) fn digests(&self, step: usize) -> Vec<[u8; DIGEST_BYTES]> {
        let mut digests = Vec::new();
        let (mut digester, mut room) = (Digester::new(), step);
        for mut rest in self.0.iter().map(Vec::as_slice) {
            while !rest.is_empty() {
                let (now, later) = rest.split_at(room.min(rest.len()));
                digester.take(now);
                room -= now.len();
                rest = later;
                if room == 0 {
                    digests.push(std::mem::replace(&mut digester, Digester::new()).digest());
                    room = step;
                }
            }
        }
        if room < step {
            digests.push(digester.digest());
        }
        digests
    }

    /// Returns the file as one, for a segment that stays in memory.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0.concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::digest;

    #[test]
    fn a_file_in_pieces_has_the_hashes_of_the_file_as_one() {
        let whole: Vec<u8> = (0..100).collect();
        for cuts in [[0, 0], [0, 100], [3, 3], [30, 60], [29, 99]] {
            let [first, second] = cuts;
            let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
            let pieces = Pieces::new(pieces.map(<[u8]>::to_vec));
            assert_eq!(pieces.bytes(), 100);
            for step in [1, 7, 30, 50, 100, 1_000] {
                let expected: Vec<_> = whole.chunks(step).map(|part| digest(part, 0)).collect();
                assert_eq!(pieces.digests(step), expected, "{cuts:?}, {step}");
            }
            assert_eq!(pieces.into_bytes(), whole);
        }
        assert!(Pieces::new([Vec::new()]).digests(4).is_empty());
    }
}
