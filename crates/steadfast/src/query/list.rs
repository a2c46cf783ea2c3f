//! Chunks by filter alone, in the order in which they came into the store.

use std::collections::VecDeque;

use steadfast_model::{Chunk, Filter, Row, Timestamp};
use steadfast_store::Backend;

use super::as_of::{self, Moment};
use crate::error::{Error, Result};

/// Which chunks are to be listed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListRequest {
    /// Which chunks.
    pub filter: Filter,
    /// How many at a time; 0 means 100.
    pub limit: usize,
    /// Where the list before ended.
    pub cursor: Option<String>,
    /// List what the store held at an earlier moment.
    pub as_of: Option<Moment>,
}

/// A part of a list.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Listing {
    /// The chunks.
    pub chunks: Vec<Chunk>,
    /// Gets the next ones, when there are more.
    pub cursor: Option<String>,
    /// How many chunks pass the filter in all.
    pub total: u64,
    /// How many chunks of this part are left out because their text is damaged.
    pub damaged: u64,
}

/// How many chunks are listed when the request does not say.
const LIMIT: usize = 100;
/// The most chunks of one part.
const LIMIT_MAX: usize = 10_000;

/// Lists chunks from one moment of the store.
pub(crate) fn list(
    backend: &dyn Backend,
    request: &ListRequest,
    now: Timestamp,
) -> Result<Listing> {
    if let Some(moment) = request.as_of {
        return as_of::listing(backend, request, moment, now);
    }
    let (after, limit) = page(request)?;
    let snapshot = backend.snapshot()?;
    let scope = snapshot.scope(&request.filter, now)?;
    let mut rows: Vec<Row> = scope
        .rows
        .iter()
        .filter(|row| row.0 > after)
        .take(limit + 1)
        .collect();
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let fetched = snapshot.fetch(&rows)?;
    Ok(Listing {
        cursor: rows.last().filter(|_| has_more).map(|row| cursor(*row)),
        total: scope.rows.len() as u64,
        damaged: fetched.damaged.len() as u64,
        chunks: fetched.chunks,
    })
}

/// Lists chunks newest first, from one moment of the store.
pub(crate) fn recent(
    backend: &dyn Backend,
    request: &ListRequest,
    now: Timestamp,
) -> Result<Listing> {
    if request.as_of.is_some() {
        return Err(Error::Invalid {
            what: "a list of the newest is one of the present".to_owned(),
        });
    }
    let before = match &request.cursor {
        None => u32::MAX,
        Some(cursor) => cursor
            .strip_prefix('n')
            .and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or(Error::InvalidCursor)?,
    };
    let limit = limit(request);
    let snapshot = backend.snapshot()?;
    let scope = snapshot.scope(&request.filter, now)?;
    let mut newest: VecDeque<Row> = VecDeque::with_capacity(limit + 2);
    for row in scope.rows.iter().filter(|row| row.0 < before) {
        newest.push_back(row);
        if newest.len() > limit + 1 {
            newest.pop_front();
        }
    }
    let has_more = newest.len() > limit;
    let mut rows: Vec<Row> = newest.into_iter().rev().collect();
    rows.truncate(limit);
    let mut fetched = snapshot.fetch(&rows)?;
    fetched
        .chunks
        .sort_by_key(|chunk| std::cmp::Reverse(chunk.row));
    Ok(Listing {
        cursor: rows
            .last()
            .filter(|_| has_more)
            .map(|row| format!("n{:x}", row.0)),
        total: scope.rows.len() as u64,
        damaged: fetched.damaged.len() as u64,
        chunks: fetched.chunks,
    })
}

/// Returns the row after which a list starts, and how many chunks it may have.
pub(super) fn page(request: &ListRequest) -> Result<(u32, usize)> {
    let after = match &request.cursor {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix('r')
            .and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or(Error::InvalidCursor)?,
    };
    Ok((after, limit(request)))
}

fn limit(request: &ListRequest) -> usize {
    match request.limit {
        0 => LIMIT,
        limit => limit.min(LIMIT_MAX),
    }
}

/// Returns the cursor of a list that ended with this row.
pub(super) fn cursor(last: Row) -> String {
    format!("r{:x}", last.0)
}
