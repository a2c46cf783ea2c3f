//! Identities: rows, sequence numbers, chunk ids, namespaces, content hashes.

use std::fmt;
use std::str::FromStr;

/// The position of a chunk in its store: assigned once, in commit order, never used again.
///
/// Rows are dense from 1, so bitmaps and postings over them stay small. A store
/// holds at most `u32::MAX` rows over its whole life; the backend refuses more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Row(pub u32);

/// A commit sequence number: grows by one with each logical commit; 0 is the empty store.
///
/// Order in Steadfast comes from this number, never from a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(pub u64);

/// The internal key of a document inside one store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct DocumentKey(pub u32);

/// The identity of a store: 16 random bytes drawn when it is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct StoreId(pub [u8; 16]);

impl fmt::Display for StoreId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// The blake3 hash of a text: its identity, and the proof on every read that it has not rotted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl ContentHash {
    /// Returns the hash of `text`.
    pub fn of(text: &str) -> Self {
        Self(*blake3::hash(text.as_bytes()).as_bytes())
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// A namespace: the wall between unrelated memories in one store.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(String);

impl Namespace {
    /// The longest namespace in bytes.
    pub const BYTES_MAX: usize = 256;

    /// Returns the namespace called `name`.
    ///
    /// # Errors
    /// [`IdError::Namespace`] when the name is empty, longer than
    /// [`Self::BYTES_MAX`], or holds a control character.
    pub fn new(name: impl Into<String>) -> Result<Self, IdError> {
        let name = name.into();
        if name.is_empty() || name.len() > Self::BYTES_MAX || name.chars().any(char::is_control) {
            return Err(IdError::Namespace(name));
        }
        Ok(Self(name))
    }

    /// Returns the name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The public id of a chunk, such as `1k7-9f3m2q8x`.
///
/// The part before the dash is the row in base 32; the eight characters after
/// it are 40 bits of a hash over the store's identity and the row. So an id is
/// found without an index of ids, and an id of another store, or a mistyped
/// one, is refused instead of naming the wrong chunk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId {
    row: Row,
    check: u64,
}

const CHECK_BITS: u32 = 40;
const CHECK_CHARS: usize = 8;
/// Crockford's alphabet: no i, l, o, u, so ids survive being read aloud.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

impl ChunkId {
    /// Returns the id of `row` in the store `store`.
    pub fn new(store: &StoreId, row: Row) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"steadfast chunk id 1");
        hasher.update(&store.0);
        hasher.update(&row.0.to_le_bytes());
        let mut bytes = [0_u8; 8];
        hasher.finalize_xof().fill(&mut bytes);
        Self {
            row,
            check: u64::from_le_bytes(bytes) & ((1 << CHECK_BITS) - 1),
        }
    }

    /// Returns the row when this id was made by `store`.
    pub fn row_in(&self, store: &StoreId) -> Option<Row> {
        (Self::new(store, self.row) == *self).then_some(self.row)
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = |mut value: u64, least: usize| {
            let mut out = Vec::new();
            while value > 0 || out.len() < least {
                let digit = usize::try_from(value & 31).unwrap_or(0);
                out.push(char::from(ALPHABET.get(digit).copied().unwrap_or(b'0')));
                value >>= 5;
            }
            out.iter().rev().collect::<String>()
        };
        let row = digits(u64::from(self.row.0), 1);
        write!(f, "{row}-{}", digits(self.check, CHECK_CHARS))
    }
}

impl fmt::Debug for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ChunkId({self})")
    }
}

impl FromStr for ChunkId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let malformed = || IdError::ChunkId(text.chars().take(64).collect());
        let value = |part: &str, chars_max: usize| -> Option<u64> {
            if part.is_empty() || part.len() > chars_max {
                return None;
            }
            part.bytes().try_fold(0_u64, |sum, byte| {
                let digit = ALPHABET.iter().position(|&c| c == byte)?;
                Some(sum << 5 | u64::try_from(digit).ok()?)
            })
        };
        let (row, check) = text.split_once('-').ok_or_else(malformed)?;
        if check.len() != CHECK_CHARS {
            return Err(malformed());
        }
        let row = value(row, 7)
            .and_then(|row| u32::try_from(row).ok())
            .ok_or_else(malformed)?;
        let check = value(check, CHECK_CHARS).ok_or_else(malformed)?;
        Ok(Self {
            row: Row(row),
            check,
        })
    }
}

/// Why a text is not an identity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Not a chunk id.
    #[error("`{0}` is not a chunk id (ids look like 1k7-9f3m2q8x)")]
    ChunkId(String),
    /// Not a namespace.
    #[error("`{0}` is not a namespace: 1 to 256 bytes without control characters")]
    Namespace(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_survives_its_text_form_and_is_refused_by_another_store() {
        let store = StoreId([7; 16]);
        for row in [0, 1, 31, 32, 1_000_000, u32::MAX] {
            let id = ChunkId::new(&store, Row(row));
            let read: ChunkId = id.to_string().parse().unwrap();
            assert_eq!(read, id);
            assert_eq!(read.row_in(&store), Some(Row(row)));
            assert_eq!(read.row_in(&StoreId([8; 16])), None);
        }
    }

    #[test]
    fn what_is_not_an_id_is_a_typed_error() {
        for text in [
            "",
            "-",
            "1",
            "1-",
            "1-12345678901",
            "u-12345678",
            "zzzzzzz-00000000",
            "é-00000000",
        ] {
            assert!(text.parse::<ChunkId>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_namespace_is_short_and_printable() {
        assert!(Namespace::new("work/notes").is_ok());
        assert!(Namespace::new("").is_err());
        assert!(Namespace::new("a\nb").is_err());
        assert!(Namespace::new("x".repeat(257)).is_err());
    }
}
