//! The blocks of a text that belong together: paragraphs, lists, tables, fences.
//!
//! Yields the places where blocks end, ascending, the last of them the end of
//! the part; each block goes with the blank lines behind it.

use std::ops::Range;

use super::pieces::line_ends;
use super::raw::{INDENT_MAX, Meets, Opens, Raw, begins_item, indent};

/// Where a text may be cut into blocks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockRule {
    /// Markdown behind blank lines, and around fences and tables; never inside a fence, a list or HTML.
    Markdown,
    /// As before, and also before the items of a list.
    MarkdownItems,
    /// As before, and also between the paragraphs of an item.
    MarkdownParts,
    /// Behind blank lines.
    Paragraphs,
    /// Behind blank lines when the next line is not indented.
    Definitions,
    /// Org behind blank lines; never inside a block or a drawer, nor before what is indented.
    Org,
}

/// Yields the end of each block.
pub(super) fn block_ends(
    text: &str,
    part: Range<usize>,
    rule: BlockRule,
) -> impl Iterator<Item = usize> {
    let (start, stop) = (part.start, part.end);
    let mut state = State::default();
    let mut seen_text = false;
    let mut line_start = start;
    line_ends(text, part)
        .map(move |line_end| {
            let line = text.get(line_start..line_end).unwrap_or_default();
            let before = state.before;
            let this = match rule {
                BlockRule::Markdown | BlockRule::MarkdownItems | BlockRule::MarkdownParts => {
                    state.markdown(line)
                }
                BlockRule::Org => state.org(line),
                BlockRule::Paragraphs | BlockRule::Definitions => Line::plain(line),
            };
            let cut = seen_text && begins_block(before, this, rule);
            let place = line_start;
            seen_text |= this != Line::Blank;
            state.before = this;
            line_start = line_end;
            cut.then_some(place)
        })
        .chain([Some(stop)])
        .flatten()
}

/// What a line is to the cutting of blocks.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Line {
    #[default]
    Blank,
    Text,
    Indented,
    /// Of a table.
    Row,
    /// Begins an item of a list that was not open before.
    List,
    /// Begins a further item.
    Item,
    /// Goes on with an item.
    Listed,
    /// Begins a fence, HTML, or a block of Org.
    RawOpens,
    /// Inside of one, also its last line.
    Raw,
}

impl Line {
    fn plain(line: &str) -> Self {
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

/// What is open at a line.
#[derive(Default)]
struct State {
    before: Line,
    raw: Option<Raw>,
    in_list: bool,
    org: Option<OrgBlock>,
}

/// A block of Org while it is open.
#[derive(Clone, Copy)]
enum OrgBlock {
    /// `#+begin_..`
    Block,
    /// `:NAME:`
    Drawer,
}

impl State {
    fn markdown(&mut self, line: &str) -> Line {
        if let Some(open) = self.raw {
            match open.meets(line) {
                Meets::Inside => return Line::Raw,
                Meets::Closing => {
                    self.raw = None;
                    return Line::Raw;
                }
                Meets::Outside => self.raw = None,
            }
        }
        if line.trim_ascii().is_empty() {
            return Line::Blank;
        }
        let (width, rest) = indent(line);
        let is_inside = self.in_list && width >= LIST_INDENT_LEAST;
        match Raw::opened_by(line) {
            Some(Opens::Raw(raw)) => {
                self.raw = Some(raw);
                self.in_list = is_inside;
                return if is_inside {
                    Line::Listed
                } else {
                    Line::RawOpens
                };
            }
            Some(Opens::Line) if !is_inside => {
                self.in_list = false;
                return Line::Text;
            }
            Some(Opens::Line) | None => {}
        }
        if begins_item(rest) && (width <= INDENT_MAX || self.in_list) {
            let was_open = std::mem::replace(&mut self.in_list, true);
            return if !was_open {
                Line::List
            } else if width <= INDENT_MAX {
                Line::Item
            } else {
                Line::Listed
            };
        }
        if is_inside || (self.in_list && self.before != Line::Blank) {
            return Line::Listed;
        }
        self.in_list = false;
        Line::plain(line)
    }

    fn org(&mut self, line: &str) -> Line {
        let trimmed = line.trim_ascii();
        match self.org {
            Some(OrgBlock::Block) => {
                if keyword(trimmed, "#+end").is_some() {
                    self.org = None;
                }
                return Line::Raw;
            }
            Some(OrgBlock::Drawer) => {
                if trimmed.eq_ignore_ascii_case(":end:") {
                    self.org = None;
                }
                return Line::Raw;
            }
            None => {}
        }
        if keyword(trimmed, "#+begin").is_some() {
            self.org = Some(OrgBlock::Block);
        } else if is_drawer(trimmed) {
            self.org = Some(OrgBlock::Drawer);
        } else {
            return Line::plain(line);
        }
        if line.starts_with([' ', '\t']) {
            Line::Indented
        } else {
            Line::RawOpens
        }
    }
}

/// What is indented less than this belongs to no item.
const LIST_INDENT_LEAST: usize = 2;

/// Returns what stands behind a word that begins a line, whatever its case.
pub(super) fn keyword<'l>(line: &'l str, word: &str) -> Option<&'l str> {
    let (begin, behind) = line.split_at_checked(word.len())?;
    begin.eq_ignore_ascii_case(word).then_some(behind)
}

/// Returns whether a line begins a drawer, `:NAME:` and nothing else.
pub(super) fn is_drawer(line: &str) -> bool {
    let name = line
        .strip_prefix(':')
        .and_then(|rest| rest.strip_suffix(':'));
    name.is_some_and(|name| {
        !name.is_empty()
            && !name.eq_ignore_ascii_case("end")
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
    })
}

fn begins_block(before: Line, this: Line, rule: BlockRule) -> bool {
    let is_behind_gap = before == Line::Blank;
    let is_behind_block = match rule {
        BlockRule::Paragraphs | BlockRule::Definitions => is_behind_gap,
        BlockRule::Markdown
        | BlockRule::MarkdownItems
        | BlockRule::MarkdownParts
        | BlockRule::Org => {
            is_behind_gap || matches!(before, Line::Row | Line::Raw | Line::RawOpens)
        }
    };
    match this {
        Line::Blank | Line::Raw => false,
        Line::RawOpens => true,
        Line::Text | Line::List => is_behind_block,
        Line::Indented => {
            is_behind_block && !matches!(rule, BlockRule::Definitions | BlockRule::Org)
        }
        Line::Row => match rule {
            BlockRule::Paragraphs | BlockRule::Definitions => is_behind_gap,
            BlockRule::Markdown
            | BlockRule::MarkdownItems
            | BlockRule::MarkdownParts
            | BlockRule::Org => before != Line::Row,
        },
        Line::Item => rule != BlockRule::Markdown,
        Line::Listed => is_behind_gap && rule == BlockRule::MarkdownParts,
    }
}
