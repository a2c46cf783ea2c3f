//! Random histories against a plain map.

use serde_json::{Value, json};
use steadfast_model::Metadata;
use steadfast_model::record::merge;

use super::bench::{Bench, meta};
use crate::collection::{
    Collection, DeleteRequest, Field, GetRequest, QueryRequest, Records, Written,
};

/// Calls in one history.
const STEPS: usize = 60;
/// Histories.
const SEEDS: u64 = 4;

/// A record as the plain map keeps it, in the order in which records came in.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    id: String,
    document: String,
    meta: Metadata,
    vector: Vec<f32>,
}

/// The splitmix64 generator: small, and the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((value ^ (value >> 31)) % end as u64).unwrap_or(0)
    }

    fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Returns some of few ids, each once, so that most calls meet records of earlier ones.
    fn ids(&mut self) -> Vec<String> {
        let first = self.below(12);
        let count = 1 + self.below(4);
        let ids = (0..count).map(|step| format!("id {}", (first + step * 5) % 12));
        ids.collect()
    }

    fn meta(&mut self) -> Metadata {
        let value = match self.below(4) {
            0 => json!({"n": self.below(5), "s": "x"}),
            1 => json!({"n": null, "list": [self.below(3), "y"]}),
            2 => json!({"s": format!("x{}", self.below(3)), "f": 0.5}),
            _ => json!({}),
        };
        meta(value)
    }

    fn vector(&mut self) -> Vec<f32> {
        let mut number = || f32::from(u8::try_from(self.below(5)).unwrap_or(0)) - 2.0;
        vec![number(), number(), number()]
    }

    fn filter(&mut self) -> Value {
        match self.below(5) {
            0 => json!({"n": {"$gte": self.below(5)}}),
            1 => json!({"s": {"$ne": "x"}}),
            2 => json!({"list": {"$contains": "y"}}),
            3 => json!({"$or": [{"n": 1}, {"f": {"$lt": 1}}]}),
            _ => json!({"s": {"$nin": ["x0", "x1"]}, "n": {"$in": [0, 1, 2]}}),
        }
    }
}

/// Every call of a random history says what a plain map says, and leaves what it leaves.
pub fn random_histories_equal_a_plain_map(bench: &Bench<'_>) {
    for seed in 0..SEEDS {
        let collection = bench.collection();
        let mut random = Random(seed);
        let mut plain: Vec<Plain> = Vec::new();
        for step in 0..STEPS {
            let when = format!("seed {seed}, step {step}");
            match random.below(10) {
                0..7 => write(&collection, &mut random, &mut plain, &when),
                7..9 => {
                    let ids = random.ids();
                    let deleted = collection.delete(&DeleteRequest::ids(ids.clone()));
                    let before = plain.len();
                    plain.retain(|record| !ids.contains(&record.id));
                    let gone = (before - plain.len()) as u64;
                    assert_eq!(deleted.expect("a commit").deleted, gone, "{when}");
                }
                _ => {
                    let filter = random.filter();
                    let deleted = collection.delete(&DeleteRequest::matching(filter.clone()));
                    let before = plain.len();
                    plain.retain(|record| !matches(&filter, record));
                    let gone = (before - plain.len()) as u64;
                    assert_eq!(deleted.expect("a commit").deleted, gone, "{when}");
                }
            }
            same(&collection, &mut random, &plain, &when);
        }
    }
}

fn matches(filter: &Value, record: &Plain) -> bool {
    steadfast_model::Expression::parse(filter)
        .expect("a filter")
        .matches(&record.meta)
}

fn write(collection: &Collection, random: &mut Random, plain: &mut Vec<Plain>, when: &str) {
    let ids = random.ids();
    let documents: Vec<String> = ids
        .iter()
        .map(|_| format!("text {}", random.below(4)))
        .collect();
    let metas: Vec<Metadata> = ids.iter().map(|_| random.meta()).collect();
    let vectors: Vec<Vec<f32>> = ids.iter().map(|_| random.vector()).collect();
    let mode = random.below(3);
    let mut records = Records::new(ids.clone());
    records.embeddings = Some(vectors);
    if mode != 2 || random.chance(60) {
        records.documents = Some(documents);
    }
    if mode != 2 || random.chance(60) {
        records.metadatas = Some(metas);
    }
    if mode == 2 && random.chance(30) && records.documents.is_some() {
        records.embeddings = None;
    }
    let written = match mode {
        0 => collection.add(&records),
        1 => collection.upsert(&records),
        _ => collection.update(&records),
    }
    .expect("a commit");
    let counted = apply(plain, &records, mode);
    let told = |written: Written| {
        [
            written.inserted,
            written.updated,
            written.unchanged,
            written.missing,
        ]
    };
    assert_eq!(told(written), counted, "{when}: {mode} {records:?}");
}

/// Does to the plain map what a call does; returns how many were inserted, updated, unchanged and missing.
fn apply(plain: &mut Vec<Plain>, records: &Records, mode: usize) -> [u64; 4] {
    let mut counts = [0; 4];
    for (number, id) in records.ids.iter().enumerate() {
        let document = records.documents.as_ref().map(|all| &all[number]);
        let vector = records.embeddings.as_ref().map(|all| &all[number]);
        let change = records.metadatas.as_ref().map(|all| &all[number]);
        let place = plain.iter().position(|record| record.id == *id);
        let (Some(place), true) = (place, mode != 0) else {
            match (place, mode) {
                (Some(_), _) => counts[2] += 1,
                (None, 2) => counts[3] += 1,
                (None, _) => {
                    let mut meta = Metadata::new();
                    merge(&mut meta, change.expect("metadata"));
                    plain.push(Plain {
                        id: id.clone(),
                        document: document.expect("a document").clone(),
                        meta,
                        vector: vector.expect("a vector").clone(),
                    });
                    counts[0] += 1;
                }
            }
            continue;
        };
        let before = plain[place].clone();
        let mut after = before.clone();
        if mode == 1 {
            after.meta = Metadata::new();
        }
        after.meta = match change {
            Some(change) => {
                merge(&mut after.meta, change);
                after.meta
            }
            None => after.meta,
        };
        if let Some(document) = document {
            after.document.clone_from(document);
        }
        if let Some(vector) = vector {
            after.vector.clone_from(vector);
        }
        counts[if after == before { 2 } else { 1 }] += 1;
        if after.document == before.document {
            plain[place] = after;
        } else {
            plain.remove(place);
            plain.push(after);
        }
    }
    counts
}

fn same(collection: &Collection, random: &mut Random, plain: &[Plain], when: &str) {
    let all = GetRequest::all().include(Field::ALL);
    let got = collection.get(&all).expect("records");
    let vectors = got.embeddings.expect("vectors");
    let found: Vec<Plain> = (0..got.ids.len())
        .map(|number| Plain {
            id: got.ids[number].clone(),
            document: got.documents[number].clone().unwrap_or_default(),
            meta: got.metadatas[number].clone(),
            vector: vectors[number].clone(),
        })
        .collect();
    assert_eq!(found, plain, "{when}");
    assert_eq!(collection.count().expect("a count"), plain.len() as u64);
    let filter = random.filter();
    let wanted: Vec<&str> = plain
        .iter()
        .filter(|record| matches(&filter, record))
        .map(|record| record.id.as_str())
        .collect();
    let request = GetRequest::all().filter(filter.clone()).include([]);
    assert_eq!(
        collection.get(&request).expect("records").ids,
        wanted,
        "{when}"
    );
    let question = QueryRequest::embeddings([random.vector()])
        .results(50)
        .filter(filter);
    let answer = collection.query(&question).expect("an answer");
    let mut ids: Vec<&str> = answer.ids[0].iter().map(String::as_str).collect();
    let mut wanted = wanted;
    ids.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(ids, wanted, "{when}");
    assert!(answer.distances[0].is_sorted(), "{when}");
}
