//! Foreign files are read whole where they are whole, as far as they can be where not, and never changed.

use std::fs;
use std::path::Path;

use rusqlite::Connection;

use super::*;

fn make(path: &Path, journal: &str, rows: i64) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA journal_mode={journal}; CREATE TABLE words (id TEXT PRIMARY KEY, word TEXT, made BLOB);"
        ))
        .unwrap();
    for row in 0..rows {
        connection
            .execute(
                "INSERT INTO words VALUES (?1, ?2, x'0102')",
                (format!("w{row}"), format!("{row} {}", "text ".repeat(100))),
            )
            .unwrap();
    }
    connection
}

fn ids(database: &ForeignDatabase) -> (Vec<String>, TableRead) {
    let mut ids = Vec::new();
    let read = database
        .read("words", &["id", "missing", "made"], &mut |row| {
            assert_eq!(row.value("missing"), &ForeignValue::Null);
            assert_eq!(row.blob("made"), Some(&[1, 2][..]));
            ids.push(row.text("id").unwrap().to_owned());
        })
        .unwrap();
    (ids, read)
}

#[test]
fn rows_in_a_log_are_read_while_its_writer_lives_and_no_byte_changes() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.db");
    let writer = make(&source, "WAL", 50);
    // A folder in the place of the shared-memory file would stop a plain open.
    let names = ["a.db", "a.db-wal"];
    let bytes = || names.map(|name| fs::read(folder.path().join(name)).unwrap());
    let before = bytes();
    let scratch = folder.path().join("scratch");
    let database = ForeignDatabase::open(&source, &scratch).unwrap();
    #[cfg(unix)]
    assert_eq!(
        fs::read_dir(database.scratch()).unwrap().count(),
        0,
        "a kill here would leave the copy"
    );
    assert_eq!(ids(&database).0.len(), 50);
    assert!(!database.is_without_log());
    drop(database);
    assert_eq!(bytes(), before);
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "the copy went");
    drop(writer);
}

#[test]
fn a_log_that_is_gone_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.db");
    drop(make(&source, "WAL", 3));
    let database = ForeignDatabase::open(&source, &folder.path().join("s")).unwrap();
    assert!(database.is_without_log());
}

#[test]
fn a_table_damaged_in_the_middle_is_read_from_both_ends() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.db");
    drop(make(&source, "DELETE", 400));
    let mut bytes = fs::read(&source).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0xff);
    fs::write(&source, &bytes).unwrap();
    let database = ForeignDatabase::open(&source, &folder.path().join("s")).unwrap();
    let (ids, read) = ids(&database);
    assert!(read.damage.is_some());
    assert_eq!(read.rows, ids.len() as u64);
    assert!((300..400).contains(&ids.len()), "{}", ids.len());
    assert!(ids.contains(&"w0".to_owned()) && ids.contains(&"w399".to_owned()));
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.db");
    fs::write(&source, "this is a letter, not a database".repeat(99)).unwrap();
    let error = ForeignDatabase::open(&source, &folder.path().join("s")).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    let error = ForeignDatabase::open(folder.path(), &folder.path().join("s")).unwrap_err();
    assert!(matches!(error, StoreError::Invalid { .. }), "{error}");
}

#[test]
fn leftovers_of_a_kill_are_swept() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.db");
    drop(make(&source, "DELETE", 1));
    let scratch = folder.path().join("s");
    std::mem::forget(ForeignDatabase::open(&source, &scratch).unwrap());
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 1);
    sweep(&scratch);
    assert!(!scratch.exists());
}

#[test]
fn rows_that_a_flipped_bit_hides_are_told_by_the_structure() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("a.db");
    drop(make(&source, "DELETE", 3));
    let scratch = folder.path().join("scratch");
    let whole = ForeignDatabase::open(&source, &scratch).unwrap();
    assert_eq!(whole.damage(), None);
    let mut bytes = fs::read(&source).unwrap();
    let page = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
    // The count of cells of the second page, where the table begins (`fileformat2.html`, section 1.6).
    assert_eq!(bytes[page + 3..page + 5], [0, 3]);
    bytes[page + 4] = 2;
    fs::write(&source, bytes).unwrap();
    let damaged = ForeignDatabase::open(&source, &scratch).unwrap();
    let (ids, read) = ids(&damaged);
    assert_eq!(
        (ids.len(), read.damage),
        (2, None),
        "nothing is seen by reading"
    );
    assert!(damaged.damage().is_some());
}
