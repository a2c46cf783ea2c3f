//! Opening works, works for reading, or says what is wrong; nothing panics, and no wrong text comes back.
//!
//! The bad days: the shared memory of WAL cannot be had, the disk fails while
//! the store is opened, the file has rotted, ends early or is another's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Barrier;

use steadfast::model::Fault as _;
use steadfast::{Error, Journal, ListRequest, Memory, SearchRequest};
use steadfast_testkit::{
    Damage, Fault, Figure, Operation, Random, Times, cases, damage, scratch, seed, side_by_side,
    tell,
};

use crate::life::{DEEDS, Golden, Life, golden, note};
use crate::oracle::{Admissible, check};

/// Operations of one opening and one search, beyond which a retry is a storm.
const OPERATIONS_MAX: u64 = 5_000;

type Files = BTreeMap<String, Vec<u8>>;

/// Returns the files of a store as a kill leaves them: nothing is closed. The life is over, but for its files.
fn killed(journal: Journal, golden: &Golden) -> (Files, Admissible, Life) {
    let mut life = Life::new(journal);
    for deed in &DEEDS[..DEEDS.len() - 1] {
        (deed.act)(&mut life).unwrap();
    }
    let contents = golden.after.last().unwrap();
    let mut files = Files::new();
    collect(&life.store(), Path::new(""), &mut files);
    (files, Admissible::between(contents, contents), life)
}

fn collect(root: &Path, below: &Path, files: &mut Files) {
    for entry in std::fs::read_dir(root.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = below.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect(root, &name, files);
        } else if !name.to_string_lossy().ends_with("-shm") {
            let content = std::fs::read(root.join(&name)).unwrap();
            files.insert(name.to_string_lossy().into_owned(), content);
        }
    }
}

/// Returns a life with these files as its store.
fn with_files(files: &Files, journal: Journal) -> Life {
    let scratch = scratch().unwrap();
    for (name, content) in files {
        let path = scratch.path().join("store").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    Life::on(scratch, journal)
}

fn open_and_search(life: &Life) -> Result<Memory, Error> {
    let memory = life.another()?;
    memory.search(&SearchRequest::new("harbor of winter"))?;
    Ok(memory)
}

fn opens_under(
    files: &Files,
    fault: Fault,
    journal: Journal,
    admissible: &Admissible,
    user_files: &Path,
) -> Result<(), String> {
    let life = with_files(files, journal);
    life.disk.set(Some(fault));
    let opened = open_and_search(&life);
    let operations: u64 = Operation::ALL.iter().map(|it| life.disk.count(*it)).sum();
    if operations > OPERATIONS_MAX {
        return Err(format!("{operations} operations for one opening"));
    }
    match opened {
        Err(error) if error.kind() == "internal" => return Err(error.to_string()),
        Err(_) => {}
        Ok(memory) => {
            life.disk.set(None);
            check(&memory, user_files, admissible)?;
        }
    }
    life.disk.set(None);
    let healed = life.another().map_err(|error| format!("healed: {error}"))?;
    check(&healed, user_files, admissible).map_err(|what| format!("healed: {what}"))?;
    healed
        .remember(&note("afterwards"))
        .map_err(|error| format!("healed: {error}"))?;
    Ok(())
}

fn opens_on_a_failing_disk(journal: Journal) {
    let golden = golden(journal);
    let (files, admissible, before) = killed(journal, &golden);
    let sound = with_files(&files, journal);
    sound.disk.set(None);
    drop(open_and_search(&sound).unwrap());
    let mut faults = Vec::new();
    for operation in Operation::ALL {
        let points = points(sound.disk.count(operation));
        for code in operation.codes() {
            for times in [Times::Once, Times::Always] {
                faults.extend(points.iter().map(|after| Fault {
                    operation,
                    after: *after,
                    times,
                    code: *code,
                }));
            }
        }
    }
    let failures = side_by_side(
        faults.len(),
        || (),
        |(), case| opens_under(&files, faults[case], journal, &admissible, &before.files),
    );
    tell("I/O faults while opening", Figure::Cases(faults.len()));
    assert_none(&failures, |case| format!("{:?}", faults[case]));
}

/// Fails when cases have, and says which.
fn assert_none(failures: &[(usize, String)], name: impl Fn(usize) -> String) {
    let told = failures.iter().take(8);
    let told: Vec<String> = told
        .map(|(case, what)| format!("case {case}, {}: {what}", name(*case)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} failed, among them:\n{}",
        failures.len(),
        told.join("\n")
    );
}

/// Returns some places among `count` operations: the first ones, and others that the soak adds.
fn points(count: u64) -> Vec<u64> {
    let wanted = cases(2) as u64;
    let step = count.div_ceil(wanted).max(1);
    (0..count).step_by(usize::try_from(step).unwrap()).collect()
}

#[test]
fn a_disk_that_fails_while_a_wal_store_is_opened() {
    opens_on_a_failing_disk(Journal::Wal);
}

#[test]
fn a_disk_that_fails_while_a_truncate_store_is_opened() {
    opens_on_a_failing_disk(Journal::Truncate);
}

/// Opens a damaged store and reads all of it: what comes back is what was written, or an error with a name.
fn reads_only_truth(life: &Life, truth: &BTreeSet<&str>) -> Result<(), String> {
    let typed = |error: Error| match error.kind() {
        "internal" => Err(format!("{error}")),
        _ => Ok(()),
    };
    let memory = match life.another() {
        Ok(memory) => memory,
        Err(error) => return typed(error),
    };
    let mut request = ListRequest::default();
    request.limit = 10_000;
    match memory.list(&request) {
        Ok(listing) => {
            let wrong = listing
                .chunks
                .iter()
                .find(|chunk| !truth.contains(chunk.text.as_str()));
            if let Some(chunk) = wrong {
                return Err(format!("a wrong text in a list: {:?}", chunk.text));
            }
        }
        Err(error) => typed(error)?,
    }
    match memory.search(&SearchRequest::new("harbor of winter")) {
        Ok(answer) => {
            let mut hits = answer.hits.iter();
            if let Some(hit) = hits.find(|hit| !truth.contains(hit.chunk.text.as_str())) {
                return Err(format!("a wrong text in an answer: {:?}", hit.chunk.text));
            }
        }
        Err(error) => typed(error)?,
    }
    for result in [
        memory.remember(&note("afterwards")).map(drop),
        memory.status().map(drop),
        memory.verify(&steadfast::Silent).map(drop),
    ] {
        result.or_else(typed)?;
    }
    Ok(())
}

#[test]
fn a_store_that_is_damaged_in_any_file_and_any_way_gives_no_wrong_text() {
    let golden = golden(Journal::Wal);
    let truth: BTreeSet<&str> = golden
        .after
        .iter()
        .flat_map(|contents| contents.values().flatten())
        .map(String::as_str)
        .collect();
    for journal in [Journal::Wal, Journal::Truncate] {
        let (files, _, _) = killed(journal, &golden);
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        let first = seed(10);
        let draw = |case: usize| {
            let mut random = Random::new(first.wrapping_add(case as u64));
            // Half of the cases are about the database itself.
            let name = match case % 2 {
                0 => "steadfast.db",
                _ => names[random.below(names.len())],
            };
            (name, Damage::ALL[case / 2 % Damage::ALL.len()], random)
        };
        let failures = side_by_side(
            cases(240),
            || (),
            |(), case| {
                let (name, kind, mut random) = draw(case);
                let mut files = files.clone();
                let content = damage(&files[name], kind, &mut random);
                files.insert(name.to_owned(), content);
                reads_only_truth(&with_files(&files, journal), &truth)
            },
        );
        tell("damaged files opened", Figure::Cases(cases(240)));
        assert_none(&failures, |case| {
            let (name, kind, _) = draw(case);
            format!("{journal:?}, {kind:?} of {name}")
        });
    }
}

#[test]
fn a_bit_that_is_another_gives_no_wrong_text() {
    let golden = golden(Journal::Truncate);
    let (files, _, _life) = killed(Journal::Truncate, &golden);
    let truth = golden.after.iter().flat_map(|it| it.values().flatten());
    let truth: BTreeSet<&str> = truth.map(String::as_str).collect();
    let first = seed(11);
    let failures = side_by_side(
        cases(100),
        || (),
        |(), case| {
            let mut random = Random::new(first.wrapping_add(case as u64));
            let mut files = files.clone();
            let content = damage(&files["steadfast.db"], Damage::Flip, &mut random);
            files.insert("steadfast.db".to_owned(), content);
            reads_only_truth(&with_files(&files, Journal::Truncate), &truth)
        },
    );
    tell(
        "bit flips in the database, none silent",
        Figure::Cases(cases(100)),
    );
    assert_none(&failures, |_| "a flipped bit".to_owned());
}

#[test]
fn rot_in_the_description_of_the_tables_is_damage_and_no_mistake_of_ours() {
    let golden = golden(Journal::Truncate);
    let (files, _, _life) = killed(Journal::Truncate, &golden);
    let truth = golden.after.iter().flat_map(|it| it.values().flatten());
    let truth: BTreeSet<&str> = truth.map(String::as_str).collect();
    for name in ["indexed_ms", "mtime_ns", "removed_seq", "live_chunks"] {
        let mut files = files.clone();
        let content = files.get_mut("steadfast.db").unwrap();
        let mut windows = content.windows(name.len());
        let at = windows.position(|it| it == name.as_bytes()).unwrap();
        content[at] ^= 1;
        let read = reads_only_truth(&with_files(&files, Journal::Truncate), &truth);
        read.unwrap_or_else(|what| panic!("{name}: {what}"));
    }
}

#[test]
fn several_programs_open_a_new_store_at_once() {
    const PROGRAMS: usize = 8;
    for round in 0..cases(10) {
        let life = Life::new(Journal::Auto);
        let start = Barrier::new(PROGRAMS);
        let opened: Vec<Result<(), Error>> = std::thread::scope(|scope| {
            let programs: Vec<_> = (0..PROGRAMS)
                .map(|number| {
                    let (life, start) = (&life, &start);
                    scope.spawn(move || {
                        start.wait();
                        let memory = life.another()?;
                        memory.remember(&note(&format!("by{number}"))).map(drop)
                    })
                })
                .collect();
            programs.into_iter().map(|it| it.join().unwrap()).collect()
        });
        for result in opened {
            result.unwrap_or_else(|error| panic!("round {round}: {error}"));
        }
        let request = ListRequest::default();
        assert_eq!(
            life.another().unwrap().list(&request).unwrap().total,
            PROGRAMS as u64
        );
    }
}

#[test]
fn a_store_that_was_killed_opens_in_the_other_journal_with_all_that_is_in_its_log() {
    for (first, then) in [
        (Journal::Wal, Journal::Truncate),
        (Journal::Truncate, Journal::Wal),
        (Journal::Wal, Journal::Auto),
    ] {
        let golden = golden(first);
        let (files, admissible, before) = killed(first, &golden);
        let life = with_files(&files, then);
        let memory = life.another().unwrap();
        check(&memory, &before.files, &admissible)
            .unwrap_or_else(|what| panic!("{first:?} to {then:?}: {what}"));
    }
}
