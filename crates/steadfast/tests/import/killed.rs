//! The process dies in the middle of an import; then the import is run again.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use steadfast::{ImportOptions, ListRequest, Memory, Progress, Silent};

use crate::samples::lines;
use crate::support::Place;

const FOLDER: &str = "STEADFAST_TEST_IMPORT_FOLDER";
/// Sessions and messages of each: enough for several commits.
const SESSIONS: usize = 40;
const MESSAGES: usize = 100;

/// Tells the first process how far it is, at once.
struct Tell;

impl Progress for Tell {
    fn step(&self, _stage: &str, done: u64, _total: u64) -> bool {
        let mut stdout = std::io::stdout().lock();
        writeln!(stdout, "\ntell {done}")
            .and_then(|()| stdout.flush())
            .is_ok()
    }
}

/// The part of the second process; in the first it does nothing.
#[test]
fn import_and_tell() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else {
        return;
    };
    let memory = Memory::options()
        .create(true)
        .open(folder.join("store"))
        .unwrap();
    let report = memory
        .import(&folder.join("logs"), &ImportOptions::default(), &Tell)
        .unwrap();
    assert!(report.adds_up());
}

fn logs(folder: &Path) {
    for session in 0..SESSIONS {
        let messages: Vec<_> = (0..MESSAGES)
            .map(|number| {
                json!({"type": "user", "uuid": format!("{session}-{number}"), "sessionId": "s",
                       "message": {"role": "user", "content": format!("Message {number} of session {session}.")}})
            })
            .collect();
        fs::write(folder.join(format!("{session:03}.jsonl")), lines(&messages)).unwrap();
    }
}

/// Runs the import in a process of its own, and kills it when it has told of so many rows.
fn kill_after(folder: &Path, rows: u64) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "killed::import_and_tell",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let told = stdout
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("tell ")?.parse::<u64>().ok());
    for done in told {
        if done >= rows {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn an_import_that_was_killed_is_finished_by_the_next_and_nothing_comes_twice() {
    let total = (SESSIONS * MESSAGES) as u64;
    let place = Place::new();
    let folder = place.path("kill/x").parent().unwrap().to_owned();
    fs::create_dir_all(folder.join("logs")).unwrap();
    logs(&folder.join("logs"));
    // Before the first commit, in the middle of several, and at the end.
    for rows in [100, 1_100, 2_100, 3_500] {
        kill_after(&folder, rows);
    }
    let memory = Memory::options()
        .create(true)
        .open(folder.join("store"))
        .unwrap();
    let options = ImportOptions::default();
    let report = memory
        .import(&folder.join("logs"), &options, &Silent)
        .unwrap();
    assert!(report.adds_up() && report.complete, "{report:?}");
    assert_eq!(
        (report.read, report.imported + report.reused),
        (total, total)
    );
    let listed = memory.list(&ListRequest::default()).unwrap();
    assert_eq!(listed.total, total, "nothing is there twice");
    let found = memory.verify(&Silent).unwrap();
    assert!(found.findings.is_empty(), "{:?}", found.findings);
    let again = memory
        .import(&folder.join("logs"), &options, &Silent)
        .unwrap();
    assert_eq!((again.imported, again.reused), (0, total));
    assert!(!folder.join("store/import").exists(), "no copy is left");
}
