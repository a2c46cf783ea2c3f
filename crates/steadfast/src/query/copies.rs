//! Copies of one text stand as one hit, which says where the others are.
//!
//! Copies have equal scores, so only rows whose scores are equal are compared,
//! by the hashes of their texts. Messages are never folded: what was said twice
//! was said twice.

use std::collections::HashMap;

use steadfast_model::{AlsoIn, Chunk, ContentHash, Kind, Row};
use steadfast_store::Snapshot;

use super::fuse::Ranked;
use crate::error::Result;

/// Copies by the row of the hit that stands for them.
pub(super) type Copies = HashMap<Row, Vec<AlsoIn>>;

/// Takes copies out of a ranked list, all but the best of each text, and returns where they are.
pub(super) fn fold(snapshot: &dyn Snapshot, ranked: &mut Vec<Ranked>) -> Result<Copies> {
    let mut likenesses: Vec<(u64, usize)> = ranked
        .iter()
        .enumerate()
        .filter_map(|(place, ranked)| Some((ranked.likeness?, place)))
        .collect();
    likenesses.sort_unstable();
    let mut copies = Copies::new();
    let mut folded: Vec<Row> = Vec::new();
    let alike = likenesses.chunk_by(|one, other| one.0 == other.0);
    for alike in alike.filter(|alike| alike.len() > 1) {
        let rows: Vec<Row> = alike
            .iter()
            .filter_map(|(_, place)| ranked.get(*place))
            .map(|ranked| ranked.candidate.row)
            .collect();
        let mut chunks: HashMap<Row, Chunk> = snapshot
            .fetch(&rows)?
            .chunks
            .into_iter()
            .map(|chunk| (chunk.row, chunk))
            .collect();
        let mut best: HashMap<ContentHash, Row> = HashMap::new();
        // In the order of the list: the first of each text stands for it.
        for row in rows {
            let Some(chunk) = chunks.remove(&row) else {
                continue;
            };
            if chunk.attributes.kind == Kind::Message {
                continue;
            }
            if let Some(first) = best.get(&chunk.content_hash) {
                folded.push(row);
                copies.entry(*first).or_default().push(AlsoIn {
                    id: chunk.id,
                    source: chunk.source,
                    start_line: chunk.place.start_line,
                });
            } else {
                best.insert(chunk.content_hash, row);
            }
        }
    }
    if !folded.is_empty() {
        folded.sort_unstable();
        ranked.retain(|ranked| folded.binary_search(&ranked.candidate.row).is_err());
    }
    Ok(copies)
}

/// Returns what copies of one text have in common, to the bit: the score by vector, else that by words.
pub(super) fn likeness(text: f32, vector: Option<f32>) -> Option<u64> {
    match vector {
        Some(vector) => Some(1 << 32 | u64::from(vector.to_bits())),
        None => (text > 0.0).then(|| u64::from(text.to_bits())),
    }
}
