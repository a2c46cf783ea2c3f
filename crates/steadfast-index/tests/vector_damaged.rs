//! The fear: a damaged index file that opens and answers wrongly, or takes the
//! process with it. No changed byte may be accepted, and even with the
//! checksum bypassed nothing may panic.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "a test stops where it fails"
)]

use proptest::prelude::*;
use std::convert::Infallible;
use steadfast_index::vector::{
    BuildError, Corpus, OpenError, Options, Query, QueryError, Segment, SegmentBuilder, Space,
    build, top,
};
use steadfast_model::{Row, RowSet, StoreId};

fn space(dimensions: usize) -> Space {
    Space {
        store: StoreId([1; 16]),
        model_hash: [2; 16],
        dimensions,
    }
}

fn vectors(count: u32) -> Vec<(Row, Vec<f32>)> {
    (0..count)
        .map(|row| {
            (
                Row(row * 3 + 1),
                (0..16).map(|at| ((row * 16 + at) as f32).sin()).collect(),
            )
        })
        .collect()
}

fn intact() -> Vec<u8> {
    build(space(16), vectors(400)).unwrap()
}

/// Opens without the checksum and uses whatever comes out: only a panic is a failure.
fn survive(bytes: &[u8]) {
    let Ok(segment) = Segment::open_unverified(bytes) else {
        return;
    };
    let view = segment.view();
    let query = Query::new(&[0.25; 16]).unwrap();
    let scope = RowSet::range(Row(10), Row(900));
    for scope in [None, Some(&scope)] {
        let corpus = Corpus {
            segments: &[view],
            tail: &[],
            scope,
        };
        // Any result will do.
        drop(top::<Infallible>(
            &query,
            &corpus,
            &Options::best(5),
            &mut |rows, give| {
                for row in rows {
                    give(*row, &[0.5; 16]);
                }
                Ok(())
            },
        ));
    }
    drop(steadfast_index::vector::merge(&[&segment], &scope, &|| ()));
    assert!(view.count_in(&scope) <= view.len());
    view.agrees(Row(7), &[0.5; 16]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_flipped_bit_is_refused(at in any::<prop::sample::Index>(), bit in 0_u32..8) {
        let mut bytes = intact();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        prop_assert!(Segment::open(bytes.as_slice()).is_err());
        survive(&bytes);
    }

    #[test]
    fn a_cut_or_longer_file_is_refused(at in any::<prop::sample::Index>(), more in 1_usize..5000) {
        let bytes = intact();
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert!(Segment::open(cut).is_err());
        survive(cut);
        let mut longer = bytes.clone();
        longer.resize(bytes.len() + more, 0);
        prop_assert!(Segment::open(longer.as_slice()).is_err());
        survive(&longer);
    }

    #[test]
    fn a_lost_page_is_refused(page in any::<prop::sample::Index>(), page_bytes in prop::sample::select(vec![64_usize, 512, 4096])) {
        let mut bytes = intact();
        let from = page.index(bytes.len()) / page_bytes * page_bytes;
        let to = (from + page_bytes).min(bytes.len());
        bytes[from..to].fill(0);
        prop_assert!(Segment::open(bytes.as_slice()).is_err());
        survive(&bytes);
    }

    #[test]
    fn random_bytes_behind_a_good_header_do_not_panic(body in prop::collection::vec(any::<u8>(), 0..4096)) {
        let mut bytes = intact();
        let from = bytes.len().saturating_sub(body.len()).max(64);
        let length = bytes.len() - from;
        bytes[from..].copy_from_slice(&body[..length]);
        survive(&bytes);
        survive(&body);
    }
}

#[test]
fn every_field_of_the_header_is_refused_by_name() {
    let check = |at: usize, bytes: &[u8], expected: OpenError| {
        let mut segment = intact();
        segment[at..at + bytes.len()].copy_from_slice(bytes);
        assert_eq!(
            Segment::open_unverified(segment.as_slice()).unwrap_err(),
            expected
        );
    };
    let inconsistent = |what| OpenError::Inconsistent { what };
    check(0, b"X", OpenError::Magic);
    check(8, &[1], OpenError::Version { found: 1, known: 2 });
    check(
        12,
        &[0; 4],
        inconsistent("the number of dimensions is out of range"),
    );
    check(
        12,
        &[255; 4],
        inconsistent("the number of dimensions is out of range"),
    );
    check(
        52,
        &[9],
        inconsistent("the header names other rows than the segment holds"),
    );
    check(
        56,
        &[9],
        inconsistent("the header names other rows than the segment holds"),
    );
    check(60, &[1], inconsistent("a reserved field is in use"));
    check(68, &[1], inconsistent("the rows do not ascend"));
    let found = Segment::open_unverified(&intact()[..100]).unwrap_err();
    assert!(matches!(found, OpenError::Length { found: 100, .. }));
    let mut rotten = intact();
    let code = rotten.len() - 40;
    rotten[code] ^= 1;
    assert_eq!(Segment::open(rotten).unwrap_err(), OpenError::Checksum);
}

#[test]
fn what_cannot_be_indexed_is_refused_and_leaves_the_builder_as_it_was() {
    let mut builder = SegmentBuilder::new(space(2)).unwrap();
    assert_eq!(builder.push(Row(5), &[1.0, 2.0]), Ok(true));
    assert_eq!(builder.push(Row(6), &[0.0, -0.0]), Ok(false));
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert_eq!(
            builder.push(Row(7), &[1.0, value]),
            Err(BuildError::NotFinite { row: Row(7) })
        );
    }
    let order = BuildError::Order {
        row: Row(6),
        previous: Row(6),
    };
    assert_eq!(builder.push(Row(6), &[1.0, 2.0]), Err(order));
    let dimensions = BuildError::Dimensions {
        row: Row(7),
        expected: 2,
        received: 1,
    };
    assert_eq!(builder.push(Row(7), &[1.0]), Err(dimensions));
    assert_eq!(
        builder.finish().into_bytes(),
        build(space(2), [(Row(5), [1.0, 2.0])]).unwrap()
    );

    for dimensions in [0, 16_385] {
        let refused = SegmentBuilder::new(space(dimensions)).unwrap_err();
        assert_eq!(
            refused,
            BuildError::Space {
                received: dimensions
            }
        );
        assert_eq!(
            Query::new(&vec![1.0; dimensions]).unwrap_err(),
            QueryError::Dimensions {
                received: dimensions
            }
        );
    }
    assert_eq!(
        Query::new(&[1.0, f32::NAN]).unwrap_err(),
        QueryError::NotFinite
    );
}

#[test]
fn an_empty_segment_is_a_segment() {
    let segment = Segment::open(build(space(16), [(Row(3), [0.0; 16])]).unwrap()).unwrap();
    assert!(segment.view().is_empty());
    assert_eq!(segment.view().span(), None);
    let corpus = Corpus {
        segments: &[segment.view()],
        tail: &[],
        scope: None,
    };
    let found = top::<Infallible>(
        &Query::new(&[1.0; 16]).unwrap(),
        &corpus,
        &Options::best(3),
        &mut |_, _| Ok(()),
    );
    assert!(found.unwrap().hits.is_empty());
}
