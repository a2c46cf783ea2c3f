//! Files the transcripts that wait, by the line that imports them.
//!
//! The import compares the whole log with what is in the store and writes what
//! is new, so a log is filed as it grows, and a later import of the host's folder
//! finds it there already.

use std::fs;
use std::io::ErrorKind::NotFound;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use steadfast::model::Fault as _;
use steadfast::{
    Error, ImportKind, ImportOptions, ImportReport, LeftOut, LogReading, Memory, OnConflict, Silent,
};

use super::spool::{Request, Spool, Which};
use crate::store::{Access, Store};

/// How often a store is asked again while another process imports into it.
const BUSY_TRIES: u32 = 8;
/// The first pause between two tries; each further one is twice as long.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// How often requests are looked for that were noted while others were filed.
const ROUNDS_MAX: u32 = 1_000;
/// Reasons for which a message stays out that are no loss: it has no text, or the user had it forgotten.
const NO_LOSS: [&str; 2] = ["no_text", "forgotten"];
/// The reason for which a message stays out that the store has with another text.
const DIFFERS: &str = "differs_from_store";
/// A log up to this size in which nothing was said yet is no failure.
const SILENT_LOG_BYTES_MAX: u64 = 64 << 10;

/// What became of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filed {
    /// Transcripts that are wholly in the store.
    pub filed: u64,
    /// Messages that were new.
    pub messages: u64,
    /// Transcripts that wait for another time, or of which a part stays out.
    pub failed: u64,
}

/// What is done while another process files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// It is waited for, and what was filed in part is looked at again: somebody wants to know that all is done.
    Wait,
    /// It files this too, so nobody waits: a host may tell of more events than processes should stand in line.
    Leave,
}

/// Files all that waits, also what is noted meanwhile.
///
/// # Errors
/// When there is no place for requests; a transcript that cannot be filed is counted, and waits.
pub fn file_all(store: &Store, patience: Patience) -> std::io::Result<Filed> {
    let spool = Spool::of_store(&store.settings().folder);
    let mut filed = Filed::default();
    let looks_again = patience == Patience::Wait;
    let is_due = spool.has_requests() || (looks_again && spool.has_partial());
    if !is_due {
        return Ok(filed);
    }
    let mut which = Which::All;
    for _ in 0..ROUNDS_MAX {
        let lock = match patience {
            Patience::Wait => spool.lock()?,
            Patience::Leave => match spool.try_lock()? {
                Some(lock) => lock,
                None => break,
            },
        };
        if looks_again && which == Which::All {
            spool.retry_partial();
        }
        spool.take_up();
        for request in &spool.take(which) {
            filed.add(file_one(store, &spool, request));
        }
        drop(lock);
        // Whoever came while the lock was held has left: what they noted is for who held it.
        which = Which::News;
        if !spool.has_news() {
            break;
        }
    }
    if filed.messages > 0
        && let Ok(memory) = store.memory(Access::Read)
    {
        // Searches are complete without it; status tells when it fails.
        drop(memory.maintain());
    }
    Ok(filed)
}

impl Filed {
    fn add(&mut self, other: Self) {
        self.filed += other.filed;
        self.messages += other.messages;
        self.failed += other.failed;
    }
}

fn file_one(store: &Store, spool: &Spool, request: &Request) -> Filed {
    let mut filed = Filed::default();
    match file(store, request) {
        Ok(report) => {
            filed.messages = report.imported + report.updated;
            if let Some(lost) = lost(&report) {
                filed.failed = 1;
                spool.partly(request, &lost);
            } else {
                filed.filed = 1;
                spool.done(request);
            }
        }
        Err(error) if is_moot(&error, &request.transcript) => spool.done(request),
        Err(error) => {
            filed.failed = 1;
            store.note(&error);
            spool.failed(request, &format!("{} ({})", error, error.kind()));
        }
    }
    filed
}

/// Returns what of a transcript is not in the store, in words.
fn lost(report: &ImportReport) -> Option<String> {
    let is_loss = |left: &&LeftOut| !NO_LOSS.contains(&left.reason.as_str());
    let lost: Vec<String> = report
        .refusals
        .iter()
        .filter(is_loss)
        .map(|left| format!("{} {} ({})", left.count, left.what, left.reason))
        .collect();
    if !lost.is_empty() {
        return Some(lost.join(", "));
    }
    // Each refusal makes a report incomplete; without one there is a warning that says why it is.
    let is_short = !report.complete && report.refused == 0;
    let warning = || report.warnings.first().cloned();
    is_short.then(|| warning().unwrap_or_else(|| "the log was not read to its end".to_owned()))
}

fn file(store: &Store, request: &Request) -> Result<ImportReport, Error> {
    // What is no file has no transcript, and a pipe would be waited at for ever.
    let is_none = fs::metadata(&request.transcript)
        .map_or_else(|error| error.kind() == NotFound, |found| !found.is_file());
    if is_none {
        // Before a store is created for it.
        let path = request.transcript.clone();
        return Err(Error::PathNotFound { path });
    }
    let mut options = ImportOptions::default();
    options.namespace = Some(store.settings().namespace.clone());
    // An event comes after each answer: only what is new since the last one is read.
    options.reading = LogReading::Continued;
    store.write(Access::Write, |memory| {
        let first = import(memory, &request.transcript, &options)?;
        let differs = |left: &LeftOut| left.reason == DIFFERS;
        if !has_line_ids(first.kind) || !first.refusals.iter().any(differs) {
            return Ok(first);
        }
        // The host has rewritten messages that it names itself: it is they that it goes on with.
        let mut options = options.clone();
        options.on_conflict = OnConflict::Update;
        let mut second = import(memory, &request.transcript, &options)?;
        second.imported += first.imported;
        Ok::<_, Error>(second)
    })
}

/// Returns whether each message of such a log has an id of its own: where the place of a line stands for it, another
/// text there may be another message, and the one in the store is kept.
fn has_line_ids(kind: ImportKind) -> bool {
    matches!(
        kind,
        ImportKind::ClaudeCode | ImportKind::Copilot | ImportKind::Gemini
    )
}

fn import(
    memory: &Memory,
    transcript: &Path,
    options: &ImportOptions,
) -> Result<ImportReport, Error> {
    let mut pause = BUSY_PAUSE;
    for _ in 1..BUSY_TRIES {
        match memory.import(transcript, options, &Silent) {
            Err(error) if error.kind() == "busy" => sleep(pause),
            outcome => return outcome,
        }
        pause *= 2;
    }
    memory.import(transcript, options, &Silent)
}

/// Returns whether there is nothing to file: the host has thrown the log away, or nothing was said yet.
fn is_moot(error: &Error, transcript: &Path) -> bool {
    match error.kind() {
        "path_not_found" => true,
        "unknown_format" => fs::metadata(transcript)
            .is_ok_and(|found| found.is_file() && found.len() <= SILENT_LOG_BYTES_MAX),
        _ => false,
    }
}
