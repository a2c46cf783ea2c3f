//! A chunk is there once, however many wrote it, however often, and whatever failed in between.
//!
//! The bad days: several programs index one folder at once; one that was told
//! of an error tries again; the power goes while several write.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use steadfast::{Derived, IndexOptions, Journal, Memory, Silent};
use steadfast_testkit::{Fault, Figure, Operation, Random, Times, cases, seed, tell};

use crate::cuts::{Recording, nothing_first};
use crate::life::{DEEDS, Life, golden, note, passage};
use crate::oracle::{Admissible, Contents, check};

/// Programs that write at once.
const WRITERS: usize = 4;
/// Notes that each of them writes.
const NOTES: usize = 12;

fn name(writer: usize, number: usize) -> String {
    let letter = |number: usize| char::from(b'a' + u8::try_from(number).unwrap());
    format!("w{}{}", letter(writer), letter(number))
}

/// Lets several handles write at once, each under its own names, all of them one more; returns for each note
/// when it was begun and when it was acknowledged.
fn write_at_once(life: &Life) -> Vec<(String, usize, usize)> {
    let told = Mutex::new(Vec::new());
    let turn = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (told, turn) = (&told, &turn);
            scope.spawn(move || {
                let memory = life.another().unwrap();
                for number in 0..NOTES {
                    let names = [
                        name(writer, number),
                        format!("common{}", "x".repeat(number)),
                    ];
                    for name in names {
                        let begun = life.disk.now();
                        memory.remember(&note(&name)).unwrap();
                        let done = life.disk.now();
                        told.lock().unwrap().push((name, begun, done));
                    }
                    if turn.fetch_add(1, Ordering::Relaxed) % 13 == 12 {
                        memory.rebuild(Derived::All, &Silent).unwrap();
                    }
                }
            });
        }
    });
    told.into_inner().unwrap()
}

/// Returns what may be there at a moment: what was acknowledged before must, what was not begun must not.
fn at_moment(told: &[(String, usize, usize)], event: usize) -> Admissible {
    let mut all = Admissible::default();
    for (name, _, _) in told {
        let mine = || told.iter().filter(|(other, _, _)| other == name);
        let versions = all.0.entry(format!("note-{name}")).or_default();
        if mine().any(|(_, begun, _)| *begun <= event) {
            versions.insert(vec![passage(name, 1, 0)]);
        }
        if !mine().any(|(_, _, done)| *done <= event) {
            versions.insert(Vec::new());
        }
    }
    all
}

fn several_at_once(journal: Journal, name: &str, count: usize, seed: u64) {
    let life = Life::new(journal);
    drop(life.another().unwrap());
    let told = write_at_once(&life);
    let everything = at_moment(&told, usize::MAX);
    let memory = life.another().unwrap();
    let found = check(&memory, &life.files, &everything).unwrap();
    assert_eq!(found.len(), WRITERS * NOTES + NOTES);
    let (events, files) = (life.disk.events(), &life.files);
    let admissible = |event| at_moment(&told, event);
    let recording = Recording {
        name,
        events: &events,
        from: 0,
        acknowledged: &told.iter().map(|(_, _, done)| *done).collect::<Vec<_>>(),
        files,
        admissible: &admissible,
        gone: &|_| Vec::new(),
        first: &nothing_first,
        journal,
    };
    recording.cut(cases(count), seed);
}

#[test]
fn the_power_goes_while_several_write_with_wal() {
    several_at_once(Journal::Wal, "several writers with WAL", 60, 7);
}

#[test]
fn the_power_goes_while_several_write_with_truncate() {
    several_at_once(Journal::Truncate, "several writers with TRUNCATE", 60, 8);
}

#[test]
fn several_programs_index_one_folder_and_leave_what_one_would() {
    let golden = golden(Journal::Wal);
    for journal in [Journal::Wal, Journal::Truncate] {
        let life = Life::new(journal);
        for entry in std::fs::read_dir(&golden.life.files).unwrap() {
            let path = entry.unwrap().path();
            std::fs::copy(&path, life.files.join(path.file_name().unwrap())).unwrap();
        }
        let index = |memory: &Memory| {
            let files = std::slice::from_ref(&life.files);
            memory
                .index(files, &IndexOptions::default(), &Silent)
                .unwrap();
        };
        std::thread::scope(|scope| {
            for _ in 0..WRITERS {
                scope.spawn(|| index(&life.another().unwrap()));
            }
        });
        let is_file = |source: &String| source.starts_with("file ");
        let wanted: Contents = golden.after.last().unwrap().clone();
        let wanted = wanted
            .into_iter()
            .filter(|(source, _)| is_file(source))
            .collect();
        let memory = life.another().unwrap();
        let found = check(&memory, &life.files, &Admissible::between(&wanted, &wanted));
        assert_eq!(found.unwrap(), wanted);
    }
}

#[test]
fn whoever_was_told_of_an_error_tries_again_and_leaves_one_of_each() {
    let golden = golden(Journal::Wal);
    let mut random = Random::new(seed(9));
    for case in 0..cases(16) {
        let mut life = Life::new(Journal::Wal);
        let operation = [Operation::Write, Operation::Sync, Operation::SharedLock][case % 3];
        let there = usize::try_from(golden.life.disk.count(operation)).unwrap();
        life.disk.set(Some(Fault {
            operation,
            after: random.below(there) as u64,
            times: Times::Once,
            code: operation.codes()[0],
        }));
        for deed in DEEDS {
            // Once more on the handle, then with a new one: the fault strikes once, the handle may be closed by it.
            let done = (deed.act)(&mut life).or_else(|_| (deed.act)(&mut life));
            done.or_else(|_| {
                life.close();
                (deed.act)(&mut life)
            })
            .unwrap_or_else(|error| panic!("case {case}: {}: {error}", deed.name));
        }
        // What is done in passing, once a minute, is not the same in each life: a fault may be left over.
        life.disk.set(None);
        let wanted = golden.after.last().unwrap();
        let memory = life.another().unwrap();
        let found = check(&memory, &life.files, &Admissible::between(wanted, wanted));
        found.unwrap_or_else(|what| panic!("case {case}: {what}"));
    }
    tell(
        "I/O faults after which it is tried again",
        Figure::Cases(cases(16)),
    );
}
