//! Markdown: its headings, tags and front matter.
//!
//! Headings are found as `CommonMark` finds them, outside of fences, HTML,
//! lists and quotations, with two differences: one that is underlined has at
//! most [`UNDERLINED_LINES_MAX`] lines, because transcripts rule off long
//! paragraphs, and front matter is not text between rules.
//!
//! Tags stand in the front matter, in a quotation that begins a section
//! (`> tags: [a, b]`), and as `#word` within the text, where Obsidian takes
//! them too. The first and the last are the document's, the others those of
//! the section and the sections below it.

use std::collections::BTreeSet;

use std::ops::Range;

use super::facts::Facts;
use super::front::{front_matter, quoted_tags};
use super::outline::{Builder, Outline};
use super::pack::Grain;
use super::pieces::line_ends;
use super::raw::{INDENT_MAX, Meets, Opens, Raw, begins_item, indent, is_rule, run};
use super::words::code_spans;

/// The longest underlined heading.
const UNDERLINED_LINES_MAX: usize = 3;
/// The longest line in which tags are looked for: longer ones were not written by hand.
const TAGGED_LINE_BYTES_MAX: usize = 4 << 10;

/// Finds the headings, sections and facts of a text.
pub(super) fn outline(text: &str) -> Outline {
    let front = front_matter(text);
    let front_end = front
        .as_ref()
        .map_or(0, |front| blank_lines_end(text, front.end));
    let document = front.map_or_else(Facts::default, |front| front.facts);
    let mut scan = Scan {
        text,
        builder: Builder::new(document),
        paragraph: Paragraph::None,
        tags: BTreeSet::new(),
    };
    let mut raw: Option<Raw> = None;
    let mut start = front_end;
    for end in line_ends(text, start..text.len()) {
        let line = text.get(start..end).unwrap_or_default();
        match raw.map(|raw| raw.meets(line)) {
            Some(Meets::Inside) => {}
            Some(Meets::Closing) => raw = None,
            Some(Meets::Outside) | None => {
                raw = None;
                match Raw::opened_by(line) {
                    Some(opens) => {
                        if let Opens::Raw(opened) = opens {
                            raw = Some(opened);
                        }
                        scan.builder.has_body = true;
                        scan.paragraph = Paragraph::None;
                    }
                    None => scan.line(start, line),
                }
            }
        }
        start = end;
    }
    scan.builder.document.add_tags(scan.tags);
    let mut outline = scan.builder.finish(text.len(), Grain::MarkdownBlock);
    outline.front_end = front_end;
    outline
}

/// Returns the end of the blank lines that stand at a place.
fn blank_lines_end(text: &str, start: usize) -> usize {
    let mut end = start;
    for line_end in line_ends(text, start..text.len()) {
        let line = text.get(end..line_end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            break;
        }
        end = line_end;
    }
    end
}

/// The paragraph a line may belong to.
#[derive(Clone, Copy)]
enum Paragraph {
    None,
    /// Of the text itself: may turn out to be a heading.
    Own {
        start: usize,
        lines: usize,
        /// Whether its section had a body before it.
        had_body: bool,
    },
    /// Of a list, a quotation, a table or HTML.
    Other,
}

struct Scan<'t> {
    text: &'t str,
    builder: Builder,
    paragraph: Paragraph,
    /// Tags within the text.
    tags: BTreeSet<String>,
}

impl Scan<'_> {
    fn line(&mut self, start: usize, line: &str) {
        let (indent, rest) = indent(line);
        let rest = rest.trim_ascii_end();
        if rest.is_empty() {
            self.paragraph = Paragraph::None;
            return;
        }
        if indent <= INDENT_MAX && self.heading(start, line, rest) {
            self.paragraph = Paragraph::None;
            return;
        }
        let had_body = self.builder.has_body;
        if rest.starts_with(b">") && !had_body {
            let quotation = self.text.get(start..).unwrap_or_default();
            self.builder.tag(quoted_tags(quotation));
        }
        let is_code =
            indent > INDENT_MAX && matches!(self.paragraph, Paragraph::None) && !begins_item(rest);
        if !is_code && self.tags.len() < INLINE_TAGS_MAX {
            inline_tags(line, &mut self.tags);
        }
        self.builder.has_body = true;
        self.paragraph = match self.paragraph {
            _ if is_rule(rest) => Paragraph::None,
            Paragraph::Other => Paragraph::Other,
            Paragraph::None if indent > INDENT_MAX => Paragraph::None,
            _ if begins_container(rest) => Paragraph::Other,
            Paragraph::None => Paragraph::Own {
                start,
                lines: 1,
                had_body,
            },
            Paragraph::Own {
                start,
                lines,
                had_body,
            } => Paragraph::Own {
                start,
                lines: lines + 1,
                had_body,
            },
        };
    }

    /// Takes a line as a heading or the underline of one; returns whether it is either.
    fn heading(&mut self, start: usize, line: &str, rest: &[u8]) -> bool {
        if let Some((level, title)) = numbered(rest) {
            let title_start = start + (line.len() - line.trim_ascii_start().len()) + title.start;
            let title = title_start..title_start + title.len();
            self.builder.begin(start, level, title);
            return true;
        }
        let Paragraph::Own {
            start: above,
            lines,
            had_body,
        } = self.paragraph
        else {
            return false;
        };
        let Some(level) = underlined(rest) else {
            return false;
        };
        if lines <= UNDERLINED_LINES_MAX {
            self.builder.has_body = had_body;
            self.builder.begin(above, level, above..start);
        }
        true
    }
}

/// Returns level and title of a heading that begins with number signs.
fn numbered(rest: &[u8]) -> Option<(usize, Range<usize>)> {
    let level = run(rest, b'#');
    let behind = rest.get(level..)?;
    if !(1..=6).contains(&level)
        || !(behind.is_empty() || behind.starts_with(b" ") || behind.starts_with(b"\t"))
    {
        return None;
    }
    let closing = rest.iter().rev().take_while(|&&byte| byte == b'#').count();
    let open_end = rest.len() - closing;
    let is_closed = rest
        .get(..open_end)
        .is_some_and(|open| open.ends_with(b" ") || open.ends_with(b"\t"));
    let end = if is_closed { open_end } else { rest.len() };
    let title = rest.get(level..end).unwrap_or_default();
    let start = level + (title.len() - title.trim_ascii_start().len());
    Some((level, start..start + title.trim_ascii().len()))
}

/// Returns the level of the heading that a line underlines, if it is such a line.
fn underlined(rest: &[u8]) -> Option<usize> {
    match rest.first()? {
        b'=' if run(rest, b'=') == rest.len() => Some(1),
        b'-' if run(rest, b'-') == rest.len() => Some(2),
        _ => None,
    }
}

/// Returns whether a line begins a list item, a quotation, a table or HTML.
fn begins_container(rest: &[u8]) -> bool {
    matches!(rest.first(), Some(b'>' | b'|' | b'<')) || begins_item(rest)
}

/// Tags within the text that are taken of one document.
const INLINE_TAGS_MAX: usize = 64;
/// Words behind a number sign that are orders to a compiler, also when a text speaks of them.
const DIRECTIVES: &str = "define defines elif endif if ifdef ifndef include pragma undef";
/// Those that are words too, and orders at the start of a line.
const WORDS_AS_DIRECTIVES: &str = "else endregion error line region warning";
/// Lengths of colours in hexadecimal.
const COLOUR_LENGTHS: [usize; 4] = [3, 4, 6, 8];

/// Finds tags like `#this` in a line of text.
///
/// They stand behind white space, hold a letter, and are neither a colour nor
/// an order to a compiler. A number alone is an issue and no tag.
fn inline_tags(line: &str, tags: &mut BTreeSet<String>) {
    if !line.contains('#') || line.len() > TAGGED_LINE_BYTES_MAX {
        return;
    }
    let mut code = code_spans(line).into_iter().peekable();
    for (place, _) in line.match_indices('#') {
        while code.next_if(|span| span.end <= place).is_some() {}
        if code.peek().is_some_and(|span| span.contains(&place)) {
            continue;
        }
        let (before, behind) = line.split_at(place);
        let Some(behind) = behind.strip_prefix('#') else {
            continue;
        };
        let is_apart = before.chars().next_back().is_none_or(char::is_whitespace);
        // `[label]: #anchor` leads to a place in the text.
        let is_anchor = before.trim_ascii_end().ends_with("]:");
        let is_line_start = before.trim_ascii_start().is_empty();
        if is_apart
            && !is_anchor
            && let Some(tag) = tag_at(behind, is_line_start)
        {
            tags.insert(tag.to_owned());
        }
    }
}

/// Returns the tag that a text begins with.
fn tag_at(text: &str, is_line_start: bool) -> Option<&str> {
    let length = text.find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '/')));
    let (tag, behind) = text.split_at_checked(length.unwrap_or(text.len()))?;
    let ends = behind
        .chars()
        .next()
        .is_none_or(|c| c.is_whitespace() || ".,;:!?)".contains(c));
    let tag = tag.trim_end_matches(['/', '-']);
    let is_colour =
        COLOUR_LENGTHS.contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_one_of = |words: &str| words.split_ascii_whitespace().any(|word| word == tag);
    let is_directive = is_one_of(DIRECTIVES) || (is_line_start && is_one_of(WORDS_AS_DIRECTIVES));
    let has_letter = tag.contains(char::is_alphabetic);
    (ends && has_letter && !is_colour && !is_directive && !tag.starts_with(['/', '-']))
        .then_some(tag)
}
