//! What no caller can reach: a damaged segment whose hashes were never compared.
//!
//! A file that is verified cannot be damaged, so these searches may answer
//! anything. They may not panic, loop or read outside the file.

use super::*;
use crate::analyze::QueryTerms;
use proptest::prelude::*;
use std::sync::OnceLock;
use steadfast_model::{AnalyzerId, HashedTerms, Row, RowSet, StoreId};

fn hash(term: u64) -> u64 {
    (term + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

fn sample(gap: u32) -> Vec<u8> {
    let rows: Vec<(Row, HashedTerms)> = (1..700_u32)
        .map(|row| {
            let tokens =
                (0..20 + u64::from(row % 9)).map(|n| hash((u64::from(row) * 31 + n * n) % 97));
            (
                Row(row + row / 100 * gap),
                HashedTerms::from_tokens(tokens.collect()),
            )
        })
        .collect();
    build(
        StoreId([3; 16]),
        AnalyzerId(1),
        rows.iter().map(|(row, terms)| (*row, terms)),
    )
    .unwrap()
}

/// Asks a segment everything that can be asked.
fn exercise(segment: &Segment) {
    let stats = Stats {
        rows_live: 699,
        tokens_live: 20_000,
    };
    let view = View {
        segments: std::slice::from_ref(segment),
        dead: &[],
        tail: Tail::default(),
        stats,
    };
    let query = QueryTerms::from_weights((0..97).step_by(7).map(|term| (hash(term), 1.0)));
    let search = view.search(&query);
    let mut scratch = Scratch::default();
    let rows: Vec<Row> = (0..1000).step_by(3).map(Row).collect();
    let few: RowSet = rows.iter().copied().take(20).collect();
    let most = RowSet::range(Row(2), Row(20_000));
    for scope in [&most, &few] {
        let best = search.top(10, scope, Bm25::default(), &mut scratch);
        assert!(best.len() <= 10);
    }
    assert_eq!(
        search.scores(&rows, Bm25::default(), &mut scratch).len(),
        rows.len()
    );
    search.counts(&rows, &mut scratch);
    assert_eq!(view.lengths(&rows).len(), rows.len());
    // The header may claim billions of rows only if the file has room for their lengths.
    assert!(segment.row_iter().count() < segment.bytes());
    drop(segment.dead_terms(&few));
    drop(merge(&[segment], &most, &|| ()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_damaged_segment_that_was_never_verified_does_not_panic(
        gap in 0_usize..2,
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        in_header in any::<bool>(),
        zeroed in prop::option::of((any::<prop::sample::Index>(), 1_usize..4096)),
    ) {
        static SAMPLES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
        let mut bytes = SAMPLES.get_or_init(|| [sample(0), sample(1)])[gap].clone();
        let reach = if in_header { 64 } else { bytes.len() };
        for (at, byte) in damage {
            bytes[at.index(reach)] ^= byte;
        }
        if let Some((start, length)) = zeroed {
            let start = start.index(bytes.len());
            let end = (start + length).min(bytes.len());
            bytes[start..end].fill(0);
        }
        if let Ok(segment) = Segment::open_unverified(bytes) {
            exercise(&segment);
        }
    }
}

#[test]
fn a_sound_segment_answers_the_same_questions() {
    for gap in [0, 1] {
        let segment = Segment::open(sample(gap)).unwrap();
        exercise(&segment);
        assert_eq!(segment.row_iter().count(), 699);
    }
}
