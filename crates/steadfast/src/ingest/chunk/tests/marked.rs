//! The bad days: a manual in reStructuredText or Org that is one heap of
//! paragraphs without headings, and a directive that is cut from its content.

use steadfast_model::Timestamp;

use super::*;

fn found(name: &str, text: &str, limits: ChunkLimits) -> Chunked {
    chunk_source(text, Kind::Text, name, &limits)
}

#[track_caller]
fn check_paths(name: &str, text: &str, limits: ChunkLimits, expected: &[(&str, &str)]) {
    let spans = found(name, text, limits).spans;
    let shown: Vec<(String, String)> = spans
        .iter()
        .map(|span| {
            (
                span.heading_path.join(" > "),
                text[span.range.clone()].to_owned(),
            )
        })
        .collect();
    let expected: Vec<(String, String)> = expected
        .iter()
        .map(|(path, piece)| ((*path).to_owned(), (*piece).to_owned()))
        .collect();
    assert_eq!(shown, expected);
}

#[test]
fn rst_headings_have_the_level_of_their_style() {
    check_paths(
        "a.rst",
        "=====\nTitle\n=====\n\nintro\n\nA\n=\n\na\n\nA one\n-----\nb\n\nB\n=\n\nc\n\nnot a heading\n--\n\ntext\nnot one\n-------\n",
        limits(20, 40),
        &[
            ("Title", "=====\nTitle\n=====\n\n"),
            ("Title", "intro\n\n"),
            ("Title > A", "A\n=\n\na\n\n"),
            ("Title > A > A one", "A one\n-----\nb\n\n"),
            ("Title > B", "B\n=\n\nc\n\n"),
            ("Title > B", "not a heading\n--\n\n"),
            ("Title > B", "text\nnot one\n-------\n"),
        ],
    );
}

#[test]
fn rst_directives_keep_their_content() {
    let directive = ".. code-block:: python\n   :linenos:\n\n   def a():\n\n       pass\n";
    let literal = "As here::\n\n    x\n    ====\n\n    y\n";
    let text =
        format!("Title\n*****\n\nFirst words.\n\n{directive}\n{literal}\nLast words of all.\n");
    let limits = limits(50, 100);
    let spans = found("/a/B.RST", &text, limits).spans;
    assert!(spans.iter().all(|span| span.heading_path == ["Title"]));
    let pieces: Vec<&str> = spans.iter().map(|span| &text[span.range.clone()]).collect();
    for whole in [directive, literal] {
        assert!(
            pieces.iter().any(|piece| piece.contains(whole)),
            "{pieces:#?}"
        );
    }
}

#[test]
fn rst_fields_are_facts() {
    for text in [
        "Title\n=====\n\n:date: 2010-10-03 10:20\n:tags: a, b\n:author: Ada\n:orphan:\n\ntext :not: a field\n\n:late: no\n",
        ":date: 2010-10-03 10:20\n:tags: a, b\n:author: Ada\n\nTitle\n=====\n\ntext\n\n:late: no\n",
    ] {
        let facts = &found("a.rst", text, ChunkLimits::default()).facts[0];
        assert_eq!(
            facts.document_time,
            Some(Timestamp::parse("2010-10-03T10:20:00Z").unwrap())
        );
        assert_eq!(facts.tags, ["a", "b"].map(str::to_owned).into());
        assert_eq!(
            serde_json::Value::Object(facts.meta.clone()),
            serde_json::json!({"author": "Ada"})
        );
    }
}

#[test]
fn org_headings_have_their_stars_and_tags() {
    let text = "#+TITLE: The plan\n#+date: <2026-01-02 Fri 10:00>\n#+filetags: :all:\n#+startup: overview\n\nintro\n\
                #+caption: none\n\n* TODO [#A] Buy *milk* :shop:@home:\nnow\n** From Ada: fresh\nyes\n* Next\n:no: x\n*bold*\n";
    check_paths(
        "a.org",
        text,
        limits(150, 300),
        &[
            ("", &text[..text.find("* TODO").unwrap()]),
            ("Buy *milk*", "* TODO [#A] Buy *milk* :shop:@home:\nnow\n"),
            ("Buy *milk* > From Ada: fresh", "** From Ada: fresh\nyes\n"),
            ("Next", "* Next\n:no: x\n*bold*\n"),
        ],
    );
    let found = found("a.org", text, limits(150, 300));
    let facts: Vec<&Facts> = found
        .spans
        .iter()
        .map(|span| &found.facts[span.facts])
        .collect();
    assert_eq!(facts[0].title.as_deref(), Some("The plan"));
    assert_eq!(
        facts[0].document_time,
        Some(Timestamp::parse("2026-01-02T10:00:00Z").unwrap())
    );
    assert_eq!(facts[0].tags, ["all".to_owned()].into());
    assert!(facts[0].meta.is_empty(), "{:?}", facts[0].meta);
    assert_eq!(
        facts[1].tags,
        ["@home", "all", "shop"].map(str::to_owned).into()
    );
    assert_eq!(
        facts[2], facts[1],
        "tags are those of the sections below too"
    );
    assert_eq!(facts[3], facts[0]);
}

#[test]
fn org_blocks_and_drawers_are_kept_whole() {
    let block = "#+BEGIN_SRC sh\necho a\n\necho b\n\n#+END_SRC\n";
    let drawer = ":PROPERTIES:\n:ID: x\n\n:END:\n";
    let text = format!("* A\n{drawer}\nFirst words of it.\n\n{block}\nLast words of all.\n");
    let pieces = found("a.org", &text, limits(30, 60)).spans;
    let pieces: Vec<&str> = pieces.into_iter().map(|span| &text[span.range]).collect();
    assert!(pieces.len() > 2);
    for whole in [block, drawer] {
        assert!(
            pieces.iter().any(|piece| piece.contains(whole)),
            "{pieces:#?}"
        );
    }
}

#[test]
fn monstrous_marked_up_texts_are_sound() {
    let size = 1_000_000;
    let deep: String = (1..1_000).fold(String::new(), |mut text, n| {
        writeln!(text, "{} a\nb\n", "*".repeat(n)).unwrap();
        text
    });
    for text in [
        "=".repeat(size),
        "a\n=\n".repeat(size / 4),
        "=\na\n=\n".repeat(size / 6),
        "* a :b:\n".repeat(size / 8),
        (0..size / 20).fold(String::new(), |mut text, n| {
            writeln!(text, "* a :t{n}:\nb").unwrap();
            text
        }),
        "#+begin_src\n\n".repeat(size / 13),
        ":a:\n".repeat(size / 4),
        deep,
    ] {
        for name in ["a.rst", "a.org"] {
            let found = found(name, &text, ChunkLimits::default());
            assert_tiled(&text, &found, ChunkLimits::default());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn every_marked_up_text_is_tiled(
        lines in prop::collection::vec(
            prop_oneof![
                Just(String::new()),
                "[ -~]{0,30}",
                "(=|-|\\*|~){1,6}",
                "\\*{1,4} (TODO )?[a-z]{0,6}( :[a-z]:)?",
                " {0,4}(#\\+(begin|end)_x|:[a-z]+:|:end:|\\.\\. [a-z]+::)( [a-z]+)?",
                "[\u{4e00}-\u{4e10}\u{e4}\u{a0}\r\t]{0,10}",
            ],
            0..30,
        ),
        name in prop::sample::select(&["a.rst", "a.org"][..]),
        bytes_target in 0_usize..100,
    ) {
        let text = lines.join("\n");
        let limits = limits(bytes_target, bytes_target + 50);
        assert_tiled(&text, &found(name, &text, limits), limits);
    }
}
