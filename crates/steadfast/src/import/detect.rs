//! Finds out what a path is, by what is in it and never by its name alone.

use std::path::{Path, PathBuf};

use steadfast_store::{ForeignDatabase, StoreError};

use super::{ImportKind, Source, chroma, openhuman};
use crate::error::{Error, Result};

/// What was found, opened.
pub(super) enum Detected {
    /// A memtomem database.
    Memtomem(ForeignDatabase),
    /// A Chroma database, as a palace or as it is.
    Chroma(ImportKind, ForeignDatabase),
    /// A memory tree of OpenHuman.
    OpenHuman(ForeignDatabase),
}

/// Files that a folder of a known kind holds, in the order in which they are looked for.
const IN_FOLDERS: &[&str] = &[
    "chroma.sqlite3",
    "palace/chroma.sqlite3",
    "memtomem.db",
    "chunks.db",
    "memory_tree/chunks.db",
];

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
    if is_memtomem && wants(source, ImportKind::Memtomem) {
        return Ok(Detected::Memtomem(database));
    }
    if chroma::is_chroma(&database) {
        let known = match source.options.kind {
            Some(kind @ (ImportKind::MemPalace | ImportKind::Chroma)) => Some(kind),
            Some(_) => None,
            None if chroma::is_palace(&database)? => Some(ImportKind::MemPalace),
            None => Some(ImportKind::Chroma),
        };
        return known
            .map(|kind| Detected::Chroma(kind, database))
            .ok_or_else(|| unknown(source));
    }
    if openhuman::is_memory_tree(&database) && wants(source, ImportKind::OpenHuman) {
        return Ok(Detected::OpenHuman(database));
    }
    Err(unknown(source))
}

fn wants(source: &Source<'_>, wanted: ImportKind) -> bool {
    source.options.kind.is_none_or(|kind| kind == wanted)
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
