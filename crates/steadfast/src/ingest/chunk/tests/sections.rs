//! The bad days: tags that nobody can filter by, a document from 2019 that is
//! found as today's news, a slip in front matter that hides a whole document,
//! and a list that is cut between an item and what it says.

use steadfast_model::Timestamp;

use super::*;

fn markdown(text: &str) -> Chunked {
    chunk(text, Kind::Markdown, &ChunkLimits::default())
}

fn tags(facts: &Facts) -> Vec<&str> {
    facts.tags.iter().map(String::as_str).collect()
}

fn time(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

#[test]
fn tags_are_read_in_every_form() {
    for front in [
        "---\ntags: [a, \"b c\"]\n---\n",
        "---\ntags:\n  - a\n  - 'b c' \n---\n",
        "---\r\ntags:\r\n- a # first\r\n- b c\r\n---\r\n",
        "---\ntags: a, b c\n---\n",
        "---\nTags: [ #a, 'b c']\n---\n",
        "---\ntags: [\n  a,\n  \"b c\",\n]\ntitle: x\n---\n",
        "---\ntags:\n  [\n    a, # first\n    \"b c\", # second\n  ]\n---\n",
        "---\ntags:\t[a, b c]\n---\n",
        "---\ntags: [\"a\", 'b c'] # both\n---\n",
        "---\ntitle: \"x # y\" # it\ntags: [a, b c]\n---\n",
        "---\ntitle: 'it''s # y' # it\ntags: [a, b c]\n---\n",
        "---\ntitle: \"x\" y\ntags: [a, b c]\n---\n",
        "---\nlinks: [x, y\ntags: a, b c\n---\n",
        "+++\ntags = ['a', 'b c']\n+++\n",
        "+++\n[taxonomies]\ntags = ['a', 'b c']\n+++\n",
        "{\n\"tags\": [\"a\", \"b c\"]}\n",
        "> tags: [a, \"b c\"]\n\n",
        "> Tags:\n> - a\n> - b c\n\n",
    ] {
        let text = format!("{front}# Title\n\ntext\n");
        let found = markdown(&text);
        assert_eq!(tags(&found.facts[0]), ["a", "b c"], "{front:?}");
        assert_eq!(found.spans[0].range.start, 0, "front matter stays text");
    }
}

#[test]
fn front_matter_says_what_the_document_is() {
    let found = markdown(
        "---\n# a comment\ntitle: \"Plan: B\"\ndate: 2026-01-02\nvalid_from: 2026-Q1\nvalid-to: 2026-06-30\n\
         author: Ada  # who\nrank: 3\nabout: >-\n  a long\n  text\nnested:\n  a: b\nlinks:\n  - x\nmany\u{e4}: y\n---\nText.\n",
    );
    let facts = &found.facts[0];
    assert_eq!(facts.title.as_deref(), Some("Plan: B"));
    assert_eq!(facts.document_time, Some(time("2026-01-02")));
    assert_eq!(facts.valid_from, Some(time("2026-01-01")));
    assert_eq!(facts.valid_to, Some(time("2026-07-01")));
    let meta =
        serde_json::json!({"author": "Ada", "rank": 3, "about": "a long\ntext", "many\u{e4}": "y"});
    assert_eq!(serde_json::Value::Object(facts.meta.clone()), meta);
    let found = markdown("+++\ntitle = 'T'\ndate = 2026-01-02T03:04:05\nweight = 2\n+++\nText.\n");
    assert_eq!(found.facts[0].title.as_deref(), Some("T"));
    assert_eq!(
        found.facts[0].document_time,
        Some(time("2026-01-02T03:04:05Z"))
    );
    assert_eq!(found.facts[0].meta["weight"], 2);
}

#[test]
fn a_comment_behind_a_quoted_value_is_none_of_it() {
    let found = markdown(
        "---\ntitle: \"Old \\\"price\\\" list #2\"  # renamed\nvalid_to: '2025-12-31'\t# old\nauthor: 'A # b' c\n---\nText.\n",
    );
    let facts = &found.facts[0];
    assert_eq!(facts.title.as_deref(), Some("Old \"price\" list #2"));
    assert_eq!(facts.valid_to, Some(time("2026-01-01")));
    assert_eq!(facts.meta.len(), 0, "what cannot be read is left out");
}

#[test]
fn what_is_no_front_matter_is_text() {
    for text in [
        "---\n\n# A\n\ntags: [a]\n\n---\n",
        "---\nA sentence above.\ntags: [a]\n---\n\ntext\n",
        "---\ntags: [a\n---\n\ntext\n",
        "---\ntags: \"a\n---\n\ntext\n",
        "---\n- tags: a\n---\n\ntext\n",
        "---\ntags: [a]\n\ntext that never ends\n",
        "+++\ntags = [a]\n+++\n\ntext\n",
        "{\"tags\": [\"a\"]}\n",
        "{\"tags\": [\"a\"]} text\n",
        "{\"tags\": \n\ntext\n",
        " ---\ntags: [a]\n---\n",
        "text\n---\ntags: [a]\n---\n",
        "---\n# tags: [a]\n---\n\ntext\n",
    ] {
        let found = markdown(text);
        assert_eq!(found.facts, [Facts::default()], "{text:?}");
        assert_eq!(
            found.spans.last().unwrap().range.end,
            text.len(),
            "{text:?}"
        );
    }
    // Text between rules is a heading there.
    let found = markdown("---\nA sentence above.\n---\n\ntext\n");
    assert_eq!(found.spans[0].heading_path, ["A sentence above."]);
}

#[test]
fn a_section_has_the_tags_above_it_and_its_own() {
    let text = "---\ntags: [doc]\n---\n# A\n\na\n\n## B\n\n> tags: [b]\n> A quotation.\n\nb\n\n### C\nc\n\n## D\n\
                \nd\n\n> tags: [late]\n\n## E\n> tags: [b]\n\ne\n";
    let found = markdown(text);
    let shown: Vec<(Vec<String>, Vec<&str>)> = found
        .spans
        .iter()
        .map(|span| (span.heading_path.clone(), tags(&found.facts[span.facts])))
        .collect();
    let path = |titles: &[&str]| {
        titles
            .iter()
            .map(|title| (*title).to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        shown,
        [
            (path(&[]), vec!["doc"]),
            (path(&["A"]), vec!["doc"]),
            // C is below B, and has its tags.
            (path(&["A", "B"]), vec!["b", "doc"]),
            (path(&["A", "D"]), vec!["doc"]),
            (path(&["A", "E"]), vec!["b", "doc"]),
        ]
    );
    assert_eq!(found.facts.len(), 2, "equal facts are kept once");
}

#[test]
fn tags_within_the_text_are_those_of_the_document() {
    let text = "# A #no\n\nSome #work, (#no) and #a/b-c. See #12, #fff and #1e90ff; a#no `#no` \\#no\n#include <x>\n[label]: #anchor\n  #error x\nNo #endif.\n\
                \n    #no\n\n```\n#no\n```\n- item #item\n    - deeper #deep\n> said #\u{e4}\u{4e00}!\n\n## B\n#last\n";
    let found = markdown(text);
    let expected = ["a/b-c", "deep", "item", "last", "work", "\u{e4}\u{4e00}"];
    assert_eq!(tags(&found.facts[0]), expected);
    assert_eq!(found.facts.len(), 1);
}

#[test]
fn the_first_heading_without_a_body_is_kept() {
    let text = "## Buy milk\n\n## Call Ada\n\n## Pay\nnow\n";
    let found = markdown(text);
    assert_eq!(found.spans.len(), 1);
    assert_eq!(found.spans[0].range, 0..text.len());
}

#[test]
fn lists_and_html_are_kept_whole_until_they_are_too_long() {
    let list = "Steps:\n\n1. one\n\n   more of one\n\n   ```\n   # code\n\n   x\n   ```\n\n2. two\n\n   - deep\n\n     deeper\n";
    let html = "<pre>\n\n# none\n\n\nb\n</pre>\n";
    let comment = "<!-- a\n\n## none\n\n-->\n";
    let text = format!("## A\n\n{list}\nWords behind.\n\n{html}\n{comment}\nLast words here.\n");
    let pieces = texts(&text, Kind::Markdown, limits(60, 130));
    for whole in [&list["Steps:\n\n".len()..], html, comment] {
        assert!(
            pieces.iter().any(|piece| piece.contains(whole)),
            "{whole:?} in {pieces:#?}"
        );
    }
    let found = chunk(&text, Kind::Markdown, &limits(60, 130));
    assert!(found.spans.iter().all(|span| span.heading_path == ["A"]));
    // A longer list is cut before its items.
    let long: String = (0..40).fold(String::new(), |mut text, n| {
        writeln!(
            text,
            "- item {n} with some words\n\n  and a second paragraph of it\n"
        )
        .unwrap();
        text
    });
    let pieces = texts(&long, Kind::Markdown, limits(150, 300));
    assert!(pieces.len() > 5);
    assert!(
        pieces.iter().all(|piece| piece.starts_with("- item")),
        "{pieces:#?}"
    );
    // An item that is too long by itself is cut between its paragraphs, and its code is kept whole.
    let code = "  ```\n  a\n\n  b\n  ```\n";
    let item = format!(
        "- {}\n\n{code}\n  {}\n",
        "word ".repeat(20),
        "more ".repeat(20)
    );
    let pieces = texts(&item, Kind::Markdown, limits(60, 120));
    assert!(
        pieces.iter().any(|piece| piece.contains(code)),
        "{pieces:#?}"
    );
}
