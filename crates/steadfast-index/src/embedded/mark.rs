//! How far the check in passing has come, and what it found: a small text file with its own hash.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use steadfast_model::{Row, StoreId, Timestamp};
use steadfast_store::StoreError;
use steadfast_store::files::Disk;

use crate::digest::digest;

/// The first line; another format has another number.
const HEAD: &str = "steadfast scrub 1";
/// A mark is never longer: a thousand findings are some 30 KiB.
const BYTES_MAX: u64 = 256 << 10;

/// What a check in passing can find.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Code {
    TextDamaged,
    VectorDamaged,
    VectorIndexDiffers,
    TextIndexMisses,
    TextIndexExtra,
}

impl Code {
    pub(super) const ALL: [Self; 5] = [
        Self::TextDamaged,
        Self::VectorDamaged,
        Self::VectorIndexDiffers,
        Self::TextIndexMisses,
        Self::TextIndexExtra,
    ];

    /// Returns the code of the finding.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::TextDamaged => "text_damaged",
            Self::VectorDamaged => "vector_damaged",
            Self::VectorIndexDiffers => "vector_index_differs",
            Self::TextIndexMisses => "text_index_misses",
            Self::TextIndexExtra => "text_index_extra",
        }
    }

    /// Returns what it is, to stand behind a number.
    pub(super) fn what(self) -> &'static str {
        match self {
            Self::TextDamaged => "texts that do not have the hash they were written with",
            Self::VectorDamaged => "vectors that do not have the hash they were written with",
            Self::VectorIndexDiffers => {
                "vectors that differ between the store and the vector index"
            }
            Self::TextIndexMisses => {
                "rows of the store that are neither in the text index nor in its tail"
            }
            Self::TextIndexExtra => "rows of the text index that are not live in the store",
        }
    }

    pub(super) fn remedy(self) -> &'static str {
        match self {
            Self::TextDamaged | Self::VectorDamaged => {
                "run `steadfast doctor`; what is damaged is never returned"
            }
            Self::VectorIndexDiffers => "run `steadfast rebuild --index vector`",
            Self::TextIndexMisses | Self::TextIndexExtra => "run `steadfast rebuild --index text`",
        }
    }
}

/// How far the check has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// How many times every row was compared.
    pub(super) pass: u64,
    /// The last row that was compared in this pass.
    pub(super) row: Row,
    /// When the last slice was.
    pub(super) time: Timestamp,
    /// What was found, and not come by again since.
    pub(super) found: Vec<(Code, Row)>,
}

impl Default for Mark {
    fn default() -> Self {
        Self {
            pass: 0,
            row: Row(0),
            time: Timestamp(0),
            found: Vec::new(),
        }
    }
}

impl Mark {
    /// Reads the mark of a store; none that can be read is that of a store that was never checked.
    pub(super) fn read(disk: &dyn Disk, path: &Path, store: StoreId) -> Self {
        let mut text = String::new();
        let read = disk
            .open(path)
            .and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text));
        read.ok()
            .and_then(|_| Self::decode(&text, store))
            .unwrap_or_default()
    }

    /// Writes the mark, whole or not at all.
    pub(super) fn write(
        &self,
        disk: &dyn Disk,
        path: &Path,
        store: StoreId,
    ) -> Result<(), StoreError> {
        disk.replace_file(path, &[self.encode(store).as_bytes()])
    }

    fn encode(&self, store: StoreId) -> String {
        let mut text = format!(
            "{HEAD}\nstore {store}\npass {}\nrow {}\ntime {}\n",
            self.pass, self.row.0, self.time.0
        );
        for (code, row) in &self.found {
            // Writing to a string does not fail.
            writeln!(text, "{} {}", code.name(), row.0).unwrap_or_default();
        }
        let hash = hash(&text);
        text + "hash " + &hash + "\n"
    }

    fn decode(text: &str, store: StoreId) -> Option<Self> {
        let (body, hash) = text.rsplit_once("hash ")?;
        if self::hash(body) != hash.trim_end() {
            return None;
        }
        let mut lines = body.lines();
        let is_ours = lines.next()? == HEAD && lines.next()? == format!("store {store}");
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.trim().parse::<i64>().ok();
        let (pass, row, time) = (field("pass")?, field("row")?, field("time")?);
        let found = lines.filter_map(|line| {
            let (name, row) = line.split_once(' ')?;
            let code = Code::ALL.into_iter().find(|code| code.name() == name)?;
            Some((code, Row(row.parse().ok()?)))
        });
        is_ours.then(|| Self {
            pass: u64::try_from(pass).unwrap_or(0),
            row: Row(u32::try_from(row).unwrap_or(0)),
            time: Timestamp(time),
            found: found.collect(),
        })
    }
}

fn hash(text: &str) -> String {
    format!("{:032x}", u128::from_le_bytes(digest(text.as_bytes(), 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_written_or_not_at_all() {
        let store = StoreId([7; 16]);
        let mark = Mark {
            pass: 3,
            row: Row(4711),
            time: Timestamp(-5),
            found: Code::ALL.map(|code| (code, Row(9))).to_vec(),
        };
        let text = mark.encode(store);
        assert_eq!(Mark::decode(&text, store), Some(mark));
        assert_eq!(
            Mark::decode(&text, StoreId([8; 16])),
            None,
            "of another store"
        );
        for place in 0..text.len() - 1 {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            let flipped = String::from_utf8_lossy(&bytes).into_owned();
            assert!(
                Mark::decode(&flipped, store).is_none_or(|it| it.row == Row(4711)),
                "{place}"
            );
            assert_eq!(Mark::decode(&text[..place], store), None, "cut at {place}");
        }
    }
}
