//! The database is gone or emptied while its log or journal holds commits: nothing takes those away.

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use steadfast_model::{Change, StoreId, Timestamp};
use steadfast_store::files::SystemDisk;
use steadfast_store::sqlite::{DATABASE, Found, SalvageOptions, look, replace_database, salvage};
use steadfast_store::{Journal, SqliteStore, StoreError};

use super::support::{commit, files, open, options, put, refused, texts, vector_of};

/// Leaves in `folder` what a store leaves that was killed with commits in its log.
fn killed(folder: &Path) -> Vec<String> {
    let store = open(&folder.join("whole"), Journal::Wal);
    for name in ["/a", "/b", "/c"] {
        commit(&store, Change::Put(put(name, &[name])));
    }
    let place = folder.join("store");
    std::fs::create_dir(&place).unwrap();
    for name in [DATABASE, "steadfast.db-wal", "init.lock"] {
        std::fs::copy(folder.join("whole").join(name), place.join(name)).unwrap();
    }
    texts(&store).into_values().collect()
}

fn is_alone(error: &StoreError) {
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("commits may be in"), "{error}");
}

#[test]
fn a_log_whose_database_is_gone_or_emptied_stays() {
    for length in [None, Some(0), Some(100), Some(511)] {
        let folder = tempfile::tempdir().unwrap();
        let wanted = killed(folder.path());
        let place = folder.path().join("store");
        let database = place.join(DATABASE);
        let whole = std::fs::read(&database).unwrap();
        match length {
            Some(length) => std::fs::write(&database, &whole[..length]).unwrap(),
            None => std::fs::rename(&database, folder.path().join("aside")).unwrap(),
        }
        let before = files(&place);
        is_alone(&refused(&place));
        let mut careful = options(Journal::Auto);
        careful.create = false;
        is_alone(&SqliteStore::open(&place, careful).err().unwrap());
        let looked = look(&SystemDisk, &place, Timestamp(1), Duration::from_secs(9)).unwrap();
        match length {
            Some(_) => assert!(matches!(looked.found, Found::Unreadable(_)), "{looked:?}"),
            None => assert_eq!(looked.found, Found::Missing),
        }
        assert!(files(&place) == before, "{length:?}: something was changed");

        std::fs::write(&database, &whole).unwrap();
        let found: Vec<String> = texts(&open(&place, Journal::Auto)).into_values().collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_repair_takes_what_a_log_without_its_database_holds() {
    for length in [None, Some(0)] {
        let folder = tempfile::tempdir().unwrap();
        let wanted = killed(folder.path());
        let (place, work) = (folder.path().join("store"), folder.path().join("work.db"));
        let log = |path: &Path| format!("{}-wal", path.display());
        std::fs::copy(log(&place.join(DATABASE)), log(&work)).unwrap();
        if length.is_some() {
            std::fs::write(&work, b"").unwrap();
            std::fs::write(place.join(DATABASE), b"").unwrap();
        }
        let new = folder.path().join("new.db");
        let model = options(Journal::Auto).model;
        let analyze = options(Journal::Wal).analyze;
        let options = SalvageOptions {
            store: StoreId([7; 16]),
            model: &model,
            analyze: analyze.as_ref(),
            embed: &|texts| Ok(texts.iter().map(|text| vector_of(text)).collect()),
        };
        let salvaged = salvage(&SystemDisk, &work, &new, &options).unwrap();
        assert_eq!((salvaged.kept, salvaged.before), (3, 3), "{salvaged:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&new).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "others can read what was salvaged");
        }
        replace_database(&SystemDisk, &new, &place.join(DATABASE)).unwrap();
        let found: Vec<String> = texts(&open(&place, Journal::Auto)).into_values().collect();
        assert_eq!(found, wanted);
    }
}

#[test]
fn a_journal_whose_database_is_emptied_stays() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    let store = open(&place, Journal::Truncate);
    let text = "x".repeat(100_000);
    commit(&store, Change::Put(put("/a", &[&text])));
    drop(store);
    let database = place.join(DATABASE);
    // What was written over is in the journal while the transaction is open.
    let connection = Connection::open(&database).unwrap();
    connection
        .execute_batch("PRAGMA cache_size=1; BEGIN; UPDATE chunks SET text = zeroblob(90000)")
        .unwrap();
    let journal = place.join("steadfast.db-journal");
    let kept = std::fs::read(&journal).unwrap();
    drop(connection);
    assert!(kept.len() > 512);
    std::fs::write(&journal, &kept).unwrap();
    std::fs::write(&database, b"").unwrap();
    is_alone(&refused(&place));
    assert!(std::fs::read(&journal).unwrap() == kept);

    // A new file has nothing to bring back: its maker was killed, and the next one makes it.
    let fresh = folder.path().join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    let mut header = kept[..512].to_vec();
    header[16..20].fill(0);
    std::fs::write(fresh.join("steadfast.db-journal"), header).unwrap();
    std::fs::write(fresh.join(DATABASE), b"").unwrap();
    commit(
        &open(&fresh, Journal::Auto),
        Change::Put(put("/a", &["alpha"])),
    );
}
