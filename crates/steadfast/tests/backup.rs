//! The bad day: the disk is gone, and there is only last night's copy.
//!
//! A backup is made while others write, is that of one moment, is read back before it gets its name, and never takes
//! the place of anything. A restore gives the same answers or says why not; it never makes half a store.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use steadfast::model::Fault as _;
use steadfast::{
    Archive, BackupOptions, Journal, Memory, Note, RestoreOptions, SearchRequest, Silent, restore,
};
use tempfile::TempDir;

struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self, journal: Journal) -> Memory {
        let options = Memory::options().create(true).journal(journal);
        options.open(self.path("store")).unwrap()
    }

    fn restore(&self, file: &Path, to: &str) -> steadfast::Result<Archive> {
        let options = RestoreOptions::default();
        restore(file, &self.path(to), &options, &Memory::options(), &Silent)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

fn compressed() -> BackupOptions {
    let mut options = BackupOptions::default();
    options.compress = true;
    options
}

fn remember(memory: &Memory, count: usize) {
    for number in 0..count {
        let text = format!(
            "Fact {number}: the valve of tank {} opens at {} bar.",
            number * 7,
            number % 13
        );
        memory.remember(&Note::new(text)).unwrap();
    }
}

#[test]
fn a_restored_store_gives_the_same_answers() {
    for (journal, options) in [
        (Journal::Wal, BackupOptions::default()),
        (Journal::Truncate, compressed()),
    ] {
        let place = Place::new();
        let memory = place.store(journal);
        remember(&memory, 40);
        let file = place.path("copy");
        let written = memory.backup(&file, options).unwrap();
        assert_eq!((written.chunks, written.findings.len()), (40, 0));
        assert_eq!(written.bytes, fs::metadata(&file).unwrap().len());
        assert_eq!(place.names(), ["copy", "store"]);

        let read = place.restore(&file, "new").unwrap();
        assert_eq!(read, written);
        let restored = Memory::open(place.path("new")).unwrap();
        let request = SearchRequest::new("which valve opens at 5 bar?");
        let (before, after) = (
            memory.search(&request).unwrap(),
            restored.search(&request).unwrap(),
        );
        assert!(!before.hits.is_empty());
        assert_eq!(
            before
                .hits
                .iter()
                .map(|hit| (hit.chunk.id, hit.score))
                .collect::<Vec<_>>(),
            after
                .hits
                .iter()
                .map(|hit| (hit.chunk.id, hit.score))
                .collect::<Vec<_>>()
        );
        assert!(after.coverage.complete && after.coverage.degraded.is_empty());
        assert_eq!(restored.verify(&Silent).unwrap().findings, []);
        assert_eq!(restored.status().unwrap().journal, "wal");
        // What was written after the backup has ids that name no other text here.
        let (lost, other) = (Note::new("After the backup."), Note::new("Elsewhere."));
        let lost = memory.remember(&lost).unwrap();
        let other = restored.remember(&other).unwrap();
        assert_ne!(lost.ids, other.ids);
        assert_eq!(restored.verify(&Silent).unwrap().findings, []);
    }
}

#[cfg(unix)]
#[test]
fn backup_and_restored_store_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let memory = place.store(Journal::Auto);
    remember(&memory, 1);
    memory.backup(place.path("copy.zst"), compressed()).unwrap();
    place.restore(&place.path("copy.zst"), "new").unwrap();
    let mode = |name: &str| fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("copy.zst"), 0o600);
    assert_eq!((mode("new"), mode("new/steadfast.db")), (0o700, 0o600));
}

#[test]
fn nothing_is_overwritten() {
    let place = Place::new();
    let memory = place.store(Journal::Auto);
    remember(&memory, 3);
    let file = place.path("precious");
    fs::write(&file, "mine").unwrap();
    let error = memory.backup(&file, BackupOptions::default()).unwrap_err();
    assert_eq!(error.kind(), "path_exists");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");

    memory.backup(place.path("copy"), compressed()).unwrap();
    fs::create_dir(place.path("full")).unwrap();
    fs::write(place.path("full/letter"), "mine").unwrap();
    for taken in ["full", "store", "precious"] {
        let error = place.restore(&place.path("copy"), taken).unwrap_err();
        assert!(
            ["not_empty", "path_exists"].contains(&error.kind()),
            "{error}"
        );
    }
    assert_eq!(fs::read_dir(place.path("full")).unwrap().count(), 1);
    assert_eq!(memory.status().unwrap().chunks, 3);
}

#[test]
fn what_a_killed_run_left_behind_is_taken_up() {
    let place = Place::new();
    let memory = place.store(Journal::Auto);
    remember(&memory, 3);
    fs::create_dir(place.path("copy.part")).unwrap();
    for name in ["copy.db", "copy.zst", "lock"] {
        fs::write(place.path("copy.part").join(name), "half").unwrap();
    }
    memory.backup(place.path("copy"), compressed()).unwrap();
    assert_eq!(place.names(), ["copy", "store"]);

    fs::create_dir(place.path("new")).unwrap();
    fs::write(place.path("new/restore.part"), "half").unwrap();
    fs::write(place.path("new/init.lock"), "").unwrap();
    assert_eq!(place.restore(&place.path("copy"), "new").unwrap().chunks, 3);
    assert!(!place.path("new/restore.part").exists());
}

#[test]
fn a_damaged_backup_is_refused_and_leaves_no_store() {
    let place = Place::new();
    let memory = place.store(Journal::Auto);
    remember(&memory, 30);
    memory
        .backup(place.path("plain"), BackupOptions::default())
        .unwrap();
    memory.backup(place.path("packed"), compressed()).unwrap();
    let (plain, packed) = (
        fs::read(place.path("plain")).unwrap(),
        fs::read(place.path("packed")).unwrap(),
    );
    let flipped = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 0x10;
        bytes
    };
    let cases = [
        ("truncated", plain[..plain.len() / 2].to_vec()),
        ("short", plain[..plain.len() - 1].to_vec()),
        ("packed and truncated", packed[..packed.len() - 3].to_vec()),
        ("packed and flipped", flipped(&packed, packed.len() / 2)),
        ("foreign", b"once upon a time there was a text".to_vec()),
        ("empty", Vec::new()),
    ];
    for (name, bytes) in cases {
        fs::write(place.path("bad"), bytes).unwrap();
        let error = place.restore(&place.path("bad"), "new").unwrap_err();
        assert_eq!(error.kind(), "damaged", "{name}: {error}");
        assert!(!place.path("new/steadfast.db").exists(), "{name}");
        assert_eq!(
            Memory::open(place.path("new")).err().unwrap().kind(),
            "store_not_found",
            "{name}"
        );
    }
    assert_eq!(
        place.restore(&place.path("plain"), "new").unwrap().chunks,
        30
    );
}

#[test]
fn the_expected_hash_is_compared() {
    let place = Place::new();
    let memory = place.store(Journal::Auto);
    remember(&memory, 2);
    let written = memory
        .backup(place.path("copy"), BackupOptions::default())
        .unwrap();
    let mut options = RestoreOptions::default();
    options.sha256 = Some("00".repeat(32));
    let error = restore(
        &place.path("copy"),
        &place.path("new"),
        &options,
        &Memory::options(),
        &Silent,
    )
    .unwrap_err();
    assert_eq!(error.kind(), "damaged");
    options.sha256 = Some(written.sha256.to_uppercase());
    restore(
        &place.path("copy"),
        &place.path("new"),
        &options,
        &Memory::options(),
        &Silent,
    )
    .unwrap();
}

#[test]
fn the_file_of_a_store_in_use_is_no_backup() {
    let place = Place::new();
    let memory = place.store(Journal::Wal);
    remember(&memory, 3);
    let error = place
        .restore(&place.path("store/steadfast.db"), "new")
        .unwrap_err();
    assert_eq!(error.kind(), "invalid_input");
    assert_eq!(memory.status().unwrap().chunks, 3);
}

#[test]
fn a_backup_made_while_others_write_is_one_moment() {
    for journal in [Journal::Wal, Journal::Truncate] {
        let place = Place::new();
        let memory = place.store(journal);
        remember(&memory, 50);
        let done = AtomicBool::new(false);
        let (first, second) = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..2)
                .map(|writer| {
                    let (memory, done) = (memory.clone(), &done);
                    scope.spawn(move || {
                        let mut number = 0;
                        while !done.load(Ordering::Relaxed) || number < 5 {
                            number += 1;
                            memory
                                .remember(&Note::new(format!("Writer {writer} at {number}.")))
                                .unwrap();
                        }
                        number
                    })
                })
                .collect();
            let first = memory.backup(place.path("first"), BackupOptions::default());
            let second = memory.backup(place.path("second"), compressed());
            done.store(true, Ordering::Relaxed);
            let written: usize = writers
                .into_iter()
                .map(|writer| writer.join().unwrap())
                .sum();
            assert_eq!(memory.status().unwrap().chunks, 50 + written as u64);
            (first.unwrap(), second.unwrap())
        });
        assert!(first.chunks <= second.chunks);
        for (archive, name, to) in [(&first, "first", "a"), (&second, "second", "b")] {
            let restored = place.restore(&place.path(name), to).unwrap();
            assert_eq!(restored.chunks, archive.chunks);
            // Each note is one commit, so what a moment holds is told by its number.
            assert_eq!(archive.chunks, archive.seq.0);
            let memory = Memory::open(place.path(to)).unwrap();
            assert_eq!(memory.verify(&Silent).unwrap().findings, []);
        }
    }
}
