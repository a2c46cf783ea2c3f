//! Whatever bytes a source holds, an import ends with an error or a report whose counts add up; it never hangs, dies,
//! keeps a part of a document, or calls complete what is not.
//!
//! Each kind has small healthy inputs, which are damaged in the ways of `damage`. `STEADFAST_CASES` says how many times
//! for each kind; ten thousand: `STEADFAST_CASES=10000 cargo test -p steadfast --test import damaged`.

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};
use steadfast::model::Namespace;
use steadfast::{Error, ImportKind, ImportOptions, ImportReport, Memory, Silent, StoreError};
use steadfast_testkit::{Figure, tell};

use crate::damage::{Damage, damage, heal};
use crate::samples::{SAMPLES, Sample};
use crate::support::Place;
use crate::vectors::Counter;

/// Damaged inputs of each kind, without the variable that says how many.
const CASES: u32 = 100;
/// Imports into one store, before a new one takes its place: a large one makes each import slow.
const STORE_CASES: u32 = 200;

fn cases() -> u32 {
    let wanted = std::env::var("STEADFAST_CASES").ok();
    wanted.and_then(|cases| cases.parse().ok()).unwrap_or(CASES)
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

/// Makes a store whose model is that of the vectors which some inputs hold.
fn store() -> Place {
    Place::with(Memory::options().embed(Counter::new("minilm")))
}

/// An input, and the store that its damaged forms are imported into.
struct Victim<'s> {
    sample: &'s Sample,
    path: PathBuf,
    healthy: Vec<(PathBuf, Vec<u8>)>,
    whole: ImportReport,
    store: RefCell<Place>,
    number: Cell<u32>,
}

impl<'s> Victim<'s> {
    fn new(sample: &'s Sample, place: &Place) -> Self {
        let path = (sample.make)(place);
        let whole = place
            .memory
            .plan_import(&path, &ImportOptions::default(), &Silent)
            .unwrap();
        let read = |file: PathBuf| (file.clone(), fs::read(&file).unwrap());
        Self {
            sample,
            healthy: files(&path).into_iter().map(read).collect(),
            path,
            whole,
            store: RefCell::new(store()),
            number: Cell::new(0),
        }
    }

    fn hurt(&self, damage: &Damage) -> Result<(), TestCaseError> {
        self.number.set(self.number.get() + 1);
        if self.number.get().is_multiple_of(STORE_CASES) {
            let old = self.store.replace(store());
            assert_sound(&old);
        }
        // First, because a case that panics leaves its damage behind.
        heal(&self.healthy);
        damage.apply(&self.healthy);
        self.import(damage)
    }

    fn import(&self, damage: &Damage) -> Result<(), TestCaseError> {
        let memory = &self.store.borrow().memory;
        let mut options = ImportOptions::default();
        // Each case is the first import of its namespace.
        options.namespace = Some(Namespace::new(format!("case{}", self.number.get())).unwrap());
        let begun = Spent::now();
        let imported = memory.import(&self.path, &options, &Silent);
        let name = format!("import of a damaged input of {}", self.sample.kind);
        tell(&name, Figure::Longest(begun.elapsed()));
        match imported {
            Ok(report) => {
                self.judge(&report, damage)?;
                if self.number.get().is_multiple_of(4) {
                    let again = memory.import(&self.path, &options, &Silent);
                    let again = again.map_err(|error| TestCaseError::fail(error.to_string()))?;
                    prop_assert_eq!((again.imported, again.updated), (0, 0), "{:?}", report);
                    prop_assert_eq!(again.seq, report.seq, "something was written again");
                }
                Ok(())
            }
            Err(Error::Store(error @ StoreError::Internal(_))) => {
                Err(TestCaseError::fail(error.to_string()))
            }
            Err(error) => {
                prop_assert!(!error.to_string().is_empty());
                Ok(())
            }
        }
    }

    /// A report that calls itself complete, and warns of nothing, accounts for all that was there.
    fn judge(&self, report: &ImportReport, damage: &Damage) -> Result<(), TestCaseError> {
        prop_assert!(report.adds_up(), "{report:?}");
        prop_assert!(report.verified >= report.imported + report.updated);
        let vectors = report.vectors;
        let counted = vectors.taken_over + vectors.embedded + vectors.pending;
        prop_assert_eq!(counted, report.imported + report.updated, "{:?}", report);
        let whole = &self.whole;
        let is_silent = report.complete && report.warnings == whole.warnings;
        let is_partial = accounted(report) < accounted(whole);
        let is_known = report.kind == self.sample.kind
            && damage.is_told_by_the_file()
            && !is_open_ended(damage.file(&self.healthy));
        prop_assert!(
            !(is_silent && is_partial && is_known),
            "silently partial: {report:?}\nof {whole:?}"
        );
        Ok(())
    }
}

/// A moment in the time that this thread has had a processor for; where the system does not tell that, in time.
enum Spent {
    Processor(Duration),
    Time(Instant),
}

impl Spent {
    fn now() -> Self {
        Self::processor().map_or_else(|| Self::Time(Instant::now()), Self::Processor)
    }

    fn processor() -> Option<Duration> {
        let said = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        let nanoseconds = said.split_whitespace().next()?.parse().ok()?;
        Some(Duration::from_nanos(nanoseconds))
    }

    fn elapsed(&self) -> Duration {
        match self {
            Self::Processor(begun) => Self::processor().unwrap_or_default().saturating_sub(*begun),
            Self::Time(begun) => begun.elapsed(),
        }
    }
}

fn assert_sound(place: &Place) {
    let report = place.memory.verify(&Silent).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

fn check(kind: ImportKind) {
    let samples: Vec<&Sample> = SAMPLES
        .iter()
        .filter(|sample| sample.kind == kind)
        .collect();
    let cases = cases().div_ceil(u32::try_from(samples.len()).unwrap());
    for sample in samples {
        let place = Place::new();
        let victim = Victim::new(sample, &place);
        let mut runner = TestRunner::new(ProptestConfig {
            cases,
            failure_persistence: None,
            ..ProptestConfig::default()
        });
        let ran = runner.run(&damage(), |damage| victim.hurt(&damage));
        if let Err(error) = ran {
            panic!("{} ({}): {error}", sample.kind, sample.name);
        }
        assert_sound(&victim.store.borrow());
        let count = Figure::Cases(usize::try_from(cases).unwrap());
        tell(&format!("damaged inputs of {kind}"), count);
    }
}

/// One test a kind, so that they run beside each other and are told apart.
macro_rules! damaged {
    ($($test:ident: $kind:ident),* $(,)?) => {$(
        #[test]
        fn $test() {
            check(ImportKind::$kind);
        }
    )*

    #[test]
    fn every_kind_is_damaged() {
        let damaged = [$(ImportKind::$kind),*];
        assert!(ImportKind::ALL.iter().all(|kind| damaged.contains(kind)));
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
    cursor_agent: CursorAgent,
    copilot: Copilot,
    slack: Slack,
    obsidian: Obsidian,
    notion: Notion,
    basic_memory: BasicMemory,
    claude_mem: ClaudeMem,
    mem0: Mem0,
    mcp_memory_service: McpMemoryService,
    transcripts: Transcript,
    bundles: Bundle,
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
