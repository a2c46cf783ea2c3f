//! Tags and namespaces get other names; nothing is mixed or lost.

use steadfast_model::{Change, Filter, Outcome};

use super::bench::{Bench, START, commit, fetch, namespace, rows, snapshot};

fn rename_tag(from: &str, to: &str) -> Change {
    Change::RenameTag {
        from: from.to_owned(),
        to: to.to_owned(),
    }
}

fn rename_namespace(from: &str, to: &str) -> Change {
    Change::RenameNamespace {
        source: None,
        from: namespace(from),
        to: namespace(to),
    }
}

/// Chunks keep their ids and other tags; a tag that some carry already merges with it.
pub fn a_tag_gets_another_name(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut ids = Vec::new();
    for (text, tags) in [
        ("one", vec!["a", "x"]),
        ("two", vec!["b"]),
        ("three", vec!["a", "b"]),
    ] {
        let mut note = bench.note(text);
        note.attributes.tags = tags.into_iter().map(str::to_owned).collect();
        ids.extend(commit(backend, Change::Note(note)).ids);
    }
    let renamed = commit(backend, rename_tag("a", "b"));
    assert_eq!(
        (&renamed.outcome, renamed.counts.updated),
        (&Outcome::Updated, 2)
    );
    let view = snapshot(backend);
    assert_eq!(
        view.tags().expect("tags"),
        [("b".to_owned(), 3), ("x".to_owned(), 1)]
    );
    let chunks = fetch(view.as_ref(), &rows(view.as_ref(), &ids));
    assert_eq!(chunks.len(), 3);
    let filter = Filter {
        tags: vec!["b".to_owned(), "x".to_owned()],
        ..Filter::default()
    };
    let found = view.scope(&filter, START).expect("scope").rows;
    assert!(found.len() == 1 && found.contains(chunks[0].row));
    drop(view);
    for change in [
        rename_tag("a", "b"),
        rename_tag("b", "b"),
        rename_tag("none", "b"),
    ] {
        let again = commit(backend, change);
        assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    }
    // The note is still the same note.
    let mut note = bench.note("one");
    note.attributes.tags = ["x".to_owned()].into();
    assert_eq!(commit(backend, Change::Note(note)).ids[0], ids[0]);
}

/// Documents move with their ids; one whose source is in both namespaces stays.
pub fn a_namespace_gets_another_name(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut ids = Vec::new();
    for (name, source, text) in [
        ("old", None, "one"),
        ("old", Some("chat"), "two"),
        ("new", Some("chat"), "three"),
    ] {
        let mut note = bench.note(text);
        note.namespace = namespace(name);
        note.source = source.map(str::to_owned);
        note.idempotency_key = Some(format!("key of {text}"));
        ids.extend(commit(backend, Change::Note(note)).ids);
    }
    let moved = commit(backend, rename_namespace("old", "new"));
    assert_eq!(
        (&moved.outcome, moved.counts.updated),
        (&Outcome::Updated, 1)
    );
    let view = snapshot(backend);
    let names = view.namespaces().expect("namespaces");
    assert_eq!(names, [("new".to_owned(), 2), ("old".to_owned(), 1)]);
    let chunks = fetch(view.as_ref(), &rows(view.as_ref(), &ids));
    let homes: Vec<&str> = chunks
        .iter()
        .map(|chunk| chunk.namespace.as_str())
        .collect();
    assert_eq!(homes, ["new", "old", "new"]);
    drop(view);
    // Told again in its new home it is the same note, by its text and by its key.
    let mut note = bench.note("one");
    note.namespace = namespace("new");
    for key in [None, Some("key of one".to_owned())] {
        note.idempotency_key = key;
        let again = commit(backend, Change::Note(note.clone()));
        assert_eq!(
            (again.outcome, &again.ids[..]),
            (Outcome::Reused, &ids[..1])
        );
    }
    let again = commit(backend, rename_namespace("old", "new"));
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
}
