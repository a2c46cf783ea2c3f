//! What was acknowledged is there and the same, and each file is whole or absent.
//!
//! The bad days: the power goes while the store is created, written, forgotten
//! from, rebuilt or closed.

use steadfast::Journal;
use steadfast_testkit::Cut;

use crate::cuts::{Recording, cases};
use crate::life::{Golden, golden};
use crate::oracle::{Admissible, Contents};

/// Cuts that once broke a promise, with the journal of the store.
const REGRESSIONS: &[(Journal, Cut)] = &[];

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
    let recording = Recording {
        name,
        events: &events,
        files: &golden.life.files,
        admissible: &admissible,
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
