//! A second opinion: tantivy over the same rows finds the same rows for the same scores.
//!
//! tantivy fixes k1 and b and rounds lengths above 40 to one byte; below that
//! both engines must agree to the precision of f32, above it nearly.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::HashMap;
use steadfast_index::analyze::QueryTerms;
use steadfast_index::text::{Bm25, Scratch, Segment, Stats, Tail, View, build};
use steadfast_model::{AnalyzerId, HashedTerms, Row, RowSet, StoreId};
use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, Occur, Query, TermQuery};
use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, WhitespaceTokenizer};
use tantivy::{Index, Searcher, TantivyDocument, Term};

const ROWS: u32 = 600;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn corpus(tokens_max: u64) -> Vec<Vec<u64>> {
    let mut random = Random(0x9e37_79b9);
    let mut word = |_| {
        let range = 2 << random.below(11);
        random.below(range)
    };
    (0..u64::from(ROWS))
        .map(|row| (0..=row * 7919 % tokens_max).map(&mut word).collect())
        .collect()
}

fn hash(word: u64) -> u64 {
    (word + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Document = row - 1: one thread, one segment.
fn tantivy(corpus: &[Vec<u64>]) -> Searcher {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("words")
        .set_index_option(IndexRecordOption::WithFreqs);
    let mut schema = Schema::builder();
    let text = schema.add_text_field(
        "text",
        TextOptions::default().set_indexing_options(indexing),
    );
    let index = Index::create_in_ram(schema.build());
    index
        .tokenizers()
        .register("words", TextAnalyzer::from(WhitespaceTokenizer::default()));
    let mut writer = index.writer_with_num_threads(1, 50_000_000).unwrap();
    for words in corpus {
        let mut document = TantivyDocument::new();
        let words: Vec<String> = words.iter().map(|word| format!("w{word}")).collect();
        document.add_text(text, words.join(" "));
        writer.add_document(document).unwrap();
    }
    writer.commit().unwrap();
    let searcher = index.reader().unwrap().searcher();
    assert_eq!(searcher.segment_readers().len(), 1);
    searcher
}

fn tantivy_top(searcher: &Searcher, words: &[u64], k: usize) -> Vec<(Row, f32)> {
    let field = searcher.schema().get_field("text").unwrap();
    let term = |word: &u64| {
        let term = Term::from_field_text(field, &format!("w{word}"));
        let query = TermQuery::new(term, IndexRecordOption::WithFreqs);
        (Occur::Should, Box::new(query) as Box<dyn Query>)
    };
    let query = BooleanQuery::new(words.iter().map(term).collect());
    let found = searcher
        .search(&query, &TopDocs::with_limit(k).order_by_score())
        .unwrap();
    found
        .into_iter()
        .map(|(score, address)| (Row(address.doc_id + 1), score))
        .collect()
}

/// Compares 100 queries; returns the part of tantivy's best ten that are among ours.
fn overlap(tokens_max: u64, difference_max: f32) -> f64 {
    let corpus = corpus(tokens_max);
    let terms: Vec<(Row, HashedTerms)> = (1..)
        .map(Row)
        .zip(&corpus)
        .map(|(row, words)| {
            let hashes = words.iter().map(|word| hash(*word)).collect();
            (row, HashedTerms::from_tokens(hashes))
        })
        .collect();
    let rows = terms.iter().map(|(row, terms)| (*row, terms));
    let bytes = build(StoreId([1; 16]), AnalyzerId(1), rows).unwrap();
    let segments = [Segment::open(bytes).unwrap()];
    let view = View {
        segments: &segments,
        dead: &[],
        tail: Tail::default(),
        stats: Stats {
            rows_live: u64::from(ROWS),
            tokens_live: segments[0].tokens(),
        },
    };
    let searcher = tantivy(&corpus);
    let params = Bm25 { k1: 1.2, b: 0.75 };
    let everything = RowSet::range(Row(1), Row(ROWS));
    let all: Vec<Row> = (1..=ROWS).map(Row).collect();
    let mut scratch = Scratch::default();
    let (mut shared, mut total) = (0_u32, 0_u32);
    for query in 0..100 {
        let mut words = corpus[query * 5 + 1].clone();
        words.sort_unstable();
        words.dedup();
        words.truncate(6);
        let terms = QueryTerms::from_weights(words.iter().map(|word| (hash(*word), 1.0)));
        let search = view.search(&terms);
        let ours = search.top(10, &everything, params, &mut scratch);
        let theirs = tantivy_top(&searcher, &words, 10);
        assert_eq!(ours.len(), theirs.len());
        let scores = search.scores(&all, params, &mut scratch);
        let scores: HashMap<Row, f32> = all.iter().copied().zip(scores).collect();
        for ((_, our_score), (row, their_score)) in ours.iter().zip(&theirs) {
            let near = |score: f32| (score - their_score).abs() <= difference_max * theirs[0].1;
            assert!(
                near(scores[row]),
                "row {}: {} {their_score}",
                row.0,
                scores[row]
            );
            assert!(near(*our_score), "place of row {}", row.0);
            total += 1;
            shared += u32::from(ours.iter().any(|(ours, _)| ours == row));
        }
    }
    f64::from(shared) / f64::from(total)
}

#[test]
fn short_rows_score_the_same_in_tantivy() {
    // Only rows of equal score may differ, where the tenth place is shared.
    assert!(overlap(40, 3e-6) > 0.98);
}

#[test]
fn long_rows_score_within_its_rounding_of_lengths() {
    assert!(overlap(300, 0.06) > 0.93);
}
