//! A store that this user can only read: searching goes on and says what it did not do.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Place, Run, files};

/// A user without any rights, for when the tests run as one who has all.
const NOBODY: u32 = 65534;

/// How often a busy copy of the binary is tried.
const TRIES_MAX: usize = 100_000;

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Runs the binary as somebody who may read the place but not write to it.
fn run_as_reader(place: &Place, arguments: &[&str]) -> Run {
    let root = place.store().parent().unwrap().to_owned();
    let is_root = fs::metadata(&root).unwrap().uid() == 0;
    let mut binary = PathBuf::from(env!("CARGO_BIN_EXE_steadfast"));
    if is_root {
        // The folder of the build may be closed to others.
        let copy = root.join("steadfast");
        if !copy.exists() {
            fs::copy(&binary, &copy).unwrap();
        }
        binary = copy;
    }
    for path in [&root, &place.project()] {
        set_mode(path, 0o755);
    }
    for file in files(&place.store()) {
        set_mode(&file, 0o444);
    }
    set_mode(&place.store(), 0o555);
    let mut command = Command::new(&binary);
    command
        .env("STEADFAST_STORE", place.store())
        .env("HOME", place.home())
        .current_dir(place.project())
        .arg("--json")
        .args(arguments);
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    for _ in 0..TRIES_MAX {
        match command.output() {
            // A test beside this one may just have forked with the copy still open for writing.
            Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => std::thread::yield_now(),
            output => return Run::of(&output.unwrap()),
        }
    }
    panic!("the copy of the binary stays busy");
}

#[test]
fn a_store_that_can_only_be_read_is_searched_with_a_warning() {
    for journal in ["wal", "truncate"] {
        let place = Place::new();
        place.write("docs/a.md", "# Lamp\n\nThe lamp is lit.\n");
        place.json(&["index", "docs", "--journal", journal]);
        place.write("docs/b.md", "# Lamp\n\nAnother lamp.\n");
        let run = |arguments: &[&str]| run_as_reader(&place, arguments);
        let answer = run(&["search", "lamp", "--in", "docs"]);
        assert_eq!(answer.code, 0, "{journal}: {}", answer.stderr);
        let answer = answer.object();
        assert_eq!(answer["hits"].as_array().unwrap().len(), 1);
        assert!(answer["indexed"].is_null());
        let warning = answer["coverage"]["warnings"][0].as_str().unwrap();
        assert!(
            warning.starts_with("the paths were not brought up to date"),
            "{warning}"
        );
        assert_eq!(run(&["status"]).code, 0);
        let id = answer["hits"][0]["id"].as_str().unwrap();
        assert_eq!(run(&["get", id]).code, 0);
        let refused = run(&["remember", "another"]);
        assert_eq!(refused.code, 6, "{journal}: {}", refused.stdout);
        let kind = refused.object()["error"]["kind"].clone();
        assert!(kind == "read_only" || kind == "permission", "{kind}");
        set_mode(&place.store(), 0o755);
    }
}
