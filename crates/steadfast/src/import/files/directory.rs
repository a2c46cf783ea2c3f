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

/// Counts the entries of the directory.
///
/// # Errors
/// What is wrong: there is no end, there are more than `entries_max` entries, or the end and the directory disagree.
pub(super) fn count<R: Read + Seek>(reader: &mut R, entries_max: usize) -> Result<usize, String> {
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
    let walked = walk(reader, &end, entries_max).map_err(|_| damaged())?;
    if walked as u64 == end.entries {
        Ok(walked)
    } else {
        Err(damaged())
    }
}

struct End {
    entries: u64,
    /// Where the directory begins.
    start: u64,
    /// Where it stops.
    stop: u64,
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
    Ok(at.checked_sub(bytes).filter(|_| is_whole).map(|start| End {
        entries,
        start,
        stop: at,
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
    Ok(start.map(|start| End {
        entries: field(32),
        start,
        stop: place,
    }))
}

/// Walks the directory; its entries must end where it ends.
fn walk<R: Read + Seek>(reader: &mut R, end: &End, entries_max: usize) -> io::Result<usize> {
    let mut at = reader.seek(SeekFrom::Start(end.start))?;
    let mut reader = BufReader::new(reader.take(end.stop - end.start));
    let mut count = 0;
    while at < end.stop && count <= entries_max {
        let mut header = [0; ENTRY_BYTES];
        reader.read_exact(&mut header)?;
        let rest: u64 = [28, 30, 32]
            .iter()
            .filter_map(|place| number(&header, *place, 2))
            .sum();
        let skipped = io::copy(&mut reader.by_ref().take(rest), &mut io::sink())?;
        if !header.starts_with(ENTRY) || skipped != rest {
            return Err(io::ErrorKind::InvalidData.into());
        }
        at += ENTRY_BYTES as u64 + rest;
        count += 1;
    }
    Ok(count)
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
