//! Two handles of one process on one store. The bad day: one of them is closed, and with it go the locks of the other,
//! as POSIX locks do when any descriptor of the file is closed.

use rusqlite::{Connection, ErrorCode};
use steadfast_model::Change;
use steadfast_store::sqlite::DATABASE;
use steadfast_store::{Journal, SqliteStore, StoreError};

use super::support::{
    BOTH_JOURNALS, as_second_process, assert_sound, commit, open, options, put, second_process,
    texts,
};

/// Asks, as another process, for the lock that nobody may have while somebody reads.
#[test]
fn second_process_that_wants_the_file_alone() {
    let Some((folder, role)) = as_second_process() else {
        return;
    };
    let connection = Connection::open(folder.join(DATABASE)).unwrap();
    connection.busy_timeout(std::time::Duration::ZERO).unwrap();
    connection
        .execute_batch("PRAGMA locking_mode=EXCLUSIVE")
        .unwrap();
    let got = connection.execute_batch("BEGIN EXCLUSIVE; CREATE TABLE mine (a); ROLLBACK");
    match role.as_str() {
        "refused" => {
            let code = got.unwrap_err().sqlite_error_code();
            assert_eq!(code, Some(ErrorCode::DatabaseBusy));
        }
        _ => got.unwrap(),
    }
}

pub(crate) fn another_process_is(role: &str, folder: &std::path::Path) {
    let test = "handles::second_process_that_wants_the_file_alone";
    let output = second_process(test, folder, role).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && told.contains("1 passed"),
        "{role}: {told}"
    );
}

#[test]
fn closing_one_handle_leaves_the_locks_of_the_other() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        let first = open(folder.path(), journal);
        commit(&first, Change::Put(put("/a", &["alpha"])));
        let view = first.snapshot().unwrap();
        assert_eq!(view.head().live_chunks, 1);
        another_process_is("refused", folder.path());
        // Opened, read, written and closed, each of which opens and closes files.
        for _ in 0..3 {
            let second = open(folder.path(), journal);
            assert_eq!(texts(&second).len(), 1);
            drop(second);
        }
        if journal == Journal::Wal {
            let second = open(folder.path(), journal);
            commit(&second, Change::Put(put("/b", &["beta"])));
            drop(second);
        }
        another_process_is("refused", folder.path());
        assert_eq!(
            view.head().live_chunks,
            1,
            "the view is still that of its moment"
        );
        #[cfg(unix)]
        if journal == Journal::Truncate {
            // The control: this is what a plain open and close would do, and what this test would see.
            drop(std::fs::File::open(folder.path().join(DATABASE)).unwrap());
            another_process_is("alone", folder.path());
        }
        drop(view);
        drop(first);
        another_process_is("alone", folder.path());
    }
}

#[test]
fn many_threads_make_one_store_and_none_loses_a_lock() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("store");
        let start = std::sync::Barrier::new(8);
        std::thread::scope(|scope| {
            for number in 0..8 {
                let (place, start) = (&place, &start);
                scope.spawn(move || {
                    start.wait();
                    let store = open(place, journal);
                    let text = format!("by {number}");
                    commit(&store, Change::Put(put(&format!("/{number}"), &[&text])));
                });
            }
        });
        let store = open(&place, Journal::Auto);
        assert_eq!(texts(&store).len(), 8);
        assert_sound(&store);
    }
}

#[test]
fn a_journal_is_not_converted_under_somebody_who_reads() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), Journal::Wal);
    commit(&first, Change::Put(put("/a", &["alpha"])));
    let view = first.snapshot().unwrap();
    let refused = SqliteStore::open(folder.path(), options(Journal::Truncate)).err();
    assert!(
        matches!(refused, Some(StoreError::Busy { .. })),
        "{refused:?}"
    );
    drop(view);
    assert_eq!(first.journal(), "wal");
    commit(&first, Change::Put(put("/b", &["beta"])));
    assert_eq!(texts(&first).len(), 2);
    drop(first);
    let alone = open(folder.path(), Journal::Truncate);
    assert_eq!((alone.journal(), texts(&alone).len()), ("truncate", 2));
}
