//! The bad day: a vector stored last year and a vector computed today split the same text differently.
//!
//! The `tokenizers` crate over the same vocabulary is the oracle: for every
//! character there is, and for random texts made to hit the rules.

use std::sync::LazyLock;

use proptest::prelude::*;
use tokenizers::Tokenizer;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::BertNormalizer;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;

use super::*;
use crate::StaticModel;
use crate::table::TABLE;

const UNKNOWN: &str = "[UNK]";

static ORACLE: LazyLock<Tokenizer> = LazyLock::new(|| {
    let tokens: Vec<String> = StaticModel::built_in()
        .vocabulary()
        .chain([UNKNOWN.to_owned()])
        .collect();
    let model = WordPiece::builder()
        .vocab(WordPiece::read_bytes(tokens.join("\n").as_bytes()).unwrap())
        .unk_token(UNKNOWN.to_owned())
        .build()
        .unwrap();
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_normalizer(Some(BertNormalizer::default()));
    tokenizer.with_pre_tokenizer(Some(BertPreTokenizer));
    tokenizer
});

fn ours(text: &str) -> Vec<u32> {
    let unknown = u32::try_from(TABLE.len()).unwrap();
    let mut ids = Vec::new();
    tokenize(&TABLE, text, |token| {
        ids.push(token.map_or(unknown, u32::from));
    });
    ids
}

fn theirs(text: &str) -> Vec<u32> {
    ORACLE.encode(text, false).unwrap().get_ids().to_vec()
}

fn check(text: &str) {
    assert_eq!(ours(text), theirs(text), "{text:?}");
}

#[test]
fn words_are_spelled_by_the_longest_tokens() {
    let spelled = |text: &str| {
        let mut pieces = Vec::new();
        tokenize(&TABLE, text, |token| {
            pieces.push(token.and_then(|token| TABLE.token(token)));
        });
        pieces
            .into_iter()
            .map(|piece| piece.unwrap_or(UNKNOWN.to_owned()))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        spelled("Embeddings, re-chunked."),
        "em ##bed ##ding ##s , re - chunk ##ed ."
    );
    assert_eq!(
        spelled("Na\u{EF}ve cafe\u{301}\tR\u{E9}sum\u{E9}"),
        "naive cafe resume"
    );
    assert_eq!(spelled("\u{4F60}\u{597D} world"), "[UNK] [UNK] world");
    assert_eq!(
        spelled("zero\u{200B}width a\u{A0}b"),
        "zero ##wi ##dt ##h a b"
    );
    assert_eq!(
        spelled("\u{43F}\u{440}\u{438}\u{432}\u{435}\u{442}!"),
        "[UNK] !"
    );
    assert_eq!(spelled(""), "");
}

#[test]
fn every_character_alone_and_inside_a_word_equals_the_oracle() {
    for first in (0..=u32::from(char::MAX)).step_by(256) {
        let text: String = (first..first + 256)
            .filter_map(char::from_u32)
            .flat_map(|character| ['a', character, 'b', ' ', character, ' '])
            .collect();
        check(&text);
    }
}

#[test]
fn words_around_the_length_limit_equal_the_oracle() {
    for len in WORD_SYMBOLS_MAX - 2..=WORD_SYMBOLS_MAX + 2 {
        for letter in ["a", "\u{E9}", "e\u{301}", "\u{F1}", "\u{430}", "\u{AC00}"] {
            check(&format!("to {}, be", letter.repeat(len)));
            check(&letter.repeat(len));
        }
    }
}

#[test]
fn every_token_written_as_text_equals_the_oracle() {
    for token in StaticModel::built_in().vocabulary() {
        check(&token);
        check(token.trim_start_matches("##"));
    }
}

/// Texts made of pieces that the rules tell apart.
fn texts() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-z]{1,12}",
        2 => "[A-Za-z0-9_'.,:/-]{1,20}",
        2 => Just(" ".to_owned()),
        1 => "[ \\t\\r\\n\u{A0}\u{3000}\u{2028}\u{85}]{1,3}",
        1 => "[\u{C0}-\u{24F}]{1,6}",
        1 => "[a-z][\u{300}-\u{36F}]{1,3}",
        1 => "[\u{2000}-\u{23FF}]{1,3}",
        1 => "[\u{370}-\u{5FF}]{1,5}",
        1 => "[\u{900}-\u{1FFF}]{1,4}",
        1 => "[\u{3000}-\u{9FFF}]{1,3}",
        1 => "[\u{AC00}-\u{D7A3}]{1,3}",
        1 => "[\u{F900}-\u{FFFF}]{1,3}",
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Words glued from tokens of the vocabulary: they split into many pieces.
fn glued_words() -> impl Strategy<Value = String> {
    let count = u16::try_from(TABLE.len()).unwrap();
    let word = prop::collection::vec(0..count, 1..6).prop_map(|tokens| {
        let token = |token: u16| TABLE.token(token).unwrap();
        tokens
            .into_iter()
            .map(|t| token(t).trim_start_matches("##").to_owned())
            .collect::<String>()
    });
    prop::collection::vec(word, 0..12).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, ..ProptestConfig::default() })]

    #[test]
    fn mixed_texts_equal_the_oracle(text in texts()) {
        prop_assert_eq!(ours(&text), theirs(&text));
    }

    #[test]
    fn arbitrary_texts_equal_the_oracle(text in any::<String>()) {
        prop_assert_eq!(ours(&text), theirs(&text));
    }

    #[test]
    fn glued_words_equal_the_oracle(text in glued_words()) {
        prop_assert_eq!(ours(&text), theirs(&text));
    }
}
