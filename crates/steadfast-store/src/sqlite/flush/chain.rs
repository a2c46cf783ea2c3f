//! How far a log can be read: each frame carries a checksum over all before it, so what can be read is a chain.
//!
//! The layout: <https://sqlite.org/fileformat2.html#walformat>.

use std::fs::File;
use std::io;

use rusqlite::Connection;

use super::Salts;
use crate::files::read_at;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// With this bit the words that are summed up have their highest byte first.
const MAGIC: u32 = 0x377f_0682;

/// The part of a log that reads back as it was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    pub(super) frames: u32,
    pub(super) bytes: u64,
}

/// Reads a log from its beginning to the last frame that follows from those before it. Without a header that is one,
/// nothing in it counts for anybody.
///
/// # Errors
/// What the system says.
pub(super) fn read(log: &File) -> io::Result<Chain> {
    let mut header = [0; HEADER_BYTES];
    if !read_at(log, &mut header, 0)? {
        return Ok(Chain::default());
    }
    let magic = word(&header, 0);
    let page = word(&header, 8);
    let is_page = page.is_power_of_two() && (512..=65_536).contains(&page);
    if magic & !1 != MAGIC || !is_page {
        return Ok(Chain::default());
    }
    let sums = Sums {
        high_first: magic & 1 == 1,
        values: (0, 0),
    };
    let (summed, sum) = header.split_at(HEADER_BYTES - 8);
    let mut sums = sums.after(summed);
    if sums.values != (word(sum, 0), word(sum, 4)) {
        return Ok(Chain::default());
    }
    let salts = salts_at(&header, 16);
    let page = usize::try_from(page).unwrap_or(0);
    let mut frame = vec![0; FRAME_HEADER_BYTES + page];
    let mut chain = Chain {
        frames: 0,
        bytes: HEADER_BYTES as u64,
    };
    while read_at(log, &mut frame, chain.bytes)? {
        let (head, content) = frame.split_at(FRAME_HEADER_BYTES);
        let (number, _) = head.split_at(8);
        let next = sums.after(number).after(content);
        let fits = word(head, 0) != 0
            && salts_at(head, 8) == salts
            && next.values == (word(head, 16), word(head, 20));
        if !fits {
            break;
        }
        sums = next;
        chain.frames += 1;
        chain.bytes += frame.len() as u64;
    }
    Ok(chain)
}

/// Returns how many frames of the log count for those who have the database open, as their shared memory says.
///
/// # Errors
/// What SQLite says.
pub(super) fn known(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| {
        // Without a log it is -1.
        Ok(u32::try_from(row.get::<_, i64>(1)?).unwrap_or(0))
    })
}

#[derive(Clone, Copy)]
struct Sums {
    high_first: bool,
    values: (u32, u32),
}

impl Sums {
    fn after(self, bytes: &[u8]) -> Self {
        let (mut one, mut two) = self.values;
        let (pairs, _) = bytes.as_chunks::<8>();
        for pair in pairs {
            let word = |place| {
                let word = word(pair, place);
                if self.high_first {
                    word
                } else {
                    word.swap_bytes()
                }
            };
            one = one.wrapping_add(word(0)).wrapping_add(two);
            two = two.wrapping_add(word(4)).wrapping_add(one);
        }
        Self {
            values: (one, two),
            ..self
        }
    }
}

/// Returns the word at a place, highest byte first; the callers' places lie inside.
fn word(bytes: &[u8], place: usize) -> u32 {
    let four = bytes.get(place..).and_then(|rest| rest.first_chunk());
    four.map_or(0, |four| u32::from_be_bytes(*four))
}

fn salts_at(bytes: &[u8], place: usize) -> Salts {
    let salts = bytes.get(place..).and_then(|rest| rest.first_chunk());
    salts.copied().unwrap_or_default()
}

/// Returns the header of a log with these salts, as SQLite writes it.
#[cfg(test)]
pub(super) fn header(salts: Salts) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..4].copy_from_slice(&(MAGIC | 1).to_be_bytes());
    header[4..8].copy_from_slice(&3_007_000_u32.to_be_bytes());
    header[8..12].copy_from_slice(&4_096_u32.to_be_bytes());
    header[16..24].copy_from_slice(&salts);
    let sums = Sums {
        high_first: true,
        values: (0, 0),
    };
    let (one, two) = sums.after(&header[..24]).values;
    header[24..28].copy_from_slice(&one.to_be_bytes());
    header[28..].copy_from_slice(&two.to_be_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{open_private, write_at};

    #[test]
    fn a_log_of_sqlite_reads_back_up_to_what_was_lost() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.db");
        let connection = Connection::open(&database).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode=WAL; CREATE TABLE t (a)")
            .unwrap();
        for _ in 0..5 {
            connection
                .execute("INSERT INTO t VALUES (randomblob(9000))", [])
                .unwrap();
        }
        let log = open_private(&folder.path().join("a.db-wal")).unwrap();
        let whole = read(&log).unwrap();
        assert_eq!(whole.frames, known(&connection).unwrap());
        assert_eq!(whole.bytes, log.metadata().unwrap().len());
        let lost = whole.frames - 3;
        write_at(&log, &[0; 512], 32 + u64::from(lost) * 4_120 + 100).unwrap();
        assert_eq!(read(&log).unwrap().frames, lost);
        write_at(&log, &[0; 8], 16).unwrap();
        assert_eq!(read(&log).unwrap(), Chain::default());
    }

    #[test]
    fn a_log_of_a_header_has_no_frame() {
        let folder = tempfile::tempdir().unwrap();
        let log = open_private(&folder.path().join("log")).unwrap();
        assert_eq!(read(&log).unwrap(), Chain::default());
        write_at(&log, &header([7; 8]), 0).unwrap();
        assert_eq!(read(&log).unwrap().frames, 0);
    }
}
