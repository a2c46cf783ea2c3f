//! The bad day: a process that only writes, or rests, takes as much memory as there is index, because proving a
//! generation reads all of it, and what was read of a mapped file stays.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use steadfast_index::{Analyzer, EmbeddedBackend};
use steadfast_model::{
    Analyze as _, Assignment, Attributes, Change, ContentHash, Filter, FixedClock, Namespace,
    NewChunk, Place, PutDocument, Timestamp, Vector,
};
use steadfast_store::conformance::{model, options};
use steadfast_store::{Backend, CatchUp, Effort};

const CHUNKS: usize = 4_000;

fn open(folder: &Path) -> EmbeddedBackend {
    let clock = Arc::new(FixedClock::at(Timestamp(1)));
    let options = options(Arc::new(Analyzer), clock);
    EmbeddedBackend::open(folder, options).unwrap()
}

fn fill(backend: &EmbeddedBackend) {
    let chunk = |number: usize| {
        let text = format!("pump {number} stands in hall {}", number * 7);
        let mut vector = vec![0.0; model().dimensions];
        *vector.get_mut(number % model().dimensions).unwrap() = 1.0;
        NewChunk {
            content_hash: ContentHash::of(&text),
            terms: Analyzer.terms(&text),
            place: Place::default(),
            attributes: 0,
            vector: Some(Vector(vector)),
            text,
        }
    };
    let mut chunks: Vec<NewChunk> = (0..CHUNKS).map(chunk).collect();
    steadfast_model::write::number(&mut chunks);
    let put = PutDocument {
        namespace: Namespace::default(),
        source: "/pumps".to_owned(),
        fingerprint: None,
        attributes: vec![Attributes::default()],
        chunks,
        revive: false,
        assigned: Assignment::default(),
    };
    backend.commit(&[Change::Put(put)], "test").unwrap();
}

/// Returns how much is mapped of the files of an index, and how much of that is in memory, in KiB.
fn mapped_kib(index: &Path) -> (u64, u64) {
    let maps = std::fs::read_to_string("/proc/self/smaps").unwrap();
    let entries = maps.split_inclusive("VmFlags");
    let of_index = entries.filter(|entry| entry.contains(index.to_str().unwrap()));
    let lines: Vec<&str> = of_index.flat_map(str::lines).collect();
    let sum = |key: &str| {
        let of_key = lines.iter().filter_map(|line| line.strip_prefix(key));
        let kib = of_key.map(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().unwrap());
        kib.sum()
    };
    (sum("Size:"), sum("Rss:"))
}

#[test]
fn whoever_only_looks_whether_indexes_are_due_keeps_none_of_them_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(folder.path());
    fill(&first);
    assert!(matches!(
        first.catch_up(Effort::Now).unwrap(),
        CatchUp::Done { .. }
    ));
    drop(first);
    let index = folder.path().canonicalize().unwrap().join("index");
    let writer = open(folder.path());
    let looked = writer.catch_up(Effort::Now).unwrap();
    assert!(matches!(looked, CatchUp::NotNeeded));
    let (mapped, resident) = mapped_kib(&index);
    // Both indexes are open and proven: their files are mapped.
    assert!(mapped > 100, "{mapped} KiB");
    assert_eq!(resident, 0, "of {mapped} KiB");
    // And they answer as ever.
    let report = writer.verify(&steadfast_store::Silent).unwrap();
    assert_eq!(report.findings, []);
}

#[test]
fn whoever_asks_once_or_rests_keeps_none_of_them_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path());
    fill(&backend);
    backend.catch_up(Effort::Now).unwrap();
    let index = folder.path().canonicalize().unwrap().join("index");
    let mut question = vec![0.5; model().dimensions];
    question[3] = 1.0;
    let answer = || {
        let view = backend.snapshot().unwrap();
        let scope = view.scope(&Filter::default(), Timestamp(1)).unwrap();
        view.vector_top(&Vector(question.clone()), 7, &scope.rows)
            .unwrap()
    };
    let before = answer();
    assert_eq!(before.len(), 7);
    let (mapped, resident) = mapped_kib(&index);
    assert!(mapped > 100, "{mapped} KiB");
    assert_eq!(resident, 0, "of {mapped} KiB after the first question");
    // Whoever asks again keeps them for the questions after.
    assert_eq!(answer(), before);
    assert!(mapped_kib(&index).1 > 0);
    backend.release_memory();
    assert_eq!(mapped_kib(&index).1, 0);
    assert_eq!(answer(), before);
}
