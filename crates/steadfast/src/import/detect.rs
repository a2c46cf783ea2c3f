//! Finds out what a path is, by what is in it and never by its name alone.

use std::path::{Path, PathBuf};

use steadfast_store::{ForeignDatabase, StoreError};

use super::{ImportKind, Source};
use crate::error::{Error, Result};

/// What was found, opened.
pub(super) enum Detected {
    /// A memtomem database.
    Memtomem(ForeignDatabase),
}

/// Files that a folder of a known kind holds, in the order in which they are looked for.
const IN_FOLDERS: &[&str] = &["memtomem.db"];

/// Finds out what the source is, and opens a private copy of it.
pub(super) fn detect(source: &Source<'_>) -> Result<Detected> {
    for file in candidates(source.path) {
        match ForeignDatabase::open(&file, source.scratch) {
            Ok(database) => return of_database(source, database),
            // A file that is no database is not what was looked for; one that is damaged is.
            Err(StoreError::Damaged { .. }) if !is_sqlite(&file) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(unknown(source))
}

fn of_database(source: &Source<'_>, database: ForeignDatabase) -> Result<Detected> {
    let is_memtomem = database.has_column("chunks", "content_hash")
        && database.has_column("chunks", "source_file")
        && database.has_column("chunks", "content");
    if is_memtomem && wants(source, &[ImportKind::Memtomem]) {
        return Ok(Detected::Memtomem(database));
    }
    Err(unknown(source))
}

fn wants(source: &Source<'_>, kinds: &[ImportKind]) -> bool {
    source.options.kind.is_none_or(|kind| kinds.contains(&kind))
}

fn candidates(path: &Path) -> Vec<PathBuf> {
    if path.is_dir() {
        IN_FOLDERS
            .iter()
            .map(|name| path.join(name))
            .filter(|path| path.is_file())
            .collect()
    } else {
        vec![path.to_owned()]
    }
}

/// Returns whether a file begins as SQLite files do (`fileformat2.html`, section 1.3).
fn is_sqlite(path: &Path) -> bool {
    use std::io::Read as _;
    let mut head = [0_u8; 16];
    std::fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut head))
        .is_ok_and(|()| head == *b"SQLite format 3\0")
}

fn unknown(source: &Source<'_>) -> Error {
    Error::UnknownFormat {
        path: source.path.to_owned(),
        wanted: source.options.kind.map(ImportKind::as_str),
    }
}
