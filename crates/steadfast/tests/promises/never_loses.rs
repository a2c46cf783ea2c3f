//! What was acknowledged is there and the same, and each file is whole or absent.
//!
//! The bad days: the power goes while the store is created, written, forgotten
//! from, rebuilt or closed; the disk fails at any of its operations; whoever
//! was at work is gone before it was done.

use std::path::{Path, PathBuf};
use std::time::Duration;

use steadfast::model::filter::SourcePattern;
use steadfast::model::{Fault as _, Timestamp};
use steadfast::{Error, Journal, Memory, Selection};
use steadfast_testkit::{Cut, Fault, Metadata, Operation, Replay, Times, cases};

use crate::cuts::{Recording, nothing_first};
use crate::faults::{Case, draw, run};
use crate::life::{DEEDS, Golden, Life, SteppedClock, golden, note, word};
use crate::oracle::{Admissible, Contents, contents};

/// Cuts that once broke a promise, with the journal of the store.
const REGRESSIONS: &[(Journal, Cut)] = &[
    // The entry of the store's folder was not flushed.
    (
        Journal::Wal,
        Cut {
            event: 186,
            seed: 11_217_435_868_449_473_831,
            metadata: Metadata::Unordered,
            sector: 4096,
        },
    ),
    (
        Journal::Truncate,
        Cut {
            event: 193,
            seed: 2_264_612_362_690_066_075,
            metadata: Metadata::Unordered,
            sector: 4096,
        },
    ),
];

/// Returns what may be there after a cut at a moment of a life.
fn admissible(golden: &Golden, event: usize) -> Admissible {
    let done = golden
        .acknowledged
        .iter()
        .take_while(|at| **at <= event)
        .count();
    let nothing = Contents::new();
    let before = done
        .checked_sub(1)
        .map_or(&nothing, |last| &golden.after[last]);
    let after = golden.after.get(done).unwrap_or(before);
    Admissible::between(before, after)
}

fn cut_a_life(journal: Journal, name: &str, count: usize, seed: u64) {
    let golden = golden(journal);
    let events = golden.life.disk.events();
    let admissible = |event| admissible(&golden, event);
    let forgotten = DEEDS.iter().position(|deed| deed.name == "forget a note");
    let forgotten = golden.acknowledged[forgotten.unwrap()];
    let gone = |event| {
        let is_gone = event >= forgotten;
        is_gone.then(|| word("first", 1, 0)).into_iter().collect()
    };
    let recording = Recording {
        name,
        events: &events,
        from: 0,
        acknowledged: &golden.acknowledged,
        files: &golden.life.files,
        admissible: &admissible,
        gone: &gone,
        first: &nothing_first,
        journal,
    };
    for (_, cut) in REGRESSIONS.iter().filter(|(kept, _)| *kept == journal) {
        recording.cut_at(*cut);
    }
    recording.cut(cases(count), seed);
}

#[test]
fn a_power_cut_at_any_moment_of_a_life_with_wal_loses_nothing() {
    cut_a_life(Journal::Wal, "a life with WAL", 300, 1);
}

#[test]
fn a_power_cut_at_any_moment_of_a_life_with_truncate_loses_nothing() {
    cut_a_life(Journal::Truncate, "a life with TRUNCATE", 300, 2);
}

/// What SQLite does to a disk.
const GROUND: &[Operation] = &[
    Operation::Read,
    Operation::Write,
    Operation::Truncate,
    Operation::Sync,
    Operation::Size,
    Operation::Lock,
    Operation::SharedMap,
    Operation::SharedLock,
    Operation::Delete,
    Operation::Open,
];

/// Faults that once broke a promise.
const FAULTS: &[Case] = &[
    // SQLite's own flush of the log, before a checkpoint, failed without a word; what came later lay behind the hole.
    failed_flush(1_290, true, (12, 15)),
    failed_flush(1_034, false, (10, 13)),
    // Nothing of a new store could be flushed but the mark that says it was created.
    Case {
        journal: Journal::Wal,
        fault: Fault {
            operation: Operation::Sync,
            after: 4,
            times: Times::Always,
            code: 1_034,
        },
        reopens: true,
        deeds: (0, 3),
    },
];

/// Returns a case in which the first flush of some days fails.
const fn failed_flush(code: i32, reopens: bool, deeds: (usize, usize)) -> Case {
    Case {
        journal: Journal::Wal,
        fault: one_failed_flush(code),
        reopens,
        deeds,
    }
}

/// The next flush fails, and those after it do not.
const fn one_failed_flush(code: i32) -> Fault {
    Fault {
        operation: Operation::Sync,
        after: 0,
        times: Times::Once,
        code,
    }
}

/// No index can be written, so what was forgotten is not purged from them.
const NO_PURGE: Fault = Fault {
    operation: Operation::SideWrite,
    after: 0,
    times: Times::Always,
    code: 10,
};

#[test]
fn a_disk_that_fails_at_any_operation_with_wal_loses_nothing() {
    let mut all = FAULTS.to_vec();
    all.extend(draw(Journal::Wal, GROUND, cases(60), 3));
    run(&all, Journal::Wal, "I/O faults in a life");
}

#[test]
fn a_disk_that_fails_at_any_operation_with_truncate_loses_nothing() {
    let all = draw(Journal::Truncate, GROUND, cases(60), 4);
    run(&all, Journal::Truncate, "I/O faults in a life");
}

#[test]
fn a_handle_whose_flush_failed_takes_no_more_writes() {
    let mut life = Life::new(Journal::Wal);
    let memory = life.open().unwrap();
    memory.remember(&note("before")).unwrap();
    life.disk.set(Some(one_failed_flush(1_034)));
    let kind = |result: Result<_, Error>| result.map_err(|error| error.kind()).err();
    assert_eq!(
        kind(memory.remember(&note("during")).map(drop)),
        Some("poisoned")
    );
    // The disk is sound again, but nobody knows what of the log it has kept.
    assert_eq!(
        kind(memory.remember(&note("after")).map(drop)),
        Some("poisoned")
    );
    let found = life.contents().unwrap().unwrap();
    assert!(found.contains_key("note-before") && !found.contains_key("note-after"));
    life.close();
    drop(memory);
    life.open().unwrap().remember(&note("after")).unwrap();
}

#[test]
fn what_is_written_behind_a_failed_flush_outlives_a_power_cut() {
    let mut life = Life::new(Journal::Wal);
    let memory = life.open().unwrap();
    memory.remember(&note("before")).unwrap();
    // Another process, as it were: it has a writer of its own, and no error of its own either.
    let other = life.another().unwrap();
    other.remember(&note("beside")).unwrap();
    life.disk.set(Some(one_failed_flush(1_034)));
    assert!(memory.remember(&note("during")).is_err());
    other.remember(&note("after")).unwrap();
    let events = life.disk.events();
    let mut replay = Replay::new(&events, Metadata::Ordered);
    replay.advance(events.len());
    for seed in 0..20 {
        let scratch = steadfast_testkit::scratch().unwrap();
        replay.image(seed, 512).write(scratch.path()).unwrap();
        let found = Life::on(scratch, Journal::Wal).another().unwrap();
        let found = contents(&found, &life.files).unwrap();
        for name in ["note-before", "note-beside", "note-after"] {
            assert!(found.contains_key(name), "{name} with seed {seed}");
        }
    }
}

/// Returns the jobs that are not done.
fn jobs(memory: &Memory) -> u64 {
    memory
        .status()
        .unwrap()
        .jobs
        .iter()
        .map(|(_, count)| count)
        .sum()
}

#[test]
fn what_is_left_of_a_purge_is_done_by_whoever_comes_next() {
    let clock = SteppedClock::at(Timestamp(1_700_000_000_000));
    let mut life = Life::new(Journal::Wal).with_clock(clock.clone());
    let memory = life.open().unwrap();
    memory.remember(&note("first")).unwrap();
    memory.remember(&note("second")).unwrap();
    life.disk.set(Some(NO_PURGE));
    // The note is gone, and what indexes and free pages still hold of it was about to be purged.
    assert!(life.forget("first").is_err());
    life.disk.set(None);
    life.close();
    drop(memory);
    let next = life.open().unwrap();
    assert_eq!(jobs(&next), 1);
    clock.step(Duration::from_hours(1));
    next.maintain().unwrap();
    clock.step(Duration::from_hours(1));
    next.maintain().unwrap();
    assert_eq!(jobs(&next), 0, "{:?}", next.status().unwrap().jobs);
}

/// Returns the names of the files that hold a word.
fn holders(folder: &Path, word: &str) -> Vec<PathBuf> {
    let (mut found, mut waiting) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let mut windows = content.windows(word.len());
            if windows.any(|bytes| bytes == word.as_bytes()) {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn what_a_killed_process_has_not_purged_the_next_one_does_at_once() {
    for journal in [Journal::Wal, Journal::Truncate] {
        let mut life = Life::new(journal);
        let memory = life.open().unwrap();
        for name in ["first", "second", "third"] {
            memory.remember(&note(name)).unwrap();
        }
        // Whoever was at the purge is gone before it was done.
        life.disk.set(Some(NO_PURGE));
        assert!(life.forget("first").is_err());
        life.disk.set(None);
        life.close();
        drop(memory);
        life.forget("second").unwrap();
        for name in ["first", "second"] {
            let found = holders(&life.store(), &word(name, 1, 0));
            assert!(found.is_empty(), "{journal:?}, {name}: {found:?}");
        }
        let kept = holders(&life.store(), &word("third", 1, 0));
        assert!(!kept.is_empty());
    }
}

#[test]
fn the_command_that_was_killed_before_its_purge_purges_when_it_is_run_again() {
    let mut life = Life::new(Journal::Wal);
    let memory = life.open().unwrap();
    memory.remember(&note("first")).unwrap();
    memory.remember(&note("second")).unwrap();
    life.disk.set(Some(NO_PURGE));
    assert!(life.forget("first").is_err());
    life.disk.set(None);
    life.close();
    drop(memory);
    let mut selection = Selection::default();
    let pattern = SourcePattern::parse("note-first").unwrap();
    selection.sources.push(pattern);
    let memory = life.open().unwrap();
    let plan = memory.plan_forget(&selection).unwrap();
    // There is nothing left to forget, and something to purge.
    let forgotten = memory.forget(&plan).unwrap();
    assert_eq!((forgotten.seq, forgotten.chunks), (None, 0));
    assert!(forgotten.is_purged);
    assert_eq!(
        holders(&life.store(), &word("first", 1, 0)),
        Vec::<PathBuf>::new()
    );
    assert_eq!(jobs(&memory), 0);
}
