//! Times the text index against tantivy over the same rows in the same run, so
//! that the ratios hold whatever the machine.
//!
//! `cargo bench -p steadfast-index --bench text` builds 100,000 chunks of 110
//! words whose frequencies fall like those of language, and times: analysis,
//! build, merge of ten segments, opening with every byte verified, and queries
//! of 8 and of 2 terms for the best 10 and 100 rows, with and without filters.
//! Each query is drawn from a chunk, without the 80 most frequent words. It
//! prints the sizes and, per kind of query, p50 and p95 of both engines.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a benchmark reports, and stops when it cannot"
)]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::{Duration, Instant};
use steadfast_index::analyze::{Analyzer, QueryTerms};
use steadfast_index::text::{Bm25, Scratch, Segment, Stats, Tail, View, build, merge};
use steadfast_model::{Analyze, AnalyzerId, HashedTerms, Row, RowSet, StoreId};
use tantivy::collector::{Collector, SegmentCollector};
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery, Weight};
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, WhitespaceTokenizer};
use tantivy::{DocId, Index, Score, SegmentReader, TantivyDocument, Term};

const CHUNKS: u32 = 100_000;
const WORDS: u64 = 110;
const QUERIES: usize = 300;
const STORE: StoreId = StoreId([1; 16]);
const ANALYZER: AnalyzerId = AnalyzerId(1);
/// tantivy fixes these two; both engines use them where they are compared.
const PARAMS: Bm25 = Bm25 { k1: 1.2, b: 0.75 };

/// Numbers that look random and are the same in every run (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A word by its rank: one over the rank, with 5 % of words seen once or twice.
    fn word(&mut self) -> u64 {
        const RANKS: f64 = 60_000.0;
        if self.below(100) < 5 {
            return 100_000 + self.below(400_000);
        }
        #[expect(clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "a rank")]
        let rank = RANKS.powf(self.next() as f64 / u64::MAX as f64) as u64 - 1;
        rank
    }
}

/// A word as letters; it is its own stem often enough.
fn spelled(word: u64) -> String {
    let mut word = word + 1;
    let mut out = String::new();
    while word > 0 {
        out.push(char::from(b"bcdfgklmnprtvz"[(word % 14) as usize]));
        out.push(char::from(b"aeiou"[(word / 14 % 5) as usize]));
        word /= 70;
    }
    out
}

struct World {
    chunks: Vec<Vec<u64>>,
    terms: Vec<(Row, HashedTerms)>,
    bytes: Vec<u8>,
    index: Index,
}

/// The hash of a word, spread like those of the analyser.
fn hash(word: u64) -> u64 {
    let mixed = (word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

fn generate() -> Vec<Vec<u64>> {
    let mut random = Random(0x5eed);
    let chunk = |random: &mut Random| {
        let words = WORDS / 2 + random.below(WORDS);
        (0..words).map(|_| random.word()).collect()
    };
    (0..CHUNKS).map(|_| chunk(&mut random)).collect()
}

fn schema() -> (Schema, tantivy::schema::Field) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("words")
        .set_index_option(IndexRecordOption::WithFreqs);
    let mut schema = Schema::builder();
    let text = schema.add_text_field(
        "text",
        TextOptions::default().set_indexing_options(indexing),
    );
    (schema.build(), text)
}

fn text_of(chunk: &[u64]) -> String {
    chunk.iter().map(|word| spelled(*word) + " ").collect()
}

/// One thread, one segment, documents in order: document = row - 1.
fn tantivy_index(chunks: &[Vec<u64>]) -> Index {
    let (schema, text) = schema();
    let index = Index::create_in_ram(schema);
    index
        .tokenizers()
        .register("words", TextAnalyzer::from(WhitespaceTokenizer::default()));
    let mut writer = index.writer_with_num_threads(1, 1 << 30).unwrap();
    for chunk in chunks {
        let mut document = TantivyDocument::new();
        document.add_text(text, text_of(chunk));
        writer.add_document(document).unwrap();
    }
    writer.commit().unwrap();
    let segments = index.searchable_segment_ids().unwrap();
    if segments.len() > 1 {
        writer.merge(&segments).wait().unwrap();
    }
    index
}

impl World {
    fn new() -> Self {
        let chunks = generate();
        let terms: Vec<(Row, HashedTerms)> = (1..)
            .map(Row)
            .zip(&chunks)
            .map(|(row, chunk)| {
                let hashes = chunk.iter().map(|word| hash(*word)).collect();
                (row, HashedTerms::from_tokens(hashes))
            })
            .collect();
        let start = Instant::now();
        let bytes = built(&terms);
        let own = start.elapsed();
        let start = Instant::now();
        let index = tantivy_index(&chunks);
        let theirs = start.elapsed();
        println!("build: own {own:.2?} from hashed terms, tantivy {theirs:.2?} from words");
        println!("segment: {} bytes", bytes.len());
        Self {
            chunks,
            terms,
            bytes,
            index,
        }
    }

    /// Distinct words of chunks spread over the corpus, none of the 80 most frequent.
    fn queries(&self, terms: usize) -> Vec<Vec<u64>> {
        let pick = |number: usize| {
            let chunk = &self.chunks[number * (self.chunks.len() / QUERIES)];
            let mut words: Vec<u64> = Vec::new();
            for word in chunk.iter().copied().filter(|word| *word >= 80) {
                if words.len() < terms && !words.contains(&word) {
                    words.push(word);
                }
            }
            words
        };
        (0..QUERIES).map(pick).collect()
    }
}

fn built(terms: &[(Row, HashedTerms)]) -> Vec<u8> {
    let rows = terms.iter().map(|(row, terms)| (*row, terms));
    build(STORE, ANALYZER, rows).unwrap()
}

/// The best documents of a set, pruned by the worst of them: what a filter costs in tantivy at its best.
struct Filtered<'a> {
    scope: &'a RowSet,
    k: usize,
}

struct Unused;

impl SegmentCollector for Unused {
    type Fruit = Vec<(Score, DocId)>;

    fn collect(&mut self, _: DocId, _: Score) {}

    fn harvest(self) -> Self::Fruit {
        Vec::new()
    }
}

// The collector borrows its scope for one search: tantivy only asks that it can be shared.
impl Collector for Filtered<'static> {
    type Fruit = Vec<(Score, DocId)>;
    type Child = Unused;

    fn for_segment(&self, _: u32, _: &SegmentReader) -> tantivy::Result<Unused> {
        Ok(Unused)
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, fruits: Vec<Self::Fruit>) -> tantivy::Result<Self::Fruit> {
        Ok(fruits.into_iter().flatten().collect())
    }

    fn collect_segment(
        &self,
        weight: &dyn Weight,
        _: u32,
        reader: &SegmentReader,
    ) -> tantivy::Result<Self::Fruit> {
        let mut best: Vec<(Score, DocId)> = Vec::with_capacity(self.k + 1);
        let mut floor = Score::MIN;
        weight.for_each_pruning(Score::MIN, reader, &mut |document, score| {
            if self.scope.contains(Row(document + 1)) {
                let place = best.partition_point(|(before, _)| *before >= score);
                best.insert(place, (score, document));
                best.truncate(self.k);
                if best.len() == self.k {
                    floor = best[self.k - 1].0;
                }
            }
            floor
        })?;
        Ok(best)
    }
}

/// The 50th and 95th of a hundred times, each query run twice and timed the second time.
fn percentiles(mut run: impl FnMut(usize)) -> (Duration, Duration) {
    let mut times: Vec<Duration> = (0..QUERIES)
        .map(|query| {
            run(query);
            let start = Instant::now();
            run(query);
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    (times[QUERIES / 2], times[QUERIES * 95 / 100])
}

fn scopes() -> Vec<(&'static str, RowSet)> {
    let mut random = Random(77);
    let mut spread = |part: u64| {
        let rows = (1..=CHUNKS).filter(|_| random.below(1_000_000) < part);
        rows.map(Row).collect::<RowSet>()
    };
    vec![
        ("none", RowSet::range(Row(1), Row(CHUNKS))),
        ("50 %", spread(500_000)),
        ("10 %", spread(100_000)),
        ("1 %", spread(10_000)),
        ("100 rows", spread(1_000)),
        ("10 rows", spread(100)),
    ]
}

fn queries(criterion: &mut Criterion, world: &World) {
    let segments = [Segment::open(world.bytes.clone()).unwrap()];
    let stats = Stats {
        rows_live: u64::from(CHUNKS),
        tokens_live: segments[0].tokens(),
    };
    let view = View {
        segments: &segments,
        dead: &[],
        tail: Tail::default(),
        stats,
    };
    let reader = world.index.reader().unwrap();
    let searcher = reader.searcher();
    let field = world.index.schema().get_field("text").unwrap();
    let mut scratch = Scratch::default();
    let mut group = criterion.benchmark_group("query");
    for (name, terms) in [("natural", 8), ("two-term", 2)] {
        let words = world.queries(terms);
        let own: Vec<QueryTerms> = words
            .iter()
            .map(|words| QueryTerms::from_weights(words.iter().map(|word| (hash(*word), 1.0))))
            .collect();
        let theirs: Vec<BooleanQuery> = words
            .iter()
            .map(|words| {
                let term = |word: &u64| {
                    let term = Term::from_field_text(field, &spelled(*word));
                    let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
                    (Occur::Should, Box::new(query) as Box<dyn Query>)
                };
                BooleanQuery::new(words.iter().map(term).collect())
            })
            .collect();
        for (scope_name, scope) in scopes() {
            let scope: &'static RowSet = Box::leak(Box::new(scope));
            for k in [10, 100] {
                let mut ours = |query: usize| {
                    black_box(view.search(&own[query]).top(k, scope, PARAMS, &mut scratch));
                };
                let other = |query: usize| {
                    black_box(
                        searcher
                            .search(&theirs[query], &Filtered { scope, k })
                            .unwrap(),
                    );
                };
                let (a, b) = (percentiles(&mut ours), percentiles(other));
                println!(
                    "{name:8} k {k:3} {scope_name:8}: own p50 {:>8.1?} p95 {:>8.1?}, tantivy p50 {:>8.1?} p95 {:>8.1?}, p50 ratio {:.1}",
                    a.0,
                    a.1,
                    b.0,
                    b.1,
                    b.0.as_secs_f64() / a.0.as_secs_f64()
                );
                if k == 10 {
                    let mut query = 0;
                    group.bench_function(format!("{name}/{scope_name}"), |bencher| {
                        bencher.iter(|| {
                            query = (query + 1) % QUERIES;
                            ours(query);
                        });
                    });
                }
            }
        }
    }
}

fn bulk(criterion: &mut Criterion, world: &World) {
    let mut group = criterion.benchmark_group("bulk");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::from(CHUNKS)));
    group.bench_function("build 100k rows", |bencher| {
        bencher.iter(|| built(&world.terms));
    });
    let tenths: Vec<Segment> = world
        .terms
        .chunks(world.terms.len() / 10)
        .map(|part| Segment::open(built(part)).unwrap())
        .collect();
    let tenths: Vec<&Segment> = tenths.iter().collect();
    let keep = RowSet::range(Row(1), Row(CHUNKS));
    assert_eq!(
        merge(&tenths, &keep, &|| ()).unwrap().into_bytes(),
        world.bytes
    );
    group.bench_function("merge 10 segments of 10k", |bencher| {
        bencher.iter(|| merge(&tenths, &keep, &|| ()).unwrap());
    });
    let bytes: &'static [u8] = Box::leak(world.bytes.clone().into_boxed_slice());
    group.bench_function("open and verify 100k rows", |bencher| {
        bencher.iter(|| Segment::open(bytes).unwrap());
    });
    let texts: Vec<String> = world
        .chunks
        .iter()
        .take(10_000)
        .map(|chunk| text_of(chunk))
        .collect();
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("analyse 10k chunks", |bencher| {
        bencher.iter(|| {
            for text in &texts {
                black_box(Analyzer.terms(text));
            }
        });
    });
}

fn tail(criterion: &mut Criterion, world: &World) {
    let added = &world.terms[..1000];
    let view = View {
        segments: &[],
        dead: &[],
        tail: Tail {
            added,
            removed: &[],
        },
        stats: Stats {
            rows_live: 1000,
            tokens_live: 110_000,
        },
    };
    let scope = RowSet::range(Row(1), Row(1000));
    let queries: Vec<QueryTerms> = world
        .queries(8)
        .iter()
        .map(|words| QueryTerms::from_weights(words.iter().map(|word| (hash(*word), 1.0))))
        .collect();
    let mut scratch = Scratch::default();
    let mut query = 0;
    criterion.bench_function("tail/natural over 1,000 rows", |bencher| {
        bencher.iter(|| {
            query = (query + 1) % QUERIES;
            view.search(&queries[query])
                .top(10, &scope, PARAMS, &mut scratch)
        });
    });
}

fn all(criterion: &mut Criterion) {
    let world = World::new();
    queries(criterion, &world);
    bulk(criterion, &world);
    tail(criterion, &world);
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(1));
    targets = all
}
criterion_main!(benches);
