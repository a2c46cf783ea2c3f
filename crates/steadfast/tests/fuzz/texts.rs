//! Texts of each format and language, as its chunker gets them.

use steadfast::ingest::chunk::{ChunkLimits, Span, chunk, chunk_source, kind_of};
use steadfast::model::Kind;
use steadfast_testkit::Random;

use crate::hunt::hunt;
use crate::mutate::{mutated, text};

const MARKDOWN: &str = "---\ntitle: A\ntags: [a, b]\n---\n# One\n\nText with `code` and [a link](b.md).\n\n\
    ## Two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```rust\nfn f() {}\n```\n\n- item\n  - deeper\n\n> quote\n\nSetext\n===\n";
const RST: &str =
    "Title\n=====\n\n.. note::\n   inside\n\nSection\n-------\n\n::\n\n  literal\n\n* item\n";
const ORG: &str = "#+TITLE: T\n#+FILETAGS: :a:b:\n* One :tag:\n:PROPERTIES:\n:ID: x\n:END:\ntext\n** TODO Two\n\
    #+BEGIN_SRC rust\nfn f() {}\n#+END_SRC\n| a | b |\n";
const PLAIN: &str = "A sentence. Another one!\n\nA paragraph, with \u{5bb6}\u{65cf} and stra\u{df}e.\n\n- a list\n- of two\n";
const CSV: &str = "name,value,\"a, b\"\none,1,\"x\ny\"\ntwo,2,\"\"\"\"\n";
const INI: &str = "[section]\nkey = value\n; comment\n[other \"x\"]\na=b\n";
const JSON: &str = "{\"a\": [1, 2, {\"b\": \"c\\n\\\"d\"}], \"e\": {\"f\": null}, \"g\": 1e10}\n";
const JSON_LINES: &str = "{\"a\": 1}\n{\"b\": [1, 2]}\n\"text\"\nnull\n";
const TOML: &str = include_str!("../../Cargo.toml");
const YAML: &str =
    "a: 1\nb:\n  - c: d\n    e: |\n      block\n      text\n  - &x {f: g}\n---\nh: *x\n# comment\n";
const C: &str = "#include <a.h>\n/* comment */\nstruct s { int a; };\nint f(int a, char *b) {\n  if (a) { return 1; }\n  return 0;\n}\n#define M(x) \\\n  (x)\n";
const CPP: &str = "namespace n { template <typename T> class A : public B<T> { public: A() = default; ~A(); int f() const { return 1; } }; }\nauto l = [](int a) { return R\"x(raw)x\"; };\n";
const GO: &str = "package a\n\nimport \"fmt\"\n\ntype T struct {\n\tA int `json:\"a\"`\n}\n\nfunc (t *T) F(a ...int) (int, error) {\n\tfmt.Println(`raw`)\n\treturn 1, nil\n}\n";
const JAVA: &str = "package a;\n\n/** Doc. */\npublic class A<T> extends B implements C {\n  @Override\n  public int f(int a) throws E { return switch (a) { case 1 -> 2; default -> 3; }; }\n  record R(int a) {}\n}\n";
const JAVASCRIPT: &str = "import a from 'b';\n\nexport class A extends B {\n  #p = 1;\n  async f({a, ...b}) { await `${a} ${`${b}`}`; }\n}\nconst g = (x) => ({ x });\n/re[/]x/.test('');\n";
const PYTHON: &str = "import a\n\n@decorated(1)\nclass A(B):\n    \"\"\"Doc.\"\"\"\n    def f(self, *a, **k) -> int:\n        if (x := 1):\n            return f\"{x!r:>{10}}\"\n\nasync def g():\n\tpass\n";
const RUST: &str = include_str!("../../src/ingest/chunk/pieces.rs");
const TSX: &str = "type P<T> = { a: T };\nexport const A: React.FC<P<string>> = ({ a }) => <div className=\"x\">{a}<B {...a} /></div>;\n";
const TYPESCRIPT: &str = "enum E { A = 1 }\ninterface I<T extends E> { f?(a: T): asserts a is T }\nabstract class A { constructor(private x: number) {} }\ndeclare module 'm' {}\n";
const HTML: &str = "<!doctype html><html><body><h1>A</h1><p>b &amp; c</p><script>x < y</script><table><tr><td>1</td></tr></table></body></html>";
const SHELL: &str =
    "#!/bin/sh\nf() {\n  cat <<EOF\n$x\nEOF\n}\nf | while read -r a; do echo \"$a\"; done\n";

/// The words of which texts are made up from nothing.
const WORDS: &[&str] = &[
    "a", "value", "fn", "class", "def", "end", "\n", "\n\n", "  ", "\t", "x:", "1",
];

/// Checks from the spans alone that nothing is lost: they tile the text, are short enough, and name their lines.
fn sound(text: &str, spans: &[Span], limits: ChunkLimits) -> Result<(), String> {
    if text.trim().is_empty() {
        return match spans {
            [] => Ok(()),
            _ => Err("white space has a chunk".to_owned()),
        };
    }
    let (mut end, mut line) = (0, 1);
    for span in spans {
        let Some(part) = text.get(span.range.clone()) else {
            return Err(format!("{:?} is within a character", span.range));
        };
        if span.range.start != end || part.is_empty() {
            return Err(format!("{:?} does not follow {end}", span.range));
        }
        // One character may be longer than the limit.
        let length = part.trim().len();
        if length > limits.bytes_max.max(4) {
            return Err(format!("{:?} has {length} bytes", span.range));
        }
        let feeds = u32::try_from(part.matches('\n').count()).unwrap();
        let last = line + feeds - u32::from(part.ends_with('\n'));
        if (span.start_line, span.end_line) != (line, last) {
            let (start, end) = (span.start_line, span.end_line);
            return Err(format!(
                "{:?} is on {line}..{last}, not {start}..{end}",
                span.range
            ));
        }
        (end, line) = (span.range.end, line + feeds);
    }
    if end == text.len() {
        return Ok(());
    }
    Err(format!("{end} of {} bytes have a chunk", text.len()))
}

/// Cuts mutated samples and made-up texts, within drawn limits.
fn cut(target: &str, sample: &str, cut: impl Fn(&str, &ChunkLimits) -> Vec<Span>) {
    let limits = |random: &mut Random| match random.below(3) {
        0 => ChunkLimits::default(),
        1 => ChunkLimits {
            bytes_target: random.below(80),
            bytes_max: 4 + random.below(120),
        },
        _ => ChunkLimits {
            bytes_target: random.below(12),
            bytes_max: random.below(12),
        },
    };
    hunt(target, 120, |random| {
        let text = match random.below(5) {
            0 => text(random, WORDS),
            _ => mutated(random, sample),
        };
        let limits = limits(random);
        let spans = cut(&text, &limits);
        sound(&text, &spans, limits).map_err(|what| format!("{what}, {limits:?}: {text:?}"))
    });
}

fn cut_source(source: &str, sample: &str) {
    cut(source, sample, |text, limits| {
        chunk_source(text, kind_of(source), source, limits).spans
    });
}

/// Makes a test for each name of a source.
macro_rules! sources {
    ($($test:ident: $source:literal, $sample:ident;)*) => {
        $(
            #[test]
            fn $test() {
                cut_source($source, $sample);
            }
        )*
    };
}

sources! {
    markdown: "a.md", MARKDOWN;
    restructured_text: "a.rst", RST;
    org: "a.org", ORG;
    plain: "a.txt", PLAIN;
    csv: "a.csv", CSV;
    ini: "a.ini", INI;
    json: "a.json", JSON;
    json_lines: "a.jsonl", JSON_LINES;
    toml: "a.toml", TOML;
    yaml: "a.yaml", YAML;
    c: "a.c", C;
    cpp: "a.cpp", CPP;
    go: "a.go", GO;
    java: "a.java", JAVA;
    javascript: "a.js", JAVASCRIPT;
    python: "a.py", PYTHON;
    rust: "a.rs", RUST;
    tsx: "a.tsx", TSX;
    typescript: "a.ts", TYPESCRIPT;
    html: "a.html", HTML;
    shell: "a.sh", SHELL;
}

#[test]
fn note() {
    cut("a note", MARKDOWN, |text, limits| {
        chunk(text, Kind::Note, limits).spans
    });
}
