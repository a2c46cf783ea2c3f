//! Notes: remembered once, however often they are told.

use steadfast_model::{
    Change, Counts, Document, DocumentKey, DocumentStatus, NoteWrite, Outcome, PutDocument,
    Refusal, RestoreDocument, Seq, Timestamp,
};

use super::bench::{
    Bench, START, commit, fetch, fingerprint, live_texts, mark, namespace, rows, snapshot,
};
use crate::backend::Backend;

fn tagged(note: &NoteWrite, tags: &[&str]) -> Change {
    let mut note = note.clone();
    note.attributes.tags = tags.iter().map(|&tag| tag.to_owned()).collect();
    Change::Note(note)
}

fn keyed(note: &NoteWrite, key: &str) -> Change {
    Change::Note(NoteWrite {
        idempotency_key: Some(key.to_owned()),
        ..note.clone()
    })
}

/// The same text under the same title is one note; tags are merged into it.
pub fn a_note_is_remembered_once(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let note = bench.note("the harbor is closed");
    let first = commit(backend, tagged(&note, &["a"]));
    assert_eq!(
        (first.outcome, first.counts.inserted),
        (Outcome::Inserted, 1)
    );
    let view = snapshot(backend);
    let chunk = &fetch(view.as_ref(), &rows(view.as_ref(), &first.ids))[0];
    assert_eq!(chunk.source, format!("note:{}", first.ids[0]));
    drop(view);

    let merged = commit(backend, tagged(&note, &["b"]));
    assert_eq!(
        (&merged.outcome, merged.seq),
        (&Outcome::Reused, Some(Seq(2)))
    );
    assert_eq!((merged.counts.updated, &merged.ids), (1, &first.ids));
    let nothing_new = commit(backend, tagged(&note, &["b"]));
    assert_eq!(
        (nothing_new.outcome, nothing_new.seq),
        (Outcome::Reused, None)
    );
    assert_eq!((nothing_new.counts.reused, nothing_new.ids), (1, first.ids));
    let tags = snapshot(backend).tags().expect("tags");
    assert_eq!(tags, [("a".to_owned(), 1), ("b".to_owned(), 1)]);

    // Another title, another namespace, another source: another note.
    let mut titled = note.clone();
    titled.attributes.title = Some("Notice".to_owned());
    let mut elsewhere = note.clone();
    elsewhere.namespace = namespace("elsewhere");
    let mut sourced = note.clone();
    sourced.source = Some("chat".to_owned());
    for other in [titled, elsewhere, sourced] {
        let settled = commit(backend, Change::Note(other));
        assert_eq!(settled.outcome, Outcome::Inserted);
    }
    assert_eq!(live_texts(backend).len(), 4);
}

/// A note that no longer holds is another one; one that does takes over what is said of it anew.
pub fn a_note_that_no_longer_holds_is_another(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let until = |to: i64| {
        let mut note = bench.note("the harbor is closed");
        note.attributes.valid_to = Some(Timestamp(START.0 + to));
        note.said.valid_to = note.attributes.valid_to;
        note
    };
    let expired = commit(backend, Change::Note(until(-9)));
    assert_eq!(
        commit(backend, Change::Note(until(-9))).outcome,
        Outcome::Reused,
        "the same validity is the same note"
    );
    let now = commit(backend, Change::Note(bench.note("the harbor is closed")));
    assert_eq!(now.outcome, Outcome::Inserted);
    assert_ne!(now.ids, expired.ids);
    let again = commit(backend, Change::Note(bench.note("the harbor is closed")));
    assert_eq!((again.outcome, &again.ids), (Outcome::Reused, &now.ids));

    let mut said = until(9);
    said.said.meta.insert("who".to_owned(), "Ada".into());
    said.said.document_time = Some(START);
    let updated = commit(backend, Change::Note(said));
    assert_eq!(
        (&updated.outcome, updated.counts.updated, &updated.ids),
        (&Outcome::Updated, 1, &now.ids)
    );
    let again = commit(backend, Change::Note(bench.note("the harbor is closed")));
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    let view = snapshot(backend);
    let attributes = &fetch(view.as_ref(), &rows(view.as_ref(), &now.ids))[0].attributes;
    assert_eq!(attributes.meta["who"], "Ada");
    assert_eq!(attributes.document_time, Some(START));
    assert_eq!(attributes.valid_to, Some(Timestamp(START.0 + 9)));
}

/// A key makes a repeated call a no-op, and refuses another text; one namespace's keys are not another's.
pub fn an_idempotency_key_holds_one_text(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let (one, two) = (bench.note("one"), bench.note("two"));
    let first = commit(backend, keyed(&one, "key"));
    let again = commit(backend, keyed(&one, "key"));
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    assert_eq!((again.counts.reused, &again.ids), (1, &first.ids));

    let refused = commit(backend, keyed(&two, "key"));
    let refusal = Refusal::IdempotencyConflict {
        key: "key".to_owned(),
    };
    assert_eq!(refused.outcome, Outcome::Refused(refusal));
    assert_eq!((refused.seq, refused.counts), (None, Counts::default()));
    assert_eq!(live_texts(backend), ["one"]);

    // A second key for the known text is held too.
    assert_eq!(commit(backend, keyed(&one, "other")).ids, first.ids);
    let refused = commit(backend, keyed(&two, "other"));
    assert!(matches!(refused.outcome, Outcome::Refused(_)));
    let mut elsewhere = two.clone();
    elsewhere.namespace = namespace("elsewhere");
    assert_eq!(
        commit(backend, keyed(&elsewhere, "key")).outcome,
        Outcome::Inserted
    );
}

/// A source of the caller's holds any number of notes, also equal texts under different titles.
pub fn one_source_holds_many_notes(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut ids = Vec::new();
    for (title, texts) in [
        ("Monday", &["rain", "wind"][..]),
        ("Tuesday", &["rain", "sun"]),
        ("Wednesday", &["rain", "rain"]),
    ] {
        let mut note = bench.note("rain");
        note.source = Some("diary".to_owned());
        note.attributes.title = Some(title.to_owned());
        note.chunks = texts.iter().map(|text| bench.chunk(text, 1)).collect();
        let settled = commit(backend, Change::Note(note));
        assert_eq!(settled.counts.inserted, 2, "{title}");
        ids.extend(settled.ids);
    }
    let view = snapshot(backend);
    let chunks = fetch(view.as_ref(), &rows(view.as_ref(), &ids));
    let places: Vec<(u32, u32)> = chunks
        .iter()
        .map(|chunk| (chunk.place.position, chunk.place.ordinal))
        .collect();
    assert_eq!(places, [(0, 0), (1, 0), (2, 1), (3, 0), (4, 2), (5, 3)]);
    let document = view
        .document(&namespace("default"), "diary")
        .expect("a lookup");
    assert_eq!(document.expect("the diary").chunks, 6);
}

fn document(backend: &dyn Backend, source: &str) -> Document {
    let document = snapshot(backend).document(&namespace("default"), source);
    document.expect("a lookup").expect("the document")
}

/// A file that is read again, or goes, leaves the notes under its source alone, and they leave alone what is known of it.
pub fn a_note_under_the_source_of_a_file_is_none_of_the_file(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let put = |texts: &[&str], size: u64| {
        let mut put = bench.put("/a", texts);
        put.fingerprint = Some(fingerprint(size));
        Change::Put(put)
    };
    let about = |text: &str, title: &str| {
        let mut note = bench.note(text);
        note.source = Some("/a".to_owned());
        note.attributes.title = Some(title.to_owned());
        Change::Note(note)
    };
    // Also one that says the same on the same line.
    commit(backend, about("alpha", "before"));
    commit(backend, put(&["alpha", "beta"], 1));
    commit(backend, about("alpha", "after"));
    let found = document(backend, "/a");
    assert_eq!(
        (found.status, found.fingerprint, found.chunks),
        (DocumentStatus::Indexed, Some(fingerprint(1)), 4)
    );
    let again = commit(backend, put(&["alpha", "beta"], 1));
    assert_eq!(
        (again.outcome, again.seq, again.counts.reused),
        (Outcome::Reused, None, 2)
    );
    let edited = commit(backend, put(&["beta", "alpha", "alpha"], 2));
    assert_eq!((edited.counts.removed, edited.counts.inserted), (0, 1));
    let edited = commit(backend, put(&["gamma"], 3));
    assert_eq!((edited.counts.removed, edited.ids.len()), (3, 1));
    assert_eq!(live_texts(backend), ["alpha", "alpha", "gamma"]);
    assert_eq!(document(backend, "/a").chunks, 3);

    let stale = mark("/a", DocumentStatus::Stale, Some("unreadable"), None);
    commit(backend, stale);
    commit(backend, about("delta", "while it is out of date"));
    assert_eq!(document(backend, "/a").status, DocumentStatus::Stale);

    let gone = || mark("/a", DocumentStatus::Removed, Some("vanished"), None);
    let removed = commit(backend, gone());
    assert_eq!(
        (removed.outcome, removed.counts.removed),
        (Outcome::Removed, 1)
    );
    let found = document(backend, "/a");
    assert_eq!(
        (found.status, found.fingerprint, found.chunks),
        (DocumentStatus::Indexed, None, 3)
    );
    assert_eq!(commit(backend, gone()).seq, None, "nothing is left to do");
    assert_eq!(live_texts(backend), ["alpha", "alpha", "delta"]);

    commit(backend, put(&["alpha"], 4));
    let documents: Vec<DocumentKey> = vec![document(backend, "/a").key];
    let rows = Vec::new();
    commit(backend, Change::Forget { rows, documents });
    assert_eq!(live_texts(backend), [""; 0]);
    // What was forgotten stays out, whatever is noted of it.
    commit(backend, about("epsilon", "since"));
    let refused = commit(backend, put(&["alpha"], 5));
    assert!(matches!(refused.outcome, Outcome::Refused(_)));
    assert_eq!(live_texts(backend), ["epsilon"]);
}

/// A note that comes in as another store kept it is found again when it is told, and keeps the larger count.
pub fn a_restored_note_is_still_that_note(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let note = bench.note("the harbor is closed");
    let restore = |count: u64| {
        Change::Restore(RestoreDocument {
            put: PutDocument {
                namespace: note.namespace.clone(),
                source: "note:elsewhere".to_owned(),
                fingerprint: None,
                attributes: vec![note.attributes.clone()],
                chunks: note.chunks.clone(),
                revive: false,
                assigned: steadfast_model::Assignment::default(),
            },
            notes: vec![Some(note.digest())],
            access_counts: vec![count],
            added: Vec::new(),
        })
    };
    let first = commit(backend, restore(7));
    assert_eq!(
        (&first.outcome, first.counts.inserted),
        (&Outcome::Inserted, 1)
    );
    let again = commit(backend, restore(3));
    assert_eq!(
        (&again.outcome, again.seq, &again.ids),
        (&Outcome::Reused, None, &first.ids)
    );
    let told = commit(backend, Change::Note(note.clone()));
    assert_eq!((told.outcome, &told.ids), (Outcome::Reused, &first.ids));
    let view = snapshot(backend);
    let found = rows(view.as_ref(), &first.ids);
    assert_eq!(fetch(view.as_ref(), &found)[0].access_count, 7);
    assert_eq!(
        view.notes(&found).expect("notes"),
        [Some(note.digest())],
        "and it can be carried on"
    );
}
