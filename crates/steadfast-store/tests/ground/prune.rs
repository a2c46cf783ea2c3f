//! Letting go of history by a time, where clocks jumped.

use std::sync::Arc;

use steadfast_model::{Change, FixedClock, Seq, Timestamp};
use steadfast_store::{Journal, OpenOptions, SqliteStore, Upkeep as _};

use super::support::{commit, options, put};

#[test]
fn one_commit_of_a_clock_that_was_behind_takes_no_young_history() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::at(Timestamp(0)));
    let options = OpenOptions {
        clock: Arc::<FixedClock>::clone(&clock),
        ..options(Journal::Wal)
    };
    let store = SqliteStore::open(folder.path(), options).unwrap();
    let times = [100, 200, 300, 400, 1, 500];
    for (edition, time) in (1..).zip(times) {
        clock.set(Timestamp(time));
        let text = format!("edition {edition}");
        commit(&store, Change::Put(put("/a", &[&text])));
    }
    let kept_from = |time| store.plan_prune(Timestamp(time)).unwrap().kept_from;
    assert_eq!(kept_from(50), Seq(0));
    assert_eq!(kept_from(250), Seq(2));
    assert_eq!(kept_from(400), Seq(5));
    assert_eq!(kept_from(900), Seq(6));
    assert_eq!(store.plan_prune(Timestamp(250)).unwrap().versions, 1);
}
