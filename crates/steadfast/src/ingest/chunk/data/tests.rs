//! The bad days: a table cut through a quoted field, a minified file without
//! a line to point at, a key whose value was put below its neighbour, one
//! broken line that hides the rest of a log, and brackets without end.

use proptest::prelude::*;
use steadfast_model::Kind;

use super::super::tests::{assert_sound_as, chunk_as, limits};
use super::super::{ChunkLimits, Format, Span, Syntax};

const ALL: [Format; 6] = [
    Format::Csv,
    Format::Ini,
    Format::Json,
    Format::JsonLines,
    Format::Toml,
    Format::Yaml,
];

fn spans(text: &str, format: Format, limits: ChunkLimits) -> Vec<Span> {
    chunk_as(text, Kind::Data, Syntax::Format(format), &limits)
}

#[track_caller]
fn check(format: Format, bytes_target: usize, text: &str, expected: &[&str]) {
    let limits = limits(bytes_target, 2 * bytes_target);
    let shown: Vec<String> = spans(text, format, limits)
        .into_iter()
        .map(|span| {
            format!(
                "{}-{} {}",
                span.start_line,
                span.end_line,
                span.heading_path.join(" > ")
            )
        })
        .collect();
    assert_eq!(shown, expected, "\n{text}");
    assert_sound_as(text, Kind::Data, Syntax::Format(format), limits);
}

const JSON: &str = r#"{
  "name": "a",
  "version": 1,
  // Remark.
  "scripts": {
    "build": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "test": "a \" { [ b"
  },
  "dependencies": {
    "one": {
      "version": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    },
    "two": {
      "version": "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    }
  },
  "files": [
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
    "ccccccccccccccccccccccccccccccccc"
  ],
  "last": null
}
"#;

#[test]
fn json_is_cut_around_its_keys() {
    check(
        Format::Json,
        100,
        JSON,
        &[
            "1-3 ",
            "4-6 scripts > build",
            "7-8 scripts > test",
            "9-12 dependencies > one",
            "13-16 dependencies > two",
            "17-18 files",
            "19-21 files",
            "22-23 last",
        ],
    );
}

#[test]
fn minified_json_is_cut_around_its_keys() {
    let text: String = JSON
        .lines()
        .filter(|line| !line.contains("//"))
        .map(str::trim)
        .collect();
    let limits = limits(100, 200);
    let pieces: Vec<(String, &str)> = spans(&text, Format::Json, limits)
        .into_iter()
        .map(|span| (span.heading_path.join(" > "), &text[span.range]))
        .collect();
    let paths: Vec<&str> = pieces.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "",
            "scripts",
            "dependencies > one",
            "dependencies > two",
            "files",
            "files",
            "last"
        ]
    );
    assert_eq!(
        pieces[3].1,
        format!("\"two\": {{\"version\": \"{}\"}}}},", "b".repeat(40))
    );
}

const YAML: &str = r#"# Head.
name: build
on: [push]

# Remark.
jobs:
  test:
    runs-on: ubuntu
    steps:
      - uses: actions/checkout
        with:
          key: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      - run: |
          first: not a key
          second

          third is long enough to be cut off
      - run: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  "other: one":
    runs-on: windows
    steps:
    - a
    - b: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
---
second: document
"#;

#[test]
fn yaml_is_cut_around_its_keys() {
    check(
        Format::Yaml,
        100,
        YAML,
        &[
            "1-4 ",
            "5-8 jobs",
            "9-12 jobs > test > steps",
            "13-17 jobs > test > steps > run",
            "18-18 jobs > test > steps",
            "19-20 jobs > other: one",
            "21-23 jobs > other: one > steps",
            "24-25 second",
        ],
    );
}

const TOML: &str = r#"# Head.
title = "a"

[package]
name = "a"
text = """
[not.a.table]
"""
list = [
    "a", # ]
    "b",
]

[dependencies]
one = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
two = { version = "1", features = ["a"] }

# About three.
[dependencies.three]
version = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

[[bin]]
name = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

[[bin]]
name = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
"#;

#[test]
fn toml_is_cut_around_its_tables() {
    check(
        Format::Toml,
        100,
        TOML,
        &[
            "1-13 ",
            "14-15 dependencies > one",
            "16-17 dependencies > two",
            "18-21 dependencies > three",
            "22-24 bin",
            "25-26 bin",
        ],
    );
}

#[test]
fn ini_is_cut_around_its_sections() {
    let value = "a".repeat(60);
    let text = format!(
        "; Head.\n[one]\nkey = {value}\n  [not a section]\nlist = [\n\n[two]\nkey: {value}\n"
    );
    check(Format::Ini, 80, &text, &["1-6 one > key", "7-8 two"]);
}

#[test]
fn records_are_not_cut_in_quotes() {
    let record = "1,\"a, b\n\nc \"\"d\"\"\n\",3\n";
    let text = format!("id,Some words,\"n\"\n{}", record.repeat(20));
    let limits = limits(60, 120);
    for span in spans(&text, Format::Csv, limits) {
        assert_eq!(span.heading_path, ["id, Some words, n"]);
        let piece = &text[span.range];
        assert!(piece.ends_with("\",3\n"), "{piece}");
    }
    assert_sound_as(&text, Kind::Data, Syntax::Format(Format::Csv), limits);
}

/// A record that is longer than a chunk is cut, and every piece says which record it is of; what is behind it is apart.
#[test]
fn the_borders_of_a_long_record_are_told() {
    let long = "many words ".repeat(60);
    for (key, label) in [
        ("b-17", "record b-17"),
        ("", "record 3"),
        (&*long, "record 3"),
    ] {
        let record = format!("{key},\"{long}\",2\n");
        let text = format!("id,words,n\na,\"short\",1\n{record}c,\"short, too\",3\n");
        let from = text.find(&record).unwrap();
        let (limits, mut pieces) = (limits(120, 240), 0);
        for span in spans(&text, Format::Csv, limits) {
            let inside = span
                .range
                .end
                .min(from + record.len())
                .saturating_sub(span.range.start.max(from));
            if 3 * inside >= 2 * span.range.len() {
                assert_eq!(span.heading_path, ["id, words, n", label]);
                pieces += 1;
            } else {
                assert_eq!(
                    span.heading_path,
                    ["id, words, n"],
                    "{}",
                    &text[span.range.clone()]
                );
            }
            assert!(
                inside == 0 || span.range.end <= from + record.len(),
                "{}",
                &text[span.range]
            );
        }
        assert!(pieces > 2, "{pieces}");
        assert_sound_as(&text, Kind::Data, Syntax::Format(Format::Csv), limits);
    }
}

/// Every piece of a value that is longer than a chunk is below its key, and what is behind it is apart.
#[test]
fn the_borders_of_a_long_value_are_told() {
    let long = "many words ".repeat(120);
    let text = format!("{{\"first\": 1,\n\"long\": \"{long}\",\n\"last\": {{\"a\": 1}}}}");
    for format in [Format::Json, Format::JsonLines] {
        let text = if format == Format::Json {
            text.clone()
        } else {
            text.replace('\n', "")
        };
        let value = text.find("many").unwrap()..text.rfind("words ").unwrap();
        let limits = limits(120, 240);
        let mut pieces = 0;
        for span in spans(&text, format, limits) {
            if span.range.start >= value.start && span.range.end <= value.end {
                assert_eq!(span.heading_path, ["long"], "{}", &text[span.range.clone()]);
                pieces += 1;
            }
            let holds_last = text[span.range.clone()].contains("\"last\"");
            assert!(
                !holds_last || span.range.start >= value.end,
                "{}",
                &text[span.range]
            );
        }
        assert!(pieces > 1, "{pieces}");
        assert_sound_as(&text, Kind::Data, Syntax::Format(format), limits);
    }
}

#[test]
fn a_stray_quote_costs_one_record() {
    let text = format!("1\t\"stray\t2\n{}", "3\t4\n".repeat(40_000));
    let limits = limits(100, 200);
    for span in spans(&text, Format::Csv, limits) {
        assert_eq!(span.heading_path, [""; 0]);
        assert!(text[span.range].ends_with('\n'));
    }
}

#[test]
fn a_broken_line_does_no_harm_to_those_behind_it() {
    let good = format!("{{\"a\": \"{}\", \"b\": {{\"c\": 1}}}}\n", "x".repeat(40));
    let text = format!("{good}{{\"a\": [{{\"half\n{}", good.repeat(8));
    for span in spans(&text, Format::JsonLines, limits(60, 120)) {
        assert!(text[span.range].ends_with('\n'));
    }
}

#[test]
fn a_notebook_keeps_its_cells_apart() {
    let cell = |n: usize| {
        format!(
            "  {{\n   \"cell_type\": \"code\",\n   \"source\": [\n    \"{}{n}\"\n   ]\n  }}",
            "x".repeat(300)
        )
    };
    let cells: Vec<String> = (0..6).map(cell).collect();
    let text = format!(
        "{{\n \"cells\": [\n{}\n ],\n \"nbformat\": 4\n}}\n",
        cells.join(",\n")
    );
    let spans = spans(&text, Format::Json, limits(400, 800));
    assert!(spans.len() >= 6, "{spans:#?}");
    assert_eq!(spans[1].heading_path, ["cells"]);
    assert!(text[spans[1].range.clone()].starts_with("  {\n   \"cell_type\""));
}

/// Texts on which a recursive step would overflow the stack, and a quadratic one would not end.
#[test]
fn monstrous_data_is_sound() {
    let deep = 100_000;
    let size = 200_000;
    for format in ALL {
        for text in [
            "{".repeat(deep),
            "[".repeat(size),
            "[[\"a\",".repeat(deep),
            "{\"a\":".repeat(deep) + &"}".repeat(deep),
            "}".repeat(deep),
            "\"".repeat(size),
            "\"\n".repeat(size / 2),
            "\"\",".repeat(size / 3),
            "\\\"".repeat(size / 2),
            "'".repeat(size),
            "/*".repeat(size / 2),
            "//".repeat(size / 2),
            "- ".repeat(size / 2),
            "a: ".repeat(size / 3),
            "a:\n".repeat(size / 3),
            "a = \"\"\"\n".repeat(size / 8),
            "[a.b]\n".repeat(size / 6),
            format!("[{}]\n", "a.".repeat(deep)).repeat(4),
            "a=[\n".repeat(size / 4),
            "#\n".repeat(size / 2),
            "\"a\",".repeat(size / 4),
            "1,2\n".repeat(size / 4),
            format!("[{}]", "{\"a\":1},".repeat(size / 8)),
            "\u{4e00}".repeat(size / 3),
            "a".repeat(size),
            " ".repeat(size) + "a",
            (0..1_000).map(|n| " ".repeat(n) + "a:\n").collect(),
        ] {
            let limits = ChunkLimits::default();
            let spans = spans(&text, format, limits);
            assert_eq!(spans.first().map(|span| span.range.start), Some(0));
            assert_eq!(spans.last().map(|span| span.range.end), Some(text.len()));
            assert!(spans.iter().all(|span| {
                text[span.range.clone()].trim().len() <= limits.bytes_max
                    && span.heading_path.len() <= 16
            }));
        }
    }
}

const CSV: &str = "id,name,note\n1,\"a, b\",\"line\nline\"\n2,c,\"say \"\"hi\"\"\"\n";

fn damaged() -> impl Strategy<Value = (Format, String)> {
    let samples = vec![
        (Format::Csv, CSV),
        (Format::Ini, TOML),
        (Format::Json, JSON),
        (Format::JsonLines, JSON),
        (Format::Toml, TOML),
        (Format::Yaml, YAML),
    ];
    let edit = (
        any::<prop::sample::Index>(),
        0_usize..30,
        "[{}\\[\\]\"'`:,=#/*|\\-\\n\\r a-c\u{4e00}]{0,4}",
    );
    (
        prop::sample::select(samples),
        prop::collection::vec(edit, 0..6),
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|((format, sample), edits, cut, cuts)| {
            let mut text = sample.repeat(2);
            for (place, length, with) in edits {
                let start = text.floor_char_boundary(place.index(text.len() + 1));
                let end = text.ceil_char_boundary((start + length).min(text.len()));
                text.replace_range(start..end, &with);
            }
            if cuts {
                text.truncate(text.floor_char_boundary(cut.index(text.len() + 1)));
            }
            (format, text)
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn damaged_data_is_tiled(
        (format, text) in damaged(),
        bytes_target in 0_usize..200,
        bytes_more in 0_usize..200,
    ) {
        let limits = limits(bytes_target, bytes_target + bytes_more);
        assert_sound_as(&text, Kind::Data, Syntax::Format(format), limits);
    }

    #[test]
    fn any_string_is_tiled_as_data(text in ".{0,300}", format in prop::sample::select(&ALL[..])) {
        assert_sound_as(&text, Kind::Data, Syntax::Format(format), limits(20, 40));
    }

    /// Records of any fields are found again whole.
    #[test]
    fn records_are_kept_whole(
        fields in prop::collection::vec(prop::collection::vec("[a-z\",\n ]{0,12}", 3), 1..30),
    ) {
        let quoted = |field: &String| format!("\"{}\"", field.replace('"', "\"\""));
        let records: Vec<String> = fields
            .iter()
            .map(|fields| fields.iter().map(quoted).collect::<Vec<_>>().join(",") + "\n")
            .collect();
        let text: String = records.concat();
        let mut ends = vec![];
        let mut end = 0;
        for record in &records {
            end += record.len();
            ends.push(end);
        }
        for span in spans(&text, Format::Csv, limits(60, 400)) {
            prop_assert!(ends.contains(&span.range.end), "{:?}", &text[span.range]);
        }
    }

    /// Each value of an object of any shape lies below its key.
    #[test]
    fn paths_are_those_of_the_keys(
        members in prop::collection::btree_map("[a-z]{1,6}", ("[a-z{}\\[\\], ]{0,80}", 0_u8..3), 1..20),
        pretty in any::<bool>(),
    ) {
        let value: serde_json::Map<String, serde_json::Value> = members
            .iter()
            .map(|(key, (words, shape))| {
                let words = serde_json::Value::from(words.repeat(3));
                let value = match shape {
                    0 => words,
                    1 => serde_json::json!([words, words, words]),
                    _ => serde_json::json!({"inner": words, "other": [words]}),
                };
                (key.clone(), value)
            })
            .collect();
        let text = if pretty {
            serde_json::to_string_pretty(&value).unwrap()
        } else {
            serde_json::to_string(&value).unwrap()
        };
        for span in spans(&text, Format::Json, limits(120, 240)) {
            if let Some(key) = span.heading_path.first() {
                prop_assert!(members.contains_key(key), "{key}");
                let place = text.find(&format!("\"{key}\":")).unwrap();
                prop_assert!(place < span.range.end, "{:?}", span);
                let next = members.range::<String, _>((std::ops::Bound::Excluded(key), std::ops::Bound::Unbounded)).next();
                if let Some((next, _)) = next {
                    let next = text.find(&format!("\"{next}\":")).unwrap();
                    let inside = span.range.end.min(next).saturating_sub(span.range.start.max(place));
                    prop_assert!(3 * inside + 8 >= span.range.len() * 2, "{:?} {}", span, next);
                }
            }
        }
    }
}
