//! The bad days: a constant between two functions that no chunk holds, a doc
//! comment that was cut off its function, a path that names the neighbour, a
//! file that is half typed, and a text that makes the parser think for ever.

mod damage;
mod languages;
mod paths;

use std::fmt::Write;

use steadfast_model::Kind;

use super::super::tests::{assert_sound_as, chunk_as, limits};
use super::super::{ChunkLimits, Language, Syntax};

/// Shows each chunk as lines, path and the beginning of its text.
fn show(text: &str, language: Language, limits: ChunkLimits) -> Vec<String> {
    chunk_as(text, Kind::Code, Syntax::Language(language), &limits)
        .into_iter()
        .map(|span| {
            let mut line = String::new();
            write!(
                line,
                "{}-{} {}",
                span.start_line,
                span.end_line,
                span.heading_path.join(" > "),
            )
            .unwrap();
            line
        })
        .collect()
}

#[track_caller]
fn check(language: Language, bytes_target: usize, text: &str, expected: &[&str]) {
    let shown = show(text, language, limits(bytes_target, 2 * bytes_target));
    assert_eq!(shown, expected, "\n{text}");
    assert_sound_as(
        text,
        Kind::Code,
        Syntax::Language(language),
        limits(bytes_target, 2 * bytes_target),
    );
}

#[test]
fn a_long_function_is_cut_at_its_statements_and_keeps_its_path() {
    let statement = "    if a {\n        first(a, b);\n\n        second(a, b);\n    }\n\n";
    let text = format!(
        "impl Thing {{\n/// Words.\nfn long() {{\n{}}}\n}}\n\nfn other() {{}}\n",
        statement.repeat(40)
    );
    let limits = limits(200, 400);
    let spans = chunk_as(&text, Kind::Code, Syntax::Language(Language::Rust), &limits);
    assert!(spans.len() > 8, "{}", spans.len());
    for span in &spans[..spans.len() - 1] {
        assert_eq!(span.heading_path, ["impl Thing", "fn long"]);
        let piece = &text[span.range.clone()];
        assert!(
            piece.starts_with("    if a {") || span.start_line == 1,
            "{piece}"
        );
    }
}

#[test]
fn comments_and_attributes_go_with_what_follows_them() {
    let filler = "x".repeat(100);
    let text = format!(
        "fn a() {{\n    \"{filler}\"\n}} // Behind a.\n\n// Alone {filler}.\n\n// About b.\n\
         /* More. */\n#[inline]\n\n#[cold]\nfn b() {{\n    \"{filler}\"\n}}\n// At the end {filler}.\n"
    );
    let spans = chunk_as(
        &text,
        Kind::Code,
        Syntax::Language(Language::Rust),
        &limits(100, 400),
    );
    let starts: Vec<&str> = spans
        .iter()
        .map(|span| {
            text[span.range.clone()]
                .lines()
                .next()
                .unwrap()
                .split(' ')
                .next_back()
                .unwrap()
        })
        .collect();
    assert_eq!(starts.len(), 4, "{spans:#?}");
    assert!(text[spans[0].range.clone()].contains("Behind a"));
    assert!(text[spans[2].range.clone()].starts_with("// About b."));
    assert_eq!(spans[2].heading_path, ["fn b"]);
}
