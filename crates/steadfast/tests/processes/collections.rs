//! Several processes on one collection.
//!
//! The bad days re-enacted: processes that start at once each make a store or a collection of their own; one of
//! them is killed in the middle of a batch, and half of it is there.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use steadfast::Memory;
use steadfast::collection::{Collection, CollectionOptions, GetRequest, Records};

use crate::peer::{Peer, say};

/// Records of one batch.
const BATCH: usize = 300;

fn batch(writer: &str, number: usize) -> Records {
    let names = || (0..BATCH).map(|place| format!("{writer} {number} {place}"));
    Records::new(names()).documents(names())
}

fn drawers(memory: &Memory) -> Collection {
    memory
        .collections()
        .get_or_create_collection("drawers", &CollectionOptions::default())
        .unwrap()
}

/// Adds batches until it is killed or told enough, and says the number of each that was acknowledged.
pub(crate) fn collect(store: &Path, number: &Path) {
    let memory = Memory::options().create(true).open(store).unwrap();
    let collection = drawers(&memory);
    say("ready");
    for (round, line) in std::io::stdin().lines().enumerate() {
        line.unwrap();
        let records = batch(number.to_str().unwrap(), round);
        assert_eq!(collection.add(&records).unwrap().inserted, BATCH as u64);
        say(&round.to_string());
    }
}

/// Returns how many records of each batch are there.
fn batches(collection: &Collection) -> BTreeMap<String, usize> {
    let ids = collection.get(&GetRequest::all().include([])).unwrap().ids;
    let mut counts = BTreeMap::new();
    for id in ids {
        let (batch, _) = id.rsplit_once(' ').unwrap();
        *counts.entry(batch.to_owned()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn four_processes_make_one_collection_and_fill_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut peers: Vec<(String, Peer)> = (0..4)
        .map(|number| number.to_string())
        .map(|number| {
            let peer = Peer::start("collect", &[&store, Path::new(&number)]);
            (number, peer)
        })
        .collect();
    for (_, peer) in &mut peers {
        assert_eq!(peer.hear().unwrap(), "ready");
        peer.tell("go");
    }
    for (_, peer) in &mut peers {
        assert_eq!(peer.hear().unwrap(), "0");
    }
    for (_, peer) in peers {
        assert!(peer.wait());
    }
    let memory = Memory::open(&store).unwrap();
    let collections = memory.collections().list().unwrap();
    assert_eq!(collections.len(), 1);
    assert_eq!(collections[0].count, 4 * BATCH as u64);
    let counts = batches(&drawers(&memory));
    assert!(counts.values().all(|count| *count == BATCH), "{counts:?}");
}

#[test]
fn a_killed_writer_leaves_whole_batches_and_all_that_were_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    for round in 0..4 {
        let writer = format!("w{round}");
        let mut peer = Peer::start("collect", &[&store, Path::new(&writer)]);
        assert_eq!(peer.hear().unwrap(), "ready");
        for _ in 0..20 {
            peer.tell("go");
        }
        for number in 0..=round {
            assert_eq!(peer.hear().unwrap(), number.to_string());
        }
        peer.kill();
        // What was said before the kill may still be in the pipe.
        let mut acknowledged = round + 1;
        while peer.hear().is_some() {
            acknowledged += 1;
        }
        assert!(!peer.wait());
        let memory = Memory::open(&store).unwrap();
        let counts = batches(&drawers(&memory));
        assert!(counts.values().all(|count| *count == BATCH), "{counts:?}");
        for number in 0..acknowledged {
            let name = format!("{writer} {number}");
            assert_eq!(counts.get(&name), Some(&BATCH), "{name}");
        }
    }
}
