//! Markdown: its headings, the sections below them, and how these become chunks.
//!
//! Headings are found as `CommonMark` finds them, outside of fences, lists and
//! quotations, with two differences: one that is underlined has at most
//! [`UNDERLINED_LINES_MAX`] lines, because transcripts rule off long
//! paragraphs, and front matter is not text between rules.

use std::ops::Range;

use super::pack::{Grain, Run, split};
use super::pieces::{Fence, FenceMeets, INDENT_MAX, indent, line_ends, run};
use super::{ChunkLimits, Cut};

/// The longest underlined heading.
const UNDERLINED_LINES_MAX: usize = 3;
/// The longest title in a path; what is longer is cut off.
const TITLE_BYTES_MAX: usize = 256;
/// Where the end of front matter is looked for.
const FRONT_MATTER_BYTES_MAX: usize = 64 << 10;
/// Sections are not merged across a heading of this level or above it, so that
/// an edit in one leaves the others as they are.
const LEVEL_APART: usize = 2;
/// But a section shorter than one part in this many of the target is no chunk
/// of its own: it goes with the one behind it.
const MINUTE_ONE_IN: usize = 16;

struct Heading {
    level: usize,
    title: Range<usize>,
    /// The heading above this one.
    parent: Option<usize>,
}

/// A stretch of text below one heading; headings without a text of their own
/// belong to the section below them.
struct Section {
    end: usize,
    /// The last of its headings.
    heading: Option<usize>,
    /// The level of the first of its headings; none above the first heading.
    level: Option<usize>,
}

/// The headings and sections of a text.
pub(super) struct Outline {
    headings: Vec<Heading>,
    sections: Vec<Section>,
}

impl Outline {
    /// Returns the titles above and at a heading, outermost first; those without words are left out.
    pub(super) fn path(&self, text: &str, heading: usize) -> Vec<String> {
        let mut titles = Vec::new();
        let mut next = self.headings.get(heading);
        while let Some(heading) = next {
            let title = text.get(heading.title.clone()).unwrap_or_default();
            let title = title
                .get(..title.floor_char_boundary(TITLE_BYTES_MAX))
                .unwrap_or_default();
            let title = title.split_whitespace().collect::<Vec<_>>().join(" ");
            if !title.is_empty() {
                titles.push(title);
            }
            next = heading.parent.and_then(|parent| self.headings.get(parent));
        }
        titles.reverse();
        titles
    }
}

/// Cuts a text with this outline.
pub(super) fn cuts(text: &str, outline: &Outline, limits: ChunkLimits) -> Vec<Cut> {
    let mut ends = Vec::new();
    let mut sections = Run::new(0, limits);
    let minute = limits.bytes_target / MINUTE_ONE_IN;
    let mut start = 0;
    let mut length_before = 0;
    for section in &outline.sections {
        let is_apart = section.level.is_some_and(|level| level <= LEVEL_APART);
        if is_apart && length_before >= minute {
            sections.close(&mut ends);
        }
        length_before = section.end - start;
        if section.end - start > limits.bytes_target {
            sections.close(&mut ends);
            let part = start..section.end;
            split(text, part, Grain::MarkdownBlock, limits, &mut ends);
            sections = Run::new(section.end, limits);
        } else {
            while sections.is_full_with(section.end) {
                sections.cut(text, section.end, &mut ends);
            }
            sections.pieces.push(section.end);
        }
        start = section.end;
    }
    sections.close(&mut ends);
    with_headings(&outline.sections, ends, minute)
}

/// Gives each chunk the heading of the section it starts in; next to nothing
/// above the first heading goes under that heading.
fn with_headings(sections: &[Section], ends: Vec<usize>, minute: usize) -> Vec<Cut> {
    let mut sections = sections.iter().peekable();
    let mut start = 0;
    ends.into_iter()
        .map(|end| {
            let is_passed = |section: &&Section| {
                section.end <= start || (section.heading.is_none() && section.end < end.min(minute))
            };
            while sections.next_if(is_passed).is_some() {}
            start = end;
            let heading = sections.peek().and_then(|section| section.heading);
            Cut { end, heading }
        })
        .collect()
}

/// Finds the headings and sections of a text.
pub(super) fn outline(text: &str) -> Outline {
    let mut scan = Scan {
        outline: Outline {
            headings: Vec::new(),
            sections: Vec::new(),
        },
        open: Section {
            end: 0,
            heading: None,
            level: None,
        },
        has_body: false,
        paragraph: Paragraph::None,
    };
    let mut fence: Option<Fence> = None;
    let mut start = front_matter_end(text);
    for end in line_ends(text, start..text.len()) {
        let line = text.get(start..end).unwrap_or_default();
        match fence.map(|fence| fence.meets(line)) {
            Some(FenceMeets::Inside) => {}
            Some(FenceMeets::Closing) => fence = None,
            Some(FenceMeets::Outside) | None => {
                fence = Fence::opened_by(line);
                if fence.is_some() {
                    scan.has_body = true;
                    scan.paragraph = Paragraph::None;
                } else {
                    scan.line(start, line);
                }
            }
        }
        start = end;
    }
    scan.open.end = text.len();
    scan.outline.sections.push(scan.open);
    scan.outline
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

struct Scan {
    outline: Outline,
    open: Section,
    /// There is text below the headings of the open section.
    has_body: bool,
    paragraph: Paragraph,
}

impl Scan {
    fn line(&mut self, start: usize, line: &str) {
        let (indent, rest) = indent(line);
        let rest = rest.trim_ascii_end();
        if rest.is_empty() {
            self.paragraph = Paragraph::None;
            return;
        }
        if indent <= INDENT_MAX {
            if let Some((level, title)) = numbered(rest) {
                let title_start =
                    start + (line.len() - line.trim_ascii_start().len()) + title.start;
                self.begin(start, level, title_start..title_start + title.len());
                self.paragraph = Paragraph::None;
                return;
            }
            if let (
                Some(level),
                Paragraph::Own {
                    start: above,
                    lines,
                    had_body,
                },
            ) = (underlined(rest), self.paragraph)
            {
                self.paragraph = Paragraph::None;
                if lines <= UNDERLINED_LINES_MAX {
                    self.has_body = had_body;
                    self.begin(above, level, above..start);
                }
                return;
            }
        }
        let had_body = self.has_body;
        self.has_body = true;
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

    /// Takes note of a heading that stands at `place`.
    fn begin(&mut self, place: usize, level: usize, title: Range<usize>) {
        let headings = &mut self.outline.headings;
        let mut parent = headings.len().checked_sub(1);
        while let Some(above) = parent.and_then(|parent| headings.get(parent)) {
            if above.level < level {
                break;
            }
            parent = above.parent;
        }
        // The heading above has no text of its own and leads to this one.
        let joins = !self.has_body && (self.open.heading.is_none() || parent == self.open.heading);
        headings.push(Heading {
            level,
            title,
            parent,
        });
        let heading = headings.len().checked_sub(1);
        if joins {
            self.open.heading = heading;
            self.open.level = self.open.level.or(Some(level));
        } else {
            self.open.end = place;
            let next = Section {
                end: place,
                heading,
                level: Some(level),
            };
            self.outline
                .sections
                .push(std::mem::replace(&mut self.open, next));
        }
        self.has_body = false;
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

/// Returns whether a line is a rule: three or more of one mark, with or without space between.
fn is_rule(rest: &[u8]) -> bool {
    let Some(mark) = rest.first().filter(|mark| b"*-_".contains(mark)) else {
        return false;
    };
    let is_mark_or_space = |byte: &u8| byte == mark || matches!(byte, b' ' | b'\t');
    rest.iter().all(is_mark_or_space) && rest.iter().filter(|byte| *byte == mark).nth(2).is_some()
}

/// Returns whether a line begins a list item, a quotation, a table or HTML.
fn begins_container(rest: &[u8]) -> bool {
    let is_marker_end =
        |behind: Option<&u8>| behind.is_none_or(|&byte| matches!(byte, b' ' | b'\t'));
    match rest.first() {
        Some(b'>' | b'|' | b'<') => true,
        Some(b'-' | b'*' | b'+') => is_marker_end(rest.get(1)),
        Some(b'0'..=b'9') => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            matches!(rest.get(digits), Some(b'.' | b')')) && is_marker_end(rest.get(digits + 1))
        }
        _ => false,
    }
}

/// Returns the end of the front matter, 0 when there is none.
fn front_matter_end(text: &str) -> usize {
    let head = 0..text.floor_char_boundary(FRONT_MATTER_BYTES_MAX);
    let mut mark = "";
    let mut start = 0;
    for (index, end) in line_ends(text, head).enumerate() {
        let line = text.get(start..end).unwrap_or_default().trim_ascii_end();
        start = end;
        match (index, line) {
            (0, "---" | "+++") => mark = line,
            (0, _) | (1, "") => return 0,
            (_, "...") if mark == "---" => return end,
            (_, line) if line == mark => return end,
            _ => {}
        }
    }
    0
}
