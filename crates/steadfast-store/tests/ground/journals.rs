//! Both journals, and the way from one to the other: rows stay, side files go.

use std::path::Path;

use steadfast_model::Change;
use steadfast_store::Journal;
use steadfast_store::sqlite::DATABASE;

use super::support::{assert_sound, commit, files, open, put, texts};

/// Returns the version of the file format in the header: 1 for rollback journals, 2 for WAL.
fn header_version(folder: &Path) -> u8 {
    files(folder)[DATABASE][18]
}

fn side_files(folder: &Path) -> Vec<String> {
    let with_bytes = files(folder).into_iter().filter(|(name, bytes)| {
        name.ends_with("-wal")
            || name.ends_with("-shm")
            || (name.ends_with("-journal") && !bytes.is_empty())
    });
    with_bytes.map(|(name, _)| name).collect()
}

#[test]
fn the_truncate_journal_leaves_no_side_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Journal::Truncate);
    assert_eq!(store.journal(), "truncate");
    commit(&store, Change::Put(put("/a", &["alpha"])));
    drop(store.snapshot().unwrap());
    for name in ["-wal", "-shm"] {
        assert!(
            !folder.path().join(format!("{DATABASE}{name}")).exists(),
            "{name} while open"
        );
    }
    drop(store);
    assert_eq!(side_files(folder.path()), [""; 0]);
    assert_eq!(header_version(folder.path()), 1);
    assert_eq!(
        open(folder.path(), Journal::Auto).journal(),
        "truncate",
        "it is kept"
    );
}

#[test]
fn wal_is_written_back_by_the_last_to_leave() {
    let folder = tempfile::tempdir().unwrap();
    let (one, two) = (
        open(folder.path(), Journal::Wal),
        open(folder.path(), Journal::Wal),
    );
    commit(&one, Change::Put(put("/a", &["alpha"])));
    commit(&two, Change::Put(put("/b", &["beta"])));
    drop(one);
    assert_eq!(texts(&two).len(), 2);
    drop(two);
    assert_eq!(side_files(folder.path()), [""; 0]);
    assert_eq!(texts(&open(folder.path(), Journal::Auto)).len(), 2);
}

#[test]
fn a_log_that_a_reader_kept_in_use_starts_over_when_it_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Journal::Wal);
    commit(&store, Change::Put(put("/a", &["alpha"])));
    let log = || std::fs::metadata(folder.path().join(format!("{DATABASE}-wal"))).unwrap();
    let view = store.snapshot().unwrap();
    assert_eq!(view.live_rows().unwrap().iter().count(), 1);
    // Three commits of some 20 MB, in each of which the log is written back as far as the reader lets it be.
    for letter in ["b", "c", "d"] {
        let text = letter.repeat(20 << 20);
        commit(&store, Change::Put(put(&format!("/{letter}"), &[&text])));
    }
    assert!(log().len() > 60 << 20, "{}", log().len());
    drop(view);
    let text = "e".repeat(20 << 20);
    commit(&store, Change::Put(put("/e", &[&text])));
    assert_eq!(log().len(), 0);
    assert_eq!(texts(&store).len(), 5);
}

#[test]
fn rows_stay_from_one_journal_to_the_other_and_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut wanted = Vec::new();
    let order = [
        (Journal::Wal, "wal"),
        (Journal::Truncate, "truncate"),
        (Journal::Auto, "truncate"),
        (Journal::Wal, "wal"),
        (Journal::Auto, "wal"),
        (Journal::Truncate, "truncate"),
    ];
    for (step, (journal, in_force)) in order.into_iter().enumerate() {
        let store = open(folder.path(), journal);
        assert_eq!(store.journal(), in_force, "step {step}");
        assert_eq!(texts(&store).into_values().collect::<Vec<_>>(), wanted);
        let text = format!("step {step}");
        commit(&store, Change::Put(put(&format!("/{step}"), &[&text])));
        wanted.push(text);
        assert_eq!(texts(&store).into_values().collect::<Vec<_>>(), wanted);
        assert_sound(&store);
        drop(store);
        let version = if in_force == "wal" { 2 } else { 1 };
        assert_eq!(header_version(folder.path()), version, "step {step}");
        assert_eq!(side_files(folder.path()), [""; 0], "step {step}");
    }
}

/// A store that another process converted while a handle was open: its writer had written, or not yet.
#[test]
fn a_conversion_by_another_process_is_followed_and_not_undone() {
    for has_written in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        drop(open(folder.path(), Journal::Truncate));
        let server = open(folder.path(), Journal::Auto);
        let secret = "the secret word is ZZZQ, and there is more to it";
        if has_written {
            commit(&server, Change::Put(put("/secret", &[secret])));
        }
        let other = open(folder.path(), Journal::Wal);
        assert_eq!(other.journal(), "wal");
        if has_written {
            commit(&other, Change::Put(put("/b", &["beta"])));
        } else {
            commit(&other, Change::Put(put("/secret", &[secret])));
        }
        drop(other);
        commit(&server, Change::Put(put("/c", &["gamma"])));
        assert_eq!(server.journal(), "wal");
        assert_eq!(header_version(folder.path()), 2, "it was converted back");
        let rows = texts(&server);
        let row = rows.iter().find(|(_, text)| *text == secret).unwrap().0;
        let forget = Change::Forget {
            rows: vec![*row],
            documents: Vec::new(),
        };
        commit(&server, forget);
        assert!(server.scrub().unwrap());
        for (name, bytes) in files(folder.path()) {
            let found = bytes.windows(4).any(|four| four == b"ZZZQ");
            assert!(!found, "{name} holds what was forgotten");
        }
        assert_sound(&server);
    }
}
