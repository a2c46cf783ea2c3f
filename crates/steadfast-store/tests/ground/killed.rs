//! Killed with -9 while writing: what was acknowledged is there, what was not is there wholly or not at all.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

use steadfast_model::{Change, Namespace, Seq};
use steadfast_store::Journal;

use super::support::{
    Random, as_second_process, assert_sound, commit, open, put, second_process, tell, texts, told,
};

const ROUNDS: u64 = 50;

/// The texts of a document after it was written `edition` times.
fn document(round: &str, index: u64, edition: u64) -> Vec<String> {
    (0..=index % 4)
        .map(|part| {
            let size = usize::try_from((index * 37 + part * 211) % 900).unwrap();
            format!(
                "{round} {index} {part} edition {edition} {}",
                "x".repeat(size)
            )
        })
        .collect()
}

fn journal(name: &str) -> Journal {
    if name == "wal" {
        Journal::Wal
    } else {
        Journal::Truncate
    }
}

/// Writes each document twice and tells each acknowledgement, until it is killed.
#[test]
fn second_process_that_writes_until_it_is_killed() {
    let Some((folder, role)) = as_second_process() else {
        return;
    };
    let (mode, round) = role.split_once(' ').unwrap();
    let store = open(&folder, journal(mode));
    for index in 0.. {
        for edition in [1, 2] {
            let texts = document(round, index, edition);
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let settled = commit(
                &store,
                Change::Put(put(&format!("/{round}/{index}"), &texts)),
            );
            tell(&format!("{} {index} {edition}", settled.seq.unwrap().0));
        }
    }
}

/// Starts the writer, kills it after some acknowledgements, and returns the last one: number, document, edition.
fn killed_after(folder: &Path, mode: &str, round: u64, acknowledgements: u64) -> (u64, u64, u64) {
    let test = "killed::second_process_that_writes_until_it_is_killed";
    let mut process = second_process(test, folder, &format!("{mode} {round}"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut last = None;
    let mut count = 0;
    // What stands in the pipe after the kill was acknowledged too.
    for line in BufReader::new(process.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(line) = told(&line) else {
            continue;
        };
        let numbers: Vec<u64> = line
            .split(' ')
            .filter_map(|number| number.parse().ok())
            .collect();
        // The last line may be cut.
        if let [seq, index, edition] = numbers[..] {
            last = Some((seq, index, edition));
        }
        count += 1;
        if count == acknowledgements {
            process.kill().unwrap();
        }
    }
    assert!(!process.wait().unwrap().success(), "it was killed");
    last.expect("an acknowledgement")
}

fn check_round(folder: &Path, mode: &str, round: u64, last: (u64, u64, u64)) -> u64 {
    let (seq, last_index, last_edition) = last;
    let store = open(folder, journal(mode));
    assert_eq!(store.rungs(), [""; 0], "it opens the plain way");
    assert_sound(&store);
    let view = store.snapshot().unwrap();
    let head = view.head();
    assert!(
        head.seq >= Seq(seq),
        "commit {seq} was acknowledged, {:?} is there",
        head.seq
    );
    assert!(head.seq <= Seq(seq + 1), "at most one more was on its way");
    let round = round.to_string();
    for index in 0..=last_index + 1 {
        let source = format!("/{round}/{index}");
        let found = view.document(&Namespace::default(), &source).unwrap();
        let rows = view
            .rows_of(found.as_ref().map(|found| found.key).as_slice())
            .unwrap();
        let mut chunks = view.fetch(&rows).unwrap().chunks;
        chunks.retain(|chunk| chunk.removed_seq.is_none());
        chunks.sort_by_key(|chunk| chunk.place.position);
        let texts: Vec<String> = chunks.into_iter().map(|chunk| chunk.text).collect();
        let acknowledged = match index.cmp(&last_index) {
            std::cmp::Ordering::Less => 2,
            std::cmp::Ordering::Equal => last_edition,
            std::cmp::Ordering::Greater => 0,
        };
        let edition = |number: u64| {
            if number == 0 {
                Vec::new()
            } else {
                document(&round, index, number)
            }
        };
        // Only the commit after the last acknowledgement may be there as well, and then wholly.
        let next_is_there = head.seq == Seq(seq + 1)
            && (index, acknowledged)
                == if last_edition == 1 {
                    (last_index, 1)
                } else {
                    (last_index + 1, 0)
                };
        let wanted = edition(acknowledged + u64::from(next_is_there));
        assert_eq!(texts, wanted, "round {round}, document {index}");
    }
    head.live_chunks
}

fn survive(mode: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(7);
    let mut chunks = 0;
    for round in 0..ROUNDS {
        let acknowledgements = 1 + random.below(12);
        let last = killed_after(folder.path(), mode, round, acknowledgements);
        let now = check_round(folder.path(), mode, round, last);
        assert!(now > chunks, "round {round} adds to what was there");
        chunks = now;
    }
    let store = open(folder.path(), Journal::Auto);
    assert_eq!(u64::try_from(texts(&store).len()).unwrap(), chunks);
}

#[test]
fn every_acknowledged_commit_survives_kill_9_with_wal() {
    survive("wal");
}

#[test]
fn every_acknowledged_commit_survives_kill_9_with_truncate() {
    survive("truncate");
}
