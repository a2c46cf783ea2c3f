//! reStructuredText: its headings, and the fields at its start.
//!
//! A heading is one line that is underlined by one mark, and may be overlined
//! by the same; which level it has follows from the order in which styles first
//! appear (docutils, "Sections"). Fields (`:date: 2026-01-02`) are read at the
//! very start and right below the first heading, where docutils and site
//! generators read them. What is indented, as the content of a directive, goes
//! with the line above it.

use std::collections::VecDeque;
use std::ops::Range;

use super::facts::{Facts, GIVEN_MAX, Given, KEY_BYTES_MAX};
use super::outline::{Builder, Outline};
use super::pack::Grain;
use super::pieces::line_ends;

/// Styles of headings that are told apart; docutils knows no limit, documents use five.
const STYLES_MAX: usize = 64;
/// From this length on an underline may be shorter than its title.
const SHORT_LINE: usize = 4;

/// How a heading is marked.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Style {
    mark: u8,
    overlined: bool,
}

/// Finds the headings, sections and facts of a text.
pub(super) fn outline(text: &str) -> Outline {
    let mut lines = Lines::new(text);
    let mut builder = Builder::new(Facts::default());
    let mut styles: Vec<Style> = Vec::new();
    let mut given = Vec::new();
    let mut headings = 0;
    let mut is_behind_gap = true;
    while let (Some(range), Some(this)) = (lines.range(0), lines.text(0)) {
        let found = is_behind_gap
            .then(|| heading(this, lines.text(1), lines.text(2)))
            .flatten();
        if let Some(style) = found {
            let title = usize::from(style.overlined);
            let level = 1 + level_of(style, &mut styles);
            builder.begin(range.start, level, lines.range(title).unwrap_or(range));
            headings += 1;
            lines.skip(title + 2);
            continue;
        }
        lines.skip(1);
        if !builder.has_body && headings <= 1 {
            match field(this) {
                Some((name, value)) => {
                    let room = GIVEN_MAX.saturating_sub(given.len());
                    given.extend(value.map(|value| (name, value)).into_iter().take(room));
                    continue;
                }
                None if this.is_empty() => {}
                None => headings = 2,
            }
        }
        builder.has_body |= !this.is_empty();
        is_behind_gap = this.is_empty();
    }
    builder.document = Facts::of(given);
    builder.finish(text.len(), Grain::Definition)
}

/// The next lines of a text: no more than a heading can have are held at once.
struct Lines<'t, E> {
    text: &'t str,
    ends: E,
    next: VecDeque<Range<usize>>,
    end: usize,
}

/// A title between two rules.
const LINES_HELD: usize = 3;

impl<'t> Lines<'t, ()> {
    fn new(text: &'t str) -> Lines<'t, impl Iterator<Item = usize>> {
        let mut lines = Lines {
            text,
            ends: line_ends(text, 0..text.len()),
            next: VecDeque::with_capacity(LINES_HELD),
            end: 0,
        };
        lines.skip(0);
        lines
    }
}

impl<'t, E: Iterator<Item = usize>> Lines<'t, E> {
    fn range(&self, ahead: usize) -> Option<Range<usize>> {
        self.next.get(ahead).cloned()
    }

    fn text(&self, ahead: usize) -> Option<&'t str> {
        let line = self.text.get(self.range(ahead)?)?;
        Some(line.trim_ascii_end())
    }

    /// Lets go of the next lines.
    fn skip(&mut self, count: usize) {
        self.next.drain(..count.min(self.next.len()));
        while self.next.len() < LINES_HELD {
            let Some(end) = self.ends.next() else {
                return;
            };
            self.next.push_back(self.end..end);
            self.end = end;
        }
    }
}

/// Returns the style of the heading that a line begins, given the two lines below it.
fn heading(line: &str, below: Option<&str>, further: Option<&str>) -> Option<Style> {
    let below = below?;
    if let Some(mark) = adornment(line) {
        let is_framed = !below.is_empty()
            && adornment(below).is_none()
            && further.and_then(adornment) == Some(mark)
            && further.is_some_and(|under| under.len() == line.len())
            && below.trim_ascii().chars().count() <= line.len();
        return is_framed.then_some(Style {
            mark,
            overlined: true,
        });
    }
    let mark = adornment(below)?;
    let is_text = !line.is_empty() && !line.starts_with([' ', '\t']);
    // Columns of wide characters are not counted, so a length is only compared with characters.
    let is_long_enough = below.len() >= line.chars().count() || below.len() >= SHORT_LINE;
    (is_text && is_long_enough).then_some(Style {
        mark,
        overlined: false,
    })
}

/// Returns the mark of a line that is nothing but one mark.
fn adornment(line: &str) -> Option<u8> {
    let bytes = line.as_bytes();
    let mark = *bytes.first().filter(|mark| mark.is_ascii_punctuation())?;
    bytes.iter().all(|&byte| byte == mark).then_some(mark)
}

/// Returns the level of a style, from 0: new styles are below all that were seen.
fn level_of(style: Style, styles: &mut Vec<Style>) -> usize {
    if let Some(level) = styles.iter().position(|known| *known == style) {
        return level;
    }
    if styles.len() < STYLES_MAX {
        styles.push(style);
    }
    styles.len() - 1
}

/// Reads a field, with or without a value.
fn field(line: &str) -> Option<(String, Option<Given>)> {
    let (name, value) = line.strip_prefix(':')?.split_once(':')?;
    let is_name = !name.is_empty() && name.len() <= KEY_BYTES_MAX && !name.contains('`');
    let ends = value.is_empty() || value.starts_with([' ', '\t']);
    (is_name && ends).then(|| (name.to_owned(), Given::plain(value.trim())))
}
