//! A repair is killed at any of its steps on the disk. The next one begins anew or goes on, and nothing is lost.

use std::fs;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use steadfast::model::Severity;
use steadfast::{Disk, DoctorOptions, Journal, Memory, Silent, SystemDisk, repair};

use crate::place::{PAGE, Place, page_of};

/// Names the store that a child repairs, and how many steps it may take.
const STORE: &str = "STEADFAST_TEST_STORE";
const STEPS: &str = "STEADFAST_TEST_STEPS";

/// Kills for each journal.
const KILLS: u64 = 6;

/// The disk of the system, until a number of steps is taken: then the process is gone.
#[derive(Debug)]
struct Mortal {
    steps: AtomicU64,
    most: u64,
}

impl Mortal {
    fn step(&self) {
        if self.steps.fetch_add(1, Ordering::SeqCst) == self.most {
            std::process::abort();
        }
    }
}

impl Disk for Mortal {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.step();
        SystemDisk.create(path)
    }

    fn write(&self, path: &Path, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.step();
        SystemDisk.write(path, file, bytes)
    }

    fn sync(&self, path: &Path, file: &File) -> io::Result<()> {
        self.step();
        SystemDisk.sync(path, file)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.step();
        SystemDisk.sync_folder(path)
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        self.step();
        SystemDisk.create_folder(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step();
        SystemDisk.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step();
        SystemDisk.remove(path)
    }
}

/// Repairs with a disk that ends the process after so many steps; returns how many there were.
fn repair_with(store: &Path, most: u64) -> u64 {
    let disk = Arc::new(Mortal {
        steps: AtomicU64::new(0),
        most,
    });
    let opening = Memory::options().disk(Arc::clone(&disk) as Arc<dyn Disk>);
    repair(store, &opening, DoctorOptions::default(), &Silent).unwrap();
    disk.steps.load(Ordering::SeqCst)
}

#[test]
fn child_that_repairs() {
    let Some(store) = std::env::var_os(STORE) else {
        return;
    };
    let most = std::env::var(STEPS).unwrap().parse().unwrap();
    repair_with(Path::new(&store), most);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_repair_that_is_killed_anywhere_is_done_by_the_next() {
    for journal in [Journal::Truncate, Journal::Wal] {
        let place = Place::with(journal);
        let before = place.texts();
        place.damage(|bytes| {
            let page = page_of(bytes, "File 9 says that pump 4");
            bytes[page * PAGE..(page + 1) * PAGE].fill(0);
        });
        let damaged: PathBuf = place.folder.path().join("damaged");
        copy(&place.store(), &damaged);
        let steps = repair_with(&place.store(), u64::MAX);
        assert!(steps > 2 * KILLS, "{steps}");
        assert_eq!(place.texts(), before);
        for kill in 0..KILLS {
            let most = (2 * kill + 1) * steps / (2 * KILLS);
            // The old one keeps its place: a repair that is run again must find what it needs there.
            fs::rename(
                place.store(),
                place.folder.path().join(format!("old-{most}")),
            )
            .unwrap();
            copy(&damaged, &place.store());
            let output = Command::new(std::env::current_exe().unwrap())
                .args(["killed::child_that_repairs", "--exact", "--test-threads=1"])
                .env(STORE, place.store())
                .env(STEPS, most.to_string())
                .output()
                .unwrap();
            assert!(
                !output.status.success(),
                "it was killed at {most} of {steps}"
            );
            let done = place.repair();
            let worst = done.findings.iter().map(|found| found.severity).max();
            assert!(
                worst.unwrap_or(Severity::Info) == Severity::Info,
                "{most}: {:?}",
                done.findings
            );
            assert_eq!(
                place.texts(),
                before,
                "{journal:?}, killed at {most} of {steps}"
            );
            place.assert_sound();
        }
    }
}
