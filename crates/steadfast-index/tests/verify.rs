//! The bad day: an index has a row, with the right length, and the wrong words in it. Its file has its hash, since it was
//! written so. Only a comparison of every word with the text finds that.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use steadfast_index::{Analyzer, EmbeddedBackend};
use steadfast_model::{
    Analyze as _, Attributes, Change, ContentHash, FixedClock, Namespace, NewChunk, Place,
    PutDocument, Row, Timestamp,
};
use steadfast_store::conformance::options;
use steadfast_store::{Backend, Effort, Silent};

fn open(folder: &Path) -> EmbeddedBackend {
    let clock = Arc::new(FixedClock::at(Timestamp(1)));
    let options = options(Arc::new(Analyzer), clock);
    EmbeddedBackend::open(folder, options).unwrap()
}

/// Commits a text under the terms of another one.
fn commit(backend: &EmbeddedBackend, source: &str, text: &str, terms_of: &str) {
    let chunk = NewChunk {
        text: text.to_owned(),
        content_hash: ContentHash::of(text),
        place: Place::default(),
        attributes: 0,
        terms: Analyzer.terms(terms_of),
        vector: None,
    };
    let put = PutDocument {
        namespace: Namespace::default(),
        source: source.to_owned(),
        fingerprint: None,
        attributes: vec![Attributes::default()],
        chunks: vec![chunk],
        revive: false,
        assigned: steadfast_model::Assignment::default(),
    };
    backend.commit(&[Change::Put(put)], "test").unwrap();
}

#[test]
fn verify_compares_every_word_in_the_index_and_in_the_tail() {
    let folder = tempfile::tempdir().unwrap();
    let backend = open(folder.path());
    for number in 0..300 {
        let text = format!("pump {number} stands in the hall, the hall of pump {number}");
        commit(&backend, &format!("/{number}"), &text, &text);
    }
    assert_eq!(backend.verify(&Silent).unwrap().findings, []);
    commit(&backend, "/wrong", "the red door", "the green door");
    for place in ["tail", "index"] {
        let report = backend.verify(&Silent).unwrap();
        let codes: Vec<&str> = report.findings.iter().map(|it| it.code).collect();
        assert_eq!(codes, ["text_index_differs"], "in the {place}");
        let named: Vec<Option<Row>> = report.findings[0]
            .ids
            .iter()
            .map(|id| id.row_in(&backend.store_id()))
            .collect();
        assert_eq!(named, [Some(Row(301))]);
        backend.catch_up(Effort::Now).unwrap();
    }
}
