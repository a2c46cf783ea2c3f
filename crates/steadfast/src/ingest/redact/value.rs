//! Where a value begins and ends behind its operator.

use super::operator::Operator;
use super::{Found, run};

/// How much of a value is looked at.
const VALUE_BYTES_MAX: usize = 1 << 10;

/// What a value without quotes ends with, beside white space.
const STOPS: &[char] = &[',', ';', ')', ']', '}', '"', '\'', '`', '|', '<', '&'];

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Between quotes.
    Quoted,
    /// Up to the end of the line, as in a file of settings.
    Bare,
    /// Alone on the line below its name.
    Below,
    /// Up to a sign that program text, settings of one line and lists go on with.
    Until(char),
}

pub(super) struct Value {
    pub(super) found: Found,
    pub(super) form: Form,
}

/// Returns the values that may stand behind an operator, the likelier first.
pub(super) fn values(text: &str, at: usize, operator: Operator) -> [Option<Value>; 2] {
    let limit = text.floor_char_boundary(at.saturating_add(VALUE_BYTES_MAX));
    let rest = text.get(at..limit).unwrap_or_default();
    run::looked(rest.len());
    if operator == Operator::Tag {
        return [element(rest, at), None];
    }
    let mut inner = rest.trim_start_matches([' ', '\t', '*']);
    let below = (operator == Operator::Sign).then(|| below(inner)).flatten();
    inner = tagged(below.unwrap_or(inner));
    let at = at + (rest.len() - inner.len());
    let is_cut = limit < text.len();
    if let Some(mut value) = quoted(inner, at, is_cut) {
        if below.is_some() {
            value.form = Form::Below;
        }
        return [Some(value), None];
    }
    if operator == Operator::Call {
        return [None, None];
    }
    if below.is_some() {
        let line = inner.split(['\n', '\r']).next().unwrap_or_default();
        let is_alone = !line.trim_end().contains([' ', '\t']);
        return [
            is_alone.then(|| value(at, line.trim_end().len(), Form::Below)),
            None,
        ];
    }
    [line(inner, at), Some(bare(inner, at, is_cut))]
}

fn value(at: usize, bytes: usize, form: Form) -> Value {
    Value {
        found: Found::whole(at..at + bytes),
        form,
    }
}

/// Returns what an element of XML holds.
fn element(rest: &str, at: usize) -> Option<Value> {
    let end = rest.find(['<', '\n'])?;
    let is_closed = rest.get(end..)?.starts_with("</");
    is_closed.then(|| value(at, end, Form::Quoted))
}

/// Returns what stands on the line below when nothing but the sign of a block of YAML stands on this one.
fn below(rest: &str) -> Option<&str> {
    let block = rest.trim_start_matches(['|', '>']);
    let block = block.strip_prefix(['-', '+']).unwrap_or(block);
    let line = block
        .trim_start_matches([' ', '\t', '\r'])
        .strip_prefix('\n')?;
    let inner = line.trim_start_matches([' ', '\t']);
    (inner.len() < line.len()).then_some(inner)
}

/// Returns a value of YAML without the tag or the anchor before it.
fn tagged(rest: &str) -> &str {
    if !rest.starts_with("!!str ") && !rest.starts_with('&') {
        return rest;
    }
    match rest.split_once(' ') {
        Some((mark, rest)) if mark.len() <= 24 && !mark.contains('\n') => {
            rest.trim_start_matches(' ')
        }
        _ => rest,
    }
}

/// Returns what stands between quotes, also those inside of quotes, which have a backslash.
fn quoted(rest: &str, at: usize, is_cut: bool) -> Option<Value> {
    // Letters before quotes as in b"..".
    let bare = rest.trim_start_matches(['b', 'r', 'f', 'u', '\\']);
    let prefix = rest.len() - bare.len();
    let quote = bare
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'))?;
    if prefix > 2 {
        return None;
    }
    let triple = [quote; 3].iter().collect::<String>();
    let (quotes, end) = match bare.strip_prefix(triple.as_str()) {
        Some(inside) => (3, inside.find(triple.as_str())),
        None => (1, closing(bare.get(1..)?, quote, rest.starts_with('\\'))),
    };
    let inside = bare.get(quotes..)?;
    let is_open = end.is_none() && is_cut && !inside.contains(char::is_whitespace);
    let end = end.or(is_open.then_some(inside.len()))?;
    let from = at + prefix + quotes;
    Some(Value {
        found: Found {
            range: from..from + end,
            is_cut: is_open,
        },
        form: Form::Quoted,
    })
}

/// Returns where a quoted text ends that began before: not at a quote that is written with a backslash, or twice.
fn closing(inside: &str, quote: char, is_nested: bool) -> Option<usize> {
    let bytes = inside.as_bytes();
    let mut from = 0;
    loop {
        let at = from + inside.get(from..)?.find([quote, '\n'])?;
        let backslashes = bytes
            .get(..at)?
            .iter()
            .rev()
            .take_while(|byte| **byte == b'\\')
            .count();
        let is_line = bytes.get(at) == Some(&b'\n');
        let is_twice = at > 0 && backslashes == 0 && bytes.get(at + 1) == bytes.get(at);
        let is_escaped = if is_nested {
            backslashes > 1
        } else {
            backslashes % 2 == 1
        };
        if is_line || !is_escaped && !is_twice {
            let nested = usize::from(is_nested && backslashes == 1);
            return Some(at - nested);
        }
        from = at + 1 + usize::from(is_twice);
    }
}

/// Returns what stands up to the end of the line, when signs are inside of it that others end with.
fn line(rest: &str, at: usize) -> Option<Value> {
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let (whole, behind) = rest.split_at_checked(end)?;
    let is_last = behind
        .trim_start_matches([' ', '\t', '\r'])
        .starts_with('\n')
        || behind.trim().is_empty();
    let is_code = whole
        .trim_end_matches('=')
        .contains(['=', '(', ')', '{', '}', '[', ']', '"', '\\']);
    let is_inside = whole.contains(STOPS) && !whole.ends_with(STOPS);
    (is_last && is_inside && !is_code).then(|| value(at, whole.len(), Form::Until('\n')))
}

fn bare(rest: &str, at: usize, is_cut: bool) -> Value {
    let is_end = |c: char| c.is_whitespace() || STOPS.contains(&c);
    let end = rest.find(is_end).unwrap_or(rest.len());
    let (found, behind) = rest.split_at(end);
    let trimmed = found.trim_end_matches(['.', ':']);
    // The end of bold text.
    let trimmed = trimmed.trim_end_matches("**").trim_end_matches(['.', ':']);
    let form = match behind.chars().next() {
        Some(stop) if !stop.is_whitespace() => Form::Until(stop),
        _ => Form::Bare,
    };
    Value {
        found: Found {
            range: at..at + trimmed.len(),
            is_cut: is_cut && behind.is_empty(),
        },
        form,
    }
}
