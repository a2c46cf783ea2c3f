//! Hits and coverage: what is returned, and the truth about what was searched.

use std::collections::HashMap;

use steadfast_index::Analyzer;
use steadfast_model::{Chunk, Coverage, Hit, Match, NotSearched, Row};
use steadfast_store::{Scope, Snapshot};

use super::parse::Question;
use super::rank::Parts;
use super::retrieve::Page;
use super::snippet::snippet;
use super::{Mode, SearchRequest};
use crate::error::Result;

/// A hit with what makes up its score.
type Explained = (Hit, Parts);

/// Returns the hits of a page with what makes up their scores, and the rows that could not be given because their text is damaged.
pub(super) fn hits(
    snapshot: &dyn Snapshot,
    question: &Question,
    page: &Page,
    request: &SearchRequest,
) -> Result<(Vec<Explained>, Vec<Row>)> {
    let rows: Vec<Row> = page
        .ranked
        .iter()
        .map(|ranked| ranked.candidate.row)
        .collect();
    let fetched = snapshot.fetch(&rows)?;
    let mut chunks: HashMap<Row, Chunk> = fetched
        .chunks
        .into_iter()
        .map(|chunk| (chunk.row, chunk))
        .collect();
    let mut damaged = fetched.damaged;
    // A row that was found and is not there is damage too.
    damaged.extend(rows.iter().filter(|row| !chunks.contains_key(row)));
    let mut hits = Vec::with_capacity(page.ranked.len());
    for ranked in &page.ranked {
        let Some(chunk) = chunks.remove(&ranked.candidate.row) else {
            continue;
        };
        let mut matched_via = Vec::new();
        if ranked.candidate.text > 0.0 {
            matched_via.push(Match::Text);
        }
        if ranked.candidate.vector.is_some_and(|score| score > 0.0) {
            matched_via.push(Match::Vector);
        }
        if snapshot.is_in_tail(chunk.row)? {
            matched_via.push(Match::Tail);
        }
        let neighbours = neighbours(snapshot, chunk.row, request.neighbours)?;
        let (snippet, highlights) = snippet(Analyzer, &chunk.text, &question.terms);
        let also_in = page.copies.get(&chunk.row).cloned();
        let hit = Hit {
            chunk,
            score: ranked.score,
            text_score: ranked.candidate.text,
            vector_score: ranked.candidate.vector,
            matched_via,
            snippet,
            highlights,
            also_in: also_in.unwrap_or_default(),
            neighbours,
        };
        hits.push((hit, ranked.parts));
    }
    Ok((hits, damaged))
}

/// Returns the chunks around a row with their distance, nearest places in order.
pub(crate) fn neighbours(
    snapshot: &dyn Snapshot,
    row: Row,
    distance: u32,
) -> Result<Vec<(i64, Chunk)>> {
    if distance == 0 {
        return Ok(Vec::new());
    }
    let around = snapshot.neighbours(row, distance)?;
    let rows: Vec<Row> = around.iter().map(|&(_, row)| row).collect();
    let mut chunks: HashMap<Row, Chunk> = snapshot
        .fetch(&rows)?
        .chunks
        .into_iter()
        .map(|chunk| (chunk.row, chunk))
        .collect();
    Ok(around
        .into_iter()
        .filter_map(|(offset, row)| Some((offset, chunks.remove(&row)?)))
        .collect())
}

/// Returns what was searched. It is complete only when every row in scope was
/// searched in every way that was asked for, and every hit could be given.
pub(super) fn coverage(
    snapshot: &dyn Snapshot,
    question: &Question,
    scope: &Scope,
    damaged: &[Row],
) -> Result<Coverage> {
    let mut reach = snapshot.reach(&scope.rows, question.ways)?;
    let mut not_searched: Vec<NotSearched> = reach
        .not_searched
        .into_iter()
        .map(|(reason, count)| NotSearched { reason, count })
        .collect();
    reach.text_damaged.extend(damaged.iter().copied());
    if !reach.text_damaged.is_empty() {
        not_searched.push(NotSearched {
            reason: "text_damaged".to_owned(),
            count: reach.text_damaged.len() as u64,
        });
    }
    let mut degraded = reach.degraded;
    if let Some(why) = &question.not_embedded {
        degraded.push(format!("the question was searched by words alone: {why}"));
        not_searched.push(NotSearched {
            reason: "embedder_failed".to_owned(),
            count: scope.rows.len() as u64,
        });
    }
    let mut warnings = question.warnings.clone();
    warnings.extend(reach.warnings);
    if scope.left_out_by_validity > 0 {
        warnings.push(format!(
            "{} matching chunks are not valid at the time asked for",
            scope.left_out_by_validity
        ));
    }
    if !reach.text_damaged.is_empty() {
        warnings.push(format!(
            "{} chunks are left out because their text is damaged; run `steadfast verify`",
            reach.text_damaged.len()
        ));
    }
    let in_scope = scope.rows.len() as u64;
    let by_text = question.mode == Mode::Vector || reach.text == in_scope;
    Ok(Coverage {
        complete: not_searched.is_empty() && by_text,
        generation: snapshot.generation(),
        in_scope,
        text: reach.text,
        vector: reach.vector,
        tail: reach.tail,
        not_searched,
        degraded,
        warnings,
    })
}
