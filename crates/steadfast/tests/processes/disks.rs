//! A real file system that gets full, and one whose power is cut.
//!
//! Both are small ext4 file systems in a file; where mounting is not permitted, the tests say so
//! and pass. What a disk of our own does worse than this is in `promises`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;

use steadfast::model::Fault as _;
use steadfast::{Journal, ListRequest, Memory, Note, SearchRequest, Silent};
use steadfast_testkit::{Figure, Mount, Random, cases, seed, tell};

use crate::peer::{Peer, say};

fn mount(megabytes: u64) -> Option<Mount> {
    let mount = Mount::new(megabytes);
    if mount.is_none() {
        let mut out = std::io::stdout();
        writeln!(
            out,
            "skipped: mounting a file system in a file is not permitted here"
        )
        .unwrap();
    }
    mount
}

fn journal(name: &str) -> Journal {
    if name == "wal" {
        Journal::Wal
    } else {
        Journal::Truncate
    }
}

fn open(store: &Path, name: &str) -> steadfast::Result<Memory> {
    let options = Memory::options().create(true).journal(journal(name));
    options.open(store)
}

fn note(number: usize) -> Note {
    let text = format!(
        "note {number}: {}",
        "the harbor of winter ".repeat(number % 40)
    );
    let mut note = Note::new(text);
    note.source = Some(format!("note-{number}"));
    note
}

/// Writes notes until it is killed, and says each that was acknowledged.
pub(crate) fn write_notes(store: &Path, name: &Path) {
    let memory = open(store, name.to_str().unwrap()).unwrap();
    for number in 0.. {
        // The disk is gone some day: then there is nothing more to say.
        if memory.remember(&note(number)).is_err() {
            break;
        }
        say(&number.to_string());
    }
}

/// Returns the notes that are there, after a look at everything.
fn sound(memory: &Memory) -> BTreeSet<String> {
    let mut request = ListRequest::default();
    request.limit = 10_000;
    let listing = memory.list(&request).unwrap();
    assert_eq!(listing.damaged, 0);
    assert_eq!(memory.verify(&Silent).unwrap().findings, []);
    listing
        .chunks
        .into_iter()
        .map(|chunk| chunk.source)
        .collect()
}

#[test]
fn a_file_system_whose_power_is_cut_keeps_what_was_acknowledged() {
    let cuts = cases(4);
    let mut random = Random::new(seed(51));
    for cut in 0..cuts {
        let Some(mount) = mount(32) else {
            return;
        };
        let name = ["wal", "truncate"][cut % 2];
        let store = mount.root().join("store");
        let mut peer = Peer::start("write notes", &[&store, Path::new(name)]);
        let mut acknowledged = 0;
        for _ in 0..=random.below(30) {
            assert!(peer.hear().is_some(), "cut {cut}: it writes");
            acknowledged += 1;
        }
        mount.cut().unwrap();
        peer.kill();
        // What was told after the cut had begun may be there or not.
        let mut begun = acknowledged + 1;
        while peer.hear().is_some() {
            begun += 1;
        }
        peer.wait();
        mount.recover().unwrap();
        let memory = open(&store, name).unwrap();
        let found = sound(&memory);
        for number in 0..acknowledged {
            let source = format!("note-{number}");
            assert!(
                found.contains(&source),
                "cut {cut}, {name}: {source} is lost"
            );
        }
        assert!(
            found.len() <= begun,
            "cut {cut}: {} of {begun}",
            found.len()
        );
        memory.remember(&note(100_000)).unwrap();
        drop(memory);
    }
    tell("cuts of a real ext4 file system", Figure::Cases(cuts));
}

#[test]
fn a_full_disk_loses_nothing_and_takes_writes_again_when_there_is_room() {
    for name in ["wal", "truncate"] {
        let Some(mount) = mount(16) else {
            return;
        };
        let store = mount.root().join("store");
        let memory = open(&store, name).unwrap();
        for number in 0..20 {
            memory.remember(&note(number)).unwrap();
        }
        mount.fill(Path::new("filler")).unwrap();
        // Pages that are there already may still take a few.
        let mut written = 20;
        let refused = loop {
            match memory.remember(&note(written)) {
                Ok(_) => written += 1,
                Err(error) => break error,
            }
        };
        assert!(
            ["disk_full", "poisoned"].contains(&refused.kind()),
            "{name}: {refused}"
        );
        assert!(refused.hint().is_some());
        let answer = memory
            .search(&SearchRequest::new("harbor of winter"))
            .unwrap();
        assert!(
            !answer.hits.is_empty(),
            "{name}: a full disk can be searched"
        );
        drop(memory);
        // It opens and answers on the full disk, too.
        let again = open(&store, name).unwrap();
        again
            .search(&SearchRequest::new("harbor of winter"))
            .unwrap();
        drop(again);
        let filler = mount.root().join("filler");
        std::fs::File::create(filler).unwrap();
        let memory = open(&store, name).unwrap();
        memory.remember(&note(written)).unwrap();
        let wanted: BTreeSet<String> = (0..=written).map(|it| format!("note-{it}")).collect();
        assert_eq!(sound(&memory), wanted, "{name}");
        tell("full disks", Figure::Cases(1));
    }
}
