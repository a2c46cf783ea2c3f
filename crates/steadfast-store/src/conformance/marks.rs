//! What became of a source whose content is not to change.

use steadfast_model::{Change, Document, DocumentStatus, Namespace, Outcome, Seq};

use super::bench::{Bench, commit, fingerprint, live_texts, mark, snapshot};
use crate::backend::Backend;

fn document(backend: &dyn Backend, source: &str) -> Document {
    let found = snapshot(backend).document(&Namespace::default(), source);
    found.expect("a lookup").expect("the document")
}

fn stale_sources(backend: &dyn Backend) -> u64 {
    let problems = backend.health().expect("a report").problems;
    let found = problems
        .iter()
        .filter(|problem| problem.code == "sources_stale");
    found.map(|problem| problem.count).sum()
}

/// Skipped and stale keep chunks, removed takes them out; a repeated mark is no commit.
pub fn marks_tell_what_became_of_a_source(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let big = || {
        mark(
            "/big",
            DocumentStatus::Skipped,
            Some("too large"),
            Some(fingerprint(9)),
        )
    };
    let skipped = commit(backend, big());
    assert_eq!(
        (skipped.outcome, skipped.seq),
        (Outcome::Inserted, Some(Seq(1)))
    );
    let found = document(backend, "/big");
    assert_eq!(found.status, DocumentStatus::Skipped);
    assert_eq!(found.reason.as_deref(), Some("too large"));
    assert_eq!((found.fingerprint, found.chunks), (Some(fingerprint(9)), 0));
    let again = commit(backend, big());
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));

    commit(backend, Change::Put(bench.put("/a", &["alpha", "beta"])));
    let stale = || mark("/a", DocumentStatus::Stale, Some("unreadable"), None);
    let marked = commit(backend, stale());
    assert_eq!(
        (marked.outcome, marked.counts.removed),
        (Outcome::Updated, 0)
    );
    assert_eq!(
        live_texts(backend),
        ["alpha", "beta"],
        "out of date is better than lost"
    );
    let health = backend.health().expect("a report");
    assert_eq!((health.sources, health.skipped, health.chunks), (0, 2, 2));
    assert_eq!(stale_sources(backend), 1);
    assert!(snapshot(backend).may_be_stale().expect("an answer"));

    let gone = commit(backend, mark("/a", DocumentStatus::Removed, None, None));
    assert_eq!((gone.outcome, gone.counts.removed), (Outcome::Removed, 2));
    assert_eq!(live_texts(backend), [""; 0]);
    assert_eq!(document(backend, "/a").status, DocumentStatus::Removed);
    assert_eq!(stale_sources(backend), 0);
    let rows = snapshot(backend).rows_of(&[document(backend, "/a").key]);
    assert_eq!(rows.expect("rows").len(), 2, "history stays");
    let again = commit(backend, mark("/a", DocumentStatus::Removed, None, None));
    assert_eq!((again.outcome, again.seq), (Outcome::Reused, None));
    let unknown = commit(backend, mark("/never", DocumentStatus::Removed, None, None));
    assert_eq!((unknown.outcome, unknown.seq), (Outcome::Reused, None));

    let back = commit(backend, Change::Put(bench.put("/a", &["alpha"])));
    assert_eq!((back.outcome, back.counts.inserted), (Outcome::Updated, 1));
    let found = document(backend, "/a");
    assert_eq!(
        (found.status, found.reason, found.chunks),
        (DocumentStatus::Indexed, None, 1)
    );
}
