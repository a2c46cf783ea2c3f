//! The bad day: the model behind a wire cannot be reached while texts come in, and the process that makes up for it
//! later is killed, or is not the only one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use steadfast::model::{ModelId, Vector};
use steadfast::{
    Derived, Embed, EmbedError, Error, IndexOptions, Memory, Mode, Note, Progress, SearchRequest,
    Silent,
};
use tempfile::TempDir;

/// A model of letters that can be out of reach.
struct Letters {
    model: ModelId,
    is_away: AtomicBool,
    calls: AtomicUsize,
}

impl Letters {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            model: ModelId {
                name: "letters".to_owned(),
                revision: "1".to_owned(),
                dimensions: 26,
                hash: [0x1e; 16],
            },
            is_away: AtomicBool::new(false),
            calls: AtomicUsize::new(0),
        })
    }
}

impl Embed for Letters {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        if self.is_away.load(Ordering::Relaxed) {
            return Err(EmbedError::Unreachable {
                model: "letters".to_owned(),
                reason: "no route".to_owned(),
            });
        }
        let vector = |text: &&str| {
            let mut counts = vec![0.0_f32; 26];
            for byte in text.bytes().map(|byte| byte.to_ascii_lowercase()) {
                let letter = usize::from(byte.wrapping_sub(b'a'));
                if let Some(count) = counts.get_mut(letter) {
                    *count += 1.0;
                }
            }
            let length = counts.iter().map(|n| n * n).sum::<f32>().sqrt().max(1e-9);
            Vector(counts.into_iter().map(|n| n / length).collect())
        };
        Ok(texts.iter().map(vector).collect())
    }
}

struct Place {
    folder: TempDir,
    model: Arc<Letters>,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: TempDir::new().unwrap(),
            model: Letters::new(),
        }
    }

    fn open(&self) -> Memory {
        let options = Memory::options().create(true).embed(self.model.clone());
        options.open(self.folder.path().join("store")).unwrap()
    }

    fn docs(&self, files: usize) -> PathBuf {
        let docs = self.folder.path().join("docs");
        fs::create_dir_all(&docs).unwrap();
        let words = ["zebra", "quiz", "moon"].into_iter().cycle();
        for (file, word) in (0..files).zip(words) {
            let text = format!("{word} note number {file}");
            fs::write(docs.join(format!("{file}.txt")), text).unwrap();
        }
        docs
    }
}

fn by_vector(memory: &Memory, query: &str) -> steadfast::Answer {
    let mut request = SearchRequest::new(query);
    request.mode = Mode::Vector;
    memory.search(&request).unwrap()
}

/// Returns how many chunks wait for their vector, as a question tells it that the model itself can be reached for.
fn pending(place: &Place, memory: &Memory) -> u64 {
    let was_away = place.model.is_away.swap(false, Ordering::Relaxed);
    let coverage = by_vector(memory, "zebra").coverage;
    place.model.is_away.store(was_away, Ordering::Relaxed);
    coverage
        .not_searched
        .iter()
        .filter(|part| part.reason == "vector_pending")
        .map(|part| part.count)
        .sum()
}

#[test]
fn texts_come_in_without_the_model_and_the_next_index_makes_up_for_it() {
    let place = Place::new();
    let memory = place.open();
    let docs = place.docs(3);
    place.model.is_away.store(true, Ordering::Relaxed);
    let report = memory
        .index(
            std::slice::from_ref(&docs),
            &IndexOptions::default(),
            &Silent,
        )
        .unwrap();
    assert_eq!(report.files.added, 3);
    assert!(
        report.warnings.iter().any(|line| line.contains("no route")),
        "{:?}",
        report.warnings
    );
    assert_eq!(pending(&place, &memory), 3);
    let mut by_words = SearchRequest::new("zebra");
    by_words.mode = Mode::Text;
    assert_eq!(memory.search(&by_words).unwrap().hits.len(), 1);
    // The indexes pass these rows before their vectors come.
    memory.rebuild(Derived::All, &Silent).unwrap();
    assert_eq!(pending(&place, &memory), 3);

    place.model.is_away.store(false, Ordering::Relaxed);
    let report = memory
        .index(&[docs], &IndexOptions::default(), &Silent)
        .unwrap();
    assert_eq!((report.files.unchanged, report.vectors_filled), (3, 3));
    for which in ["as committed", "as indexed"] {
        let answer = by_vector(&memory, "zebra");
        assert!(answer.coverage.complete, "{which}: {:?}", answer.coverage);
        assert!(answer.hits[0].chunk.text.contains("zebra"), "{which}");
        memory.rebuild(Derived::Vector, &Silent).unwrap();
    }
    assert!(memory.verify(&Silent).unwrap().findings.is_empty());
}

#[test]
fn a_rebuild_and_a_call_make_up_for_it_too() {
    let place = Place::new();
    let memory = place.open();
    for how in ["rebuild", "call"] {
        place.model.is_away.store(true, Ordering::Relaxed);
        memory
            .remember(&Note::new(format!("Remembered before the {how}.")))
            .unwrap();
        assert_eq!(pending(&place, &memory), 1, "{how}");
        let refused = memory.fill_vectors(&Silent);
        assert!(matches!(refused, Err(Error::Embed(_))), "{refused:?}");
        place.model.is_away.store(false, Ordering::Relaxed);
        if how == "rebuild" {
            memory.rebuild(Derived::Vector, &Silent).unwrap();
        } else {
            assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 1);
        }
        assert_eq!(pending(&place, &memory), 0, "{how}");
    }
    let calls = place.model.calls.load(Ordering::Relaxed);
    assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 0);
    assert_eq!(place.model.calls.load(Ordering::Relaxed), calls);
}

/// Stops at the first batch, as a kill would.
struct Stop;

impl Progress for Stop {
    fn step(&self, stage: &str, _done: u64, _total: u64) -> bool {
        stage != "vectors"
    }
}

#[test]
fn one_that_ends_early_is_gone_on_with_and_two_at_once_do_no_harm() {
    let place = Place::new();
    let memory = place.open();
    let docs = place.docs(600);
    place.model.is_away.store(true, Ordering::Relaxed);
    memory
        .index(&[docs], &IndexOptions::default(), &Silent)
        .unwrap();
    place.model.is_away.store(false, Ordering::Relaxed);
    let first = memory.fill_vectors(&Stop).unwrap();
    assert_eq!((first.filled, first.left), (256, 344));
    drop(memory);
    let handles = [place.open(), place.open()];
    let filled: u64 = std::thread::scope(|scope| {
        let fillers: Vec<_> = handles
            .iter()
            .map(|memory| scope.spawn(|| memory.fill_vectors(&Silent).unwrap().filled))
            .collect();
        fillers.into_iter().map(|one| one.join().unwrap()).sum()
    });
    assert_eq!(filled, 344, "each is filled once");
    let [memory, _] = &handles;
    assert_eq!(pending(&place, memory), 0);
    assert!(memory.verify(&Silent).unwrap().findings.is_empty());
}
