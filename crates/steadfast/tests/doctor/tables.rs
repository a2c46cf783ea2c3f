//! Whole tables are gone, are not what they should be, or hold what is of another: nothing of one becomes part of
//! another, and what is lost is told.

use steadfast::model::{Fault as _, Severity};
use steadfast::{Memory, Note, SearchRequest, Selection};

use crate::place::{Place, codes, steps};

#[test]
fn rows_of_one_table_do_not_become_those_of_another() {
    let place = Place::new();
    let before = place.texts();
    place.sql(
        "INSERT INTO intervals SELECT row, 1700000000000 + row, 1700000001000 + row FROM chunks WHERE row < 20;
         INSERT INTO late_vectors SELECT row, added_seq FROM chunks WHERE row < 20;
         INSERT INTO assignments VALUES (3, '{}')",
    );
    for table in ["record_ranges", "assignments"] {
        place.zero_root(table);
    }
    let done = place.repair();
    assert_eq!(done.rows_after, Some(400), "{:?}", done.applied);
    assert_eq!(place.number("SELECT count(*) FROM record_ranges"), 0);
    assert_eq!(place.number("SELECT count(*) FROM assignments"), 0);
    assert_eq!(place.number("SELECT count(*) FROM intervals"), 19);
    assert_eq!(place.texts(), before);
    place.assert_sound();
    let answer = Memory::open(place.store())
        .unwrap()
        .search(&SearchRequest::new("pump 3 runs"))
        .unwrap();
    assert!(!answer.hits.is_empty() && answer.coverage.complete);
}

#[test]
fn rows_that_hide_what_they_must_not_are_left_out() {
    let place = Place::new();
    // A range beyond all rows, and one that ends before it begins.
    place
        .sql("INSERT INTO record_ranges VALUES (401, 4000000000, 1), (5000, 6000, 1), (90, 80, 1)");
    let found = place.examine();
    assert!(codes(&found).contains(&"values_unreadable"), "{found:?}");
    let done = place.repair();
    assert_eq!(codes(&done), ["values_mended"], "{:?}", done.findings);
    assert_eq!(place.number("SELECT count(*) FROM record_ranges"), 0);
    assert_eq!(place.number("SELECT next_row FROM store"), 401);
    place.assert_sound();
}

#[test]
fn a_table_whose_rows_are_lost_is_told_with_what_it_means() {
    for (table, row) in [
        ("commits", "DELETE FROM commits WHERE seq > 3; VACUUM"),
        ("changes", "INSERT INTO changes VALUES (3, 5, '{}')"),
        (
            "idempotency",
            "INSERT INTO idempotency VALUES ('default', 'key', zeroblob(32), 5, '[5]')",
        ),
        (
            "roots",
            "INSERT OR IGNORE INTO roots VALUES ('/nowhere', '', 1, '{}')",
        ),
    ] {
        let place = Place::new();
        let before = place.texts();
        place.sql(row);
        place.zero_root(table);
        let done = place.repair();
        assert_eq!(codes(&done), ["table_incomplete"], "{table}");
        let told = &done.findings[0];
        assert_eq!(told.severity, Severity::Warning);
        assert!(told.what.contains(&format!("`{table}`")), "{told:?}");
        assert_eq!(place.texts(), before, "{table}");
        place.assert_sound();
    }
}

#[test]
fn a_log_without_the_page_above_its_pages_is_whole() {
    let place = Place::new();
    let commits = place.number("SELECT count(*) FROM commits");
    place.zero_root("commits");
    assert!(codes(&place.examine()).contains(&"file_damaged"));
    assert_eq!(codes(&place.repair()), Vec::<&str>::new());
    assert_eq!(place.number("SELECT count(*) FROM commits"), commits);
}

#[test]
fn nothing_is_indexed_again_when_what_was_forgotten_is_not_known() {
    let place = Place::new();
    let memory = Memory::open(place.store()).unwrap();
    let answer = memory
        .search(&SearchRequest::new("File 7 says that pump 1"))
        .unwrap();
    let secret = answer
        .hits
        .iter()
        .find(|hit| hit.chunk.text.contains("File 7 says that pump 1"))
        .unwrap();
    let mut selection = Selection::default();
    selection.ids = vec![secret.chunk.id.to_string()];
    let plan = memory.plan_forget(&selection).unwrap();
    memory.forget(&plan).unwrap();
    drop(memory);
    let before = place.texts();
    place.zero_root("forgotten");
    // Another text of the same file rots: the file would bring it back, and the secret with it.
    place.damage(|bytes| {
        let text = b"File 7 says that pump 4";
        let at = bytes.windows(text.len()).position(|it| it == text).unwrap();
        bytes[at] ^= 1;
    });
    let done = place.repair();
    assert_eq!(codes(&done), ["table_incomplete", "source_not_rebuilt"]);
    assert!(done.findings[0].what.contains("forgotten"), "{done:?}");
    assert_eq!((done.rows_before, done.rows_after), (Some(399), Some(398)));
    assert!(place.texts().is_subset(&before));
    place.assert_sound();
}

#[test]
fn a_schema_number_that_cannot_be_right_is_told_and_mended() {
    for number in [3, 1, 0, -3] {
        let place = Place::new();
        let before = place.texts();
        place.sql(&format!("PRAGMA user_version={number}"));
        let error = Memory::open(place.store()).err().unwrap();
        assert_eq!(error.kind(), "damaged", "{number}: {error}");
        let found = place.examine();
        assert_eq!(
            (codes(&found), steps(&found)),
            (vec!["file_damaged"], vec!["salvage", "rebuild"]),
            "{number}"
        );
        let done = place.repair();
        assert_eq!((codes(&done), done.rows_after), (Vec::new(), Some(400)));
        assert_eq!(place.texts(), before);
        place.assert_sound();
    }
}

#[test]
fn tables_that_an_older_store_does_not_have_yet_are_not_missed() {
    let place = Place::new();
    place.sql(
        "DROP TABLE roots; DROP TABLE assignments; DROP TABLE late_vectors; DROP INDEX documents_stale;
         DROP TABLE intervals; PRAGMA user_version=2",
    );
    place.damage(|bytes| {
        let page = crate::place::page_of(bytes, "File 9 says that pump 4");
        bytes[page * crate::place::PAGE..(page + 1) * crate::place::PAGE].fill(0);
    });
    let done = place.repair();
    assert_eq!((codes(&done), done.rows_after), (Vec::new(), Some(400)));
    place.assert_sound();
}

#[test]
fn a_schema_of_another_shape_is_told_and_made_anew() {
    for (statement, left) in [
        ("DROP INDEX chunks_order", vec![]),
        (
            "DROP INDEX facets_document; CREATE INDEX facets_document ON facets (kind)",
            vec![],
        ),
        (
            "ALTER TABLE roots RENAME TO trees",
            vec!["table_incomplete"],
        ),
        ("DROP TABLE jobs", vec!["table_incomplete"]),
        (
            "CREATE VIEW late AS SELECT 1; CREATE TABLE mine (a)",
            vec![],
        ),
    ] {
        let place = Place::new();
        let before = place.texts();
        let roots = place.number("SELECT count(*) FROM roots");
        place.sql(statement);
        let found = place.examine();
        assert_eq!(
            (codes(&found), steps(&found)),
            (vec!["schema_differs"], vec!["salvage", "rebuild"]),
            "{statement}"
        );
        let done = place.repair();
        assert_eq!(
            (codes(&done), done.rows_after),
            (left, Some(400)),
            "{statement}"
        );
        assert_eq!(place.texts(), before, "{statement}");
        assert_eq!(
            place.number("SELECT count(*) FROM roots"),
            roots,
            "{statement}"
        );
        assert_eq!(place.repair().applied, Vec::<String>::new(), "{statement}");
    }
}

#[test]
fn a_trigger_of_a_foreign_hand_never_runs() {
    let place = Place::new();
    place.sql(
        "CREATE TRIGGER t AFTER INSERT ON chunks BEGIN DELETE FROM chunks WHERE row = new.row; END",
    );
    let memory = Memory::open(place.store()).unwrap();
    memory
        .remember(&Note::new("The zebra is in the yard."))
        .unwrap();
    drop(memory);
    assert_eq!(codes(&place.examine()), ["schema_differs"]);
    let done = place.repair();
    assert_eq!((codes(&done), done.rows_after), (Vec::new(), Some(401)));
    assert!(place.texts().iter().any(|text| text.contains("zebra")));
    assert_eq!(
        place.number("SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'"),
        0
    );
}
