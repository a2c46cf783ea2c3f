//! Exact scores: of the candidates of a scan, of the tail, and of rows by name.
//!
//! Every score here is [`steadfast_model::vector::dot`] over f32 vectors, so
//! index, tail and lookup agree bit for bit.

use super::best::Best;
use super::error::ScanError;
use super::query::Query;
use super::scan::{Candidate, Corpus, Hit};
use steadfast_model::{Row, vector::dot};

/// Delivers the stored vectors of the rows asked for, in any order, to the function given.
///
/// The rows come ascending and without repetition, at most a thousand or so at
/// a time. A row that has no vector is not delivered.
pub type Fetch<'a, E> = dyn FnMut(&[Row], &mut dyn FnMut(Row, &[f32])) -> Result<(), E> + 'a;

/// The most rows asked for at a time.
const FETCH_ROWS_MAX: usize = 1024;
/// How many candidates beyond k are asked for at first: they raise the threshold for the others.
const FETCH_ROWS_MORE: usize = 6;

/// Returns the exact score of each row, or nothing for a row without a vector or with a zero vector.
///
/// # Errors
/// [`ScanError`] when a vector does not fit the query, or when `fetch` fails.
pub fn scores<E>(
    query: &Query,
    rows: &[Row],
    fetch: &mut Fetch<'_, E>,
) -> Result<Vec<Option<f32>>, ScanError<E>> {
    let mut sorted = rows.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut found = Vec::with_capacity(sorted.len());
    for batch in sorted.chunks(FETCH_ROWS_MAX) {
        found.append(&mut fetch_scores(query, batch, fetch)?);
    }
    let score = |row: &Row| {
        let index = sorted.binary_search(row).ok()?;
        found.get(index).copied().flatten()
    };
    Ok(rows.iter().map(score).collect())
}

/// Returns the exact scores of the tail's rows in scope, without zero vectors.
pub(super) fn tail_hits<E>(query: &Query, corpus: &Corpus<'_>) -> Result<Vec<Hit>, ScanError<E>> {
    let mut hits = Vec::with_capacity(corpus.tail.len());
    for (row, vector) in corpus.tail {
        if corpus.scope.is_some_and(|scope| !scope.contains(*row)) {
            continue;
        }
        if let Some(score) = score(query, &vector.0).ok_or(ScanError::Vector { row: *row })? {
            hits.push(Hit { row: *row, score });
        }
    }
    Ok(hits)
}

/// Returns the best k of the tail's hits and the candidates, and how many rows were fetched.
///
/// Candidates are fetched in falling order of the score they can have, until
/// none that is left can reach the k-th exact score.
pub(super) fn best<E>(
    query: &Query,
    k: usize,
    tail: Vec<Hit>,
    mut candidates: Vec<Candidate>,
    fetch: &mut Fetch<'_, E>,
) -> Result<(Vec<Hit>, usize), ScanError<E>> {
    candidates.sort_unstable_by(|a, b| b.upper.total_cmp(&a.upper).then(a.row.cmp(&b.row)));
    let mut best = Best::new(k);
    for hit in &tail {
        best.offer(hit.score);
    }
    let mut hits = tail;
    let mut rest = candidates.as_slice();
    let mut rows_rescored = 0;
    let mut wanted = k.saturating_add(FETCH_ROWS_MORE);
    loop {
        let threshold = best.threshold();
        let able = rest.partition_point(|candidate| candidate.upper >= threshold);
        if able == 0 {
            break;
        }
        let (batch, later) = rest.split_at(able.min(wanted).min(FETCH_ROWS_MAX));
        let mut batch = batch.to_vec();
        batch.sort_unstable_by_key(|candidate| candidate.row);
        let rows: Vec<Row> = batch.iter().map(|candidate| candidate.row).collect();
        for (candidate, score) in batch.iter().zip(fetch_scores(query, &rows, fetch)?) {
            let row = candidate.row;
            let score = score.ok_or(ScanError::Missing { row })?;
            // Every row that set a threshold was kept, so a wrong threshold shows here.
            if score < candidate.lower || score > candidate.upper {
                return Err(ScanError::Drift { row });
            }
            best.offer(score);
            hits.push(Hit { row, score });
        }
        rows_rescored += rows.len();
        wanted = FETCH_ROWS_MAX;
        rest = later;
    }
    // Negative zero equals zero, so equal scores of both signs also go by row.
    hits.sort_unstable_by(|a, b| {
        (b.score + 0.0)
            .total_cmp(&(a.score + 0.0))
            .then(a.row.cmp(&b.row))
    });
    hits.truncate(k);
    Ok((hits, rows_rescored))
}

/// Fetches the rows, which ascend, and returns their scores in the same order.
fn fetch_scores<E>(
    query: &Query,
    rows: &[Row],
    fetch: &mut Fetch<'_, E>,
) -> Result<Vec<Option<f32>>, ScanError<E>> {
    let mut scores = vec![None; rows.len()];
    let mut unfit = None;
    fetch(rows, &mut |row, values| {
        let Some(slot) = rows
            .binary_search(&row)
            .ok()
            .and_then(|index| scores.get_mut(index))
        else {
            return;
        };
        match score(query, values) {
            Some(score) => *slot = score,
            None => unfit = Some(row),
        }
    })
    .map_err(ScanError::Fetch)?;
    match unfit {
        Some(row) => Err(ScanError::Vector { row }),
        None => Ok(scores),
    }
}

/// Returns the score of a vector: nothing when it does not fit, and nothing inside when it is zero.
#[expect(
    clippy::option_option,
    reason = "the two absences are told apart one call up"
)]
fn score(query: &Query, values: &[f32]) -> Option<Option<f32>> {
    if values.len() != query.dimensions() {
        return None;
    }
    let score = dot(query.values(), values);
    // A NaN or an infinity never leaves a score finite; products of finite values may exceed f32.
    if !score.is_finite() && !values.iter().all(|value| value.is_finite()) {
        return None;
    }
    let zero = score == 0.0 && values.iter().all(|&value| value == 0.0);
    Some((!zero).then_some(score))
}
