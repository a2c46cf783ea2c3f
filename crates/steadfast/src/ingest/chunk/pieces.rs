//! The pieces a text falls into at each size, as the places where they end.
//!
//! Every iterator here takes a part of the text and yields ascending ends, the
//! last of them the end of the part.

use std::ops::Range;

/// Yields the end of each line, with its line feed.
pub(super) fn line_ends(text: &str, part: Range<usize>) -> impl Iterator<Item = usize> {
    let mut end = part.start;
    text.get(part)
        .unwrap_or_default()
        .split_inclusive('\n')
        .map(move |line| {
            end += line.len();
            end
        })
}

/// Where a text may be cut into blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockRule {
    /// Behind blank lines, and around fences and tables; never inside a fence.
    Markdown,
    /// Behind blank lines.
    Paragraphs,
    /// Behind blank lines when the next line is not indented.
    Definitions,
}

/// Yields the end of each block, with the blank lines behind it.
pub(super) fn block_ends(
    text: &str,
    part: Range<usize>,
    rule: BlockRule,
) -> impl Iterator<Item = usize> {
    let (start, stop) = (part.start, part.end);
    let mut fence = None;
    let mut before = Line::Blank;
    let mut seen_text = false;
    let mut line_start = start;
    line_ends(text, part)
        .map(move |line_end| {
            let line = text.get(line_start..line_end).unwrap_or_default();
            let this = Line::of(line, rule, &mut fence);
            let cut = seen_text && begins_block(before, this, rule);
            let place = line_start;
            seen_text |= this != Line::Blank;
            before = this;
            line_start = line_end;
            cut.then_some(place)
        })
        .chain([Some(stop)])
        .flatten()
}

/// What a line is to the cutting of blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Line {
    Blank,
    Text,
    Indented,
    Row,
    FenceOpens,
    Fenced,
}

impl Line {
    fn of(line: &str, rule: BlockRule, fence: &mut Option<Fence>) -> Self {
        if rule == BlockRule::Markdown {
            if let Some(open) = fence {
                match open.meets(line) {
                    FenceMeets::Inside => return Self::Fenced,
                    FenceMeets::Closing => {
                        *fence = None;
                        return Self::Fenced;
                    }
                    FenceMeets::Outside => *fence = None,
                }
            }
            *fence = Fence::opened_by(line);
            if fence.is_some() {
                return Self::FenceOpens;
            }
        }
        if line.trim_ascii().is_empty() {
            return Self::Blank;
        }
        match line.as_bytes().first() {
            Some(b'|') => Self::Row,
            Some(b' ' | b'\t') => Self::Indented,
            _ => Self::Text,
        }
    }
}

fn begins_block(before: Line, this: Line, rule: BlockRule) -> bool {
    match rule {
        BlockRule::Paragraphs => before == Line::Blank && this != Line::Blank,
        BlockRule::Definitions => {
            before == Line::Blank && this != Line::Blank && this != Line::Indented
        }
        BlockRule::Markdown => match this {
            Line::Blank | Line::Fenced => false,
            Line::FenceOpens => true,
            Line::Row => before != Line::Row,
            Line::Text | Line::Indented => {
                matches!(
                    before,
                    Line::Blank | Line::Row | Line::Fenced | Line::FenceOpens
                )
            }
        },
    }
}

/// An open fence: what lies inside is neither heading nor paragraph.
#[derive(Clone, Copy)]
pub(super) struct Fence {
    mark: u8,
    length: usize,
    indent: usize,
}

/// What a line is to an open fence.
pub(super) enum FenceMeets {
    Inside,
    Closing,
    /// The fence ended before this line: it stood deep in a list that ended.
    Outside,
}

/// Deeper indentation than this makes a line code, except in a list.
pub(super) const INDENT_MAX: usize = 3;

impl Fence {
    /// Returns the fence that `line` opens.
    pub(super) fn opened_by(line: &str) -> Option<Self> {
        let (indent, rest) = indent(line);
        let mark = *rest.first().filter(|mark| matches!(mark, b'`' | b'~'))?;
        let length = run(rest, mark);
        let info = rest.get(length..)?;
        let opens = length >= 3 && (mark == b'~' || !info.contains(&b'`'));
        opens.then_some(Self {
            mark,
            length,
            indent,
        })
    }

    /// Returns what `line` is to this fence.
    ///
    /// A fence that is indented like code can only be part of a list item; it
    /// ends where the item does, at a line that is indented less.
    pub(super) fn meets(&self, line: &str) -> FenceMeets {
        let (indent, rest) = indent(line);
        let in_list = self.indent > INDENT_MAX;
        if in_list && indent < self.indent && !rest.trim_ascii().is_empty() {
            return FenceMeets::Outside;
        }
        let length = run(rest, self.mark);
        let closes = length >= self.length
            && (in_list || indent <= INDENT_MAX)
            && rest
                .get(length..)
                .is_none_or(|rest| rest.trim_ascii().is_empty());
        if closes {
            FenceMeets::Closing
        } else {
            FenceMeets::Inside
        }
    }
}

/// Returns the width of the indentation, with tabs to every fourth column, and what follows it.
pub(super) fn indent(line: &str) -> (usize, &[u8]) {
    let mut rest = line.as_bytes();
    let mut width = 0;
    while let [first @ (b' ' | b'\t'), behind @ ..] = rest {
        width = if *first == b' ' {
            width + 1
        } else {
            (width / 4 + 1) * 4
        };
        rest = behind;
    }
    (width, rest)
}

/// Returns how often `mark` stands at the start of `bytes`.
pub(super) fn run(bytes: &[u8], mark: u8) -> usize {
    bytes.iter().take_while(|&&byte| byte == mark).count()
}

/// Yields the end of each sentence, with the white space behind it.
///
/// A sentence ends at a full stop, exclamation or question mark before white
/// space, and at the marks of Chinese and Japanese.
pub(super) fn sentence_ends(text: &str, part: Range<usize>) -> impl Iterator<Item = usize> {
    let (start, stop) = (part.start, part.end);
    let mut before = Letter::Other;
    let mut in_gap = false;
    text.get(part)
        .unwrap_or_default()
        .char_indices()
        .map(move |(place, c)| {
            let this = Letter::of(c);
            let ends = match this {
                Letter::Space => {
                    in_gap |= before == Letter::Stop || before == Letter::WideStop;
                    false
                }
                Letter::Stop | Letter::WideStop | Letter::Other => {
                    let ends = in_gap || (before == Letter::WideStop && this == Letter::Other);
                    in_gap = false;
                    ends
                }
            };
            before = this;
            ends.then_some(start + place)
        })
        .chain([Some(stop)])
        .flatten()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    Space,
    Stop,
    WideStop,
    Other,
}

impl Letter {
    fn of(c: char) -> Self {
        match c {
            '.' | '!' | '?' => Self::Stop,
            '\u{3002}' | '\u{ff01}' | '\u{ff1f}' => Self::WideStop,
            c if c.is_whitespace() => Self::Space,
            _ => Self::Other,
        }
    }
}

/// Yields places between characters, at most `bytes_max` apart.
///
/// Behind `bytes_target` the last white space is taken, else the last mark
/// that ends a value in data without spaces, else the last place there is.
pub(super) fn forced_ends(
    text: &str,
    part: Range<usize>,
    bytes_target: usize,
    bytes_max: usize,
) -> impl Iterator<Item = usize> {
    let mut start = part.start;
    std::iter::from_fn(move || {
        if start >= part.end {
            return None;
        }
        if part.end - start <= bytes_max {
            start = part.end;
            return Some(start);
        }
        let last = text.floor_char_boundary(start + bytes_max);
        let first = text.ceil_char_boundary(start + bytes_target).min(last);
        let window = text.get(first..last).unwrap_or_default();
        let behind = |(place, c): (usize, char)| first + place + c.len_utf8();
        let rfind = |pattern: fn(char) -> bool| window.char_indices().rfind(|(_, c)| pattern(*c));
        start = rfind(char::is_whitespace)
            .or_else(|| rfind(|c| matches!(c, ',' | ';' | '}' | ']' | ')' | '>')))
            .map_or(last, behind);
        // A carriage return stays with its line feed.
        if text
            .get(start..)
            .is_some_and(|rest| rest.starts_with("\r\n"))
        {
            start = (start + 2).min(part.end);
        }
        Some(start)
    })
}
