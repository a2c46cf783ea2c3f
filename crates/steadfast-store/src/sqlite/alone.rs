//! A log or a journal without its database: commits that only stay while nobody lets SQLite see them.
//!
//! SQLite takes a database without a page for a new one, and the log or the journal beside it for the leftover of an
//! older file, which it removes when it first reads. So the file is looked at before each connection is opened, and
//! nothing is opened or created where a side file holds something and the database does not.

use std::fs::File;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use crate::error::StoreError;
use crate::files::{Disk, read_at};

/// No database is shorter than its smallest page.
const PAGE_BYTES_MIN: u64 = 512;
/// The page that stands for those that are gone, so that SQLite reads the log.
const PAGE_BYTES: u64 = 4096;
/// Frames follow the header of a log (<https://sqlite.org/fileformat2.html#walformat>).
const LOG_HEADER_BYTES: u64 = 32;
/// What a journal that is in use begins with (<https://sqlite.org/fileformat2.html#rollbackjournal>).
const JOURNAL_MAGIC: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/// Returns what is wrong when the database is gone or empty while a side file of it holds something.
pub(super) fn find(database: &Path) -> Option<String> {
    let (state, remedy) = match std::fs::metadata(database) {
        Ok(found) if found.len() >= PAGE_BYTES_MIN => return None,
        Ok(_) => (
            "empty",
            "run `steadfast doctor --repair`, which takes what is in it",
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            ("gone", "put the database file back beside it")
        }
        Err(_) => return None,
    };
    let log = std::fs::metadata(beside(database, "-wal"));
    let what = if log.is_ok_and(|found| found.len() > LOG_HEADER_BYTES) {
        "log"
    } else if tells_of_pages(&beside(database, "-journal")) {
        "journal"
    } else {
        return None;
    };
    Some(format!(
        "the database file is {state} and its {what} is not; commits may be in that, so nothing was opened: {remedy}"
    ))
}

/// Fails as SQLite does on a damaged file when [`find`] finds something.
pub(super) fn check(database: &Path) -> rusqlite::Result<()> {
    let Some(what) = find(database) else {
        return Ok(());
    };
    let code = ffi::Error::new(ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(code, Some(what)))
}

/// Gives a database that is gone or empty one page of zeros when a side file holds something, so that SQLite reads
/// that instead of removing it. For whoever has a copy of what was there, and alone has the file open.
///
/// # Errors
/// [`StoreError`] when the system refuses.
pub(super) fn pad(disk: &dyn Disk, database: &Path) -> Result<(), StoreError> {
    if find(database).is_none() {
        return Ok(());
    }
    disk.open_private(database)
        .and_then(|file| {
            file.set_len(PAGE_BYTES)?;
            disk.sync(database, &file)
        })
        .map_err(|error| StoreError::from_io(database, &error))
}

/// Returns whether a journal is that of a database which had pages before: one of a new file has none to bring back.
fn tells_of_pages(journal: &Path) -> bool {
    let mut header = [0; 20];
    let read = File::open(journal).and_then(|file| read_at(&file, &mut header, 0));
    let pages = header.last_chunk::<4>().copied().map(u32::from_be_bytes);
    read.is_ok_and(|is_whole| is_whole) && header.starts_with(&JOURNAL_MAGIC) && pages != Some(0)
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}
