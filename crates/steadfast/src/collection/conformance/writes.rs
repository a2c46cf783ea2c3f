//! Records in and out.

use serde_json::json;
use steadfast_model::Distance;

use super::bench::{Bench, ids, kind, make, meta, numbered};
use crate::collection::{
    CollectionOptions, DeleteRequest, Field, GetRequest, QueryRequest, Records,
};

/// Ids and documents of any text, and metadata of any allowed shape, come back as they went in.
pub fn records_come_back_byte_by_byte(bench: &Bench<'_>) {
    let collection = bench.collection();
    let long = "All work and no play makes Jack a dull boy.\r\n".repeat(5_000);
    let names = [
        "plain",
        "\u{0}nul\u{0}",
        "Gru\u{308}\u{df}e \u{1f44b}\u{1f3fd} \u{202e}txet",
        " spaces at the ends ",
        "'; DROP TABLE records; --",
        "%_*?[]",
    ];
    let documents = [
        long.as_str(),
        "a\u{0}b",
        "\u{feff}mark \u{65e5}\u{672c}\u{8a9e}",
        "",
        "\r\n\t\n",
        "$where",
    ];
    let metas = [
        json!({"text": "\u{0}\u{1f600}", "int": i64::MIN, "big": u64::MAX, "float": 0.1 + 0.2}),
        json!({"yes": true, "no": false, "small": 5e-324, "": null}),
        json!({"list": [1, "two", 3.5, true], "empty": []}),
        json!({}),
        json!({"a.b": 1, "A": 2, "\u{e9}": 3}),
        json!({"zero": -0.0, "large": 1e308}),
    ]
    .map(meta);
    let mut records = Records::new(names).documents(documents);
    // An empty name of a key is not allowed, and a null means that there is no such key.
    let mut given = metas.to_vec();
    given[1].remove("");
    given[1].insert("nothing".to_owned(), json!(null));
    records.metadatas = Some(given);
    let written = collection.add(&records).expect("a commit");
    assert_eq!((written.inserted, written.unchanged), (6, 0));
    let got = collection.get(&GetRequest::ids(names)).expect("records");
    assert_eq!(got.ids, names);
    let expected: Vec<_> = documents
        .iter()
        .map(|text| Some((*text).to_owned()))
        .collect();
    assert_eq!(got.documents, expected);
    for (got, mut wanted) in got.metadatas.into_iter().zip(metas) {
        wanted.remove("");
        assert_eq!(got, wanted);
    }
    assert_eq!(collection.count().expect("a count"), 6);
}

/// An id that is there already keeps its record, and the answer says how many there were.
pub fn add_leaves_what_is_there(bench: &Bench<'_>) {
    let collection = bench.collection();
    let first = Records::new(["a"]).documents(["first"]);
    let added = collection.add(&first).expect("a commit");
    let second = Records::new(["a", "b"]).documents(["second", "new"]);
    let written = collection.add(&second).expect("a commit");
    assert_eq!((written.inserted, written.unchanged), (1, 1));
    assert!(written.seq > added.seq);
    let again = collection.add(&second).expect("nothing to commit");
    assert_eq!((again.inserted, again.unchanged), (0, 2));
    assert_eq!(again.seq, written.seq, "nothing was committed");
    let got = collection.get(&GetRequest::all()).expect("records");
    assert_eq!(got.ids, ["a", "b"]);
    assert_eq!(got.documents[0].as_deref(), Some("first"));
}

/// After an upsert a record is what was given, and nothing of what it was.
pub fn upsert_makes_a_record_what_is_given(bench: &Bench<'_>) {
    let collection = bench.collection();
    let first = Records::new(["a", "b"])
        .documents(["first", "other"])
        .metadatas([meta(json!({"x": 1, "y": 2})), meta(json!({"z": 3}))]);
    collection.add(&first).expect("a commit");
    let second = Records::new(["a", "c"])
        .documents(["second", "third"])
        .metadatas([meta(json!({"x": 9})), meta(json!({}))]);
    let written = collection.upsert(&second).expect("a commit");
    assert_eq!((written.inserted, written.updated), (1, 1));
    let again = collection.upsert(&second).expect("nothing to commit");
    assert_eq!((again.unchanged, again.seq), (2, written.seq));
    let got = collection
        .get(&GetRequest::ids(["a", "b", "c"]))
        .expect("records");
    let texts: Vec<_> = got.documents.iter().flatten().collect();
    assert_eq!(texts, ["second", "other", "third"]);
    assert_eq!(got.metadatas[0], meta(json!({"x": 9})));
    let bare = Records::new(["a"]).documents(["second"]);
    assert_eq!(collection.upsert(&bare).expect("a commit").updated, 1);
    let got = collection.get(&GetRequest::ids(["a"])).expect("records");
    assert_eq!(got.metadatas[0], meta(json!({})));
}

/// An update changes what is given, key by key, and makes no records.
pub fn update_merges_and_passes_over_what_is_missing(bench: &Bench<'_>) {
    let collection = bench.collection();
    let records = Records::new(["a", "b"])
        .documents(["first", "other"])
        .metadatas([meta(json!({"x": 1, "y": 2})), meta(json!({"z": 3}))]);
    collection.add(&records).expect("a commit");
    let change = Records::new(["a", "nobody"]).metadatas([
        meta(json!({"x": 9, "y": null, "w": 4})),
        meta(json!({"x": 1})),
    ]);
    let written = collection.update(&change).expect("a commit");
    assert_eq!((written.updated, written.missing), (1, 1));
    let again = collection.update(&change).expect("nothing to commit");
    assert_eq!((again.unchanged, again.missing), (1, 1));
    let text = Records::new(["b"]).documents(["changed"]);
    assert_eq!(collection.update(&text).expect("a commit").updated, 1);
    let got = collection
        .get(&GetRequest::ids(["a", "b", "nobody"]))
        .expect("records");
    assert_eq!(got.ids, ["a", "b"]);
    assert_eq!(
        got.documents,
        [Some("first".into()), Some("changed".into())]
    );
    assert_eq!(got.metadatas[0], meta(json!({"x": 9, "w": 4})));
    assert_eq!(got.metadatas[1], meta(json!({"z": 3})));
    let found = collection
        .query(&QueryRequest::texts(["changed"]).results(1))
        .expect("an answer");
    assert_eq!(found.ids, [["b"]], "the vector follows the document");
}

/// Deleted records are in no count, list or answer; their ids can be used again.
pub fn deleted_records_are_found_nowhere(bench: &Bench<'_>) {
    let collection = bench.collection();
    let added = collection.add(&numbered(0, 10)).expect("a commit");
    let deleted = collection
        .delete(&DeleteRequest::ids(["id 3", "nobody"]))
        .expect("a commit");
    assert_eq!(deleted.deleted, 1);
    assert!(deleted.seq > added.seq);
    let by_filter = DeleteRequest::matching(json!({"number": {"$gte": 8}}));
    assert_eq!(collection.delete(&by_filter).expect("a commit").deleted, 2);
    let mut both = DeleteRequest::ids(["id 0", "id 1"]);
    both.filter = Some(json!({"even": true}));
    assert_eq!(collection.delete(&both).expect("a commit").deleted, 1);
    let by_text = DeleteRequest::default().document_filter(json!({"$contains": "ment 7"}));
    assert_eq!(collection.delete(&by_text).expect("a commit").deleted, 1);
    let none = collection.delete(&DeleteRequest::ids(["nobody"]));
    assert_eq!(none.expect("nothing to commit").deleted, 0);
    let empty = collection.delete(&DeleteRequest::ids([""; 0]));
    assert_eq!(empty.expect("nothing to commit").deleted, 0);
    let left = ["id 1", "id 2", "id 4", "id 5", "id 6"];
    assert_eq!(ids(&collection), left);
    assert_eq!(collection.count().expect("a count"), 5);
    let answer = collection
        .query(&QueryRequest::embeddings([vec![1.0, 0.0]]))
        .expect("an answer");
    assert_eq!(answer.ids, [left]);
    assert_eq!(
        kind(collection.delete(&DeleteRequest::default())),
        "nothing_selected"
    );
    collection.add(&numbered(3, 1)).expect("a commit");
    assert_eq!(ids(&collection)[5], "id 3", "it came in last");
}

/// Ten thousand records of one call appear together, under one sequence number.
pub fn ten_thousand_records_are_one_commit(bench: &Bench<'_>) {
    let collection = bench.collection();
    let first = collection.add(&numbered(0, 1)).expect("a commit");
    let written = collection.add(&numbered(0, 10_000)).expect("a commit");
    assert_eq!((written.inserted, written.unchanged), (9_999, 1));
    assert_eq!(written.seq.0, first.seq.0 + 1);
    assert_eq!(collection.count().expect("a count"), 10_000);
    let page = GetRequest::all().page(9_998, 10).include([]);
    let got = collection.get(&page).expect("records");
    assert_eq!(got.ids, ["id 9998", "id 9999"]);
    // The last of ten thousand cannot be kept, so none of them is.
    let mut bad = numbered(10_000, 10_000);
    "id 10000".clone_into(&mut bad.ids[9_999]);
    assert_eq!(kind(collection.add(&bad)), "duplicate_id");
    assert_eq!(collection.count().expect("a count"), 10_000);
    let gone = collection.delete(&DeleteRequest::matching(json!({"even": true})));
    let gone = gone.expect("a commit");
    assert_eq!((gone.deleted, gone.seq.0), (5_000, written.seq.0 + 1));
}

/// A vector that the caller gives is kept and returned with every bit, whatever its length.
pub fn given_vectors_come_back_bit_by_bit(bench: &Bench<'_>) {
    let collection = bench.measured_by(Distance::L2);
    let vectors = [
        vec![0.1, -0.0, f32::MIN_POSITIVE / 4.0],
        vec![f32::MAX, f32::MIN, f32::EPSILON],
        vec![0.0, 0.0, 0.0],
    ];
    let records = Records::new(["a", "b", "c"]).embeddings(vectors.clone());
    collection.add(&records).expect("a commit");
    let bits = |vectors: &[Vec<f32>]| -> Vec<Vec<u32>> {
        let bits = |vector: &Vec<f32>| vector.iter().map(|value| value.to_bits()).collect();
        vectors.iter().map(bits).collect()
    };
    let all = GetRequest::all().include(Field::ALL);
    let got = collection.get(&all).expect("records");
    assert_eq!(bits(&got.embeddings.expect("vectors")), bits(&vectors));
    assert_eq!(got.documents, [None, None, None], "they have no documents");
    let change = Records::new(["b"]).embeddings([vec![1.0, 2.0, 3.0]]);
    assert_eq!(collection.update(&change).expect("a commit").updated, 1);
    let document = Records::new(["a"]).documents(["now there is one"]);
    assert_eq!(collection.update(&document).expect("a commit").updated, 1);
    let got = collection
        .get(&GetRequest::ids(["a", "b"]).include(Field::ALL))
        .expect("records");
    let kept = [vectors[0].clone(), vec![1.0, 2.0, 3.0]];
    assert_eq!(bits(&got.embeddings.expect("vectors")), bits(&kept));
    assert_eq!(got.documents, [Some("now there is one".to_owned()), None]);
}

/// Records keep their order while metadata and vectors change; another document makes a record the newest.
pub fn records_keep_the_order_in_which_they_came(bench: &Bench<'_>) {
    let collection = bench.collection();
    let records = Records::new(["c", "a", "b"])
        .documents(["1", "2", "3"])
        .embeddings([vec![1.0], vec![2.0], vec![3.0]]);
    collection.add(&records).expect("a commit");
    assert_eq!(ids(&collection), ["c", "a", "b"]);
    let change = Records::new(["a"])
        .metadatas([meta(json!({"new": true}))])
        .embeddings([vec![9.0]]);
    collection.update(&change).expect("a commit");
    assert_eq!(ids(&collection), ["c", "a", "b"]);
    let change = Records::new(["c"]).documents(["another"]);
    collection.update(&change).expect("a commit");
    assert_eq!(ids(&collection), ["a", "b", "c"]);
    let page = |offset, limit| {
        let page = GetRequest::all().page(offset, limit).include([]);
        collection.get(&page).expect("records").ids
    };
    assert_eq!(page(0, 2), ["a", "b"]);
    assert_eq!(page(2, 2), ["c"]);
    assert_eq!(page(7, 2), [""; 0]);
    assert_eq!(page(0, 0), [""; 0]);
    let none = GetRequest::ids([""; 0]);
    assert_eq!(collection.get(&none).expect("records").ids, [""; 0]);
}

/// Secrets are taken out of documents and metadata before anything is written, and counted, unless the collection
/// was made to keep bytes; that it was lasts.
pub fn secrets_are_taken_out_unless_bytes_are_to_be_kept(bench: &Bench<'_>) {
    let collections = bench.open();
    let secret = "redis://app:9fK2-vw81Lq@cache:6379/0";
    let records = Records::new(["a", "b", "c"])
        .documents([secret, "plain", "also plain"])
        .metadatas([
            meta(json!({"n": 1})),
            meta(json!({"url": secret, "list": ["x", secret]})),
            meta(json!({})),
        ]);
    let redacting = make(&collections, "redacting", Distance::Cosine);
    assert!(redacting.redacts());
    let written = redacting.add(&records).expect("a commit");
    assert_eq!((written.inserted, written.redactions), (3, 3));
    let got = redacting.get(&GetRequest::all()).expect("records");
    assert!(!format!("{got:?}").contains("9fK2-vw81Lq"), "{got:?}");
    assert_eq!(
        got.documents[0].as_deref(),
        Some("redis://app:[redacted:url_password]@cache:6379/0")
    );
    assert_eq!(got.documents[1].as_deref(), Some("plain"));
    // What was taken out before is taken out again: nothing changes.
    let again = redacting.upsert(&records).expect("a commit");
    assert_eq!((again.unchanged, again.redactions), (3, 3));
    let update = Records::new(["c"]).metadatas([meta(json!({"password": "9fK2-vw81Lq-77"}))]);
    let updated = redacting.update(&update).expect("a commit");
    assert_eq!((updated.updated, updated.redactions), (1, 1));

    let options = CollectionOptions::default().redact(false);
    let keeping = collections.get_or_create_collection("keeping", &options);
    assert!(!keeping.expect("a collection").redacts());
    // Who asks for it later without saying so gets what it was made as.
    let keeping = make(&collections, "keeping", Distance::Cosine);
    assert!(!keeping.redacts());
    let written = keeping.add(&records).expect("a commit");
    assert_eq!((written.inserted, written.redactions), (3, 0));
    let got = keeping.get(&GetRequest::all()).expect("records");
    assert_eq!(got.documents[0].as_deref(), Some(secret));
    assert_eq!(got.metadatas[1]["url"], secret);
}
