//! Moving in: stores and logs of other programs come in by the ordinary line.
//!
//! One shape for all: detect what it is, read it from a private copy into a
//! survey (what there is, what is refused and why), compare the survey with the
//! store, write what is new, read it back, and report counts that add up:
//! read = imported + reused + updated + refused.
//!
//! May name: `error`, `config`, `ingest`. Invariants: the source is never
//! written, locked or opened by SQLite; nothing that is in the store leaves it
//! through an import; the same import again imports nothing; a document of the
//! source appears wholly or not at all, so a killed import is simply run again;
//! one import at a time works on a store; a vector of the source is taken over
//! only where it was proven to be of the store's model. What is deliberately not
//! here: vectors of other models (texts are embedded anew), and execution of
//! anything that a foreign file holds. A server is only asked, and only the one that was
//! named (feature `remote`).

mod bring;
pub(crate) mod bundle;
pub(crate) mod chroma;
mod compare;
mod detect;
mod digest;
mod files;
mod json;
mod kind;
mod memtomem;
mod mend;
mod notes;
mod openhuman;
mod past;
mod records;
mod report;
mod rivals;
mod sessions;
mod slack;
mod survey;
mod times;
pub(crate) mod vectors;

use std::path::{Path, PathBuf};

use steadfast_model::{ModelId, Namespace};
use steadfast_store::files::{Gate, GateHeld};
use steadfast_store::sqlite::foreign;
use steadfast_store::{Effort, ForeignDatabase, Progress, StoreError};

use crate::error::{Error, Result};
use crate::ingest::Line;
use bring::{Bringing, bring};
use detect::{Detected, detect};
use sessions::mark::Begun;
use survey::Survey;

#[cfg(feature = "remote")]
pub use chroma::server::ChromaServer;
pub use kind::{ImportKind, OnConflict, UnknownImportKind};
pub use report::{ImportReport, LeftOut};

pub use crate::ingest::VectorCounts;

/// How a foreign store comes in.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImportOptions {
    /// What it is; none detects that.
    pub kind: Option<ImportKind>,
    /// The namespace for all of it; none takes over those of the source.
    pub namespace: Option<Namespace>,
    /// What is done with a row whose id is in the store with another text.
    pub on_conflict: OnConflict,
    /// Where private copies of the source are made; none means below the store.
    pub scratch: Option<PathBuf>,
    /// Where reading a log of a session begins.
    pub reading: LogReading,
}

/// Where reading a log of a session begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogReading {
    /// At its beginning.
    #[default]
    Whole,
    /// Where it ended when it was last read so, if it only grew since and the store still holds what was read.
    ///
    /// For a log of one JSON object a line that is imported by itself; others are read as a whole. The counts of
    /// the report are those of what was read.
    Continued,
}

/// Where an import is from.
#[derive(Clone, Copy)]
pub(crate) enum Origin<'o> {
    /// A file or folder.
    Path(&'o Path),
    /// A server that runs.
    #[cfg(feature = "remote")]
    Server(&'o ChromaServer),
}

/// What one import works on.
pub(crate) struct Source<'s> {
    /// The file or folder; of a server, its address.
    path: &'s Path,
    /// Where private copies are made.
    scratch: &'s Path,
    options: &'s ImportOptions,
    /// How far the log was read, if it may be read from there.
    begun: Option<&'s Begun>,
    /// The model of the store, where there is a store.
    model: Option<&'s ModelId>,
}

/// The folder of private copies below a store.
const SCRATCH: &str = "import";
/// The file that keeps a second import out.
const LOCK: &str = "import.lock";

/// Brings a foreign store in.
pub(crate) fn import(
    line: &Line<'_>,
    store: &Path,
    origin: Origin<'_>,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport> {
    let path = resolve(origin, Some(store))?;
    let gate = Gate::new(store.join(LOCK));
    let held = pass(&gate, store)?;
    let below = store.join(SCRATCH);
    foreign::sweep(&below);
    let scratch = options.scratch.as_deref().unwrap_or(&below);
    let namespace = survey::namespace(options);
    let is_continued = options.reading == LogReading::Continued && path.is_file();
    let begun = is_continued
        .then(|| Begun::find(store, line.backend, &path, &namespace))
        .flatten();
    let source = Source {
        path: &path,
        scratch,
        options,
        begun: begun.as_ref(),
        model: Some(line.embed.model()),
    };
    let survey = read(origin, &source, progress);
    foreign::sweep(&below);
    let mut survey = survey?;
    let reached = survey.reached.take();
    let mut report = bring(survey, options, progress, Bringing::Write(line))?;
    if is_continued
        && report.complete
        && let Some(reached) = reached
    {
        // Without a mark the next reading is of the whole log.
        drop(reached.keep(store, line.backend, &path, &namespace));
    }
    drop(held);
    if let Err(error) = line.backend.catch_up(Effort::Now) {
        report
            .warnings
            .push(format!("the indexes are behind: {error}"));
    }
    report.seq = line.backend.snapshot()?.generation();
    Ok(report)
}

/// Says what an import into a store would do; changes nothing.
pub(crate) fn plan_into(
    line: &Line<'_>,
    store: &Path,
    origin: Origin<'_>,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport> {
    let path = resolve(origin, Some(store))?;
    let below = store.join(SCRATCH);
    let mut source = Source {
        path: &path,
        scratch: &below,
        options,
        begun: None,
        model: Some(line.embed.model()),
    };
    let survey = if let Some(scratch) = options.scratch.as_deref() {
        source.scratch = scratch;
        read(origin, &source, progress)?
    } else {
        let gate = Gate::new(store.join(LOCK));
        let _held = pass(&gate, store)?;
        foreign::sweep(&below);
        let survey = read(origin, &source, progress);
        foreign::sweep(&below);
        survey?
    };
    let mut report = bring(survey, options, progress, Bringing::Compare(line))?;
    report.seq = line.backend.snapshot()?.generation();
    Ok(report)
}

/// Says what an import into a new store would do; changes nothing but its private copy below
/// [`ImportOptions::scratch`], which is needed here.
///
/// # Errors
/// As with [`crate::Memory::import`]; [`Error::Invalid`] without a place for the copy.
pub fn plan(path: &Path, options: &ImportOptions, progress: &dyn Progress) -> Result<ImportReport> {
    plan_from(Origin::Path(path), options, progress)
}

/// Says what an import of a server into a new store would do; changes nothing.
///
/// # Errors
/// As with [`crate::Memory::import_server`]; [`Error::Invalid`] without [`ImportOptions::scratch`].
#[cfg(feature = "remote")]
pub fn plan_server(
    server: &ChromaServer,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport> {
    plan_from(Origin::Server(server), options, progress)
}

fn plan_from(
    origin: Origin<'_>,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<ImportReport> {
    let path = resolve(origin, None)?;
    let scratch = options.scratch.as_deref().ok_or_else(|| Error::Invalid {
        what: "a plan without a store needs a folder for a private copy".to_owned(),
    })?;
    let source = Source {
        path: &path,
        scratch,
        options,
        begun: None,
        model: None,
    };
    let survey = read(origin, &source, progress)?;
    bring(survey, options, progress, Bringing::Count)
}

/// Keeps a second import out: whoever holds the gate compares with the store and then writes.
fn pass<'g>(gate: &'g Gate, store: &Path) -> Result<GateHeld<'g>> {
    gate.try_pass()?.ok_or_else(|| {
        Error::Store(StoreError::Busy {
            what: format!("importing into {}", store.display()),
            waited_ms: 0,
        })
    })
}

fn resolve(origin: Origin<'_>, store: Option<&Path>) -> Result<PathBuf> {
    match origin {
        Origin::Path(path) => resolve_path(path, store),
        #[cfg(feature = "remote")]
        Origin::Server(server) => Ok(PathBuf::from(&server.url)),
    }
}

fn resolve_path(path: &Path, store: Option<&Path>) -> Result<PathBuf> {
    let resolved = std::fs::canonicalize(path).map_err(|error| {
        let path = path.to_owned();
        if error.kind() == std::io::ErrorKind::NotFound {
            Error::PathNotFound { path }
        } else {
            let what = error.to_string();
            Error::PathUnreadable { path, what }
        }
    })?;
    let store = store.and_then(|store| std::fs::canonicalize(store).ok());
    if store.is_some_and(|store| resolved.starts_with(store)) {
        return Err(Error::Invalid {
            what: format!("{} belongs to the store itself", resolved.display()),
        });
    }
    Ok(resolved)
}

fn read(origin: Origin<'_>, source: &Source<'_>, progress: &dyn Progress) -> Result<Survey> {
    progress.item(&source.path.display().to_string());
    match origin {
        Origin::Path(_) => read_path(source),
        #[cfg(feature = "remote")]
        Origin::Server(server) => chroma::server::survey(source, server, progress),
    }
}

fn read_path(source: &Source<'_>) -> Result<Survey> {
    match detect(source)? {
        Detected::Database(kind, database) => read_database(source, kind, &database),
        Detected::Mem0(stores) => rivals::mem0::survey(source, &stores),
        Detected::Logs(kind, logs) => Ok(sessions::survey_logs(source, kind, &logs)),
        Detected::Chats(kind, mut files, names) => {
            Ok(sessions::survey_chats(source, kind, &mut files, &names))
        }
        Detected::Export(ImportKind::Slack, mut files) => Ok(slack::survey(source, &mut files)),
        Detected::Export(ImportKind::Notion, mut files) => {
            Ok(notes::survey_notion(source, &mut files))
        }
        Detected::Export(_, mut files) => Ok(notes::survey_vault(source, &mut files)),
        Detected::Vault(folder) => bundle::vault::survey(source, &folder),
        Detected::MemtomemBundle(file) => memtomem::bundle::survey(source, &file),
        Detected::Bundle(file) => bundle::survey(source, &file),
        Detected::Transcript(file) => sessions::survey_transcript(source, &file),
    }
}

fn read_database(
    source: &Source<'_>,
    kind: ImportKind,
    database: &ForeignDatabase,
) -> Result<Survey> {
    let mut survey = match kind {
        ImportKind::Memtomem => memtomem::survey(source, database),
        ImportKind::OpenHuman => openhuman::survey(source, database),
        ImportKind::Cursor => sessions::survey_cursor(source, database),
        ImportKind::BasicMemory => rivals::basic_memory::survey(source, database),
        ImportKind::ClaudeMem => rivals::claude_mem::survey(source, database),
        ImportKind::McpMemoryService => rivals::mcp_memory_service::survey(source, database),
        ImportKind::MemPalace | ImportKind::Chroma => chroma::survey(source, kind, database),
        // Detection makes no database of any other kind.
        ImportKind::Bundle
        | ImportKind::ClaudeCode
        | ImportKind::Codex
        | ImportKind::ChatGpt
        | ImportKind::ClaudeAi
        | ImportKind::Gemini
        | ImportKind::CursorAgent
        | ImportKind::Copilot
        | ImportKind::Slack
        | ImportKind::Obsidian
        | ImportKind::Notion
        | ImportKind::Mem0
        | ImportKind::Transcript => Ok(Survey::new(kind)),
    }?;
    check(database, &mut survey);
    Ok(survey)
}

/// Says when the structure of a database is damaged: rows that are no longer reachable are missed by no other test.
fn check(database: &ForeignDatabase, survey: &mut Survey) {
    if let Some(damage) = database.damage()
        && survey.complete
    {
        survey.incomplete(format!(
            "{} is damaged, and rows of it may be missing: {damage}",
            database.source().display()
        ));
    }
}
