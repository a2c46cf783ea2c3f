//! Ranking: what the indexes answer is what looking at every row answers.

use std::collections::BTreeMap;

use steadfast_model::{Change, HashedTerms, Row, RowSet, Vector};

use super::bench::{Bench, START, commit, everything, fetch, in_every_state, live, rows, snapshot};
use super::random::{Random, random_changes};
use super::words::vector_of;
use crate::backend::{Backend, Bm25, Effort, Snapshot, Ways};

const BOTH: Ways = Ways {
    text: true,
    vector: true,
};

const QUESTIONS: [&str; 6] = [
    "apple",
    "river stone the",
    "the of and to",
    "apple river stone cloud engine paper garden signal window copper",
    "nowhere to be found",
    "",
];

/// Makes a store part of which the indexes have seen, with rows that came and went before and after.
fn half_indexed(bench: &Bench<'_>, seed: u64) -> Box<dyn Backend> {
    let backend = bench.open();
    let changes = random_changes(seed, 160, bench.analyze());
    let (before, after) = changes.split_at(100);
    backend.commit(before, "suite").expect("a batch");
    backend.catch_up(Effort::Wait).expect("catching up");
    backend.commit(after, "suite").expect("a batch");
    backend
}

fn some_scopes(view: &dyn Snapshot, random: &mut Random) -> Vec<RowSet> {
    let all = live(view);
    let part = |random: &mut Random, percent| {
        all.iter()
            .filter(|_| random.chance(percent))
            .collect::<RowSet>()
    };
    vec![
        all.clone(),
        part(random, 50),
        part(random, 5),
        RowSet::new(),
    ]
}

/// The BM25 score by its formula, in f64.
fn formula(corpus: &BTreeMap<Row, HashedTerms>, terms: &[u64], bm25: Bm25, row: Row) -> f64 {
    let float = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    let tokens: f64 = corpus.values().map(|text| f64::from(text.tokens())).sum();
    let average = tokens / float(corpus.len());
    let (k1, b) = (f64::from(bm25.k1), f64::from(bm25.b));
    let text = &corpus[&row];
    terms
        .iter()
        .map(|&term| {
            let df = float(corpus.values().filter(|text| text.count(term) > 0).count());
            let idf = (1.0 + (float(corpus.len()) - df + 0.5) / (df + 0.5)).ln();
            let tf = f64::from(text.count(term));
            let length = f64::from(text.tokens()) / average;
            let norm = tf + k1 * (1.0 - b + b * length);
            if tf > 0.0 {
                idf * tf * (k1 + 1.0) / norm
            } else {
                0.0
            }
        })
        .sum()
}

fn best(rows: &[Row], scores: &[f32], k: usize) -> Vec<(Row, f32)> {
    let mut found: Vec<(Row, f32)> = rows.iter().copied().zip(scores.iter().copied()).collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(k);
    found
}

/// Text scores are BM25 over exactly the live rows, and the best are the best of the scope, ties by row.
pub fn texts_rank_as_by_brute_force(bench: &Bench<'_>) {
    let backend = half_indexed(bench, 21);
    in_every_state(backend.as_ref(), |view| {
        let mut rows: Vec<Row> = live(view).iter().collect();
        let corpus: BTreeMap<Row, HashedTerms> = fetch(view, &rows)
            .into_iter()
            .map(|chunk| (chunk.row, bench.analyze().terms(&chunk.text)))
            .collect();
        let mut random = Random::new(22);
        let parts = some_scopes(view, &mut random);
        rows.reverse();
        for question in QUESTIONS {
            let mut terms = bench.terms(question);
            terms.extend_from_within(..);
            let distinct = bench.terms(question);
            for bm25 in [
                Bm25::default(),
                Bm25 { k1: 1.2, b: 0.75 },
                Bm25 { k1: 0.0, b: 0.0 },
            ] {
                let scores = view.text_scores(&terms, bm25, &rows).expect("scores");
                assert_eq!(
                    scores.len(),
                    rows.len(),
                    "one score for each row, in their order"
                );
                for (row, score) in rows.iter().zip(&scores) {
                    let exact = formula(&corpus, &distinct, bm25, *row);
                    let off = (f64::from(*score) - exact).abs();
                    assert!(
                        off <= 1e-5 * (1.0 + exact),
                        "{question}: {row:?} has {score}, not {exact}"
                    );
                    assert_eq!(*score > 0.0, exact > 0.0, "{question}: {row:?}");
                }
                for scope in &parts {
                    let (inside, inside_scores): (Vec<Row>, Vec<f32>) = rows
                        .iter()
                        .zip(&scores)
                        .filter(|(row, score)| scope.contains(**row) && **score > 0.0)
                        .unzip();
                    for k in [0, 1, 7, 1000] {
                        let top = view.text_top(&terms, k, bm25, scope).expect("hits");
                        let wanted = best(&inside, &inside_scores, k);
                        assert_eq!(top, wanted, "{question}: k {k} of {}", scope.len());
                    }
                }
            }
        }
    });
}

/// Vector scores are inner products, and the best are the best of the scope, ties by row.
pub fn vectors_rank_as_by_brute_force(bench: &Bench<'_>) {
    let backend = bench.open();
    let backend = backend.as_ref();
    let mut random = Random::new(31);
    let mut expected: BTreeMap<Row, Vector> = BTreeMap::new();
    for document in 0..40 {
        // Equal texts have equal vectors: the ties are real.
        let texts: Vec<String> = (0..4)
            .map(|_| format!("word{} word{}", random.below(12), random.below(12)))
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut put = bench.put(&format!("/{document}"), &texts);
        put.chunks[1].vector = None;
        put.chunks[2].vector = Some(Vector(vec![0.0; super::DIMENSIONS]));
        let settled = commit(backend, Change::Put(put.clone()));
        let given = rows(snapshot(backend).as_ref(), &settled.ids);
        for index in [0, 3] {
            let vector = put.chunks[index].vector.clone();
            expected.insert(given[index], vector.expect("a vector"));
        }
        if document == 20 {
            backend.catch_up(Effort::Wait).expect("catching up");
        }
    }
    in_every_state(backend, |view| {
        let mut all: Vec<Row> = live(view).iter().collect();
        all.push(Row(u32::MAX));
        all.reverse();
        let parts = some_scopes(view, &mut random);
        for question in ["word3", "word1 word7", "something else", ""] {
            let query = vector_of(question);
            let scores = view.vector_scores(&query, &all).expect("scores");
            let wanted: Vec<Option<f32>> = all
                .iter()
                .map(|row| expected.get(row).map(|vector| query.dot(vector)))
                .collect();
            assert_eq!(scores, wanted, "{question}");
            for scope in &parts {
                // A question without a place in the space is near to nothing.
                let inside: Vec<Row> = expected
                    .keys()
                    .copied()
                    .filter(|row| scope.contains(*row) && !query.is_zero())
                    .collect();
                let scores: Vec<f32> = inside.iter().map(|row| query.dot(&expected[row])).collect();
                for k in [0, 1, 9, 1000] {
                    let top = view.vector_top(&query, k, scope).expect("hits");
                    assert_eq!(
                        top,
                        best(&inside, &scores, k),
                        "{question}: k {k} of {}",
                        scope.len()
                    );
                }
            }
        }
    });
}

/// Every row of a scope is counted once: searched by text, and with, without or still without a vector.
pub fn reach_counts_every_row_once(bench: &Bench<'_>) {
    let backend = half_indexed(bench, 41);
    let mut random = Random::new(42);
    in_every_state(backend.as_ref(), |view| {
        let query = vector_of("anything");
        for scope in some_scopes(view, &mut random) {
            let reach = view.reach(&scope, BOTH).expect("a reach");
            let size = u64::try_from(scope.len()).unwrap_or(u64::MAX);
            assert_eq!(reach.text, size);
            let text = Ways {
                vector: false,
                ..BOTH
            };
            let by_text = view.reach(&scope, text).expect("a reach");
            assert_eq!(
                (by_text.text, by_text.vector, by_text.vector_pending),
                (size, 0, 0)
            );
            assert_eq!(
                reach.vector + reach.vector_none + reach.vector_pending,
                size
            );
            let pending = ("vector_pending".to_owned(), reach.vector_pending);
            let not_searched: Vec<_> = [pending]
                .into_iter()
                .filter(|(_, rows)| *rows > 0)
                .collect();
            assert_eq!(reach.not_searched, not_searched);
            assert!(reach.tail <= size);
            let found = view.vector_top(&query, scope.len(), &scope).expect("hits");
            assert_eq!(reach.vector, u64::try_from(found.len()).unwrap_or(u64::MAX));
        }
        let whole = view.reach(&live(view), BOTH).expect("a reach");
        assert!(
            whole.vector_none > 0 && whole.vector_pending > 0,
            "{whole:?}"
        );
        let scope = view.scope(&everything(), START).expect("a scope");
        assert_eq!(scope.left_out_by_validity, 0);
    });
}
