//! Zip archives, as far as documents need them: one entry after the other, by name.
//!
//! Written after the ZIP specification (APPNOTE 6.3): the end record, the
//! central directory, local headers; stored and deflated entries. Of an entry
//! no more is listed than where it stands, because an archive can name hundreds
//! of thousands of them, and a book can ask for each; a zip64 archive is larger
//! than any file that is read here.

use std::collections::HashMap;
use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

use super::{Failure, UNPACKED_BYTES_MAX};

const END: [u8; 4] = *b"PK\x05\x06";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const LOCAL: [u8; 4] = *b"PK\x03\x04";
const END_BYTES: usize = 22;
const ENTRY_BYTES: usize = 46;
const LOCAL_BYTES: usize = 30;
const COMMENT_BYTES_MAX: usize = 65_535;
/// The flag of an entry that needs a password.
const LOCKED: u16 = 1;

/// An archive that is being read.
pub(super) struct Archive<'a> {
    bytes: &'a [u8],
    /// Where in the central directory the first entry of each name stands.
    places: HashMap<&'a [u8], usize>,
    /// How many bytes may still be unpacked.
    left: usize,
}

struct Entry<'a> {
    name: &'a [u8],
    flags: u16,
    method: u16,
    crc: u32,
    packed: usize,
    unpacked: usize,
    local: usize,
}

impl<'a> Archive<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, Failure> {
        let last = bytes.len().saturating_sub(END_BYTES);
        let first = last.saturating_sub(COMMENT_BYTES_MAX);
        let end = (first..=last)
            .rev()
            .find(|&at| bytes.get(at..at + END.len()) == Some(&END[..]))
            .ok_or_else(|| Failure::malformed("it is not a zip archive"))?;
        let directory = number(bytes, end + 16).ok_or_else(cut)?;
        let mut places = HashMap::new();
        for (at, entry) in entries(bytes, directory) {
            places.entry(entry.name).or_insert(at);
        }
        Ok(Self {
            bytes,
            places,
            left: UNPACKED_BYTES_MAX,
        })
    }

    /// Returns the content of an entry; none when there is no such entry.
    pub(super) fn read(&mut self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let place = self.places.get(name.as_bytes());
        let Some((entry, _)) = place.and_then(|at| entry(self.bytes, *at)) else {
            return Ok(None);
        };
        if entry.flags & LOCKED != 0 {
            return Err(Failure::malformed("it is locked with a password"));
        }
        if entry.unpacked > self.left {
            return Err(Failure::TooLarge);
        }
        let packed = self.packed(&entry).ok_or_else(cut)?;
        // The directory may lie about the length, so one more byte is asked for.
        let bytes_max = u64::try_from(self.left + 1).unwrap_or(u64::MAX);
        let mut content = Vec::with_capacity(entry.unpacked);
        let result = match entry.method {
            0 => packed.take(bytes_max).read_to_end(&mut content),
            8 => DeflateDecoder::new(packed)
                .take(bytes_max)
                .read_to_end(&mut content),
            method => {
                return Err(Failure::malformed(format!(
                    "`{name}` is packed by method {method}, which is not known"
                )));
            }
        };
        if content.len() > self.left {
            return Err(Failure::TooLarge);
        }
        let mut crc = Crc::new();
        crc.update(&content);
        if result.is_err() || crc.sum() != entry.crc {
            return Err(Failure::malformed(format!("`{name}` is damaged")));
        }
        self.left -= content.len();
        Ok(Some(content))
    }

    /// Returns the content of an entry as text.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        let content = self.read(name)?;
        Ok(content.map(|content| match String::from_utf8(content) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        }))
    }

    fn packed(&self, entry: &Entry<'_>) -> Option<&'a [u8]> {
        let at = entry.local;
        if self.bytes.get(at..at.checked_add(LOCAL.len())?)? != LOCAL {
            return None;
        }
        let name_bytes = usize::from(short(self.bytes, at.checked_add(26)?)?);
        let extra_bytes = usize::from(short(self.bytes, at.checked_add(28)?)?);
        let start = at.checked_add(LOCAL_BYTES + name_bytes + extra_bytes)?;
        self.bytes.get(start..start.checked_add(entry.packed)?)
    }
}

/// Yields the entries of the central directory, each with its place.
fn entries(bytes: &[u8], directory: usize) -> impl Iterator<Item = (usize, Entry<'_>)> {
    let mut next = directory;
    std::iter::from_fn(move || {
        let at = next;
        let (entry, behind) = entry(bytes, at)?;
        next = behind;
        Some((at, entry))
    })
}

/// Returns the entry of the central directory at a place, and where the next one begins.
fn entry(bytes: &[u8], at: usize) -> Option<(Entry<'_>, usize)> {
    if bytes.get(at..at.checked_add(ENTRY.len())?)? != ENTRY {
        return None;
    }
    let name_start = at.checked_add(ENTRY_BYTES)?;
    let name_end = name_start.checked_add(usize::from(short(bytes, at + 28)?))?;
    let extra_bytes = usize::from(short(bytes, at + 30)?);
    let comment_bytes = usize::from(short(bytes, at + 32)?);
    let entry = Entry {
        name: bytes.get(name_start..name_end)?,
        flags: short(bytes, at + 8)?,
        method: short(bytes, at + 10)?,
        crc: u32::try_from(number(bytes, at + 16)?).ok()?,
        packed: number(bytes, at + 20)?,
        unpacked: number(bytes, at + 24)?,
        local: number(bytes, at + 42)?,
    };
    Some((entry, name_end.checked_add(extra_bytes + comment_bytes)?))
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let bytes = bytes.get(at..at.checked_add(2)?)?;
    bytes.try_into().ok().map(u16::from_le_bytes)
}

fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    let number = bytes.try_into().ok().map(u32::from_le_bytes)?;
    usize::try_from(number).ok()
}

fn cut() -> Failure {
    Failure::malformed("it is cut off or damaged")
}
