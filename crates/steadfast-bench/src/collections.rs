//! Collections: one large batch in, questions over many records, reads by id.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use steadfast::collection::{
    Collection, CollectionOptions, Field, GetRequest, QueryRequest, Records,
};
use steadfast::{Derived, Memory, Silent};

use crate::corpus::Draw;
use crate::figures::{Table, Times, per_second};

/// Records of one batch.
const BATCH: usize = 10_000;
/// Questions of one measurement.
const QUESTIONS: usize = 30;
/// Ids of one read.
const READ: usize = 1_000;
/// How many records a question asks for.
const RESULTS: usize = 10;

/// Measures collections of `count` records: embedded here, and with given vectors of 128 and 384 numbers.
pub(crate) fn run(folder: &Path, count: usize, table: &mut Table) -> anyhow::Result<()> {
    for (name, dimensions) in [
        ("made by the model", None),
        ("given, 128 numbers", Some(128)),
        ("given, 384 numbers", Some(384)),
    ] {
        let place = folder.join(name.replace([' ', ','], "-"));
        let memory = Memory::options().create(true).open(&place)?;
        let collections = memory.collections();
        let collection =
            collections.get_or_create_collection("bench", &CollectionOptions::default())?;
        measure(&memory, &collection, (name, dimensions), count, table)?;
    }
    Ok(())
}

fn measure(
    memory: &Memory,
    collection: &Collection,
    (name, dimensions): (&str, Option<usize>),
    count: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    let mut draw = Draw::new(5);
    let mut times = Vec::new();
    for first in (0..count).step_by(BATCH) {
        let records = records(&mut draw, first, BATCH.min(count - first), dimensions);
        times.push(timed(|| Ok(collection.add(&records)?))?);
    }
    let median = Times::of(times).median();
    table.add(
        &format!("add of {BATCH} records in one commit, vectors {name}"),
        per_second(BATCH as u64, median),
        "",
    );
    memory.rebuild(Derived::All, &Silent)?;
    let narrow = json!({"number": {"$lt": count / 100}});
    for (what, filter) in [("", None), (" of 1 % by metadata", Some(narrow))] {
        let mut times = Vec::new();
        for _ in 0..QUESTIONS {
            let mut request = match dimensions {
                Some(dimensions) => QueryRequest::embeddings([vector(&mut draw, dimensions)]),
                None => QueryRequest::texts([text(&mut draw, 8)]),
            };
            request.results = RESULTS;
            request.filter.clone_from(&filter);
            times.push(timed(|| Ok(collection.query(&request)?))?);
        }
        table.add(
            &format!("query{what} over {count} records, vectors {name}"),
            Times::of(times).text(),
            "",
        );
    }
    let ids: Vec<String> = (0..READ)
        .map(|number| format!("id {}", number * (count / READ).max(1)))
        .collect();
    for fields in [
        vec![Field::Documents, Field::Metadatas],
        Field::ALL.to_vec(),
    ] {
        let request = GetRequest::ids(ids.clone()).include(fields.clone());
        let mut times = Vec::new();
        for _ in 0..QUESTIONS {
            times.push(timed(|| Ok(collection.get(&request)?))?);
        }
        let with = if fields.contains(&Field::Embeddings) {
            " with vectors"
        } else {
            ""
        };
        table.add(
            &format!("get of {READ} ids{with}, vectors {name}"),
            Times::of(times).text(),
            "",
        );
    }
    Ok(())
}

fn records(draw: &mut Draw, first: usize, count: usize, dimensions: Option<usize>) -> Records {
    let numbers = || first..first + count;
    let mut records = Records::new(numbers().map(|number| format!("id {number}")))
        .documents(numbers().map(|_| text(draw, 60)));
    records.metadatas = Some(
        numbers()
            .map(|number| {
                let mut meta = steadfast::model::Metadata::new();
                meta.insert("number".to_owned(), json!(number));
                meta.insert("wing".to_owned(), json!(format!("wing {}", number % 7)));
                meta
            })
            .collect(),
    );
    if let Some(dimensions) = dimensions {
        records.embeddings = Some(numbers().map(|_| vector(draw, dimensions)).collect());
    }
    records
}

fn text(draw: &mut Draw, words: usize) -> String {
    (0..words)
        .map(|_| draw.word())
        .collect::<Vec<_>>()
        .join(" ")
}

fn vector(draw: &mut Draw, dimensions: usize) -> Vec<f32> {
    let number = |draw: &mut Draw| f32::from(u16::try_from(draw.below(2001)).unwrap_or(0));
    (0..dimensions)
        .map(|_| number(draw) / 1000.0 - 1.0)
        .collect()
}

fn timed<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<Duration> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed())
}
