//! A zip archive, read entry by entry within limits.
//!
//! Names and lengths are those of the central directory; none of them is
//! believed: what is unpacked is counted, and its checksum compared, before any
//! of it is handed over.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek};

use zip::ZipArchive;
use zip::read::ZipFile;

use super::{FILES_MAX, PEEK_BYTES_MAX, Unread, directory};

/// How many times its packed length an entry may have, once it is not small.
///
/// Deflate ends at 1,032 times; exports of chats have 3 to 30 times.
const RATIO_MAX: u64 = 200;
/// Up to here an entry may have any ratio, in bytes.
const SMALL_BYTES: u64 = 8 << 20;
/// What may be unpacked of one archive, in bytes.
const TOTAL_BYTES_MAX: u64 = 16 << 30;

/// An archive that is being read.
#[derive(Debug)]
pub(super) struct Archive<R: Read + Seek> {
    zip: ZipArchive<R>,
    /// How many bytes may still be unpacked.
    left: u64,
}

/// The names of an archive.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) names: BTreeMap<String, usize>,
    pub(super) refused: Vec<Unread>,
}

impl<R: Read + Seek> Archive<R> {
    /// Opens an archive and lists its files.
    pub(super) fn open(mut reader: R) -> Result<(Self, Listing), String> {
        let directory = directory::look(&mut reader, FILES_MAX)?;
        let zip = ZipArchive::new(reader).map_err(|error| error.to_string())?;
        let mut listing = list(&zip, directory.entries);
        for name in directory.renamed {
            listing.names.remove(&name);
            listing.refused.push(Unread {
                name,
                reason: "two_names",
            });
        }
        let left = TOTAL_BYTES_MAX;
        Ok((Self { zip, left }, listing))
    }

    /// Unpacks an entry once to see that it is whole and within the limits, and then hands its reader over.
    pub(super) fn stream<T>(
        &mut self,
        number: usize,
        bytes_max: u64,
        each: &mut dyn FnMut(&mut dyn Read) -> T,
    ) -> Result<T, &'static str> {
        let bytes_max = bytes_max.min(self.left);
        let mut entry = self.entry(number)?;
        let mut within = Within::new(&mut entry, bytes_max);
        let copied = io::copy(&mut within, &mut io::sink());
        if let Some(reason) = within.exceeded {
            return Err(reason);
        }
        let bytes = copied.map_err(|_| "unreadable")?;
        drop(entry);
        self.left = self.left.saturating_sub(bytes);
        let mut entry = self.entry(number)?;
        Ok(each(&mut io::BufReader::new(Within::new(
            &mut entry, bytes_max,
        ))))
    }

    /// Hands over a reader of an entry of which nothing is known yet.
    pub(super) fn peek<T>(
        &mut self,
        number: usize,
        each: &mut dyn FnMut(&mut dyn Read) -> T,
    ) -> Result<T, &'static str> {
        let mut entry = self.entry(number)?;
        let within = Within::new(&mut entry, PEEK_BYTES_MAX);
        Ok(each(&mut io::BufReader::new(within)))
    }

    fn entry(&mut self, number: usize) -> Result<ZipFile<'_, R>, &'static str> {
        self.zip.by_index(number).map_err(|_| "unreadable")
    }
}

fn list<R: Read + Seek>(zip: &ZipArchive<R>, count: usize) -> Listing {
    let mut listing = Listing::default();
    for number in 0..zip.len() {
        let Ok(entry) = zip.by_index_data(number) else {
            listing.refused.push(Unread {
                name: format!("entry {number}"),
                reason: "unreadable",
            });
            continue;
        };
        let name = entry.name().map_or_else(
            |_| String::from_utf8_lossy(entry.name_raw()).into_owned(),
            std::borrow::Cow::into_owned,
        );
        let reason = if !is_inside(&name) {
            "outside_path"
        } else if entry.is_symlink() {
            "link"
        } else if entry.is_dir() || is_of_the_system(&name) {
            continue;
        } else if entry.encrypted() {
            "encrypted"
        } else {
            listing.names.insert(name, number);
            continue;
        };
        listing.refused.push(Unread { name, reason });
    }
    // Of entries with one name only one can be reached.
    if count != zip.len() {
        listing.refused.push(Unread {
            name: format!("{} entries", count.abs_diff(zip.len())),
            reason: "same_name",
        });
    }
    listing
}

/// Returns whether a name stays below the folder that it would be unpacked into, on any system.
fn is_inside(name: &str) -> bool {
    let is_rooted = name.starts_with(['/', '\\']) || name.as_bytes().get(1) == Some(&b':');
    let climbs = name.split(['/', '\\']).any(|part| part == "..");
    !name.is_empty() && !is_rooted && !climbs && !name.contains('\0')
}

/// Files that archivers add.
fn is_of_the_system(name: &str) -> bool {
    name.starts_with("__MACOSX/")
        || name
            .rsplit('/')
            .next()
            .is_some_and(|file| file == ".DS_Store" || file == "Thumbs.db")
}

/// Reads of an entry as long as it stays within the limits.
struct Within<'e, 'a, R: Read + ?Sized> {
    entry: &'e mut ZipFile<'a, R>,
    packed: u64,
    bytes: u64,
    bytes_max: u64,
    exceeded: Option<&'static str>,
}

impl<'e, 'a, R: Read> Within<'e, 'a, R> {
    fn new(entry: &'e mut ZipFile<'a, R>, bytes_max: u64) -> Self {
        Self {
            packed: entry.compressed_size(),
            entry,
            bytes: 0,
            bytes_max,
            exceeded: None,
        }
    }
}

impl<R: Read> Read for Within<'_, '_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.entry.read(buffer)?;
        self.bytes = self.bytes.saturating_add(count as u64);
        let ratio_max = self.packed.saturating_mul(RATIO_MAX).max(SMALL_BYTES);
        self.exceeded = if self.bytes > self.bytes_max {
            Some("too_large")
        } else if self.bytes > ratio_max {
            Some("bomb")
        } else {
            return Ok(count);
        };
        Err(io::Error::other("a limit of what is unpacked"))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_that_lead_out_are_known_for_all_systems() {
        for name in [
            "/etc/passwd",
            "../a",
            "a/../../b",
            "a\\..\\b",
            "C:\\a",
            "\\\\host\\a",
            "",
            "a\0b",
        ] {
            assert!(!super::is_inside(name), "{name:?}");
        }
        for name in ["a.json", "a/b.json", "a..b/c", "..a"] {
            assert!(super::is_inside(name), "{name:?}");
        }
    }
}
