//! Whatever bytes a source holds, an import ends with an error or a report whose counts add up; it never hangs, dies,
//! keeps a part of a document, or calls complete what is not.
//!
//! For each kind a small healthy input is flipped and cut. `STEADFAST_CASES` says how many times; ten thousand of each:
//! `STEADFAST_CASES=10000 cargo test -p steadfast --test import damaged`.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{TestCaseError, TestRunner};
use steadfast::model::Namespace;
use steadfast::{Error, ImportKind, ImportOptions, ImportReport, Silent};

use crate::samples::{SAMPLES, Sample};
use crate::support::Place;

/// Damaged inputs of each kind, without the variable that says how many.
const CASES: u32 = 100;

fn cases() -> u32 {
    let wanted = std::env::var("STEADFAST_CASES").ok();
    wanted.and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
}

/// What is done to one file of an input.
#[derive(Clone, Debug)]
struct Damage {
    file: Index,
    flips: Vec<(Index, u8)>,
    cut: Option<Index>,
}

fn damage() -> impl Strategy<Value = Damage> {
    let flips = prop::collection::vec((any::<Index>(), any::<u8>()), 0..12);
    (
        any::<Index>(),
        flips,
        prop::option::weighted(0.3, any::<Index>()),
    )
        .prop_map(|(file, flips, cut)| Damage { file, flips, cut })
}

/// The files of an input.
fn files(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![path.to_owned()];
    while let Some(path) = waiting.pop() {
        if path.is_dir() {
            waiting.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Returns whether the end of a file says nothing about how long it was: a line or a word less is an input as good as
/// the whole, of a log that had not grown yet or a note that was shorter.
fn is_open_ended(path: &Path) -> bool {
    path.extension().is_some_and(|end| {
        ["jsonl", "md", "txt", "csv"]
            .iter()
            .any(|open| end == *open)
    })
}

/// Counts everything that a report accounts for.
fn accounted(report: &ImportReport) -> u64 {
    report.read + report.left_out.iter().map(|left| left.count).sum::<u64>()
}

fn check(sample: &Sample) {
    let place = Place::new();
    let path = (sample.make)(&place);
    let healthy: Vec<(PathBuf, Vec<u8>)> = files(&path)
        .into_iter()
        .map(|file| (file.clone(), fs::read(&file).unwrap()))
        .collect();
    let whole = place
        .memory
        .plan_import(&path, &ImportOptions::default(), &Silent)
        .unwrap();
    let number = Cell::new(0_u32);
    let mut runner = TestRunner::new(ProptestConfig {
        cases: cases(),
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let ran = runner.run(&damage(), |damage| {
        number.set(number.get() + 1);
        let (file, bytes) = &healthy[damage.file.index(healthy.len())];
        let mut damaged = bytes.clone();
        for (at, byte) in &damage.flips {
            if !damaged.is_empty() {
                let at = at.index(damaged.len());
                damaged[at] ^= byte;
            }
        }
        if let Some(cut) = damage.cut {
            damaged.truncate(cut.index(damaged.len() + 1));
        }
        fs::write(file, &damaged).unwrap();
        let mut options = ImportOptions::default();
        // Each case is the first import of its namespace.
        options.namespace = Some(Namespace::new(format!("case{}", number.get())).unwrap());
        let imported = place.memory.import(&path, &options, &Silent);
        fs::write(file, bytes).unwrap();
        match imported {
            Ok(report) => judge(sample, &report, &whole, is_open_ended(file)),
            Err(Error::Store(error)) if matches!(error, steadfast::StoreError::Internal(_)) => {
                Err(TestCaseError::fail(format!("{error}")))
            }
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                Ok(())
            }
        }
    });
    if let Err(error) = ran {
        panic!("{} ({}): {error}", sample.kind, sample.name);
    }
    let report = place.memory.verify(&Silent).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

/// A report that calls itself complete, and warns of nothing, accounts for all that was there.
fn judge(
    sample: &Sample,
    report: &ImportReport,
    whole: &ImportReport,
    is_open_ended: bool,
) -> Result<(), TestCaseError> {
    prop_assert!(report.adds_up(), "{report:?}");
    let is_silent = report.complete && report.warnings == whole.warnings;
    let is_partial = accounted(report) < accounted(whole);
    prop_assert!(
        !(is_silent && is_partial && report.kind == sample.kind && !is_open_ended),
        "silently partial: {report:?}\nof {whole:?}"
    );
    Ok(())
}

/// One test a kind, so that they run beside each other and are told apart.
macro_rules! damaged {
    ($($test:ident: $kind:ident),* $(,)?) => {$(
        #[test]
        fn $test() {
            let samples = SAMPLES.iter().filter(|sample| sample.kind == ImportKind::$kind);
            samples.for_each(check);
        }
    )*

    #[test]
    fn every_kind_is_damaged() {
        let damaged = [$(ImportKind::$kind),*];
        // Bundles are cut and flipped in a suite of their own.
        let is_here = |kind: &ImportKind| damaged.contains(kind) || *kind == ImportKind::Bundle;
        assert!(ImportKind::ALL.iter().all(is_here));
    }};
}

damaged! {
    palaces: MemPalace,
    chroma: Chroma,
    memtomem: Memtomem,
    openhuman: OpenHuman,
    claude_code: ClaudeCode,
    codex: Codex,
    chat_gpt: ChatGpt,
    claude_ai: ClaudeAi,
    gemini: Gemini,
    cursor: Cursor,
    slack: Slack,
    obsidian: Obsidian,
    notion: Notion,
    basic_memory: BasicMemory,
    claude_mem: ClaudeMem,
    mem0: Mem0,
    mcp_memory_service: McpMemoryService,
    transcripts: Transcript,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases() / 4, ..ProptestConfig::default() })]

    #[test]
    fn logs_of_anything_end_in_a_word(text in "(\\{\"type\":\"(user|summary)\",\"uuid\":\"[a-c]\",\"sessionId\":\"s\",\"message\":\\{\"content\":\"[a-z> ]{0,9}\"\\}\\}\n|[\\PC\n]{0,30}\n){0,8}") {
        let place = Place::new();
        let log = place.path("log.jsonl");
        fs::write(&log, text).unwrap();
        match place.memory.import(&log, &ImportOptions::default(), &Silent) {
            Ok(report) => prop_assert!(report.adds_up(), "{report:?}"),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
