//! Logs that are read from where they ended. Bad days: a log was written anew, or its store is another one, and
//! messages are missed; a message that was read before its line had ended comes twice; what was forgotten stands in
//! a mark.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use steadfast::model::Chunk;
use steadfast::{ImportOptions, ImportReport, LogReading, Memory, Silent};

use crate::support::{Place, origin};

fn continued(memory: &Memory, log: &Path) -> ImportReport {
    let mut options = ImportOptions::default();
    options.reading = LogReading::Continued;
    let report = memory.import(log, &options, &Silent).unwrap();
    assert!(report.adds_up(), "{report:?}");
    report
}

fn claude(number: usize, text: &str) -> String {
    let line = json!({
        "type": (["user", "assistant"][number % 2]), "uuid": format!("u{number}"), "sessionId": "s",
        "cwd": "/work", "gitBranch": "main", "timestamp": "2026-03-01T10:00:00.000Z",
        "message": {"role": "user", "content": text},
    });
    format!("{line}\n")
}

fn codex(number: usize, text: &str) -> String {
    let item = if number == 0 {
        json!({"type": "session_meta", "payload": {"id": "q", "cwd": "/w"}})
    } else {
        json!({"type": "response_item", "timestamp": "2026-03-01T10:00:00Z", "payload": {
            "type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}})
    };
    format!("{item}\n")
}

fn log(place: &Place, lines: usize) -> PathBuf {
    let path = place.path("projects/p/s.jsonl");
    let text: String = (0..lines)
        .map(|number| claude(number, &format!("message {number} of the log")))
        .collect();
    fs::write(&path, text).unwrap();
    path
}

/// Returns what of each chunk must not depend on how its log was read.
fn content(memory: &Memory) -> Vec<(String, String, u32, u32, Value)> {
    let mut request = steadfast::ListRequest::default();
    request.limit = 100_000;
    let mut chunks: Vec<Chunk> = memory.list(&request).unwrap().chunks;
    chunks.sort_by_key(|chunk| chunk.place.position);
    chunks
        .into_iter()
        .map(|chunk| {
            let id = origin(&chunk).to_owned();
            let place = &chunk.place;
            let attributes = &chunk.attributes;
            let said = json!({"meta": attributes.meta, "title": attributes.title,
                "time": attributes.document_time.map(|time| time.0), "end_byte": place.end_byte});
            (id, chunk.text, place.position, place.start_line, said)
        })
        .collect()
}

#[test]
fn only_what_is_new_is_read_and_each_message_comes_once() {
    let place = Place::new();
    let first = continued(&place.memory, &log(&place, 100));
    assert_eq!((first.read, first.imported), (100, 100));
    let grown = log(&place, 103);
    let more = continued(&place.memory, &grown);
    assert_eq!((more.read, more.imported, more.reused), (3, 3, 0));
    let again = continued(&place.memory, &grown);
    assert_eq!((again.read, again.imported), (0, 0));
    assert_eq!(again.seq, more.seq, "nothing was written");
    let whole = place.import(&grown);
    assert_eq!((whole.read, whole.reused), (103, 103));
    let other = Place::new();
    other.import(&log(&other, 103));
    assert_eq!(content(&place.memory), content(&other.memory));
}

#[test]
fn a_log_that_was_written_anew_is_read_as_a_whole() {
    let place = Place::new();
    let path = log(&place, 20);
    continued(&place.memory, &path);
    let text = fs::read_to_string(&path).unwrap();
    // Of the same length, and longer afterwards.
    let anew = text
        .replacen("message 3 ", "message X ", 1)
        .replacen("u3\"", "v3\"", 1);
    fs::write(&path, anew + &claude(20, "one more")).unwrap();
    let report = continued(&place.memory, &path);
    assert_eq!((report.read, report.imported), (21, 2), "{report:?}");
    // Cut, and shorter than it was.
    fs::write(&path, claude(77, "a new beginning")).unwrap();
    let report = continued(&place.memory, &path);
    assert_eq!((report.read, report.imported), (1, 1), "{report:?}");
    // Put in place of the old one, as programs do that write whole files.
    let beside = place.path("projects/p/s.new");
    fs::write(
        &beside,
        claude(77, "a new beginning") + &claude(78, "goes on"),
    )
    .unwrap();
    fs::rename(&beside, &path).unwrap();
    let report = continued(&place.memory, &path);
    assert_eq!(
        (report.read, report.imported),
        (1, 1),
        "it begins as it did: {report:?}"
    );
}

#[test]
fn what_the_store_no_longer_holds_is_read_again() {
    let place = Place::new();
    let path = log(&place, 10);
    let seq = continued(&place.memory, &path).seq;
    let plan = place.memory.plan_undo(seq).unwrap();
    place.memory.undo(&plan).unwrap();
    assert!(place.chunks().is_empty());
    let report = continued(&place.memory, &path);
    assert_eq!((report.read, report.imported), (10, 10), "{report:?}");
    // Another store with the marks of this one.
    let other = Place::new();
    let (from, to) = (place.memory.folder(), other.memory.folder());
    fs::create_dir(to.join("transcripts")).unwrap();
    for entry in fs::read_dir(from.join("transcripts")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join("transcripts").join(entry.file_name())).unwrap();
    }
    let report = continued(&other.memory, &path);
    assert_eq!((report.read, report.imported), (10, 10), "{report:?}");
}

#[test]
fn marks_that_are_lost_or_garbage_cost_time_only() {
    let place = Place::new();
    let path = log(&place, 10);
    continued(&place.memory, &path);
    let marks = place.memory.folder().join("transcripts");
    let mark = fs::read_dir(&marks)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let whole = fs::read_to_string(&mark).unwrap();
    for garbage in [
        "",
        "{",
        "{}",
        "7",
        &whole.replace("\"lines\":10", "\"lines\":-1"),
    ] {
        fs::write(&mark, garbage).unwrap();
        let report = continued(&place.memory, &path);
        assert_eq!((report.read, report.reused), (10, 10), "{garbage}");
    }
    assert_eq!(continued(&place.memory, &path).read, 0, "it was made anew");
}

#[test]
fn nothing_that_was_said_stands_in_a_mark() {
    let place = Place::new();
    let path = place.path("projects/secretproject/s.jsonl");
    let summary = json!({"type": "summary", "summary": "Wombatville", "leafUuid": "x"});
    fs::write(&path, format!("{summary}\n{}", claude(0, "xylophone"))).unwrap();
    continued(&place.memory, &path);
    let marks = place.memory.folder().join("transcripts");
    for entry in fs::read_dir(marks).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        for word in ["Wombatville", "xylophone", "/work", "main", "secretproject"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
    // What is known of the session comes from the store.
    let grown = fs::read_to_string(&path).unwrap() + &claude(1, "zither");
    fs::write(&path, grown).unwrap();
    assert_eq!(continued(&place.memory, &path).read, 1);
    let chunk = &place.chunks()["u1"];
    assert_eq!(chunk.attributes.title.as_deref(), Some("Wombatville"));
    assert_eq!(chunk.attributes.meta["origin.branch"], "main");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However a log has grown from one reading to the next, the store holds what one reading of it gives.
    #[test]
    fn read_in_any_steps_it_is_the_same(
        lengths in prop::collection::vec(0_usize..40, 1..25),
        cuts in prop::collection::vec(0_usize..6_000, 1..8),
        is_codex in any::<bool>(),
    ) {
        let line = if is_codex { codex } else { claude };
        let text: String = lengths
            .iter()
            .enumerate()
            .map(|(number, length)| line(number, &"word ".repeat(*length)))
            .collect();
        let place = Place::new();
        let path = place.path("projects/p/s.jsonl");
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
        cuts.sort_unstable();
        cuts.push(text.len());
        for cut in cuts {
            fs::write(&path, &text[..cut]).unwrap();
            let mut options = ImportOptions::default();
            options.reading = LogReading::Continued;
            match place.memory.import(&path, &options, &Silent) {
                Ok(report) => prop_assert!(report.adds_up()),
                // Nothing was said yet.
                Err(error) => prop_assert!(cut < text.len(), "{error}"),
            }
        }
        let other = Place::new();
        let whole = other.path("projects/p/s.jsonl");
        fs::write(&whole, &text).unwrap();
        other.memory.import(&whole, &ImportOptions::default(), &Silent).unwrap();
        prop_assert_eq!(content(&place.memory), content(&other.memory));
    }
}
