//! Handles: what is created when, who sees what, and what a handle says when its end has come.

use std::sync::Barrier;

use serde_json::json;
use steadfast_model::{CollectionSpace, Distance};

use super::bench::{Bench, ids, kind, make, meta, numbered};
use crate::collection::{
    CollectionOptions, DeleteRequest, GetRequest, QueryRequest, Records, Written,
};
use crate::error::Result;

/// Looking for a store or a collection that is not there says so and creates nothing.
pub fn nothing_is_created_unasked(bench: &Bench<'_>) {
    let (open, place) = (bench.opener(), bench.place());
    for _ in 0..2 {
        let missing = open(&place, false).map(|_| ());
        assert_eq!(kind(missing), "store_not_found");
        assert!(!place.exists());
    }
    let collections = open(&place, true).expect("a store");
    for _ in 0..2 {
        let missing = collections.get_collection("drawers").map(|_| ());
        assert_eq!(kind(missing), "collection_not_found");
        let missing = collections.delete_collection("drawers");
        assert_eq!(kind(missing), "collection_not_found");
        assert_eq!(collections.list().expect("a list"), []);
    }
    for name in ["", "a\nb", &"x".repeat(246)] {
        let refused = collections.get_or_create_collection(name, &CollectionOptions::default());
        assert_eq!(kind(refused.map(|_| ())), "invalid_id", "{name}");
    }
}

/// Making a collection that is there gives that one; another distance is a mistake.
pub fn creation_is_idempotent(bench: &Bench<'_>) {
    let (open, place) = (bench.opener(), bench.place());
    let collections = open(&place, true).expect("a store");
    let options = CollectionOptions::default()
        .distance(Distance::L2)
        .meta(meta(json!({"about": "drawers"})));
    let made = collections
        .get_or_create_collection("drawers", &options)
        .expect("a collection");
    made.add(&numbered(0, 2)).expect("a commit");
    let again = open(&place, true).expect("the same store");
    let found = again
        .get_or_create_collection("drawers", &CollectionOptions::default())
        .expect("a collection");
    assert_eq!(found.distance(), Distance::L2);
    assert_eq!(found.meta(), &meta(json!({"about": "drawers"})));
    assert_eq!(ids(&found), ["id 0", "id 1"]);
    let other = CollectionOptions::default().distance(Distance::Ip);
    let refused = again.get_or_create_collection("drawers", &other);
    assert_eq!(kind(refused.map(|_| ())), "distance_mismatch");
    make(&again, "a", Distance::Cosine);
    let listed = collections.list().expect("a list");
    let told: Vec<_> = listed
        .iter()
        .map(|info| (info.name.as_str(), info.count, info.distance, info.space))
        .collect();
    let given = CollectionSpace::Given { dimensions: 2 };
    assert_eq!(
        told,
        [
            ("a", 0, Distance::Cosine, CollectionSpace::Undecided),
            ("drawers", 2, Distance::L2, given),
        ]
    );
    assert_eq!(found.info().expect("an info").count, 2);
}

/// The same ids in two collections, and in two stores, are different records.
pub fn collections_are_isolated(bench: &Bench<'_>) {
    let (here, there) = (bench.open(), bench.open());
    let all = [
        make(&here, "one", Distance::Cosine),
        make(&here, "two", Distance::Cosine),
        make(&there, "one", Distance::Cosine),
        make(&here, "on", Distance::Cosine),
    ];
    for (number, collection) in all.iter().enumerate() {
        let text = format!("text {number}");
        let records = Records::new(["a", "b"]).documents([text.clone(), text]);
        collection.add(&records).expect("a commit");
    }
    let change = Records::new(["a"]).documents(["changed"]);
    all[0].update(&change).expect("a commit");
    all[0].delete(&DeleteRequest::ids(["b"])).expect("a commit");
    for (number, collection) in all.iter().enumerate().skip(1) {
        let got = collection.get(&GetRequest::all()).expect("records");
        assert_eq!(got.ids, ["a", "b"]);
        let text = Some(format!("text {number}"));
        assert_eq!(got.documents, [text.clone(), text]);
        let question = QueryRequest::texts(["text changed"]).results(10);
        let answer = collection.query(&question).expect("an answer");
        assert_eq!(answer.ids[0].len(), 2);
    }
    assert_eq!(here.delete_collection("one").expect("a commit").deleted, 1);
    assert_eq!(all[1].count().expect("a count"), 2);
    assert_eq!(all[2].count().expect("a count"), 2);
}

/// A collection that was deleted is not found by its handles, also when there is a new one of the same name.
pub fn a_deleted_collection_is_gone_for_every_handle(bench: &Bench<'_>) {
    let collections = bench.open();
    let old = make(&collections, "drawers", Distance::Cosine);
    old.add(&numbered(0, 3)).expect("a commit");
    let deleted = collections.delete_collection("drawers").expect("a commit");
    assert_eq!(deleted.deleted, 3);
    for round in 0..2 {
        assert_eq!(kind(old.count()), "collection_not_found", "{round}");
        assert_eq!(kind(old.add(&numbered(0, 1))), "collection_not_found");
        let got = old.get(&GetRequest::all());
        assert_eq!(kind(got), "collection_not_found");
        let gone = old.delete(&DeleteRequest::ids(["id 1"]));
        assert_eq!(kind(gone), "collection_not_found");
        let answer = old.query(&QueryRequest::embeddings([vec![1.0, 0.0]]));
        assert_eq!(kind(answer), "collection_not_found");
        let new = make(&collections, "drawers", Distance::L2);
        assert_eq!(new.count().expect("a count"), round);
        // It has a space of its own, too.
        let records = Records::new(["id 1"]).embeddings([vec![1.0, 2.0, 3.0]]);
        new.upsert(&records).expect("a commit");
    }
}

/// After the end of a handle every call on it and on what came from it says that it is closed.
pub fn a_closed_handle_says_so(bench: &Bench<'_>) {
    let (open, place) = (bench.opener(), bench.place());
    let collections = open(&place, true).expect("a store");
    let other = open(&place, false).expect("the same store");
    let collection = make(&collections, "drawers", Distance::Cosine);
    collection.add(&numbered(0, 2)).expect("a commit");
    collections.clone().close();
    collections.close();
    assert_eq!(kind(collections.list()), "closed");
    assert_eq!(kind(collections.health().map(|_| ())), "closed");
    let got = collections.get_collection("drawers").map(|_| ());
    assert_eq!(kind(got), "closed");
    let options = CollectionOptions::default();
    let made = collections.get_or_create_collection("x", &options);
    assert_eq!(kind(made.map(|_| ())), "closed");
    let deleted = collections.delete_collection("drawers");
    assert_eq!(kind(deleted), "closed");
    assert_eq!(kind(collection.count()), "closed");
    assert_eq!(kind(collection.info()), "closed");
    assert_eq!(kind(collection.get(&GetRequest::all())), "closed");
    let answer = collection.query(&QueryRequest::texts(["a"]));
    assert_eq!(kind(answer), "closed");
    assert_eq!(kind(collection.add(&numbered(5, 1))), "closed");
    assert_eq!(kind(collection.upsert(&numbered(5, 1))), "closed");
    assert_eq!(kind(collection.update(&numbered(0, 1))), "closed");
    let gone = collection.delete(&DeleteRequest::ids(["id 0"]));
    assert_eq!(kind(gone), "closed");
    let same = other.get_collection("drawers").expect("a collection");
    assert_eq!(ids(&same), ["id 0", "id 1"], "other handles go on");
}

/// Eight threads that open and create at once end with one store and one collection, which holds what each wrote.
pub fn first_opens_may_come_at_once(bench: &Bench<'_>) {
    const THREADS: usize = 8;
    let (open, place) = (bench.opener(), bench.place());
    let start = Barrier::new(THREADS);
    let written: Vec<Result<Written>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|number| {
                let (open, place, start) = (&open, &place, &start);
                scope.spawn(move || {
                    start.wait();
                    let collections = open(place, true)?;
                    let options = CollectionOptions::default();
                    let collection = collections.get_or_create_collection("drawers", &options)?;
                    collection.add(&numbered(number * 10, 10))
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a thread"))
            .collect()
    });
    let mut seqs = Vec::new();
    for written in written {
        let written = written.expect("a commit");
        assert_eq!(written.inserted, 10);
        seqs.push(written.seq);
    }
    seqs.sort_unstable();
    seqs.dedup();
    assert_eq!(seqs.len(), THREADS, "each has its own commit");
    let collections = open(&place, false).expect("a store");
    let listed = collections.list().expect("a list");
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].count, 10 * THREADS as u64);
}

/// Of many who add one id at once exactly one wins, and all are told the truth.
pub fn writers_of_one_id_agree(bench: &Bench<'_>) {
    const THREADS: usize = 4;
    let collection = bench.collection();
    let start = Barrier::new(THREADS);
    let inserted: u64 = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|number| {
                let (collection, start) = (&collection, &start);
                scope.spawn(move || {
                    let records = Records::new(["a"]).documents([format!("by {number}")]);
                    start.wait();
                    let written = collection.add(&records).expect("a commit");
                    assert_eq!(written.inserted + written.unchanged, 1);
                    written.inserted
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|worker| worker.join().expect("a thread"))
            .sum()
    });
    assert_eq!(inserted, 1);
    assert_eq!(collection.count().expect("a count"), 1);
}

/// The health of a store that nothing is wrong with says so, and counts.
pub fn health_tells_the_state(bench: &Bench<'_>) {
    let collections = bench.open();
    make(&collections, "drawers", Distance::Cosine)
        .add(&numbered(0, 2))
        .expect("a commit");
    let health = collections.health().expect("a health");
    assert!(health.ok);
    assert!(!health.backend.is_empty());
    assert_eq!(health.store.chunks, 2);
}
