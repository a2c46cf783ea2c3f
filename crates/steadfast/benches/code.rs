//! How fast program text and data are cut into chunks on one thread, parsing included.
//!
//! The texts are made here: the same few members over and over with other
//! names, so that the figures compare languages and commits, not repositories.

#![expect(clippy::unwrap_used, reason = "a benchmark over its own fixed input")]

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use steadfast::ingest::chunk::{ChunkLimits, chunk_source, kind_of};

const TEXT_BYTES: usize = 256 << 10;

/// A name of a file, and what it is made of; `@` is the number of the copy.
const MEMBERS: &[(&str, &str)] = &[
    (
        "a.rs",
        "/// Does number @ and says how.\n#[must_use]\npub fn member_@(input: &str, limit: usize) -> \
         Option<String> {\n    let words: Vec<&str> = input.split(' ').take(limit).collect();\n    \
         if words.is_empty() {\n        return None;\n    }\n    Some(words.join(\"@\"))\n}\n\n",
    ),
    (
        "a.py",
        "@decorated\ndef member_@(first, limit=10):\n    \"\"\"Does number @ and says how.\"\"\"\n    \
         words = [word for word in first.split(' ') if word]\n    if not words:\n        return None\n    \
         return '@'.join(words[:limit])\n\n\n",
    ),
    (
        "a.js",
        "/** Does number @ and says how. */\nfunction member@(first, limit) {\n  const words = \
         first.split(' ').slice(0, limit);\n  if (words.length === 0) {\n    return null;\n  }\n  \
         return words.join('@');\n}\n\n",
    ),
    (
        "a.ts",
        "/** Does number @ and says how. */\nexport function member@(first: string, limit: number): \
         string | null {\n  const words: string[] = first.split(' ').slice(0, limit);\n  \
         if (words.length === 0) {\n    return null;\n  }\n  return words.join('@');\n}\n\n",
    ),
    (
        "a.go",
        "// Member@ does number @ and says how.\nfunc (s *Server) Member@(first string, limit int) \
         (string, error) {\n\twords := strings.Split(first, \" \")\n\tif len(words) == 0 {\n\t\treturn \
         \"\", errEmpty\n\t}\n\treturn strings.Join(words[:limit], \"@\"), nil\n}\n\n",
    ),
    (
        "a.c",
        "/* Does number @ and says how. */\nstatic int member_@(const char *first, size_t limit)\n{\n    \
         size_t count = 0;\n    for (const char *at = first; *at && count < limit; at++) {\n        \
         if (*at == ' ')\n            count++;\n    }\n    return (int)count + @;\n}\n\n",
    ),
    (
        "a.cpp",
        "/// Does number @ and says how.\ntemplate <typename T>\nstd::vector<T> member_@(const \
         std::vector<T> &first, std::size_t limit) {\n    std::vector<T> words;\n    for (const auto \
         &word : first) {\n        if (words.size() < limit) words.push_back(word);\n    }\n    \
         return words;\n}\n\n",
    ),
    (
        "a.java",
        "class Member@ {\n    /** Does number @ and says how. */\n    public static String run(String \
         first, int limit) {\n        String[] words = first.split(\" \");\n        if (words.length == \
         0) {\n            return null;\n        }\n        return String.join(\"@\", words);\n    }\n}\n\n",
    ),
    (
        "a.jsonl",
        "{\"id\": @, \"name\": \"member @\", \"words\": [\"one\", \"two\", \"three\"], \"more\": \
         {\"first\": true, \"limit\": 10.5, \"text\": \"some words of number @\"}}\n",
    ),
    (
        "a.yaml",
        "member@:\n  name: does number @\n  # Remark.\n  words:\n    - one\n    - two: three\n      \
         four: five\n  text: |\n    some words of number @\n    and more of them\n",
    ),
    (
        "a.toml",
        "# About number @.\n[member.@]\nname = \"does number @\"\nwords = [\n    \"one\",\n    \"two\",\n]\n\
         more = { first = true, limit = 10 }\n\n",
    ),
    (
        "a.csv",
        "@,does number @,\"some words, of\nnumber \"\"@\"\"\",10.5,2026-01-01\n",
    ),
];

fn text(member: &str) -> String {
    let mut text = String::with_capacity(TEXT_BYTES + member.len());
    let mut number = 0_u32;
    while text.len() < TEXT_BYTES {
        let mut parts = member.split('@');
        text.push_str(parts.next().unwrap());
        for part in parts {
            // A decorator keeps its mark.
            if part.starts_with("decorated") {
                text.push('@');
            } else {
                write!(text, "{number}").unwrap();
            }
            text.push_str(part);
        }
        number += 1;
    }
    text
}

fn bench(criterion: &mut Criterion) {
    let limits = ChunkLimits::default();
    let mut texts: Vec<(&str, String)> = MEMBERS
        .iter()
        .map(|(name, member)| (*name, text(member)))
        .collect();
    let (_, lines) = texts.iter().find(|(name, _)| *name == "a.jsonl").unwrap();
    let minified = format!("[{}]", lines.trim_end().replace('\n', ","));
    texts.push(("minified.json", minified));
    let mut group = criterion.benchmark_group("chunk");
    for (name, text) in &texts {
        let chunks = chunk_source(text, kind_of(name), name, &limits).spans.len();
        for (unit, throughput) in [
            ("bytes", Throughput::Bytes(text.len() as u64)),
            ("chunks", Throughput::Elements(chunks as u64)),
        ] {
            group.throughput(throughput);
            group.bench_function(format!("{name}/{unit}"), |bencher| {
                bencher.iter(|| chunk_source(black_box(text), kind_of(name), name, &limits));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
