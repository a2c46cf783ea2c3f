//! The score of a candidate: its own words and vector, those around it, and what the question says of
//! speaker and time.
//!
//! | File | Question it answers |
//! |---|---|
//! | `formula` | What does each part count? |
//! | `surroundings` | Who stands beside the candidates? |
//! | `words` | Which of the question's terms are in a candidate, its window, its document? |
//! | `vectors` | How near is it to the question, alone and with its neighbours? |
//! | `signals` | Does the question name a speaker or a date, or ask when? |
//!
//! Every part is divided by its largest value among the candidates, so parts of
//! different scales can be weighed. Ranking the candidates alone gives the order
//! that ranking every row would: what is far from every candidate by words and
//! by vector is far from it by its surroundings too.

mod formula;
mod signals;
mod surroundings;
mod vectors;
mod words;

use std::collections::HashMap;

use steadfast_model::{Kind, Row, RowSet};
use steadfast_store::Snapshot;

use super::copies::likeness;
use super::fuse::{Candidate, Ranked};
use super::parse::Question;
use crate::error::Result;
pub use formula::{Formula, Parts};
pub(super) use signals::{Date, asks_when};
use surroundings::Surroundings;

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
    let surroundings = Surroundings::read(snapshot, rows, WINDOW)?;
    let joined = surroundings.joined(scope, WINDOW);
    Ok(joined
        .into_iter()
        .map(|seat| surroundings.row(seat))
        .collect())
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
    let attributes = surroundings.attributes(snapshot, &candidates)?;
    let mut parts: Vec<Parts> = attributes
        .iter()
        .map(|found| Parts {
            kind: found.as_ref().map_or(Kind::Text, |found| found.kind),
            ..Parts::default()
        })
        .collect();
    if question.ways.text && !question.terms.is_empty() {
        words::words(
            snapshot,
            question,
            &surroundings,
            &candidates,
            formula,
            &mut parts,
        )?;
    }
    if question.ways.vector && !question.vector.is_zero() {
        vectors::vectors(snapshot, question, &surroundings, &candidates, &mut parts)?;
    }
    let rows: Vec<Row> = candidates
        .iter()
        .map(|seat| surroundings.row(*seat))
        .collect();
    signals::signals(snapshot, question, &rows, &attributes, &mut parts)?;
    signals::weigh_replies(formula.reply, &attributes, &mut parts);
    let found: Vec<Candidate> = rows
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
    let likenesses: Vec<Option<u64>> = parts
        .iter()
        .map(|parts| likeness(parts.chunk, parts.has_vector.then_some(parts.vector)))
        .collect();
    let mut ranked: Vec<Ranked> = found
        .into_iter()
        .zip(likenesses)
        .zip(formula.weigh(parts))
        .map(|((candidate, likeness), (score, parts))| Ranked {
            candidate,
            score,
            parts,
            likeness,
        })
        .collect();
    ranked.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then(a.candidate.row.cmp(&b.candidate.row))
    });
    Ok(ranked)
}
