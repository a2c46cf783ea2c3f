//! Logs of one JSON object a line, read one line at a time.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use serde_json::Value;

use super::super::json;
use super::super::survey::Survey;
use super::mark::End;
use crate::error::{Error, Result};

/// The longest line that is read, in bytes.
const LINE_BYTES_MAX: u64 = 64 << 20;

/// Returns the objects of the first lines; none of a file that cannot be read.
pub(super) fn head(path: &Path, lines: usize) -> Vec<Value> {
    let mut found = Vec::new();
    let Ok(file) = File::open(path) else {
        return found;
    };
    let mut reader = BufReader::new(file);
    let mut bytes = Vec::new();
    for _ in 0..lines {
        bytes.clear();
        let read = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes);
        if !matches!(read, Ok(count) if count > 0) {
            break;
        }
        found.extend(json::parse(&bytes).ok().map(|parsed| parsed.value));
    }
    found
}

/// Hands over the object of each line behind `begin` (its offset, and the lines before it) with its number, from 1.
///
/// A last line without its end is being written, and is left out unless it is whole; other lines that are no JSON are
/// refused. Returns where the last whole line ends, and the log.
pub(super) fn each(
    path: &Path,
    begin: (u64, usize),
    survey: &mut Survey,
    mut each: impl FnMut(usize, Value),
) -> Result<(End, File)> {
    let failed = |error: std::io::Error| Error::PathUnreadable {
        path: path.to_owned(),
        what: error.to_string(),
    };
    let (mut offset, before) = begin;
    let mut end = End {
        offset,
        lines: before,
        ..End::default()
    };
    let mut file = File::open(path).map_err(failed)?;
    file.seek(SeekFrom::Start(offset)).map_err(failed)?;
    let mut reader = BufReader::new(&file);
    let mut bytes = Vec::new();
    let mut flaws = json::Flaws::default();
    for number in before + 1.. {
        bytes.clear();
        let read = reader
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut bytes)
            .map_err(failed)?;
        if read == 0 {
            break;
        }
        offset += read as u64;
        let is_ended = bytes.ends_with(b"\n");
        if is_ended {
            (end.offset, end.lines) = (offset, number);
        }
        match json::parse(&bytes) {
            Ok(parsed) => {
                flaws += parsed.flaws;
                end.is_open = !is_ended;
                each(number, parsed.value);
            }
            Err(_) if bytes.trim_ascii().is_empty() => {}
            Err(_) if !is_ended && (read as u64) < LINE_BYTES_MAX => {
                survey.left_out.add("line", "unfinished", 1);
            }
            Err(_) => survey.refuse("line", "unreadable", 1),
        }
    }
    json::tell(flaws, &path.display().to_string(), survey);
    Ok((end, file))
}
