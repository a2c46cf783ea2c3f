//! Session logs and exported chats: one document a session, one chunk a message.
//!
//! A long message is cut like a note, and its pieces carry its id with a number.
//! What a message holds beside text (tool calls, their results, thoughts) is
//! kept verbatim below a line that names it; such a text is called converted.
//! A log that has grown gives its new messages; its last line may be one that is
//! being written, and is then left for the next time.

mod chats;
mod claude_code;
mod codex;
mod lines;
mod message;
mod transcript;

use std::fs;
use std::path::{Path, PathBuf};

use super::survey::Survey;
use super::{ImportKind, Source};
use crate::error::{Error, Result};
use message::Talk;

pub(super) use transcript::is_transcript;

/// The longest export or transcript that is read as a whole, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// The largest number of logs of one folder.
const LOGS_MAX: usize = 100_000;
/// How deep below a folder logs are looked for.
const DEPTH_MAX: usize = 8;
/// Lines that are looked at to tell what a log is.
const LOOK_LINES: usize = 50;

/// Returns the logs at a path: itself, or those below it.
pub(super) fn logs(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            // Links are not followed.
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let path = entry.path();
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((path, depth + 1));
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "jsonl") {
                found.push(path);
            }
        }
        if found.len() > LOGS_MAX {
            break;
        }
    }
    found.sort();
    found
}

/// Tells what a log is by its first lines.
pub(super) fn kind_of_log(path: &Path) -> Option<ImportKind> {
    let lines = lines::head(path, LOOK_LINES);
    if lines.iter().any(claude_code::is_line) {
        Some(ImportKind::ClaudeCode)
    } else if lines.iter().any(codex::is_line) {
        Some(ImportKind::Codex)
    } else {
        None
    }
}

/// Tells what an exported file of chats is.
pub(super) fn kind_of_chats(path: &Path) -> Option<ImportKind> {
    let is_json = path.extension().is_some_and(|end| end == "json");
    if !is_json {
        return None;
    }
    chats::kind_of(&read_whole(path).ok()?)
}

/// Reads logs of one kind; those of another are left out and counted.
pub(super) fn survey_logs(source: &Source<'_>, kind: ImportKind, logs: &[PathBuf]) -> Survey {
    let mut survey = Survey::new(kind);
    if logs.len() > LOGS_MAX {
        survey.incomplete(format!("only the first {LOGS_MAX} logs are read"));
    }
    for log in logs.iter().take(LOGS_MAX) {
        let talk = match kind_of_log(log) {
            Some(ImportKind::ClaudeCode) if kind == ImportKind::ClaudeCode => {
                claude_code::read(log, &mut survey)
            }
            Some(ImportKind::Codex) if kind == ImportKind::Codex => codex::read(log, &mut survey),
            _ => {
                survey.left_out.add("log", "of_another_kind", 1);
                continue;
            }
        };
        match talk {
            Ok(talk) => message::add(source, &talk, &mut survey),
            Err(error) => {
                survey.refuse("log", "unreadable", 1);
                survey.warnings.push(error.to_string());
            }
        }
    }
    survey
}

/// Reads an exported file of chats.
pub(super) fn survey_chats(source: &Source<'_>, kind: ImportKind, file: &Path) -> Result<Survey> {
    let mut survey = Survey::new(kind);
    let text = read_whole(file)?;
    let talks: Vec<Talk> =
        chats::read(kind, &text, &mut survey).ok_or_else(|| Error::UnknownFormat {
            path: file.to_owned(),
            wanted: Some(kind.as_str()),
        })?;
    for talk in talks {
        message::add(source, &talk, &mut survey);
    }
    Ok(survey)
}

/// Reads a plain transcript.
pub(super) fn survey_transcript(source: &Source<'_>, file: &Path) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::Transcript);
    let talk = transcript::read(file, &read_whole(file)?);
    message::add(source, &talk, &mut survey);
    Ok(survey)
}

/// Reads a file that is text as a whole.
pub(super) fn read_whole(path: &Path) -> Result<String> {
    let failed = |what: String| Error::PathUnreadable {
        path: path.to_owned(),
        what,
    };
    let found = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if !found.is_file() || found.len() > FILE_BYTES_MAX {
        return Err(failed(format!(
            "it is longer than {FILE_BYTES_MAX} bytes, or no file"
        )));
    }
    let bytes = fs::read(path).map_err(|error| failed(error.to_string()))?;
    String::from_utf8(bytes).map_err(|error| failed(error.to_string()))
}
