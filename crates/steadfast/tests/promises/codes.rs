//! Each result code that SQLite or a disk gives in the field, and what a user gets: a table.
//!
//! The table of `docs/internals/errors.md` is what these tests see; `UPDATE_REFERENCE=1` writes it
//! anew. Whatever happens in a row, the store is sound afterwards and takes writes when opened again.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use steadfast::model::Fault as _;
use steadfast::{Error, Journal, ListRequest, Memory, SearchRequest, Silent};
use steadfast_testkit::{Fault, Figure, Operation, Random, Times, cases, seed, tell};

use crate::life::{DEEDS, Golden, Life, golden, note};
use crate::oracle::{Admissible, check};

/// Codes with the operation that gives them. Those of a lock that is held are let go after three times.
const CODES: &[(i32, &str, Operation)] = &[
    (5, "BUSY", Operation::Lock),
    (261, "BUSY_RECOVERY", Operation::SharedLock),
    (517, "BUSY_SNAPSHOT", Operation::SharedLock),
    (773, "BUSY_TIMEOUT", Operation::SharedLock),
    (15, "PROTOCOL", Operation::SharedLock),
    (14, "CANTOPEN", Operation::Open),
    (526, "CANTOPEN_ISDIR", Operation::Open),
    (1544, "READONLY_DIRECTORY", Operation::Open),
    (14, "CANTOPEN", Operation::SharedMap),
    (264, "READONLY_RECOVERY", Operation::SharedMap),
    (520, "READONLY_CANTLOCK", Operation::SharedMap),
    (1288, "READONLY_CANTINIT", Operation::SharedMap),
    (4618, "IOERR_SHMOPEN", Operation::SharedMap),
    (4874, "IOERR_SHMSIZE", Operation::SharedMap),
    (5386, "IOERR_SHMMAP", Operation::SharedMap),
    (5130, "IOERR_SHMLOCK", Operation::SharedLock),
    (3850, "IOERR_LOCK", Operation::Lock),
    (2314, "IOERR_RDLOCK", Operation::Lock),
    (266, "IOERR_READ", Operation::Read),
    (8458, "IOERR_CORRUPTFS", Operation::Read),
    (8714, "IOERR_IN_PAGE", Operation::Read),
    (11, "CORRUPT", Operation::Read),
    (26, "NOTADB", Operation::Read),
    (7, "NOMEM", Operation::Read),
    (8, "READONLY", Operation::Write),
    (13, "FULL", Operation::Write),
    (778, "IOERR_WRITE", Operation::Write),
    (1034, "IOERR_FSYNC", Operation::Sync),
    (1290, "IOERR_DIR_FSYNC", Operation::Sync),
    (1546, "IOERR_TRUNCATE", Operation::Truncate),
    (1802, "IOERR_FSTAT", Operation::Size),
    (2570, "IOERR_DELETE", Operation::Delete),
];

/// The first lines of the table in the documentation.
const HEAD: &str = "| Code | Name | In | Journal | Opening, once | Opening, always | Reading, always | Writing, once |\n\
                    |---|---|---|---|---|---|---|---|\n";

fn said<T>(result: &Result<T, Error>, struck: u64) -> String {
    match result {
        _ if struck == 0 => "-".to_owned(),
        Ok(_) => "works".to_owned(),
        Err(error) => format!("`{}`", error.kind()),
    }
}

fn fault(code: i32, operation: Operation, times: Times) -> Fault {
    Fault {
        operation,
        after: 0,
        // A lock that is held is let go; who never gets one waits ten seconds, which no test does.
        times: match code & 0xff {
            5 | 15 => Times::InARow(3),
            _ => times,
        },
        code,
    }
}

fn read(memory: &Memory) -> Result<(), Error> {
    memory.list(&ListRequest::default()).map(drop)
}

/// Has a code at each kind of moment; returns what a user got.
fn row(
    golden: &Golden,
    journal: Journal,
    code: i32,
    name: &str,
    operation: Operation,
) -> Result<String, String> {
    let mut life = Life::new(journal);
    for deed in &DEEDS[..4] {
        (deed.act)(&mut life).map_err(|error| error.to_string())?;
    }
    life.close();
    let mut cells = Vec::new();
    for times in [Times::Once, Times::Always] {
        life.disk.set(Some(fault(code, operation, times)));
        let opened = life.another();
        cells.push(said(&opened, life.disk.struck()));
        life.disk.set(None);
    }
    let memory = life.another().map_err(|error| error.to_string())?;
    life.disk.set(Some(fault(code, operation, Times::Always)));
    cells.push(said(&read(&memory), life.disk.struck()));
    life.disk.set(None);
    // Another handle has written meanwhile, so that this one has something to look up.
    let begun = life.another().map_err(|error| error.to_string())?;
    life.disk.set(Some(fault(code, operation, Times::Once)));
    let written = begun.remember(&note("during"));
    cells.push(said(&written, life.disk.struck()));
    life.disk.set(None);
    drop((memory, begun));
    let before = &golden.after[3];
    let mut after = before.clone();
    after.insert("note-during".to_owned(), vec![note("during").text]);
    let mut admissible = Admissible::between(before, &after);
    if written.is_ok() {
        admissible = Admissible::between(&after, &after);
    }
    let sound = life.another().map_err(|error| error.to_string())?;
    check(&sound, &life.files, &admissible)?;
    let again = sound.remember(&note("during"));
    again.map_err(|error| error.to_string())?;
    check(&sound, &life.files, &Admissible::between(&after, &after))?;
    let journal = match journal {
        Journal::Wal => "WAL",
        Journal::Truncate | Journal::Auto => "TRUNCATE",
    };
    if cells.iter().all(|cell| cell == "-") {
        return Ok(String::new());
    }
    let operation = format!("{operation:?}");
    let cells = cells.join(" | ");
    Ok(format!(
        "| {code} | {name} | {operation} | {journal} | {cells} |\n"
    ))
}

#[test]
fn each_code_has_the_outcome_that_the_documentation_says() {
    let mut table = HEAD.to_owned();
    for journal in [Journal::Wal, Journal::Truncate] {
        let golden = golden(journal);
        for (code, name, operation) in CODES {
            let row = row(&golden, journal, *code, name, *operation);
            let row = row.unwrap_or_else(|what| {
                panic!("{journal:?}, {code} {name} in {operation:?}: {what}")
            });
            table.write_str(&row).unwrap();
        }
    }
    assert!(!table.contains("`internal`"), "{table}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/internals/errors.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let begin = text.find("| Code |").unwrap();
    let old = text[begin..].split("\n\n").next().unwrap().trim_end();
    if std::env::var_os("UPDATE_REFERENCE").is_some() {
        std::fs::write(&page, text.replace(old, table.trim_end())).unwrap();
    } else {
        assert_eq!(old, table.trim_end(), "UPDATE_REFERENCE=1 writes it anew");
    }
    tell(
        "result codes in each kind of moment",
        Figure::Cases(CODES.len() * 8),
    );
}

#[test]
fn a_lock_that_others_hold_for_a_while_is_waited_for() {
    for journal in [Journal::Wal, Journal::Truncate] {
        for times in 1..=4 {
            let mut life = Life::new(journal);
            let memory = life.open().unwrap();
            memory.remember(&note("before")).unwrap();
            life.disk.set(Some(Fault {
                operation: Operation::Lock,
                after: 0,
                times: Times::InARow(times),
                code: 5,
            }));
            let other = life.another().unwrap();
            other.remember(&note("after")).unwrap();
            assert!(life.disk.struck() == times, "{journal:?}, {times}");
            assert_eq!(other.list(&ListRequest::default()).unwrap().total, 2);
        }
    }
}

#[test]
fn a_read_that_comes_back_short_gives_no_wrong_text() {
    let mut random = Random::new(seed(41));
    for journal in [Journal::Wal, Journal::Truncate] {
        let mut golden = golden(journal);
        golden.life.close();
        // A log that is read short ends early: what comes back may be of yesterday, but was true then.
        let all = golden.after.iter().flat_map(|contents| contents.values());
        let truth: BTreeSet<&String> = all.flatten().collect();
        let reads = {
            golden.life.disk.set(None);
            let memory = golden.life.another().unwrap();
            drop(memory.search(&SearchRequest::new("harbor of winter")));
            golden.life.disk.count(Operation::Read)
        };
        let reads = usize::try_from(reads).unwrap();
        for case in 0..cases(60) {
            let times = [Times::Once, Times::InARow(3), Times::Always][case % 3];
            golden.life.disk.set(Some(Fault {
                operation: Operation::Read,
                after: random.below(reads) as u64,
                times,
                code: 522,
            }));
            let result = golden.life.another().and_then(|memory| {
                let answer = memory.search(&SearchRequest::new("harbor of winter"))?;
                let listing = memory.list(&ListRequest::default())?;
                let found = answer.hits.iter().map(|hit| &hit.chunk.text);
                let listed = listing.chunks.iter().map(|chunk| &chunk.text);
                let wrong = found.chain(listed).find(|text| !truth.contains(text));
                assert_eq!(wrong, None, "{journal:?}, case {case}");
                Ok(())
            });
            golden.life.disk.set(None);
            if let Err(error) = result {
                assert_ne!(error.kind(), "internal", "case {case}: {error}");
            }
        }
        let memory = golden.life.another().unwrap();
        assert_eq!(memory.verify(&Silent).unwrap().findings, []);
        tell("short reads", Figure::Cases(cases(60)));
    }
}
