//! The embedded backend answers like the oracle, after any sequence of writes and whatever
//! state its indexes are in: published a while ago, many times, never, deleted or damaged.
//!
//! The bad days re-enacted: an index that drifted from its store and answered anyway, and
//! one that was damaged and crashed its process.
//!
//! `STEADFAST_SOAK=n` tries `n` times as many histories, `STEADFAST_SEED=n` others.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;
use std::sync::Arc;

use steadfast_index::{Analyzer, EmbeddedBackend};
use steadfast_model::{FixedClock, Timestamp};
use steadfast_store::conformance::{Questions, Random, compare, model, options, random_changes};
use steadfast_store::{Backend, Connections, Derived, Effort, MemoryBackend, OpenOptions, Silent};
use steadfast_testkit::{Figure, cases, scratch, seed, side_by_side, tell};

const START: Timestamp = Timestamp(1_700_000_000_000);

fn open(folder: &Path) -> EmbeddedBackend {
    let clock = Arc::new(FixedClock::at(START));
    let options = OpenOptions {
        connections: Connections::Own,
        ..options(Arc::new(Analyzer), clock)
    };
    EmbeddedBackend::open(folder, options).unwrap()
}

fn oracle_of(backend: &EmbeddedBackend) -> MemoryBackend {
    MemoryBackend::new(backend.store_id(), model(), Arc::new(FixedClock::at(START)))
}

fn questions() -> Questions {
    Questions::of(
        &[
            "apple river",
            "the thunder of copper",
            "garden signal window",
            "nowhere",
        ],
        &Analyzer,
    )
}

fn index_files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for kind in ["text", "vector"] {
        let entries = std::fs::read_dir(folder.join("index").join(kind))
            .into_iter()
            .flatten()
            .flatten();
        files.extend(entries.map(|entry| entry.path()));
    }
    files.sort();
    files
}

/// What happens to the indexes between two batches of writes.
fn disturb(folder: &Path, backend: EmbeddedBackend, random: &mut Random) -> EmbeddedBackend {
    match random.below(8) {
        0 => {
            backend.catch_up(Effort::Now).unwrap();
        }
        1 => {
            backend.rebuild(Derived::All, &Silent).unwrap();
        }
        2 => {
            drop(backend);
            return open(folder);
        }
        3 => {
            drop(backend);
            if folder.join("index").exists() {
                std::fs::rename(
                    folder.join("index"),
                    folder.join(format!("gone-{}", random.draw())),
                )
                .unwrap();
            }
            return open(folder);
        }
        4 | 5 => {
            drop(backend);
            let files = index_files(folder);
            if !files.is_empty() {
                let file = random.pick(files.as_slice()).clone();
                damage(&file, random);
            }
            return open(folder);
        }
        _ => {}
    }
    backend
}

fn damage(file: &Path, random: &mut Random) {
    let mut bytes = std::fs::read(file).unwrap();
    if bytes.is_empty() {
        // It was cut to nothing before: there is nothing left to damage.
        return;
    }
    let place = usize::try_from(random.below(bytes.len() as u64)).unwrap();
    match random.below(3) {
        0 => bytes[place] ^= 1 << random.below(8),
        1 => bytes.truncate(place),
        _ => {
            let end = (place + 512).min(bytes.len());
            bytes[place..end].fill(0);
        }
    }
    std::fs::write(file, bytes).unwrap();
}

/// Changes of one history; it has some two hundred rows then, so that looking at all of them stays cheap.
const CHANGES: usize = 120;
/// Changes that are committed at once, at most.
const BATCH_MAX: u64 = 24;
/// Histories without `STEADFAST_SOAK`.
const HISTORIES: usize = 34;

fn run(seed: u64) -> Result<(), String> {
    let temporary = scratch().unwrap();
    let folder = temporary.path().join("store");
    let mut random = Random::new(seed);
    let mut backend = open(&folder);
    let oracle = oracle_of(&backend);
    let changes = random_changes(seed, CHANGES, &Analyzer);
    let mut left = changes.as_slice();
    while !left.is_empty() {
        let length = 1 + usize::try_from(random.below(BATCH_MAX)).unwrap();
        let (batch, later) = left.split_at(length.min(left.len()));
        left = later;
        let mine = backend.commit(batch, "test").unwrap();
        let theirs = oracle.commit(batch, "test").unwrap();
        assert_eq!(mine, theirs);
        backend = disturb(&folder, backend, &mut random);
        compare(&backend, &oracle, &questions())?;
    }
    backend.catch_up(Effort::Wait).unwrap();
    compare(&backend, &oracle, &questions()).map_err(|what| format!("at the end: {what}"))?;
    let verified = backend.verify(&Silent).unwrap();
    match verified.findings.first() {
        None => Ok(()),
        Some(finding) => Err(format!("{}: {}", finding.code, finding.what)),
    }
}

#[test]
fn it_answers_like_the_oracle_whatever_happens_to_its_indexes() {
    let (histories, first) = (cases(HISTORIES), seed(71));
    let seed_of = |case: usize| first.wrapping_add(case as u64);
    let failures = side_by_side(histories, || (), |(), case| run(seed_of(case)));
    tell(
        "operations of random histories against the oracle",
        Figure::Cases(histories * CHANGES),
    );
    let told = failures.iter().take(4);
    let told: Vec<String> = told
        .map(|(case, what)| format!("seed {}: {what}", seed_of(*case)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {histories} histories differ, among them:\n{}",
        failures.len(),
        told.join("\n")
    );
}

#[test]
fn a_second_handle_sees_each_acknowledged_write_at_once() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("store");
    let writer = open(&folder);
    let reader = open(&folder);
    let oracle = oracle_of(&writer);
    for (round, change) in random_changes(7, 120, &Analyzer).iter().enumerate() {
        writer.commit(std::slice::from_ref(change), "test").unwrap();
        oracle.commit(std::slice::from_ref(change), "test").unwrap();
        if round % 9 == 0 {
            writer.catch_up(Effort::Now).unwrap();
        }
        compare(&reader, &oracle, &questions())
            .unwrap_or_else(|what| panic!("round {round}: {what}"));
    }
}

#[test]
fn a_damaged_index_is_told_set_aside_and_made_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("store");
    let backend = open(&folder);
    backend
        .commit(&random_changes(3, 80, &Analyzer), "test")
        .unwrap();
    backend.catch_up(Effort::Now).unwrap();
    drop(backend);
    let segment = index_files(&folder)
        .into_iter()
        .find(|file| file.extension().is_some())
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x10;
    std::fs::write(&segment, bytes).unwrap();

    let backend = open(&folder);
    let health = backend.health().unwrap();
    assert_eq!(health.indexes[0].state, "damaged");
    assert_eq!(health.problems[0].code, "index_unusable");
    backend.catch_up(Effort::WhenDue).unwrap();
    let health = backend.health().unwrap();
    assert_eq!(health.indexes[0].state, "ready");
    // Sources that the random changes have left stale are another matter.
    let is_of_index = |problem: &&steadfast_model::Finding| problem.code.starts_with("index");
    assert_eq!(health.problems.iter().find(is_of_index), None);
    assert!(folder.join("quarantine").join("index-text-0001").is_dir());
}

/// Stops whatever it is told of.
struct Stopping;

impl steadfast_store::Progress for Stopping {
    fn step(&self, _stage: &str, _done: u64, _total: u64) -> bool {
        false
    }
}

#[test]
fn a_rebuild_that_is_stopped_publishes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let backend = open(&temporary.path().join("store"));
    let oracle = oracle_of(&backend);
    let changes = random_changes(5, 80, &Analyzer);
    backend.commit(&changes, "test").unwrap();
    oracle.commit(&changes, "test").unwrap();
    let published = || {
        let ground = backend.store().snapshot().unwrap();
        ["text", "vector"].map(|index| ground.published(index).unwrap())
    };
    let before = published();
    let made = backend.rebuild(Derived::All, &Stopping).unwrap();
    assert_eq!((made, published()), (Vec::new(), before));
    compare(&backend, &oracle, &questions()).unwrap();
    let made = backend.rebuild(Derived::All, &Silent).unwrap();
    assert_eq!(made, ["text", "vector"]);
    assert_ne!(published(), before);
    compare(&backend, &oracle, &questions()).unwrap();
}
