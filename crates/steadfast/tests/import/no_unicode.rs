//! Half a character or a byte that is no text, in the middle of years of chats: it costs one character.

use std::fs;
use std::path::Path;

use steadfast::{ImportKind, ImportReport};

use crate::samples::{SAMPLES, write};
use crate::support::Place;

/// A sample, the file of it that is changed, and a text of that file.
const CASES: &[(ImportKind, &str, &str, &str)] = &[
    (
        ImportKind::ChatGpt,
        "file",
        "gpt/conversations.json",
        "Which port?",
    ),
    (
        ImportKind::ClaudeAi,
        "file",
        "claude-ai/conversations.json",
        "Yes, green.",
    ),
    (
        ImportKind::Slack,
        "folder",
        "slack/general/2026-03-01.json",
        "8443",
    ),
    (
        ImportKind::ClaudeCode,
        "folder",
        "claude/-work/abc.jsonl",
        "Which port?",
    ),
    (
        ImportKind::Codex,
        "folder",
        "codex/rollout-1.jsonl",
        "Mend it.",
    ),
    (
        ImportKind::Gemini,
        "folder",
        "gemini/p/chats/session-2026-03-01T10-00-s1.json",
        "Update ready.",
    ),
    (
        ImportKind::Gemini,
        "folder",
        "gemini/p/logs.json",
        "An older question.",
    ),
    (
        ImportKind::Memtomem,
        "bundle",
        "memtomem-bundle/export.json",
        "The stove is gas.",
    ),
];

/// Imports each sample with other bytes in the place of a text, which is the end of it; returns what came of that.
fn each(change: impl Fn(&[u8], &str) -> Vec<u8>, check: impl Fn(&Place, &ImportReport, &str)) {
    for (kind, name, file, text) in CASES {
        let place = Place::new();
        let mut samples = SAMPLES.iter();
        let sample = samples.find(|sample| sample.kind == *kind && sample.name == *name);
        let sample = sample.unwrap();
        let path = (sample.make)(&place);
        let file = place.path(file);
        fs::write(&file, change(&fs::read(&file).unwrap(), text)).unwrap();
        let report = place.import(&path);
        assert_eq!((report.kind, report.read), (*kind, sample.read), "{text}");
        check(&place, &report, text);
    }
}

/// Puts bytes behind a text.
fn behind(bytes: &[u8], text: &str, more: &[u8]) -> Vec<u8> {
    let text = text.as_bytes();
    let found = bytes.windows(text.len()).position(|part| part == text);
    let (before, after) = bytes.split_at(found.unwrap() + text.len());
    [before, more, after].concat()
}

fn assert_replaced(place: &Place, text: &str) {
    let chunks = place.chunks();
    let lossy: Vec<_> = chunks
        .values()
        .filter(|chunk| chunk.place.fidelity.lossy)
        .collect();
    assert_eq!(lossy.len(), 1, "{text}");
    assert!(
        lossy[0].text.contains(&format!("{text}\u{fffd}")),
        "{}",
        lossy[0].text
    );
}

#[test]
fn half_a_character_costs_one_character() {
    each(
        |bytes, text| behind(bytes, text, b"\\ud83d"),
        |place, report, text| {
            assert!(report.complete, "{report:?}");
            assert!(report.warnings[0].contains("halves"), "{report:?}");
            assert_replaced(place, text);
        },
    );
}

#[test]
fn a_byte_that_is_no_text_costs_one_character_and_is_damage() {
    each(
        |bytes, text| behind(bytes, text, b"\xff"),
        |place, report, text| {
            assert!(!report.complete, "{report:?}");
            assert_replaced(place, text);
        },
    );
}

#[test]
fn a_byte_order_mark_costs_nothing() {
    each(
        |bytes, _| [b"\xef\xbb\xbf", bytes].concat(),
        |_, report, _| assert!(report.complete && report.warnings.is_empty(), "{report:?}"),
    );
}

#[test]
fn a_transcript_is_read_in_spite_of_a_byte() {
    let place = Place::new();
    let path = write(&place, "talk.txt", "");
    let text = b"\xef\xbb\xbf> Which port?\n\n8443 \xff.\n\n> And for staging?\n\n6432.\n";
    fs::write(&path, text).unwrap();
    let report = place.import(Path::new(&path));
    assert_eq!((report.kind, report.imported), (ImportKind::Transcript, 4));
    assert_replaced(&place, "8443 ");
}
