//! Sixteen processes look for changes again and again, as watchers and servers do, while files change.
//!
//! The bad day re-enacted: a watcher, a hook and several servers all see the same edit. Each chunk
//! must be there once, an answer must know what was acknowledged, and nobody is told "locked".

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::time::Instant;

use steadfast::model::Fault as _;
use steadfast::{IndexOptions, Memory, Mode, Note, SearchRequest, Silent};
use steadfast_testkit::{Figure, Random, cases, scratch, seed, tell, time_to_spend};

use crate::peer::{Peer, logical, say, write_tree};

const PROCESSES: usize = 16;
const FOLDERS: usize = 4;
const FILES: usize = 4;

/// Looks for changes and writes a note for each line it is told; says what it was refused.
pub(crate) fn rescan(store: &Path, tree: &Path) {
    let memory = Memory::options().create(true).open(store).unwrap();
    say("ready");
    for line in std::io::stdin().lines() {
        let word = line.unwrap();
        let mut note = Note::new(format!("{word} was told"));
        note.source = Some(format!("told-{word}"));
        let done = memory
            .index(&[tree.to_owned()], &IndexOptions::default(), &Silent)
            .and_then(|_| memory.remember(&note));
        match done {
            Ok(_) => say("done"),
            Err(error) => say(&format!("{}: {error}", error.kind())),
        }
    }
}

#[test]
fn sixteen_processes_that_look_for_changes_leave_what_one_would() {
    let (begun, limit) = (Instant::now(), time_to_spend());
    let folder = scratch().unwrap();
    let (store, tree) = (folder.path().join("store"), folder.path().join("tree"));
    let mut random = Random::new(seed(61));
    write_tree(&tree, FOLDERS, FILES, random.draw());
    let mut peers: Vec<Peer> = (0..PROCESSES)
        .map(|_| Peer::start("rescan", &[&store, &tree]))
        .collect();
    for peer in &mut peers {
        assert_eq!(peer.hear().as_deref(), Some("ready"));
    }
    let reader = Memory::open(&store).unwrap();
    let mut rounds = 0;
    while limit.map_or(rounds < cases(3), |limit| begun.elapsed() < limit) {
        let round = rounds;
        rounds += 1;
        write_tree(&tree, FOLDERS, FILES, random.draw());
        let word = |number: usize| {
            let letter = |number: usize| char::from(b'a' + u8::try_from(number % 26).unwrap());
            let round: String = [round / 676, round / 26, round]
                .map(letter)
                .iter()
                .collect();
            format!("zq{}{round}k", letter(number))
        };
        for (number, peer) in peers.iter_mut().enumerate() {
            peer.tell(&word(number));
        }
        for (number, peer) in peers.iter_mut().enumerate() {
            assert_eq!(peer.hear().as_deref(), Some("done"), "round {round}");
            // What was acknowledged there is found here at once.
            let mut request = SearchRequest::new(word(number));
            request.mode = Mode::Text;
            let answer = reader.search(&request).unwrap();
            assert!(answer.coverage.complete);
            let source = format!("told-{}", word(number));
            let mut found = answer.hits.iter().map(|hit| &hit.chunk.source);
            assert!(
                found.any(|other| *other == source),
                "round {round}: {source}"
            );
        }
    }
    for peer in peers {
        assert!(peer.wait());
    }
    // One process over the last state of the tree, with the same notes, has the same.
    let alone = Memory::options()
        .create(true)
        .open(folder.path().join("alone"))
        .unwrap();
    alone
        .index(&[tree], &IndexOptions::default(), &Silent)
        .unwrap();
    let files = |memory: &Memory| -> Vec<String> {
        let all = logical(memory).into_iter();
        all.filter(|line| !line.contains("told-")).collect()
    };
    let (many, one) = (files(&reader), files(&alone));
    assert_eq!(many.len(), one.len());
    let told = logical(&reader).len() - many.len();
    assert_eq!(told, PROCESSES * rounds, "each note is there once");
    assert_eq!(reader.verify(&Silent).unwrap().findings, []);
    tell(
        "rescans and notes by 16 processes",
        Figure::Cases(PROCESSES * rounds),
    );
}
