//! Where a text links to.
//!
//! Nothing is stored of this: links are worked out from the text of a chunk
//! when it is returned, so better rules hold for what is in the store already.
//! A link whose text and target fall into two chunks is not found.

use std::collections::HashSet;

use steadfast_model::Kind;

use super::pieces::line_ends;
use super::raw::{INDENT_MAX, Meets, Opens, Raw};
use super::words::code_spans;

/// The longest target, and how far the end of a link is looked for.
const LINK_BYTES_MAX: usize = 2_048;

/// Returns the targets of the links in a text, each once, in order.
///
/// In Markdown, notes and messages: `[text](target)`, images, `[label]: target`,
/// `[[target|text]]`, `<https://..>`, bare addresses, and `href` and `src` of
/// HTML; not within code. In other text: bare addresses, `[[target][text]]` of
/// Org and `` `text <target>`_ `` of reStructuredText. Program text and data
/// have none.
pub fn links(text: &str, kind: Kind) -> Vec<String> {
    let mut found = Links {
        seen: HashSet::new(),
        links: Vec::new(),
    };
    match kind {
        Kind::Markdown | Kind::Note | Kind::Message => {
            for paragraph in paragraphs(text) {
                found.scan(paragraph, Markup::Markdown);
            }
        }
        Kind::Text => found.scan(text, Markup::Other),
        Kind::Code | Kind::Data => {}
    }
    found.links
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Markup {
    Markdown,
    Other,
}

/// Yields the paragraphs of Markdown, without fences.
fn paragraphs(text: &str) -> Vec<&str> {
    let mut paragraphs = Vec::new();
    let mut fence: Option<Raw> = None;
    let mut paragraph = 0;
    let mut start = 0;
    for end in line_ends(text, 0..text.len()) {
        let line = text.get(start..end).unwrap_or_default();
        let mut is_between = line.trim_ascii().is_empty();
        let meets = fence.map(|fence| fence.meets(line));
        if let Some(Meets::Closing | Meets::Outside) = meets {
            fence = None;
        }
        if let Some(Meets::Inside | Meets::Closing) = meets {
            is_between = true;
        } else if let Some(Opens::Raw(raw @ Raw::Fence(_))) = Raw::opened_by(line) {
            fence = Some(raw);
            is_between = true;
        }
        if is_between {
            paragraphs.extend(text.get(paragraph..start).filter(|lines| !lines.is_empty()));
            paragraph = end;
        }
        start = end;
    }
    paragraphs.extend(text.get(paragraph..).filter(|lines| !lines.is_empty()));
    paragraphs
}

struct Links {
    seen: HashSet<String>,
    links: Vec<String>,
}

impl Links {
    fn add(&mut self, target: &str) {
        let target = target.trim();
        let is_fit = !target.is_empty() && target.len() <= LINK_BYTES_MAX;
        if is_fit && self.seen.insert(target.to_owned()) {
            self.links.push(target.to_owned());
        }
    }

    fn scan(&mut self, text: &str, markup: Markup) {
        let is_markdown = markup == Markup::Markdown;
        let code = if is_markdown {
            code_spans(text)
        } else {
            Vec::new()
        };
        let mut code = code.into_iter().peekable();
        // Brackets that are open: without one, `](` is no link.
        let mut brackets = 0_usize;
        let mut place = 0;
        while let Some(step) = text.get(place..).and_then(|rest| rest.find(MARKS)) {
            place += step;
            while code.next_if(|span| span.end <= place).is_some() {}
            if let Some(span) = code.next_if(|span| span.contains(&place)) {
                place = span.end;
                continue;
            }
            let (before, rest) = text.split_at(place);
            let length = match rest.as_bytes() {
                [b'\\', ..] if is_markdown => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
                [b'[', b'[', ..] => self.wikilink(rest),
                [b'[', ..] if is_markdown => {
                    brackets += 1;
                    self.definition(before, rest)
                }
                [b']', behind, ..] if is_markdown && brackets > 0 => {
                    brackets -= 1;
                    if *behind == b'(' {
                        self.destination(rest)
                    } else {
                        1
                    }
                }
                [b'<', ..] => self.angle(before, rest),
                [b'h' | b'H', ..] => self.address(before, rest),
                _ => 1,
            };
            place += length.max(1);
        }
    }

    /// `[[target|text]]`, `[[target][text]]`; returns how much was read, as all below.
    fn wikilink(&mut self, rest: &str) -> usize {
        let inner = window(rest, 2);
        let line = inner.split('\n').next().unwrap_or_default();
        let Some(end) = line.find("]]") else {
            return 2;
        };
        let inside = line.get(..end).unwrap_or_default();
        if inside.contains("[[") {
            return 2;
        }
        let target = inside.split(['|', ']']).next().unwrap_or_default();
        self.add(target.trim_end_matches('\\'));
        2 + end + 2
    }

    /// `[label]: target` at the start of a line.
    fn definition(&mut self, before: &str, rest: &str) -> usize {
        let lead = before.trim_end_matches(' ');
        let is_first =
            (lead.is_empty() || lead.ends_with('\n')) && before.len() - lead.len() <= INDENT_MAX;
        if !is_first || rest.starts_with("[^") {
            return 1;
        }
        let line = window(rest, 0).lines().next().unwrap_or_default();
        if let Some((label, target)) = line.split_once("]:")
            && !label.contains("](")
            && let Some(target) = target.split_ascii_whitespace().next()
        {
            self.add(target.trim_start_matches('<').trim_end_matches('>'));
            return line.len();
        }
        1
    }

    /// `](target "title")`
    fn destination(&mut self, rest: &str) -> usize {
        let inner = window(rest, 2);
        let trimmed = inner.trim_ascii_start();
        if let Some(angled) = trimmed.strip_prefix('<') {
            if let Some(end) = angled.find(['>', '\n']) {
                self.add(angled.get(..end).unwrap_or_default());
            }
            return 2;
        }
        let mut depth = 0_usize;
        for (place, c) in trimmed.char_indices() {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => depth -= 1,
                ')' => {
                    self.add(trimmed.get(..place).unwrap_or_default());
                    return 2 + (inner.len() - trimmed.len()) + place;
                }
                c if c.is_ascii_whitespace() => {
                    // A title follows, or this is no link.
                    let behind = trimmed.get(place..).unwrap_or_default().trim_ascii_start();
                    if behind.starts_with(['"', '\'', '(', ')']) {
                        self.add(trimmed.get(..place).unwrap_or_default());
                    }
                    return 2;
                }
                _ => {}
            }
        }
        2
    }

    /// `<scheme:..>`, a tag of HTML, or the target of reStructuredText.
    fn angle(&mut self, before: &str, rest: &str) -> usize {
        let inner = window(rest, 1);
        let Some(end) = inner.find(['>', '<']) else {
            return 1;
        };
        let (inside, behind) = inner.split_at(end);
        if !behind.starts_with('>') {
            return 1;
        }
        let is_rst = behind.starts_with(">`_") && before.ends_with([' ', '\n', '`']);
        if is_rst || is_address(inside) {
            self.add(inside);
            return 1 + end;
        }
        for name in ["href=", "src="] {
            let value = inside.split_once(name).map(|(_, value)| value);
            if let Some(value) = value.and_then(quoted) {
                self.add(value);
            }
        }
        1 + end
    }

    /// A bare address.
    fn address(&mut self, before: &str, rest: &str) -> usize {
        let is_inside_word = before
            .chars()
            .next_back()
            .is_some_and(char::is_alphanumeric);
        let is_web = ["http://", "https://"].iter().any(|scheme| {
            rest.get(..scheme.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
        });
        if is_inside_word || !is_web {
            return 1;
        }
        let window = window(rest, 0);
        let is_end =
            |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '`' | '|' | '\\' | '^');
        let Some(end) = window
            .find(is_end)
            .or((window.len() == rest.len()).then_some(rest.len()))
        else {
            // What does not end is no address.
            return window.len();
        };
        let address = trimmed(window.get(..end).unwrap_or_default());
        if address.len() > "https://".len() {
            self.add(address);
        }
        address.len()
    }
}

/// What a link may begin with.
const MARKS: [char; 6] = ['[', ']', '<', 'h', 'H', '\\'];

/// Returns what stands behind the first bytes, as far as a link may go.
fn window(rest: &str, skipped: usize) -> &str {
    let rest = rest.get(skipped..).unwrap_or_default();
    let end = rest.floor_char_boundary(LINK_BYTES_MAX);
    rest.get(..end).unwrap_or_default()
}

/// Returns whether a text is a scheme and something behind it, without white space.
fn is_address(text: &str) -> bool {
    let Some((scheme, behind)) = text.split_once(':') else {
        return false;
    };
    let is_scheme = (2..=32).contains(&scheme.len())
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte));
    is_scheme && !behind.is_empty() && !text.contains(char::is_whitespace)
}

fn quoted(value: &str) -> Option<&str> {
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

/// Returns an address without the marks of the sentence it stands in; brackets go when they open before it.
fn trimmed(address: &str) -> &str {
    let mut address = address;
    loop {
        let open = match address.chars().next_back() {
            Some('.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '~') => None,
            Some(')') => Some('('),
            Some(']') => Some('['),
            Some('}') => Some('{'),
            _ => return address,
        };
        if let Some(open) = open
            && address.contains(open)
        {
            return address;
        }
        address = address.get(..address.len() - 1).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, text: &str, expected: &[&str]) {
        assert_eq!(links(text, kind), expected, "{text}");
    }

    #[test]
    fn links_of_markdown_are_found_in_every_form() {
        let text = "See [a](one.md), ![b](<two words.png> \"t\") and [c](three \"t\"), [[Four|4]], [[Five#part]].\n\
                    Again [a](one.md), <https://six.example> or https://seven.example/a_(b). And (http://eight.example).\n\n\
                    [nine]: nine.md 'title'\n[ten]: <ten.md>\n[^note]: no\n\n<a class=x href=\"eleven\"><img src='twelve'></a>\n\
                    [x [y](thirteen)](fourteen)\n| [[Fifteen\\|f]] |\n";
        check(
            Kind::Markdown,
            text,
            &[
                "one.md",
                "two words.png",
                "three",
                "Four",
                "Five#part",
                "https://six.example",
                "https://seven.example/a_(b)",
                "http://eight.example",
                "nine.md",
                "ten.md",
                "eleven",
                "twelve",
                "thirteen",
                "fourteen",
                "Fifteen",
            ],
        );
    }

    #[test]
    fn what_is_code_or_no_link_is_left() {
        for text in [
            "`[a](b)` and ``[[c]]``",
            "```\n[a](b)\n\nhttps://c.example\n```\n",
            "~~~\n[a](b)\n",
            "\\[a](b) \\[[c]] \\<d:e>",
            "[a]() [[]] [a](b c) f[0](",
            "a < b: c > d <b:>",
            "xhttps://a http:// https://.",
        ] {
            check(Kind::Note, text, &[]);
        }
        check(Kind::Markdown, "`a` [b](c) `d`", &["c"]);
        check(Kind::Code, "// https://a.example", &[]);
    }

    #[test]
    fn links_of_other_text_are_found() {
        check(
            Kind::Text,
            "`Python <https://python.example>`_ and [[file:a.org][A]] at https://b.example, [c](no) `d <e.html>`_.",
            &[
                "https://python.example",
                "file:a.org",
                "https://b.example",
                "e.html",
            ],
        );
    }

    #[test]
    fn monstrous_texts_take_no_longer() {
        for part in [
            "[[", "](", "<", "[", "h", "https://", "`", "<a:", "[[a|", "]((",
        ] {
            let text = part.repeat(200_000 / part.len());
            assert!(links(&text, Kind::Markdown).len() <= 1, "{part}");
            assert!(links(&text, Kind::Text).len() <= 1, "{part}");
        }
    }

    proptest::proptest! {
        #[test]
        fn links_stand_in_the_text(text in "([ -~\u{e9}\n]|\\[\\[|\\]\\(|https://|`|<a:){0,60}") {
            for kind in Kind::ALL {
                let found = links(&text, kind);
                let distinct: HashSet<&String> = found.iter().collect();
                proptest::prop_assert_eq!(distinct.len(), found.len());
                for link in &found {
                    proptest::prop_assert!(text.contains(link.as_str()), "{}", link);
                }
            }
        }
    }
}
