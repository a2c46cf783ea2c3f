//! Finds out what a path is, by what is in it and never by its name alone.

use std::path::{Path, PathBuf};

use steadfast_store::{ForeignDatabase, StoreError};

use super::{ImportKind, Source, bundle, chroma, memtomem, openhuman, sessions};
use crate::error::{Error, Result};

/// What was found, opened.
pub(super) enum Detected {
    /// A memtomem database.
    Memtomem(ForeignDatabase),
    /// A Chroma database, as a palace or as it is.
    Chroma(ImportKind, ForeignDatabase),
    /// A memory tree of OpenHuman.
    OpenHuman(ForeignDatabase),
    /// Logs of sessions.
    Logs(ImportKind, Vec<PathBuf>),
    /// An exported list of chats.
    Chats(ImportKind, PathBuf),
    /// A plain transcript.
    Transcript(PathBuf),
    /// A bundle or a list of chunks.
    Bundle(PathBuf),
    /// A folder of pages that were exported.
    Vault(PathBuf),
    /// A bundle of memtomem.
    MemtomemBundle(PathBuf),
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
        if is_sqlite(&file) {
            let database = ForeignDatabase::open(&file, source.scratch)?;
            return of_database(source, database);
        }
        // Not even a private copy is made of what is no database; but one whose beginning is gone is damaged.
        if is_called_database(&file) {
            return Err(Error::Store(StoreError::Damaged {
                path: file,
                what: "it does not begin as an SQLite file".to_owned(),
            }));
        }
    }
    of_text(source).ok_or_else(|| unknown(source))
}

/// Finds logs, exports and transcripts, by what the first of them holds.
fn of_text(source: &Source<'_>) -> Option<Detected> {
    if wants(source, ImportKind::Bundle) && bundle::is_bundle(source.path) {
        return Some(Detected::Bundle(source.path.to_owned()));
    }
    if wants(source, ImportKind::Bundle) && bundle::vault::is_vault(source.path) {
        return Some(Detected::Vault(source.path.to_owned()));
    }
    if wants(source, ImportKind::Memtomem) && memtomem::bundle::is_bundle(source.path) {
        return Some(Detected::MemtomemBundle(source.path.to_owned()));
    }
    let export = if source.path.is_dir() {
        source.path.join("conversations.json")
    } else {
        source.path.to_owned()
    };
    if let Some(kind) = sessions::kind_of_chats(&export).filter(|kind| wants(source, *kind)) {
        return Some(Detected::Chats(kind, export));
    }
    let logs = sessions::logs(source.path);
    let mut kinds = logs.iter().filter_map(|log| sessions::kind_of_log(log));
    if let Some(kind) = kinds.find(|kind| wants(source, *kind)) {
        return Some(Detected::Logs(kind, logs));
    }
    let is_called_one = source.options.kind == Some(ImportKind::Transcript);
    let reads_as_one = || {
        wants(source, ImportKind::Transcript)
            && sessions::read_whole(source.path).is_ok_and(|text| sessions::is_transcript(&text))
    };
    if source.path.is_file() && (is_called_one || reads_as_one()) {
        return Some(Detected::Transcript(source.path.to_owned()));
    }
    None
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

fn is_called_database(path: &Path) -> bool {
    path.extension()
        .is_some_and(|end| end == "db" || end == "sqlite" || end == "sqlite3")
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
