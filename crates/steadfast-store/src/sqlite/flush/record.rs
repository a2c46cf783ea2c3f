//! What processes tell each other of the log: marks in `flush.mark`, each naming the salts of the log that it means.

use std::fs::File;
use std::io;

use twox_hash::XxHash3_128;

use super::Salts;
use crate::files::{read_at, write_at};

/// Where the marks lie in the file: up to where the log is written, up to where it is flushed, and whether a flush
/// of it has failed.
pub(super) const WRITTEN_AT: u64 = 0;
pub(super) const FLUSHED_AT: u64 = 32;
pub(super) const DOUBT_AT: u64 = 64;
const MARK_BYTES: usize = 32;

/// A commit in a round of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) salts: Salts,
    pub(super) seq: u64,
}

/// Returns a mark, when there is a whole one.
pub(super) fn read(record: &File, place: u64) -> Option<Mark> {
    let mut bytes = [0; MARK_BYTES];
    if !read_at(record, &mut bytes, place).ok()? {
        return None;
    }
    let (salts, rest) = bytes.split_first_chunk::<8>()?;
    let (seq, check) = rest.split_first_chunk::<8>()?;
    let mark = Mark {
        salts: *salts,
        seq: u64::from_le_bytes(*seq),
    };
    (check == checksum(&mark)).then_some(mark)
}

pub(super) fn write(record: &File, place: u64, mark: Mark) -> io::Result<()> {
    let mut bytes = [0; MARK_BYTES];
    let fields = mark
        .salts
        .into_iter()
        .chain(mark.seq.to_le_bytes())
        .chain(checksum(&mark));
    for (byte, value) in bytes.iter_mut().zip(fields) {
        *byte = value;
    }
    write_at(record, &bytes, place)
}

/// Takes a mark away.
pub(super) fn wipe(record: &File, place: u64) -> io::Result<()> {
    write_at(record, &[0; MARK_BYTES], place)
}

fn checksum(mark: &Mark) -> [u8; 16] {
    let salts = u64::from_le_bytes(mark.salts);
    XxHash3_128::oneshot_with_seed(salts, &mark.seq.to_le_bytes()).to_le_bytes()
}
