//! What goes in comes out: every field, every shape, wholly or not at all.

use std::collections::BTreeSet;

use serde_json::json;
use steadfast_model::chunk::Fidelity;
use steadfast_model::{
    Attributes, Change, ChunkId, DocumentStatus, Kind, Outcome, Place, Row, RowSet, Seq, StoreId,
    Timestamp, Trust, Vector,
};

use super::bench::{
    Bench, START, commit, everything, fetch, fingerprint, live, live_texts, namespace, row, rows,
    snapshot,
};
use super::words::vector_of;
use crate::backend::{Bm25, Silent};
use crate::error::StoreError;

/// An empty store answers every question with nothing, in the right shape.
pub fn an_empty_store_has_its_shapes(bench: &Bench<'_>) {
    let backend = bench.open();
    let view = snapshot(backend.as_ref());
    let view = view.as_ref();
    let all = RowSet::range(Row(0), Row(9));
    let terms = bench.terms("anything at all");
    let query = vector_of("anything at all");
    assert_eq!(view.generation(), Seq(0));
    assert!(live(view).is_empty());
    assert_eq!(
        view.text_top(&terms, 5, Bm25::default(), &all)
            .expect("no hits"),
        []
    );
    assert_eq!(view.vector_top(&query, 5, &all).expect("no hits"), []);
    let scores = view
        .vector_scores(&query, &[Row(1), Row(2)])
        .expect("two answers");
    assert_eq!(scores, [None, None]);
    assert_eq!(fetch(view, &[Row(0), Row(1), Row(u32::MAX)]), []);
    let id = ChunkId::new(&backend.store_id(), Row(1));
    assert_eq!(view.resolve(&id).expect("a lookup"), None);
    assert_eq!(view.neighbours(Row(1), 3).expect("no neighbours"), []);
    assert_eq!(
        view.document(&namespace("x"), "/a").expect("a lookup"),
        None
    );
    assert_eq!(view.documents(&everything()).expect("no documents"), []);
    assert_eq!(view.tags().expect("no tags"), []);
    assert_eq!(view.namespaces().expect("no namespaces"), []);
    assert_eq!(view.log(10).expect("no events"), []);
    let health = backend.health().expect("a report");
    assert_eq!(
        (health.chunks, health.sources, health.generation),
        (0, 0, Seq(0))
    );
    let verification = backend.verify(&Silent).expect("a verification");
    assert_eq!(
        (verification.chunks, verification.findings),
        (0, Vec::new())
    );
    assert_eq!(backend.commit(&[], "suite").expect("nothing to do"), []);
    assert_eq!(snapshot(backend.as_ref()).generation(), Seq(0));
}

/// Every field of a chunk and of its document comes back as it went in.
pub fn every_field_survives(bench: &Bench<'_>) {
    let backend = bench.open();
    // A number that is lost when decimals are read with too few digits.
    let rich = Attributes {
        kind: Kind::Code,
        title: Some("A \"title\" \u{1f980}".to_owned()),
        tags: BTreeSet::from(["b".to_owned(), "a,\"c\"".to_owned()]),
        meta: json!({"n": 2_480_763_915.047_314_5, "big": u64::MAX, "deep": {"a": [1, null, "x"]}, "": false})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        document_time: Some(Timestamp(-1)),
        valid_from: Some(Timestamp(i64::MIN)),
        valid_to: Some(Timestamp(i64::MAX)),
        trust: Trust::Import,
    };
    let texts = ["fn main() {}\n", "", "nul \0 and \u{10ffff} \r\n", "last"];
    let mut put = bench.put("/a/\u{e9}.rs", &texts);
    put.namespace = namespace("team/\u{e9}");
    put.fingerprint = Some(fingerprint(u64::MAX));
    put.attributes = vec![Attributes::default(), rich.clone()];
    for (index, chunk) in put.chunks.iter_mut().enumerate() {
        chunk.attributes = index % 2;
        chunk.place = Place {
            start_line: u32::MAX - 9,
            end_line: u32::MAX,
            start_byte: u64::MAX - 1,
            end_byte: u64::MAX,
            heading_path: vec![String::new(); index],
            fidelity: Fidelity {
                lossy: index == 0,
                converted: index == 1,
                redacted: index == 2,
            },
            ..chunk.place.clone()
        };
    }
    let settled = commit(backend.as_ref(), Change::Put(put.clone()));
    assert_eq!(settled.outcome, Outcome::Inserted);
    assert_eq!(settled.seq, Some(Seq(1)));
    assert_eq!(settled.counts.inserted, 4);

    let view = snapshot(backend.as_ref());
    let found = fetch(view.as_ref(), &rows(view.as_ref(), &settled.ids));
    assert_eq!(found.len(), put.chunks.len());
    for (index, (chunk, new)) in found.iter().zip(&put.chunks).enumerate() {
        assert_eq!(chunk.id, settled.ids[index]);
        assert_eq!(chunk.text, new.text);
        assert_eq!(chunk.content_hash, new.content_hash);
        assert_eq!(chunk.namespace, put.namespace);
        assert_eq!(chunk.source, put.source);
        assert_eq!(chunk.attributes, put.attributes[index % 2]);
        let place = Place {
            position: u32::try_from(index).unwrap_or(0),
            ..new.place.clone()
        };
        assert_eq!(chunk.place, place);
        assert_eq!((chunk.added_seq, chunk.removed_seq), (Seq(1), None));
        assert_eq!(chunk.access_count, 0);
    }
    let document = view
        .document(&put.namespace, &put.source)
        .expect("a lookup");
    let document = document.expect("the document");
    assert_eq!(document.key, found[0].document);
    assert_eq!(document.status, DocumentStatus::Indexed);
    assert_eq!(document.fingerprint, put.fingerprint);
    assert_eq!((document.chunks, document.seq), (4, Seq(1)));
    assert_eq!((document.indexed_at, document.reason), (START, None));
    let again = commit(backend.as_ref(), Change::Put(put));
    assert_eq!((again.outcome, again.counts.reused), (Outcome::Reused, 4));
}

/// Of a batch with one bad change nothing is applied; rows and sequence numbers go on as if it had never been.
pub fn a_batch_applies_wholly_or_not_at_all(bench: &Bench<'_>) {
    let backend = bench.open();
    let good = |source: &str| Change::Put(bench.put(source, &["one", "two"]));
    let mut bad = bench.put("/bad", &["three"]);
    bad.chunks[0].vector = Some(Vector(vec![1.0]));
    let refused = backend.commit(&[good("/a"), Change::Put(bad)], "suite");
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
    assert_eq!(live_texts(backend.as_ref()), [""; 0]);
    assert_eq!(snapshot(backend.as_ref()).log(9).expect("a log"), []);

    let settled = backend
        .commit(&[good("/a"), good("/b")], "suite")
        .expect("a batch");
    let view = snapshot(backend.as_ref());
    assert_eq!(settled[0].seq, Some(Seq(1)));
    assert_eq!(settled[1].seq, Some(Seq(2)));
    let first = row(view.as_ref(), &settled[0].ids[0]);
    assert_eq!(first, Row(1), "rows are dense from 1");
    assert_eq!(live(view.as_ref()).len(), 4);
}

/// What cannot be searched later is refused when it comes in, not found out then.
pub fn malformed_changes_are_refused(bench: &Bench<'_>) {
    let backend = bench.open();
    let mut short = bench.put("/a", &["one"]);
    short.chunks[0].vector = Some(Vector(vec![0.0; super::DIMENSIONS - 1]));
    let mut endless = bench.put("/a", &["one"]);
    endless.chunks[0].vector = Some(Vector(vec![f32::NAN; super::DIMENSIONS]));
    let mut astray = bench.put("/a", &["one"]);
    astray.chunks[0].attributes = 1;
    let mut silent = bench.note("");
    silent.chunks.clear();
    for change in [
        Change::Put(short),
        Change::Put(endless),
        Change::Put(astray),
        Change::Note(silent),
    ] {
        let refused = backend.commit(std::slice::from_ref(&change), "suite");
        assert!(
            matches!(refused, Err(StoreError::Invalid { .. })),
            "{change:?} gives {refused:?}"
        );
    }
    let view = snapshot(backend.as_ref());
    assert_eq!(view.generation(), Seq(0));
    let narrow = Vector(vec![1.0]);
    let refused = view.vector_top(&narrow, 1, &RowSet::new());
    assert!(
        matches!(refused, Err(StoreError::Invalid { .. })),
        "{refused:?}"
    );
    let other = ChunkId::new(&StoreId([0xff; 16]), Row(1));
    drop(view);
    commit(backend.as_ref(), Change::Put(bench.put("/a", &["one"])));
    let view = snapshot(backend.as_ref());
    assert_eq!(
        view.resolve(&other).expect("a lookup"),
        None,
        "an id of another store"
    );
}
