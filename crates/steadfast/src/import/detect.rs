//! Finds out what a path is, by what is in it and never by its name alone.
//!
//! Each kind has one test of its own, and no input passes two of them: what a
//! forced kind does not find is refused, not read as something else.

use std::path::{Path, PathBuf};

use steadfast_store::{ForeignDatabase, StoreError};

use super::files::Files;
use super::{
    ImportKind, Source, bundle, chroma, memtomem, notes, openhuman, rivals, sessions, slack,
};
use crate::error::{Error, Result};

/// What was found, opened.
pub(super) enum Detected {
    /// A database of one file.
    Database(ImportKind, ForeignDatabase),
    /// What mem0 keeps in several databases.
    Mem0(rivals::mem0::Stores),
    /// Logs of sessions.
    Logs(ImportKind, Vec<PathBuf>),
    /// Exported lists of chats, and the names of their files.
    Chats(ImportKind, Files, Vec<String>),
    /// Another export of many files.
    Export(ImportKind, Files),
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
    "claude-mem.db",
    "sqlite_vec.db",
    "memory.db",
    "state.vscdb",
    "globalStorage/state.vscdb",
    "User/globalStorage/state.vscdb",
];

/// Tells whether a database is of a kind.
type Test = fn(&ForeignDatabase) -> bool;

/// The tests of databases, but that of Chroma, which is two kinds.
const DATABASES: &[(ImportKind, Test)] = &[
    (ImportKind::Memtomem, memtomem::is_memtomem),
    (ImportKind::OpenHuman, openhuman::is_memory_tree),
    (ImportKind::Cursor, sessions::is_cursor),
    (
        ImportKind::BasicMemory,
        rivals::basic_memory::is_basic_memory,
    ),
    (ImportKind::ClaudeMem, rivals::claude_mem::is_claude_mem),
    (
        ImportKind::McpMemoryService,
        rivals::mcp_memory_service::is_mcp_memory_service,
    ),
];

/// Finds out what the source is, and opens a private copy of it.
pub(super) fn detect(source: &Source<'_>) -> Result<Detected> {
    for file in candidates(source.path) {
        if is_sqlite(&file) {
            let database = ForeignDatabase::open(&file, source.scratch)?;
            if let Some(found) = of_database(source, database)? {
                return Ok(found);
            }
        } else if is_called_database(&file) {
            // Not even a private copy is made of what is no database; but one whose beginning is gone is damaged.
            return Err(Error::Store(StoreError::Damaged {
                path: file,
                what: "it does not begin as an SQLite file".to_owned(),
            }));
        }
    }
    if wants(source, ImportKind::Mem0)
        && let Some(stores) = rivals::mem0::Stores::below(source)?
    {
        return Ok(Detected::Mem0(stores));
    }
    if let Some(found) = of_bundle(source).or_else(|| of_chats(source)) {
        return Ok(found);
    }
    if let Some(found) = of_export(source)? {
        return Ok(found);
    }
    of_text(source).ok_or_else(|| unknown(source))
}

/// Finds what `export` wrote, and bundles of memtomem.
fn of_bundle(source: &Source<'_>) -> Option<Detected> {
    if wants(source, ImportKind::Bundle) && bundle::is_bundle(source.path) {
        return Some(Detected::Bundle(source.path.to_owned()));
    }
    if wants(source, ImportKind::Bundle) && bundle::vault::is_vault(source.path) {
        return Some(Detected::Vault(source.path.to_owned()));
    }
    if wants(source, ImportKind::Memtomem) && memtomem::bundle::is_bundle(source.path) {
        return Some(Detected::MemtomemBundle(source.path.to_owned()));
    }
    None
}

/// Finds lists of chats: a file, or those that lie in a folder.
fn of_chats(source: &Source<'_>) -> Option<Detected> {
    let mut files = Files::top(source.path);
    let names = if source.path.is_dir() {
        sessions::chat_files(&files)
    } else {
        files.names().map(str::to_owned).collect()
    };
    let kind = chats(source, &mut files, &names)?;
    Some(Detected::Chats(kind, files, names))
}

/// Tells whose chats they are, by the first that can be read.
fn chats(source: &Source<'_>, files: &mut Files, names: &[String]) -> Option<ImportKind> {
    names
        .iter()
        .find_map(|name| {
            files
                .peek(name, &mut |reader| sessions::kind_of_chats(reader))
                .ok()
                .flatten()
        })
        .filter(|kind| wants(source, *kind))
}

/// Finds exports of many files, in a folder or an archive.
fn of_export(source: &Source<'_>) -> Result<Option<Detected>> {
    let Some(mut files) = Files::open(source.path)? else {
        return Ok(None);
    };
    if files.is_packed() {
        let names = sessions::chat_files(&files);
        if let Some(kind) = chats(source, &mut files, &names) {
            return Ok(Some(Detected::Chats(kind, files, names)));
        }
    }
    let kind = if notes::is_vault(source.path, &files) {
        ImportKind::Obsidian
    } else if slack::is_export(&files) {
        ImportKind::Slack
    } else if notes::is_notion(&files) {
        ImportKind::Notion
    } else {
        return Ok(None);
    };
    Ok(wants(source, kind).then_some(Detected::Export(kind, files)))
}

/// Finds logs and transcripts, by what the first of them holds.
fn of_text(source: &Source<'_>) -> Option<Detected> {
    let logs = sessions::logs(source.path);
    let mut kinds = logs.iter().filter_map(|log| sessions::kind_of_log(log));
    if let Some(kind) = kinds.find(|kind| wants(source, *kind)) {
        return Some(Detected::Logs(kind, logs));
    }
    let is_called_one = source.options.kind == Some(ImportKind::Transcript);
    let reads_as_one = || {
        wants(source, ImportKind::Transcript)
            && sessions::read_text(source.path)
                .is_ok_and(|(text, _)| sessions::is_transcript(&text))
    };
    if source.path.is_file() && (is_called_one || reads_as_one()) {
        return Some(Detected::Transcript(source.path.to_owned()));
    }
    None
}

fn of_database(source: &Source<'_>, database: ForeignDatabase) -> Result<Option<Detected>> {
    if chroma::is_chroma(&database) {
        let known = match source.options.kind {
            Some(kind @ (ImportKind::MemPalace | ImportKind::Chroma)) => Some(kind),
            Some(_) => None,
            None if chroma::is_palace(&database)? => Some(ImportKind::MemPalace),
            None => Some(ImportKind::Chroma),
        };
        return Ok(known.map(|kind| Detected::Database(kind, database)));
    }
    let known = DATABASES.iter().find(|(_, is_one)| is_one(&database));
    if let Some((kind, _)) = known {
        return Ok(wants(source, *kind).then_some(Detected::Database(*kind, database)));
    }
    if !wants(source, ImportKind::Mem0) {
        return Ok(None);
    }
    let stores = rivals::mem0::Stores::of(database);
    Ok(stores.map(Detected::Mem0))
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
        .is_some_and(|end| end == "db" || end == "sqlite" || end == "sqlite3" || end == "vscdb")
}

/// Returns whether a file begins as SQLite files do (`fileformat2.html`, section 1.3).
pub(super) fn is_sqlite(path: &Path) -> bool {
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
