//! The text that comes out: lines, gaps between them, links and code, with the map back.
//!
//! Gaps are written when something follows them, so there is none at the ends;
//! what is written between tags stands for no bytes of the document.

use std::ops::Range;

use super::super::map::{End, Map, MapBuilder};

/// Deeper lists are indented like this one: a longer indentation would be code, and costs memory.
const LISTS_MAX: usize = 4;
/// Deeper quotations are marked like this one.
const QUOTES_MAX: usize = 3;

/// What lies between the text so far and that to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Gap {
    #[default]
    None,
    Space,
    Line,
    Block,
}

/// What shape the text to come has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Shape {
    /// Lines and blocks.
    #[default]
    Flow,
    /// One line, at the margin.
    Heading,
    /// One line of a table.
    Cell,
}

/// How deep the text to come stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) struct Depth {
    pub(super) lists: usize,
    pub(super) quotes: usize,
}

/// A place to which the text can be cut back.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    text: usize,
    map: End,
    gap: Gap,
    has_line: bool,
}

/// What has yet to be written when text that may be taken back begins.
#[derive(Debug)]
pub(super) struct Suspended {
    lead: Option<(String, Range<usize>)>,
    link: Link,
}

#[derive(Debug, Default)]
enum Link {
    #[default]
    None,
    /// Nothing of its text has come yet.
    Pending {
        target: String,
        origin: Range<usize>,
    },
    Open {
        target: String,
        start: Mark,
    },
}

/// Text that is being written.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    map: MapBuilder,
    gap: Gap,
    pub(super) shape: Shape,
    pub(super) depth: Depth,
    /// What the next line begins with, such as a bullet.
    lead: Option<(String, Range<usize>)>,
    link: Link,
    /// The line has begun already; a text that is empty has no line.
    has_line: bool,
}

impl Writer {
    /// Asks for a gap before what follows; the widest that was asked for is made.
    pub(super) fn gap(&mut self, gap: Gap) {
        if self.lead.is_some() {
            return;
        }
        let gap = if self.shape == Shape::Flow {
            gap
        } else {
            gap.min(Gap::Space)
        };
        // A link does not go on in the next line; one that has no text yet may begin there.
        if gap >= Gap::Line && matches!(self.link, Link::Open { .. }) {
            self.end_link(0..0);
        }
        self.gap = self.gap.max(gap);
    }

    /// Lets the next line begin with `lead`.
    pub(super) fn lead(&mut self, lead: impl Into<String>, origin: Range<usize>) {
        self.lead = Some((lead.into(), origin));
    }

    /// Forgets a lead that nothing followed.
    pub(super) fn drop_lead(&mut self) {
        self.lead = None;
    }

    /// Writes running text: white space becomes one space.
    pub(super) fn words(&mut self, text: &str, origin: Range<usize>) {
        let is_linear = text.len() == origin.len();
        let mut rest = text;
        while !rest.is_empty() {
            let words = rest.trim_start_matches(is_space);
            if words.len() < rest.len() {
                self.gap = self.gap.max(Gap::Space);
            }
            if words.is_empty() {
                return;
            }
            let run = words.get(..run_length(words)).unwrap_or(words);
            let origin = if is_linear {
                let start = origin.start + (text.len() - words.len());
                start..start + run.len()
            } else {
                origin.clone()
            };
            self.run(run, origin);
            rest = words.get(run.len()..).unwrap_or_default();
        }
    }

    /// Writes text that has single spaces only.
    fn run(&mut self, run: &str, origin: Range<usize>) {
        self.begin();
        if !self.has_line && needs_escape(run, self.text.is_empty()) {
            self.push("\\", origin.start..origin.start);
        }
        if self.shape != Shape::Cell || !run.contains('|') {
            self.push(run, origin);
            return;
        }
        let is_linear = run.len() == origin.len();
        let mut start = 0;
        for piece in run.split_inclusive('|') {
            let origin = if is_linear {
                origin.start + start..origin.start + start + piece.len()
            } else {
                origin.clone()
            };
            start += piece.len();
            let before = piece.strip_suffix('|').unwrap_or(piece);
            let end = origin.start + before.len().min(origin.len());
            self.push(before, origin.start..end);
            if before.len() < piece.len() {
                self.push("\\|", end..origin.end);
            }
        }
    }

    /// Writes text as it stands, each line at the depth of the text around it.
    pub(super) fn verbatim(&mut self, text: &str, origin: &Range<usize>) {
        let is_linear = text.len() == origin.len();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let origin = if is_linear {
                origin.start + start..origin.start + start + line.len()
            } else {
                origin.clone()
            };
            start += line.len();
            if !self.has_line && line.trim_end() != "" {
                self.prefix();
            }
            self.push(line, origin);
        }
    }

    /// Writes a mark that stands for `origin`, on the line as it is.
    pub(super) fn mark(&mut self, mark: &str, origin: Range<usize>) {
        self.begin();
        self.push(mark, origin);
    }

    /// Writes `text` without making gaps.
    pub(super) fn push(&mut self, text: &str, origin: Range<usize>) {
        self.text.push_str(text);
        self.map.push(text.len(), origin);
        self.has_line = !text.ends_with('\n');
    }

    /// Makes the gap that was asked for, and begins the line and the link.
    pub(super) fn begin(&mut self) {
        match std::mem::take(&mut self.gap) {
            Gap::None => {}
            Gap::Space if !self.has_line => {}
            Gap::Space => self.push_gap(" "),
            Gap::Line => self.end_lines(1),
            Gap::Block => self.end_lines(2),
        }
        if !self.has_line && self.shape != Shape::Heading {
            self.prefix();
        }
        if let Some((lead, origin)) = self.lead.take() {
            self.push(&lead, origin);
        }
        self.link = match std::mem::take(&mut self.link) {
            Link::Pending { target, origin } => {
                let start = self.here();
                if !target.starts_with('#') {
                    self.push("[", origin);
                }
                Link::Open { target, start }
            }
            link @ (Link::None | Link::Open { .. }) => link,
        };
    }

    /// Ends the line, and asks for further line feeds up to `count` at the end of the text.
    fn end_lines(&mut self, count: usize) {
        if self.text.is_empty() {
            return;
        }
        let there = self
            .text
            .bytes()
            .rev()
            .take(count)
            .take_while(|&byte| byte == b'\n')
            .count();
        for _ in there..count {
            self.push_gap("\n");
        }
    }

    fn push_gap(&mut self, gap: &str) {
        let end = self.map.origin_end();
        self.push(gap, end..end);
    }

    /// Indents a line and marks it as quoted; it has yet to begin then.
    fn prefix(&mut self) {
        for _ in 0..self.depth.quotes.min(QUOTES_MAX) {
            self.push_gap("> ");
        }
        // A bullet stands where its list stands, the text below it two columns further.
        let steps = self.depth.lists.min(LISTS_MAX) - usize::from(self.lead_is_bullet());
        for _ in 0..steps {
            self.push_gap("  ");
        }
        self.has_line = false;
    }

    fn lead_is_bullet(&self) -> bool {
        self.depth.lists > 0 && self.lead.is_some()
    }

    /// Begins a link.
    pub(super) fn link(&mut self, target: &str, origin: Range<usize>) {
        self.end_link(0..0);
        let target = target.trim();
        let is_script = target
            .split_once(':')
            .is_some_and(|(scheme, _)| ["javascript", "data", "blob"].contains(&scheme));
        if !target.is_empty() && !is_script {
            self.link = Link::Pending {
                target: target.to_owned(),
                origin,
            };
        }
    }

    /// Ends a link, if there is one. One into the page itself leaves its text, unless that is a mere mark.
    pub(super) fn end_link(&mut self, origin: Range<usize>) {
        let Link::Open { target, start } = std::mem::take(&mut self.link) else {
            return;
        };
        if target.starts_with('#') {
            let text = self.text.get(start.text..).unwrap_or_default();
            if ["#", "\u{b6}", "\u{a7}", "\u{1f517}"].contains(&text.trim()) {
                self.cut(&start);
            }
            return;
        }
        let end = self.map.origin_end();
        let origin = if origin.start < end { end..end } else { origin };
        let is_plain = !target.contains(|c: char| c.is_whitespace() || "()<>|".contains(c));
        if is_plain {
            self.push(&format!("]({target})"), origin);
        } else {
            let mut quoted = String::with_capacity(target.len() + 5);
            for c in target.chars() {
                match c {
                    '<' => quoted.push_str("%3C"),
                    '>' => quoted.push_str("%3E"),
                    '|' => quoted.push_str("%7C"),
                    c if c.is_whitespace() => quoted.push_str("%20"),
                    c => quoted.push(c),
                }
            }
            self.push(&format!("](<{quoted}>)"), origin);
        }
    }

    /// Returns the present place.
    pub(super) fn here(&self) -> Mark {
        Mark {
            text: self.text.len(),
            map: self.map.end(),
            gap: self.gap,
            has_line: self.has_line,
        }
    }

    /// Takes back what was written since `mark`.
    pub(super) fn cut(&mut self, mark: &Mark) {
        self.text.truncate(mark.text);
        self.map.cut(mark.map);
        self.gap = mark.gap;
        self.has_line = mark.has_line;
        self.lead = None;
    }

    /// Lays aside what has yet to be written, before text that may be taken back; a link with text ends.
    pub(super) fn suspend(&mut self) -> Suspended {
        if matches!(self.link, Link::Open { .. }) {
            self.end_link(0..0);
        }
        Suspended {
            lead: self.lead.take(),
            link: std::mem::take(&mut self.link),
        }
    }

    /// Goes on as before text that was taken back.
    pub(super) fn resume(&mut self, suspended: Suspended) {
        self.lead = suspended.lead;
        self.link = suspended.link;
    }

    /// Returns what was written since `mark`.
    pub(super) fn since(&self, mark: &Mark) -> &str {
        self.text.get(mark.text..).unwrap_or_default()
    }

    /// Returns whether nothing was written yet.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the text, ended by a line feed, and the way back.
    pub(super) fn finish(mut self) -> (String, Map) {
        self.end_link(0..0);
        self.end_lines(1);
        (self.text, self.map.finish())
    }
}

/// White space as HTML has it; a space that must not break is a character.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}

/// Returns how long the words at the start are that are parted by one space each.
fn run_length(words: &str) -> usize {
    let bytes = words.as_bytes();
    let is_space = |byte: Option<&u8>| {
        byte.is_none_or(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0xc))
    };
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let ends = is_space(Some(&byte)) && (byte != b' ' || is_space(bytes.get(at + 1)));
        if ends {
            break;
        }
        at += 1;
    }
    at
}

/// Returns whether text at the start of a line would be read as a heading, a fence or front matter.
fn needs_escape(run: &str, is_first: bool) -> bool {
    let after = run.trim_start_matches('#');
    let is_heading = after.len() < run.len() && (after.is_empty() || after.starts_with(' '));
    let is_fence = run.starts_with("```") || run.starts_with("~~~");
    is_heading || is_fence || (is_first && (run.starts_with("---") || run.starts_with("+++")))
}
