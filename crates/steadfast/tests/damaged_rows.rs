//! The bad day: a row, an entry or a whole file of the store is not what was written, and SQLite does not mind. One row
//! must not cost the others their answer, and an answer that lacks it must say so, before and after the indexes were
//! made anew.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::path::PathBuf;

use rusqlite::Connection;
use steadfast::{
    Answer, Derived, Journal, Memory, Mode, Note, SearchRequest, Selection, Silent,
    model::Fault as _,
};
use tempfile::TempDir;

/// What a check in passing would find is not asked for here: every store is opened anew.
struct Place(TempDir);

impl Place {
    /// A closed store of a few notes, all in both indexes.
    fn new() -> Self {
        let place = Self(TempDir::new().unwrap());
        let memory = Memory::options()
            .create(true)
            .journal(Journal::Truncate)
            .open(place.store())
            .unwrap();
        for animal in ["otter", "heron", "badger", "weasel", "marten"] {
            let note = Note::new(format!("The {animal} lives beside the river Aller."));
            memory.remember(&note).unwrap();
        }
        memory.rebuild(Derived::All, &Silent).unwrap();
        place
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    fn database(&self) -> PathBuf {
        self.store().join("steadfast.db")
    }

    fn open(&self) -> Memory {
        Memory::open(self.store()).unwrap()
    }

    fn sql(&self, sql: &str) {
        let connection = Connection::open(self.database()).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn ask(&self, question: &str, mode: Mode) -> Answer {
        let mut request = SearchRequest::new(question);
        request.mode = mode;
        self.open().search(&request).unwrap()
    }
}

fn not_searched(answer: &Answer) -> Vec<(&str, u64)> {
    let reasons = answer.coverage.not_searched.iter();
    reasons.map(|it| (it.reason.as_str(), it.count)).collect()
}

fn texts(answer: &Answer) -> Vec<&str> {
    answer
        .hits
        .iter()
        .map(|hit| hit.chunk.text.as_str())
        .collect()
}

/// Forgets the best hit of a question.
fn forget(memory: &Memory, question: &str) {
    let found = memory.search(&SearchRequest::new(question)).unwrap();
    let mut selection = Selection::default();
    selection.ids = vec![found.hits[0].chunk.id.to_string()];
    let plan = memory.plan_forget(&selection).unwrap();
    memory.forget(&plan).unwrap();
}

#[test]
fn what_cannot_be_read_when_an_index_is_made_is_told_for_ever() {
    for (rot, mode, reason) in [
        (
            "UPDATE chunks SET text = CAST('The owl' AS BLOB) WHERE text LIKE '%otter%'",
            Mode::Text,
            "text_damaged",
        ),
        (
            "UPDATE vectors SET hash = zeroblob(16) WHERE vector_key = (SELECT min(vector_key) FROM vectors)",
            Mode::Vector,
            "vector_damaged",
        ),
    ] {
        let place = Place::new();
        place.sql(rot);
        let told = |what: &str| {
            let answer = place.ask("the river", mode);
            assert_eq!(not_searched(&answer), [(reason, 1)], "{what}");
            assert!(!answer.coverage.complete, "{what}");
            assert_eq!(answer.coverage.in_scope, 5, "{what}");
        };
        fs::rename(place.store().join("index"), place.0.path().join("gone")).unwrap();
        told("without an index");
        place.open().rebuild(Derived::All, &Silent).unwrap();
        told("after a rebuild");
        let memory = place.open();
        memory
            .remember(&Note::new("A mole digs in the bank."))
            .unwrap();
        memory.rebuild(Derived::All, &Silent).unwrap();
        forget(&memory, "mole");
        drop(memory);
        told("after a forget");
    }
}

#[test]
fn one_row_that_says_nothing_sensible_costs_no_other_hit() {
    for rot in [
        "UPDATE facets SET meta = '{' WHERE facet = 1",
        "UPDATE facets SET kind = 99 WHERE facet = 1",
        "UPDATE facets SET tags = '7' WHERE facet = 1",
        "UPDATE chunks SET start_line = -5 WHERE row = 1",
        "UPDATE documents SET namespace = 'a' || char(27) WHERE document = 1",
        "DELETE FROM chunks WHERE row = 1",
        "DELETE FROM documents WHERE document = 1",
        "DELETE FROM facets WHERE facet = 1",
    ] {
        let place = Place::new();
        place.sql(rot);
        for mode in [Mode::Hybrid, Mode::Text, Mode::Vector] {
            let answer = place.ask("the river", mode);
            assert_eq!(answer.hits.len(), 4, "{rot} {mode:?}");
            assert!(!answer.coverage.complete, "{rot} {mode:?}");
        }
    }
}

#[test]
fn a_row_that_the_order_of_its_document_lacks_is_found() {
    let place = Place::new();
    // What SQLite's own index lacks after a write that was lost.
    place.sql(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, 'removed_seq IS NULL', 'removed_seq IS NULL AND row > 2')
         WHERE name = 'chunks_order';
         PRAGMA writable_schema = RESET; REINDEX chunks_order;
         PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET sql = replace(sql, ' AND row > 2', '') WHERE name = 'chunks_order';
         PRAGMA writable_schema = RESET;",
    );
    let answer = place.ask("the river", Mode::Hybrid);
    assert_eq!(answer.hits.len(), 5);
    let report = place.open().verify(&Silent).unwrap();
    let codes: Vec<&str> = report.findings.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["file_damaged"]);
}

#[test]
fn an_index_whose_entry_is_gone_is_made_anew() {
    let place = Place::new();
    place.sql("DELETE FROM indexes");
    let answer = place.ask("the river", Mode::Hybrid);
    assert_eq!((answer.hits.len(), answer.coverage.in_scope), (5, 5));
    assert!(answer.coverage.complete && !answer.coverage.degraded.is_empty());
    place.open().rebuild(Derived::All, &Silent).unwrap();
    assert!(
        place
            .ask("the river", Mode::Hybrid)
            .coverage
            .degraded
            .is_empty()
    );
}

#[test]
fn an_index_of_another_history_of_the_same_store_does_not_count() {
    let place = Place::new();
    let copy = |from: PathBuf, name: &str| {
        let to = place.0.path().join(name);
        fs::copy(from, &to).unwrap();
        to
    };
    let remember = |text: &str| {
        let memory = place.open();
        memory.remember(&Note::new(text)).unwrap();
        memory.rebuild(Derived::All, &Silent).unwrap();
    };
    let before = copy(place.database(), "before");
    remember("Zebras and giraffes graze.");
    let first = copy(place.database(), "first");
    fs::copy(before, place.database()).unwrap();
    remember("Lava flows from volcanoes.");
    // The numbers of its commits and publications are those of the index that is there.
    fs::copy(first, place.database()).unwrap();
    for (question, hits) in [("zebras giraffes", 1), ("lava volcanoes", 0)] {
        let answer = place.ask(question, Mode::Text);
        assert_eq!(texts(&answer).len(), hits, "{question}");
        assert!(answer.coverage.complete);
    }
}

#[test]
fn a_handle_that_is_open_obeys_a_newer_schema() {
    let place = Place::new();
    let memory = place.open();
    memory.search(&SearchRequest::new("river")).unwrap();
    place.sql("PRAGMA user_version = 99");
    let before = fs::read(place.database()).unwrap();
    let refused = [
        memory.search(&SearchRequest::new("river")).err(),
        memory.remember(&Note::new("from an older version")).err(),
    ];
    for error in refused {
        assert_eq!(error.map(|it| it.kind()), Some("schema_too_new"));
    }
    assert!(fs::read(place.database()).unwrap() == before);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_segment_is_not_waited_for() {
    let place = Place::new();
    let folder = place.store().join("index/text");
    let entries = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let segment = entries
        .into_iter()
        .find(|it| it.extension().is_some())
        .unwrap();
    fs::rename(&segment, place.0.path().join("segment")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&segment).status();
    assert!(made.unwrap().success());
    let answer = place.ask("the river", Mode::Hybrid);
    assert_eq!(answer.hits.len(), 5);
    assert!(answer.coverage.complete && !answer.coverage.degraded.is_empty());
}

#[test]
fn what_is_forgotten_leaves_indexes_that_were_set_aside_too() {
    let place = Place::new();
    let folder = place.store().join("index/text");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(path, bytes).unwrap();
    }
    let memory = place.open();
    memory.rebuild(Derived::All, &Silent).unwrap();
    let aside = place.store().join("quarantine/index-text-0001");
    assert!(aside.is_dir());
    forget(&memory, "otter");
    assert!(!aside.exists());
}

#[test]
fn phrases_are_the_same_with_and_without_an_index() {
    let place = Place::new();
    let ask = || {
        let mut request = SearchRequest::new("where");
        request.phrases = vec!["heron lives".to_owned(), "river aller".to_owned()];
        request.left_out = vec!["otter".to_owned()];
        let answer = place.open().search(&request).unwrap();
        assert!(answer.coverage.complete);
        texts(&answer).join(" ")
    };
    let with = ask();
    assert_eq!(with, "The heron lives beside the river Aller.");
    fs::rename(place.store().join("index"), place.0.path().join("gone")).unwrap();
    assert_eq!(ask(), with);
}
