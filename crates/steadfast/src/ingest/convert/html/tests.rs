//! The bad days: words of a page that are lost between its tags, tags that are
//! taken for words, spans that name other bytes than the words came from, and
//! a page built to hang or overflow the one who reads it.

use proptest::prelude::*;

use super::*;

fn check(html: &str, expected: &str) {
    assert_eq!(markdown(html).text, expected, "{html}");
}

/// Returns what each part of the text came from, for the parts asked for.
fn origin<'h>(html: &'h str, converted: &Markdown, part: &str) -> &'h str {
    let start = converted.text.find(part).unwrap();
    let range = converted.map.origin_of(&(start..start + part.len()));
    html.get(range).unwrap()
}

#[test]
fn headings_paragraphs_and_breaks() {
    check(
        "<!DOCTYPE html><html><body><h1>One\n  <em>two</em></h1><p>a<br>b\n\n c<h3>Three</h3>d</body></html>",
        "# One two\n\na\nb c\n\n### Three\n\nd\n",
    );
    check("<h2></h2><p></p><div>a</div>", "a\n");
    check("<h1><svg><path/></svg> Icon</h1>x", "# Icon\n\nx\n");
    check("plain  words, no tags", "plain words, no tags\n");
    check("", "");
    check("<p>  </p>\n<div>\n</div>", "");
}

#[test]
fn lists_stand_in_lines_with_their_depth() {
    check(
        "<p>x</p><ul><li>a<li><p>b</p><ol start=3><li>c</li><li>d</ol><li>e</ul>f",
        "x\n\n- a\n- b\n\n  3. c\n  4. d\n- e\n\nf\n",
    );
    check("<dl><dt>Term<dd>Meaning</dl>", "Term\n: Meaning\n");
    check("<ul><li><p>one</p><p>two</p></ul>", "- one\n\n  two\n");
}

#[test]
fn quotations_are_marked() {
    check(
        "<blockquote><p>a</p><p>b</p></blockquote>c",
        "> a\n\n> b\n\nc\n",
    );
}

#[test]
fn code_stands_as_it_is() {
    check(
        "<pre><code class=\"language-rust\">fn  a() {\n\n  b &lt; c\n}</code></pre>x",
        "```rust\nfn  a() {\n\n  b < c\n}\n```\n\nx\n",
    );
    check("<pre>\na\r\nb</pre>", "```\na\nb\n```\n");
    check(
        "<pre>``` inside ````</pre>",
        "`````\n``` inside ````\n`````\n",
    );
    check(
        "say <code>a  &amp; b</code>, <code></code>c",
        "say `a & b`, c\n",
    );
    check("<pre>never ended", "```\nnever ended\n```\n");
}

#[test]
fn links_keep_their_target_and_images_their_words() {
    check("<a href=\"/x\">a <b>b</b></a>c", "[a b](/x)c\n");
    check("<a href='a b(1)'>a</a>", "[a](<a%20b(1)>)\n");
    check("<a href=\"javascript:x()\">a</a><a>b</a>", "ab\n");
    check(
        "<h2>T<a class=headerlink href=#t>\u{b6}</a></h2>x",
        "## T\n\nx\n",
    );
    check("<a href=#t>note</a>", "note\n");
    check("<a href=/x><div>a</div><div>b</div></a>", "[a](/x)\n\nb\n");
    check("<a href=/x><svg>y</svg>a</a>", "[a](/x)\n");
    check("<a href=/x></a>b", "b\n");
    check(
        "<img alt='a  cat' src=c.png><img src=d.png>",
        "![a cat](c.png)\n",
    );
    check("<img alt=cat src='data:image/png;base64,AAAA'>", "cat\n");
}

#[test]
fn tables_of_data_have_bars_and_others_do_not() {
    check(
        "<table><caption>C</caption><tr><th>a<th>b<tr><td>1|2</td>\n<td><p>x</p><p>y</p></td></tr></table>z",
        "C\n\n| a | b |\n| --- | --- |\n| 1\\|2 | x y |\n\nz\n",
    );
    check(
        "<table><tr><td><h1>A</h1><p>b</td><td>c</table>",
        "# A\n\nb\n\nc\n",
    );
    check("<table><tr><td>a<tr><td>b</table>", "a\n\nb\n");
    check("<table><tr><td></td><td>b", "| | b |\n| --- | --- |\n");
    check(
        "<table><tr><td><table><tr><td>a<td>b</table><td>c</table>",
        "| a | b |\n| --- | --- |\n\nc\n",
    );
}

#[test]
fn what_is_not_for_readers_is_left_out() {
    check(
        "<head><style>a{}</style><script>if (a<b) x('</p>')</script></head><nav><ul><li>Home</ul></nav>a<template>t</template>",
        "a\n",
    );
    check(
        "<noscript><p>a</p></noscript><textarea>b</textarea>",
        "a\n\nb\n",
    );
    check("a<!-- b -->c<![CDATA[d]]>", "ac\n");
    // A page that is nothing but navigation is not nothing.
    check(
        "<nav><ul><li><a href=/x>Home</a></ul></nav>",
        "- [Home](/x)\n",
    );
    // What never ends hides nothing.
    check("<p>a</p><nav><p>b</p><p>c", "a\n\nb\nc\n");
}

#[test]
fn words_are_not_taken_for_marks() {
    check("<p># no heading</p><p>#tag</p>", "\\# no heading\n\n#tag\n");
    check("<p>--- a</p><p>```b</p>", "\\--- a\n\n\\```b\n");
}

#[test]
fn xhtml_ends_elements_by_a_slash() {
    let xhtml = "<?xml version=\"1.0\"?><html><head><title/><script src=\"x\"/></head><p>a</p><![CDATA[b]]></html>";
    check(xhtml, "a\n\nb\n");
    check("<p/>a<script/>b</script>c", "ac\n");
}

#[test]
fn the_title_is_said_once() {
    let page = markdown("<title>A &amp; B</title><h1>A &amp; B</h1>c");
    assert_eq!(page.text, "# A & B\n\nc\n");
    assert_eq!(page.title.as_deref(), Some("A & B"));
    let html = "<head><title>Site</title></head><h1>Page</h1>c";
    let page = markdown(html);
    assert_eq!(page.text, "Site\n\n# Page\n\nc\n");
    assert_eq!(page.title.as_deref(), Some("Site"));
    assert_eq!(origin(html, &page, "Site\n\n"), "Site");
    assert_eq!(markdown("<title>Site</title>c").text, "# Site\n\nc\n");
    assert_eq!(origin(html, &page, "# Page"), "<h1>Page");
    let page = markdown("<h1>Page</h1>");
    assert_eq!(page.title.as_deref(), Some("Page"));
    assert_eq!(markdown("<p>a").title, None);
    // The title of a drawing is not that of the page.
    assert_eq!(markdown("<svg><title>Arrow</title></svg>a").title, None);
}

#[test]
fn the_date_of_a_page_is_found() {
    let page = markdown("<meta property='article:published_time' content='2024-05-06T07:08:09Z'>a");
    assert_eq!(page.time, Timestamp::parse("2024-05-06T07:08:09Z").ok());
    assert_eq!(markdown("<meta name=date content=soon>a").time, None);
}

#[test]
fn text_leads_back_to_its_bytes() {
    let html = "<h1>Caf\u{e9} &amp; bar</h1>\r\n<p>one\r\n two &lt;three&gt;</p><p>four</p>";
    let page = markdown(html);
    assert_eq!(page.text, "# Caf\u{e9} & bar\n\none two <three>\n\nfour\n");
    assert_eq!(origin(html, &page, "# Caf\u{e9}"), "<h1>Caf\u{e9}");
    assert_eq!(origin(html, &page, "\u{e9} & b"), "\u{e9} &amp; b");
    assert_eq!(origin(html, &page, "&"), "&amp;");
    assert_eq!(origin(html, &page, "one two"), "one\r\n two");
    assert_eq!(origin(html, &page, "three>\n\n"), "three&gt;");
    assert_eq!(origin(html, &page, "four\n"), "four");
}

#[test]
fn depth_and_disorder_cost_neither_stack_nor_time() {
    let depth = 100_000;
    for name in [
        "div",
        "ul",
        "ul><li",
        "blockquote",
        "table",
        "table><tr><td",
        "b",
        "a href=x",
        "nav",
        "pre",
        "h1",
        "svg",
    ] {
        let open = format!("<{name}>").repeat(depth);
        let first = name.split(['>', ' ']).next().unwrap();
        let close = format!("</{first}>").repeat(depth);
        let text = markdown(&format!("{open}deep{close}end")).text;
        assert!(text.contains("end"), "{name}");
        assert!(text.len() < 20 * depth, "{name}: {}", text.len());
        markdown(&open);
    }
    // Ends of what never began, beside what never ends.
    markdown(&format!(
        "{}{}",
        "<ul>".repeat(depth),
        "</table></blockquote>".repeat(depth)
    ));
    // Single bytes of characters and references at every turn.
    markdown(&"&lt;<\u{e9}</\u{e9}>&#0;&notit;\r".repeat(depth / 10));
    markdown(&"<a href=".repeat(depth));
    markdown(&format!("<p {}>x", "a=b ".repeat(depth)));
    markdown(&format!("<pre>{}", "&#10;".repeat(depth)));
}

fn fragments() -> impl Strategy<Value = String> {
    const TAGS: &[&str] = &[
        "h1",
        "h2",
        "p",
        "div",
        "ul",
        "ol",
        "li",
        "dd",
        "dt",
        "table",
        "tr",
        "td",
        "th",
        "pre",
        "code",
        "a",
        "blockquote",
        "nav",
        "svg",
        "title",
        "script",
        "br",
        "img",
        "span",
    ];
    let part = prop_oneof![
        4 => (prop::sample::select(TAGS), any::<bool>()).prop_map(|(name, end)| {
            if end { format!("</{name}>") } else { format!("<{name} href='/x' alt='y' class='language-c'>") }
        }),
        4 => "[a-z\u{e9}\u{4e00} \n\r#|`*-]{0,12}",
        1 => prop::sample::select(&["&amp;", "&lt", "&nosuch;", "&#x1f600;", "&notit;", "<!--x-->", "<", "</", "\0", "<![CDATA[y]]>"][..]).prop_map(str::to_owned),
        1 => "\\PC{0,8}",
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

#[test]
fn a_title_that_is_as_long_as_its_origin_is_not_taken_for_it() {
    for html in [
        "<title class='x'>|\r\n|\r\r<h1 class='y'>\n\ra",
        "<title class='x'><h1 class='y'>\r\n\r#\ra",
        "<p>one\r\rtwo\r\nthree\ra",
    ] {
        let page = markdown(html);
        for (start, c) in page.text.char_indices().filter(|(_, c)| c.is_alphabetic()) {
            let range = page.map.origin_of(&(start..start + c.len_utf8()));
            let part = &html[range];
            assert!(part.contains(c), "{c:?} from {part:?} in {html:?}");
        }
    }
}

proptest! {
    #[test]
    fn every_place_leads_back_and_places_ascend(html in fragments()) {
        let page = markdown(&html);
        prop_assert!(page.text.is_empty() || page.text.ends_with('\n'));
        let mut last = 0..0;
        for (start, c) in page.text.char_indices() {
            let range = page.map.origin_of(&(start..start + c.len_utf8()));
            prop_assert!(range.start <= range.end && range.end <= html.len());
            prop_assert!(range.start >= last.start && range.end >= last.end);
            if c.is_alphabetic() && html.get(range.clone()).is_none_or(|part| !part.contains(c)) {
                // Only references, attributes and ends of links stand for letters that are not there.
                let part = html.get(range.clone()).unwrap_or_default();
                prop_assert!(part.is_empty() || part.contains('&') || part.starts_with('<'), "{c:?} from {part:?} in {html:?}");
            }
            last = range;
        }
    }

    #[test]
    fn words_between_plain_tags_are_never_lost(words in prop::collection::vec("[a-z]{1,8}", 1..40), picks in prop::collection::vec(0..12_usize, 40)) {
        let tags = ["<p>", "</p>", "<div>", "</ul>", "<ul><li>", "<table><tr><td>", "</td><td>", "</table>", "<b>", "</b>", "<h2>", "</h2>"];
        let mut html = String::new();
        for (word, &pick) in words.iter().zip(&picks) {
            html.extend([tags[pick], " ", word.as_str(), " "]);
        }
        let page = markdown(&html);
        let found: Vec<&str> = page.text.split(|c: char| !c.is_ascii_lowercase()).filter(|word| !word.is_empty()).collect();
        let expected: Vec<&str> = words.iter().map(String::as_str).collect();
        prop_assert_eq!(found, expected, "{}", html);
    }

    #[test]
    fn no_text_is_too_strange(html in "(\\PC|[<>/&;'\"= \n\0-])*") {
        markdown(&html);
    }
}
