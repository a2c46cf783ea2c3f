//! Vectors that come after their chunks.

use steadfast_model::{Change, ContentHash, LateVector, Outcome, Row, Vector};

use super::bench::{Bench, commit, in_every_state, live, row, snapshot};
use super::words::vector_of;
use crate::backend::{Backend, Effort, Ways};

const VECTORS: Ways = Ways {
    text: false,
    vector: true,
};

fn late(row: Row, text: &str) -> LateVector {
    LateVector {
        row,
        content_hash: ContentHash::of(text),
        vector: vector_of(text),
    }
}

/// Puts a document whose second and third chunk wait for their vector; returns all rows.
fn put_waiting(bench: &Bench<'_>, backend: &dyn Backend, source: &str, texts: &[&str]) -> Vec<Row> {
    let mut put = bench.put(source, texts);
    for chunk in put.chunks.iter_mut().skip(1) {
        chunk.vector = None;
    }
    let ids = commit(backend, Change::Put(put)).ids;
    let view = snapshot(backend);
    ids.iter().map(|id| row(view.as_ref(), id)).collect()
}

/// A vector that comes late is searched from its commit on, wherever the index stands, and nothing waits any more.
pub fn a_late_vector_is_searched(bench: &Bench<'_>) {
    for is_indexed in [false, true] {
        let backend = bench.open();
        let backend = backend.as_ref();
        let rows = put_waiting(bench, backend, "/a", &["alpha", "beta", "gamma"]);
        commit(backend, Change::Put(bench.put("/b", &["delta", "epsilon"])));
        if is_indexed {
            backend.catch_up(Effort::Wait).expect("catching up");
        }
        let view = snapshot(backend);
        assert_eq!(view.pending_vectors().expect("rows"), rows[1..]);
        let before = view.generation();
        drop(view);
        let given = Change::Vectors(vec![late(rows[1], "beta"), late(rows[2], "gamma")]);
        let settled = commit(backend, given.clone());
        assert_eq!(
            (&settled.outcome, settled.counts.updated),
            (&Outcome::Updated, 2)
        );
        assert!(settled.seq > Some(before));
        in_every_state(backend, |view| {
            assert_eq!(view.pending_vectors().expect("rows"), []);
            let all = live(view);
            let reach = view.reach(&all, VECTORS).expect("a reach");
            assert_eq!((reach.vector, reach.vector_pending), (5, 0));
            assert_eq!(reach.not_searched, []);
            for (row, text) in rows.iter().zip(["alpha", "beta", "gamma"]) {
                let top = view.vector_top(&vector_of(text), 1, &all).expect("hits");
                assert_eq!(top[0].0, *row, "{text}, indexed before: {is_indexed}");
                let mut rounded = Vec::new();
                view.rounded_vectors(&[*row], &mut |row, _| rounded.push(row))
                    .expect("vectors");
                assert_eq!(rounded, [*row]);
            }
        });
        let again = commit(backend, given);
        assert_eq!(
            (again.outcome, again.seq, again.counts.reused),
            (Outcome::Reused, None, 2)
        );
    }
}

/// What no longer waits, is gone, or has another text is passed over; a vector of another space is refused.
pub fn a_late_vector_that_is_too_late_changes_nothing(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let rows = put_waiting(bench, backend, "/a", &["alpha", "beta", "gamma", "delta"]);
    let mut left = bench.put("/a", &["alpha", "beta", "delta"]);
    for chunk in &mut left.chunks {
        chunk.vector = None;
    }
    commit(backend, Change::Put(left));
    let settled = commit(
        backend,
        Change::Vectors(vec![
            late(rows[0], "alpha"),
            late(rows[1], "another text"),
            late(rows[2], "gamma"),
            late(Row(999), "nobody"),
        ]),
    );
    assert_eq!(
        (settled.outcome, settled.seq, settled.counts.reused),
        (Outcome::Reused, None, 4)
    );
    // A text without a place in the space is waited for no longer, and never found by vector.
    let nowhere = LateVector {
        vector: Vector(vec![0.0; vector_of("").0.len()]),
        ..late(rows[1], "beta")
    };
    assert_eq!(
        commit(backend, Change::Vectors(vec![nowhere]))
            .counts
            .updated,
        1
    );
    in_every_state(backend, |view| {
        assert_eq!(view.pending_vectors().expect("rows"), [rows[3]]);
        let reach = view.reach(&live(view), VECTORS).expect("a reach");
        assert_eq!(
            (reach.vector, reach.vector_none, reach.vector_pending),
            (1, 1, 1)
        );
    });
    let short = LateVector {
        vector: Vector(vec![1.0]),
        ..late(rows[3], "delta")
    };
    let refused = backend.commit(&[Change::Vectors(vec![short])], "suite");
    assert!(refused.is_err());
    assert_eq!(
        snapshot(backend).pending_vectors().expect("rows"),
        [rows[3]]
    );
}
