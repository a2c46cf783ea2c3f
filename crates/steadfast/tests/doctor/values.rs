//! Values that no hash protects are not what can be read: numbers out of range, no JSON, no name, counters that are
//! behind. A look names them, a repair mends them, tells it, and can be done once more.

use steadfast::model::Fault as _;
use steadfast::{BackupOptions, Memory};

use crate::place::{Place, codes, steps};

#[test]
fn values_that_do_not_decode_are_told_mended_and_come_back_from_the_files() {
    let place = Place::new();
    let before = place.texts();
    place.sql(
        "UPDATE facets SET kind = 99 WHERE facet = 3;
         UPDATE facets SET meta = 'x' WHERE facet = 4;
         UPDATE facets SET tags = '[1]' WHERE facet = 5;
         UPDATE facets SET trust = -1 WHERE facet = 6;
         UPDATE facets SET title = CAST(x'ff' AS TEXT) WHERE facet = 7;
         UPDATE chunks SET start_line = -5 WHERE row = 50;
         UPDATE chunks SET end_line = 1099511627776 WHERE row = 60;
         UPDATE chunks SET fidelity = 999 WHERE row = 70;
         UPDATE chunks SET position = -1 WHERE row = 80;
         UPDATE chunks SET heading_path = CAST(x'ff' AS TEXT) WHERE row = 90;
         UPDATE documents SET status = 77 WHERE document = 20;
         UPDATE documents SET size = NULL WHERE document = 21;
         INSERT INTO jobs (kind, key, payload, state, attempt, due_ms) VALUES ('none', 'k', '', 9, -1, 0);",
    );
    let found = place.examine();
    let told = found
        .findings
        .iter()
        .find(|found| found.code == "values_unreadable")
        .unwrap();
    assert_eq!(told.count, 13, "{told:?}");
    assert!(told.ids.len() >= 10, "{told:?}");
    assert!(steps(&found).contains(&"salvage"), "{found:?}");
    let done = place.repair();
    assert_eq!(codes(&done), ["values_mended"], "{:?}", done.findings);
    assert_eq!(done.findings[0].count, 14, "{:?}", done.findings);
    assert_eq!(done.rows_after, Some(400), "{:?}", done.applied);
    assert_eq!(place.texts(), before);
    place.assert_sound();
    let live = "SELECT count(DISTINCT kind) FROM facets WHERE live > 0";
    assert_eq!(
        place.number(live),
        2,
        "files are Markdown again, and notes notes"
    );
    assert_eq!(place.repair().applied, Vec::<String>::new());
}

#[test]
fn a_name_that_is_none_does_not_block_the_repair_of_the_rest() {
    let place = Place::new();
    place.sql(
        "UPDATE documents SET namespace = 'd' || char(27) || 'fault' WHERE document = 2;
         UPDATE documents SET namespace = '' WHERE document = 3;
         UPDATE documents SET source = (SELECT source FROM documents WHERE document = 5), namespace = char(7)
             WHERE document = 4;
         UPDATE chunks SET text = x'41' WHERE document IN (2, 9) AND position = 1",
    );
    assert!(codes(&place.examine()).contains(&"values_unreadable"));
    let done = place.repair();
    assert!(codes(&done).contains(&"values_mended"), "{done:?}");
    assert_eq!(done.rows_after, Some(400), "{:?}", done.applied);
    let texts = place.texts();
    assert_eq!(
        texts
            .iter()
            .filter(|text| text.starts_with("dfault:"))
            .count(),
        6
    );
    assert_eq!(
        texts
            .iter()
            .filter(|text| text.starts_with("default-4:"))
            .count(),
        6
    );
    place.assert_sound();
    assert_eq!(place.repair().applied, Vec::<String>::new());
}

#[test]
fn numbers_out_of_range_do_not_block_the_repair() {
    let place = Place::new();
    let before = place.texts();
    place.sql(
        "UPDATE chunks SET row = 4294967296 + row WHERE row = 6;
         UPDATE chunks SET row = -7 WHERE row = 390;
         UPDATE chunks SET row = 9223372036854775807 WHERE row = 8;
         UPDATE documents SET document = 9223372036854775807 WHERE document = 5;
         UPDATE facets SET facet = -3 WHERE facet = 4;
         UPDATE chunks SET facet = -9 WHERE row = 20;
         UPDATE chunks SET facet = 1 WHERE row = 300;
         UPDATE store SET next_facet = 9223372036854775807",
    );
    let found = place.examine();
    assert!(codes(&found).contains(&"values_unreadable"), "{found:?}");
    let done = place.repair();
    assert!(codes(&done).contains(&"values_mended"), "{done:?}");
    assert_eq!((done.rows_before, done.rows_after), (Some(400), Some(400)));
    assert_eq!(place.texts(), before);
    place.assert_sound();
    assert_eq!(
        place.number("SELECT max(row) < 410 AND min(row) > 0 FROM chunks"),
        1
    );
    assert_eq!(place.number("SELECT next_facet < 1000 FROM store"), 1);
    assert_eq!(place.repair().applied, Vec::<String>::new());
}

#[test]
fn a_length_that_is_not_that_of_the_text_is_counted_anew() {
    for accounts in ["", "UPDATE store SET live_tokens = live_tokens + 5"] {
        let place = Place::new();
        let tokens = place.number("SELECT tokens FROM chunks WHERE row = 3");
        place.sql("UPDATE chunks SET tokens = tokens + 5 WHERE row = 3");
        place.sql(accounts);
        assert!(codes(&place.examine()).contains(&"text_index_differs"));
        let done = place.repair();
        assert_eq!(
            (codes(&done), done.rows_after),
            (Vec::new(), Some(400)),
            "{accounts}"
        );
        assert_eq!(
            place.number("SELECT tokens FROM chunks WHERE row = 3"),
            tokens
        );
        place.assert_sound();
    }
}

#[test]
fn a_counter_that_would_give_out_numbers_again_is_told_and_mended() {
    for counter in ["seq", "next_row", "next_document", "next_facet"] {
        let place = Place::new();
        let right = place.number(&format!("SELECT {counter} FROM store"));
        place.sql(&format!("UPDATE store SET {counter} = 1"));
        let found = place.examine();
        assert!(
            codes(&found).contains(&"counts_differ"),
            "{counter} {found:?}"
        );
        assert!(steps(&found).contains(&"salvage"), "{counter}");
        let done = place.repair();
        assert_eq!(
            (codes(&done), done.rows_after),
            (Vec::new(), Some(400)),
            "{counter}"
        );
        assert_eq!(place.number(&format!("SELECT {counter} FROM store")), right);
        place.assert_sound();
    }
}

#[test]
fn a_wrong_count_in_one_place_is_not_a_loss() {
    let place = Place::new();
    place.sql("UPDATE documents SET chunks = chunks + 1000 WHERE document = 7");
    let done = place.repair();
    assert_eq!((done.rows_before, done.rows_after), (Some(400), Some(400)));
    assert!(
        done.applied
            .iter()
            .any(|line| line.contains("0 could not be found")),
        "{:?}",
        done.applied
    );
}

#[test]
fn a_backup_of_a_store_with_a_wrong_count_names_the_store() {
    let place = Place::new();
    place.sql("UPDATE store SET live_chunks = live_chunks + 1");
    let memory = Memory::open(place.store()).unwrap();
    let error = memory
        .backup(
            place.folder.path().join("a.backup"),
            BackupOptions::default(),
        )
        .unwrap_err();
    assert_eq!(error.kind(), "damaged", "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("steadfast doctor"), "{hint}");
    assert!(error.to_string().contains(place.store().to_str().unwrap()));
}
