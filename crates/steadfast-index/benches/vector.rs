//! Times the certified scan against a plain f32 scan of the same vectors in
//! the same run, so that the ratios hold whatever the machine.
//!
//! `cargo bench -p steadfast-index --bench vector` prints, per corpus: the rows
//! scored exactly per query (p50 and greatest), then the times: scan by threads
//! and scope, f32 scan, build, merge, verify.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark reports, and stops when it cannot"
)]

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use std::convert::Infallible;
use std::hint::black_box;
use std::num::NonZeroUsize;
use std::time::Duration;
use steadfast_index::vector::{
    Corpus, Kernel, Options, Query, Segment, Space, Top, build, merge, top,
};
use steadfast_model::{Row, RowSet, StoreId};

const DIMENSIONS: usize = 128;
const CENTRES: u64 = 2000;
const QUERIES: usize = 200;

struct Bench {
    vectors: Vec<f32>,
    segment: Segment<Vec<u8>>,
    queries: Vec<Query>,
}

fn space() -> Space {
    Space {
        store: StoreId([1; 16]),
        model_hash: [2; 16],
        dimensions: DIMENSIONS,
    }
}

fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// Returns a number that looks normally distributed: the sum of four even ones.
#[expect(clippy::cast_precision_loss, reason = "a random fraction of 16 bits")]
fn normal(seed: u64) -> f32 {
    let bits = mix(seed);
    (0..4)
        .map(|part| (bits >> (16 * part) & 0xffff) as f32 / 32_768.0 - 1.0)
        .sum()
}

/// Returns a vector of length 1 near a centre, or near another vector.
fn near(centre: impl Fn(u64) -> f32, spread: f32, seed: u64) -> Vec<f32> {
    let values: Vec<f32> = (0..DIMENSIONS as u64)
        .map(|at| centre(at) + spread * normal(mix(seed).wrapping_add(at)))
        .collect();
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    values.iter().map(|value| value / length).collect()
}

impl Bench {
    fn new(count: usize) -> Self {
        let centre = |row: u64| {
            let centre = mix(row ^ 0x5eed) % CENTRES;
            move |at: u64| normal(centre << 20 | at)
        };
        let vectors: Vec<f32> = (0..count as u64)
            .flat_map(|row| near(centre(row), 0.8, row << 32))
            .collect();
        let segment = Segment::open(build(space(), rows(&vectors)).unwrap()).unwrap();
        let query = |number: usize| {
            let source = number * (count / QUERIES) * DIMENSIONS;
            let at = |at: u64| {
                vectors
                    .get(source + usize::try_from(at).unwrap())
                    .copied()
                    .unwrap_or_default()
            };
            Query::new(&near(at, 0.05, number as u64)).unwrap()
        };
        Self {
            queries: (0..QUERIES).map(query).collect(),
            segment,
            vectors,
        }
    }

    fn search(&self, query: &Query, scope: Option<&RowSet>, options: &Options) -> Top {
        let views = [self.segment.view()];
        let corpus = Corpus {
            segments: &views,
            tail: &[],
            scope,
        };
        let found = top::<Infallible>(query, &corpus, options, &mut |rows, give| {
            for row in rows {
                let from = (row.0 as usize - 1) * DIMENSIONS;
                give(
                    *row,
                    self.vectors
                        .get(from..from + DIMENSIONS)
                        .unwrap_or_default(),
                );
            }
            Ok(())
        });
        found.unwrap()
    }
}

fn rows(vectors: &[f32]) -> impl Iterator<Item = (Row, &[f32])> {
    (1..).map(Row).zip(vectors.chunks_exact(DIMENSIONS))
}

/// The baseline: every vector in f32, the best k kept in a sorted list.
fn plain(vectors: &[f32], query: &[f32], k: usize) -> Vec<(f32, u32)> {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        #[target_feature(enable = "avx2,fma")]
        fn fast(vectors: &[f32], query: &[f32], k: usize) -> Vec<(f32, u32)> {
            plain_rows(vectors, query, k, f32::mul_add)
        }
        #[expect(
            unsafe_code,
            reason = "the only way to call a function for a detected instruction set"
        )]
        // SAFETY: this machine has AVX2 and FMA, as was just detected.
        return unsafe { fast(vectors, query, k) };
    }
    plain_rows(vectors, query, k, |a, b, sum| a * b + sum)
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled for each instruction set")]
fn plain_rows(
    vectors: &[f32],
    query: &[f32],
    k: usize,
    add: impl Fn(f32, f32, f32) -> f32,
) -> Vec<(f32, u32)> {
    let mut best: Vec<(f32, u32)> = Vec::with_capacity(k + 1);
    for (row, values) in (1..).zip(vectors.chunks_exact(DIMENSIONS)) {
        let mut sums = [0.0_f32; 32];
        for (values, query) in values
            .as_chunks::<32>()
            .0
            .iter()
            .zip(query.as_chunks::<32>().0)
        {
            for ((sum, &value), &query) in sums.iter_mut().zip(values).zip(query) {
                *sum = add(value, query, *sum);
            }
        }
        let score: f32 = sums.iter().sum();
        if best.len() < k || best.last().is_some_and(|last| last.0 < score) {
            let at = best.partition_point(|found| found.0 >= score);
            best.insert(at, (score, row));
            best.truncate(k);
        }
    }
    best
}

fn report(bench: &Bench, name: &str, scope: Option<&RowSet>) {
    for k in [10, 100] {
        let rescored = |query| bench.search(query, scope, &Options::best(k)).rows_rescored;
        let mut rows: Vec<usize> = bench.queries.iter().map(rescored).collect();
        rows.sort_unstable();
        let (median, most) = (rows.get(rows.len() / 2), rows.last());
        println!("{name} k={k}: rows scored exactly p50 {median:?} max {most:?}");
    }
}

fn scope(count: usize, keep: impl Fn(u64) -> bool) -> RowSet {
    let rows = (1..=u32::try_from(count).unwrap()).map(Row);
    rows.filter(|row| keep(mix(u64::from(row.0)))).collect()
}

fn scan(c: &mut Criterion, name: &str, count: usize) {
    let bench = Bench::new(count);
    let spread = |per_mille: u64| scope(count, |random| random % 1000 < per_mille);
    let hundred = {
        let step = u32::try_from(count).unwrap() / 100;
        (0..100)
            .map(|part| Row(part * step + 1))
            .collect::<RowSet>()
    };
    let scopes = [
        ("none", None),
        ("98 percent", Some(spread(980))),
        ("10 percent", Some(spread(100))),
        ("1 percent", Some(spread(10))),
        ("100 rows", Some(hundred)),
    ];
    let mut group = c.benchmark_group(name);
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    for (scope_name, scope) in &scopes {
        report(
            &bench,
            &format!("{name} scope {scope_name}"),
            scope.as_ref(),
        );
        let mut time = |threads: usize, k: usize, kernel: Kernel, label: &str| {
            let options = Options {
                threads_max: NonZeroUsize::new(threads).unwrap(),
                kernel,
                ..Options::best(k)
            };
            let mut queries = bench.queries.iter().cycle();
            group.bench_function(BenchmarkId::new(*scope_name, label), |b| {
                b.iter(|| bench.search(queries.next().unwrap(), scope.as_ref(), &options));
            });
        };
        time(1, 10, Kernel::Fastest, "1 thread k=10");
        time(2, 10, Kernel::Fastest, "2 threads k=10");
        if scope.is_none() {
            time(1, 100, Kernel::Fastest, "1 thread k=100");
            time(1, 1000, Kernel::Fastest, "1 thread k=1000");
            time(1, 10, Kernel::Portable, "1 thread k=10 portable");
        }
    }
    let mut queries = bench.queries.iter().cycle();
    group.bench_function("plain f32, 1 thread k=10", |b| {
        b.iter(|| {
            plain(
                black_box(&bench.vectors),
                queries.next().unwrap().values(),
                10,
            )
        });
    });
    group.finish();
    upkeep(c, name, &bench);
}

fn upkeep(c: &mut Criterion, name: &str, bench: &Bench) {
    let count = bench.vectors.len() / DIMENSIONS;
    let mut group = c.benchmark_group(name);
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    group.bench_function("build", |b| {
        b.iter(|| build(space(), rows(&bench.vectors)).unwrap());
    });
    let bytes = build(space(), rows(&bench.vectors)).unwrap();
    group.bench_function("open", |b| {
        b.iter(|| Segment::open(bytes.as_slice()).unwrap());
    });
    let part = |part: usize| {
        let rows = rows(&bench.vectors).skip(part * count / 8).take(count / 8);
        Segment::open(build(space(), rows).unwrap()).unwrap()
    };
    let parts: Vec<Segment<Vec<u8>>> = (0..8).map(part).collect();
    let parts: Vec<&Segment<Vec<u8>>> = parts.iter().collect();
    let keep = RowSet::range(Row(1), Row(u32::try_from(count).unwrap()));
    group.bench_function("merge of 8", |b| {
        b.iter(|| merge(&parts, &keep, &|| ()).unwrap());
    });
    group.finish();
}

fn all(c: &mut Criterion) {
    scan(c, "100k x 128", 100_000);
    scan(c, "1M x 128", 1_000_000);
}

criterion_group!(benches, all);
criterion_main!(benches);
