//! What the end of a zip archive says of its directory, and whether the directory agrees.
//!
//! Written after APPNOTE 6.3, sections 4.3.12 to 4.3.16. The directory is walked
//! before an index of it is made in memory, so that its length is known to be
//! bounded, and so that a count that lies hides no entry.

use std::io::{self, BufReader, Read, Seek, SeekFrom};

const END: &[u8] = b"PK\x05\x06";
const END_BYTES: usize = 22;
const COMMENT_BYTES_MAX: u64 = 65_535;
const LOCATOR: &[u8] = b"PK\x06\x07";
const LOCATOR_BYTES: usize = 20;
const END64: &[u8] = b"PK\x06\x06";
const END64_BYTES: usize = 56;
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_BYTES: usize = 46;
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_BYTES: usize = 30;

/// What the directory holds.
#[derive(Debug)]
pub(super) struct Directory {
    /// How many entries.
    pub(super) entries: usize,
    /// The names, here, of entries that have another name where they begin.
    pub(super) renamed: Vec<String>,
}

/// Looks the directory through.
///
/// # Errors
/// What is wrong: there is no end, there are more than `entries_max` entries, or the end and the directory disagree.
pub(super) fn look<R: Read + Seek>(
    reader: &mut R,
    entries_max: usize,
) -> Result<Directory, String> {
    let damaged = || "its directory is cut off or damaged".to_owned();
    let end = end(reader)
        .map_err(|error| error.to_string())?
        .ok_or_else(damaged)?;
    if end.entries > entries_max as u64 {
        return Err(format!(
            "it holds {} files, more than {entries_max}",
            end.entries
        ));
    }
    let entries = walk(reader, &end, entries_max).map_err(|_| damaged())?;
    if entries.len() as u64 != end.entries {
        return Err(damaged());
    }
    let renamed = entries
        .iter()
        .filter(|entry| !has_its_name(reader, &end, entry))
        .map(|entry| String::from_utf8_lossy(&entry.name).into_owned())
        .collect();
    Ok(Directory {
        entries: entries.len(),
        renamed,
    })
}

/// Returns whether an entry begins with the name that the directory gives it. Of one that lies beyond four gigabytes
/// this is not looked at.
fn has_its_name<R: Read + Seek>(reader: &mut R, end: &End, entry: &Entry) -> bool {
    if entry.offset == 0xffff_ffff {
        return true;
    }
    let Some(at) = end.shift.checked_add(entry.offset) else {
        return false;
    };
    let mut header = [0; LOCAL_BYTES];
    let mut name = vec![0; entry.name.len()];
    let read = reader
        .seek(SeekFrom::Start(at))
        .and_then(|_| reader.read_exact(&mut header))
        .and_then(|()| reader.read_exact(&mut name));
    read.is_ok()
        && header.starts_with(LOCAL)
        && number(&header, 26, 2) == Some(name.len() as u64)
        && name == entry.name
}

/// An entry of the directory.
struct Entry {
    name: Vec<u8>,
    offset: u64,
}

struct End {
    entries: u64,
    /// Where the directory begins.
    start: u64,
    /// Where it stops.
    stop: u64,
    /// How many bytes stand before the archive.
    shift: u64,
}

/// Finds the end record; none when there is none that makes sense.
fn end<R: Read + Seek>(reader: &mut R) -> io::Result<Option<End>> {
    let length = reader.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(END_BYTES as u64 + COMMENT_BYTES_MAX);
    reader.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    reader.take(length - from).read_to_end(&mut tail)?;
    let place = (0..=tail.len().saturating_sub(END_BYTES)).rev().find(|at| {
        let record = tail.get(*at..).unwrap_or_default();
        let comment = number(record, 20, 2);
        record.starts_with(END) && comment == Some((record.len() - END_BYTES) as u64)
    });
    let Some(place) = place else {
        return Ok(None);
    };
    let record = tail.get(place..).unwrap_or_default();
    let at = from + place as u64;
    let field = |at, bytes| number(record, at, bytes).unwrap_or(0);
    let (here, entries, bytes) = (field(8, 2), field(10, 2), field(12, 4));
    if here == 0xffff || entries == 0xffff || bytes == 0xffff_ffff || field(16, 4) == 0xffff_ffff {
        return end64(reader, at);
    }
    let is_whole = here == entries && field(4, 4) == 0;
    let start = at.checked_sub(bytes).filter(|_| is_whole);
    Ok(start.and_then(|start| {
        Some(End {
            entries,
            start,
            stop: at,
            shift: start.checked_sub(field(16, 4))?,
        })
    }))
}

/// Finds the end record of a large archive.
fn end64<R: Read + Seek>(reader: &mut R, end: u64) -> io::Result<Option<End>> {
    let Some(place) = end.checked_sub((LOCATOR_BYTES + END64_BYTES) as u64) else {
        return Ok(None);
    };
    // The record stands before its locator, without what nobody writes behind it.
    reader.seek(SeekFrom::Start(place))?;
    let mut bytes = [0; END64_BYTES + LOCATOR_BYTES];
    reader.read_exact(&mut bytes)?;
    let (record, locator) = bytes.split_at(END64_BYTES);
    let field = |at| number(record, at, 8).unwrap_or(0);
    let is_whole = record.starts_with(END64)
        && locator.starts_with(LOCATOR)
        && field(24) == field(32)
        && number(record, 16, 8) == Some(0);
    let start = place.checked_sub(field(40)).filter(|_| is_whole);
    Ok(start.and_then(|start| {
        Some(End {
            entries: field(32),
            start,
            stop: place,
            shift: start.checked_sub(field(48))?,
        })
    }))
}

/// Walks the directory; its entries must end where it ends.
fn walk<R: Read + Seek>(reader: &mut R, end: &End, entries_max: usize) -> io::Result<Vec<Entry>> {
    let mut at = reader.seek(SeekFrom::Start(end.start))?;
    let mut reader = BufReader::new(reader.take(end.stop - end.start));
    let mut entries = Vec::new();
    while at < end.stop && entries.len() <= entries_max {
        let mut header = [0; ENTRY_BYTES];
        reader.read_exact(&mut header)?;
        let field = |at, bytes| number(&header, at, bytes).unwrap_or(0);
        let (name_bytes, rest) = (field(28, 2), field(30, 2) + field(32, 2));
        let mut name = Vec::new();
        reader.by_ref().take(name_bytes).read_to_end(&mut name)?;
        let skipped = io::copy(&mut reader.by_ref().take(rest), &mut io::sink())?;
        if !header.starts_with(ENTRY) || name.len() as u64 != name_bytes || skipped != rest {
            return Err(io::ErrorKind::InvalidData.into());
        }
        at += ENTRY_BYTES as u64 + name_bytes + rest;
        entries.push(Entry {
            name,
            offset: field(42, 4),
        });
    }
    Ok(entries)
}

/// Reads a number of up to eight bytes, the lowest first.
fn number(bytes: &[u8], at: usize, count: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(count)?)?;
    Some(
        bytes
            .iter()
            .rev()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)),
    )
}
