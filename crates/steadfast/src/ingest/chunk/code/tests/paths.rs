//! The bad days: a method that goes by the name of its neighbour, an inner function that is nobody's, and a constant or
//! an import that is in no chunk, in each language of its own.

use steadfast_model::Kind;

use super::super::super::tests::{chunk_as, limits};
use super::super::super::{Language, Syntax};

/// Small enough that each member stands in a chunk of its own.
const BYTES_TARGET: usize = 40;

/// Checks that the chunk in which each text begins has its path.
#[track_caller]
fn check(language: Language, text: &str, expected: &[(&str, &[&str])]) {
    let limits = limits(BYTES_TARGET, 4 * BYTES_TARGET);
    let spans = chunk_as(text, Kind::Code, Syntax::Language(language), &limits);
    let whole: String = spans.iter().map(|span| &text[span.range.clone()]).collect();
    assert_eq!(whole, text);
    for (part, path) in expected {
        let place = text.find(part).unwrap_or_else(|| panic!("no {part}"));
        let span = spans
            .iter()
            .find(|span| span.range.contains(&place))
            .unwrap();
        let piece = &text[span.range.clone()];
        assert_eq!(&span.heading_path, path, "{part} in:\n{piece}");
    }
}

const TYPESCRIPT: &str = r#"import { readFile, writeFile } from "node:fs/promises";

export const LIMIT_OF_ALL_THINGS: number = 1_000_000_000;

type Callback<T> = (value: T, error?: Error) => Promise<void>;

enum Colour { Red = "red", Green = "green", Blue = "blue" }

abstract class Store<T> extends Base implements Keeper<T> {
  private static instance: Store<unknown> | undefined = undefined;

  constructor(private readonly name: string, size = 10) {
    super(name, size, "a text that is long enough");
  }

  async load<K extends keyof T>(key: K): Promise<T[K]> {
    return this.backend.load(key, "a text that is long");
  }
}

function outer(a: number): number {
  function innermost(b: number): number {
    const c = b * 2 + 1000000000 + 2000000000 + 3000000000;
    return c * 4000000000 - 5000000000 + 6000000000 + 7;
  }
  return innermost(a) + innermost(a + 1) + innermost(2);
}
"#;

#[test]
fn typescript_paths() {
    let expected: &[(&str, &[&str])] = &[
        ("import {", &[]),
        ("LIMIT_OF_ALL", &["LIMIT_OF_ALL_THINGS"]),
        ("type Callback", &["type Callback"]),
        ("enum Colour", &["enum Colour"]),
        ("constructor(", &["class Store", "constructor"]),
        ("async load", &["class Store", "load"]),
        (
            "function innermost",
            &["function outer", "function innermost"],
        ),
    ];
    check(Language::TypeScript, TYPESCRIPT, expected);
    check(Language::Tsx, TYPESCRIPT, expected);
}

pub(super) const TSX: &str = r#"import React, { useState, type ReactNode } from "react";

interface Props { title: string; children?: ReactNode; onClose(): void }

export const Dialog: React.FC<Props> = ({ title, children, onClose }) => {
  const [isOpen, setOpen] = useState<boolean>(true);
  return <div className="dialog" hidden={!isOpen}>{children}</div>;
};

export default function Page({ title }: Props): JSX.Element {
  function renderHeading(level: number): JSX.Element {
    return <h1 data-level={level} onClick={() => alert("x")}>{title}</h1>;
  }
  return (<main>{renderHeading(1)}<Dialog title={title} onClose={() => {}} /></main>);
}

class Boundary extends React.Component<Props, { failed: boolean }> {
  componentDidCatch(error: Error): void {
    this.setState({ failed: true, message: error.message });
  }
}
"#;

#[test]
fn tsx_paths() {
    check(
        Language::Tsx,
        TSX,
        &[
            ("import React", &[]),
            ("interface Props", &["interface Props"]),
            ("export const Dialog", &["Dialog"]),
            (
                "function renderHeading",
                &["function Page", "function renderHeading"],
            ),
            (
                "componentDidCatch",
                &["class Boundary", "componentDidCatch"],
            ),
        ],
    );
}

#[test]
fn go_paths() {
    check(
        Language::Go,
        r#"package server

import "github.com/example/project/internal/storage"

const MaximumNumberOfConnections = 1_000_000

var ErrClosedByTheOtherSide = errors.New("closed")

type Handler interface { Serve(ctx context.Context) error }

type Pool[T any] struct { items []T; free chan T; size int }

func (p *Pool[T]) Take(ctx context.Context) (T, error) {
	return p.wait(ctx, "a text that is long enough")
}

func New(size int) (*Pool[int], error) {
	check := func(n int) error {
		return fmt.Errorf("not a size: %d, at least %d", n, 1)
	}
	return &Pool[int]{size: size}, check(size)
}
"#,
        &[
            ("import \"github", &[]),
            ("const Maximum", &["const MaximumNumberOfConnections"]),
            ("var ErrClosed", &["var ErrClosedByTheOtherSide"]),
            ("type Handler", &["type Handler"]),
            ("type Pool", &["type Pool"]),
            ("func (p *Pool", &["func (*Pool[T]) Take"]),
            ("func New", &["func New"]),
        ],
    );
}

#[test]
fn java_paths() {
    check(
        Language::Java,
        r#"package org.example.project.storage;

import java.util.concurrent.ConcurrentHashMap;

public class Store<K extends Comparable<K>> implements Keeper<K> {
    public static final int LARGEST_NUMBER_OF_ENTRIES = 1_000_000;

    public Store(String name, int size) {
        super(name, size, "a text that is long enough");
    }

    @Override
    public <V> V load(K key, Class<V> type) throws IOException {
        return type.cast(map.get(key, "a text that is long"));
    }

    static class Entry<V> {
        V valueOf(String name) {
            return parse(name, "a text that is long enough");
        }
    }
}

interface Keeper<K> { boolean keeps(K key, String where); }

record Point(double x, double y, double z, String name) {}
"#,
        &[
            ("import java", &[]),
            (
                "LARGEST_NUMBER",
                &["class Store", "LARGEST_NUMBER_OF_ENTRIES"],
            ),
            ("public Store(", &["class Store", "Store"]),
            ("public <V> V load", &["class Store", "load"]),
            ("V valueOf", &["class Store", "class Entry", "valueOf"]),
            ("interface Keeper", &["interface Keeper"]),
            ("record Point", &["record Point"]),
        ],
    );
}

#[test]
fn c_paths() {
    check(
        Language::C,
        r#"#include <stdio.h>
#include "storage/connection_pool.h"

#define LARGEST_NUMBER_OF_CONNECTIONS (1024 * 1024)

static const char *const names_of_colours[] = {"red", "green"};

struct connection { int fd; struct connection *next; char *name; };

enum colour { COLOUR_RED = 1, COLOUR_GREEN = 2, COLOUR_BLUE };

typedef int (*handler_of_requests)(struct connection *, void *);

static inline int pool_take(struct pool *pool, size_t count)
{
    return pool->free > count ? pool->free - count : -1;
}

const struct connection *pool_find(const char *name)
{
    return lookup(name, "a text that is long enough", 10);
}
"#,
        &[
            ("#include <stdio", &[]),
            ("struct connection {", &["struct connection"]),
            ("enum colour", &["enum colour"]),
            ("static inline int pool_take", &["pool_take"]),
            ("const struct connection *pool_find", &["pool_find"]),
            ("static const char", &["names_of_colours"]),
        ],
    );
}

#[test]
fn python_paths() {
    check(
        Language::Python,
        r#"from collections.abc import Iterable, Mapping

LARGEST_NUMBER_OF_CONNECTIONS: int = 1024 * 1024

@dataclass(frozen=True, slots=True)
class Store(Generic[K, V]):
    """Keeps what it was given."""

    name: str = "a text that is long enough to stand alone"

    async def load(self, key: K, *, default: V | None = None) -> V:
        return await self.backend.load(key, default, 1000)

    class Entry:
        @property
        def value(self) -> str:
            return f"{self.name} is long enough to stand alone"

def outer(values: Iterable[int]) -> list[int]:
    def innermost(value: int) -> int:
        doubled = value * 2 + 1000000000 + 2000000000
        return doubled * 3000000000 - 4000000000 + 5
    return [innermost(value) for value in values if value]
"#,
        &[
            ("from collections", &[]),
            ("LARGEST_NUMBER", &["LARGEST_NUMBER_OF_CONNECTIONS"]),
            ("async def load", &["class Store", "def load"]),
            ("def value", &["class Store", "class Entry", "def value"]),
            ("def innermost", &["def outer", "def innermost"]),
        ],
    );
}
