//! Several processes on one store at once.
//!
//! The bad days re-enacted: two processes index one file and leave ghost rows;
//! a process searches an index that another has long since replaced.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use steadfast::{Derived, IndexOptions, Memory, Note, SearchRequest, Silent};

use crate::peer::{Peer, logical, say, write_tree};

/// Rounds of write here, search there; ten times as many when `STEADFAST_LONG` is set.
fn rounds() -> usize {
    if std::env::var_os("STEADFAST_LONG").is_some() {
        10_000
    } else {
        1_000
    }
}

/// Indexes a tree.
pub(crate) fn index(store: &Path, tree: &Path) {
    let memory = Memory::options().create(true).open(store).unwrap();
    memory
        .index(&[tree.to_owned()], &IndexOptions::default(), &Silent)
        .unwrap();
}

/// Says of each word on the standard input whether a search finds it.
pub(crate) fn answer(store: &Path) {
    let memory = Memory::open(store).unwrap();
    say("ready");
    for line in std::io::stdin().lines() {
        let word = line.unwrap();
        let answer = memory.search(&SearchRequest::new(word.clone())).unwrap();
        let found = answer
            .hits
            .first()
            .is_some_and(|hit| hit.chunk.text.contains(&word));
        say(if found && answer.coverage.complete {
            "found"
        } else {
            "missed"
        });
    }
}

#[test]
fn eight_processes_index_one_tree_and_leave_what_one_would() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    write_tree(&tree, 8, 12, 1);
    let (alone, together) = (folder.path().join("alone"), folder.path().join("together"));

    let single = Memory::options().create(true).open(&alone).unwrap();
    single
        .index(
            std::slice::from_ref(&tree),
            &IndexOptions::default(),
            &Silent,
        )
        .unwrap();
    let peers: Vec<Peer> = (0..8)
        .map(|_| Peer::start("index", &[&together, &tree]))
        .collect();
    for peer in peers {
        assert!(peer.wait());
    }
    let shared = Memory::open(&together).unwrap();
    let found = logical(&shared);
    let mut distinct = found.clone();
    distinct.dedup();
    assert_eq!(distinct.len(), found.len(), "ghost rows");
    assert_eq!(found, logical(&single));
    let verified = shared.verify(&Silent).unwrap();
    assert!(verified.findings.is_empty(), "{:?}", verified.findings);
}

#[test]
fn a_search_that_starts_after_an_acknowledgement_in_another_process_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let memory = Memory::options().create(true).open(&store).unwrap();
    memory
        .remember(&Note::new("the first note, so that there is a store"))
        .unwrap();
    let mut peer = Peer::start("answer", &[&store]);
    assert_eq!(peer.hear().as_deref(), Some("ready"));
    for round in 0..rounds() {
        let word = format!("zq{round}x");
        memory
            .remember(&Note::new(format!("round {round} says {word}")))
            .unwrap();
        if round % 200 == 199 {
            // Also across publications of new indexes.
            memory.rebuild(Derived::All, &Silent).unwrap();
        }
        peer.tell(&word);
        assert_eq!(peer.hear().as_deref(), Some("found"), "round {round}");
    }
    assert!(peer.wait());
}
