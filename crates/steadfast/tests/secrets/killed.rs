//! A process that indexes is killed: what it leaves behind, temporary files and the log of the database included, holds
//! no byte of a secret.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _, stdin, stdout};
use std::path::Path;
use std::process::{Command, Stdio};

use aho_corasick::AhoCorasick;
use steadfast::{IndexOptions, Memory, Progress, Silent};

use crate::cases::labelled;
use crate::stored::{needles, survivors};

/// Names the folder in which a child works; without it the test `child` does nothing.
const FOLDER: &str = "STEADFAST_TEST_SECRETS";
/// Names the file at which a child stops, to be killed.
const AT: &str = "STEADFAST_TEST_SECRETS_AT";

/// Stops at a file until it is killed.
struct Stop {
    at: u64,
}

impl Progress for Stop {
    fn step(&self, _stage: &str, done: u64, _total: u64) -> bool {
        if done == self.at {
            let mut out = stdout().lock();
            writeln!(out, "@here").unwrap();
            out.flush().unwrap();
            // Nobody writes to it: this ends with the process.
            let mut line = String::new();
            stdin().read_line(&mut line).unwrap();
        }
        true
    }
}

#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else {
        return;
    };
    let at = std::env::var(AT).unwrap().parse().unwrap();
    let folder = Path::new(&folder);
    let memory = Memory::options().create(true).open(folder.join("store"));
    let tree = folder.join("tree");
    let options = IndexOptions::default();
    let indexed = memory.unwrap().index(&[tree], &options, &Stop { at });
    indexed.unwrap();
}

/// Runs a child up to a file and kills it there.
fn killed_at(folder: &Path, at: usize) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "killed::child",
            "--exact",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(FOLDER, folder)
        .env(AT, at.to_string())
        .env("TMPDIR", folder.join("temporary"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let is_there = lines.any(|line| line.unwrap().contains("@here"));
    assert!(is_there, "the child ended before file {at}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_kill_leaves_no_byte_of_a_secret_behind() {
    let needles = AhoCorasick::new(needles()).unwrap();
    let cases = labelled(11);
    for at in [1, cases.len() / 2, cases.len() * 3] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let tree = folder.join("tree");
        fs::create_dir(&tree).unwrap();
        fs::create_dir(folder.join("temporary")).unwrap();
        for (number, case) in cases.iter().cycle().take(cases.len() * 4).enumerate() {
            let text = format!("# Notes {number}\n\n{}\n\nafter\n", case.text);
            fs::write(tree.join(format!("{number}.md")), text).unwrap();
        }
        killed_at(folder, at);
        for place in ["store", "temporary"] {
            let found = survivors(&folder.join(place), &needles);
            assert!(found.is_empty(), "killed at file {at}: {found:#?}");
        }
        // Whoever comes next goes on where it ended, and leaves none either.
        let memory = Memory::open(folder.join("store")).unwrap();
        let options = IndexOptions::default();
        let report = memory.index(&[tree], &options, &Silent).unwrap();
        assert!(report.redactions > 0);
        let found = survivors(&folder.join("store"), &needles);
        assert!(found.is_empty(), "after the next run: {found:#?}");
    }
}
