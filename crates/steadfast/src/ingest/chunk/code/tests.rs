//! The bad days: a constant between two functions that no chunk holds, a doc
//! comment that was cut off its function, a path that names the neighbour, a
//! file that is half typed, and a text that makes the parser think for ever.

use std::fmt::Write;

use proptest::prelude::*;
use steadfast_model::Kind;

use super::super::tests::{assert_sound_as, chunk_as, limits};
use super::super::{ChunkLimits, Language, Syntax};

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

const RUST: &str = r"//! What it does.

use std::fmt;

/// A limit.
const LIMIT: usize = 10;

/// A thing.
///
/// With words.
#[derive(Debug)]
pub struct Thing {
    name: String,
    other: usize,
}

impl fmt::Display for Thing {
    // A remark.
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }

    /// Counts.
    fn count(&self) -> usize {
        self.other + LIMIT + self.name.len() + 1
    }
}

mod tests {
    fn a() {}
}
";

#[test]
fn rust_is_cut_around_its_definitions() {
    check(
        Language::Rust,
        150,
        RUST,
        &[
            "1-7 ",
            "8-16 struct Thing",
            "17-23 impl fmt::Display for Thing > fn fmt",
            "24-29 impl fmt::Display for Thing > fn count",
            "30-32 mod tests",
        ],
    );
    check(Language::Rust, 1_000, RUST, &["1-32 "]);
}

const PYTHON: &str = r#""""Module words."""
import os
from typing import Any

LIMIT = 10

if True:
    import sys


@decorated
@twice(
    1,
)
def first(a, b):
    """Doc."""
    return a + b + LIMIT + 1000000000


# About the class.
class Thing(Base):
    """Words about it that are long enough to matter, really."""

    name = "x"

    @property
    def one(self):
        return self.name + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

    async def two(self):
        for a in self:
            yield a + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"


if __name__ == "__main__":
    first(1, 2)
"#;

#[test]
fn python_is_cut_around_its_definitions() {
    check(
        Language::Python,
        120,
        PYTHON,
        &[
            "1-10 ",
            "11-19 def first",
            "20-25 class Thing",
            "26-29 class Thing > def one",
            "30-34 class Thing > def two",
            "35-36 ",
        ],
    );
}

const TYPESCRIPT: &str = r#"import { a } from "a";

/** Words. */
export interface Shape {
  area(): number;
  name: string;
}

export default class Circle implements Shape {
  private readonly r = 1;

  @memo()
  area(): number {
    return Math.PI * this.r * this.r * 1000000 * 1000000;
  }

  get name() {
    return "circle" + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  }
}

export const handler = async (event: Event): Promise<void> => {
  const local = 1;
  await run(event, local, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
};

namespace Inner {
  export function f(): void {
    console.log("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  }
  export function g(): void {
    console.log("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
  }
}
Circle.prototype.old = function () {
  return "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
};
"#;

#[test]
fn typescript_is_cut_around_its_definitions() {
    for language in [Language::TypeScript, Language::Tsx] {
        check(
            language,
            120,
            TYPESCRIPT,
            &[
                "1-8 interface Shape",
                "9-11 class Circle",
                "12-16 class Circle > area",
                "17-21 class Circle > name",
                "22-26 handler",
                "27-30 namespace Inner > function f",
                "31-34 namespace Inner > function g",
                "35-37 Circle.prototype.old",
            ],
        );
    }
}

const GO: &str = r#"package main

import (
	"fmt"
	"os"
)

const Limit = 10

var (
	a = 1
	b = 2
)

// Server serves.
type Server struct {
	name string
	other map[string]string
	third int
}

// Serve does.
func (s *Server) Serve(ctx context.Context) error {
	return fmt.Errorf("aaaaaaaaaaaaaaaaaaaaaaaaaa %s", s.name)
}

func main() {
	s := &Server{}
	os.Exit(s.Serve("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
}
"#;

#[test]
fn go_is_cut_around_its_definitions() {
    check(
        Language::Go,
        120,
        GO,
        &[
            "1-14 ",
            "15-21 type Server",
            "22-26 func (*Server) Serve",
            "27-30 func main",
        ],
    );
}

const C: &str = r#"/* Licence. */
#ifndef A_H
#define A_H

#include <stdio.h>
#define LIMIT 10

struct point {
    int x;
    int y;
    struct point *next_of_them_all;
};

typedef struct {
    int a;
    int b_is_a_long_name_for_a_field;
} pair;

static const char *const names[] = {
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
};

/* Adds. */
static int
*add(int a, int b)
{
    return a + b + LIMIT + 1000000000 + 100000000000;
}

#endif
"#;

#[test]
fn c_is_cut_around_its_definitions() {
    check(
        Language::C,
        120,
        C,
        &[
            "1-7 ",
            "8-13 struct point",
            "14-18 typedef pair",
            "19-23 names",
            "24-31 add",
        ],
    );
}

const CPP: &str = r#"#pragma once
namespace geometry {

template <typename T>
class Box : public Base {
public:
    Box() = default;
    ~Box();

    // The width.
    T width() const {
        return width_ + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    }

    bool operator==(const Box &other) const {
        return width_ == other.width_ + "aaaaaaaaaaaaaaaaaaaa";
    }

private:
    T width_;
};

} // namespace geometry

int &geometry::Box<int>::height(int a) {
    return height_ + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
}
"#;

#[test]
fn cpp_is_cut_around_its_definitions() {
    for language in [Language::Cpp, Language::C] {
        check(
            language,
            120,
            CPP,
            &[
                "1-5 namespace geometry",
                "6-9 namespace geometry > class Box",
                "10-14 namespace geometry > class Box > width",
                "15-18 namespace geometry > class Box > operator==",
                "19-24 ",
                "25-27 geometry::Box<int>::height",
            ],
        );
    }
}

const JAVA: &str = r#"package a.b;

import java.util.List;

/**
 * Words.
 */
@Deprecated
public final class Store<T> extends Base {
    private static final int LIMIT = 10;

    /** Makes. */
    public Store(List<T> items) {
        super(items, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    }

    @Override
    public <U> U get(String name) throws Exception {
        return map.get(name + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
    }

    enum State { OPEN, CLOSED }
}
"#;

#[test]
fn java_is_cut_around_its_definitions() {
    check(
        Language::Java,
        120,
        JAVA,
        &[
            "1-4 ",
            "5-11 class Store",
            "12-16 class Store > Store",
            "17-21 class Store > get",
            "22-23 class Store > enum State",
        ],
    );
}

const JAVASCRIPT: &str = r#"'use strict';
const fs = require('fs');

/**
 * Words.
 */
function first(a) {
  return a + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
}

module.exports = {
  first,
  second() {
    return "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
  },
};

const View = () => (
  <div className="aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">{first(1)}</div>
);

class Widget extends Base {
  static x = 1;
  #secret() { return "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; }
  render() { return "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"; }
}
"#;

#[test]
fn javascript_is_cut_around_its_definitions() {
    check(
        Language::JavaScript,
        120,
        JAVASCRIPT,
        &[
            "1-3 ",
            "4-10 function first",
            "11-17 module.exports",
            "18-21 View",
            "22-24 class Widget",
            "25-26 class Widget > render",
        ],
    );
}

/// Each with a text that its grammar reads without an error.
fn samples() -> [(Language, &'static str); 9] {
    [
        (Language::C, C),
        (Language::Cpp, CPP),
        (Language::Go, GO),
        (Language::Java, JAVA),
        (Language::JavaScript, JAVASCRIPT),
        (Language::Python, PYTHON),
        (Language::Rust, RUST),
        (Language::TypeScript, TYPESCRIPT),
        (Language::Tsx, super::path_tests::TSX),
    ]
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
