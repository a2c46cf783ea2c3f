//! Whether two backends hold the same, as far as anybody can tell through the traits.

use std::fmt::Debug;
use std::sync::Arc;

use steadfast_model::{Change, Chunk, FixedClock, Row, RowSet, Vector};

use super::bench::{Bench, START, everything, live, model, snapshot};
use super::random::random_changes;
use super::words::vector_of;
use crate::backend::{Backend, Bm25, Effort, Snapshot, Ways};
use crate::memory::MemoryBackend;

/// What two backends are asked while they are compared: terms of texts, and vectors.
#[derive(Clone, Debug, Default)]
pub struct Questions {
    /// Term hashes.
    pub terms: Vec<Vec<u64>>,
    /// Vectors of the active space.
    pub vectors: Vec<Vector>,
}

impl Questions {
    /// Returns the questions that the given texts make.
    pub fn of(texts: &[&str], analyze: &dyn steadfast_model::Analyze) -> Self {
        let hashes = |text: &&str| analyze.terms(text).hashes().to_vec();
        Self {
            terms: texts.iter().map(hashes).collect(),
            vectors: texts.iter().map(|text| vector_of(text)).collect(),
        }
    }
}

/// Compares everything that two backends tell; both must have the same store id and clocks that show the same.
///
/// Jobs are left out: a backend with derived state does some of them by itself.
///
/// # Errors
/// What differs first, in words.
pub fn compare(a: &dyn Backend, b: &dyn Backend, questions: &Questions) -> Result<(), String> {
    let (health_a, health_b) = (a.health(), b.health());
    let numbers = |health: Result<crate::health::Health, crate::error::StoreError>| {
        health.map(|health| {
            (
                health.generation,
                health.chunks,
                health.sources,
                health.skipped,
                health.namespaces,
            )
        })
    };
    same("health", numbers(health_a), numbers(health_b))?;
    let (a, b) = (snapshot(a), snapshot(b));
    let (a, b) = (a.as_ref(), b.as_ref());
    same(
        "generation",
        Ok::<_, ()>(a.generation()),
        Ok(b.generation()),
    )?;
    same("log", a.log(usize::MAX), b.log(usize::MAX))?;
    same("tags", a.tags(), b.tags())?;
    same("namespaces", a.namespaces(), b.namespaces())?;
    same("roots", a.roots(), b.roots())?;
    same("assignments", a.assignments(), b.assignments())?;
    same("pending", a.pending_vectors(), b.pending_vectors())?;
    let documents = a.documents(&everything());
    same(
        "documents",
        documents.as_ref(),
        b.documents(&everything()).as_ref(),
    )?;
    let keys: Vec<_> = documents
        .map_err(said)?
        .iter()
        .map(|found| found.key)
        .collect();
    let history = a.rows_of(&keys);
    same("rows", history.as_ref(), b.rows_of(&keys).as_ref())?;
    let history = history.map_err(said)?;
    same("live rows", Ok::<_, ()>(live(a)), Ok(live(b)))?;
    let chunks = |view: &dyn Snapshot| -> Result<Vec<Chunk>, String> {
        let fetched = view.fetch(&history).map_err(said)?;
        if fetched.damaged.is_empty() {
            Ok(fetched.chunks)
        } else {
            Err(format!("{:?} are damaged", fetched.damaged))
        }
    };
    let (chunks_a, chunks_b) = (chunks(a)?, chunks(b)?);
    for (a, b) in chunks_a.iter().zip(&chunks_b) {
        same("chunk", Ok::<_, ()>(a), Ok(b))?;
    }
    same(
        "number of chunks",
        Ok::<_, ()>(chunks_a.len()),
        Ok(chunks_b.len()),
    )?;
    for &row in &history {
        same("neighbours", a.neighbours(row, 2), b.neighbours(row, 2))?;
    }
    searches(a, b, questions)
}

fn searches(a: &dyn Snapshot, b: &dyn Snapshot, questions: &Questions) -> Result<(), String> {
    let all = live(a);
    let rows: Vec<Row> = all.iter().collect();
    let third: RowSet = all.iter().filter(|row| row.0 % 3 == 0).collect();
    let ways = Ways {
        text: true,
        vector: true,
    };
    let vectors = |view: &dyn Snapshot, scope: &RowSet| {
        let reach = view.reach(scope, ways);
        reach.map(|reach| {
            (
                reach.text,
                reach.vector,
                reach.vector_none,
                reach.vector_pending,
            )
        })
    };
    for scope in [&all, &third] {
        same("reach", vectors(a, scope), vectors(b, scope))?;
        for terms in &questions.terms {
            for (k, bm25) in [(5, Bm25::default()), (1000, Bm25 { k1: 1.2, b: 0.75 })] {
                same(
                    "best by text",
                    a.text_top(terms, k, bm25, scope),
                    b.text_top(terms, k, bm25, scope),
                )?;
                same(
                    "scores by text",
                    a.text_scores(terms, bm25, &rows),
                    b.text_scores(terms, bm25, &rows),
                )?;
            }
        }
        for query in &questions.vectors {
            same(
                "best by vector",
                a.vector_top(query, 5, scope),
                b.vector_top(query, 5, scope),
            )?;
            same(
                "scores by vector",
                a.vector_scores(query, &rows),
                b.vector_scores(query, &rows),
            )?;
        }
    }
    Ok(())
}

fn said(error: impl Debug) -> String {
    format!("{error:?}")
}

fn same<T: PartialEq + Debug, E: Debug>(
    what: &str,
    a: Result<T, E>,
    b: Result<T, E>,
) -> Result<(), String> {
    match (a, b) {
        (Ok(a), Ok(b)) if a == b => Ok(()),
        (a, b) => Err(format!("{what} differ:\n  {a:?}\n  {b:?}")),
    }
}

/// Random changes, in batches of random length, leave what they leave in the oracle, and are settled alike.
pub fn random_changes_agree_with_the_oracle(bench: &Bench<'_>) {
    for seed in 0..12 {
        let clock = Arc::new(FixedClock::at(START));
        let backend = bench.open_at(clock.clone());
        let oracle = MemoryBackend::new(backend.store_id(), model(), clock.clone());
        let changes = random_changes(seed, 60, bench.analyze());
        agree(bench, seed, backend.as_ref(), &oracle, &changes);
    }
}

fn agree(
    bench: &Bench<'_>,
    seed: u64,
    backend: &dyn Backend,
    oracle: &MemoryBackend,
    changes: &[Change],
) {
    let texts = [
        "apple",
        "river stone the",
        "cloud engine paper garden winter",
    ];
    let questions = Questions::of(&texts, bench.analyze());
    for (step, batch) in changes
        .chunks(1 + usize::try_from(seed % 7).unwrap_or(0))
        .enumerate()
    {
        let wanted = oracle.commit(batch, "suite").map_err(said);
        let settled = backend.commit(batch, "suite").map_err(said);
        assert_eq!(settled, wanted, "seed {seed}, batch {step}: {batch:?}");
        if step % 5 == 4 {
            backend.catch_up(Effort::Now).expect("catching up");
        }
        if step % 4 == 3 {
            let difference = compare(backend, oracle, &questions).err();
            assert_eq!(difference, None, "seed {seed}, after batch {step}");
        }
    }
    let difference = compare(backend, oracle, &questions).err();
    assert_eq!(difference, None, "seed {seed}, at the end");
}
