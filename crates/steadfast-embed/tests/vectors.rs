//! The bad day: a release computes other vectors than the last one, and every stored vector is quietly wrong.
//!
//! The hashes below name the bits of vectors. They change only together with
//! the model's identity; then a migration to the new space is due.

use proptest::prelude::*;
use steadfast_embed::{Embed, StaticModel};

const TEXTS: [&str; 8] = [
    "",
    "hello",
    "The quick brown fox jumps over the lazy dog.",
    "fn main() { println!(\"{}\", parse_config(&path)?); }",
    "Caf\u{E9} na\u{EF}ve \u{2013} 5 \u{B5}s \u{2265} 3 \u{20AC}",
    "\u{4F60}\u{597D} \u{43F}\u{440}\u{438}\u{432}\u{435}\u{442}",
    "When did Melanie paint a sunrise?",
    "ERROR 2026-03-01T12:00:00Z connection refused (os error 111)",
];

fn bits_hash(texts: &[&str]) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in texts {
        hasher.update(&StaticModel::built_in().embed_one(text).encode());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

#[test]
fn the_bits_of_vectors_are_pinned() {
    assert_eq!(
        StaticModel::built_in().model().to_string(),
        "steadfast-static@1/128d/206528a8"
    );
    assert_eq!(bits_hash(&TEXTS), "c3fd432b1ff52fa9");
    // More than one block of 256 rows, and far beyond what a sentence encoder reads.
    let long = TEXTS.join(" ").repeat(500);
    assert_eq!(bits_hash(&[&long]), "eabd78c6a5210c6e");
}

#[test]
fn the_model_in_memory_is_the_one_it_claims_to_be() {
    assert!(StaticModel::built_in().is_intact());
}

#[test]
fn a_text_without_known_tokens_has_the_zero_vector() {
    let model = StaticModel::built_in();
    for text in [
        "",
        " \n\t",
        "\u{4F60}\u{597D}",
        "\u{43F}\u{440}\u{438}\u{432}\u{435}\u{442}",
    ] {
        let vector = model.embed_one(text);
        assert!(vector.is_zero(), "{text:?}");
        assert_eq!(vector.0.len(), model.model().dimensions);
        assert_eq!(model.count_tokens(text).known, 0);
    }
    assert_eq!(model.count_tokens("hello \u{4F60}\u{597D}").unknown, 2);
}

#[test]
fn paraphrases_are_nearer_than_other_texts() {
    let model = StaticModel::built_in();
    for (question, near, far) in [
        (
            "How do I undo the last commit?",
            "revert a git change",
            "The restaurant opens at six.",
        ),
        (
            "my dog is ill",
            "We took the puppy to the veterinarian",
            "Rust has no garbage collector",
        ),
        (
            "database is locked",
            "SQLite returned busy while writing",
            "Paint the fence green",
        ),
    ] {
        let [question, near, far] = [question, near, far].map(|text| model.embed_one(text));
        assert!(question.dot(&near) > question.dot(&far) + 0.1);
    }
}

proptest! {
    #[test]
    fn vectors_have_length_one_and_do_not_depend_on_the_batch(texts in prop::collection::vec(any::<String>(), 0..8)) {
        let model = StaticModel::built_in();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let vectors = model.embed(&texts).unwrap();
        prop_assert_eq!(vectors.len(), texts.len());
        for (text, vector) in texts.iter().zip(&vectors) {
            prop_assert_eq!(vector, &model.embed_one(text));
            let square = vector.dot(vector);
            prop_assert!(vector.is_zero() || (square - 1.0).abs() < 1e-6, "{}", square);
        }
    }

    #[test]
    fn the_order_of_words_does_not_change_a_bit(words in prop::collection::vec("[a-z]{1,8}", 1..600)) {
        let model = StaticModel::built_in();
        let forward = model.embed_one(&words.join(" "));
        let backward: Vec<&str> = words.iter().rev().map(String::as_str).collect();
        prop_assert_eq!(forward, model.embed_one(&backward.join(" ")));
    }
}
