//! The bad day: the store was made with one model and is opened with another, or by two programs with one each. Nobody
//! may compare vectors of the one with those of the other, or call an answer complete that a model has not seen.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use steadfast::collection::{CollectionOptions, QueryRequest, Records};
use steadfast::model::{ModelId, Seq, Vector};
use steadfast::{
    Answer, Derived, Embed, EmbedError, ListRequest, Memory, Mode, Moment, Note, SearchRequest,
    Selection, Silent,
};
use steadfast_testkit::Random;
use tempfile::TempDir;

/// A model that counts some bytes of a text: two of them with other bytes give the same text other vectors.
struct Bytes {
    model: ModelId,
    alphabet: &'static [u8],
    texts: AtomicUsize,
}

const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz";
/// As many, in another order, and digits among them.
const MIXED: &[u8] = b"z9y8x7w6v5u4t3s2r1q0ponmlk";

impl Bytes {
    fn new(name: &str, alphabet: &'static [u8]) -> Arc<Self> {
        let mut hash = [0; 16];
        hash[..name.len()].copy_from_slice(name.as_bytes());
        Arc::new(Self {
            model: ModelId {
                name: name.to_owned(),
                revision: "1".to_owned(),
                dimensions: alphabet.len(),
                hash,
            },
            alphabet,
            texts: AtomicUsize::new(0),
        })
    }

    fn vector(&self, text: &str) -> Vector {
        let mut counts = vec![0.0_f32; self.alphabet.len()];
        for byte in text.bytes().map(|byte| byte.to_ascii_lowercase()) {
            if let Some(place) = self.alphabet.iter().position(|known| *known == byte) {
                counts[place] += 1.0;
            }
        }
        let length = counts.iter().map(|n| n * n).sum::<f32>().sqrt();
        if length > 0.0 {
            for count in &mut counts {
                *count /= length;
            }
        }
        Vector(counts)
    }
}

impl Embed for Bytes {
    fn model(&self) -> &ModelId {
        &self.model
    }

    fn embed(&self, texts: &[&str]) -> Result<Vec<Vector>, EmbedError> {
        self.texts.fetch_add(texts.len(), Ordering::Relaxed);
        Ok(texts.iter().map(|text| self.vector(text)).collect())
    }
}

fn open(folder: &Path, model: &Arc<Bytes>) -> Memory {
    let options = Memory::options().create(true).embed(model.clone());
    options.open(folder.join("store")).unwrap()
}

fn remember(memory: &Memory, text: &str) {
    memory.remember(&Note::new(text)).unwrap();
}

fn by_vector(memory: &Memory, query: &str) -> Answer {
    let mut request = SearchRequest::new(query);
    request.mode = Mode::Vector;
    memory.search(&request).unwrap()
}

fn not_searched(answer: &Answer, reason: &str) -> u64 {
    let parts = answer.coverage.not_searched.iter();
    parts
        .filter(|part| part.reason == reason)
        .map(|part| part.count)
        .sum()
}

/// Asserts that every score of an answer is that of the model that asked.
fn assert_of(model: &Bytes, query: &str, answer: &Answer) {
    for hit in &answer.hits {
        let expected = model.vector(query).dot(&model.vector(&hit.chunk.text));
        let found = hit.vector_score.unwrap();
        assert!(
            (found - expected).abs() < 1e-5,
            "{}: {found} {expected}",
            hit.chunk.text
        );
    }
}

#[test]
fn what_another_model_embedded_waits_and_is_filled_once() {
    let folder = TempDir::new().unwrap();
    let (letters, mixed) = (Bytes::new("letters", LETTERS), Bytes::new("mixed", MIXED));
    let memory = open(folder.path(), &letters);
    for text in ["zebra quiz", "moon river", "plain bread"] {
        remember(&memory, text);
    }
    memory.rebuild(Derived::All, &Silent).unwrap();
    drop(memory);

    let memory = open(folder.path(), &mixed);
    let before = by_vector(&memory, "zebra quiz");
    assert!(
        before.hits.is_empty(),
        "no vector of another model is compared"
    );
    assert_eq!(not_searched(&before, "vector_pending"), 3);
    assert!(!before.coverage.complete);
    let hybrid = memory.search(&SearchRequest::new("zebra")).unwrap();
    assert!(
        hybrid.hits[0].chunk.text.contains("zebra"),
        "words find it all the same"
    );
    assert!(!hybrid.coverage.complete);
    // What comes in now has its vector at once, and the others wait on.
    remember(&memory, "velvet fox");
    assert_eq!(
        not_searched(&by_vector(&memory, "zebra quiz"), "vector_pending"),
        3
    );

    assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 3);
    for which in ["as committed", "as indexed"] {
        let answer = by_vector(&memory, "zebra quiz");
        assert!(answer.coverage.complete, "{which}: {:?}", answer.coverage);
        assert_eq!(answer.coverage.vector, 4, "{which}");
        assert!(answer.hits[0].chunk.text.contains("zebra"), "{which}");
        assert_of(&mixed, "zebra quiz", &answer);
        memory.rebuild(Derived::Vector, &Silent).unwrap();
    }
    let calls = mixed.texts.load(Ordering::Relaxed);
    let again = memory.fill_vectors(&Silent).unwrap();
    assert_eq!((again.filled, again.left), (0, 0));
    assert_eq!(
        mixed.texts.load(Ordering::Relaxed),
        calls,
        "nothing is embedded twice"
    );
    assert!(memory.verify(&Silent).unwrap().findings.is_empty());
    assert_eq!(memory.status().unwrap().models.len(), 2);
    drop(memory);

    // Whoever still has the first model misses nothing of what it had.
    let memory = open(folder.path(), &letters);
    let answer = by_vector(&memory, "zebra quiz");
    assert_eq!(
        (
            answer.coverage.vector,
            not_searched(&answer, "vector_pending")
        ),
        (3, 1)
    );
    assert_of(&letters, "zebra quiz", &answer);
    assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 1);
    assert!(by_vector(&memory, "zebra quiz").coverage.complete);
}

#[test]
fn a_text_that_says_nothing_to_one_model_may_say_something_to_the_other() {
    let folder = TempDir::new().unwrap();
    let (letters, mixed) = (Bytes::new("letters", LETTERS), Bytes::new("mixed", MIXED));
    let one = open(folder.path(), &letters);
    remember(&one, "2024");
    remember(&one, "abc");
    assert!(by_vector(&one, "abc").coverage.complete);
    let other = open(folder.path(), &mixed);
    assert_eq!(other.fill_vectors(&Silent).unwrap().filled, 2);
    let answer = by_vector(&other, "2024");
    assert!(answer.coverage.complete, "{:?}", answer.coverage);
    // "abc" has no place among the bytes of this one.
    assert_eq!((answer.coverage.vector, answer.hits.len()), (1, 1));
    assert_eq!(
        other.fill_vectors(&Silent).unwrap().filled,
        0,
        "that was tried"
    );
    remember(&other, "hijg");
    assert!(by_vector(&other, "2024").coverage.complete);
    assert_eq!(
        one.fill_vectors(&Silent).unwrap().filled,
        2,
        "the new one, and the mark of the old"
    );
    assert_eq!(one.fill_vectors(&Silent).unwrap().filled, 0);
    for memory in [&one, &other] {
        memory.rebuild(Derived::All, &Silent).unwrap();
        assert!(by_vector(memory, "abc 2024").coverage.complete);
        assert!(memory.verify(&Silent).unwrap().findings.is_empty());
    }
}

#[test]
fn vectors_that_a_caller_gave_are_of_no_model_and_wait_for_none() {
    let folder = TempDir::new().unwrap();
    let (letters, mixed) = (Bytes::new("letters", LETTERS), Bytes::new("mixed", MIXED));
    let memory = open(folder.path(), &letters);
    let collections = memory.collections();
    let given = collections.get_or_create_collection("given", &CollectionOptions::default());
    let records = Records::new(["a"])
        .documents(["one"])
        .embeddings([vec![1.0, 2.0]]);
    assert_eq!(given.unwrap().add(&records).unwrap().inserted, 1);
    // The caller's vectors alone make no second model.
    remember(&memory, "first note");
    assert!(by_vector(&memory, "first note").coverage.complete);
    let memory = open(folder.path(), &mixed);
    assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 1, "the note");
    assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 0);
}

#[test]
fn records_that_another_model_embedded_are_counted_and_not_guessed_at() {
    let folder = TempDir::new().unwrap();
    let (letters, mixed) = (Bytes::new("letters", LETTERS), Bytes::new("mixed", MIXED));
    let open_records = |memory: &Memory| {
        let collections = memory.collections();
        collections
            .get_or_create_collection("c", &CollectionOptions::default())
            .unwrap()
    };
    let memory = open(folder.path(), &letters);
    let records = Records::new(["a", "b"]).documents(["zebra", "moon"]);
    open_records(&memory).add(&records).unwrap();
    let memory = open(folder.path(), &mixed);
    let collection = open_records(&memory);
    let ask = || collection.query(&QueryRequest::texts(["moon"])).unwrap();
    let before = ask();
    assert_eq!(
        (before.in_scope, before.pending, before.ids),
        (2, 2, vec![Vec::<String>::new()])
    );
    assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 2);
    let after = ask();
    assert_eq!(
        (after.in_scope, after.pending, &after.ids[0][0]),
        (2, 0, &"b".to_owned())
    );
}

#[test]
fn an_earlier_moment_tells_that_another_model_had_seen_it() {
    let folder = TempDir::new().unwrap();
    let (letters, mixed) = (Bytes::new("letters", LETTERS), Bytes::new("mixed", MIXED));
    let memory = open(folder.path(), &letters);
    remember(&memory, "zebra quiz");
    let seq = memory.status().unwrap().generation;
    let ask = |memory: &Memory| {
        let mut request = SearchRequest::new("zebra");
        request.as_of = Some(Moment::Seq(Seq(seq.0)));
        memory.search(&request).unwrap()
    };
    assert!(ask(&memory).coverage.complete);
    let memory = open(folder.path(), &mixed);
    let answer = ask(&memory);
    assert_eq!(
        (answer.hits.len(), not_searched(&answer, "vector_pending")),
        (1, 1)
    );
    assert!(!answer.coverage.complete);
    memory.fill_vectors(&Silent).unwrap();
    assert!(ask(&memory).coverage.complete);
}

#[test]
fn two_programs_with_one_model_each_work_on_one_store() {
    for seed in 0..8 {
        let folder = TempDir::new().unwrap();
        let models = [Bytes::new("letters", LETTERS), Bytes::new("mixed", MIXED)];
        let handles: Vec<Memory> = models
            .iter()
            .map(|model| open(folder.path(), model))
            .collect();
        let mut random = Random::new(seed);
        for step in 0..40 {
            let who = random.below(2);
            let (memory, model) = (&handles[who], &models[who]);
            match random.below(8) {
                // What was forgotten may be refused.
                0..=2 => drop(memory.remember(&Note::new(words(&mut random)))),
                3 => drop(memory.fill_vectors(&Silent).unwrap()),
                4 => drop(memory.rebuild(Derived::Vector, &Silent).unwrap()),
                5 => drop(memory.maintain().unwrap()),
                6 => forget_one(memory, &mut random),
                _ => {}
            }
            let asked = words(&mut random);
            let answer = by_vector(memory, &asked);
            assert_of(model, &asked, &answer);
            let coverage = &answer.coverage;
            assert_eq!(
                coverage.complete,
                not_searched(&answer, "vector_pending") == 0,
                "{seed} {step}: {coverage:?}"
            );
        }
        for (memory, model) in handles.iter().zip(&models) {
            memory.fill_vectors(&Silent).unwrap();
            assert_eq!(memory.fill_vectors(&Silent).unwrap().filled, 0);
            for which in ["as committed", "as indexed"] {
                assert_all_found(memory, model, &format!("{seed} {which}"));
                memory.rebuild(Derived::All, &Silent).unwrap();
            }
            let found = memory.verify(&Silent).unwrap().findings;
            assert!(found.is_empty(), "{seed}: {found:?}");
        }
    }
}

/// Asserts that each text is the nearest of its own question, and that nothing waits.
fn assert_all_found(memory: &Memory, model: &Bytes, place: &str) {
    let mut request = ListRequest::default();
    request.limit = 1_000;
    let chunks = memory.list(&request).unwrap().chunks;
    for chunk in &chunks {
        let answer = by_vector(memory, &chunk.text);
        assert!(answer.coverage.complete, "{place}: {:?}", answer.coverage);
        let known = chunks
            .iter()
            .filter(|chunk| !model.vector(&chunk.text).is_zero());
        assert_eq!(answer.coverage.vector, known.count() as u64, "{place}");
        assert_of(model, &chunk.text, &answer);
        if !model.vector(&chunk.text).is_zero() {
            let best = answer
                .hits
                .iter()
                .filter_map(|hit| hit.vector_score)
                .fold(0.0, f32::max);
            assert!(best > 0.999, "{place}: {} {best}", chunk.text);
        }
    }
}

fn words(random: &mut Random) -> String {
    const WORDS: [&str; 10] = [
        "zebra", "fig", "2024", "moon", "hijg", "88", "vow", "kiwi", "abc", "port",
    ];
    let count = 1 + random.below(3);
    let words: Vec<&str> = (0..count)
        .map(|_| WORDS[random.below(WORDS.len())])
        .collect();
    words.join(" ")
}

fn forget_one(memory: &Memory, random: &mut Random) {
    let listing = memory.list(&ListRequest::default()).unwrap();
    if listing.chunks.is_empty() {
        return;
    }
    let chunk = &listing.chunks[random.below(listing.chunks.len())];
    let mut selection = Selection::default();
    selection.ids.push(chunk.id.to_string());
    let plan = memory.plan_forget(&selection).unwrap();
    memory.forget(&plan).unwrap();
}
