//! Cursors: where an answer ended, bound to the question that it answered.
//!
//! Scores depend on all texts of the store, so what is written between two pages
//! may move hits across the place where the first one ended. A cursor knows the
//! commit of its page, and the next answer says so when there are later ones.

use steadfast_model::Seq;

use super::fuse::Ranked;
use super::{Mode, SearchRequest};
use crate::error::{Error, Result};

/// The place after which the next page starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Position {
    pub(super) tier: u32,
    score_bits: u32,
    row: u32,
}

impl Position {
    pub(super) fn at(tier: u32, last: &Ranked) -> Self {
        Self {
            tier,
            score_bits: last.score.to_bits(),
            row: last.candidate.row.0,
        }
    }

    /// Returns whether a row comes after this place in the order of its tier.
    pub(super) fn is_before(&self, ranked: &Ranked) -> bool {
        let mine = f32::from_bits(self.score_bits);
        ranked
            .score
            .total_cmp(&mine)
            .then(self.row.cmp(&ranked.candidate.row.0))
            .is_lt()
    }
}

/// The deepest tier that can exist: beyond it every list is exhausted.
const TIER_MAX: u32 = 9;

/// Where a page starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Start {
    pub(super) position: Position,
    /// The last commit that the page before has seen.
    generation: Seq,
}

impl Start {
    /// Returns what to tell when the store has changed since the page before.
    pub(super) fn warning(&self, generation: Seq) -> Option<String> {
        (self.generation != generation).then(|| {
            format!(
                "the store has changed since the page before (commit {}): hits may come twice or be passed over",
                self.generation.0
            )
        })
    }
}

pub(super) fn encode(request: &SearchRequest, generation: Seq, position: Position) -> String {
    format!(
        "{:016x}.{:x}.{:x}.{:x}.{:x}",
        digest(request),
        generation.0,
        position.tier,
        position.score_bits,
        position.row
    )
}

/// Returns where the request's cursor says to start; none without a cursor.
pub(super) fn start(request: &SearchRequest) -> Result<Option<Start>> {
    let Some(cursor) = &request.cursor else {
        return Ok(None);
    };
    decode(request, cursor)
        .map(Some)
        .ok_or(Error::InvalidCursor)
}

fn decode(request: &SearchRequest, cursor: &str) -> Option<Start> {
    let parts: Vec<&str> = cursor.split('.').collect();
    let [digest_text, generation, tier, score, row] = parts.as_slice() else {
        return None;
    };
    let wanted = format!("{:016x}", digest(request));
    let number = |text: &str| u32::from_str_radix(text, 16).ok();
    let position = Position {
        tier: number(tier)?,
        score_bits: number(score)?,
        row: number(row)?,
    };
    let start = Start {
        position,
        generation: Seq(u64::from_str_radix(generation, 16).ok()?),
    };
    (*digest_text == wanted && position.tier <= TIER_MAX).then_some(start)
}

/// Everything that decides the order of hits, apart from the data.
fn digest(request: &SearchRequest) -> u64 {
    let mode = match request.mode {
        Mode::Hybrid => 0,
        Mode::Text => 1,
        Mode::Vector => 2,
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[mode]);
    hasher.update(
        &request
            .min_score
            .map_or(u32::MAX, f32::to_bits)
            .to_le_bytes(),
    );
    let words = (&request.phrases, &request.left_out);
    hasher.update(format!("{:?} {words:?} {:?}", request.filter, request.formula).as_bytes());
    hasher.update(request.query.as_bytes());
    let mut out = [0; 8];
    hasher.finalize_xof().fill(&mut out);
    u64::from_le_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::fuse::Candidate;
    use steadfast_model::Row;

    fn ranked(row: u32, score: f32) -> Ranked {
        Ranked {
            candidate: Candidate {
                row: Row(row),
                text: 0.0,
                vector: None,
            },
            score,
            parts: crate::query::Parts::default(),
            likeness: None,
        }
    }

    #[test]
    fn a_cursor_belongs_to_its_question() {
        let mut request = SearchRequest::new("a question");
        let position = Position::at(1, &ranked(7, 0.25));
        let text = encode(&request, Seq(5), position);
        request.cursor = Some(text.clone());
        let started = start(&request).unwrap().unwrap();
        assert_eq!(started.position, position);
        assert_eq!(started.warning(Seq(5)), None);
        assert!(started.warning(Seq(6)).is_some());
        let other = SearchRequest {
            cursor: Some(text),
            ..SearchRequest::new("another question")
        };
        assert!(matches!(start(&other), Err(Error::InvalidCursor)));
        for garbage in ["", "x", "....", "0.0.0.0", "\u{1f600}"] {
            request.cursor = Some(garbage.to_owned());
            assert!(start(&request).is_err(), "{garbage}");
        }
    }

    #[test]
    fn a_page_starts_after_the_last_hit_and_not_before() {
        let position = Position::at(0, &ranked(7, 0.5));
        assert!(position.is_before(&ranked(8, 0.5)));
        assert!(position.is_before(&ranked(1, 0.4)));
        assert!(!position.is_before(&ranked(7, 0.5)));
        assert!(!position.is_before(&ranked(9, 0.6)));
    }
}
