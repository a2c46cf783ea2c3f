//! Throughput of the built-in model on one thread, with the `tokenizers` crate in the same run as the yardstick.
//!
//! Texts have about 110 tokens: running prose with rarer words of the
//! vocabulary mixed in, so that the table is not read from the nearest cache only.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark over its own fixed input"
)]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use steadfast_embed::{Embed, StaticModel};
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

const TEXTS: usize = 1000;
const WORDS_PER_TEXT: usize = 88;
const PROSE: &str = "We moved the nightly backup to the second disk, because the first one \
    was full again on Tuesday. Anna said that restoring took about forty minutes; the index was \
    rebuilt afterwards without errors. If the process is killed while it writes, the journal is \
    replayed when the store is opened, and nothing that was acknowledged is lost. Please remember \
    to rotate the keys in October, and ask the hosting company whether snapshots are encrypted.";

fn corpus() -> Vec<String> {
    let prose: Vec<&str> = PROSE.split_whitespace().collect();
    let rare: Vec<String> = StaticModel::built_in()
        .vocabulary()
        .filter(|token| !token.starts_with("##"))
        .collect();
    let mut state = 1_u64;
    let mut draw = |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    (0..TEXTS)
        .map(|_| {
            let first = draw(prose.len());
            let words = (0..WORDS_PER_TEXT).map(|place| match draw(4) {
                0 => rare[draw(rare.len())].as_str(),
                _ => prose[(first + place) % prose.len()],
            });
            words.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn yardstick() -> Tokenizer {
    let tokens: Vec<String> = StaticModel::built_in()
        .vocabulary()
        .chain(["[UNK]".to_owned()])
        .collect();
    let model = WordPiece::builder()
        .vocab(WordPiece::read_bytes(tokens.join("\n").as_bytes()).unwrap())
        .unk_token("[UNK]".to_owned())
        .build()
        .unwrap();
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::default()));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer
}

fn throughput(criterion: &mut Criterion) {
    let model = StaticModel::built_in();
    let texts = corpus();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let tokenizer = yardstick();
    let mut group = criterion.benchmark_group("embed_1000_texts");
    group.throughput(Throughput::Elements(TEXTS as u64));
    group.bench_function("wordpiece", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|text| model.count_tokens(text).known)
                .sum::<usize>()
        });
    });
    group.bench_function("embed", |bencher| bencher.iter(|| model.embed(&texts)));
    group.sample_size(10);
    group.bench_function("tokenizers_crate", |bencher| {
        bencher.iter(|| {
            texts
                .iter()
                .map(|text| tokenizer.encode_fast(*text, false).unwrap().len())
                .sum::<usize>()
        });
    });
    group.finish();
}

fn start(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("start");
    // The first use costs two short strings; the file is read in place.
    group.bench_function("built_in_and_one_question", |bencher| {
        bencher
            .iter(|| black_box(StaticModel::built_in()).embed_one("Where do we keep the backups?"));
    });
    group.bench_function("is_intact", |bencher| {
        bencher.iter(|| StaticModel::built_in().is_intact());
    });
    group.sample_size(10);
    group.bench_function("tokenizers_crate", |bencher| {
        bencher.iter_batched(|| (), |()| yardstick(), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, throughput, start);
criterion_main!(benches);
