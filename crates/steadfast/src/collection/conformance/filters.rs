//! Filters: by metadata and by document, before any candidate is chosen.

use serde_json::{Value, json};
use steadfast_model::Metadata;

use super::bench::{Bench, kind, meta, numbered};
use crate::collection::{Collection, DeleteRequest, GetRequest, QueryRequest, Records};

fn library() -> Vec<Metadata> {
    [
        json!({"year": 2020, "who": "Ada", "tags": ["a", "b"]}),
        json!({"year": 2021.0, "who": "Bob", "ok": true}),
        json!({"year": 2022, "who": "Eve", "tags": ["b", "c"], "ok": false}),
        json!({"year": "2023", "tags": [1, 2.5]}),
        json!({}),
        json!({"year": -1, "who": "Ada Lovelace", "ok": 1}),
    ]
    .map(meta)
    .to_vec()
}

fn filled(bench: &Bench<'_>) -> Collection {
    let collection = bench.collection();
    let metas = library();
    let count = u16::try_from(metas.len()).expect("few");
    let records = Records::new((0..count).map(|number| number.to_string()))
        .documents((0..count).map(|number| format!("text {number}")))
        .embeddings((0..count).map(|number| vec![1.0, f32::from(number)]))
        .metadatas(metas);
    collection.add(&records).expect("a commit");
    collection
}

fn asked(collection: &Collection, filter: &Value) -> Vec<String> {
    let request = GetRequest::all().filter(filter.clone()).include([]);
    let got = collection.get(&request).expect("records").ids;
    let question = QueryRequest::embeddings([vec![1.0, 0.0]])
        .results(100)
        .filter(filter.clone());
    let answer = collection.query(&question).expect("an answer");
    let mut found = answer.ids[0].clone();
    found.sort();
    assert_eq!(found, got, "get and query agree on {filter}");
    assert_eq!(answer.in_scope, got.len() as u64);
    let everyone = library().len();
    let mut by_id = GetRequest::ids((0..everyone).map(|number| number.to_string()));
    by_id.filter = Some(filter.clone());
    assert_eq!(collection.get(&by_id).expect("records").ids, got);
    got
}

/// Every operator finds the records that fulfil it, by get and by query.
pub fn every_operator_equals_the_filter_by_hand(bench: &Bench<'_>) {
    let collection = filled(bench);
    for (filter, wanted) in [
        (json!({}), "012345"),
        (json!({"year": 2021}), "1"),
        (json!({"year": {"$eq": 2020}}), "0"),
        (json!({"year": {"$ne": 2020}}), "12345"),
        (json!({"year": {"$in": [2020, 2021, "2023"]}}), "013"),
        (json!({"year": {"$nin": [2020, 2021]}}), "2345"),
        (json!({"year": {"$gt": 2020}}), "12"),
        (json!({"year": {"$gte": 2020, "$lt": 2022}}), "01"),
        (json!({"year": {"$lte": 2020.5}}), "05"),
        (json!({"who": "Ada"}), "0"),
        (json!({"who": {"$contains": "Ada"}}), "05"),
        (json!({"who": {"$gte": "Bob"}}), "12"),
        (json!({"tags": {"$contains": "b"}}), "02"),
        (json!({"tags": {"$contains": 2.5}}), "3"),
        (json!({"tags": ["a", "b"]}), "0"),
        (json!({"ok": true}), "1"),
        (json!({"ok": {"$ne": true}}), "02345"),
        (json!({"ok": false, "who": "Eve"}), "2"),
        (json!({"ok": false, "who": "Ada"}), ""),
        (json!({"$or": [{"who": "Bob"}, {"year": 2020}]}), "01"),
        (json!({"$and": [{"who": "Bob"}, {"year": 2020}]}), ""),
        (
            json!({"$or": [{"$and": [{"year": {"$gt": 0}}, {"ok": true}]}, {"year": -1}]}),
            "15",
        ),
        (json!({"nothing": {"$in": []}}), ""),
        (json!({"nothing": {"$nin": []}}), "012345"),
    ] {
        let wanted: Vec<String> = wanted.chars().map(String::from).collect();
        assert_eq!(asked(&collection, &filter), wanted, "{filter}");
    }
}

/// An operator that does not exist is an error of every call that takes filters, also on an empty collection.
pub fn unknown_operators_are_refused(bench: &Bench<'_>) {
    for collection in [filled(bench), bench.collection()] {
        for filter in [
            json!({"year": {"$regex": "2.*"}}),
            json!({"$not": {"year": 2020}}),
            json!({"year": {"$gt": 1, "$near": 2}}),
            json!({"$or": [{"year": 1}, {"year": {"$like": 2}}]}),
        ] {
            let got = collection.get(&GetRequest::all().filter(filter.clone()));
            assert_eq!(kind(got), "unsupported_filter", "{filter}");
            let question = QueryRequest::embeddings([vec![1.0, 0.0]]).filter(filter.clone());
            assert_eq!(kind(collection.query(&question)), "unsupported_filter");
            let deletion = DeleteRequest::matching(filter);
            assert_eq!(kind(collection.delete(&deletion)), "unsupported_filter");
        }
        let by_text = GetRequest::all().document_filter(json!({"$matches": "a"}));
        assert_eq!(kind(collection.get(&by_text)), "unsupported_filter");
    }
    assert_eq!(filled(bench).count().expect("a count"), 6);
}

/// Filters on documents compare code points, alone and beside filters on metadata.
pub fn documents_are_filtered_by_their_text(bench: &Bench<'_>) {
    let collection = bench.collection();
    let records = Records::new(["a", "b", "c"])
        .documents([
            "Port 8443 is open",
            "port 22\nis shut",
            "\u{fc}ber \u{1f600}",
        ])
        .metadatas([json!({"n": 1}), json!({"n": 2}), json!({"n": 3})].map(meta))
        .embeddings([vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0, 1.0]]);
    collection.add(&records).expect("a commit");
    let bare = Records::new(["d"]).embeddings([vec![1.0, 2.0]]);
    collection.add(&bare).expect("a record without a document");
    for (filter, wanted) in [
        (json!({"$contains": "port"}), "b"),
        (json!({"$contains": "22\nis"}), "b"),
        (json!({"$contains": "\u{1f600}"}), "c"),
        (json!({"$contains": ""}), "abcd"),
        (json!({"$not_contains": "is"}), "cd"),
        (
            json!({"$or": [{"$contains": "8443"}, {"$contains": "ber"}]}),
            "ac",
        ),
        (
            json!({"$and": [{"$contains": "is"}, {"$not_contains": "shut"}]}),
            "a",
        ),
    ] {
        let wanted: Vec<String> = wanted.chars().map(String::from).collect();
        let request = GetRequest::all().document_filter(filter.clone());
        assert_eq!(collection.get(&request).expect("records").ids, wanted);
        let question = QueryRequest::embeddings([vec![1.0, 0.0]]).document_filter(filter);
        let mut found = collection.query(&question).expect("an answer").ids[0].clone();
        found.sort();
        assert_eq!(found, wanted);
    }
    let both = GetRequest::all()
        .filter(json!({"n": {"$lt": 3}}))
        .document_filter(json!({"$not_contains": "shut"}))
        .page(0, 5);
    assert_eq!(collection.get(&both).expect("records").ids, ["a"]);
}

/// A filter that leaves the farthest records of a thousand finds as many of them as were asked for.
pub fn filters_act_before_candidates_are_chosen(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 1_000)).expect("a commit");
    let question = QueryRequest::embeddings([vec![1.0, 0.0]])
        .results(5)
        .filter(json!({"number": {"$gte": 990}}))
        .document_filter(json!({"$not_contains": "3"}));
    let answer = collection.query(&question).expect("an answer");
    let wanted = ["id 990", "id 991", "id 992", "id 994", "id 995"];
    assert_eq!(answer.ids, [wanted]);
    assert_eq!(answer.in_scope, 9);
}
