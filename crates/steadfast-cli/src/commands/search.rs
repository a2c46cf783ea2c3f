//! `steadfast search`: a question, its hits, and what was searched.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use steadfast::model::{Fault as _, Filter, Hit, Namespace};
use steadfast::query::HITS_MAX;
use steadfast::{
    Answer, Asked, IndexOptions, IndexReport, Journal, Memory, Mode, Parts, Remember, SearchRequest,
};

use super::{elapsed_ms, stdin};
use crate::args::{Filters, ModeChoice, WriteOptions, moment, namespace, refuse_flag};
use crate::config::Settings;
use crate::context::Context;
use crate::error::Failure;
use crate::exit::Exit;
use crate::output::progress::Bar;
use crate::output::{Style, json, text};
use crate::store::{open_to_read, open_to_write};

pub(crate) const EXAMPLES: &str = "\
Examples:
  steadfast search \"how does recovery work\" --in docs
  steadfast search deploy --tag ops --since 2026-01-01 -k 5
  steadfast search '\"blue green\" deploy -draft tag:ops since:2026-01-01'
  steadfast search budget --where '{\"year\": {\"$gte\": 2024}}' --json
  git log -1 --format=%B | steadfast search --literal -";

/// How many bytes of a question are read from standard input; the library uses fewer.
const QUERY_BYTES_MAX: u64 = 1 << 20;

/// The most neighbours of a hit on each side.
const NEIGHBOURS_MAX: i64 = 100;

/// Flags of `steadfast search`.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    /// The question, in any words, or `-` to read it from standard input
    #[arg(allow_hyphen_values = true)]
    query: OsString,
    /// How many hits, at most 1000
    #[arg(short = 'k', long = "limit", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=HITS_MAX as i64))]
    limit: Option<u16>,
    /// How to search
    #[arg(long, value_name = "MODE")]
    mode: Option<ModeChoice>,
    /// Show this many chunks before and after each hit
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=NEIGHBOURS_MAX))]
    neighbours: u32,
    /// Go on where the answer with this cursor ended
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
    /// Leave out hits below this score
    #[arg(long, value_name = "SCORE", value_parser = score)]
    min_score: Option<f32>,
    /// Show what makes up each score
    #[arg(long)]
    explain: bool,
    /// Take the question as it is, without the question language
    #[arg(long)]
    literal: bool,
    /// What the store held at this time, or after the commit `seq:N`; reads every text
    #[arg(long, value_name = "T|seq:N")]
    as_of: Option<String>,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    write: WriteOptions,
}

fn score(text: &str) -> Result<f32, String> {
    let score: f32 = text.parse().map_err(|_| "it is not a number".to_owned())?;
    if score.is_finite() {
        Ok(score)
    } else {
        Err("it is not finite".to_owned())
    }
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<Exit, Failure> {
    let query = query(args)?;
    let settings = context.settings()?;
    let here = context.environment.here();
    let mut filters = args.filters.clone();
    let asked = (!args.literal).then(|| read(&query, &mut filters.within));
    let mut request = SearchRequest::new(query);
    request.filter = filters.to_filter(&here)?;
    if let Some(asked) = asked {
        asked.apply(&mut request);
    }
    request.limit = args.limit.map_or(settings.limit(), usize::from);
    request.mode = settings.mode(args.mode);
    request.neighbours = args.neighbours;
    request.min_score = args.min_score;
    request.cursor.clone_from(&args.cursor);
    request.as_of = args
        .as_of
        .as_deref()
        .map(|text| moment("--as-of", text))
        .transpose()?;
    let journal = args.write.journal();
    // What is on the disk now says nothing about an earlier moment.
    let fresh: &[PathBuf] = if request.as_of.is_none() {
        &filters.within
    } else {
        &[]
    };
    let (memory, indexed, mut warnings) = open(fresh, journal, &settings, &request.filter)?;
    warnings.extend(left_out(&request.left_out));
    let started = Instant::now();
    let mut answer = memory.search(&request)?;
    let elapsed_ms = elapsed_ms(started);
    context.output.warn(&warnings);
    let worth_telling: Vec<String> = [&answer.coverage.degraded, &answer.coverage.warnings]
        .into_iter()
        .flatten()
        .cloned()
        .collect();
    context.output.warn(&worth_telling);
    answer.coverage.warnings.extend(warnings);
    context.output.show(
        || object(args, &answer, indexed.as_ref(), elapsed_ms),
        |out, style| write(out, style, args, request.mode, &answer, &here, elapsed_ms),
    )?;
    if needs_maintenance(&answer) {
        // The asker has the answer; whoever comes by mends the indexes. Status tells when that fails.
        drop(memory.maintain());
    }
    Ok(if answer.hits.is_empty() {
        Exit::Found
    } else {
        Exit::Done
    })
}

/// Rows in the tail from which on it is worth asking whether the indexes should catch up.
const TAIL_ROWS_LONG: u64 = 1_024;

fn needs_maintenance(answer: &Answer) -> bool {
    !answer.coverage.degraded.is_empty() || answer.coverage.tail >= TAIL_ROWS_LONG
}

/// Returns the question; one from standard input means what it means as an argument.
fn query(args: &Args) -> Result<String, Failure> {
    if args.query == "-" {
        return Ok(stdin::lossy(QUERY_BYTES_MAX)?.0);
    }
    let query = args.query.to_string_lossy().into_owned();
    refuse_flag(&query)?;
    Ok(query)
}

/// Reads the question language; `in:PATH` counts as `--in PATH`, when there is such a path.
fn read(query: &str, within: &mut Vec<PathBuf>) -> Asked {
    let mut asked = Asked::read(query);
    for path in &asked.within {
        if Path::new(path).exists() {
            within.push(PathBuf::from(path));
        } else {
            asked.words = format!("{} in:{path}", asked.words);
        }
    }
    asked
}

/// Says what a question leaves out: a dash may have been meant as a dash.
fn left_out(words: &[String]) -> Option<String> {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    (!words.is_empty()).then(|| {
        let words = quoted.join(", ");
        format!("left out: chunks with {words}; `--literal` takes the question as it is")
    })
}

type Opened = (Memory, Option<Value>, Vec<String>);

/// Opens the store; with `--in` it is first brought up to date, where it can be written.
fn open(
    paths: &[PathBuf],
    journal: Option<Journal>,
    settings: &Settings,
    filter: &Filter,
) -> Result<Opened, Failure> {
    if paths.is_empty() {
        return Ok((open_to_read(settings)?, None, Vec::new()));
    }
    if let Some(path) = paths
        .iter()
        .find(|path| matches!(path.try_exists(), Ok(false)))
    {
        return Err(steadfast::Error::PathNotFound { path: path.clone() }.into());
    }
    let memory = open_to_write(settings, journal)?;
    let started = Instant::now();
    match bring_up_to_date(&memory, paths, settings, filter) {
        Ok(report) => {
            let indexed = json::index_report(&report, elapsed_ms(started));
            Ok((memory, Some(indexed), report.warnings))
        }
        Err(Failure::Library(steadfast::Error::Store(error))) if is_passable(error.kind()) => {
            let warning = format!(
                "the paths were not brought up to date: {error}; the search covers what is there"
            );
            Ok((memory, None, vec![warning]))
        }
        Err(failure) => Err(failure),
    }
}

/// Returns whether a search can go on after writing was refused so.
fn is_passable(kind: &str) -> bool {
    matches!(kind, "read_only" | "permission" | "disk_full" | "busy")
}

/// Indexes the paths into the namespaces asked for, else into those that know them, else into the default one.
fn bring_up_to_date(
    memory: &Memory,
    paths: &[PathBuf],
    settings: &Settings,
    filter: &Filter,
) -> Result<IndexReport, Failure> {
    let namespaces: Vec<Option<Namespace>> = match &filter.namespaces[..] {
        [] => vec![None],
        named => named.iter().cloned().map(Some).collect(),
    };
    let namespace_default = namespace("namespace.default", settings.namespace())?;
    let bar = Bar::new();
    let mut sum = IndexReport::default();
    for namespace in namespaces {
        let mut options = IndexOptions::default();
        options.namespace = namespace;
        options.namespace_default = namespace_default.clone();
        options.remember = Remember::Nothing;
        options.file_bytes_max = settings.file_bytes_max();
        let report = memory.index(paths, &options, &bar)?;
        sum.seq = report.seq;
        sum.files.added += report.files.added;
        sum.files.changed += report.files.changed;
        sum.files.unchanged += report.files.unchanged;
        sum.files.removed += report.files.removed;
        sum.files.skipped += report.files.skipped;
        sum.chunks.add(report.chunks);
        sum.redactions += report.redactions;
        sum.vectors_filled += report.vectors_filled;
        sum.skipped.extend(report.skipped);
        sum.warnings.extend(report.warnings);
    }
    Ok(sum)
}

fn object(args: &Args, answer: &Answer, indexed: Option<&Value>, elapsed_ms: f64) -> Value {
    let mut object = json::answer(answer, indexed, elapsed_ms);
    let hits = object.get_mut("hits").and_then(Value::as_array_mut);
    if let (true, Some(hits)) = (args.explain, hits) {
        for (object, (hit, parts)) in hits.iter_mut().zip(answer.hits.iter().zip(&answer.parts)) {
            json::set(object, "explain", explanation(hit, parts));
        }
    }
    object
}

fn explanation(hit: &Hit, parts: &Parts) -> Value {
    json!({
        "parts": parts
            .named()
            .into_iter()
            .map(|(name, share)| (name.to_owned(), json::number(share)))
            .collect::<Value>(),
        "text_score": json::number(hit.text_score),
        "vector_score": hit.vector_score.map(json::number),
    })
}

fn write(
    out: &mut dyn Write,
    style: Style,
    args: &Args,
    mode: Mode,
    answer: &Answer,
    here: &Path,
    elapsed_ms: f64,
) -> io::Result<()> {
    for (index, (hit, parts)) in answer.hits.iter().zip(&answer.parts).enumerate() {
        text::hit(out, style, index + 1, hit, here)?;
        if args.explain {
            text::explanation(out, hit, parts)?;
        }
        writeln!(out)?;
    }
    if answer.hits.is_empty() {
        writeln!(out, "nothing found")?;
    }
    let ways = match mode {
        Mode::Hybrid => "text and vector",
        Mode::Text => "text",
        Mode::Vector => "vector",
    };
    text::coverage(out, &answer.coverage, ways, elapsed_ms)?;
    match &answer.cursor {
        Some(cursor) => writeln!(out, "more: --cursor {cursor}"),
        None => Ok(()),
    }
}
