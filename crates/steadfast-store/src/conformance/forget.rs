//! Forgetting: afterwards nothing finds it, by any way, live or history.

use std::collections::HashSet;
use std::time::Duration;

use steadfast_model::{
    Change, ChunkId, ContentHash, DocumentKey, DocumentStatus, Namespace, Outcome, Refusal, Row,
};

use super::bench::{Bench, commit, fetch, in_every_state, live, live_texts, mark, row, snapshot};
use super::words::vector_of;
use crate::backend::{Backend, Bm25};

fn forget_rows(rows: &[Row]) -> Change {
    Change::Forget {
        rows: rows.to_vec(),
        documents: Vec::new(),
    }
}

fn forget_document(document: DocumentKey) -> Change {
    Change::Forget {
        rows: Vec::new(),
        documents: vec![document],
    }
}

/// A key whose note was forgotten answers with nothing that is gone: the note is told anew.
pub fn a_key_goes_with_the_rows_that_it_names(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let keyed = |text: &str, key: &str| {
        let mut note = bench.note(text);
        note.source = Some("chat".to_owned());
        note.idempotency_key = Some(key.to_owned());
        Change::Note(note)
    };
    let first = commit(backend, keyed("the pin is 4711", "one"));
    let other = commit(backend, keyed("the harbor is closed", "two"));
    commit(backend, forget_rows(&[row_of(backend, &first.ids[0])]));
    let again = commit(backend, keyed("another text", "one"));
    assert_eq!(again.outcome, Outcome::Inserted);
    let kept = commit(backend, keyed("the harbor is closed", "two"));
    assert_eq!((kept.outcome, kept.ids), (Outcome::Reused, other.ids));
}

fn row_of(backend: &dyn Backend, id: &ChunkId) -> Row {
    row(snapshot(backend).as_ref(), id)
}

/// After rows were forgotten no search, fetch, lookup or list has them, whatever the indexes had seen.
pub fn forgotten_rows_are_found_nowhere(bench: &Bench<'_>) {
    for indexed_before in [false, true] {
        let backend = bench.open();
        let backend = backend.as_ref();
        let mut put = bench.put("/a", &["public notice", "secret password hunter2"]);
        put.attributes.push(put.attributes[0].clone());
        put.attributes[1].tags.insert("hush".to_owned());
        put.chunks[1].attributes = 1;
        let settled = commit(backend, Change::Put(put));
        if indexed_before {
            in_every_state(backend, |_| {});
        }
        let secret = row_of(backend, &settled.ids[1]);
        let forgotten = commit(backend, forget_rows(&[secret, secret, Row(999)]));
        assert_eq!(
            (forgotten.outcome, forgotten.counts.removed),
            (Outcome::Removed, 1)
        );
        in_every_state(backend, |view| {
            let scope = live(view);
            assert!(!scope.contains(secret));
            let terms = bench.terms("secret password hunter2");
            let hits = view.text_top(&terms, 9, Bm25::default(), &scope);
            assert_eq!(hits.expect("hits"), []);
            let query = vector_of("secret password hunter2");
            let hits = view.vector_top(&query, 9, &scope).expect("hits");
            assert!(hits.iter().all(|(row, _)| *row != secret), "{hits:?}");
            let scores = view.vector_scores(&query, &[secret]).expect("scores");
            assert_eq!(scores, [None]);
            assert_eq!(fetch(view, &[secret]), []);
            assert_eq!(view.resolve(&settled.ids[1]).expect("a lookup"), None);
            assert_eq!(view.tags().expect("tags"), []);
            let document = view
                .document(&Namespace::default(), "/a")
                .expect("a lookup");
            let document = document.expect("the document");
            assert_eq!(document.chunks, 1);
            assert_eq!(view.rows_of(&[document.key]).expect("rows").len(), 1);
        });
        let nothing = commit(backend, forget_rows(&[secret]));
        assert_eq!((nothing.outcome, nothing.seq), (Outcome::Reused, None));
    }
}

/// A row that left the live set long ago can be forgotten too, and that is a commit like any other.
pub fn forgotten_history_is_gone_too(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let first = commit(backend, Change::Put(bench.put("/a", &["an old secret"])));
    let old = row_of(backend, &first.ids[0]);
    let second = commit(backend, Change::Put(bench.put("/a", &["a new text"])));
    let lease = Duration::from_secs(1);
    assert_eq!(backend.jobs().claim("purge", lease).expect("a claim"), None);

    let forgotten = commit(backend, forget_rows(&[old]));
    assert_eq!(forgotten.outcome, Outcome::Removed);
    assert_eq!(
        forgotten.counts.removed, 0,
        "it had left the live set before"
    );
    assert!(
        forgotten.seq > second.seq,
        "the change of history is a commit"
    );
    assert_eq!(fetch(snapshot(backend).as_ref(), &[old]), []);
    assert_eq!(live_texts(backend), ["a new text"]);
    let job = backend.jobs().claim("purge", lease).expect("a claim");
    assert!(job.is_some(), "derived state is to forget it as well");
}

/// A forgotten text stays out of its document, however often that is read again, until it is revived.
pub fn forgotten_texts_are_withheld_until_revived(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let texts = ["alpha", "secret", "omega", "secret"];
    let settled = commit(backend, Change::Put(bench.put("/a", &texts)));
    let secret = row_of(backend, &settled.ids[1]);
    commit(backend, forget_rows(&[secret]));
    // The other copy of the text goes when its document is read again.
    let again = commit(backend, Change::Put(bench.put("/a", &texts)));
    assert_eq!((again.withheld, again.counts.removed), (2, 1));
    assert_eq!(again.ids.len(), 2);
    let view = snapshot(backend);
    let last = &fetch(view.as_ref(), &[row(view.as_ref(), &again.ids[1])])[0];
    assert_eq!((last.place.position, last.place.start_line), (1, 7));
    if let Some(history) = view.history() {
        let stays_out = history.forgotten_of(last.document).expect("forgotten");
        assert_eq!(stays_out, HashSet::from([ContentHash::of("secret")]));
    }
    drop(view);
    let third = commit(backend, Change::Put(bench.put("/a", &texts)));
    assert_eq!((third.outcome, third.withheld), (Outcome::Reused, 2));
    // Another document may hold the same text.
    assert_eq!(
        commit(backend, Change::Put(bench.put("/b", &["secret"]))).withheld,
        0
    );

    let mut revived = bench.put("/a", &texts);
    revived.revive = true;
    let revived = commit(backend, Change::Put(revived));
    assert_eq!((revived.withheld, revived.counts.inserted), (0, 2));
    assert_eq!(
        commit(backend, Change::Put(bench.put("/a", &texts))).withheld,
        0
    );
    assert_eq!(live_texts(backend).len(), 5);
}

/// A document that was forgotten is refused and marks cannot wake it; its history and its keys are gone.
pub fn a_forgotten_document_stays_out(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    commit(backend, Change::Put(bench.put("/a", &["alpha", "beta"])));
    commit(backend, Change::Put(bench.put("/a", &["beta", "gamma"])));
    let mut note = bench.note("delta");
    note.source = Some("/a".to_owned());
    note.idempotency_key = Some("key".to_owned());
    commit(backend, Change::Note(note.clone()));
    let key = |backend: &dyn Backend| {
        let found = snapshot(backend).document(&Namespace::default(), "/a");
        found.expect("a lookup").expect("the document")
    };
    let document = key(backend).key;
    let unknown = commit(backend, forget_document(DocumentKey(u32::MAX)));
    assert_eq!((unknown.outcome, unknown.seq), (Outcome::Reused, None));

    let forgotten = commit(backend, forget_document(document));
    assert_eq!(
        (forgotten.outcome, forgotten.counts.removed),
        (Outcome::Removed, 3)
    );
    let found = key(backend);
    assert_eq!((found.status, found.chunks), (DocumentStatus::Forgotten, 0));
    assert_eq!(found.fingerprint, None);
    assert_eq!(snapshot(backend).rows_of(&[document]).expect("rows"), []);
    in_every_state(backend, |view| {
        assert!(live(view).is_empty());
        let history: Vec<Row> = (0..9).map(Row).collect();
        assert_eq!(fetch(view, &history), []);
    });

    let refused = commit(backend, Change::Put(bench.put("/a", &["alpha"])));
    let refusal = Refusal::Forgotten {
        origin: "/a".to_owned(),
    };
    assert_eq!(
        (refused.outcome, refused.seq),
        (Outcome::Refused(refusal), None)
    );
    let marked = commit(backend, mark("/a", DocumentStatus::Skipped, None, None));
    assert_eq!((marked.outcome, marked.seq), (Outcome::Reused, None));
    assert_eq!(key(backend).status, DocumentStatus::Forgotten);

    let mut put = bench.put("/a", &["alpha", "beta"]);
    put.revive = true;
    let revived = commit(backend, Change::Put(put));
    assert_eq!(
        (revived.outcome, revived.counts.inserted),
        (Outcome::Updated, 2)
    );
    assert_eq!(key(backend).status, DocumentStatus::Indexed);
    note.chunks = vec![bench.chunk("another text", 1)];
    let settled = commit(backend, Change::Note(note));
    assert_eq!(
        settled.outcome,
        Outcome::Inserted,
        "the key went with the document"
    );
}
