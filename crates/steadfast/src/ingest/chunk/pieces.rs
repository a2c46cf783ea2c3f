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
