//! What is in the store with another text stays, gives way, or is there twice, as was asked for; and the counts say so.

use std::fs;

use serde_json::json;
use steadfast::collection::{CollectionOptions, Records};
use steadfast::{
    ExportOptions, ImportOptions, ImportReport, IndexOptions, Memory, OnConflict, Silent,
};

use crate::support::Place;

fn list(place: &Place, name: &str, lines: &[serde_json::Value]) -> std::path::PathBuf {
    let file = place.path(name);
    let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    file
}

fn import(memory: &Memory, file: &std::path::Path, on_conflict: OnConflict) -> ImportReport {
    let mut options = ImportOptions::default();
    options.on_conflict = on_conflict;
    let report = memory.import(file, &options, &Silent).unwrap();
    assert!(report.adds_up(), "{report:?}");
    report
}

fn texts(memory: &Memory) -> Vec<String> {
    let listing = memory.list(&steadfast::ListRequest::default()).unwrap();
    let mut texts: Vec<String> = listing.chunks.into_iter().map(|chunk| chunk.text).collect();
    texts.sort();
    texts
}

fn counts(report: &ImportReport) -> (u64, u64, u64, u64) {
    (
        report.imported,
        report.reused,
        report.updated,
        report.refused,
    )
}

#[test]
fn a_row_with_another_text_is_refused_replaced_or_kept_beside() {
    for (on_conflict, expected, kept) in [
        (OnConflict::Skip, (0, 1, 0, 1), vec!["same", "ten"]),
        (OnConflict::Update, (0, 1, 1, 0), vec!["eleven", "same"]),
        (
            OnConflict::Duplicate,
            (1, 1, 0, 0),
            vec!["eleven", "same", "ten"],
        ),
    ] {
        let place = Place::new();
        let memory = place.store("store");
        let row = |id: &str, text: &str| json!({"id": id, "source": "s", "text": text});
        let first = list(&place, "first.jsonl", &[row("a", "ten"), row("b", "same")]);
        let second = list(
            &place,
            "second.jsonl",
            &[row("a", "eleven"), row("b", "same")],
        );
        import(&memory, &first, on_conflict);
        assert_eq!(counts(&import(&memory, &second, on_conflict)), expected);
        assert_eq!(texts(&memory), kept);
        // A third time there is nothing left to bring, whatever is asked for.
        let again = import(&memory, &second, on_conflict);
        assert_eq!((again.imported, again.updated), (0, 0), "{again:?}");
        assert_eq!(texts(&memory), kept);
    }
}

#[test]
fn a_file_that_was_indexed_here_too_is_not_mixed_with_its_other_version() {
    let place = Place::new();
    let file = place.path("notes.md");
    // Long enough that each section is a chunk of its own.
    let body = |word: &str| {
        let section = |word: &str| format!("A {word} sentence of the section. ").repeat(60);
        format!(
            "---\ndate: 2026-01-02\n---\n# One\n\n{}\n\n# Two\n\n{}\n",
            section(word),
            section("same")
        )
    };
    let index = |memory: &Memory, body: &str| {
        fs::write(&file, body).unwrap();
        memory
            .index(
                std::slice::from_ref(&file),
                &IndexOptions::default(),
                &Silent,
            )
            .unwrap();
    };
    let there = place.store("there");
    index(&there, &body("old"));
    let bundle = place.export(&there, "a.bundle", &ExportOptions::default());
    for (on_conflict, expected, words) in [
        (OnConflict::Skip, (0, 2, 0, 1), "new"),
        (OnConflict::Update, (0, 2, 1, 0), "old"),
    ] {
        let here = place.store(words);
        index(&here, &body("new"));
        assert_eq!(counts(&import(&here, &bundle, on_conflict)), expected);
        let texts = texts(&here);
        assert_eq!(texts.len(), 3, "{texts:?}");
        assert!(texts.iter().any(|text| text.contains(words)), "{texts:?}");
    }
}

#[test]
fn a_record_that_differs_is_never_there_twice() {
    let place = Place::new();
    let fill = |memory: &Memory, document: &str| {
        memory
            .collections()
            .get_or_create_collection("drawers", &CollectionOptions::default())
            .unwrap()
            .upsert(&Records::new(["a", "b"]).documents([document, "same"]))
            .unwrap();
    };
    let there = place.store("there");
    fill(&there, "theirs");
    let bundle = place.export(&there, "a.bundle", &ExportOptions::default());
    for (on_conflict, expected, reason) in [
        (OnConflict::Skip, (0, 1, 0, 1), Some("differs_from_store")),
        (OnConflict::Duplicate, (0, 1, 0, 1), Some("id_is_taken")),
        (OnConflict::Update, (0, 1, 1, 0), None),
    ] {
        let here = place.store(&format!("{on_conflict:?}"));
        fill(&here, "ours");
        let report = import(&here, &bundle, on_conflict);
        assert_eq!(counts(&report), expected);
        let found = report
            .refusals
            .first()
            .map(|refusal| refusal.reason.as_str());
        assert_eq!(found, reason);
        let drawers = here.collections().get_collection("drawers").unwrap();
        assert_eq!(drawers.count().unwrap(), 2);
    }
}
