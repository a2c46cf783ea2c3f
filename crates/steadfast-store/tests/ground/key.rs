//! A foreign hand has taken the unique key away, and a writer has filed a text a second time.

use std::path::Path;

use rusqlite::Connection;
use steadfast_model::{Change, Row, Seq};
use steadfast_store::sqlite::DATABASE;

use super::support::{BOTH_JOURNALS, assert_sound, commit, open, put, texts};

/// Takes the key away and adds `row` again as `double`, as a writer without the key would.
fn double(folder: &Path, (row, double): (u32, u32), accesses: u32) {
    let connection = Connection::open(folder.join(DATABASE)).unwrap();
    connection
        .execute_batch(&format!(
            "BEGIN;
             DROP INDEX IF EXISTS chunks_unique;
             CREATE TEMP TABLE copy AS SELECT * FROM main.chunks WHERE row = {row};
             UPDATE copy SET row = {double}, access_count = {accesses}, vector_state = 2;
             INSERT INTO main.chunks SELECT * FROM copy;
             DROP TABLE copy;
             INSERT INTO tail SELECT {double}, seq, removed, analyzer, terms FROM tail WHERE row = {row};
             UPDATE facets SET live = live + 1 WHERE facet = (SELECT facet FROM chunks WHERE row = {row});
             UPDATE documents SET chunks = chunks + 1
                 WHERE document = (SELECT document FROM chunks WHERE row = {row});
             UPDATE store SET next_row = {double} + 1, live_chunks = live_chunks + 1,
                 live_tokens = live_tokens + (SELECT tokens FROM chunks WHERE row = {row});
             COMMIT;"
        ))
        .unwrap();
}

#[test]
fn the_key_comes_back_and_the_row_that_was_used_most_is_kept_with_the_counts_of_all() {
    for journal in BOTH_JOURNALS {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), journal);
        commit(&store, Change::Put(put("/a", &["alpha", "beta"])));
        commit(&store, Change::Put(put("/b", &["gamma"])));
        commit(&store, Change::Access(vec![Row(1), Row(3)]));
        drop(store);
        // Of alpha the second was used more, of gamma the first one, of beta neither.
        for doubled in [(1, 4, 5), (3, 5, 0), (3, 6, 1), (2, 7, 0)] {
            double(folder.path(), (doubled.0, doubled.1), doubled.2);
        }
        let store = open(folder.path(), journal);
        assert!(store.rungs()[0].contains("4 texts"), "{:?}", store.rungs());
        let kept: Vec<(Row, String)> = texts(&store).into_iter().collect();
        let kept: Vec<(u32, &str)> = kept
            .iter()
            .map(|(row, text)| (row.0, text.as_str()))
            .collect();
        assert_eq!(kept, [(2, "beta"), (3, "gamma"), (4, "alpha")]);
        let view = store.snapshot().unwrap();
        let fetched = view.fetch(&[Row(2), Row(3), Row(4)]).unwrap();
        let counts: Vec<u64> = fetched
            .chunks
            .iter()
            .map(|chunk| chunk.access_count)
            .collect();
        assert_eq!(counts, [0, 2, 6]);
        // One commit for each source; what left is history.
        assert_eq!(view.head().seq, Seq(4));
        drop(view);
        assert_sound(&store);
        let again = commit(&store, Change::Put(put("/b", &["gamma"])));
        assert_eq!((again.seq, again.counts.inserted), (None, 0));
        drop(store);
        let store = open(folder.path(), journal);
        assert_eq!(store.rungs(), [""; 0], "there is nothing left to do");
    }
}

#[test]
fn of_several_that_open_at_once_one_brings_the_key_back() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path(), BOTH_JOURNALS[0]);
        commit(&store, Change::Put(put("/a", &["alpha", "beta"])));
        drop(store);
        double(folder.path(), (1, 3), 0);
        let opened: Vec<usize> = std::thread::scope(|scope| {
            let open = || open(folder.path(), BOTH_JOURNALS[0]).rungs().len();
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(opened.iter().sum::<usize>(), 1, "{opened:?}");
        let store = open(folder.path(), BOTH_JOURNALS[0]);
        assert_eq!(store.snapshot().unwrap().head().seq, Seq(2));
        assert_eq!(texts(&store).len(), 2);
        assert_sound(&store);
    }
}
