//! How well searches find what they should, through the real line in and the real line out.
//!
//! A data set becomes conversations or files in a store of its own, each
//! question a [`SearchRequest`] over it. Measured are the evidence found among
//! the first 5 and 10, by unit (a message, a function) and by session, and
//! nDCG@10 against the true ideal order. A session scores `s1 + .5 s2 + .25 s3`
//! over its best messages. Texts of a data set never come into the repository.

mod cosqa;
mod locomo;
mod longmemeval;
mod measure;
mod sizes;
mod tune;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use steadfast::ingest::chunk::ChunkLimits;
use steadfast::model::{Filter, Namespace};
use steadfast::{Formula, Memory, Mode, SearchRequest};

use crate::figures::Times;
use measure::Tally;
pub(crate) use sizes::{Corpus, run as sizes};

/// Messages that a search returns to rank units and sessions by.
const DEPTH: usize = 60;

/// A data set, ingested.
struct Task {
    memory: Memory,
    questions: Vec<Question>,
    /// The unit and the session of each chunk, by its id.
    units: BTreeMap<String, (String, String)>,
    has_sessions: bool,
    /// Dropped last: the store lives in it.
    _folder: tempfile::TempDir,
}

struct Question {
    text: String,
    namespace: Namespace,
    category: String,
    units: BTreeSet<String>,
    sessions: BTreeSet<String>,
}

/// Which public layout a file has.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Layout {
    /// `LoCoMo`: conversations of two people, with questions and the turns that answer them
    Locomo,
    /// `LongMemEval`: a haystack of chats for each question
    Longmemeval,
    /// `CoSQA` as `{documents, queries}`, gzipped: questions and the function that answers each
    Cosqa,
}

pub(crate) fn run(
    layout: Layout,
    file: &Path,
    by_category: bool,
    chunk_bytes: Option<usize>,
) -> anyhow::Result<()> {
    let started = Instant::now();
    let mut limits = ChunkLimits::default();
    if let Some(bytes) = chunk_bytes {
        limits.bytes_target = bytes;
        limits.bytes_max = 2 * bytes;
    }
    let task = load(layout, file, limits)?;
    say(&format!(
        "{} questions over {} chunks, ingested in {:.1} s",
        task.questions.len(),
        task.units.len(),
        started.elapsed().as_secs_f64()
    ));
    say(&measure::heading(task.has_sessions));
    for (place, way) in WAYS.iter().enumerate() {
        let (all, categories, times) = ask(&task, way)?;
        say(&format!(
            "{} {} |",
            all.row(way.name, task.has_sessions),
            times.text()
        ));
        if by_category && place == 0 {
            for (category, tally) in categories {
                let name = format!("- {category} ({})", tally.questions());
                say(&format!("{} |", tally.row(&name, task.has_sessions)));
            }
        }
    }
    let unanswerable = task.questions.iter().filter(|one| one.units.is_empty());
    let unanswerable = unanswerable.count();
    if unanswerable > 0 {
        say(&format!(
            "{unanswerable} questions name no evidence and count as answered, in every row."
        ));
    }
    Ok(())
}

/// A way to search, and the row that it has in the table.
struct Way {
    name: &'static str,
    mode: Mode,
    formula: fn() -> Formula,
}

/// The product first.
const WAYS: &[Way] = &[
    Way {
        name: "hybrid",
        mode: Mode::Hybrid,
        formula: Formula::default,
    },
    Way {
        name: "words alone, same formula",
        mode: Mode::Text,
        formula: Formula::default,
    },
    Way {
        name: "BM25 of the chunk and nothing else",
        mode: Mode::Text,
        formula: bm25,
    },
    Way {
        name: "vector only",
        mode: Mode::Vector,
        formula: Formula::default,
    },
];

/// Returns the formula that is plain BM25: what others compare with.
fn bm25() -> Formula {
    let mut formula = Formula::default();
    (formula.own_words, formula.reply) = (1.0, 1.0);
    (formula.parent, formula.speaker) = (0.0, 0.0);
    (formula.date, formula.when) = (0.0, 0.0);
    formula
}

/// Chooses the formula by cross-validation and prints what it scores where it was not chosen.
pub(crate) fn tune(layout: Layout, file: &Path) -> anyhow::Result<()> {
    tune::run(&load(layout, file, ChunkLimits::default())?)
}

fn load(layout: Layout, file: &Path, limits: ChunkLimits) -> anyhow::Result<Task> {
    match layout {
        Layout::Locomo => locomo::load(file),
        Layout::Longmemeval => longmemeval::load(file),
        Layout::Cosqa => cosqa::load(file, limits),
    }
}

fn ask(task: &Task, way: &Way) -> anyhow::Result<(Tally, BTreeMap<String, Tally>, Times)> {
    let mut all = Tally::default();
    let mut categories: BTreeMap<String, Tally> = BTreeMap::new();
    let mut times: Vec<Duration> = Vec::new();
    for question in &task.questions {
        let started = Instant::now();
        let found = found(task, question, way.mode, (way.formula)())?;
        times.push(started.elapsed());
        let category = categories.entry(question.category.clone()).or_default();
        for tally in [&mut all, category] {
            tally.add(question, &found);
        }
    }
    Ok((all, categories, Times::of(times)))
}

/// The units and sessions that a search found, best first.
struct Found {
    units: Vec<String>,
    sessions: Vec<String>,
}

fn found(task: &Task, question: &Question, mode: Mode, formula: Formula) -> anyhow::Result<Found> {
    let mut request = SearchRequest::new(question.text.as_str());
    request.limit = DEPTH;
    request.mode = mode;
    request.formula = formula;
    request.filter = Filter {
        namespaces: vec![question.namespace.clone()],
        ..Filter::default()
    };
    let answer = task.memory.search(&request)?;
    anyhow::ensure!(answer.coverage.complete, "a search was not complete");
    let mut units: Vec<String> = Vec::new();
    let mut sessions: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for hit in &answer.hits {
        // A unit that is a copy of another stands beside it.
        let places = hit.also_in.iter().map(|also| &also.id);
        for id in std::iter::once(&hit.chunk.id).chain(places) {
            let Some((unit, session)) = task.units.get(&id.to_string()) else {
                continue;
            };
            // A long message has several chunks; the best stands for it.
            if !units.contains(unit) {
                units.push(unit.clone());
                sessions.entry(session).or_default().push(hit.score);
            }
        }
    }
    Ok(Found {
        units,
        sessions: measure::rank_sessions(sessions),
    })
}

#[expect(clippy::print_stdout, reason = "the output of the command")]
fn say(line: &str) {
    println!("{line}");
}

/// Returns a field as text; nothing for what is absent.
fn text_of(value: &serde_json::Value, field: &str) -> String {
    match value.get(field) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// Opens a new store in a new folder.
fn open() -> anyhow::Result<(tempfile::TempDir, Memory)> {
    let folder = tempfile::tempdir()?;
    let memory = Memory::options()
        .create(true)
        .open(folder.path().join("store"))?;
    Ok((folder, memory))
}
