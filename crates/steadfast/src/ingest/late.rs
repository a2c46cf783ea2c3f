//! Vectors for chunks that came in while the model gave none, or that another model has embedded.
//!
//! Such a chunk is found by its words from its commit on, and coverage counts it
//! as `vector_pending`. Whoever comes by later embeds it. Invariants: each batch
//! is one commit, so a kill loses at most one; the store passes over what has
//! its vector by now, so any number of processes may do this at once; the text
//! that was embedded is named by its hash.

use steadfast_embed::embed_proven;
use steadfast_model::{Change, LateVector, Row};
use steadfast_store::Progress;

use super::Line;
use crate::error::Result;

/// Texts that are embedded in one call and committed together.
const BATCH: usize = 256;

/// What became of the chunks that waited for their vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FilledVectors {
    /// They have it now.
    pub filled: u64,
    /// They wait on: their text is damaged, they came in meanwhile, or the observer asked to stop.
    pub left: u64,
}

/// Embeds the chunks that wait for their vector, until the model fails or the observer asks to stop.
pub(crate) fn fill_vectors(line: &Line<'_>, progress: &dyn Progress) -> Result<FilledVectors> {
    let waiting = line.backend.snapshot()?.pending_vectors()?;
    let total = waiting.len() as u64;
    let mut done = FilledVectors::default();
    for (number, rows) in waiting.chunks(BATCH).enumerate() {
        done.filled += fill(line, rows)?;
        if !progress.step("vectors", ((number + 1) * BATCH) as u64, total) {
            break;
        }
    }
    if total > 0 {
        done.left = line.backend.snapshot()?.pending_vectors()?.len() as u64;
    }
    Ok(done)
}

fn fill(line: &Line<'_>, rows: &[Row]) -> Result<u64> {
    let chunks = line.backend.snapshot()?.fetch(rows)?.chunks;
    let texts: Vec<&str> = chunks.iter().map(|chunk| chunk.text.as_str()).collect();
    if texts.is_empty() {
        return Ok(0);
    }
    let vectors = embed_proven(line.embed, &texts)?;
    let late = chunks
        .iter()
        .zip(vectors)
        .map(|(chunk, vector)| LateVector {
            row: chunk.row,
            content_hash: chunk.content_hash,
            vector,
        });
    let change = Change::Vectors(late.collect());
    let settled = line.backend.commit(&[change], line.actor)?;
    Ok(settled.iter().map(|settled| settled.counts.updated).sum())
}
