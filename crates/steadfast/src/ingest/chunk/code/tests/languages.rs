//! Where each language is cut: the lines and the path of every chunk of one small file.

use super::super::super::Language;
use super::{check, paths};

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
pub(super) fn samples() -> [(Language, &'static str); 9] {
    [
        (Language::C, C),
        (Language::Cpp, CPP),
        (Language::Go, GO),
        (Language::Java, JAVA),
        (Language::JavaScript, JAVASCRIPT),
        (Language::Python, PYTHON),
        (Language::Rust, RUST),
        (Language::TypeScript, TYPESCRIPT),
        (Language::Tsx, paths::TSX),
    ]
}
