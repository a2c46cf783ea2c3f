//! The bad days: text that lies in no chunk and is never found, a line number
//! that points elsewhere, a comment in a code block that is taken for a
//! heading, and one edit at the top after which a whole file is embedded anew.

use std::collections::HashSet;
use std::fmt::Write;

use proptest::prelude::*;

use super::*;

mod bounds;
mod marked;
mod sections;

pub(super) fn limits(bytes_target: usize, bytes_max: usize) -> ChunkLimits {
    ChunkLimits {
        bytes_target,
        bytes_max,
    }
}

fn texts(text: &str, kind: Kind, limits: ChunkLimits) -> Vec<&str> {
    chunk(text, kind, &limits)
        .spans
        .into_iter()
        .map(|span| &text[span.range])
        .collect()
}

/// Shows each chunk as lines, path and text.
fn show(text: &str, limits: ChunkLimits) -> String {
    let mut out = String::new();
    for span in chunk(text, Kind::Markdown, &limits).spans {
        writeln!(
            out,
            "{}-{} [{}] |{}|",
            span.start_line,
            span.end_line,
            span.heading_path.join(" > "),
            text[span.range].escape_debug()
        )
        .unwrap();
    }
    out
}

#[track_caller]
fn check(text: &str, bytes_target: usize, expected: &[&str]) {
    let shown = show(text, limits(bytes_target, 2 * bytes_target));
    assert_eq!(shown.lines().collect::<Vec<_>>(), expected);
}

/// What must hold of every text.
fn assert_sound(text: &str, kind: Kind, limits: ChunkLimits) {
    let chunked = chunk(text, kind, &limits);
    assert_eq!(chunked, chunk(text, kind, &limits));
    assert_tiled(text, &chunked, limits);
}

/// Cuts a text of a known syntax.
pub(super) fn chunk_as(text: &str, kind: Kind, syntax: Syntax, limits: &ChunkLimits) -> Vec<Span> {
    structured(text, kind, syntax, limits).unwrap_or_else(|| chunk(text, kind, limits).spans)
}

/// What must hold of every text of a known syntax.
pub(super) fn assert_sound_as(text: &str, kind: Kind, syntax: Syntax, limits: ChunkLimits) {
    let spans = chunk_as(text, kind, syntax, &limits);
    assert_eq!(spans, chunk_as(text, kind, syntax, &limits));
    assert_tiled(text, &Chunked::plain(spans), limits);
}

/// What must hold of the chunks of every text.
fn assert_tiled(text: &str, chunked: &Chunked, limits: ChunkLimits) {
    let Chunked { spans, facts } = chunked;
    assert_eq!(spans.is_empty(), text.trim().is_empty());
    assert!(spans.iter().all(|span| span.facts < facts.len()));
    let mut end = 0;
    let mut line = 1;
    for span in spans {
        assert_eq!(span.range.start, end, "spans tile the text");
        end = span.range.end;
        let piece = &text[span.range.clone()];
        assert!(!piece.trim().is_empty(), "{piece:?} is blank");
        assert!(
            piece.trim().len() <= limits.bytes_max.max(4),
            "{piece:?} is too long"
        );
        assert_eq!(span.start_line, line);
        line += u32::try_from(piece.matches('\n').count()).unwrap();
        assert_eq!(span.end_line, line - u32::from(piece.ends_with('\n')));
        assert!(!(piece.ends_with('\r') && text[end..].starts_with('\n')));
    }
    if !spans.is_empty() {
        assert_eq!(end, text.len());
    }
}

#[test]
fn white_space_gives_no_chunk() {
    for kind in Kind::ALL {
        for text in ["", " ", "\n\n\t\r\n", "\u{a0}\u{3000}"] {
            assert_eq!(chunk(text, kind, &ChunkLimits::default()).spans, []);
        }
    }
}

#[test]
fn a_short_text_is_one_chunk_with_its_blank_lines() {
    for kind in Kind::ALL {
        let text = "\n\n one\r\n\r\ntwo\n\n";
        let spans = chunk(text, kind, &ChunkLimits::default()).spans;
        let expected = Span {
            range: 0..text.len(),
            start_line: 1,
            end_line: 6,
            heading_path: Vec::new(),
            facts: 0,
        };
        assert_eq!(spans, [expected]);
    }
}

#[test]
fn sections_start_at_their_headings() {
    check(
        "intro\n\n# A\n\na\n\n## B ##\nb\n\n### C\nc\n## D\nd",
        10,
        &[
            r"1-2 [] |intro\n\n|",
            r"3-6 [A] |# A\n\na\n\n|",
            r"7-9 [A > B] |## B ##\nb\n\n|",
            r"10-11 [A > B > C] |### C\nc\n|",
            r"12-13 [A > D] |## D\nd|",
        ],
    );
}

#[test]
fn small_sections_are_merged_below_a_heading_of_the_second_level() {
    check(
        "## A\na\n### B\nb\n### C\nc\n## D\nd\n### E\ne\n",
        100,
        &[
            r"1-6 [A] |## A\na\n### B\nb\n### C\nc\n|",
            r"7-10 [D] |## D\nd\n### E\ne\n|",
        ],
    );
}

#[test]
fn headings_without_text_lead_to_the_section_below() {
    check(
        "# A\n\n## B\n\n### C\nc\n\n# D\n# E\ne\n",
        100,
        &[
            r"1-7 [A > B > C] |# A\n\n## B\n\n### C\nc\n\n|",
            r"8-10 [D] |# D\n# E\ne\n|",
        ],
    );
}

#[test]
fn front_matter_is_a_chunk_of_its_own() {
    check(
        "---\ntitle: x\n# no heading\n---\n\n# A\na\n\n## B\nb\n",
        100,
        &[
            r"1-5 [] |---\ntitle: x\n# no heading\n---\n\n|",
            r"6-8 [A] |# A\na\n\n|",
            r"9-10 [A > B] |## B\nb\n|",
        ],
    );
    let note = "---\ntitle: x\n---\na\n";
    assert_eq!(texts(note, Kind::Note, limits(100, 200)), [note]);
    assert_eq!(texts(note, Kind::Markdown, limits(100, 200)).len(), 2);
    let long = format!("---\n{}---\na\n", "key: value\n".repeat(100));
    assert_sound(&long, Kind::Markdown, limits(100, 200));
    // A rule at the start is no front matter.
    check(
        "---\n\n# A\na\n\n---\n# B\nb\n",
        100,
        &[r"1-6 [A] |---\n\n# A\na\n\n---\n|", r"7-8 [B] |# B\nb\n|"],
    );
}

#[test]
fn underlined_headings_are_found() {
    check(
        "One\ntwo\n===\na\n\nB\r\n--\r\nb\n\n- item\n---\n\n> said\n---\n\n| t |\n---\n\na\nb\nc\nd\n---\n",
        100,
        &[
            r"1-5 [One two] |One\ntwo\n===\na\n\n|",
            r"6-23 [One two > B] |B\r\n--\r\nb\n\n- item\n---\n\n> said\n---\n\n| t |\n---\n\na\nb\nc\nd\n---\n|",
        ],
    );
}

#[test]
fn what_looks_like_a_heading_and_is_none() {
    let text = "# A\n#tag\n####### seven\n    # code\n\t# code\n\\# escaped\n- # item\n> # said\n";
    check(text, 200, &[&format!("1-8 [A] |{}|", text.escape_debug())]);
    for fence in ["```", "~~~~", "   ```sh"] {
        let mark = fence.trim_start().trim_end_matches("sh");
        let text = format!("# A\n{fence}\n# no\n``\n~~~x\nno\n---\n{mark}x\n{mark}\n");
        check(&text, 200, &[&format!("1-9 [A] |{}|", text.escape_debug())]);
        // A fence that is never closed runs to the end.
        let text = format!("# A\n{fence}\n# no\n\n## no\n");
        check(&text, 200, &[&format!("1-5 [A] |{}|", text.escape_debug())]);
    }
    // What looks like a fence and is none.
    check(
        "```a`b\nb\n# A\na\n",
        100,
        &[r"1-2 [] |```a`b\nb\n|", r"3-4 [A] |# A\na\n|"],
    );
}

#[test]
fn a_fence_in_a_list_ends_with_its_item() {
    check(
        "1. a\n\n    ```sh\n    # no\n\n    x\n\n# A\na\n",
        200,
        &[
            r"1-7 [] |1. a\n\n    ```sh\n    # no\n\n    x\n\n|",
            r"8-9 [A] |# A\na\n|",
        ],
    );
}

#[test]
fn titles_are_plain_and_bounded() {
    for (line, title) in [
        ("# a ## b ##", "a ## b"),
        ("#\ta\t#", "a"),
        ("# a#", "a#"),
        ("   # a  b  ", "a b"),
        ("# `a` *b*", "`a` *b*"),
    ] {
        let spans = chunk(line, Kind::Markdown, &ChunkLimits::default()).spans;
        assert_eq!(spans[0].heading_path, [title], "{line}");
    }
    for line in ["#", "##  ", "# #", "### ###"] {
        let spans = chunk(
            &format!("{line}\n\na"),
            Kind::Markdown,
            &ChunkLimits::default(),
        )
        .spans;
        assert_eq!(spans[0].heading_path, [""; 0], "{line}");
    }
    let long = format!("# {}\n\na", "\u{4e00}".repeat(1_000));
    let spans = chunk(&long, Kind::Markdown, &ChunkLimits::default()).spans;
    assert!(spans.iter().all(|span| span.heading_path[0].len() <= 256));
}

#[test]
fn long_sections_are_cut_between_blocks_and_keep_their_path() {
    let fence = "```\nfn a() {\n\n\n}\n\nfn b() {}\n```\n";
    let table = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n";
    let text =
        format!("## A\n\nFirst words.\n\n{fence}More words here.\n{table}Last words of all.\n");
    let spans = chunk(&text, Kind::Markdown, &limits(45, 60)).spans;
    assert!(spans.iter().all(|span| span.heading_path == ["A"]));
    let pieces: Vec<&str> = spans.into_iter().map(|span| &text[span.range]).collect();
    assert!(pieces.len() > 2);
    for whole in [fence, table] {
        assert!(
            pieces.iter().any(|piece| piece.contains(whole)),
            "{pieces:#?}"
        );
    }
}

#[test]
fn a_fence_that_follows_a_paragraph_at_once_is_kept_whole() {
    let fence = "```\nfn a() {\n\n\n}\n\nfn b() {}\n\nfn c() {}\n\nfn d() {}\n```\n";
    let text = format!("{}\n{fence}", "Some words before. ".repeat(3));
    let pieces = texts(&text, Kind::Markdown, limits(45, 60));
    assert_eq!(pieces.last(), Some(&fence));
}

#[test]
fn a_few_last_words_are_not_left_alone() {
    let text = format!("{}\n\nThe end.\n", "words ".repeat(16));
    for kind in Kind::ALL {
        assert_eq!(texts(&text, kind, limits(100, 200)), [&text]);
    }
    // Unless the chunk before them would be too long.
    assert_eq!(texts(&text, Kind::Text, limits(100, 104)).len(), 2);
}

#[test]
fn a_heading_is_not_left_alone_above_a_long_block() {
    let text = format!("## A\n\n```\n{}```\n", "line\n".repeat(30));
    let pieces = texts(&text, Kind::Markdown, limits(100, 200));
    assert_eq!(pieces.len(), 1);
    let text = format!("## A\n\n```\n{}```\n", "line\n".repeat(100));
    let pieces = texts(&text, Kind::Markdown, limits(100, 200));
    assert!(pieces[0].len() > 50, "{pieces:#?}");
}

#[test]
fn prose_is_cut_at_the_coarsest_place_that_helps() {
    let pieces = texts(
        "one two.\n\nthree.\n\n\nfour five six.\n",
        Kind::Text,
        limits(10, 20),
    );
    assert_eq!(pieces, ["one two.\n\n", "three.\n\n\n", "four five six.\n"]);
    let pieces = texts(
        "One is one. Two is two! Three? Yes, three.",
        Kind::Text,
        limits(12, 14),
    );
    assert_eq!(
        pieces,
        ["One is one. ", "Two is two! ", "Three? ", "Yes, three."]
    );
    let pieces = texts("aaaa bbbb cccc dddd", Kind::Text, limits(6, 10));
    assert_eq!(pieces, ["aaaa bbbb ", "cccc dddd"]);
    let pieces = texts("{\"a\":1,\"b\":2,\"c\":3}", Kind::Data, limits(5, 10));
    assert_eq!(pieces, ["{\"a\":1,", "\"b\":2,", "\"c\":3}"]);
    let wide = "\u{4e00}".repeat(5);
    let pieces = texts(&wide, Kind::Text, limits(6, 8));
    assert_eq!(pieces, ["\u{4e00}\u{4e00}", "\u{4e00}\u{4e00}", "\u{4e00}"]);
    let pieces = texts(
        "\u{4e00}\u{4e00}\u{3002}\u{4e8c}\u{4e8c}\u{3002}",
        Kind::Text,
        limits(9, 12),
    );
    assert_eq!(
        pieces,
        ["\u{4e00}\u{4e00}\u{3002}", "\u{4e8c}\u{4e8c}\u{3002}"]
    );
}

#[test]
fn program_text_is_cut_before_definitions() {
    let text = "fn a() {\n    1\n\n    2\n}\n\nfn b() {\n    3\n\n    4\n}\n";
    assert_eq!(
        texts(text, Kind::Code, limits(30, 40)),
        [
            "fn a() {\n    1\n\n    2\n}\n\n",
            "fn b() {\n    3\n\n    4\n}\n"
        ]
    );
}

#[test]
fn the_kind_follows_the_extension() {
    for (source, kind) in [
        ("/a/b.md", Kind::Markdown),
        ("/a/B.MARKDOWN", Kind::Markdown),
        ("C:\\a\\b.mdx", Kind::Markdown),
        ("/a/b.rs", Kind::Code),
        ("/a/Makefile", Kind::Code),
        ("/a/b.jsonl", Kind::Data),
        ("/a/b.txt", Kind::Text),
        ("/a.md/b", Kind::Text),
        ("/a/md", Kind::Text),
        ("", Kind::Text),
    ] {
        assert_eq!(kind_of(source), kind, "{source}");
    }
}

#[test]
fn the_syntax_follows_the_extension() {
    for (source, syntax) in [
        ("/a/b.rs", Syntax::Language(Language::Rust)),
        ("/a/B.TSX", Syntax::Language(Language::Tsx)),
        ("C:\\a\\b.mjs", Syntax::Language(Language::JavaScript)),
        ("/a/Cargo.lock", Syntax::Format(Format::Toml)),
        ("/a/yarn.lock", Syntax::Plain),
        ("/a/b.tsv", Syntax::Format(Format::Csv)),
        ("/a/b.ipynb", Syntax::Format(Format::Json)),
        ("/a/b.hs", Syntax::Plain),
        ("/a.rs/b", Syntax::Plain),
        ("", Syntax::Plain),
    ] {
        assert_eq!(syntax_of(source), syntax, "{source}");
        let kind = match syntax {
            Syntax::Language(_) => Some(Kind::Code),
            Syntax::Format(_) => Some(Kind::Data),
            Syntax::Plain => None,
        };
        assert!(kind.is_none_or(|kind| kind_of(source) == kind), "{source}");
    }
}

/// Numbered words, so that no two paragraphs are equal.
fn paragraph(seed: usize, words: usize) -> String {
    let word = |n: usize| (seed * 31 + n) * 2_654_435_761 % 99_991;
    (0..words).fold(String::new(), |mut text, n| {
        write!(text, "w{} ", word(n)).unwrap();
        text
    })
}

#[test]
fn text_inserted_before_a_section_leaves_later_sections_as_they_are() {
    let section = |level: usize, n: usize| {
        let body: String = (0..n % 7)
            .map(|k| paragraph(n * 10 + k, 40) + "\n\n")
            .collect();
        format!("{} Section {n}\n\n{body}", "#".repeat(level))
    };
    let tail: String = (10..60).map(|n| section(2 + n % 3, n)).collect();
    let before = format!("# Title\n\n{}{tail}", section(2, 1));
    let known: HashSet<&str> = texts(&before, Kind::Markdown, ChunkLimits::default())
        .into_iter()
        .collect();
    for inserted in [
        "x\n",
        "word ",
        "### New\n\ntext\n\n",
        "## New\n\ntext\n\n",
        &paragraph(99, 400),
    ] {
        let after = format!("# Title\n\n{inserted}{}{tail}", section(2, 1));
        let later = texts(&after, Kind::Markdown, ChunkLimits::default())
            .into_iter()
            .filter(|piece| !known.contains(piece))
            .map(str::to_owned)
            .collect::<Vec<_>>();
        let new: String = later.concat();
        assert!(!new.contains("# Section 12"), "{inserted:?}");
    }
}

#[test]
fn cuts_meet_again_behind_an_insertion_even_among_equal_lengths() {
    let lines: String = (0..2_000).fold(String::new(), |mut text, n: u32| {
        writeln!(
            text,
            "2026-01-01T00:00:00Z INFO {:08x}",
            n.wrapping_mul(2_654_435_761)
        )
        .unwrap();
        text
    });
    let sections = (0..500).fold(String::new(), |mut text, n| {
        write!(text, "### Part {n:04}\n\n{}\n\n", &paragraph(n, 60)[..200]).unwrap();
        text
    });
    let paragraphs = (0..500).fold(String::new(), |mut text, n| {
        write!(text, "{}\n\n", &paragraph(n, 90)[..330]).unwrap();
        text
    });
    for (text, kind) in [
        (&lines, Kind::Text),
        (&sections, Kind::Markdown),
        (&paragraphs, Kind::Text),
    ] {
        let known: HashSet<&str> = texts(text, kind, ChunkLimits::default())
            .into_iter()
            .collect();
        let after = format!("one more line that is new\n\n{text}");
        let new = texts(&after, kind, ChunkLimits::default())
            .into_iter()
            .filter(|piece| !known.contains(piece))
            .count();
        assert!(new <= 8, "{new} of {} chunks are new", known.len());
    }
}

/// A text of a few megabytes that a quadratic step would not get through.
#[test]
fn monstrous_texts_are_sound() {
    let limits = ChunkLimits::default();
    let size = 2_000_000;
    for (text, kind) in [
        ("a".repeat(size), Kind::Text),
        ("\u{4e00}".repeat(size / 3), Kind::Markdown),
        (" ".repeat(size) + "a", Kind::Text),
        ("a\n".repeat(size / 2), Kind::Text),
        ("# a\n".repeat(size / 4), Kind::Markdown),
        ("###### a\n\na\n\n".repeat(size / 13), Kind::Markdown),
        ("a. ".repeat(size / 3), Kind::Data),
        ("```\n".repeat(size / 4), Kind::Markdown),
        ("#".repeat(size), Kind::Markdown),
        ("    ```\n".repeat(size / 8), Kind::Markdown),
        ("a\n-\n".repeat(size / 4), Kind::Markdown),
        ("\n".repeat(size) + "a" + &"\n".repeat(size), Kind::Code),
        ("\r\n".repeat(size / 2) + "a", Kind::Code),
    ] {
        let spans = chunk(&text, kind, &limits).spans;
        assert_eq!(spans.first().map(|span| span.range.start), Some(0));
        assert_eq!(spans.last().map(|span| span.range.end), Some(text.len()));
        assert!(
            spans
                .iter()
                .all(|span| text[span.range.clone()].trim().len() <= limits.bytes_max)
        );
    }
}

fn any_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just(String::new()),
        "[ -~]{0,40}",
        "#{1,7} [a-z#]{0,8}",
        "(=|-|`|~){1,5}",
        " {0,5}```[a-z]{0,2}",
        "\\| [a-z] \\|",
        "(- |> |1\\. )?[a-z.!? ]{0,80}",
        "[\u{4e00}-\u{4e10}\u{3002}\u{e4}\u{a0}\r\t]{0,20}",
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n"), 1 => Just("\r"), 1 => Just("\n\n\n")];
    prop::collection::vec((line, end), 0..40).prop_map(|lines| {
        lines
            .into_iter()
            .fold(String::new(), |mut text, (line, end)| {
                text.push_str(&line);
                text.push_str(end);
                text
            })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_text_is_tiled(
        text in any_text(),
        kind in prop::sample::select(&Kind::ALL[..]),
        bytes_target in 0_usize..120,
        bytes_more in 0_usize..120,
    ) {
        assert_sound(&text, kind, limits(bytes_target, bytes_target + bytes_more));
    }

    #[test]
    fn every_string_is_tiled(text in ".{0,300}", kind in prop::sample::select(&Kind::ALL[..])) {
        assert_sound(&text, kind, limits(20, 40));
    }

    /// In a text made of known sections each chunk carries the path of the section it starts in.
    #[test]
    fn paths_are_those_of_the_sections(
        sections in prop::collection::vec((1_usize..=6, 0_usize..4), 1..20),
        bytes_target in 10_usize..100,
    ) {
        let mut text = String::new();
        let mut starts = Vec::new();
        let mut path: Vec<(usize, String)> = Vec::new();
        for (n, (level, paragraphs)) in sections.iter().enumerate() {
            path.retain(|(above, _)| above < level);
            path.push((*level, format!("t{n}")));
            starts.push((text.len(), path.iter().map(|(_, title)| title.clone()).collect::<Vec<_>>()));
            writeln!(text, "{} t{n}\n", "#".repeat(*level)).unwrap();
            for k in 0..*paragraphs {
                writeln!(text, "some words of paragraph {k} of section {n}\n").unwrap();
            }
        }
        for span in chunk(&text, Kind::Markdown, &limits(bytes_target, 2 * bytes_target)).spans {
            let own = &starts.iter().rev().find(|(start, _)| *start <= span.range.start).unwrap().1;
            // Headings without text lead on to the section below them.
            prop_assert!(span.heading_path.starts_with(own), "{:?} {:?}", span, own);
            if span.heading_path.len() > own.len() {
                let deeper = format!("# {}", span.heading_path.last().unwrap());
                prop_assert!(text[span.range.start..].contains(&deeper));
            }
        }
    }

    /// An edit in one section of the first two levels leaves the texts of all others as they are.
    #[test]
    fn sections_do_not_see_each_other(
        bodies in prop::collection::vec("[a-z .\n]{1,200}", 3..8),
        edit in "[a-z .\n]{0,200}",
    ) {
        let text = |bodies: &[String]| {
            bodies.iter().enumerate().fold(String::new(), |mut text, (n, body)| {
                writeln!(text, "## h{n}\n\nx{body}\n").unwrap();
                text
            })
        };
        let limits = limits(60, 120);
        let before = text(&bodies);
        let mut edited = bodies.clone();
        edited[1] = edit;
        let after = text(&edited);
        let of_others = |text: &str| -> Vec<String> {
            chunk(text, Kind::Markdown, &limits)
                .spans
                .into_iter()
                .filter(|span| span.heading_path != ["h1"])
                .map(|span| text[span.range].to_owned())
                .collect()
        };
        prop_assert_eq!(of_others(&before), of_others(&after));
    }
}
