//! Lookups and lists, and that a snapshot is one moment.

use steadfast_model::{Change, Document, DocumentStatus, Row, Seq, Timestamp};

use super::bench::{
    Bench, START, commit, everything, fetch, live, mark, namespace, rows, snapshot,
};
use super::words::vector_of;
use crate::backend::{Bm25, Snapshot};
use std::sync::Arc;
use steadfast_model::FixedClock;

/// Neighbours are the live rows around one in its document, nearest distances first below zero.
pub fn neighbours_know_their_distance(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let first = commit(
        backend,
        Change::Put(bench.put("/a", &["a", "b", "c", "d", "e"])),
    );
    commit(backend, Change::Put(bench.put("/b", &["x", "y", "z"])));
    let second = commit(
        backend,
        Change::Put(bench.put("/a", &["e", "a", "new", "c", "d"])),
    );
    let view = snapshot(backend);
    let now = rows(view.as_ref(), &second.ids);
    let around = |row: Row, distance: u32| view.neighbours(row, distance).expect("neighbours");
    assert_eq!(around(now[2], 1), [(-1, now[1]), (1, now[3])]);
    assert_eq!(around(now[0], 2), [(1, now[1]), (2, now[2])]);
    assert_eq!(
        around(now[4], 9),
        [(-4, now[0]), (-3, now[1]), (-2, now[2]), (-1, now[3])]
    );
    assert_eq!(around(now[2], 0), []);
    assert_eq!(around(Row(99), 5), []);
    // Of a text that is history, those that stand around its old place.
    let gone = rows(view.as_ref(), &first.ids[1..2]);
    assert_eq!(around(gone[0], 1), [(-1, now[0]), (1, now[2])]);
}

/// Documents, tags, namespaces, rows and health tell the same story.
pub fn lists_and_counts_add_up(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    for (name, source, texts, tag) in [
        ("team", "/b", &["one", "two"][..], "red"),
        ("default", "/c", &["three"], "blue"),
        ("team", "/a", &["four"], "blue"),
        ("empty", "/a", &[], "unused"),
    ] {
        let mut put = bench.put(source, texts);
        put.namespace = namespace(name);
        put.attributes[0].tags.insert(tag.to_owned());
        commit(backend, Change::Put(put));
    }
    commit(
        backend,
        mark("/skipped", DocumentStatus::Skipped, Some("binary"), None),
    );
    let view = snapshot(backend);
    let counted = |name: &str, count| (name.to_owned(), count);
    assert_eq!(
        view.tags().expect("tags"),
        [counted("blue", 2), counted("red", 2)]
    );
    let namespaces = view.namespaces().expect("namespaces");
    assert_eq!(namespaces, [counted("default", 1), counted("team", 3)]);
    let documents = view.documents(&everything()).expect("documents");
    let names: Vec<(&str, &str, u64)> = documents
        .iter()
        .map(|found| {
            (
                found.namespace.as_str(),
                found.source.as_str(),
                found.chunks,
            )
        })
        .collect();
    let wanted = [
        ("default", "/c", 1),
        ("default", "/skipped", 0),
        ("empty", "/a", 0),
        ("team", "/a", 1),
        ("team", "/b", 2),
    ];
    assert_eq!(names, wanted);
    pages_begin_anywhere(view.as_ref(), &documents);
    let keys: Vec<_> = documents.iter().map(|found| found.key).collect();
    let all = view.rows_of(&keys).expect("rows");
    assert_eq!(all, (1..=4).map(Row).collect::<Vec<_>>());
    assert_eq!(view.rows_of(&keys[3..4]).expect("rows"), [Row(4)]);
    // In the order asked for, twice when asked for twice, without what there is not.
    let asked = [Row(3), Row(1), Row(77), Row(3)];
    let fetched: Vec<Row> = fetch(view.as_ref(), &asked)
        .iter()
        .map(|chunk| chunk.row)
        .collect();
    assert_eq!(fetched, [Row(3), Row(1), Row(3)]);
    let health = backend.health().expect("a report");
    assert_eq!((health.chunks, health.sources, health.skipped), (4, 4, 1));
    assert_eq!((health.namespaces, health.generation), (2, Seq(5)));
}

fn pages_begin_anywhere(view: &dyn Snapshot, documents: &[Document]) {
    // From any place on, as many as are wanted; a place need not be one that there is.
    for (place, limit) in
        (0..=documents.len()).flat_map(|place| (1..4).map(move |limit| (place, limit)))
    {
        let after = place.checked_sub(1).map(|before| &documents[before]);
        let mut page = Vec::new();
        let mut take = |document| {
            page.push(document);
            page.len() < limit
        };
        let after = after.map(|found| (&found.namespace, found.source.as_str()));
        view.documents_after(&everything(), after, &mut take)
            .expect("a page");
        let rest = &documents[place..];
        assert_eq!(page, rest[..limit.min(rest.len())]);
    }
    let mut first = None;
    let between = (&namespace("empty"), "/b");
    let mut take = |document: Document| {
        first = Some(document.source);
        false
    };
    view.documents_after(&everything(), Some(between), &mut take)
        .expect("a page");
    assert_eq!(first.as_deref(), Some("/a"));
}

/// Each commit is one event, newest first, told with the clock of its moment; the clock orders nothing.
pub fn the_log_tells_every_commit(bench: &Bench<'_>) {
    let clock = Arc::new(FixedClock::at(START));
    let backend = bench.open_at(clock.clone());
    let backend = backend.as_ref();
    backend
        .commit(&[Change::Put(bench.put("/a", &["one", "two"]))], "ada")
        .expect("a commit");
    clock.set(Timestamp(START.0 - 1000));
    commit(backend, Change::Note(bench.note("three")));
    commit(backend, mark("/a", DocumentStatus::Removed, None, None));
    commit(backend, Change::Access(vec![Row(1)]));
    let forget = Change::Forget {
        rows: vec![Row(3)],
        documents: Vec::new(),
    };
    commit(backend, forget);
    let view = snapshot(backend);
    let events = view.log(10).expect("a log");
    let told: Vec<(u64, &str, Option<&str>, u64)> = events
        .iter()
        .map(|event| {
            (
                event.seq.0,
                event.operation.as_str(),
                event.source.as_deref(),
                event.chunks,
            )
        })
        .collect();
    let note = events[2].source.as_deref();
    assert!(note.is_some_and(|source| source.starts_with("note:")));
    let wanted = [
        (4, "forget", None, 1),
        (3, "mark", Some("/a"), 2),
        (2, "note", note, 1),
        (1, "put", Some("/a"), 2),
    ];
    assert_eq!(told, wanted);
    assert_eq!((events[3].time, events[3].actor.as_str()), (START, "ada"));
    assert_eq!(events[3].namespace.as_deref(), Some("default"));
    assert_eq!(events[0].time, Timestamp(START.0 - 1000));
    assert_eq!(view.log(1).expect("a log"), events[..1]);
    assert_eq!(view.generation(), Seq(4));
}

/// An access is counted and is no commit.
pub fn accesses_are_counted(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    commit(backend, Change::Put(bench.put("/a", &["one", "two"])));
    let settled = commit(
        backend,
        Change::Access(vec![Row(1), Row(2), Row(1), Row(9)]),
    );
    assert_eq!((settled.seq, settled.counts.updated), (None, 3));
    let view = snapshot(backend);
    let counts: Vec<u64> = fetch(view.as_ref(), &[Row(1), Row(2)])
        .iter()
        .map(|chunk| chunk.access_count)
        .collect();
    assert_eq!((counts, view.generation()), (vec![2, 1], Seq(1)));
    drop(view);
    // The counter follows the text to its new place.
    commit(backend, Change::Put(bench.put("/a", &["two", "one"])));
    assert_eq!(
        fetch(snapshot(backend).as_ref(), &[Row(1)])[0].access_count,
        2
    );
}

/// What is committed after a snapshot was taken is not in it, in none of its answers; the next one has it.
pub fn a_snapshot_stays_as_it_was(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    commit(
        backend,
        Change::Put(bench.put("/a", &["alpha one", "beta two"])),
    );
    let before = snapshot(backend);
    commit(
        backend,
        Change::Put(bench.put("/a", &["alpha one", "gamma three"])),
    );
    commit(backend, Change::Note(bench.note("alpha delta")));
    commit(backend, Change::Access(vec![Row(1)]));
    let after = snapshot(backend);

    let texts = |view: &dyn crate::backend::Snapshot| -> Vec<String> {
        let rows: Vec<Row> = live(view).iter().collect();
        let chunks = fetch(view, &rows);
        chunks.into_iter().map(|chunk| chunk.text).collect()
    };
    assert_eq!(texts(before.as_ref()), ["alpha one", "beta two"]);
    assert_eq!(
        texts(after.as_ref()),
        ["alpha one", "gamma three", "alpha delta"]
    );
    assert_eq!((before.generation(), after.generation()), (Seq(1), Seq(3)));
    assert_eq!(before.log(9).expect("a log").len(), 1);
    assert_eq!(fetch(before.as_ref(), &[Row(1), Row(3)]).len(), 1);
    assert_eq!(fetch(before.as_ref(), &[Row(1)])[0].access_count, 0);
    let terms = bench.terms("alpha");
    let hits = |view: &dyn crate::backend::Snapshot| {
        let top = view.text_top(&terms, 9, Bm25::default(), &live(view));
        top.expect("hits")
    };
    let (old, new) = (hits(before.as_ref()), hits(after.as_ref()));
    assert_eq!((old.len(), new.len()), (1, 2));
    assert!(
        old[0].1.to_bits() != new[0].1.to_bits(),
        "statistics are of the moment, too"
    );
    let query = vector_of("gamma three");
    let top = before
        .vector_top(&query, 9, &live(before.as_ref()))
        .expect("hits");
    assert!(top.iter().all(|(row, _)| row.0 <= 2), "{top:?}");
    drop((before, after));
    // A search that starts after an acknowledgement sees it.
    let settled = commit(backend, Change::Note(bench.note("epsilon")));
    assert_eq!(Some(snapshot(backend).generation()), settled.seq);
}
