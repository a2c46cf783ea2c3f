//! The promise of the text index: whatever the segments, the tail, the dead
//! and the filter, the answer is that of scoring every live row by hand.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and its numbers are small"
)]

use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::{BTreeMap, BTreeSet};
use steadfast_index::analyze::QueryTerms;
use steadfast_index::text::{Bm25, DeadTerms, Scratch, Segment, Stats, Tail, View, build};
use steadfast_model::{AnalyzerId, HashedTerms, Row, RowSet, StoreId};

/// All rows that ever were, and how they are spread.
#[derive(Debug, Clone)]
struct World {
    rows: BTreeMap<u32, HashedTerms>,
    /// The first row of each segment after the first, and of the tail.
    cuts: Vec<u32>,
    /// Dead rows of the segments, and whether their terms are in the dead-term counts already.
    dead: BTreeMap<u32, bool>,
}

/// The world as files and lists.
struct Parts {
    segments: Vec<Segment>,
    dead: Vec<DeadTerms>,
    added: Vec<(Row, HashedTerms)>,
    removed: Vec<(Row, HashedTerms)>,
    live: BTreeMap<u32, HashedTerms>,
}

fn hash(term: u64) -> u64 {
    (term + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Terms from frequent (0) to rare, like words.
fn token() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 0_u64..4, 2 => 0_u64..30, 1 => 0_u64..400].prop_map(hash)
}

fn world(rows_max: usize) -> impl Strategy<Value = World> {
    let row = (
        prop_oneof![6 => Just(1_u32), 1 => 1_u32..40],
        prop_oneof![
            8 => prop::collection::vec(token(), 0..16),
            1 => prop::collection::vec(prop_oneof![Just(hash(0)), Just(hash(1))], 0..400),
        ],
    );
    (
        prop::collection::vec(row, 0..rows_max),
        prop::collection::vec(any::<Index>(), 1..5),
        prop::collection::vec((any::<Index>(), any::<bool>()), 0..30),
    )
        .prop_map(|(gaps, cuts, dead)| {
            let mut row = 0;
            let mut rows = BTreeMap::new();
            for (gap, tokens) in gaps {
                row += gap;
                rows.insert(row, HashedTerms::from_tokens(tokens));
            }
            let ids: Vec<u32> = rows.keys().copied().collect();
            let pick = |index: &Index| ids.get(index.index(ids.len().max(1))).copied().unwrap_or(0);
            let cuts: BTreeSet<u32> = cuts.iter().map(pick).collect();
            let dead = dead
                .iter()
                .map(|(index, counted)| (pick(index), *counted))
                .collect();
            World {
                rows,
                cuts: cuts.into_iter().collect(),
                dead,
            }
        })
}

impl World {
    fn parts(&self) -> Parts {
        let tail = *self.cuts.last().unwrap();
        let mut segments = Vec::new();
        let mut dead = Vec::new();
        for (start, end) in std::iter::once(0)
            .chain(self.cuts.iter().copied())
            .zip(&self.cuts)
        {
            let rows: Vec<_> = self
                .rows
                .range(start..*end)
                .map(|(row, terms)| (Row(*row), terms))
                .collect();
            let counted = rows
                .iter()
                .filter(|(row, _)| self.dead.get(&row.0) == Some(&true))
                .map(|(_, terms)| *terms);
            dead.push(DeadTerms::of(counted));
            let bytes = build(StoreId([1; 16]), AnalyzerId(1), rows).unwrap();
            segments.push(Segment::open(bytes).unwrap());
        }
        let live: BTreeMap<_, _> = self
            .rows
            .iter()
            .filter(|(row, _)| !self.dead.contains_key(row))
            .map(|(r, t)| (*r, t.clone()))
            .collect();
        let list = |row: (&u32, &HashedTerms)| (Row(*row.0), row.1.clone());
        Parts {
            segments,
            dead,
            added: live.range(tail..).map(list).collect(),
            removed: self
                .rows
                .range(..tail)
                .filter(|(row, _)| self.dead.get(row) == Some(&false))
                .map(list)
                .collect(),
            live,
        }
    }
}

impl Parts {
    fn stats(&self) -> Stats {
        Stats {
            rows_live: self.live.len() as u64,
            tokens_live: self
                .live
                .values()
                .map(|terms| u64::from(terms.tokens()))
                .sum(),
        }
    }

    fn view(&self) -> View<'_> {
        View {
            segments: &self.segments,
            dead: &self.dead,
            tail: Tail {
                added: &self.added,
                removed: &self.removed,
            },
            stats: self.stats(),
        }
    }

    fn df(&self, hash: u64) -> usize {
        self.live
            .values()
            .filter(|terms| terms.count(hash) > 0)
            .count()
    }

    /// BM25 by the book, in f64.
    fn by_hand(&self, query: &QueryTerms, params: Bm25) -> BTreeMap<u32, f64> {
        let rows = self.live.len() as f64;
        let tokens: f64 = self
            .live
            .values()
            .map(|terms| f64::from(terms.tokens()))
            .sum();
        let average = if tokens == 0.0 { 1.0 } else { tokens / rows };
        let (k1, b) = (f64::from(params.k1), f64::from(params.b));
        let dfs: Vec<f64> = query
            .terms()
            .iter()
            .map(|term| self.df(term.hash) as f64)
            .collect();
        let score = |terms: &HashedTerms| {
            query
                .terms()
                .iter()
                .zip(&dfs)
                .map(|(term, df)| {
                    let count = f64::from(terms.count(term.hash));
                    let idf = ((rows - df + 0.5) / (df + 0.5)).ln_1p();
                    let norm = k1 * (1.0 - b + b * f64::from(terms.tokens()) / average);
                    if count == 0.0 {
                        0.0
                    } else {
                        f64::from(term.weight) * idf * count * (k1 + 1.0) / (count + norm)
                    }
                })
                .sum()
        };
        self.live
            .iter()
            .map(|(row, terms)| (*row, score(terms)))
            .collect()
    }

    /// The same rows, all of them in the tail: the plainest way to score them.
    fn all_in_tail(&self) -> Vec<(Row, HashedTerms)> {
        self.live
            .iter()
            .map(|(row, terms)| (Row(*row), terms.clone()))
            .collect()
    }
}

fn query() -> impl Strategy<Value = QueryTerms> {
    let weight = prop_oneof![6 => Just(1.0_f32), 1 => 0.01_f32..20.0];
    prop::collection::vec((token(), weight), 0..12).prop_map(QueryTerms::from_weights)
}

fn params() -> impl Strategy<Value = Bm25> {
    prop_oneof![
        2 => Just(Bm25::default()),
        1 => Just(Bm25 { k1: 1.2, b: 0.75 }),
        1 => (0.0_f32..4.0, 0.0_f32..=1.0).prop_map(|(k1, b)| Bm25 { k1, b }),
        1 => prop_oneof![Just((0.0, 0.0)), Just((5.0, 1.0)), Just((0.0, 1.0))].prop_map(|(k1, b)| Bm25 { k1, b }),
    ]
}

#[derive(Debug, Clone)]
enum Scope {
    All,
    None,
    Some(Vec<Index>),
    Except(Vec<Index>),
    Range(Index, Index),
}

fn scope() -> impl Strategy<Value = Scope> {
    prop_oneof![
        3 => Just(Scope::All),
        1 => Just(Scope::None),
        2 => prop::collection::vec(any::<Index>(), 1..8).prop_map(Scope::Some),
        2 => prop::collection::vec(any::<Index>(), 1..120).prop_map(Scope::Some),
        2 => prop::collection::vec(any::<Index>(), 1..60).prop_map(Scope::Except),
        2 => (any::<Index>(), any::<Index>()).prop_map(|(a, b)| Scope::Range(a, b)),
    ]
}

fn row_set(scope: &Scope, live: &BTreeMap<u32, HashedTerms>) -> RowSet {
    let rows: Vec<Row> = live.keys().map(|row| Row(*row)).collect();
    if rows.is_empty() {
        return RowSet::new();
    }
    let at = |index: &Index| rows[index.index(rows.len())];
    let all: RowSet = rows.iter().copied().collect();
    match scope {
        Scope::All => all,
        Scope::None => RowSet::new(),
        Scope::Some(some) => some.iter().map(at).collect(),
        Scope::Except(some) => {
            let mut rest = all;
            rest.subtract(&some.iter().map(at).collect());
            rest
        }
        Scope::Range(a, b) => {
            let mut range = RowSet::range(at(a).min(at(b)), at(a).max(at(b)));
            range.intersect(&all);
            range
        }
    }
}

fn check(
    world: &World,
    query: &QueryTerms,
    params: Bm25,
    scopes: &[(Scope, usize)],
    scratch: &mut Scratch,
) {
    let parts = world.parts();
    let view = parts.view();
    let search = view.search(query);
    for term in search.terms() {
        assert_eq!(term.df as usize, parts.df(term.hash), "df of a term");
        assert_eq!(view.df(term.hash) as usize, parts.df(term.hash));
    }

    // Scores by lookup: bit for bit those of the tail, and BM25 by the book within rounding.
    let everything = parts.all_in_tail();
    let alone = View {
        segments: &[],
        dead: &[],
        tail: Tail {
            added: &everything,
            removed: &[],
        },
        stats: parts.stats(),
    };
    let rows: Vec<Row> = parts.live.keys().map(|row| Row(*row)).collect();
    let oracle = alone.search(query).scores(&rows, params, scratch);
    let by_lookup = search.scores(&rows, params, scratch);
    let by_hand = parts.by_hand(query, params);
    let found = search.counts(&rows, scratch);
    let lengths = view.lengths(&rows);
    let largest = by_hand.values().copied().fold(1e-9, f64::max);
    for (place, (row, terms)) in parts.live.iter().enumerate() {
        assert_eq!(
            by_lookup[place].to_bits(),
            oracle[place].to_bits(),
            "row {row}"
        );
        assert!(
            (f64::from(by_lookup[place]) - by_hand[row]).abs() <= largest * 1e-5,
            "{} {}",
            by_lookup[place],
            by_hand[row]
        );
        let expected: Vec<u8> = search
            .terms()
            .iter()
            .map(|term| terms.count(term.hash))
            .collect();
        assert_eq!(found.row(place), expected);
        assert_eq!(
            by_lookup[place] > 0.0,
            expected.iter().any(|count| *count > 0)
        );
        assert_eq!(lengths[place], terms.tokens());
    }

    for (scope, k) in scopes {
        let wanted = row_set(scope, &parts.live);
        let mut expected: Vec<(Row, f32)> = rows
            .iter()
            .copied()
            .zip(by_lookup.iter().copied())
            .filter(|(row, score)| *score > 0.0 && wanted.contains(*row))
            .collect();
        expected.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        expected.truncate(*k);
        assert_eq!(search.top(*k, &wanted, params, scratch), expected);
    }
}

// 1,024 worlds, each asked for three scopes: 3,072 lists of best rows.
proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_index_answers_as_if_every_row_were_scored_by_hand(
        world in world(160),
        query in query(),
        params in params(),
        scopes in prop::collection::vec((scope(), prop_oneof![0_usize..4, 1_usize..40, Just(1000)]), 3),
    ) {
        check(&world, &query, params, &scopes, &mut Scratch::default());
    }
}

// Rows enough for several windows and many blocks; one scratch for all cases, as a server would keep it.
#[test]
fn large_worlds_are_searched_exactly_through_windows_and_blocks() {
    let mut scratch = Scratch::default();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    for round in 0..6 {
        let mut rows = BTreeMap::new();
        let mut row = 0_u32;
        for _ in 0..14_000 {
            row += if round % 2 == 0 || next(10) > 0 {
                1
            } else {
                2 + next(30) as u32
            };
            let tokens = (0..=next(12)).map(|_| {
                let range = 1 << (2 + next(11));
                hash(next(range))
            });
            rows.insert(row, HashedTerms::from_tokens(tokens.collect()));
        }
        let ids: Vec<u32> = rows.keys().copied().collect();
        let cuts = if round < 2 {
            vec![ids[13_900]]
        } else {
            vec![ids[200], ids[9_000], ids[9_500], ids[13_000]]
        };
        let dead = (0..700)
            .map(|_| (ids[next(14_000) as usize], next(2) == 0))
            .collect();
        let world = World { rows, cuts, dead };
        for _ in 0..4 {
            let terms: Vec<(u64, f32)> = (0..2 + next(8))
                .map(|_| {
                    let range = 1 << next(13);
                    (hash(next(range)), 1.0)
                })
                .collect();
            let some = |count: u64, next: &mut dyn FnMut(u64) -> u64| {
                Scope::Some((0..count).map(|_| index(next(u64::MAX))).collect())
            };
            let scopes = [
                (Scope::All, 10),
                (Scope::All, 100),
                (some(10, &mut next), 5),
                (some(300, &mut next), 10),
                (some(600, &mut next), 100),
                (some(3000, &mut next), 10),
                (
                    Scope::Range(index(next(u64::MAX)), index(next(u64::MAX))),
                    20,
                ),
            ];
            check(
                &world,
                &QueryTerms::from_weights(terms),
                Bm25::default(),
                &scopes,
                &mut scratch,
            );
        }
    }
}

/// An index into a list of unknown length, from a number.
fn index(number: u64) -> Index {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&number.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed);
    any::<Index>()
        .new_tree(&mut TestRunner::new_with_rng(Config::default(), rng))
        .unwrap()
        .current()
}

#[test]
fn parameters_and_counts_that_make_no_sense_do_no_harm() {
    let terms = HashedTerms::from_tokens(vec![hash(1), hash(2)]);
    let added: Vec<(Row, HashedTerms)> = (1..4).map(|row| (Row(row), terms.clone())).collect();
    let query = QueryTerms::from_weights([
        (hash(1), 1.0),
        (hash(2), f32::NAN),
        (hash(3), -1.0),
        (hash(1), f32::MAX),
    ]);
    let scope = RowSet::range(Row(0), Row(10));
    for stats in [
        Stats::default(),
        Stats {
            rows_live: 1,
            tokens_live: u64::MAX,
        },
        Stats {
            rows_live: u64::MAX,
            tokens_live: 1,
        },
    ] {
        let view = View {
            segments: &[],
            dead: &[],
            tail: Tail {
                added: &added,
                removed: &added,
            },
            stats,
        };
        for (k1, b) in [
            (f32::NAN, f32::NAN),
            (-1.0, -1.0),
            (f32::INFINITY, f32::INFINITY),
            (1e30, 0.5),
            (0.0, 0.0),
        ] {
            let best = view
                .search(&query)
                .top(2, &scope, Bm25 { k1, b }, &mut Scratch::default());
            assert_eq!(
                best.iter().map(|(row, _)| row.0).collect::<Vec<_>>(),
                [1, 2]
            );
            assert!(
                best.iter()
                    .all(|(_, score)| score.is_finite() && *score > 0.0)
            );
        }
    }
}
