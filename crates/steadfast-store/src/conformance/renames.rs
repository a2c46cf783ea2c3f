//! A document that gets another source.

use steadfast_model::{Change, DocumentStatus, Filter, Fingerprint, Namespace, Outcome, Seq};

use super::bench::{
    Bench, commit, fetch, fingerprint, live_texts, mark, namespace, rows, snapshot,
};
use crate::backend::Backend;

fn rename(from: &str, to: &str, fingerprint: Fingerprint) -> Change {
    Change::Rename {
        namespace: Namespace::default(),
        from: from.to_owned(),
        to: to.to_owned(),
        fingerprint,
    }
}

/// Puts a document as it was read from a file.
fn put(
    bench: &Bench<'_>,
    backend: &dyn Backend,
    source: &str,
    texts: &[&str],
    size: u64,
) -> Vec<steadfast_model::ChunkId> {
    let mut put = bench.put(source, texts);
    put.fingerprint = Some(fingerprint(size));
    commit(backend, Change::Put(put)).ids
}

fn sources(backend: &dyn Backend) -> Vec<(String, DocumentStatus, u64)> {
    let documents = snapshot(backend).documents(&Filter::default());
    let documents = documents.expect("documents").into_iter();
    documents
        .map(|document| (document.source, document.status, document.chunks))
        .collect()
}

/// Ids, counts and history stay; filters and answers tell the new source.
pub fn a_renamed_document_keeps_everything_else(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let ids = put(bench, backend, "/a", &["alpha", "beta"], 1);
    let known = rows(snapshot(backend).as_ref(), &ids);
    commit(backend, Change::Access(vec![known[0]]));
    let moved = Fingerprint {
        inode: 7,
        ..fingerprint(1)
    };
    let settled = commit(backend, rename("/a", "/b", moved));
    assert_eq!(
        (settled.outcome, settled.seq),
        (Outcome::Updated, Some(Seq(2)))
    );
    assert!(settled.counts.is_unchanged());
    let view = snapshot(backend);
    let document = view.document(&Namespace::default(), "/b");
    let document = document.expect("a lookup").expect("the document");
    assert_eq!(
        (document.chunks, document.fingerprint, document.seq),
        (2, Some(moved), Seq(2))
    );
    assert_eq!(
        view.document(&Namespace::default(), "/a")
            .expect("a lookup"),
        None
    );
    let chunks = fetch(view.as_ref(), &rows(view.as_ref(), &ids));
    assert!(chunks.iter().all(|chunk| chunk.source == "/b"));
    assert_eq!((chunks[0].access_count, chunks[0].added_seq), (1, Seq(1)));
    let within = |source: &str| {
        let filter = Filter {
            within: vec![source.to_owned()],
            ..Filter::default()
        };
        view.scope(&filter, super::bench::START)
            .expect("a scope")
            .rows
            .iter()
            .count()
    };
    assert_eq!((within("/a"), within("/b")), (0, 2));
    assert_eq!(view.log(1).expect("a log")[0].operation, "rename");
    drop(view);
    // New content at the new source is that document's.
    assert_eq!(put(bench, backend, "/b", &["alpha", "gamma"], 2)[0], ids[0]);
    // And back again, to where something else once was.
    put(bench, backend, "/c", &["delta"], 3);
    commit(backend, mark("/c", DocumentStatus::Removed, None, None));
    let settled = commit(backend, rename("/b", "/c", fingerprint(2)));
    assert_eq!(settled.outcome, Outcome::Updated);
    let expected = [
        ("/b".to_owned(), DocumentStatus::Removed, 0),
        ("/c".to_owned(), DocumentStatus::Indexed, 2),
    ];
    assert_eq!(sources(backend), expected);
    assert_eq!(live_texts(backend), ["alpha", "gamma"]);
}

/// Other content, another namespace, a source that is taken, forgotten or gone itself: nothing is written.
pub fn a_rename_that_may_not_be_changes_nothing(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    put(bench, backend, "/a", &["alpha"], 1);
    put(bench, backend, "/taken", &["beta"], 1);
    put(bench, backend, "/gone", &["gamma"], 1);
    commit(
        backend,
        mark("/gone", DocumentStatus::Removed, None, Some(fingerprint(1))),
    );
    commit(
        backend,
        mark("/skipped", DocumentStatus::Skipped, None, None),
    );
    let ids = put(bench, backend, "/secret", &["delta", "epsilon"], 1);
    let row = rows(snapshot(backend).as_ref(), &ids)[0];
    commit(
        backend,
        Change::Forget {
            rows: vec![row],
            documents: Vec::new(),
        },
    );
    commit(
        backend,
        mark("/secret", DocumentStatus::Removed, None, None),
    );
    let before = (sources(backend), snapshot(backend).generation());
    let mut elsewhere = rename("/a", "/b", fingerprint(1));
    if let Change::Rename {
        namespace: name, ..
    } = &mut elsewhere
    {
        *name = namespace("other");
    }
    for change in [
        elsewhere,
        rename("/a", "/b", fingerprint(2)),
        rename("/a", "/a", fingerprint(1)),
        rename("/a", "/taken", fingerprint(1)),
        rename("/a", "/skipped", fingerprint(1)),
        rename("/a", "/secret", fingerprint(1)),
        rename("/gone", "/b", fingerprint(1)),
        rename("/never", "/b", fingerprint(1)),
    ] {
        let said = format!("{change:?}");
        let settled = commit(backend, change);
        assert_eq!(
            (settled.outcome, settled.seq),
            (Outcome::Reused, None),
            "{said}"
        );
        assert_eq!(
            (sources(backend), snapshot(backend).generation()),
            before,
            "{said}"
        );
    }
}
