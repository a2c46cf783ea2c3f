//! The fear: an index that is fast because it is sometimes wrong. Every answer
//! of the scan is compared, row for row and bit for bit, with scoring all
//! vectors in f32; the inputs are those that break careless bounds.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test stops where it fails"
)]

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use steadfast_index::vector::{
    Corpus, Hit, Kernel, Options, Query, ScanError, Segment, SegmentView, Space, build, scores, top,
};
use steadfast_model::vector::dot;
use steadfast_model::{Row, RowSet, StoreId, Vector};

/// How many queries the property test must have certified when it ends.
const CERTIFIED_QUERIES_MIN: usize = 10_000;
const CASES: u32 = 420;

type Store = BTreeMap<Row, Vec<f32>>;

/// One corpus: its vectors, which part of the index each lies in (0 is the tail), and questions.
#[derive(Clone, Debug)]
struct Case {
    dimensions: usize,
    vectors: Store,
    parts: Vec<u8>,
    queries: Vec<Vec<f32>>,
    scopes: Vec<Option<RowSet>>,
}

fn space(dimensions: usize) -> Space {
    Space {
        store: StoreId([3; 16]),
        model_hash: [4; 16],
        dimensions,
    }
}

fn segments(case: &Case) -> Vec<Segment<Vec<u8>>> {
    let last = case.parts.iter().copied().max().unwrap_or(0);
    (1..=last)
        .map(|part| {
            let rows = case
                .vectors
                .iter()
                .zip(&case.parts)
                .filter(|(_, found)| **found == part);
            Segment::open(
                build(space(case.dimensions), rows.map(|((&row, v), _)| (row, v))).unwrap(),
            )
            .unwrap()
        })
        .collect()
}

fn segment(store: &Store, dimensions: usize) -> Segment<Vec<u8>> {
    let rows = store.iter().map(|(row, values)| (*row, values));
    Segment::open(build(space(dimensions), rows).unwrap()).unwrap()
}

fn tail(case: &Case) -> Vec<(Row, Vector)> {
    let rows = case
        .vectors
        .iter()
        .zip(&case.parts)
        .filter(|(_, part)| **part == 0);
    rows.map(|((&row, values), _)| (row, Vector(values.clone())))
        .collect()
}

/// Returns every vector in scope, best first: the whole answer, of which a search gives the first k.
fn brute_force(store: &Store, query: &[f32], scope: Option<&RowSet>) -> Vec<Hit> {
    let zero = |values: &[f32]| values.iter().all(|&value| value == 0.0);
    if zero(query) {
        return Vec::new();
    }
    let mut hits: Vec<Hit> = store
        .iter()
        .filter(|(row, values)| scope.is_none_or(|scope| scope.contains(**row)) && !zero(values))
        .map(|(&row, values)| Hit {
            row,
            score: dot(query, values),
        })
        .collect();
    hits.sort_by(|a, b| {
        b.score
            .partial_cmp(&a.score)
            .unwrap()
            .then(a.row.cmp(&b.row))
    });
    hits
}

fn bits(hits: &[Hit], k: usize) -> Vec<(Row, u32)> {
    hits.iter()
        .take(k)
        .map(|hit| (hit.row, hit.score.to_bits()))
        .collect()
}

fn search(
    store: &Store,
    query: &[f32],
    corpus: &Corpus<'_>,
    options: &Options,
) -> Result<steadfast_index::vector::Top, ScanError<Infallible>> {
    top(
        &Query::new(query).unwrap(),
        corpus,
        options,
        &mut |rows, give| {
            assert!(
                rows.is_sorted_by(|a, b| a < b),
                "rows must be asked for once and in order"
            );
            for row in rows {
                if let Some(values) = store.get(row) {
                    give(*row, values);
                }
            }
            Ok(())
        },
    )
}

/// A value from where floats are awkward as well as from where vectors usually live.
fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        8 => -1.0_f32..1.0,
        2 => Just(0.0),
        1 => Just(-0.0),
        1 => Just(1.0),
        1 => -1e-3_f32..1e-3,
    ]
}

/// Vectors of one flavour, plus copies and near copies, since ties and near ties are the hard part.
fn vector(dimensions: usize) -> impl Strategy<Value = Vec<f32>> {
    let random = || prop::collection::vec(value(), dimensions);
    let one_hot = (0..dimensions, value()).prop_map(move |(at, value)| {
        let mut vector = vec![0.0; dimensions];
        vector[at] = value;
        vector
    });
    let scaled = (
        random(),
        prop::sample::select(vec![1e-45_f32, 1e-38, 1e-20, 1e-6, 1e6, 1e19, 3.4e38]),
    )
        .prop_map(|(mut vector, scale)| {
            for value in &mut vector {
                *value *= scale;
            }
            vector
        });
    let extreme = prop::collection::vec(
        prop::sample::select(vec![
            f32::MAX,
            f32::MIN,
            f32::MIN_POSITIVE,
            1e-45,
            0.0,
            1.0,
            127.0,
            126.5,
        ]),
        dimensions,
    );
    let normalised = random().prop_map(|mut vector| {
        let length = dot(&vector, &vector).sqrt().max(1e-9);
        for value in &mut vector {
            *value /= length;
        }
        vector
    });
    prop_oneof![
        4 => normalised,
        2 => random(),
        1 => one_hot,
        1 => scaled,
        1 => extreme,
        1 => Just(vec![0.0; dimensions]),
    ]
}

fn spread(rows: &[Row], vectors: &[Vec<f32>], copies: &[(usize, usize, i32)]) -> Store {
    let mut vectors = vectors.to_vec();
    for &(from, to, nudge) in copies {
        let (from, to) = (from % vectors.len(), to % vectors.len());
        let copy = vectors[from].clone();
        vectors[to] = copy;
        let at = from % vectors[to].len();
        let nudged = f32::from_bits(vectors[to][at].to_bits().saturating_add_signed(nudge));
        if nudged.is_finite() {
            vectors[to][at] = nudged;
        }
    }
    rows.iter().copied().zip(vectors).collect()
}

fn case() -> impl Strategy<Value = Case> {
    let dimensions = prop::sample::select(vec![1_usize, 2, 3, 7, 8, 31, 32, 33, 64, 100, 128]);
    (dimensions, 1_usize..160, 1_u32..30).prop_flat_map(|(dimensions, count, gap)| {
        let rows = prop::collection::vec(1..=gap, count);
        let vectors = prop::collection::vec(vector(dimensions), count);
        let copies = prop::collection::vec((0..count, 0..count, -1_i32..=1), 0..=count);
        let parts = prop::collection::vec(0_u8..4, count);
        let queries = prop::collection::vec(vector(dimensions), 5);
        let scopes =
            prop::collection::vec(prop::option::weighted(0.8, (0_u32..=100, any::<u64>())), 5);
        (rows, vectors, copies, parts, queries, scopes).prop_map(
            move |(gaps, vectors, copies, parts, mut queries, scopes)| {
                let rows = gaps.iter().scan(0, |row, gap| {
                    *row += gap;
                    Some(Row(*row))
                });
                let rows: Vec<Row> = rows.collect();
                let vectors = spread(&rows, &vectors, &copies);
                // Searching for what is stored puts the copies on top.
                queries.extend(vectors.values().take(2).cloned());
                let scope = |(percent, seed): (u32, u64)| {
                    let all = 1..=rows.last().map_or(1, |row| row.0 + 70);
                    all.map(Row)
                        .filter(|row| mix(seed ^ u64::from(row.0)) % 100 < u64::from(percent))
                        .collect()
                };
                Case {
                    dimensions,
                    vectors,
                    parts,
                    queries,
                    scopes: scopes
                        .into_iter()
                        .map(|scope_of| scope_of.map(scope))
                        .collect(),
                }
            },
        )
    })
}

fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[test]
fn at_least_ten_thousand_queries_equal_brute_force() {
    let certified = Cell::new(0_usize);
    let mut runner = TestRunner::new(Config {
        cases: CASES,
        ..Config::default()
    });
    runner
        .run(&case(), |case| {
            let segments = segments(&case);
            let views: Vec<SegmentView<'_>> = segments.iter().map(Segment::view).collect();
            let tail = tail(&case);
            for (number, query) in case.queries.iter().enumerate() {
                let scope = case
                    .scopes
                    .get(number % case.scopes.len())
                    .and_then(Option::as_ref);
                let corpus = Corpus {
                    segments: &views,
                    tail: &tail,
                    scope,
                };
                let expected = brute_force(&case.vectors, query, scope);
                for k in [1, 3, 10, 1000] {
                    for kernel in [Kernel::Fastest, Kernel::Portable] {
                        let options = Options {
                            kernel,
                            ..Options::best(k)
                        };
                        let found = search(&case.vectors, query, &corpus, &options).unwrap();
                        prop_assert_eq!(
                            bits(&found.hits, usize::MAX),
                            bits(&expected, k),
                            "k {} query {:?}",
                            k,
                            query
                        );
                    }
                    certified.set(certified.get() + 1);
                }
            }
            Ok(())
        })
        .unwrap();
    assert!(
        certified.get() >= CERTIFIED_QUERIES_MIN,
        "only {} queries",
        certified.get()
    );
}

/// Seeded vectors around a few centres, as embeddings lie.
fn clustered(count: usize, dimensions: usize, seed: u64) -> Store {
    #[expect(clippy::cast_precision_loss, reason = "a random fraction")]
    let random = |seed: u64| (mix(seed) >> 40) as f32 / (1_u64 << 23) as f32 - 1.0;
    let vector = |row: u64| {
        let centre = mix(seed ^ row) % 16;
        let mut values: Vec<f32> = (0..dimensions as u64)
            .map(|at| random(centre * 1000 + at) + random(seed ^ (row << 20) ^ at))
            .collect();
        let length = dot(&values, &values).sqrt();
        for value in &mut values {
            *value /= length;
        }
        values
    };
    (1..=count as u64)
        .map(|row| (Row(u32::try_from(row).unwrap()), vector(row)))
        .collect()
}

#[test]
fn two_threads_three_segments_and_a_tail_equal_brute_force() {
    let store = clustered(50_000, 256, 9);
    let part = |from: u32, to: u32| {
        let rows = store
            .range(Row(from)..Row(to))
            .map(|(row, values)| (*row, values));
        Segment::open(build(space(256), rows).unwrap()).unwrap()
    };
    let segments = [part(1, 30_000), part(30_000, 48_000), part(48_000, 49_900)];
    let views: Vec<SegmentView<'_>> = segments.iter().map(Segment::view).collect();
    let tail: Vec<(Row, Vector)> = store
        .range(Row(49_900)..)
        .map(|(row, values)| (*row, Vector(values.clone())))
        .collect();
    let wide: RowSet = store
        .keys()
        .copied()
        .filter(|row| row.0 % 50 != 7)
        .collect();
    for scope in [None, Some(&wide)] {
        let corpus = Corpus {
            segments: &views,
            tail: &tail,
            scope,
        };
        for (query, k) in [(5, 10), (40_000, 100), (49_950, 3000)] {
            let query = &store[&Row(query)];
            let expected = brute_force(&store, query, scope);
            for threads in 1..=3 {
                let options = Options {
                    threads_max: NonZeroUsize::new(threads).unwrap(),
                    ..Options::best(k)
                };
                let found = search(&store, query, &corpus, &options).unwrap();
                assert_eq!(bits(&found.hits, usize::MAX), bits(&expected, k));
                assert_eq!(found.rows_searched, scope.map_or(50_000, RowSet::len));
                assert!(
                    found.rows_rescored <= 3 * k + 100,
                    "{} rows rescored for {k}",
                    found.rows_rescored
                );
            }
        }
    }
}

#[test]
fn rows_that_ascend_towards_the_query_are_all_candidates_and_still_right() {
    let store: Store = (1..=20_000_u16)
        .map(|row| (Row(u32::from(row)), vec![f32::from(row), 1.0, -2.0]))
        .collect();
    let segment = segment(&store, 3);
    let views = [segment.view()];
    let corpus = Corpus {
        segments: &views,
        tail: &[],
        scope: None,
    };
    let query = [1.0, 0.5, 0.25];
    let found = search(&store, &query, &corpus, &Options::best(25)).unwrap();
    assert_eq!(
        bits(&found.hits, usize::MAX),
        bits(&brute_force(&store, &query, None), 25)
    );
}

#[test]
fn equal_vectors_come_in_row_order_however_many_there_are() {
    let store: Store = (1..=5000)
        .map(|row| (Row(row), vec![0.3, -0.7, 0.1]))
        .collect();
    let segment = segment(&store, 3);
    let views = [segment.view()];
    let corpus = Corpus {
        segments: &views,
        tail: &[],
        scope: None,
    };
    let found = search(&store, &[0.9, 0.1, 0.4], &corpus, &Options::best(7)).unwrap();
    assert_eq!(
        found.hits.iter().map(|hit| hit.row.0).collect::<Vec<_>>(),
        [1, 2, 3, 4, 5, 6, 7]
    );
}

#[test]
fn many_dimensions_neither_overflow_nor_lie() {
    for dimensions in [256, 384, 500, 512, 768, 4096, 16_384] {
        let sign = |seed: u64| {
            if mix(seed).is_multiple_of(8) {
                -1.0
            } else {
                1.0
            }
        };
        let vector = |row: u32| -> Vec<f32> {
            (0..dimensions as u64)
                .map(|at| sign(u64::from(row) << 32 | at))
                .collect()
        };
        let mut store: Store = (1..=40).map(|row| (Row(row), vector(row))).collect();
        store.insert(Row(41), vec![1.0; dimensions]);
        store.insert(Row(42), vec![-1.0; dimensions]);
        let segment = segment(&store, dimensions);
        let views = [segment.view()];
        let corpus = Corpus {
            segments: &views,
            tail: &[],
            scope: None,
        };
        for kernel in [Kernel::Fastest, Kernel::Portable] {
            for query in [
                vec![1.0; dimensions],
                vec![-1.0; dimensions],
                store[&Row(7)].clone(),
            ] {
                let options = Options {
                    kernel,
                    ..Options::best(5)
                };
                let found = search(&store, &query, &corpus, &options).unwrap();
                assert_eq!(
                    bits(&found.hits, usize::MAX),
                    bits(&brute_force(&store, &query, None), 5)
                );
            }
        }
    }
}

/// Searches rows 1 to 9, in one segment, with more segments and a tail.
fn check_refused(
    others: &[Segment<Vec<u8>>],
    tail: &[(Row, Vector)],
    lost: Option<Row>,
    expected: ScanError<Infallible>,
) {
    let mut store: Store = (1..=9_u8)
        .map(|row| (Row(u32::from(row)), vec![1.0, f32::from(row)]))
        .collect();
    let here = segment(&store, 2);
    if let Some(lost) = lost {
        store.remove(&lost);
    }
    let views: Vec<SegmentView<'_>> = std::iter::once(&here)
        .chain(others)
        .map(Segment::view)
        .collect();
    let corpus = Corpus {
        segments: &views,
        tail,
        scope: None,
    };
    let found = search(&store, &[1.0, 2.0], &corpus, &Options::best(3));
    assert_eq!(found, Err(expected));
}

#[test]
fn a_corpus_that_contradicts_itself_has_no_answer() {
    let other = |space: Space, row: u32| {
        let vectors = [(Row(row), vec![9.0; space.dimensions])];
        [Segment::open(build(space, vectors).unwrap()).unwrap()]
    };
    let mixed = Space {
        model_hash: [5; 16],
        ..space(2)
    };
    let first = space(2);
    let twice = |row| ScanError::Duplicate { row };
    check_refused(&other(first, 9), &[], None, twice(Row(9)));
    check_refused(
        &[],
        &[(Row(9), Vector(vec![9.0, 9.0]))],
        None,
        twice(Row(9)),
    );
    // The copy of row 4 is no vector that the store has, and would push row 7 out of the answer.
    check_refused(
        &other(first, 4),
        &[],
        None,
        ScanError::Drift { row: Row(4) },
    );
    check_refused(
        &other(mixed, 10),
        &[],
        None,
        ScanError::Mixed {
            first,
            other: mixed,
        },
    );
    check_refused(
        &other(space(3), 10),
        &[],
        None,
        ScanError::Mixed {
            first,
            other: space(3),
        },
    );
    check_refused(&[], &[], Some(Row(9)), ScanError::Missing { row: Row(9) });
    for values in [vec![1.0], vec![1.0, f32::NAN], vec![f32::INFINITY, 0.0]] {
        let unfit = ScanError::Vector { row: Row(10) };
        check_refused(&[], &[(Row(10), Vector(values))], None, unfit);
    }
}

#[test]
fn a_query_of_another_space_has_no_answer() {
    let store = Store::from([(Row(1), vec![1.0, 2.0, 3.0])]);
    let segment = segment(&store, 3);
    let corpus = Corpus {
        segments: &[segment.view()],
        tail: &[],
        scope: None,
    };
    let found = search(&store, &[1.0, 2.0], &corpus, &Options::best(3));
    let expected = ScanError::Dimensions {
        expected: 2,
        found: 3,
    };
    assert_eq!(found, Err(expected));
}

#[test]
fn scores_by_row_are_those_of_the_search() {
    let store = clustered(3000, 40, 1);
    let query = Query::new(&store[&Row(17)]).unwrap();
    let mut rows: Vec<Row> = (0..3005).rev().map(Row).collect();
    rows.push(Row(17));
    let found = scores::<Infallible>(&query, &rows, &mut |rows, give| {
        for row in rows {
            if let Some(values) = store.get(row) {
                give(*row, values);
            }
        }
        Ok(())
    })
    .unwrap();
    let expected: Vec<Option<f32>> = rows
        .iter()
        .map(|row| store.get(row).map(|values| dot(query.values(), values)))
        .collect();
    assert_eq!(found, expected);
    let failed = scores(&query, &rows, &mut |_, _| Err("disk"));
    assert_eq!(failed, Err(ScanError::Fetch("disk")));
}
