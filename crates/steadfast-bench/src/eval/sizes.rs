//! How long chunks should be: how much of the evidence a reader gets in the first bytes of an answer.
//!
//! Ten short chunks and ten long ones are not the same answer, so hits are
//! taken until a number of bytes is full, and what is counted is the part of
//! the evidence, in bytes, that is among them. The evidence of a question is a
//! range of a file: the turns of a transcript that answer it, a function, or
//! what stands below a heading of a document whose words are the question.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;
use serde_json::Value;
use steadfast::ingest::chunk::ChunkLimits;
use steadfast::model::{Filter, Namespace};
use steadfast::{IndexOptions, Memory, SearchRequest, Silent};

use super::{DEPTH, open, say, text_of};
use crate::figures::Times;

/// Bytes of an answer that are read.
const BUDGETS: [u64; 4] = [2_000, 4_000, 8_000, 16_000];
/// Questions of one corpus.
const QUESTIONS_MAX: usize = 2_000;
/// Words of a heading that is a question, at least.
const WORDS_MIN: usize = 3;
/// Bytes below such a heading, at least.
const SECTION_BYTES_MIN: usize = 200;
/// The longest file of a folder of documents.
const FILE_BYTES_MAX: usize = 1 << 20;

/// What is cut.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Corpus {
    /// The conversations of a `LoCoMo` file as plain text, a paragraph a turn
    Text,
    /// The same as Markdown, a heading a session
    Markdown,
    /// The functions of a `CoSQA` file
    Code,
    /// The Markdown files of a folder; headings are the questions
    Docs,
}

/// A file of a corpus.
struct Source {
    /// Its name, below the folder of its group.
    name: String,
    /// Files that are searched together.
    group: usize,
    text: String,
}

/// A question, and where its answer stands.
struct Asked {
    text: String,
    group: usize,
    /// Numbers of sources, with ranges of their bytes that do not overlap.
    evidence: Vec<(usize, Range<usize>)>,
}

#[derive(Default)]
struct Corpora {
    sources: Vec<Source>,
    asked: Vec<Asked>,
}

/// Prints a row for each size.
pub(crate) fn run(corpus: Corpus, file: &Path, sizes: &[usize]) -> anyhow::Result<()> {
    let mut read = match corpus {
        Corpus::Text => transcripts(file, "txt")?,
        Corpus::Markdown => transcripts(file, "md")?,
        Corpus::Code => functions(file)?,
        Corpus::Docs => documents(file)?,
    };
    // The same for every size, and spread over the corpus.
    let step = read.asked.len().div_ceil(QUESTIONS_MAX).max(1);
    read.asked = read.asked.into_iter().step_by(step).collect();
    let questions = read.asked.len();
    say(&format!(
        "{questions} questions over {} files; the part of the evidence, in percent, in the first bytes returned",
        read.sources.len()
    ));
    let budgets = BUDGETS.map(|bytes| format!("{bytes} bytes")).join(" | ");
    say(&format!(
        "| target | chunks | mean bytes | {budgets} | time p50 |"
    ));
    say(&format!("|{}", "---|".repeat(BUDGETS.len() + 4)));
    for bytes_target in sizes {
        row(&read, *bytes_target)?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn row(read: &Corpora, bytes_target: usize) -> anyhow::Result<()> {
    let (folder, memory) = open()?;
    let mut options = IndexOptions::default();
    options.chunk_limits = ChunkLimits {
        bytes_target,
        bytes_max: 2 * bytes_target,
    };
    let numbers = write(read, &folder.path().join("tree"), &memory, &mut options)?;
    let chunks = memory.status()?.chunks;
    let bytes: usize = read.sources.iter().map(|source| source.text.len()).sum();
    let mut sums = [0.0; BUDGETS.len()];
    let mut times = Vec::with_capacity(read.asked.len());
    for asked in &read.asked {
        let started = Instant::now();
        let parts = parts(asked, &memory, &numbers)?;
        times.push(started.elapsed());
        for (sum, part) in sums.iter_mut().zip(parts) {
            *sum += part;
        }
    }
    let questions = (read.asked.len() as f64).max(1.0);
    let columns = sums.map(|sum| format!("{:.1}", 100.0 * sum / questions));
    say(&format!(
        "| {bytes_target} | {chunks} | {} | {} | {} |",
        (bytes as u64).checked_div(chunks).unwrap_or(0),
        columns.join(" | "),
        Times::of(times).text()
    ));
    Ok(())
}

/// Writes the files of a corpus and indexes them; returns the number of each source.
fn write(
    read: &Corpora,
    tree: &Path,
    memory: &Memory,
    options: &mut IndexOptions,
) -> anyhow::Result<BTreeMap<String, usize>> {
    let mut numbers = BTreeMap::new();
    let mut folders: BTreeMap<usize, PathBuf> = BTreeMap::new();
    for (number, source) in read.sources.iter().enumerate() {
        let folder = tree.join(source.group.to_string());
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(&source.name);
        std::fs::write(&path, &source.text)?;
        let path = std::fs::canonicalize(path)?;
        numbers.insert(path.to_string_lossy().into_owned(), number);
        folders.insert(source.group, folder);
    }
    for (group, folder) in folders {
        options.namespace = Some(namespace(group)?);
        memory.index(&[folder], options, &Silent)?;
    }
    Ok(numbers)
}

fn namespace(group: usize) -> anyhow::Result<Namespace> {
    Ok(Namespace::new(format!("group-{group}"))?)
}

/// Returns which part of the evidence is within each budget.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn parts(
    asked: &Asked,
    memory: &Memory,
    numbers: &BTreeMap<String, usize>,
) -> anyhow::Result<[f64; BUDGETS.len()]> {
    let mut request = SearchRequest::new(asked.text.as_str());
    request.limit = DEPTH;
    request.filter = Filter {
        namespaces: vec![namespace(asked.group)?],
        ..Filter::default()
    };
    let answer = memory.search(&request)?;
    let whole: usize = asked.evidence.iter().map(|(_, range)| range.len()).sum();
    let mut found = [0_u64; BUDGETS.len()];
    let mut read = 0_u64;
    for hit in &answer.hits {
        let place = &hit.chunk.place;
        let (start, end) = (place.start_byte, place.end_byte);
        read += end.saturating_sub(start);
        let number = numbers.get(&hit.chunk.source);
        let shared = asked.evidence.iter().filter_map(|(source, range)| {
            let (from, to) = (range.start as u64, range.end as u64);
            (number == Some(source)).then(|| to.min(end).saturating_sub(from.max(start)))
        });
        let shared: u64 = shared.sum();
        for (found, budget) in found.iter_mut().zip(BUDGETS) {
            *found += if read <= budget { shared } else { 0 };
        }
    }
    Ok(found.map(|found| found as f64 / (whole as f64).max(1.0)))
}

/// Reads the conversations of a `LoCoMo` file as documents of this extension.
fn transcripts(file: &Path, extension: &str) -> anyhow::Result<Corpora> {
    let data: Vec<Value> = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut read = Corpora::default();
    for (group, sample) in data.iter().enumerate() {
        let talk = sample
            .get("conversation")
            .and_then(Value::as_object)
            .context("a sample without a conversation")?;
        let mut places: BTreeMap<String, (usize, Range<usize>)> = BTreeMap::new();
        for (key, turns) in talk {
            let Some(turns) = turns.as_array().filter(|_| key.starts_with("session_")) else {
                continue;
            };
            let time = talk.get(&format!("{key}_date_time"));
            let time = time.and_then(Value::as_str).unwrap_or_default();
            let (mut text, bold) = if extension == "md" {
                (format!("# {time}\n\n"), "**")
            } else {
                (format!("{time}\n\n"), "")
            };
            for turn in turns {
                let start = text.len();
                let speaker = text_of(turn, "speaker");
                text.extend([bold, &speaker, ":", bold, " ", &text_of(turn, "text"), "\n"]);
                let place = (read.sources.len(), start..text.len());
                places.insert(text_of(turn, "dia_id"), place);
                text.push('\n');
            }
            let name = format!("{key}.{extension}");
            read.sources.push(Source { name, group, text });
        }
        let asked = sample.get("qa").and_then(Value::as_array);
        for asked in asked.into_iter().flatten() {
            let ids = asked.get("evidence").and_then(Value::as_array);
            let ids: BTreeSet<&str> = ids
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let evidence: Vec<_> = ids
                .iter()
                .filter_map(|id| places.get(*id).cloned())
                .collect();
            if !evidence.is_empty() {
                let text = text_of(asked, "question");
                read.asked.push(Asked {
                    text,
                    group,
                    evidence,
                });
            }
        }
    }
    Ok(read)
}

/// Reads the functions of a `CoSQA` file.
fn functions(file: &Path) -> anyhow::Result<Corpora> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(file)?).read_to_string(&mut text)?;
    let data: Value = serde_json::from_str(&text)?;
    let list = |name: &'static str| data.get(name).and_then(Value::as_array).context(name);
    let mut read = Corpora::default();
    for (number, document) in list("documents")?.iter().enumerate() {
        read.sources.push(Source {
            name: format!("{number}.py"),
            group: 0,
            text: document.as_str().unwrap_or_default().to_owned(),
        });
    }
    for query in list("queries")? {
        let number: usize = text_of(query, "answer").parse()?;
        let length = read
            .sources
            .get(number)
            .map_or(0, |source| source.text.len());
        read.asked.push(Asked {
            text: text_of(query, "query"),
            group: 0,
            evidence: vec![(number, 0..length)],
        });
    }
    Ok(read)
}

/// Reads the Markdown files of a folder; a heading that stands nowhere else asks for what is below it.
fn documents(folder: &Path) -> anyhow::Result<Corpora> {
    let mut read = Corpora::default();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<PathBuf> = std::fs::read_dir(&folder)?
            .map(|entry| Ok(entry?.path()))
            .collect::<anyhow::Result<_>>()?;
        entries.sort();
        for path in entries {
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md")
                && let Ok(text) = std::fs::read_to_string(&path)
                && text.len() <= FILE_BYTES_MAX
            {
                let name = format!("{}.md", read.sources.len());
                read.sources.push(Source {
                    name,
                    group: 0,
                    text,
                });
            }
        }
    }
    let mut headings: BTreeMap<String, Vec<(usize, Range<usize>)>> = BTreeMap::new();
    for (number, source) in read.sources.iter().enumerate() {
        for (title, body) in sections(&source.text) {
            headings.entry(title).or_default().push((number, body));
        }
    }
    let questions = headings.into_iter().filter(|(title, places)| {
        let words = title.split_whitespace().filter(|word| word.len() > 1);
        let is_long = places
            .iter()
            .all(|(_, body)| body.len() >= SECTION_BYTES_MIN);
        words.count() >= WORDS_MIN && places.len() == 1 && is_long
    });
    read.asked = questions
        .map(|(text, evidence)| Asked {
            text,
            group: 0,
            evidence,
        })
        .collect();
    Ok(read)
}

/// Returns the headings of a Markdown text with what stands below each, up to the next one.
fn sections(text: &str) -> Vec<(String, Range<usize>)> {
    let mut sections: Vec<(String, Range<usize>)> = Vec::new();
    let (mut place, mut in_fence) = (0, false);
    for line in text.split_inclusive('\n') {
        let start = place;
        place += line.len();
        in_fence ^= line.starts_with("```") || line.starts_with("~~~");
        let title = line.trim_start_matches('#');
        let level = line.len() - title.len();
        if !in_fence && (1..=6).contains(&level) && title.starts_with(' ') {
            if let Some((_, body)) = sections.last_mut() {
                body.end = start;
            }
            sections.push((title.trim().to_owned(), place..text.len()));
        }
    }
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_counted_by_its_bytes_and_within_a_budget() {
        let mut read = Corpora::default();
        // No two lines are the same: copies of a chunk would stand as one hit.
        let lines = |number: usize| -> String {
            let line = |at| format!("Of {number} it says {at}.\n");
            (0..90).map(line).collect()
        };
        for (number, word) in ["kayak", "oven", "harbour"].into_iter().enumerate() {
            read.sources.push(Source {
                name: format!("{number}.md"),
                group: 0,
                text: format!("# The {word} at the mill\n\n{}", lines(number)),
            });
        }
        let first = &read.sources[0];
        let found = sections(&first.text);
        assert_eq!(
            found,
            [("The kayak at the mill".to_owned(), 24..first.text.len())]
        );
        let asked = Asked {
            text: "kayak".to_owned(),
            group: 0,
            evidence: vec![(0, 24..first.text.len())],
        };
        let (folder, memory) = open().unwrap();
        let mut options = IndexOptions::default();
        options.chunk_limits.bytes_target = 300;
        options.chunk_limits.bytes_max = 600;
        let numbers = write(&read, &folder.path().join("tree"), &memory, &mut options).unwrap();
        let parts = parts(&asked, &memory, &numbers).unwrap();
        assert!(parts.is_sorted() && parts[0] > 0.1, "{parts:?}");
        assert!(
            parts[3] > 0.99,
            "all of it is returned in the end: {parts:?}"
        );
    }
}
