//! Many processes meet at a store that is not there yet, or is of an older schema.
//!
//! The bad day re-enacted: every host of an agent starts its own server at log-in, and two of
//! them create or migrate the store at once. No process may be told anything but that it is open.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use rusqlite::Connection;
use steadfast::{ListRequest, Memory, Note, Silent};
use steadfast_testkit::{Figure, cases, scratch, tell};

use crate::peer::{Peer, say};

/// Processes that start at once.
const PROCESSES: usize = 32;

/// Waits for the start, opens the store, writes a note, and says so.
pub(crate) fn open_cold(store: &Path, number: &Path) {
    say("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let memory = Memory::options().create(true).open(store);
    let number = number.to_str().unwrap();
    let written = memory.and_then(|memory| {
        let mut note = Note::new(format!("process {number} was here"));
        note.source = Some(format!("process-{number}"));
        memory.remember(&note)
    });
    match written {
        Ok(_) => say("open"),
        Err(error) => say(&format!("error: {error}")),
    }
}

/// Makes a store with a note, as the first schema had it.
fn make_old(store: &Path) {
    let memory = Memory::options().create(true).open(store).unwrap();
    memory.remember(&Note::new("from the old days")).unwrap();
    drop(memory);
    let connection = Connection::open(store.join("steadfast.db")).unwrap();
    let sql = "BEGIN; DROP TABLE collections; DROP TABLE record_ranges; DROP TABLE roots;
                      DROP TABLE assignments; DROP TABLE late_vectors; DROP INDEX documents_stale; DROP TABLE intervals;
               PRAGMA user_version=1; COMMIT";
    connection.execute_batch(sql).unwrap();
}

fn start_at_once(store: &Path, there_before: u64, round: usize) {
    let mut peers: Vec<Peer> = (0..PROCESSES)
        .map(|number| Peer::start("open cold", &[store, Path::new(&number.to_string())]))
        .collect();
    for peer in &mut peers {
        assert_eq!(peer.hear().unwrap(), "ready");
    }
    for peer in &mut peers {
        peer.tell("go");
    }
    for peer in &mut peers {
        assert_eq!(peer.hear().as_deref(), Some("open"), "round {round}");
    }
    for peer in peers {
        assert!(peer.wait());
    }
    let memory = Memory::open(store).unwrap();
    let total = memory.list(&ListRequest::default()).unwrap().total;
    assert_eq!(total, there_before + PROCESSES as u64, "round {round}");
    assert_eq!(memory.verify(&Silent).unwrap().findings, []);
    assert!(!store.join("quarantine").exists(), "round {round}");
}

#[test]
fn thirty_two_processes_open_a_new_store_at_once() {
    for round in 0..cases(2) {
        let folder = scratch().unwrap();
        start_at_once(&folder.path().join("store"), 0, round);
    }
    tell(
        "cold starts of 32 processes, new store",
        Figure::Cases(cases(2)),
    );
}

#[test]
fn thirty_two_processes_open_a_store_of_the_first_schema_at_once() {
    for round in 0..cases(2) {
        let folder = scratch().unwrap();
        let store = folder.path().join("store");
        make_old(&store);
        start_at_once(&store, 1, round);
    }
    tell(
        "cold starts of 32 processes, old schema",
        Figure::Cases(cases(2)),
    );
}
