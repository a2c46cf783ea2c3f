//! How many bytes of text a second become chunks, by kind.
//!
//! Run with `cargo bench -p steadfast --bench chunkers`. Texts are made up, with
//! a fixed seed, in the proportions of documentation: sections of a few
//! paragraphs, some lists, tables and code, and front matter above.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use steadfast::ingest::chunk::{ChunkLimits, chunk, chunk_source, links};
use steadfast::model::Kind;

/// About as much text as a large manual has.
const SECTIONS: usize = 1_000;

struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    }

    fn line(&mut self, words: usize) -> String {
        let mut line = String::new();
        for _ in 0..words {
            let letters = 2 + self.next() % 8;
            for _ in 0..letters {
                let letter = u8::try_from(self.next() % 26).unwrap_or(0);
                line.push(char::from(b'a' + letter));
            }
            line.push(' ');
        }
        line.truncate(line.trim_end().len());
        line
    }

    /// Lines of prose, with a link and code now and then.
    fn paragraph(&mut self, link: &str, code: &str) -> String {
        let mut paragraph = String::new();
        for _ in 0..4 {
            let words = self.line(12);
            let extra = match self.next() % 8 {
                0 => link,
                1 => code,
                _ => "",
            };
            writeln!(paragraph, "{words} {extra}").ok();
        }
        paragraph
    }
}

fn markdown() -> String {
    let mut words = Words(1);
    let mut text = "---\ntitle: A manual\ntags: [manual, long]\ndate: 2026-01-02\n---\n".to_owned();
    for section in 0..SECTIONS {
        let level = "#".repeat(1 + section % 4);
        write!(text, "{level} {}\n\n", words.line(4)).ok();
        for _ in 0..3 {
            let paragraph = words.paragraph("[a link](https://example.org/a)", "`code()` #tag");
            writeln!(text, "{paragraph}").ok();
        }
        match section % 4 {
            0 => write!(text, "```sh\n{}\n\n# none\n```\n\n", words.line(8)),
            1 => write!(
                text,
                "- {}\n- {}\n\n  {}\n\n",
                words.line(6),
                words.line(6),
                words.line(6)
            ),
            2 => write!(text, "| a | b |\n|---|---|\n| {} | 1 |\n\n", words.line(3)),
            _ => Ok(()),
        }
        .ok();
    }
    text
}

fn rst() -> String {
    let mut words = Words(2);
    let mut text = String::new();
    for section in 0..SECTIONS {
        let mark = ["=", "-", "~"].get(section % 3).copied().unwrap_or("=");
        let title = words.line(4);
        write!(text, "{title}\n{}\n\n", mark.repeat(title.len())).ok();
        for _ in 0..3 {
            let paragraph = words.paragraph("`a link <https://example.org/a>`_", "``code()``");
            writeln!(text, "{paragraph}").ok();
        }
        write!(text, ".. code-block:: sh\n\n   {}\n\n", words.line(8)).ok();
    }
    text
}

fn org() -> String {
    let mut words = Words(3);
    let mut text = "#+title: A manual\n#+filetags: :manual:\n\n".to_owned();
    for section in 0..SECTIONS {
        writeln!(
            text,
            "{} TODO {} :tag:",
            "*".repeat(1 + section % 4),
            words.line(4)
        )
        .ok();
        for _ in 0..3 {
            let paragraph = words.paragraph("[[https://example.org/a][a link]]", "~code()~");
            writeln!(text, "{paragraph}").ok();
        }
        write!(text, "#+begin_src sh\n{}\n\n#+end_src\n\n", words.line(8)).ok();
    }
    text
}

fn chunkers(criterion: &mut Criterion) {
    let limits = ChunkLimits::default();
    let mut group = criterion.benchmark_group("chunk");
    for (name, kind, text) in [
        ("a.md", Kind::Markdown, markdown()),
        ("a.txt", Kind::Text, markdown()),
        ("a.rst", Kind::Text, rst()),
        ("a.org", Kind::Text, org()),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| chunk_source(black_box(&text), kind, name, &limits));
        });
    }
    group.finish();
    let text = markdown();
    let spans = chunk(&text, Kind::Markdown, &limits).spans;
    let mut group = criterion.benchmark_group("links");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("a.md", |bencher| {
        bencher.iter(|| {
            spans
                .iter()
                .filter_map(|span| text.get(span.range.clone()))
                .map(|piece| links(black_box(piece), Kind::Markdown).len())
                .sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, chunkers);
criterion_main!(benches);
