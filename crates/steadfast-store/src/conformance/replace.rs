//! New content of a known document: ids follow texts.

use steadfast_model::{Attributes, Change, ChunkId, Counts, DocumentStatus, Outcome, Row, Seq};

use super::bench::{Bench, commit, fetch, fingerprint, live_texts, mark, namespace, row, snapshot};
use crate::backend::Backend;

fn removed(backend: &dyn Backend, id: &ChunkId) -> Option<Seq> {
    let view = snapshot(backend);
    fetch(view.as_ref(), &[row(view.as_ref(), id)])[0].removed_seq
}

/// A text that moves keeps its id; a new one gets a new id; one that is gone stays as history.
pub fn ids_follow_texts_that_move(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let before = commit(
        backend,
        Change::Put(bench.put("/a", &["alpha", "beta", "gamma"])),
    );
    let after = commit(
        backend,
        Change::Put(bench.put("/a", &["new", "gamma", "alpha"])),
    );
    assert_eq!(after.outcome, Outcome::Updated);
    assert_eq!(after.seq, Some(Seq(2)));
    let counts = Counts {
        inserted: 1,
        reused: 0,
        updated: 2,
        removed: 1,
    };
    assert_eq!(after.counts, counts);
    assert_eq!(after.ids[1], before.ids[2]);
    assert_eq!(after.ids[2], before.ids[0]);
    assert!(!before.ids.contains(&after.ids[0]));

    let view = snapshot(backend);
    let moved = &fetch(view.as_ref(), &[row(view.as_ref(), &before.ids[0])])[0];
    assert_eq!((moved.place.start_line, moved.place.position), (7, 2));
    assert_eq!((moved.added_seq, moved.removed_seq), (Seq(1), None));
    drop(view);
    assert_eq!(removed(backend, &before.ids[1]), Some(Seq(2)));
    assert_eq!(live_texts(backend), ["alpha", "gamma", "new"]);

    // What comes back is new: history is not rewritten.
    let back = commit(backend, Change::Put(bench.put("/a", &["beta"])));
    assert_eq!((back.counts.inserted, back.counts.removed), (1, 3));
    assert_ne!(back.ids[0], before.ids[1]);
    assert_eq!(removed(backend, &before.ids[1]), Some(Seq(2)));
    let swapped = ["one", "two", "one"];
    commit(backend, Change::Put(bench.put("/b", &swapped)));
    let settled = commit(
        backend,
        Change::Put(bench.put("/b", &["two", "one", "one"])),
    );
    assert_eq!((settled.counts.updated, settled.counts.reused), (2, 1));
}

/// When one of two equal sections is deleted exactly one row stays.
pub fn of_two_equal_sections_one_deleted_one_is_left(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let both = commit(backend, Change::Put(bench.put("/a", &["same", "same"])));
    assert_eq!(both.counts.inserted, 2);
    assert_ne!(both.ids[0], both.ids[1]);
    let mut second = bench.put("/a", &["same"]);
    second.chunks[0].place.start_line = 4;
    second.chunks[0].place.end_line = 5;
    let left = commit(backend, Change::Put(second));
    assert_eq!(
        left.ids,
        [both.ids[1]],
        "the one that stands where it stood"
    );
    assert_eq!(live_texts(backend), ["same"]);
    let none = commit(backend, Change::Put(bench.put("/a", &[])));
    assert_eq!((none.outcome, none.counts.removed), (Outcome::Updated, 1));
    assert_eq!(live_texts(backend), [""; 0]);
}

/// Equal texts on one line, as in minified data, are all kept, and found again.
pub fn equal_texts_on_one_line_are_kept_apart(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut put = bench.put("/a.json", &["{}", "{}", "[]", "{}"]);
    for chunk in &mut put.chunks {
        chunk.place.start_line = 1;
    }
    let settled = commit(backend, Change::Put(put.clone()));
    assert_eq!(settled.counts.inserted, 4);
    let view = snapshot(backend);
    let ordinals: Vec<u32> = settled
        .ids
        .iter()
        .flat_map(|id| fetch(view.as_ref(), &[row(view.as_ref(), id)]))
        .map(|chunk| chunk.place.ordinal)
        .collect();
    assert_eq!(ordinals, [0, 1, 0, 2]);
    drop(view);
    let again = commit(backend, Change::Put(put.clone()));
    assert_eq!((again.counts.reused, again.ids), (4, settled.ids.clone()));
    put.chunks.remove(0);
    let fewer = commit(backend, Change::Put(put));
    assert_eq!((fewer.counts.removed, fewer.counts.inserted), (1, 0));
    assert_eq!(live_texts(backend).len(), 3);
}

/// Equal content is no commit; another fingerprint alone is remembered all the same.
pub fn the_same_content_again_changes_nothing(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut put = bench.put("/a", &["alpha", "beta"]);
    put.fingerprint = Some(fingerprint(1));
    let first = commit(backend, Change::Put(put.clone()));
    for size in [1, 2, 2] {
        put.fingerprint = Some(fingerprint(size));
        let again = commit(backend, Change::Put(put.clone()));
        assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
        assert_eq!((again.counts.reused, &again.ids), (2, &first.ids));
        let view = snapshot(backend);
        assert_eq!(view.generation(), Seq(1));
        let document = view
            .document(&put.namespace, "/a")
            .expect("a lookup")
            .expect("it");
        assert_eq!(document.fingerprint, Some(fingerprint(size)));
    }
    // The same source in another namespace is another document.
    put.namespace = namespace("other");
    let other = commit(backend, Change::Put(put));
    assert_eq!(
        (other.outcome, other.counts.inserted),
        (Outcome::Inserted, 2)
    );
    let view = snapshot(backend);
    assert_eq!(row(view.as_ref(), &other.ids[0]), Row(3));
}

/// Other attributes, other line numbers: the id stays and the chunk says the new.
pub fn attributes_change_in_place(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let tagged = |tag: &str| Attributes {
        tags: [tag.to_owned()].into(),
        ..Attributes::default()
    };
    let mut put = bench.put("/a", &["alpha", "beta"]);
    put.attributes = vec![tagged("old"), tagged("kept")];
    put.chunks[1].attributes = 1;
    let first = commit(backend, Change::Put(put.clone()));
    put.attributes[0] = tagged("new");
    let second = commit(backend, Change::Put(put.clone()));
    assert_eq!((second.counts.updated, second.counts.reused), (1, 1));
    assert_eq!(first.ids, second.ids);
    let view = snapshot(backend);
    let tags = view.tags().expect("tags");
    assert_eq!(tags, [("kept".to_owned(), 1), ("new".to_owned(), 1)]);
    let chunk = &fetch(view.as_ref(), &[row(view.as_ref(), &first.ids[0])])[0];
    assert_eq!(chunk.attributes, tagged("new"));
    drop(view);
    // Back again, and both under one roof.
    put.attributes = vec![tagged("old")];
    put.chunks[1].attributes = 0;
    assert_eq!(commit(backend, Change::Put(put)).counts.updated, 2);
    let view = snapshot(backend);
    assert_eq!(view.tags().expect("tags"), [("old".to_owned(), 2)]);
}

/// A document that was gone and comes back is not said to have changed when it is read once more.
pub fn a_document_that_comes_back_keeps_its_attributes(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let put = || Change::Put(bench.put("/a", &["alpha", "beta"]));
    commit(backend, put());
    commit(backend, mark("/a", DocumentStatus::Removed, None, None));
    assert_eq!(commit(backend, put()).counts.inserted, 2);
    let again = commit(backend, put());
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    assert_eq!(again.counts.reused, 2);
}
