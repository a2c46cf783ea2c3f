//! The fear: an index that depends on its history. However rows were spread
//! over segments, a merge gives the bytes of a direct build.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use steadfast_index::vector::{MergeError, Segment, Space, build, merge};
use steadfast_model::{Row, RowSet, StoreId};

fn space(dimensions: usize) -> Space {
    Space {
        store: StoreId([1; 16]),
        model_hash: [2; 16],
        dimensions,
    }
}

fn segment(vectors: &BTreeMap<Row, Vec<f32>>) -> Segment<Vec<u8>> {
    Segment::open(build(space(5), vectors.iter().map(|(row, values)| (*row, values))).unwrap())
        .unwrap()
}

proptest! {
    #[test]
    fn a_merge_is_a_direct_build(
        vectors in prop::collection::btree_map(0_u32..600, (prop::collection::vec(-1.0_f32..1.0, 5), 0_usize..5, any::<bool>()), 0..200),
    ) {
        let mut parts = vec![BTreeMap::new(); 5];
        let mut kept = BTreeMap::new();
        for (row, (values, part, keep)) in vectors {
            let values = if part == 4 && keep { vec![0.0; 5] } else { values };
            parts[part].insert(Row(row), values.clone());
            if keep {
                kept.insert(Row(row), values);
            }
        }
        let segments: Vec<_> = parts.iter().map(segment).collect();
        let keep: RowSet = kept.keys().copied().collect();
        let merged = merge(&segments.iter().collect::<Vec<_>>(), &keep, &|| ()).unwrap().into_bytes();
        prop_assert_eq!(&merged, &build(space(5), kept.iter().map(|(row, values)| (*row, values))).unwrap());

        let merged = Segment::open(merged).unwrap();
        let view = merged.view();
        prop_assert_eq!(view.len(), kept.values().filter(|values| values.iter().any(|&value| value != 0.0)).count());
        prop_assert_eq!(view.count_in(&keep), view.len());
        for row in (0..600).map(Row) {
            let values = kept.get(&row).cloned().unwrap_or(vec![0.0; 5]);
            prop_assert!(view.agrees(row, &values), "{:?}", row);
            let mut other = values;
            other[2] += 0.5;
            prop_assert!(!view.agrees(row, &other), "{:?}", row);
        }
    }
}

#[test]
fn what_does_not_belong_together_is_not_merged() {
    let rows = |rows: [u32; 2]| rows.map(|row| (Row(row), [1.0, 2.0]));
    let open = |space: Space, of: [u32; 2]| Segment::open(build(space, rows(of)).unwrap()).unwrap();
    let all = RowSet::range(Row(0), Row(9));
    let (first, second) = (open(space(2), [1, 2]), open(space(2), [2, 3]));
    assert_eq!(
        merge(&[&first, &second], &all, &|| ()),
        Err(MergeError::Duplicate { row: Row(2) })
    );
    assert_eq!(
        merge::<Vec<u8>>(&[], &all, &|| ()),
        Err(MergeError::Nothing)
    );
    let foreign = Space {
        store: StoreId([9; 16]),
        ..space(2)
    };
    let mixed = merge(&[&first, &open(foreign, [5, 6])], &all, &|| ());
    assert_eq!(
        mixed,
        Err(MergeError::Mixed {
            first: space(2),
            other: foreign
        })
    );
}

/// Files written by one build must open in the next: the format changes only with its version.
#[test]
fn the_bytes_of_format_2_stay_as_they_are() {
    let bytes = build(
        space(2),
        [
            (Row(1), [0.6, -0.8]),
            (Row(9), [1e-45, 0.0]),
            (Row(70), [3.4e38, 1.0]),
        ],
    )
    .unwrap();
    assert_eq!(bytes.len(), 64 + 3 * 12 + 28 + 6 + 16);
    assert_eq!(
        blake3::hash(&bytes).to_hex().as_str(),
        "74deacdfbb368f1a50fb2c9553a91c2e1823f419a94434dac750c848bac73aca"
    );
}
