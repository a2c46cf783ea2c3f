//! Collections beside everything else in a store: what an ordinary search sees of them, what happens when the
//! store under a handle is deleted or replaced, and who may read the files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use steadfast::collection::{CollectionOptions, Collections, Records};
use steadfast::{ListRequest, Memory, Note, SearchRequest};

fn open(folder: &Path) -> Memory {
    Memory::options().create(true).open(folder).unwrap()
}

fn filled(collections: &Collections) -> steadfast::Collection {
    let drawers = collections
        .get_or_create_collection("drawers", &CollectionOptions::default())
        .unwrap();
    let records = Records::new(["proxy", "tea"])
        .documents(["The proxy listens on port 8443.", "Ada prefers tea."]);
    assert_eq!(drawers.add(&records).unwrap().inserted, 2);
    drawers
}

#[test]
fn an_ordinary_search_leaves_collections_out_unless_it_names_one() {
    let folder = tempfile::tempdir().unwrap();
    let memory = open(&folder.path().join("store"));
    let drawers = filled(&memory.collections());
    memory
        .remember(&Note::new("The staging proxy moved to port 9443."))
        .unwrap();
    let question = SearchRequest::new("which port has the proxy?");
    let answer = memory.search(&question).unwrap();
    assert_eq!(answer.coverage.in_scope, 1);
    assert!(answer.coverage.complete);
    assert!(
        answer
            .hits
            .iter()
            .all(|hit| hit.chunk.text.contains("9443"))
    );
    assert_eq!(memory.list(&ListRequest::default()).unwrap().total, 1);

    let mut named = question;
    named.filter.namespaces = vec![drawers.namespace().clone()];
    let answer = memory.search(&named).unwrap();
    assert_eq!(answer.coverage.in_scope, 2);
    assert!(answer.hits[0].chunk.text.contains("8443"));
    assert_eq!(answer.hits[0].chunk.source, "proxy");
}
