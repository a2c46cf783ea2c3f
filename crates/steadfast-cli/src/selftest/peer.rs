//! What a child process of the self-test does, until its work is done or it is killed.
//!
//! It says each thing in a line that ends in a full stop, so that a line that a
//! kill has cut is known as such. It reads no settings: a rule of the user's
//! for secrets must not change what is written.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use steadfast::model::Fault as _;
use steadfast::{
    Conversation, Derived, Journal, ListRequest, Memory, Message, Mode, Note, Options,
    SearchRequest, Silent,
};

use super::deed::{Key, shared_note};
use super::oracle::{Held, next};
use crate::error::Failure;
use crate::exit::Exit;

/// The first argument of a child: a command that no page lists.
pub(crate) const PEER: &str = "selftest-peer";

/// Conversations that a writer keeps at most.
const INDEX_MAX: u64 = 200;

/// After so many writes the indexes are made anew, so that kills hit that as well.
const WRITES_PER_REBUILD: u64 = 9;

/// Texts that are read at once.
const PAGE: usize = 1_000;

/// Plays a role: `write STORE JOURNAL WRITER`, `crowd STORE JOURNAL WRITER MILLISECONDS`, `ask STORE WORD...`, or
/// `lock FILE`.
pub(crate) fn peer(arguments: &[OsString]) -> Result<Exit, Failure> {
    let text = |index: usize| {
        let found = arguments.get(index).and_then(|it| it.to_str());
        found.unwrap_or_default()
    };
    let number = |index: usize| text(index).parse::<u64>().unwrap_or(0);
    let path = PathBuf::from(arguments.get(1).cloned().unwrap_or_default());
    let played = match text(0) {
        "write" => write(&path, journal_of(text(2)), number(3)),
        "crowd" => {
            let time = Duration::from_millis(number(4));
            crowd(&path, journal_of(text(2)), number(3), time)
        }
        "ask" => {
            let words = arguments.iter().skip(2).filter_map(|it| it.to_str());
            ask(&path, &words.collect::<Vec<_>>())
        }
        "lock" => lock(&path),
        role => Err(Failure::new("usage", format!("`{role}` is no role"))),
    };
    if let Err(Failure::Library(error)) = &played {
        say(&format!("error {}: {error}", error.kind()))?;
    }
    played.map(|()| Exit::Done)
}

pub(super) fn journal_of(name: &str) -> Journal {
    match name {
        "wal" => Journal::Wal,
        "truncate" => Journal::Truncate,
        _ => Journal::Auto,
    }
}

pub(super) fn options(journal: Journal) -> Options {
    Memory::options()
        .create(true)
        .actor("selftest")
        .journal(journal)
}

/// Keeps conversations one after the other and says each acknowledgement.
fn write(store: &Path, journal: Journal, writer: u64) -> Result<(), Failure> {
    let memory = options(journal).open(store)?;
    let mut last = None;
    for count in 1.. {
        let (key, edition) = next(last, writer);
        if key.index >= INDEX_MAX {
            break;
        }
        keep(&memory, key, edition)?;
        say(&format!("kept {} {edition}", key.index))?;
        last = Some((key, edition));
        if count % WRITES_PER_REBUILD == 0 {
            memory.rebuild(Derived::All, &Silent)?;
        }
    }
    Ok(())
}

pub(super) fn keep(memory: &Memory, key: Key, edition: u64) -> Result<(), steadfast::Error> {
    let mut talk = Conversation::new(key.source());
    talk.messages = key
        .messages(edition)
        .into_iter()
        .map(Message::new)
        .collect();
    memory.keep_conversation(&talk).map(drop)
}

/// Writes notes that others write too and conversations of its own, and looks for each at once.
fn crowd(store: &Path, journal: Journal, writer: u64, time: Duration) -> Result<(), Failure> {
    let deadline = Instant::now() + time;
    let memory = options(journal).open(store)?;
    let mut last = None;
    for note in 0..INDEX_MAX {
        let kept = memory.remember(&Note::new(shared_note(note)))?;
        say(&format!("note {note} {}", kept.id))?;
        let (key, edition) = next(last, writer);
        keep(&memory, key, edition)?;
        say(&format!("kept {} {edition}", key.index))?;
        last = Some((key, edition));
        if !finds(&memory, key)? {
            say(&format!("missed {}", key.word()))?;
        }
        if Instant::now() > deadline {
            break;
        }
    }
    Ok(())
}

/// Returns whether a search for the word of a conversation finds it, or says that it has not searched everything.
pub(super) fn finds(memory: &Memory, key: Key) -> Result<bool, steadfast::Error> {
    let mut request = SearchRequest::new(key.word());
    request.mode = Mode::Text;
    let answer = memory.search(&request)?;
    let source = key.source();
    Ok(!answer.coverage.complete || answer.hits.iter().any(|hit| hit.chunk.source == source))
}

/// Reads everything and searches some words in a store that may be damaged, then makes it whole as far as indexes go.
fn ask(store: &Path, words: &[&str]) -> Result<(), Failure> {
    let memory = Memory::open(store)?;
    each_chunk(&memory, &mut |chunk| {
        let text = serde_json::Value::from(chunk.text.as_str());
        drop(say(&format!("text {text}")));
    })?;
    for word in words {
        let mut request = SearchRequest::new(*word);
        request.mode = Mode::Text;
        let answer = memory.search(&request)?;
        let is_hit = answer.hits.iter().any(|hit| hit.chunk.text.contains(word));
        for hit in &answer.hits {
            say(&format!(
                "text {}",
                serde_json::Value::from(hit.chunk.text.as_str())
            ))?;
        }
        if answer.coverage.complete && !is_hit {
            say(&format!("missed {word}"))?;
        }
    }
    memory.maintain()?;
    for finding in memory.verify(&Silent)?.findings {
        say(&format!("finding {}", finding.code))?;
    }
    Ok(())
}

/// Hands over every live chunk, in the order in which they came.
pub(super) fn each_chunk(
    memory: &Memory,
    each: &mut dyn FnMut(&steadfast::model::Chunk),
) -> Result<(), steadfast::Error> {
    let mut request = ListRequest::default();
    request.limit = PAGE;
    loop {
        let listing = memory.list(&request)?;
        listing.chunks.iter().for_each(&mut *each);
        request.cursor = listing.cursor;
        if request.cursor.is_none() {
            return Ok(());
        }
    }
}

/// Returns the texts of every conversation, in order, and of every note.
pub(super) fn read(memory: &Memory) -> Result<(Held, Vec<String>), steadfast::Error> {
    let mut placed: Vec<(Key, u32, String)> = Vec::new();
    let mut notes = Vec::new();
    each_chunk(memory, &mut |chunk| match Key::of_source(&chunk.source) {
        Some(key) => placed.push((key, chunk.place.position, chunk.text.clone())),
        None => notes.push(chunk.text.clone()),
    })?;
    placed.sort();
    let mut held = Held::new();
    for (key, _, text) in placed {
        held.entry(key).or_default().push(text);
    }
    Ok((held, notes))
}

/// Says whether a lock that the parent holds keeps this process out.
fn lock(path: &Path) -> Result<(), Failure> {
    let file = std::fs::File::open(path).map_err(super::failed(path))?;
    match file.try_lock() {
        Ok(()) => say("free"),
        Err(_) => say("held"),
    }
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line} .")
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))
}

/// Returns what a line says, if it is whole.
pub(super) fn said(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_suffix(" .")?;
    Some(line.split_once(' ').unwrap_or((line, "")))
}
