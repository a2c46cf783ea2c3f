//! Chunks by filter alone, in the order in which they came into the store.

use steadfast_model::{Chunk, Filter, Row, Timestamp};
use steadfast_store::Backend;

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
    let after = match &request.cursor {
        None => 0,
        Some(cursor) => cursor
            .strip_prefix('r')
            .and_then(|text| u32::from_str_radix(text, 16).ok())
            .ok_or(Error::InvalidCursor)?,
    };
    let limit = if request.limit == 0 {
        LIMIT
    } else {
        request.limit.min(LIMIT_MAX)
    };
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
        cursor: rows
            .last()
            .filter(|_| has_more)
            .map(|row| format!("r{:x}", row.0)),
        total: scope.rows.len() as u64,
        damaged: fetched.damaged.len() as u64,
        chunks: fetched.chunks,
    })
}
