//! A process that indexes is killed, again and again.
//!
//! What it acknowledged is there, each file is whole or absent, and the store
//! agrees with itself. The moments of the kills are drawn from a seed.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::Path;

use crate::peer::{Peer, say, write_tree};
use steadfast::model::{DocumentStatus, Filter};
use steadfast::{IndexOptions, Memory, Silent};

const FOLDERS: usize = 40;
const FILES: usize = 4;

/// Kills in all; ten times fewer would still find an acknowledgement before the commit.
const KILLS: u64 = 100;

/// Indexes one folder after the other and says so after each.
pub(crate) fn index_folders(store: &Path, tree: &Path) {
    let memory = Memory::options().create(true).open(store).unwrap();
    for folder in 0..FOLDERS {
        let path = tree.join(format!("folder-{folder:03}"));
        memory
            .index(&[path], &IndexOptions::default(), &Silent)
            .unwrap();
        say(&format!("acknowledged {folder}"));
    }
    say("done");
}

/// Returns how many chunks each file has.
fn files(memory: &Memory) -> BTreeMap<String, u64> {
    memory
        .sources(&Filter::default())
        .unwrap()
        .into_iter()
        .filter(|document| document.status == DocumentStatus::Indexed)
        .map(|document| (document.source, document.chunks))
        .collect()
}

fn check(store: &Path, whole: &BTreeMap<String, u64>, acknowledged: usize, kill: u64) {
    let memory = Memory::options().create(true).open(store).unwrap();
    let found = files(&memory);
    for (source, chunks) in &found {
        assert_eq!(
            whole.get(source),
            Some(chunks),
            "kill {kill}: {source} is not whole"
        );
    }
    for folder in 0..acknowledged {
        let part = format!("/folder-{folder:03}/");
        let there = found
            .keys()
            .filter(|source| source.replace('\\', "/").contains(&part))
            .count();
        assert_eq!(
            there, FILES,
            "kill {kill}: folder {folder} was acknowledged"
        );
    }
    let verified = memory.verify(&Silent).unwrap();
    assert!(
        verified.findings.is_empty(),
        "kill {kill}: {:?}",
        verified.findings
    );
}

#[test]
fn a_hundred_kills_lose_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    write_tree(&tree, FOLDERS, FILES, 2);
    let reference = Memory::options()
        .create(true)
        .open(folder.path().join("reference"))
        .unwrap();
    reference
        .index(
            std::slice::from_ref(&tree),
            &IndexOptions::default(),
            &Silent,
        )
        .unwrap();
    let whole = files(&reference);
    assert_eq!(whole.len(), FOLDERS * FILES);

    let mut state = 0x5eed_u64;
    let mut store = folder.path().join("store-0");
    let mut acknowledged_before = 0;
    for kill in 0..KILLS {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let after = usize::try_from((state >> 33) % 6).unwrap();
        let spins = (state >> 40) % 200_000;
        let mut peer = Peer::start("index folders", &[&store, &tree]);
        let mut acknowledged = 0;
        let mut done = false;
        while acknowledged < acknowledged_before + after {
            match peer.hear().as_deref() {
                Some("done") | None => {
                    done = true;
                    break;
                }
                Some(_) => acknowledged += 1,
            }
        }
        for _ in 0..spins {
            std::hint::spin_loop();
        }
        peer.kill();
        let ended_well = peer.wait();
        assert!(!ended_well || done, "a killed child does not end well");
        check(&store, &whole, acknowledged.max(acknowledged_before), kill);
        acknowledged_before = acknowledged.max(acknowledged_before);
        if done || acknowledged_before >= FOLDERS {
            store = folder.path().join(format!("store-{}", kill + 1));
            acknowledged_before = 0;
        }
    }
}
