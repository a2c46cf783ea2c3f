//! Files that are not ours, too new, cut or emptied: a typed error, and not a byte changed.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;
use steadfast_model::{Change, CollectionChange, Distance, Fault as _, Metadata, Root, Row};
use steadfast_store::sqlite::DATABASE;
use steadfast_store::{Journal, OpenOptions, SqliteStore, StoreError};

use super::support::{BOTH_JOURNALS, commit, files, open, options, put, refused, texts};

fn store_with_texts(folder: &Path, journal: Journal) {
    let store = open(folder, journal);
    for document in 0..20 {
        let text = format!("text {document} {}", "filler ".repeat(100));
        commit(&store, Change::Put(put(&format!("/{document}"), &[&text])));
    }
}

/// Checks that every file is as it was; reading a WAL file makes SQLite add its shared memory and an empty log.
fn assert_unchanged(folder: &Path, before: &BTreeMap<String, Vec<u8>>) {
    for (name, bytes) in files(folder) {
        match before.get(&name) {
            Some(as_before) => assert!(bytes == *as_before, "{name} was changed"),
            None => assert!(
                name.ends_with("-shm") || bytes.is_empty(),
                "{name} was added"
            ),
        }
    }
}

#[test]
fn where_nothing_is_nothing_is_made_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let careful = OpenOptions {
        create: false,
        ..options(Journal::Auto)
    };
    let error = SqliteStore::open(&place, careful.clone()).err().unwrap();
    assert!(matches!(error, StoreError::NotFound { .. }), "{error:?}");
    assert!(!place.exists());

    let first = open(&place, Journal::Auto).store_id();
    let second = SqliteStore::open(&place, careful).unwrap();
    assert_eq!(second.store_id(), first, "creating is done once");
}

#[test]
fn a_newer_schema_is_refused_without_a_byte_changed() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        store_with_texts(folder.path(), journal);
        let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
        connection
            .execute_batch("PRAGMA user_version=99; CREATE TABLE future (a)")
            .unwrap();
        drop(connection);
        let before = files(folder.path());
        let error = refused(folder.path());
        assert!(
            matches!(error, StoreError::TooNew { found: 99, .. }),
            "{error:?}"
        );
        assert_eq!(error.kind(), "schema_too_new");
        assert_unchanged(folder.path(), &before);
    }
}

#[test]
fn a_newer_schema_that_is_still_in_the_wal_is_refused_too() {
    let folder = tempfile::tempdir().unwrap();
    let (first, copy) = (folder.path().join("first"), folder.path().join("copy"));
    store_with_texts(&first, Journal::Wal);
    let connection = Connection::open(first.join(DATABASE)).unwrap();
    connection
        .execute_batch("PRAGMA wal_autocheckpoint=0; PRAGMA user_version=99")
        .unwrap();
    // What a crash of the newer program leaves: frames that nobody has written back.
    std::fs::create_dir(&copy).unwrap();
    let wal = format!("{DATABASE}-wal");
    for name in [DATABASE, &wal, "init.lock"] {
        std::fs::copy(first.join(name), copy.join(name)).unwrap();
    }
    drop(connection);
    let before = files(&copy);
    assert!(!before[&wal].is_empty());
    let error = refused(&copy);
    assert!(
        matches!(error, StoreError::TooNew { found: 99, .. }),
        "{error:?}"
    );
    assert_unchanged(&copy, &before);
}

#[test]
fn a_store_of_the_first_schema_is_brought_up_to_date() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        store_with_texts(folder.path(), journal);
        let before = texts(&open(folder.path(), Journal::Auto));
        let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
        connection
            .execute_batch(
                "DROP TABLE collections; DROP TABLE record_ranges; DROP TABLE roots; DROP TABLE assignments;
                 DROP TABLE late_vectors; DROP INDEX documents_stale; DROP TABLE intervals; PRAGMA user_version=1",
            )
            .unwrap();
        drop(connection);
        let store = open(folder.path(), Journal::Auto);
        assert_eq!(texts(&store), before);
        let create = CollectionChange::Create {
            name: "drawers".to_owned(),
            distance: Distance::Cosine,
            meta: Metadata::new(),
        };
        commit(&store, Change::Collection(create));
        assert_eq!(store.snapshot().unwrap().collections().unwrap().len(), 1);
    }
}

/// Also when the process that did so was killed in between, or another one came first: nothing is done twice.
#[test]
fn a_store_of_the_second_schema_is_brought_up_to_date() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        store_with_texts(folder.path(), journal);
        let before = texts(&open(folder.path(), Journal::Auto));
        let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
        connection
            .execute_batch(
                "DROP TABLE roots; DROP TABLE assignments; DROP TABLE late_vectors; DROP INDEX documents_stale; DROP TABLE intervals; PRAGMA user_version=2",
            )
            .unwrap();
        drop(connection);
        let (first, second) = (
            open(folder.path(), Journal::Auto),
            open(folder.path(), Journal::Auto),
        );
        assert_eq!(texts(&first), before);
        let snapshot = first.snapshot().unwrap();
        assert_eq!(snapshot.roots().unwrap(), []);
        assert!(snapshot.assignments().unwrap().is_empty());
        drop(snapshot);
        let root = Root::new("/docs", None);
        commit(&first, Change::Root(root.clone()));
        assert_eq!(second.snapshot().unwrap().roots().unwrap(), [root]);
    }
}

#[test]
fn a_foreign_database_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let connection = Connection::open(folder.path().join(DATABASE)).unwrap();
    connection
        .execute_batch("CREATE TABLE theirs (a); INSERT INTO theirs VALUES (1)")
        .unwrap();
    drop(connection);
    let before = files(folder.path());
    let error = refused(folder.path());
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("another program"), "{error}");
    assert_eq!(files(folder.path())[DATABASE], before[DATABASE]);
}

#[test]
fn garbage_is_a_typed_error_and_is_left_alone() {
    for garbage in [
        &b"x".repeat(99)[..],
        &[0; 5000],
        &b"SQLite format 3\0".repeat(300),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(DATABASE), garbage).unwrap();
        let error = refused(folder.path());
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert_eq!(files(folder.path())[DATABASE], garbage);
    }
}

#[test]
fn a_file_that_was_emptied_is_not_a_new_store() {
    let folder = tempfile::tempdir().unwrap();
    store_with_texts(folder.path(), Journal::Auto);
    std::fs::write(folder.path().join(DATABASE), b"").unwrap();
    let error = refused(folder.path());
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("empty"), "{error}");
    assert_eq!(files(folder.path())[DATABASE], b"");
}

#[test]
fn a_file_that_was_cut_is_a_typed_error_at_every_length() {
    let folder = tempfile::tempdir().unwrap();
    store_with_texts(folder.path(), Journal::Auto);
    let whole = files(folder.path())[DATABASE].clone();
    assert!(whole.len() > 40_000);
    let last_page = whole.len() - 4096;
    let lengths = [
        1,
        99,
        100,
        511,
        4095,
        4096,
        4097,
        8192,
        last_page / 2,
        last_page - 1,
        last_page,
    ];
    for length in lengths {
        std::fs::write(folder.path().join(DATABASE), &whole[..length]).unwrap();
        let error = refused(folder.path());
        assert!(
            matches!(error, StoreError::Damaged { .. }),
            "{length}: {error:?}"
        );
        assert!(
            files(folder.path())[DATABASE] == whole[..length],
            "{length}: changed"
        );
    }
    std::fs::write(folder.path().join(DATABASE), &whole).unwrap();
    let wanted = texts(&open(folder.path(), Journal::Auto));
    assert_eq!(wanted.len(), 20);
    // SQLite takes a last page that is cut for one that ends in zeros; the hashes tell.
    for length in [last_page + 1, last_page + 2048, whole.len() - 1] {
        std::fs::write(folder.path().join(DATABASE), &whole[..length]).unwrap();
        let store = open(folder.path(), Journal::Auto);
        let rows: Vec<Row> = wanted.keys().copied().collect();
        match store.snapshot().unwrap().fetch(&rows) {
            Ok(fetched) => assert!(
                fetched
                    .chunks
                    .iter()
                    .all(|chunk| chunk.text == wanted[&chunk.row])
            ),
            Err(error) => assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}"),
        }
    }
}
