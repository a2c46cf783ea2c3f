//! What is remembered of roots, and what documents were given from outside.

use std::collections::BTreeSet;

use steadfast_model::{Assignment, Change, Outcome, Root};

use super::bench::{Bench, commit, everything, fetch, namespace, row, snapshot};
use crate::backend::Backend;

fn tags(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// A root is one by its path and namespace; what is said last holds, until it is dropped.
pub fn roots_are_remembered(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut docs = Root::new("/docs", None);
    docs.tags = tags(&["a"]);
    docs.include = vec!["*.md".to_owned()];
    let team = Root::new("/docs", Some(namespace("team")));
    for root in [&docs, &team] {
        let settled = commit(backend, Change::Root(root.clone()));
        assert_eq!(settled.outcome, Outcome::Inserted);
        let again = commit(backend, Change::Root(root.clone()));
        assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    }
    assert_eq!(
        snapshot(backend).roots().expect("roots"),
        [docs.clone(), team.clone()]
    );
    docs.tags = tags(&["b"]);
    docs.takes_hidden = true;
    let changed = commit(backend, Change::Root(docs.clone()));
    assert_eq!(changed.outcome, Outcome::Updated);
    assert_eq!(
        snapshot(backend).roots().expect("roots"),
        [team.clone(), docs.clone()],
        "what was told last comes last"
    );
    let drop = |namespace| Change::DropRoot {
        path: "/docs".to_owned(),
        namespace,
    };
    assert_eq!(commit(backend, drop(None)).outcome, Outcome::Removed);
    assert_eq!(commit(backend, drop(None)).outcome, Outcome::Reused);
    assert_eq!(snapshot(backend).roots().expect("roots"), [team]);
}

/// What a document was given stays beside it, follows it, takes other names of tags, and goes when it is forgotten.
pub fn assignments_stay_with_their_document(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut put = bench.put("/docs/a.md", &["alpha"]);
    put.assigned.tags = tags(&["old"]);
    put.assigned.is_placed = true;
    put.attributes[0].tags = tags(&["old"]);
    let id = commit(backend, Change::Put(put.clone())).ids.remove(0);
    let mut root = Root::new("/docs", None);
    root.tags = tags(&["old", "x"]);
    commit(backend, Change::Root(root));
    let assigned = || assignments(backend);
    assert_eq!(assigned(), [put.assigned.clone()]);
    commit(
        backend,
        Change::RenameTag {
            from: "old".to_owned(),
            to: "new".to_owned(),
        },
    );
    let mut renamed = put.assigned.clone();
    renamed.tags = tags(&["new"]);
    assert_eq!(assigned(), [renamed.clone()]);
    assert_eq!(
        snapshot(backend).roots().expect("roots")[0].tags,
        tags(&["new", "x"])
    );
    // The document moves alone; its row stays.
    commit(backend, Change::Note(bench.note("a note that stays")));
    let moved = commit(
        backend,
        Change::RenameNamespace {
            from: namespace("default"),
            to: namespace("team"),
            source: Some("/docs/a.md".to_owned()),
        },
    );
    assert_eq!(moved.counts.updated, 1);
    let view = snapshot(backend);
    let found = row(view.as_ref(), &id);
    let chunk = &fetch(view.as_ref(), &[found])[0];
    assert_eq!(chunk.namespace, namespace("team"));
    assert_eq!(
        view.namespaces().expect("namespaces"),
        [("default".to_owned(), 1), ("team".to_owned(), 1)]
    );
    let key = chunk.document;
    drop(view);
    assert_eq!(assigned(), [renamed]);
    put.namespace = namespace("team");
    put.assigned = Assignment::default();
    commit(backend, Change::Put(put.clone()));
    assert_eq!(assigned(), []);
    put.assigned.tags = tags(&["y"]);
    commit(backend, Change::Put(put));
    assert_eq!(assigned().len(), 1);
    commit(
        backend,
        Change::Forget {
            rows: Vec::new(),
            documents: vec![key],
        },
    );
    assert_eq!(assigned(), []);
}

/// Returns what documents were given, by namespace and source.
fn assignments(backend: &dyn Backend) -> Vec<Assignment> {
    let view = snapshot(backend);
    let found = view.assignments().expect("assignments");
    let documents = view.documents(&everything()).expect("documents");
    let given = documents.iter().map(|document| found.get(&document.key));
    let given: Vec<Assignment> = given.flatten().map(|given| (**given).clone()).collect();
    assert_eq!(given.len(), found.len(), "each is of a document");
    given
}
