//! Calls that cannot be carried out: each is refused by name and leaves nothing behind.

use serde_json::{Value, json};

use super::bench::{Bench, kind, meta, numbered};
use crate::collection::{
    Collection, DeleteRequest, GetRequest, ID_BYTES_MAX, QueryRequest, Records,
};
use crate::error::Result;

/// Calls a write in each of its ways; each must be refused and leave the collection as it is.
fn refused(collection: &Collection, records: &Records, wanted: &str) {
    type Call = fn(&Collection, &Records) -> Result<crate::collection::Written>;
    let calls: [(&str, Call); 3] = [
        ("add", Collection::add),
        ("upsert", Collection::upsert),
        ("update", Collection::update),
    ];
    let before = collection.get(&GetRequest::all()).expect("records");
    for (name, call) in calls {
        assert_eq!(kind(call(collection, records)), wanted, "{name}");
    }
    let after = collection.get(&GetRequest::all()).expect("records");
    assert_eq!(before, after);
}

/// Ids, documents, metadata and vectors belong together one by one.
pub fn lists_of_different_lengths_are_refused(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 3)).expect("a commit");
    let mut records = numbered(10, 3);
    records.documents = Some(vec!["one".to_owned(); 2]);
    refused(&collection, &records, "length_mismatch");
    let mut records = numbered(10, 3);
    records.metadatas = Some(vec![meta(json!({})); 4]);
    refused(&collection, &records, "length_mismatch");
    let mut records = numbered(10, 3);
    records.embeddings = Some(Vec::new());
    refused(&collection, &records, "length_mismatch");
    let mut records = numbered(10, 3);
    records.ids.clear();
    refused(&collection, &records, "length_mismatch");
}

/// An id is any text but the empty one, and stands once in a call.
pub fn ids_are_neither_empty_nor_twice(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 3)).expect("a commit");
    let mut records = numbered(10, 3);
    "id 10".clone_into(&mut records.ids[2]);
    refused(&collection, &records, "duplicate_id");
    records.ids[2] = String::new();
    refused(&collection, &records, "invalid_id");
    records.ids[2] = "x".repeat(ID_BYTES_MAX + 1);
    refused(&collection, &records, "invalid_id");
    records.ids[2] = "x".repeat(ID_BYTES_MAX);
    collection.add(&records).expect("the longest id");
    let twice = GetRequest::ids(["id 1", "id 1"]);
    assert_eq!(kind(collection.get(&twice)), "duplicate_id");
}

/// A deletion without a condition takes nothing out.
pub fn an_empty_filter_deletes_nothing(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 3)).expect("a commit");
    let nothing = [
        DeleteRequest::default(),
        DeleteRequest::matching(json!({})),
        DeleteRequest {
            document_filter: Some(json!({})),
            ..DeleteRequest::matching(json!({}))
        },
    ];
    for request in nothing {
        assert_eq!(kind(collection.delete(&request)), "nothing_selected");
    }
    assert_eq!(collection.count().expect("a count"), 3);
}

/// All vectors of a collection are finite and of the dimension that the first write had.
pub fn vectors_of_another_space_are_refused(bench: &Bench<'_>) {
    let collection = bench.collection();
    for (vectors, wanted) in [
        (vec![vec![1.0, 2.0], vec![1.0]], "dimension_mismatch"),
        (vec![vec![], vec![]], "invalid_vector"),
        (vec![vec![1.0], vec![f32::NAN]], "invalid_vector"),
        (vec![vec![1.0], vec![f32::INFINITY]], "invalid_vector"),
    ] {
        let records = Records::new(["a", "b"]).embeddings(vectors);
        refused(&collection, &records, wanted);
    }
    collection.add(&numbered(0, 3)).expect("a commit");
    let longer = Records::new(["a"]).embeddings([vec![1.0, 2.0, 3.0]]);
    refused(&collection, &longer, "dimension_mismatch");
    let text = Records::new(["a"]).documents(["text"]);
    assert_eq!(kind(collection.add(&text)), "vectors_expected");
    assert_eq!(kind(collection.upsert(&text)), "vectors_expected");
    let question = QueryRequest::texts(["text"]);
    assert_eq!(kind(collection.query(&question)), "vectors_expected");
    let question = QueryRequest::embeddings([vec![1.0]]);
    assert_eq!(kind(collection.query(&question)), "dimension_mismatch");

    let made = bench.collection();
    made.add(&Records::new(["a"]).documents(["text"]))
        .expect("a commit");
    let given = Records::new(["b"]).embeddings([vec![1.0]]);
    refused(&made, &given, "vectors_unexpected");
    let question = QueryRequest::embeddings([vec![1.0]]);
    assert_eq!(kind(made.query(&question)), "dimension_mismatch");
}

/// Metadata is scalars and lists of scalars under names that a filter can ask for.
pub fn metadata_is_scalars_and_lists_of_scalars(bench: &Bench<'_>) {
    let collection = bench.collection();
    collection.add(&numbered(0, 1)).expect("a commit");
    for bad in [
        json!({"a": {"b": 1}}),
        json!({"a": [1, [2]]}),
        json!({"a": [null]}),
        json!({"a": [{"b": 1}]}),
        json!({"": 1}),
        json!({"$eq": 1}),
    ] {
        let mut records = numbered(10, 1);
        records.metadatas = Some(vec![meta(bad)]);
        refused(&collection, &records, "invalid_metadata");
    }
}

/// A call that says nothing is a mistake, and a call on no records is none.
pub fn a_call_without_content_is_refused(bench: &Bench<'_>) {
    let collection = bench.collection();
    refused(&collection, &Records::new(["a"]), "invalid_input");
    let nothing = Records::new([""; 0]).documents([""; 0]);
    let written = collection.add(&nothing).expect("nothing to commit");
    assert_eq!((written.inserted, written.missing), (0, 0));
    assert_eq!(collection.update(&nothing).expect("nothing").updated, 0);
    let question = QueryRequest::texts(["a"]).results(0);
    assert_eq!(kind(collection.query(&question)), "invalid_input");
    let filter: Value = json!({"a": {"$in": 1}});
    let request = GetRequest::all().filter(filter);
    assert_eq!(kind(collection.get(&request)), "invalid_filter");
}
