//! Questions about an earlier moment: what the store held after a commit, searched exactly.
//!
//! No index knows the past, so every text that was live then is read, and scored
//! by BM25 over exactly those texts and by its stored vector; the answer says so.
//! That costs time in proportion to the store and never a hit. Namespaces have
//! the names they have now, and what was forgotten since is not there. What is
//! deliberately not here: pages (an answer is one list), and what surrounds a
//! chunk.

use std::collections::HashMap;

use steadfast_embed::Embed;
use steadfast_index::Analyzer;
use steadfast_index::text::Stats;
use steadfast_model::{
    Analyze as _, Chunk, Coverage, Filter, Hit, Match, NotSearched, Row, Seq, Timestamp, Vector,
};
use steadfast_store::{Backend, Bm25, History, Snapshot, StoreError};

use super::fuse::{Best, Candidate, fuse};
use super::parse::{Question, parse};
use super::snippet::snippet;
use super::{Answer, HITS_MAX, ListRequest, Listing, SearchRequest, list};
use crate::error::{Error, Result};

/// An earlier moment of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// After this commit.
    Seq(Seq),
    /// After the last commit that was made at or before this time, by the clocks of those who made them; with what a
    /// bundle with history has brought since of what another store held then.
    Time(Timestamp),
}

/// Chunks that are fetched at once.
const BATCH: usize = 1_024;

/// The past of a store at one moment.
struct Past<'s> {
    history: &'s dyn History,
    seq: Seq,
    /// When what holds now was asked for, this is when now was.
    now: Timestamp,
    rows: Vec<Row>,
}

impl<'s> Past<'s> {
    fn at(snapshot: &'s dyn Snapshot, moment: Moment, now: Timestamp) -> Result<Self> {
        let history = snapshot
            .history()
            .ok_or(StoreError::Unsupported("earlier moments"))?;
        let (seq, then) = match moment {
            Moment::Seq(seq) => (seq, history.time_of(seq)?.unwrap_or(now)),
            Moment::Time(time) => (history.seq_at(time)?, time),
        };
        let seq = seq.min(snapshot.generation());
        let kept_from = history.kept_from()?;
        if seq < kept_from {
            return Err(Error::HistoryPruned {
                asked: seq,
                kept_from,
            });
        }
        let mut rows = history.live_at(seq)?;
        if let Moment::Time(time) = moment {
            // What another store held then and an import has brought since.
            rows.unite(&history.brought_at(time, seq)?);
        }
        Ok(Self {
            history,
            seq,
            now: then,
            rows: rows.iter().collect(),
        })
    }

    fn admits(&self, filter: &Filter, chunk: &Chunk) -> Admitted {
        if !filter.admits_document(&chunk.namespace, &chunk.source)
            || !filter.admits_attributes(&chunk.attributes)
        {
            Admitted::No
        } else if filter.admits_validity(&chunk.attributes, self.now) {
            Admitted::Yes
        } else {
            Admitted::NotValid
        }
    }

    /// Hands over every chunk as it was then; returns how many cannot be read.
    fn each(&self, each: &mut dyn FnMut(Chunk)) -> Result<u64> {
        let mut damaged = 0;
        for batch in self.rows.chunks(BATCH) {
            let fetched = self.history.fetch_at(batch, self.seq)?;
            damaged += fetched.damaged.len() as u64;
            fetched.chunks.into_iter().for_each(&mut *each);
        }
        Ok(damaged)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Admitted {
    Yes,
    No,
    NotValid,
}

/// What one pass over all texts found.
#[derive(Default)]
struct Tally {
    stats: Stats,
    /// In how many texts each term of the question is.
    frequencies: Vec<u64>,
    /// The rows in scope: how often each term is in their text, and its length.
    counted: Vec<(Row, Vec<u8>, u16)>,
    in_scope: u64,
    not_valid: u64,
    damaged: u64,
}

/// Answers a question from what the store held at a moment.
pub(super) fn search(
    backend: &dyn Backend,
    embed: &dyn Embed,
    request: &SearchRequest,
    moment: Moment,
    now: Timestamp,
) -> Result<Answer> {
    if request.cursor.is_some() {
        return Err(Error::InvalidCursor);
    }
    let question = parse(Analyzer, embed, request)?;
    let snapshot = backend.snapshot()?;
    let past = Past::at(snapshot.as_ref(), moment, now)?;
    let tally = read_all(&past, &question, request)?;
    let (vectors, unsearched) = vector_scores(&past, &question, &tally)?;
    let candidates = candidates(&question, &tally, &vectors);
    let best = |score: &dyn Fn(&Candidate) -> f32| candidates.iter().map(score).fold(0.0, f32::max);
    let best = Best {
        text: best(&|candidate| candidate.text),
        vector: best(&|candidate| candidate.vector.unwrap_or(0.0)),
    };
    let mut ranked = fuse(candidates, best);
    let least = request.min_score.unwrap_or(f32::MIN);
    ranked.retain(|ranked| {
        let is_found = ranked.candidate.text > 0.0 || ranked.candidate.vector.is_some();
        is_found && ranked.score >= least
    });
    ranked.truncate(request.limit.clamp(1, HITS_MAX));
    let rows: Vec<Row> = ranked.iter().map(|ranked| ranked.candidate.row).collect();
    let fetched = past.history.fetch_at(&rows, past.seq)?.chunks;
    let mut chunks: HashMap<Row, Chunk> = fetched
        .into_iter()
        .map(|chunk| (chunk.row, chunk))
        .collect();
    let (mut hits, mut parts) = (Vec::new(), Vec::new());
    for ranked in ranked {
        let Some(chunk) = chunks.remove(&ranked.candidate.row) else {
            continue;
        };
        hits.push(hit(chunk, ranked.candidate, ranked.score, &question));
        parts.push(ranked.parts);
    }
    Ok(Answer {
        hits,
        coverage: coverage(&past, &question, &tally, vectors.len() as u64, &unsearched),
        cursor: None,
        parts,
    })
}

fn read_all(past: &Past<'_>, question: &Question, request: &SearchRequest) -> Result<Tally> {
    let mut tally = Tally {
        frequencies: vec![0; question.terms.len()],
        ..Tally::default()
    };
    let damaged = past.each(&mut |chunk| {
        let terms = Analyzer.terms(&chunk.text);
        let counts: Vec<u8> = question
            .terms
            .iter()
            .map(|term| terms.count(*term))
            .collect();
        tally.stats.rows_live += 1;
        tally.stats.tokens_live += u64::from(terms.tokens());
        for (frequency, count) in tally.frequencies.iter_mut().zip(&counts) {
            *frequency += u64::from(*count > 0);
        }
        match past.admits(&request.filter, &chunk) {
            Admitted::Yes => {
                tally.in_scope += 1;
                if question.demands.admit(&chunk.text) {
                    tally.counted.push((chunk.row, counts, terms.tokens()));
                }
            }
            Admitted::NotValid => tally.not_valid += 1,
            Admitted::No => {}
        }
    })?;
    tally.damaged = damaged;
    Ok(tally)
}

/// Rows that no vector was compared for, though they should have one.
#[derive(Default)]
struct Unsearched {
    damaged: u64,
    /// Another model embedded them, or none.
    pending: u64,
}

/// Returns the inner product of each row that has a vector, and how many have none that can be used.
fn vector_scores(
    past: &Past<'_>,
    question: &Question,
    tally: &Tally,
) -> Result<(HashMap<Row, f32>, Unsearched)> {
    let (mut scores, mut unsearched) = (HashMap::new(), Unsearched::default());
    if question.ways.vector {
        let rows: Vec<Row> = tally.counted.iter().map(|(row, _, _)| *row).collect();
        let Vector(wanted) = &question.vector;
        past.history.vectors_of(&rows, &mut |row, values| {
            match values {
                Some(values) => {
                    scores.insert(row, steadfast_model::vector::dot(values, wanted));
                }
                None => unsearched.damaged += 1,
            }
            true
        })?;
        unsearched.pending = past.history.without_vector(&rows)?.len() as u64;
    }
    Ok((scores, unsearched))
}

fn candidates(question: &Question, tally: &Tally, vectors: &HashMap<Row, f32>) -> Vec<Candidate> {
    let Bm25 { k1, b } = Bm25::default();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are f32 by definition"
    )]
    let average = tally.stats.average_tokens() as f32;
    let idf: Vec<f32> = tally
        .frequencies
        .iter()
        .map(|df| tally.stats.idf(*df))
        .collect();
    let text = |counts: &[u8], tokens: u16| -> f32 {
        let norm = k1 * (1.0 - b + b * f32::from(tokens) / average);
        let summand = |(count, idf): (&u8, &f32)| {
            let count = f32::from(*count);
            idf * count * (k1 + 1.0) / (count + norm)
        };
        counts.iter().zip(&idf).map(summand).sum()
    };
    tally
        .counted
        .iter()
        .map(|(row, counts, tokens)| Candidate {
            row: *row,
            text: if question.ways.text {
                text(counts, *tokens)
            } else {
                0.0
            },
            // What says nothing to the model is as near to one text as to another.
            vector: vectors
                .get(row)
                .copied()
                .filter(|_| !question.vector.is_zero()),
        })
        .collect()
}

fn hit(chunk: Chunk, candidate: Candidate, score: f32, question: &Question) -> Hit {
    let mut matched_via = Vec::new();
    if candidate.text > 0.0 {
        matched_via.push(Match::Text);
    }
    if candidate.vector.is_some_and(|score| score > 0.0) {
        matched_via.push(Match::Vector);
    }
    let (snippet, highlights) = snippet(Analyzer, &chunk.text, &question.terms);
    Hit {
        chunk,
        score,
        text_score: candidate.text,
        vector_score: candidate.vector,
        matched_via,
        snippet,
        highlights,
        also_in: Vec::new(),
        neighbours: Vec::new(),
    }
}

fn coverage(
    past: &Past<'_>,
    question: &Question,
    tally: &Tally,
    vectors: u64,
    unsearched: &Unsearched,
) -> Coverage {
    let mut warnings = question.warnings.clone();
    warnings.push(format!(
        "the store as of commit {} is in no index: its {} texts were read",
        past.seq.0, tally.stats.rows_live
    ));
    if tally.not_valid > 0 {
        warnings.push(format!(
            "{} matching chunks are not valid at the time asked for",
            tally.not_valid
        ));
    }
    let not_searched: Vec<NotSearched> = [
        ("text_damaged", tally.damaged),
        ("vector_damaged", unsearched.damaged),
        ("vector_pending", unsearched.pending),
    ]
    .into_iter()
    .filter(|(_, count)| *count > 0)
    .map(|(reason, count)| NotSearched {
        reason: reason.to_owned(),
        count,
    })
    .collect();
    Coverage {
        complete: not_searched.is_empty(),
        generation: past.seq,
        in_scope: tally.in_scope,
        text: if question.ways.text {
            tally.in_scope
        } else {
            0
        },
        vector: vectors,
        tail: 0,
        not_searched,
        degraded: Vec::new(),
        warnings,
    }
}

/// Lists what the store held at a moment.
pub(super) fn listing(
    backend: &dyn Backend,
    request: &ListRequest,
    moment: Moment,
    now: Timestamp,
) -> Result<Listing> {
    let (after, limit) = list::page(request)?;
    let snapshot = backend.snapshot()?;
    let past = Past::at(snapshot.as_ref(), moment, now)?;
    let (mut total, mut chunks) = (0, Vec::new());
    let damaged = past.each(&mut |chunk| {
        if past.admits(&request.filter, &chunk) == Admitted::Yes {
            total += 1;
            if chunk.row.0 > after && chunks.len() <= limit {
                chunks.push(chunk);
            }
        }
    })?;
    let has_more = chunks.len() > limit;
    chunks.truncate(limit);
    let last = chunks.last().filter(|_| has_more);
    Ok(Listing {
        cursor: last.map(|chunk| list::cursor(chunk.row)),
        total,
        damaged,
        chunks,
    })
}
