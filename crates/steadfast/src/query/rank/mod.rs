//! The score of a candidate: its own words and vector, those around it, and what the question says of
//! speaker and time.
//!
//! | File | Question it answers |
//! |---|---|
//! | `formula` | What does each part count? |
//! | `surroundings` | Who stands beside the candidates, and which terms are in them? |
//! | `signals` | Does the question name a speaker or a date, or ask when? |
//!
//! Every part is divided by its largest value among the candidates, so parts of
//! different scales can be weighed. Ranking the candidates alone gives the order
//! that ranking every row would: what is far from every candidate by words and
//! by vector is far from it by its surroundings too.

mod formula;
mod signals;
mod surroundings;

use std::collections::HashMap;

use steadfast_model::vector::dot;
use steadfast_model::{Kind, Row, RowSet};
use steadfast_store::Snapshot;

use super::fuse::{Candidate, Ranked};
use super::parse::Question;
use crate::error::Result;
pub use formula::{Formula, Parts};
use surroundings::{Surroundings, bm25};

/// Neighbours on each side that join the candidates and make up a window of words.
const WINDOW: u32 = 2;

/// Neighbours on each side that make up a window of vectors.
const VECTOR_WINDOW: u32 = 1;

/// What is known of the candidates before their surroundings are looked at.
pub(super) struct Known<'k> {
    pub(super) text: &'k HashMap<Row, f32>,
    pub(super) vector: &'k HashMap<Row, f32>,
}

/// Returns the rows with the neighbours that join them, those in scope, ascending.
pub(super) fn expand(snapshot: &dyn Snapshot, rows: &[Row], scope: &RowSet) -> Result<Vec<Row>> {
    Ok(Surroundings::read(snapshot, rows, WINDOW)?.joined(scope, WINDOW))
}

/// Returns the candidates and their neighbours in scope, ranked, best first, equal scores by row.
pub(super) fn rank(
    snapshot: &dyn Snapshot,
    question: &Question,
    scope: &RowSet,
    rows: &[Row],
    known: &Known<'_>,
    formula: &Formula,
) -> Result<Vec<Ranked>> {
    let surroundings = Surroundings::read(snapshot, rows, 2 * WINDOW)?;
    let candidates = surroundings.joined(scope, WINDOW);
    let mut parts = vec![Parts::default(); candidates.len()];
    if question.ways.text && !question.terms.is_empty() {
        words(
            snapshot,
            question,
            &surroundings,
            &candidates,
            formula,
            &mut parts,
        )?;
    }
    if question.ways.vector && !question.vector.is_zero() {
        vectors(snapshot, question, &surroundings, &candidates, &mut parts)?;
    }
    signals(snapshot, question, &surroundings, &candidates, &mut parts)?;
    let found: Vec<Candidate> = candidates
        .iter()
        .zip(&parts)
        .map(|(row, parts)| Candidate {
            row: *row,
            text: known.text.get(row).copied().unwrap_or(parts.chunk),
            vector: known
                .vector
                .get(row)
                .copied()
                .or(parts.has_vector.then_some(parts.vector)),
        })
        .collect();
    let weighed = formula.weigh(parts);
    let mut ranked: Vec<Ranked> = found
        .into_iter()
        .zip(weighed)
        .map(|(candidate, (score, parts))| Ranked {
            candidate,
            score,
            parts,
        })
        .collect();
    ranked.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.candidate.row.cmp(&b.candidate.row))
    });
    Ok(ranked)
}

/// BM25 of each candidate, of the window around it, and of its document or the part of it around the candidate.
fn words(
    snapshot: &dyn Snapshot,
    question: &Question,
    surroundings: &Surroundings,
    candidates: &[Row],
    formula: &Formula,
    parts: &mut [Parts],
) -> Result<()> {
    let rows = surroundings.rows();
    let counts = snapshot.term_counts(&question.terms, &rows)?;
    let kinds = surroundings.attributes(snapshot, candidates)?;
    let single = |row: &Row| surroundings::Bag::of(&counts, &rows, &[*row]);
    let windows: Vec<surroundings::Bag> = candidates
        .iter()
        .map(|row| surroundings::Bag::of(&counts, &rows, &surroundings.window(*row, WINDOW)))
        .collect();
    let parents = surroundings.parents(&counts, &rows, candidates);
    let average = |lengths: &mut dyn Iterator<Item = f32>| {
        let (sum, number) = lengths.fold((0.0, 0.0), |(sum, number), length| {
            (sum + length, number + 1.0)
        });
        if sum > 0.0 { sum / number } else { 1.0_f32 }
    };
    let window_average = average(&mut windows.iter().map(|bag| bag.tokens));
    let parent_average = average(&mut parents.iter().map(|bag| bag.tokens));
    let chunk_average = surroundings::average_tokens(&counts);
    for (((row, parts), (window, parent)), kind) in candidates
        .iter()
        .zip(parts)
        .zip(windows.iter().zip(&parents))
        .zip(kinds)
    {
        let kind = kind.map_or(Kind::Text, |attributes| attributes.kind);
        let own = formula.bm25_of(kind);
        parts.chunk = bm25(&counts, &single(row), chunk_average, own);
        parts.window = bm25(&counts, window, window_average, own);
        parts.parent = bm25(&counts, parent, parent_average, formula.parent_bm25);
    }
    Ok(())
}

/// The similarity of each candidate's vector, and of the sum of those around it.
fn vectors(
    snapshot: &dyn Snapshot,
    question: &Question,
    surroundings: &Surroundings,
    candidates: &[Row],
    parts: &mut [Parts],
) -> Result<()> {
    let mut wanted: Vec<Row> = candidates
        .iter()
        .flat_map(|row| surroundings.window(*row, VECTOR_WINDOW))
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found: HashMap<Row, Vec<f32>> = HashMap::with_capacity(wanted.len());
    snapshot.rounded_vectors(&wanted, &mut |row, values| {
        found.insert(row, values.to_vec());
    })?;
    let mut sum = vec![0.0_f32; question.vector.0.len()];
    for (row, parts) in candidates.iter().zip(parts) {
        if let Some(own) = found.get(row) {
            parts.has_vector = true;
            parts.vector = dot(&question.vector.0, own);
        }
        sum.fill(0.0);
        for neighbour in surroundings.window(*row, VECTOR_WINDOW) {
            for (sum, value) in sum
                .iter_mut()
                .zip(found.get(&neighbour).into_iter().flatten())
            {
                *sum += value;
            }
        }
        let length = dot(&sum, &sum).sqrt();
        if length > 0.0 {
            parts.vector_window = dot(&question.vector.0, &sum) / length;
        }
    }
    Ok(())
}

/// What the question says of speaker and time.
fn signals(
    snapshot: &dyn Snapshot,
    question: &Question,
    surroundings: &Surroundings,
    candidates: &[Row],
    parts: &mut [Parts],
) -> Result<()> {
    let attributes = surroundings.attributes(snapshot, candidates)?;
    let speakers: Vec<Option<&str>> = attributes
        .iter()
        .map(|found| signals::speaker(found.as_deref()?))
        .collect();
    let named = signals::named_speaker(&question.words, &speakers);
    for (parts, speaker) in parts.iter_mut().zip(&speakers) {
        if named.is_some() && named == *speaker {
            parts.speaker = 1.0;
        }
    }
    if let Some(date) = &question.date {
        for (parts, found) in parts.iter_mut().zip(&attributes) {
            let time = found.as_ref().and_then(|found| found.document_time);
            if time.is_some_and(|time| date.admits(time)) {
                parts.date = 1.0;
            }
        }
    }
    if question.asks_when {
        let terms = signals::time_terms();
        let counts = snapshot.term_counts(terms, candidates)?;
        for (place, parts) in parts.iter_mut().enumerate() {
            if counts.row(place).iter().any(|&count| count > 0) {
                parts.when = 1.0;
            }
        }
    }
    Ok(())
}

pub(super) use signals::{Date, asks_when};
