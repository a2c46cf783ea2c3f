//! Several writers on one store, in one process and in many: nothing twice, nobody turned away.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::time::Duration;

use steadfast_model::{Attributes, Change, Namespace, NoteWrite};
use steadfast_store::files::Gate;
use steadfast_store::{Journal, SqliteStore};

use super::support::{
    BOTH_JOURNALS, as_second_process, assert_sound, chunk, commit, open, put, second_process, tell,
    texts, told,
};

const NOTES: u64 = 40;

/// Writes notes that everybody writes, and documents of its own; tells each commit number that it gets.
fn write_all(store: &SqliteStore, name: &str, mut tell: impl FnMut(u64, &str)) {
    for index in 0..NOTES {
        let note = NoteWrite {
            namespace: Namespace::default(),
            source: None,
            attributes: Attributes::default(),
            said: steadfast_model::Said::default(),
            chunks: vec![chunk(&format!("shared note {index}"), 1)],
            idempotency_key: None,
        };
        let settled = commit(store, Change::Note(note));
        let id = settled.ids[0].to_string();
        tell(settled.seq.map_or(0, |seq| seq.0), &format!("{index}={id}"));
        let text = format!("document {index} of {name}");
        let settled = commit(
            store,
            Change::Put(put(&format!("/{name}/{index}"), &[&text])),
        );
        tell(settled.seq.unwrap().0, "own");
    }
}

/// Checks what some writers were told against what the store holds.
fn check(store: &SqliteStore, writers: u64, told: &[(u64, String)]) {
    let mut seqs = BTreeSet::new();
    let mut notes: BTreeMap<&str, &str> = BTreeMap::new();
    for (seq, what) in told {
        assert!(
            *seq == 0 || seqs.insert(*seq),
            "commit {seq} was told twice"
        );
        if let Some((note, id)) = what.split_once('=') {
            let first = notes.entry(note).or_insert(id);
            assert_eq!(
                *first, id,
                "note {note}: the loser of a race gets the winner's id"
            );
        }
    }
    let rows = NOTES + writers * NOTES;
    assert_eq!(
        seqs.into_iter().collect::<Vec<_>>(),
        (1..=rows).collect::<Vec<_>>()
    );
    let texts: Vec<String> = texts(store).into_values().collect();
    assert_eq!(u64::try_from(texts.len()).unwrap(), rows);
    assert_eq!(
        texts.iter().collect::<BTreeSet<_>>().len(),
        texts.len(),
        "nothing is there twice"
    );
    assert_sound(store);
}

#[test]
fn handles_of_one_process_take_turns() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        let stores = [open(folder.path(), journal), open(folder.path(), journal)];
        let told: Vec<(u64, String)> = std::thread::scope(|scope| {
            let threads: Vec<_> = stores
                .iter()
                .zip(["left", "right"])
                .map(|(store, name)| {
                    scope.spawn(move || {
                        let mut told = Vec::new();
                        write_all(store, name, |seq, what| told.push((seq, what.to_owned())));
                        told
                    })
                })
                .collect();
            threads
                .into_iter()
                .flat_map(|thread| thread.join().unwrap())
                .collect()
        });
        check(&stores[0], 2, &told);
        check(&stores[1], 2, &told);
    }
}

#[test]
fn second_process_that_writes() {
    let Some((folder, role)) = as_second_process() else {
        return;
    };
    let (journal, name) = role.split_once(' ').unwrap();
    let journal = if journal == "wal" {
        Journal::Wal
    } else {
        Journal::Truncate
    };
    let store = open(&folder, journal);
    write_all(&store, name, |seq, what| tell(&format!("{seq} {what}")));
}

#[test]
fn processes_take_turns_from_the_first_moment() {
    for journal in ["wal", "truncate"] {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("store");
        // Nobody has made the store yet: the race begins with its creation.
        let processes: Vec<_> = ["left", "right", "middle"]
            .map(|name| {
                second_process(
                    "writers::second_process_that_writes",
                    &store,
                    &format!("{journal} {name}"),
                )
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
            })
            .into_iter()
            .collect();
        let mut all = Vec::new();
        for process in processes {
            let output = process.wait_with_output().unwrap();
            let stdout = String::from_utf8_lossy(&output.stdout);
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{journal}: {stdout}\n{stderr}");
            all.extend(stdout.lines().filter_map(told).map(|line| {
                let (seq, what) = line.split_once(' ').unwrap();
                (seq.parse().unwrap(), what.to_owned())
            }));
        }
        check(&open(&store, Journal::Auto), 3, &all);
    }
}

/// A process that was stopped in the middle of a flush holds nobody up for long.
#[test]
fn a_flush_that_never_ends_elsewhere_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path(), Journal::Wal);
    commit(&store, Change::Put(put("/first", &["alpha"])));
    let other = |name: &str| Gate::new(folder.path().join(name));
    let (flush, writer) = (other("flush.lock"), other("writer.lock"));
    let never_ends = flush.pass(Duration::from_mins(1)).unwrap();
    let held = writer.pass(Duration::from_mins(1)).unwrap();
    std::thread::scope(|scope| {
        let waiting: Vec<_> = (0..3)
            .map(|number| {
                let store = &store;
                let change = Change::Put(put(&format!("/{number}"), &["beta"]));
                scope.spawn(move || commit(store, change).seq)
            })
            .collect();
        // Most often they stand at the gate by then; it must go well if they do not, too.
        for _ in 0..10_000 {
            std::thread::yield_now();
        }
        drop(held);
        for waiting in waiting {
            assert!(waiting.join().unwrap().is_some());
        }
    });
    drop(never_ends);
    assert_eq!(texts(&store).len(), 4);
    assert_sound(&store);
}
