//! Bad days of a segment file: a flipped bit, a cut, a zeroed page, a merge that is not the rows it came from.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use steadfast_index::text::{
    BuildError, DeadTerms, MergeError, Segment, SegmentError, build, merge,
};
use steadfast_model::{AnalyzerId, HashedTerms, Row, RowSet, StoreId};

const STORE: StoreId = StoreId([3; 16]);
const ANALYZER: AnalyzerId = AnalyzerId(1);

type Rows = BTreeMap<u32, Vec<u64>>;

/// Rows of few distinct terms, spread like real hashes, with gaps between them.
fn rows(rows_max: usize) -> impl Strategy<Value = Rows> {
    let token = (0_u64..40, 0_u64..40)
        .prop_map(|(a, b)| (a.min(b) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let gaps = prop::collection::vec(
        (
            prop_oneof![4 => Just(1_u32), 1 => 1_u32..50],
            prop::collection::vec(token, 0..30),
        ),
        0..rows_max,
    );
    gaps.prop_map(|gaps| {
        let mut row = 0;
        gaps.into_iter()
            .map(|(gap, tokens)| {
                row += gap;
                (row, tokens)
            })
            .collect()
    })
}

fn built(rows: &Rows) -> Vec<u8> {
    let terms: Vec<(Row, HashedTerms)> = rows
        .iter()
        .map(|(&row, tokens)| (Row(row), HashedTerms::from_tokens(tokens.clone())))
        .collect();
    build(
        STORE,
        ANALYZER,
        terms.iter().map(|(row, terms)| (*row, terms)),
    )
    .unwrap()
}

fn opened(rows: &Rows) -> Segment {
    Segment::open(built(rows)).unwrap()
}

/// A segment with every kind of content: blocks, singles, gaps, several counts.
fn sample() -> Vec<u8> {
    let rows = (1..700_u32).filter(|row| row % 7 != 3).map(|row| {
        let tokens = (0..20 + u64::from(row % 9))
            .map(|n| (u64::from(row) * 31 + n * n) % 97 * 0x0123_4567_89ab_cdef);
        (row, tokens.collect())
    });
    built(&rows.collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn merging_gives_the_bytes_of_a_direct_build(
        all in rows(300),
        cuts in prop::collection::vec(0_usize..300, 0..5),
        dropped in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
        reversed in any::<bool>(),
    ) {
        let rows: Vec<u32> = all.keys().copied().collect();
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).chain([0, rows.len()]).collect();
        cuts.sort_unstable();
        let part = |range: &[usize]| rows[range[0]..range[1]].iter().map(|row| (*row, all[row].clone())).collect();
        let segments: Vec<Segment> = cuts.windows(2).map(|range| opened(&part(range))).collect();
        let mut keep: RowSet = rows.iter().map(|&row| Row(row)).collect();
        if !rows.is_empty() {
            for index in dropped {
                keep.remove(Row(rows[index.index(rows.len())]));
            }
        }
        let kept: Rows = all.iter().filter(|(row, _)| keep.contains(Row(**row))).map(|(row, t)| (*row, t.clone())).collect();
        let mut parts: Vec<&Segment> = segments.iter().collect();
        if reversed {
            parts.reverse();
        }
        prop_assert_eq!(merge(&parts, &keep, &|| ()).unwrap().into_bytes(), built(&kept));
    }

    #[test]
    fn a_segment_tells_what_it_was_built_from(all in rows(200), dead in prop::collection::vec(any::<bool>(), 200)) {
        let segment = opened(&all);
        prop_assert_eq!(segment.row_iter().map(|row| row.0).collect::<Vec<_>>(), all.keys().copied().collect::<Vec<_>>());
        prop_assert_eq!(segment.tokens(), all.values().map(|tokens| tokens.len() as u64).sum::<u64>());
        prop_assert_eq!((segment.store(), segment.analyzer()), (STORE, ANALYZER));
        let terms: std::collections::BTreeSet<u64> = all.values().flatten().copied().collect();
        prop_assert_eq!(segment.terms() as usize, terms.len());

        // What the segment counts of its dead rows is what counting their terms one by one gives.
        let (gone, live): (Vec<_>, Vec<_>) = all.keys().zip(&dead).partition(|(_, dead)| **dead);
        let live: RowSet = live.into_iter().map(|(&row, _)| Row(row)).collect();
        let gone: Vec<HashedTerms> = gone.into_iter().map(|(row, _)| HashedTerms::from_tokens(all[row].clone())).collect();
        let counted = segment.dead_terms(&live).unwrap();
        prop_assert_eq!(&counted, &DeadTerms::of(&gone));
        prop_assert_eq!(&DeadTerms::decode(&counted.encode()).unwrap(), &counted);
        let (a, b) = gone.split_at(gone.len() / 2);
        prop_assert_eq!(DeadTerms::of(a).merge(&DeadTerms::of(b)), counted);
    }

    #[test]
    fn no_bytes_make_opening_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..400), with_magic in any::<bool>()) {
        if with_magic {
            let sample = sample();
            let length = bytes.len().min(12);
            bytes[..length].copy_from_slice(&sample[..length]);
        }
        prop_assert!(Segment::open(bytes.clone()).is_err());
        if let Ok(dead) = DeadTerms::decode(&bytes) {
            prop_assert_eq!(dead.encode(), bytes);
        }
    }
}

#[test]
fn every_flipped_bit_cut_and_zeroed_page_is_refused() {
    let sound = sample();
    assert!(Segment::open(sound.clone()).is_ok());
    let refused = |bytes: Vec<u8>, what: &str| {
        assert!(bytes == sound || Segment::open(bytes).is_err(), "{what}");
    };
    // Every byte, one bit of it each: 8 bits in turn.
    for at in 0..sound.len() {
        let mut bytes = sound.clone();
        bytes[at] ^= 1 << (at % 8);
        refused(bytes, &format!("bit {} of byte {at}", at % 8));
    }
    for length in (0..sound.len())
        .step_by(13)
        .chain(sound.len() - 70..sound.len())
    {
        refused(sound[..length].to_vec(), &format!("cut to {length}"));
    }
    for start in (0..sound.len()).step_by(512) {
        let mut bytes = sound.clone();
        let end = (start + 512).min(bytes.len());
        bytes[start..end].fill(0);
        refused(bytes, &format!("zeroed from {start}"));
    }
    let mut longer = sound.clone();
    longer.push(0);
    refused(longer, "one byte longer");
}

#[test]
fn each_refusal_says_what_is_wrong() {
    let open = |bytes: &[u8]| Segment::open(bytes.to_vec()).unwrap_err();
    let sound = sample();
    assert_eq!(open(b""), SegmentError::Magic);
    assert_eq!(open(b"PK\x03\x04 some other file"), SegmentError::Magic);
    assert!(matches!(
        open(&sound[..30]),
        SegmentError::Length { found: 30, .. }
    ));
    let mut newer = sound.clone();
    newer[8] = 9;
    assert_eq!(
        open(&newer),
        SegmentError::Version {
            found: 9,
            expected: 2
        }
    );
    let mut rotten = sound.clone();
    let middle = rotten.len() / 2;
    rotten[middle] ^= 1;
    assert!(matches!(
        open(&rotten),
        SegmentError::Checksum { start: 0, .. }
    ));
}

#[test]
fn a_large_segment_is_verified_piece_by_piece() {
    let rows = (1..6000_u32).map(|row| {
        (
            row,
            (0..100)
                .map(|n| (u64::from(row) * 100 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15))
                .collect(),
        )
    });
    let sound = built(&rows.collect());
    let read = Mutex::new(Vec::new());
    let note = |piece: &[u8]| read.lock().unwrap().push(piece.len());
    Segment::open_behind(sound.clone(), &note).unwrap();
    let pieces = read.into_inner().unwrap();
    assert!(pieces.len() > 2);
    // All but the header of the hashes, in pieces of one size.
    assert!(pieces.iter().sum::<usize>() + 16 * (pieces.len() + 1) == sound.len());
    assert!(pieces.iter().rev().skip(1).all(|bytes| *bytes == 1 << 20));
    let mut rotten = sound;
    let at = (2 << 20) + 5;
    rotten[at] ^= 0x10;
    let start = 2 << 20;
    let refused = Segment::open(rotten).unwrap_err();
    assert!(matches!(refused, SegmentError::Checksum { start: found, .. } if found == start));
}

#[test]
fn rows_out_of_order_and_segments_that_do_not_fit_are_refused() {
    let terms = HashedTerms::from_tokens(vec![1, 2]);
    let twice = build(STORE, ANALYZER, [(Row(4), &terms), (Row(4), &terms)]);
    assert_eq!(
        twice,
        Err(BuildError::Order {
            before: Row(4),
            row: Row(4)
        })
    );

    let of = |store, analyzer, row| {
        Segment::open(build(store, analyzer, [(Row(row), &terms)]).unwrap()).unwrap()
    };
    let base = of(STORE, ANALYZER, 5);
    let keep = RowSet::range(Row(0), Row(9));
    assert_eq!(merge(&[], &keep, &|| ()), Err(MergeError::Nothing));
    assert_eq!(
        merge(&[&base, &base], &keep, &|| ()),
        Err(MergeError::Overlap { row: Row(5) })
    );
    let other = StoreId([4; 16]);
    assert_eq!(
        merge(&[&base, &of(other, ANALYZER, 6)], &keep, &|| ()),
        Err(MergeError::Stores(STORE, other))
    );
    let newer = AnalyzerId(2);
    assert_eq!(
        merge(&[&base, &of(STORE, newer, 6)], &keep, &|| ()),
        Err(MergeError::Analyzers(ANALYZER, newer))
    );
    let nothing = merge(&[&base], &RowSet::new(), &|| ())
        .unwrap()
        .into_bytes();
    assert_eq!(Segment::open(nothing).unwrap().range(), None);
}
