//! Files the transcripts that wait, by the line that imports them.
//!
//! The import compares the whole log with what is in the store and writes what
//! is new, so a log is filed as it grows, and a later import of the host's folder
//! finds it there already.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use steadfast::model::Fault as _;
use steadfast::{Error, ImportOptions, LogReading, Memory, Silent};

use super::spool::{Request, Spool};
use crate::store::{Access, Store};

/// How often a store is asked again while another process imports into it.
const BUSY_TRIES: u32 = 8;
/// The first pause between two tries; each further one is twice as long.
const BUSY_PAUSE: Duration = Duration::from_millis(50);
/// A log up to this size in which nothing was said yet is no failure.
const SILENT_LOG_BYTES_MAX: u64 = 64 << 10;

/// What became of the requests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filed {
    /// Transcripts that are wholly in the store.
    pub filed: u64,
    /// Messages that were new.
    pub messages: u64,
    /// Transcripts that wait for another time.
    pub failed: u64,
}

/// Files all that waits. Who notes a request while another process is at work waits for that one here.
///
/// # Errors
/// When there is no place for requests; a transcript that cannot be filed is counted, and waits.
pub fn file_all(store: &Store) -> std::io::Result<Filed> {
    let spool = Spool::of_store(&store.settings().folder);
    let mut filed = Filed::default();
    if !spool.has_requests() {
        return Ok(filed);
    }
    let lock = spool.lock()?;
    spool.take_up();
    let requests = spool.take();
    for request in &requests {
        match file(store, request) {
            Ok(messages) => {
                filed.filed += 1;
                filed.messages += messages;
                spool.done(request);
            }
            Err(error) if is_moot(&error, &request.transcript) => spool.done(request),
            Err(error) => {
                filed.failed += 1;
                store.note(&error);
                spool.failed(request, &format!("{} ({})", error, error.kind()));
            }
        }
    }
    drop(lock);
    if filed.messages > 0
        && let Ok(memory) = store.memory(Access::Read)
    {
        // Searches are complete without it; status tells when it fails.
        drop(memory.maintain());
    }
    Ok(filed)
}

fn file(store: &Store, request: &Request) -> Result<u64, Error> {
    if matches!(request.transcript.try_exists(), Ok(false)) {
        // Before a store is created for it.
        let path = request.transcript.clone();
        return Err(Error::PathNotFound { path });
    }
    let mut options = ImportOptions::default();
    options.namespace = Some(store.settings().namespace.clone());
    // An event comes after each answer: only what is new since the last one is read.
    options.reading = LogReading::Continued;
    store.write(Access::Write, |memory| {
        import(memory, &request.transcript, &options)
    })
}

fn import(memory: &Memory, transcript: &Path, options: &ImportOptions) -> Result<u64, Error> {
    let mut pause = BUSY_PAUSE;
    for _ in 1..BUSY_TRIES {
        match memory.import(transcript, options, &Silent) {
            Err(error) if error.kind() == "busy" => sleep(pause),
            outcome => return outcome.map(|report| report.imported),
        }
        pause *= 2;
    }
    memory
        .import(transcript, options, &Silent)
        .map(|report| report.imported)
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
