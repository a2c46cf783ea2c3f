//! Code that is half typed, damaged or made to break a parser: no byte is lost, and it comes to an end.

use proptest::prelude::*;
use steadfast_model::Kind;

use super::super::super::tests::{assert_sound_as, chunk_as, limits};
use super::super::super::{ChunkLimits, Language, Syntax};
use super::languages::samples;
use super::show;

const ALL: [Language; 9] = [
    Language::C,
    Language::Cpp,
    Language::Go,
    Language::Java,
    Language::JavaScript,
    Language::Python,
    Language::Rust,
    Language::Tsx,
    Language::TypeScript,
];

#[test]
fn broken_code_keeps_the_definitions_that_are_whole() {
    let filler = "a".repeat(100);
    let text = format!(
        "def first():\n    return \"{filler}\"\n\n\ndef half(a, b:\n    x = (1 +\n\n\n\
         class Whole:\n    def inner(self):\n        return \"{filler}\"\n"
    );
    let shown = show(&text, Language::Python, limits(120, 240));
    assert_eq!(shown[0], "1-4 def first");
    let whole = chunk_as(
        &text,
        Kind::Code,
        Syntax::Language(Language::Python),
        &limits(120, 240),
    );
    assert_eq!(whole.last().unwrap().range.end, text.len());
}

/// Texts on which a recursive step would overflow the stack, and a quadratic one would not end.
#[test]
fn monstrous_code_is_sound() {
    let deep = 100_000;
    let size = 60_000;
    for (language, _) in samples() {
        for text in [
            "(".repeat(deep),
            "{".repeat(deep),
            "[".repeat(deep),
            "<".repeat(deep),
            "a(".repeat(deep),
            "a<".repeat(deep),
            "-".repeat(deep),
            format!("x = {}1{};", "(".repeat(deep), ")".repeat(deep)),
            format!("f {}{}", "{".repeat(deep), "}".repeat(deep)),
            "if (a) {\n".repeat(deep / 8),
            "class A {\n".repeat(deep / 2),
            "mod a {".repeat(deep / 2),
            "fn a() {".repeat(deep / 2),
            "#if A\n".repeat(deep / 8),
            "a;".repeat(size / 2),
            "a b ".repeat(size / 4),
            "\"".repeat(deep / 4),
            "/*".repeat(deep / 4),
            "'".repeat(deep / 4 + 1),
            "`${".repeat(deep / 8),
            "\\".repeat(deep / 4),
            "\u{0}".repeat(deep / 4),
            "\u{4e00}".repeat(size / 3),
            "a".repeat(size),
            " ".repeat(size) + "a",
            "// a\n".repeat(size / 5),
            "# a\n".repeat(size / 4),
            "@a\n".repeat(deep / 8),
            "#[a]\n".repeat(deep / 8),
        ] {
            let limits = ChunkLimits::default();
            let spans = chunk_as(&text, Kind::Code, Syntax::Language(language), &limits);
            assert_eq!(spans.first().map(|span| span.range.start), Some(0));
            assert_eq!(spans.last().map(|span| span.range.end), Some(text.len()));
            assert!(
                spans
                    .iter()
                    .all(|span| text[span.range.clone()].trim().len() <= limits.bytes_max)
            );
        }
    }
}

fn damaged() -> impl Strategy<Value = (Language, String)> {
    let edit = (
        any::<prop::sample::Index>(),
        0_usize..30,
        "[{}()\\[\\]\"'`;:,#/*\\n\r a-c\u{4e00}]{0,4}",
    );
    (
        prop::sample::select(samples().to_vec()),
        prop::collection::vec(edit, 0..6),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|((language, sample), edits, cut, cuts)| {
            let mut text = sample.repeat(2);
            for (place, length, with) in edits {
                let start = text.floor_char_boundary(place.index(text.len() + 1));
                let end = text.ceil_char_boundary((start + length).min(text.len()));
                text.replace_range(start..end, &with);
            }
            if cuts {
                text.truncate(text.floor_char_boundary(cut.index(text.len() + 1)));
            }
            (language, text)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn damaged_code_is_tiled(
        (language, text) in damaged(),
        bytes_target in 0_usize..300,
        bytes_more in 0_usize..300,
    ) {
        let limits = limits(bytes_target, bytes_target + bytes_more);
        assert_sound_as(&text, Kind::Code, Syntax::Language(language), limits);
    }

    #[test]
    fn any_string_is_tiled_as_code(text in ".{0,300}", language in prop::sample::select(&ALL[..])) {
        assert_sound_as(&text, Kind::Code, Syntax::Language(language), limits(20, 40));
    }
}
