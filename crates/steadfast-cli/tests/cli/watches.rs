//! Folders that change while they are watched. Bad days: a saved file is not found; a folder that
//! goes away takes its memories with it, or is not seen when it is back; one bad file ends it.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::support::Place;

/// How long a test waits for a line that does not come before it fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A watch that is ended with the test.
struct Watch {
    child: Child,
    lines: Receiver<Value>,
}

impl Watch {
    fn start(place: &Place, arguments: &[&str]) -> Self {
        let mut child = place
            .command()
            .args(["watch", "--json"])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines() {
                let object = serde_json::from_str(&line.unwrap()).unwrap();
                if sender.send(object).is_err() {
                    break;
                }
            }
        });
        Self { child, lines }
    }

    /// Returns the next line about an event of this name.
    fn next(&self, event: &str) -> Value {
        loop {
            let line = self.lines.recv_timeout(PATIENCE).unwrap();
            if line["event"] == event {
                return line;
            }
        }
    }

    /// Returns when the files that were added, changed and removed are as many as these.
    fn until(&self, wanted: (u64, u64, u64)) {
        let mut seen = (0, 0, 0);
        while seen != wanted {
            let files = self.next("indexed")["files"].clone();
            let count = |name: &str| files[name].as_u64().unwrap();
            seen.0 += count("added");
            seen.1 += count("changed");
            seen.2 += count("removed");
            assert!(
                seen.0 <= wanted.0 && seen.1 <= wanted.1 && seen.2 <= wanted.2,
                "{seen:?}"
            );
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn hits(place: &Place, question: &str) -> usize {
    let run = place.run_json(&["search", question, "--mode", "text"]);
    run.object()["hits"].as_array().unwrap().len()
}

#[test]
fn what_is_there_and_what_is_saved_later_is_found() {
    let place = Place::new();
    place.write("notes/old.md", "An anchor lies in the harbour.\n");
    place.write("more/other.md", "A buoy floats outside.\n");
    let watch = Watch::start(&place, &["notes", "more"]);
    watch.until((2, 0, 0));
    assert_eq!(hits(&place, "anchor"), 1);
    place.write("notes/deep/down/new.md", "A capstan turns.\n");
    watch.until((1, 0, 0));
    assert_eq!(hits(&place, "capstan"), 1);
    place.write("more/other.md", "A buoy and a dolphin float outside.\n");
    watch.until((0, 1, 0));
    assert_eq!(hits(&place, "dolphin"), 1);
    fs::rename(
        place.project().join("notes/old.md"),
        place.project().join("gone.md"),
    )
    .unwrap();
    watch.until((0, 0, 1));
    assert_eq!(hits(&place, "anchor"), 0);
}

#[test]
fn a_folder_that_goes_keeps_its_chunks_and_is_taken_up_again() {
    let place = Place::new();
    place.write("notes/a.md", "An anchor lies in the harbour.\n");
    let watch = Watch::start(&place, &["notes"]);
    watch.until((1, 0, 0));
    let (here, away) = (place.project().join("notes"), place.project().join("away"));
    fs::rename(&here, &away).unwrap();
    watch.next("gone");
    assert_eq!(hits(&place, "anchor"), 1);
    fs::write(away.join("b.md"), "A buoy floats outside.\n").unwrap();
    fs::rename(&away, &here).unwrap();
    watch.until((1, 0, 0));
    place.write("notes/c.md", "A capstan turns.\n");
    watch.until((1, 0, 0));
    assert_eq!(hits(&place, "capstan"), 1);
}

#[test]
fn a_bad_file_ends_nothing_and_the_store_may_lie_inside() {
    let place = Place::new();
    fs::create_dir(place.project().join(".steadfast")).unwrap();
    place.write("bad.md", "\u{0}\u{1}\u{2}");
    let mut command = place.command_without_store();
    command.args(["remember", "so that there is a store"]);
    assert!(command.output().unwrap().status.success());
    let store = place.project().join(".steadfast");
    let watch = Watch::start(&place, &[".", "--store", store.to_str().unwrap()]);
    let first = watch.next("indexed");
    assert_eq!(first["skipped"][0]["reason"], "binary", "{first}");
    place.write("good.md", "A capstan turns.\n");
    watch.until((1, 0, 0));
    // Its own writes into the store must not wake it: the next line is about the next file.
    place.write("better.md", "A winch turns.\n");
    watch.until((1, 0, 0));
}

#[test]
fn a_missing_path_is_an_error_at_once() {
    let place = Place::new();
    place
        .run_json(&["watch", "nowhere"])
        .assert_failed(2, "path_not_found");
    assert!(!Path::new(&place.store()).exists());
}

/// Bad day: the user deletes the store under a watch; what the watch says it has indexed is nowhere.
#[cfg(unix)]
#[test]
fn a_store_that_is_put_in_place_of_another_gets_all_that_is_watched() {
    let place = Place::new();
    place.write("one/a.md", "# A\n\nfirst\n");
    place.write("two/b.md", "# B\n\nsecond\n");
    let watch = Watch::start(&place, &["one", "two"]);
    watch.until((2, 0, 0));
    fs::rename(place.store(), place.store().with_extension("old")).unwrap();
    place.write("one/c.md", "# C\n\nthird\n");
    // Both again, and the new one.
    watch.until((3, 0, 0));
    let listed = place.json(&["sources"]);
    assert_eq!(listed["sources"].as_array().unwrap().len(), 3, "{listed}");
}
