//! Session logs and exported chats: one document a session, one chunk a message.
//!
//! A long message is cut like a note, and its pieces carry its id with a number.
//! What a message holds beside text (tool calls, their results, thoughts) is
//! kept verbatim below a line that names it; such a text is called converted.
//! A log that has grown gives its new messages, and is read from where it ended when
//! that is wanted (`mark`); its last line may be one that is being written, and is
//! then left for the next time.

mod chats;
mod claude_code;
mod codex;
mod content;
mod copilot;
mod cursor;
mod cursor_agent;
mod gemini;
mod lines;
mod list;
pub(super) mod mark;
mod message;
mod transcript;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::files::{Files, refuse, text_of};
use super::json;
use super::survey::{Extent, Survey};
use super::{ImportKind, Source};
use crate::error::{Error, Result};

pub(super) use cursor::{is_cursor, survey as survey_cursor};
pub(super) use transcript::is_transcript;

/// The longest transcript that is read as a whole, in bytes.
const FILE_BYTES_MAX: u64 = 256 << 20;
/// The longest file of chats, in bytes: it is read one chat at a time.
const CHATS_BYTES_MAX: u64 = 8 << 30;
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
            } else if kind.is_file() && is_log(&path) {
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

/// Returns whether a file of a folder may be a log: one of a JSON object a line, or one of Gemini CLI, which is known
/// by its beginning because a folder has many JSON files that are none.
fn is_log(path: &Path) -> bool {
    match path.extension() {
        Some(end) if end == "jsonl" => true,
        Some(end) if end == "json" => gemini::is_whole(path) || gemini::is_called_one(path),
        _ => false,
    }
}

/// Tells what a log is by its first lines.
pub(super) fn kind_of_log(path: &Path) -> Option<ImportKind> {
    if path.extension().is_some_and(|end| end == "json") {
        return gemini::is_whole(path).then_some(ImportKind::Gemini);
    }
    let lines = lines::head(path, LOOK_LINES);
    if lines.iter().any(claude_code::is_line) {
        Some(ImportKind::ClaudeCode)
    } else if lines.iter().any(codex::is_line) {
        Some(ImportKind::Codex)
    } else if lines.iter().any(cursor_agent::is_line) {
        Some(ImportKind::CursorAgent)
    } else if lines.iter().any(copilot::is_line) {
        Some(ImportKind::Copilot)
    } else if lines.iter().any(gemini::is_line) {
        Some(ImportKind::Gemini)
    } else {
        None
    }
}

/// Tells what an exported file of chats is, by the first of them.
pub(super) fn kind_of_chats(reader: &mut dyn Read) -> Option<ImportKind> {
    list::first(reader).as_ref().and_then(chats::kind_of)
}

/// Leaves a log out that is of another kind, and refuses one that is of no kind any more.
fn leave(log: &Path, survey: &mut Survey) {
    let is_empty = fs::metadata(log).is_ok_and(|found| found.len() == 0);
    if kind_of_log(log).is_none() && !is_empty && lines::head(log, LOOK_LINES).is_empty() {
        survey.refuse("log", "unreadable", 1);
        survey
            .warnings
            .push(format!("{} does not begin as a log", log.display()));
    } else {
        survey.left_out.add("log", "of_another_kind", 1);
    }
}

/// Returns the names of the files of chats in an export: one, or, in large ones, several with numbers.
pub(super) fn chat_files(files: &Files) -> Vec<String> {
    let is_one = |name: &&str| {
        name.strip_prefix("conversations")
            .and_then(|rest| rest.strip_suffix(".json"))
            .is_some_and(|number| {
                number.is_empty()
                    || number
                        .strip_prefix(['-', '_'])
                        .is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
            })
    };
    files.names().filter(is_one).map(str::to_owned).collect()
}

/// Reads logs of one kind; those of another are left out and counted.
pub(super) fn survey_logs(source: &Source<'_>, kind: ImportKind, logs: &[PathBuf]) -> Survey {
    let mut survey = Survey::new(kind);
    if logs.len() > LOGS_MAX {
        survey.incomplete(format!("only the first {LOGS_MAX} logs are read"));
    }
    let logs = logs.get(..LOGS_MAX).unwrap_or(logs);
    if kind == ImportKind::Gemini {
        gemini::survey(source, logs, &mut survey);
        return survey;
    }
    let is_alone = matches!(logs, [log] if log == source.path);
    let begun = source
        .begun
        .filter(|begun| is_alone && begun.kind() == kind);
    if begun.is_some() {
        survey.extent = Extent::Rest;
    }
    for log in logs {
        let reached = match kind_of_log(log) {
            Some(ImportKind::ClaudeCode) if kind == ImportKind::ClaudeCode => {
                claude_code::read(log, begun, &mut survey)
            }
            Some(ImportKind::Codex) if kind == ImportKind::Codex => {
                codex::read(log, begun, &mut survey)
            }
            Some(ImportKind::CursorAgent) if kind == ImportKind::CursorAgent => {
                cursor_agent::read(log, begun, &mut survey)
            }
            Some(ImportKind::Copilot) if kind == ImportKind::Copilot => {
                copilot::read(log, begun, &mut survey)
            }
            _ => {
                leave(log, &mut survey);
                continue;
            }
        };
        match reached {
            Ok(reached) => {
                message::add(source, &reached.talk, &mut survey);
                survey.reached = is_alone.then_some(reached);
            }
            Err(error) => {
                survey.refuse("log", "unreadable", 1);
                survey.warnings.push(error.to_string());
            }
        }
    }
    survey
}

/// Reads exported files of chats, one chat at a time.
pub(super) fn survey_chats(
    source: &Source<'_>,
    kind: ImportKind,
    files: &mut Files,
    names: &[String],
) -> Survey {
    let mut survey = Survey::new(kind);
    let mut place = 0;
    for name in names {
        let mut flaws = json::Flaws::default();
        let read = files.stream(name, CHATS_BYTES_MAX, &mut |reader| {
            list::each(reader, &mut |chat| {
                flaws += chat.flaws;
                survey.is_mended |= chat.flaws.mended.is_any();
                match chats::read(kind, &chat.value, place, &mut survey) {
                    Some(talk) => message::add(source, &talk, &mut survey),
                    None => survey.refuse("chat", "unreadable", 1),
                }
                place += 1;
            })
        });
        json::tell(flaws, name, &mut survey);
        match read {
            Ok(Ok(())) => {}
            Ok(Err(what)) => {
                survey.refuse("file", "unreadable", 1);
                survey
                    .warnings
                    .push(format!("{name} cannot be read to its end: {what}"));
            }
            Err(unread) => refuse(vec![unread], &mut survey),
        }
    }
    files.report(&mut survey);
    let others = files.names().count().saturating_sub(names.len());
    survey.left_out.add("file", "no_chats", others as u64);
    survey
}

/// Reads a plain transcript.
pub(super) fn survey_transcript(source: &Source<'_>, file: &Path) -> Result<Survey> {
    let mut survey = Survey::new(ImportKind::Transcript);
    let (text, is_lossy) = read_text(file)?;
    if is_lossy {
        survey.is_mended = true;
        survey.warnings.push(format!(
            "{} has bytes that are no UTF-8, which stand as U+FFFD",
            file.display()
        ));
    }
    message::add(source, &transcript::read(file, &text), &mut survey);
    Ok(survey)
}

/// Reads a text as a whole; bytes that are not UTF-8 are replaced, and the second value says so.
pub(super) fn read_text(path: &Path) -> Result<(String, bool)> {
    Ok(text_of(read_whole(path)?))
}

/// Reads a file as a whole.
pub(super) fn read_whole(path: &Path) -> Result<Vec<u8>> {
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
    fs::read(path).map_err(|error| failed(error.to_string()))
}
