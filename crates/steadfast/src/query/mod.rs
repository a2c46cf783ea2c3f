//! The line out: parse, scope, retrieve, fuse, page, answer with coverage.
//!
//! May name: `error`, `config`, `ingest`. Invariants: the filter becomes a row
//! set before any candidate is chosen; every answer carries its coverage; no
//! question is an error, whatever is in it.

mod answer;
mod as_of;
mod caution;
mod copies;
mod cursor;
mod fuse;
mod language;
mod list;
mod parse;
mod phrase;
mod rank;
mod retrieve;
mod snippet;
mod stale;

use steadfast_embed::Embed;
use steadfast_index::Analyzer;
use steadfast_model::{Coverage, Filter, Hit, Timestamp};
use steadfast_store::{Backend, Ways};

use crate::error::Result;

pub(crate) use answer::neighbours;
pub use as_of::Moment;
pub use caution::{Caution, Sign, caution, instruction_like};
pub use language::Asked;
pub use list::{ListRequest, Listing};
pub(crate) use list::{list, recent};
pub use rank::{Formula, Parts};

/// The most hits of one answer.
pub const HITS_MAX: usize = 1000;

/// A question.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SearchRequest {
    /// The question, in any words; no text is an error. It is taken as it is: [`Asked`] reads the question language.
    pub query: String,
    /// Words that must follow each other in the text of a hit, in any form.
    pub phrases: Vec<String>,
    /// Words and phrases that must not be in the text of a hit, in any form.
    pub left_out: Vec<String>,
    /// Which chunks it is about.
    pub filter: Filter,
    /// How many hits are wanted, at most [`HITS_MAX`].
    pub limit: usize,
    /// How it is searched.
    pub mode: Mode,
    /// Where the answer before ended.
    pub cursor: Option<String>,
    /// How many chunks before and after each hit come with it.
    pub neighbours: u32,
    /// Hits below this score are left out.
    pub min_score: Option<f32>,
    /// What each part of a score counts.
    pub formula: Formula,
    /// Search what the store held at an earlier moment: exactly, by reading every text; without cursor,
    /// neighbours and copies.
    pub as_of: Option<Moment>,
}

impl SearchRequest {
    /// Returns the question `query` over everything: ten hits, by words and by vector.
    pub fn new(query: impl Into<String>) -> Self {
        Self {
            query: query.into(),
            phrases: Vec::new(),
            left_out: Vec::new(),
            filter: Filter::default(),
            limit: 10,
            mode: Mode::default(),
            cursor: None,
            neighbours: 0,
            min_score: None,
            formula: Formula::default(),
            as_of: None,
        }
    }
}

/// How a question is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Mode {
    /// By words and by vector, fused.
    #[default]
    Hybrid,
    /// By words.
    Text,
    /// By vector.
    Vector,
}

impl Mode {
    fn ways(self) -> Ways {
        Ways {
            text: self != Self::Vector,
            vector: self != Self::Text,
        }
    }
}

/// The answer to a question.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer {
    /// Hits, best first.
    pub hits: Vec<Hit>,
    /// What was searched, and what was not and why.
    pub coverage: Coverage,
    /// Gets the next hits, when there may be more.
    pub cursor: Option<String>,
    /// What makes up the score of each hit, in the order of the hits.
    pub parts: Vec<Parts>,
}

/// Answers a question from one moment of the store.
pub(crate) fn search(
    backend: &dyn Backend,
    embed: &dyn Embed,
    request: &SearchRequest,
    now: Timestamp,
) -> Result<Answer> {
    if let Some(moment) = request.as_of {
        return as_of::search(backend, embed, request, moment, now);
    }
    let question = parse::parse(Analyzer, embed, request)?;
    let start = cursor::start(request)?;
    let snapshot = backend.snapshot()?;
    let words = question.demands.words();
    let terms: Vec<u64> = words
        .into_iter()
        .chain(question.terms.iter().copied())
        .collect();
    snapshot.warm(question.ways, &terms);
    let scope = snapshot.scope(&request.filter, now)?;
    let narrowed = question.demands.narrow(snapshot.as_ref(), &scope.rows)?;
    let rows = narrowed.as_ref().unwrap_or(&scope.rows);
    let position = start.map(|start| start.position);
    let page = retrieve::page(snapshot.as_ref(), &question, rows, position, request)?;
    let (hits, damaged) = answer::hits(snapshot.as_ref(), &question, &page, request)?;
    let (hits, parts): (Vec<Hit>, Vec<Parts>) = hits.into_iter().unzip();
    let mut coverage = answer::coverage(snapshot.as_ref(), &question, &scope, &damaged)?;
    coverage
        .warnings
        .extend(stale::warnings(snapshot.as_ref(), &hits)?);
    let generation = snapshot.generation();
    coverage
        .warnings
        .extend(start.and_then(|start| start.warning(generation)));
    let cursor = page
        .next
        .map(|position| cursor::encode(request, generation, position));
    Ok(Answer {
        hits,
        coverage,
        cursor,
        parts,
    })
}
