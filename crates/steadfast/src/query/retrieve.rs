//! From a scope to one page of ranked rows.
//!
//! Candidates are the best rows by text and the best by vector, a fixed number
//! of each, so a first page costs the same in any store. When a reader pages
//! on past them, the next tier looks ten times deeper and leaves out what the
//! tiers before have shown; so the order of all pages together is fixed by the
//! data alone, and the last page comes after every row that any way can find.

use std::collections::{BTreeSet, HashMap};

use steadfast_model::{Filter, Row, RowSet, Validity};
use steadfast_store::{Bm25, Snapshot};

use super::copies::{Copies, fold};
use super::cursor::Position;
use super::fuse::{Best, Candidate, Ranked, fuse};
use super::parse::Question;
use super::rank::{self, Date, Formula, Known};
use super::{HITS_MAX, SearchRequest};
use crate::error::Result;

/// Rows by each way that make up the first tier. Each costs a look-up in the store, so
/// this decides what a question costs beyond the scans.
const DEPTH: usize = 30;

/// How much deeper each further tier looks.
const DEEPER: usize = 10;

/// Tiers whose candidates are ranked with their surroundings.
const JOINED_TIERS: u32 = 2;

/// The best rows by each way, as deep as one tier looks.
struct Lists {
    text: Vec<(Row, f32)>,
    vector: Vec<(Row, f32)>,
    depth: usize,
    /// The best rows of the time that the question names; in every tier, and so in the first one.
    dated: BTreeSet<Row>,
}

impl Lists {
    fn rows(&self, depth: usize) -> BTreeSet<Row> {
        self.text
            .iter()
            .take(depth)
            .chain(self.vector.iter().take(depth))
            .map(|&(row, _)| row)
            .chain(self.dated.iter().copied())
            .collect()
    }

    /// Returns whether no way can find more rows by looking deeper.
    fn is_exhausted(&self) -> bool {
        self.text.len() < self.depth && self.vector.len() < self.depth
    }

    fn best(&self) -> Best {
        let first = |list: &[(Row, f32)]| list.first().map_or(0.0, |&(_, score)| score);
        Best {
            text: first(&self.text),
            vector: first(&self.vector),
        }
    }
}

fn depth_of(tier: u32) -> usize {
    DEEPER.saturating_pow(tier).saturating_mul(DEPTH)
}

/// A page of ranked rows.
#[derive(Default)]
pub(super) struct Page {
    pub(super) ranked: Vec<Ranked>,
    /// Where else the texts of the rows are.
    pub(super) copies: Copies,
    /// Where the next page starts, when there may be one.
    pub(super) next: Option<Position>,
}

/// Returns a page of ranked rows.
pub(super) fn page(
    snapshot: &dyn Snapshot,
    question: &Question,
    scope: &RowSet,
    start: Option<Position>,
    request: &SearchRequest,
) -> Result<Page> {
    let limit = request.limit.clamp(1, HITS_MAX);
    let floor = request.min_score.unwrap_or(f32::NEG_INFINITY);
    let mut page = Page::default();
    let mut tier = start.map_or(0, |position| position.tier);
    let mut after = start;
    let dated = dated(snapshot, question, scope)?;
    loop {
        let mut lists = lists(snapshot, question, scope, depth_of(tier))?;
        lists.dated.clone_from(&dated);
        let mut ranked = tier_order(snapshot, question, scope, &lists, tier, &request.formula)?;
        question.demands.keep(snapshot, &mut ranked)?;
        page.copies.extend(fold(snapshot, &mut ranked)?);
        let mut rest = ranked.into_iter().filter(|ranked| {
            after.is_none_or(|position| position.is_before(ranked)) && ranked.score >= floor
        });
        page.ranked
            .extend(rest.by_ref().take(limit - page.ranked.len()));
        let is_last = lists.is_exhausted() && rest.next().is_none();
        if page.ranked.len() == limit || is_last {
            let last = page.ranked.last().filter(|_| !is_last);
            page.next = last.map(|last| Position::at(tier, last));
            return Ok(page);
        }
        (tier, after) = (tier + 1, None);
    }
}

fn lists(
    snapshot: &dyn Snapshot,
    question: &Question,
    scope: &RowSet,
    depth: usize,
) -> Result<Lists> {
    let text = if question.ways.text && !question.terms.is_empty() {
        snapshot.text_top(&question.terms, depth, Bm25::default(), scope)?
    } else {
        Vec::new()
    };
    let vector = if question.ways.vector && !question.vector.is_zero() {
        snapshot.vector_top(&question.vector, depth, scope)?
    } else {
        Vec::new()
    };
    Ok(Lists {
        text,
        vector,
        depth,
        dated: BTreeSet::new(),
    })
}

/// Returns the best rows of the time that a question names: their words need not say it.
fn dated(snapshot: &dyn Snapshot, question: &Question, scope: &RowSet) -> Result<BTreeSet<Row>> {
    let range = question.date.as_ref().and_then(Date::range);
    let Some((since, until)) = range.filter(|_| question.ways.text) else {
        return Ok(BTreeSet::new());
    };
    let filter = Filter {
        since: Some(since),
        until: Some(until),
        validity: Validity::Any,
        ..Filter::default()
    };
    let mut rows = snapshot.scope(&filter, since)?.rows;
    rows.intersect(scope);
    if rows.len() <= DEPTH {
        return Ok(rows.iter().collect());
    }
    Ok(lists(snapshot, question, &rows, DEPTH)?.rows(DEPTH))
}

/// Returns the rows that a tier shows, ranked: its candidates without those of the tiers before.
///
/// The first tiers look at the surroundings of each candidate, whose neighbours
/// join it; the deeper ones, and a search by vector alone, take the scores as they are.
fn tier_order(
    snapshot: &dyn Snapshot,
    question: &Question,
    scope: &RowSet,
    lists: &Lists,
    tier: u32,
    formula: &Formula,
) -> Result<Vec<Ranked>> {
    let joins = question.ways.text;
    let shown = if tier == 0 {
        BTreeSet::new()
    } else {
        let mut shown = lists.rows(depth_of(tier - 1));
        if joins {
            let joined = lists.rows(depth_of((tier - 1).min(JOINED_TIERS - 1)));
            let joined: Vec<Row> = joined.into_iter().collect();
            shown.extend(rank::expand(snapshot, &joined, scope)?);
        }
        shown
    };
    let mut rows = lists.rows(lists.depth);
    if joins && tier < JOINED_TIERS {
        let rows: Vec<Row> = rows.into_iter().collect();
        let (text, vector) = (
            lists.text.iter().copied().collect(),
            lists.vector.iter().copied().collect(),
        );
        let known = Known {
            text: &text,
            vector: &vector,
        };
        let mut ranked = rank::rank(snapshot, question, scope, &rows, &known, formula)?;
        ranked.retain(|ranked| !shown.contains(&ranked.candidate.row));
        return Ok(ranked);
    }
    rows.retain(|row| !shown.contains(row));
    let rows: Vec<Row> = rows.into_iter().collect();
    let texts = known_or(&rows, &lists.text, |missing| {
        if question.ways.text && !question.terms.is_empty() {
            let scores = snapshot.text_scores(&question.terms, Bm25::default(), missing)?;
            Ok(scores.into_iter().map(Some).collect())
        } else {
            Ok(vec![None; missing.len()])
        }
    })?;
    let vectors = known_or(&rows, &lists.vector, |missing| {
        if question.ways.vector && !question.vector.is_zero() {
            Ok(snapshot.vector_scores(&question.vector, missing)?)
        } else {
            Ok(vec![None; missing.len()])
        }
    })?;
    let candidates = rows
        .into_iter()
        .zip(texts)
        .zip(vectors)
        .map(|((row, text), vector)| Candidate {
            row,
            text: text.unwrap_or(0.0),
            vector,
        });
    Ok(fuse(candidates.collect(), lists.best()))
}

/// Returns a score for each row: from the list where it is in it, by lookup where it is not.
fn known_or(
    rows: &[Row],
    list: &[(Row, f32)],
    look_up: impl FnOnce(&[Row]) -> Result<Vec<Option<f32>>>,
) -> Result<Vec<Option<f32>>> {
    let mut scores: HashMap<Row, Option<f32>> = list
        .iter()
        .map(|&(row, score)| (row, Some(score)))
        .collect();
    let missing: Vec<Row> = rows
        .iter()
        .copied()
        .filter(|row| !scores.contains_key(row))
        .collect();
    if !missing.is_empty() {
        scores.extend(missing.iter().copied().zip(look_up(&missing)?));
    }
    Ok(rows
        .iter()
        .map(|row| scores.get(row).copied().flatten())
        .collect())
}
