//! The files of an export: those of a folder, or those of a zip archive.
//!
//! Invariants: an archive is never unpacked to the disk, and of its names none
//! is used as a path; what leads out of it, is a link, is encrypted, or unpacks
//! to more than the limits is refused by its name, and the rest goes on; a file
//! is handed over only when all of it was unpacked and has its checksum. In a
//! folder links are not followed. What is deliberately not here: what the files
//! mean.

mod archive;
mod directory;
mod folder;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};

use super::survey::Survey;
use crate::error::{Error, Result};
use archive::Archive;

/// The largest number of files of one export.
const FILES_MAX: usize = 200_000;
/// Files that are called by name in warnings; of others only the number is told.
const NAMED_MAX: usize = 20;
/// How much of a file is looked at to tell what it is, in bytes.
const PEEK_BYTES_MAX: u64 = 64 << 20;
/// The longest text file that is read as a whole, in bytes.
pub(super) const TEXT_BYTES_MAX: u64 = 64 << 20;
/// The longest archive within an archive, in bytes: it is held in memory.
const INNER_BYTES_MAX: u64 = 256 << 20;

/// The files of an export, by their names with `/` between folders.
#[derive(Debug)]
pub(super) struct Files {
    place: Place,
    names: BTreeMap<String, usize>,
    /// What is not handed over, and why.
    refused: Vec<Unread>,
}

#[derive(Debug)]
enum Place {
    Folder(PathBuf),
    Packed(Box<Archive<File>>),
    Inner(Box<Archive<Cursor<Vec<u8>>>>),
}

/// A file that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unread {
    pub(super) name: String,
    pub(super) reason: &'static str,
}

impl Files {
    /// Opens a folder or a zip archive; none for any other file.
    pub(super) fn open(path: &Path) -> Result<Option<Self>> {
        if path.is_dir() {
            let found = folder::list(path);
            return Ok(Some(Self {
                place: Place::Folder(path.to_owned()),
                names: found.names.into_iter().map(|name| (name, 0)).collect(),
                refused: found.refused,
            }));
        }
        if !is_zip(path) {
            return Ok(None);
        }
        let failed = |what: String| Error::PathUnreadable {
            path: path.to_owned(),
            what,
        };
        let file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let (archive, listing) = Archive::open(file).map_err(failed)?;
        Ok(Some(Self::packed(
            Place::Packed(Box::new(archive)),
            listing,
        )))
    }

    /// Returns a JSON file alone, or those that lie in a folder itself.
    pub(super) fn top(path: &Path) -> Self {
        let is_json = |path: &Path| path.extension().is_some_and(|end| end == "json");
        let (folder, names) = if path.is_dir() {
            (path.to_owned(), folder::top(path))
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let folder = path.parent().unwrap_or(Path::new("."));
            (folder.to_owned(), vec![name.into_owned()])
        };
        let names = names.into_iter().filter(|name| is_json(Path::new(name)));
        Self {
            place: Place::Folder(folder),
            names: names.map(|name| (name, 0)).collect(),
            refused: Vec::new(),
        }
    }

    /// Opens an archive that lies in this one; its limits are its own.
    pub(super) fn inner(&mut self, name: &str) -> std::result::Result<Self, Unread> {
        let bytes = self.bytes(name, INNER_BYTES_MAX)?;
        let unread = |_| Unread {
            name: name.to_owned(),
            reason: "unreadable",
        };
        let (archive, listing) = Archive::open(Cursor::new(bytes)).map_err(unread)?;
        Ok(Self::packed(Place::Inner(Box::new(archive)), listing))
    }

    fn packed(place: Place, listing: archive::Listing) -> Self {
        let mut files = Self {
            place,
            names: listing.names,
            refused: listing.refused,
        };
        files.strip();
        files
    }

    /// Takes off the folder in which an archive holds all of its files.
    fn strip(&mut self) {
        let first = self.names.keys().next();
        let Some((folder, _)) = first.and_then(|name| name.split_once('/')) else {
            return;
        };
        let folder = format!("{folder}/");
        if self.names.keys().all(|name| name.starts_with(&folder)) {
            self.names = std::mem::take(&mut self.names)
                .into_iter()
                .map(|(name, number)| {
                    let rest = name.strip_prefix(&folder).unwrap_or(&name);
                    (rest.to_owned(), number)
                })
                .collect();
        }
    }

    /// Returns the names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// Returns whether the files lie in an archive.
    pub(super) fn is_packed(&self) -> bool {
        !matches!(self.place, Place::Folder(_))
    }

    /// Hands a reader of a file over, after all of the file was found to be readable.
    pub(super) fn stream<T>(
        &mut self,
        name: &str,
        bytes_max: u64,
        each: &mut dyn FnMut(&mut dyn Read) -> T,
    ) -> std::result::Result<T, Unread> {
        let unread = |reason| Unread {
            name: name.to_owned(),
            reason,
        };
        let number = *self.names.get(name).ok_or_else(|| unread("missing"))?;
        match &mut self.place {
            Place::Folder(folder) => {
                let path = folder.join(name);
                let file = File::open(&path).map_err(|_| unread("unreadable"))?;
                let found = file.metadata().map_err(|_| unread("unreadable"))?;
                if !found.is_file() {
                    return Err(unread("unreadable"));
                }
                if found.len() > bytes_max {
                    return Err(unread("too_large"));
                }
                Ok(each(&mut std::io::BufReader::new(file).take(bytes_max)))
            }
            Place::Packed(archive) => archive.stream(number, bytes_max, each).map_err(unread),
            Place::Inner(archive) => archive.stream(number, bytes_max, each).map_err(unread),
        }
    }

    /// Hands a reader of a file over for a look at its beginning; the end of it may be damaged.
    pub(super) fn peek<T>(
        &mut self,
        name: &str,
        each: &mut dyn FnMut(&mut dyn Read) -> T,
    ) -> std::result::Result<T, Unread> {
        let number = self.names.get(name).copied().unwrap_or(usize::MAX);
        match &mut self.place {
            Place::Folder(_) => {
                let mut look = |reader: &mut dyn Read| each(&mut reader.take(PEEK_BYTES_MAX));
                self.stream(name, u64::MAX, &mut look)
            }
            Place::Packed(archive) => archive.peek(number, each).map_err(|reason| Unread {
                name: name.to_owned(),
                reason,
            }),
            // What lies in an archive within an archive was looked at already.
            Place::Inner(_) => Err(Unread {
                name: name.to_owned(),
                reason: "unreadable",
            }),
        }
    }

    /// Reads a file as a whole.
    pub(super) fn bytes(
        &mut self,
        name: &str,
        bytes_max: u64,
    ) -> std::result::Result<Vec<u8>, Unread> {
        let read = self.stream(name, bytes_max, &mut |reader| {
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map(|_| bytes)
        })?;
        read.map_err(|_| Unread {
            name: name.to_owned(),
            reason: "unreadable",
        })
    }

    /// Reads a text as a whole; bytes that are not UTF-8 are replaced, and the second value says so.
    pub(super) fn text(&mut self, name: &str) -> std::result::Result<(String, bool), Unread> {
        Ok(text_of(self.bytes(name, TEXT_BYTES_MAX)?))
    }

    /// Puts what was refused into the report, each file by its name.
    pub(super) fn report(&mut self, survey: &mut Survey) {
        let refused = std::mem::take(&mut self.refused);
        refuse(refused, survey);
    }
}

/// Returns bytes as a text without a byte order mark; those that are not UTF-8 are replaced, and the second value
/// says so.
pub(super) fn text_of(bytes: Vec<u8>) -> (String, bool) {
    let (text, is_lossy) = match String::from_utf8(bytes) {
        Ok(text) => (text, false),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), true),
    };
    match text.strip_prefix('\u{feff}') {
        Some(rest) => (rest.to_owned(), is_lossy),
        None => (text, is_lossy),
    }
}

/// Refuses files by their names.
pub(super) fn refuse(refused: Vec<Unread>, survey: &mut Survey) {
    let more = refused.len().saturating_sub(NAMED_MAX);
    for (place, unread) in refused.into_iter().enumerate() {
        survey.refuse("file", unread.reason, 1);
        if place < NAMED_MAX {
            survey.warnings.push(format!(
                "{} is refused: {}",
                unread.name,
                reason(unread.reason)
            ));
        }
    }
    if more > 0 {
        survey
            .warnings
            .push(format!("{more} more files are refused"));
    }
}

/// Says what a reason means.
fn reason(reason: &str) -> &'static str {
    match reason {
        "outside_path" => "its name leads out of the archive",
        "link" => "links are not followed",
        "encrypted" => "it is encrypted; unpack the archive with its password first",
        "bomb" => "it unpacks to far more than it is packed",
        "too_large" => "it is longer than what is read of one file, or of one archive",
        "too_many" => "there are more files than are read of one export",
        "same_name" => "the archive holds several files of one name",
        "two_names" => "the archive gives it two names, as a damaged one does",
        "missing" => "there is no such file",
        "no_export" => "it does not have the form of this export",
        _ => "it cannot be read",
    }
}

/// Returns whether a file begins as zip archives do (APPNOTE 6.3, section 4.3.7; an empty one has its end alone).
fn is_zip(path: &Path) -> bool {
    let mut head = [0_u8; 4];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == *b"PK\x03\x04" || head == *b"PK\x05\x06")
}

#[cfg(test)]
mod tests;
