//! The name of a file as a source: its absolute path with symbolic links resolved.
//!
//! A path that is UTF-8 is its own name. In a path that is not, each name
//! (the part between two separators) that is not UTF-8 shows its stray bytes
//! as `%XX` and a literal `%` as `%25`; its other names stay as they are. So
//! no two names that are not UTF-8 read the same. Such a name can read like
//! another that is UTF-8 and holds a literal `%XX`; a walk that meets one
//! leaves it out with [`SkipReason::Name`](super::SkipReason::Name) rather
//! than take two files for one.

use std::fs;
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

/// Returns the source of `path`: absolute, symbolic links resolved.
///
/// What no longer exists can still be named: the part of the path that exists
/// is resolved, the rest is taken as it is. A relative path starts at the
/// current folder of the process.
///
/// # Errors
/// What the system says when a part of the path exists but cannot be looked
/// at, and [`io::ErrorKind::NotFound`] when `..` follows a part that does not exist.
pub fn source_of(path: &Path) -> io::Result<String> {
    let absolute = std::path::absolute(path)?;
    let mut existing = absolute.as_path();
    let mut rest = Vec::new();
    loop {
        let error = match fs::canonicalize(existing) {
            Ok(mut resolved) => {
                resolved.extend(rest.iter().rev());
                return Ok(source_name(&resolved));
            }
            Err(error) => error,
        };
        let gone = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        match (existing.parent(), existing.file_name()) {
            (Some(parent), Some(name)) if gone => {
                rest.push(PathBuf::from(name));
                existing = parent;
            }
            _ => return Err(error),
        }
    }
}

/// Returns the name under which a path that is already resolved is known.
///
/// On Windows the prefix `\\?\` of long paths is left out.
pub fn source_name(resolved: &Path) -> String {
    match resolved.to_str() {
        Some(name) => without_verbatim_prefix(name).into_owned(),
        None => without_verbatim_prefix(&escaped(resolved)).into_owned(),
    }
}

fn escaped(path: &Path) -> String {
    let bytes = path.as_os_str().as_encoded_bytes();
    let mut out = String::with_capacity(bytes.len() + 16);
    let names = bytes.split(|&byte| char::from(byte) == MAIN_SEPARATOR);
    for (index, name) in names.enumerate() {
        if index > 0 {
            out.push(MAIN_SEPARATOR);
        }
        match std::str::from_utf8(name) {
            Ok(name) => out.push_str(name),
            Err(_) => push_escaped(&mut out, name),
        }
    }
    out
}

fn push_escaped(out: &mut String, name: &[u8]) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    let digit = |value: u8| DIGITS.get(usize::from(value)).copied().unwrap_or('0');
    for part in name.utf8_chunks() {
        for c in part.valid().chars() {
            match c {
                '%' => out.push_str("%25"),
                c => out.push(c),
            }
        }
        for &byte in part.invalid() {
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(not(windows))]
fn without_verbatim_prefix(name: &str) -> std::borrow::Cow<'_, str> {
    name.into()
}

#[cfg(windows)]
fn without_verbatim_prefix(name: &str) -> std::borrow::Cow<'_, str> {
    match name.strip_prefix(r"\\?\UNC\") {
        Some(share) => format!(r"\\{share}").into(),
        None => name.strip_prefix(r"\\?\").unwrap_or(name).into(),
    }
}
