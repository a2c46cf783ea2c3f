//! Handles of one process that share their connections. The bad days: one of them is closed while the others
//! work, the folder is another one by now, a flush fails under all of them, several begin at the same moment.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Barrier};

use steadfast_model::{Attributes, Change, Namespace, NoteWrite, Root, Row, Seq};
use steadfast_store::files::Disk;
use steadfast_store::{Connections, Journal, OpenOptions, SqliteStore, StoreError};

use super::handles::another_process_is;
use super::support::{BOTH_JOURNALS, assert_sound, chunk, commit, options, put, texts};

fn shared(journal: Journal) -> OpenOptions {
    OpenOptions {
        connections: Connections::Shared,
        ..options(journal)
    }
}

fn open(folder: &Path, journal: Journal) -> SqliteStore {
    SqliteStore::open(folder, shared(journal)).unwrap()
}

/// Returns how often this process has the database of a folder open, where the system tells.
fn times_open(folder: &Path) -> Option<usize> {
    let database = std::fs::canonicalize(folder).unwrap().join("steadfast.db");
    let files = std::fs::read_dir("/proc/self/fd").ok()?;
    let names = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    Some(names.filter(|name| *name == database).count())
}

#[test]
fn handles_on_one_store_share_and_others_do_not() {
    for journal in BOTH_JOURNALS {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = open(one.path(), journal);
        commit(&first, Change::Put(put("/a", &["alpha"])));
        let opened = times_open(one.path());
        // A name by another way is the same store.
        let link = other.path().join("link");
        #[cfg(unix)]
        std::os::unix::fs::symlink(one.path(), &link).unwrap();
        #[cfg(not(unix))]
        let link = one.path().join(".");
        let more: Vec<SqliteStore> = (0..8)
            .map(|number| match number % 3 {
                0 => open(&link, journal),
                1 => open(one.path(), Journal::Auto),
                _ => open(one.path(), journal),
            })
            .collect();
        assert!(more.iter().all(|it| it.shares_connections_with(&first)));
        assert!(more.iter().all(|it| texts(it).len() == 1));
        assert_eq!(times_open(one.path()), opened);
        let own = SqliteStore::open(one.path(), options(journal)).unwrap();
        assert!(!own.shares_connections_with(&first));
        let elsewhere = open(&other.path().join("store"), journal);
        assert!(!elsewhere.shares_connections_with(&first));
    }
}

#[test]
fn a_handle_that_goes_takes_nothing_from_those_that_work() {
    for journal in BOTH_JOURNALS {
        for handles in [2, 8] {
            let folder = tempfile::tempdir().unwrap();
            let first = open(folder.path(), journal);
            commit(&first, Change::Put(put("/first", &["first"])));
            // With a rollback journal nobody commits while somebody reads.
            let view = (journal == Journal::Wal).then(|| first.snapshot().unwrap());
            let start = Barrier::new(handles);
            std::thread::scope(|scope| {
                for number in 0..handles {
                    let (folder, start) = (folder.path(), &start);
                    scope.spawn(move || {
                        let mut store = open(folder, journal);
                        start.wait();
                        for round in 0..12 {
                            let text = format!("{round} by {number}");
                            commit(
                                &store,
                                Change::Put(put(&format!("/{number}/{round}"), &[&text])),
                            );
                            // One goes in the middle, others come back.
                            if number == 0 && round == 5 {
                                return;
                            }
                            if round % 4 == 3 {
                                drop(store);
                                store = open(folder, journal);
                            }
                        }
                    });
                }
            });
            if let Some(view) = &view {
                another_process_is("refused", folder.path());
                let live = view.head().live_chunks;
                assert_eq!(live, 1, "the view is still that of its moment");
            }
            drop(view);
            assert_eq!(texts(&first).len(), 1 + 6 + (handles - 1) * 12);
            assert_sound(&first);
            drop(first);
            another_process_is("alone", folder.path());
        }
    }
}

#[test]
fn threads_that_open_at_the_same_moment_lose_nothing() {
    for round in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let (place, start) = (folder.path().join("store"), Barrier::new(8));
        let stores: Vec<SqliteStore> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|number| {
                    let (place, start) = (&place, &start);
                    scope.spawn(move || {
                        start.wait();
                        let store = open(place, Journal::Auto);
                        let text = format!("by {number}");
                        commit(&store, Change::Put(put(&format!("/{number}"), &[&text])));
                        store
                    })
                })
                .collect();
            threads.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(
            stores.iter().all(|store| texts(store).len() == 8),
            "{round}"
        );
        assert_sound(&stores[0]);
        // Who comes now joins one of them.
        let late = open(&place, Journal::Auto);
        let mut those = stores.iter();
        assert!(those.any(|store| store.shares_connections_with(&late)));
    }
}

/// Windows does not let a folder go that is open.
#[cfg(unix)]
#[test]
fn a_folder_that_was_made_again_is_another_store() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("store");
        let before = open(&place, journal);
        commit(&before, Change::Put(put("/a", &["before"])));
        std::fs::rename(&place, folder.path().join("aside")).unwrap();
        let after = open(&place, journal);
        assert!(!after.shares_connections_with(&before));
        assert_ne!(after.store_id(), before.store_id());
        commit(&after, Change::Put(put("/b", &["after", "and more"])));
        assert_eq!((texts(&before).len(), texts(&after).len()), (1, 2));
        drop(before);
        let late = open(&place, journal);
        assert!(late.shares_connections_with(&after));
        assert_eq!(texts(&late).len(), 2);
    }
}

/// A disk whose flush of the log fails when it is told to.
#[derive(Debug, Default)]
struct Failing(AtomicBool);

impl Disk for Failing {
    fn sync_data(&self, _path: &Path, file: &File) -> io::Result<()> {
        if self.0.load(Ordering::Acquire) {
            return Err(io::Error::other("the test says so"));
        }
        file.sync_data()
    }
}

#[test]
fn a_failed_flush_ends_the_writing_of_all_that_share_and_opening_anew_is_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let disk = Arc::new(Failing::default());
    let open = || {
        let disk: Arc<dyn Disk> = Arc::<Failing>::clone(&disk);
        let options = OpenOptions {
            disk,
            ..shared(Journal::Wal)
        };
        SqliteStore::open(folder.path(), options).unwrap()
    };
    let (first, second) = (open(), open());
    assert!(second.shares_connections_with(&first));
    let write = |store: &SqliteStore, name: &str| {
        let change = Change::Put(put(name, &[name]));
        store.commit(&[change], "test").map(drop)
    };
    write(&first, "/before").unwrap();
    disk.0.store(true, Ordering::Release);
    let is_poisoned =
        |done: Result<(), StoreError>| matches!(done, Err(StoreError::Poisoned { .. }));
    assert!(is_poisoned(write(&first, "/during")));
    disk.0.store(false, Ordering::Release);
    assert!(is_poisoned(write(&second, "/after")));
    assert!(!texts(&second).is_empty(), "it can still be read");
    // The others are still open: whoever comes now is not one of them.
    let third = open();
    assert!(!third.shares_connections_with(&first));
    write(&third, "/after").unwrap();
    let fourth = open();
    assert!(fourth.shares_connections_with(&third));
    write(&fourth, "/later").unwrap();
    assert!(is_poisoned(write(&second, "/again")));
    let wanted = ["/after", "/before", "/later"];
    let found: Vec<String> = texts(&third).into_values().collect();
    assert!(
        wanted.iter().all(|name| found.iter().any(|it| it == name)),
        "{found:?}"
    );
    drop((first, second));
    write(&third, "/last").unwrap();
    assert_sound(&fourth);
}

#[test]
fn a_journal_that_is_asked_for_is_not_forgotten_for_a_handle_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path(), Journal::Wal);
    commit(&first, Change::Put(put("/a", &["alpha"])));
    let view = first.snapshot().unwrap();
    let refused = SqliteStore::open(folder.path(), shared(Journal::Truncate)).err();
    assert!(
        matches!(refused, Some(StoreError::Busy { .. })),
        "{refused:?}"
    );
    drop(view);
    drop(first);
    let alone = open(folder.path(), Journal::Truncate);
    assert_eq!(alone.journal(), "truncate");
    assert!(open(folder.path(), Journal::Auto).shares_connections_with(&alone));
}

/// Counts the flushes of the log.
#[derive(Debug, Default)]
struct Counting(AtomicU64);

impl Disk for Counting {
    fn sync_data(&self, _path: &Path, file: &File) -> io::Result<()> {
        self.0.fetch_add(1, Ordering::AcqRel);
        file.sync_data()
    }
}

#[test]
fn what_has_no_commit_of_its_own_is_flushed_before_it_is_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let counting = Arc::new(Counting::default());
    let disk: Arc<dyn Disk> = Arc::<Counting>::clone(&counting);
    let options = OpenOptions {
        disk,
        ..shared(Journal::Wal)
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let flushes_of = |change: &Change| {
        let before = counting.0.load(Ordering::Acquire);
        let settled = commit(&store, change.clone());
        (settled.seq, counting.0.load(Ordering::Acquire) - before)
    };
    let mut note = NoteWrite {
        namespace: Namespace::default(),
        source: None,
        attributes: Attributes::default(),
        chunks: vec![chunk("alpha", 1)],
        idempotency_key: None,
        said: steadfast_model::Said::default(),
    };
    let plain = Change::Note(note.clone());
    note.idempotency_key = Some("key".to_owned());
    let keyed = Change::Note(note);
    assert_eq!(flushes_of(&plain), (Some(Seq(1)), 1));
    // Nothing was written: the commit before was flushed.
    assert_eq!(flushes_of(&plain), (None, 0));
    assert_eq!(flushes_of(&keyed), (None, 1), "the key may be lost");
    assert_eq!(flushes_of(&keyed), (None, 0));
    let root = Change::Root(Root::new("/docs", None));
    assert_eq!(flushes_of(&root), (None, 1), "the root may be lost");
    assert_eq!(flushes_of(&Change::Access(vec![Row(1)])), (None, 0));
}
