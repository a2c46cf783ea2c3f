//! What stands between a name and its value, in files of settings, programs, commands and prose.

use std::ops::Range;

/// The most white space and quotes between name, operator and value.
const GAP_BYTES_MAX: usize = 24;
/// The longest type between a name and its equals sign.
const TYPE_BYTES_MAX: usize = 64;
/// The most attributes of a tag.
const ATTRIBUTES_BYTES_MAX: usize = 128;

/// Commands that give a name the value behind it, without a sign between them.
const DIRECTIVES: &[&str] = &[
    "#define", "ENV", "set -x", "set -gx", "set -Ux", "setx", "setenv",
];

/// Types in lower case that may stand between name and value without spaces around the equals sign.
const TYPES: &[&str] = &["str", "string", "text", "any", "&str", "secretstr", "char*"];

/// What stands between a name and its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `=`, `:` and their like.
    Sign,
    /// `=` without a space on either side, as in settings of one line.
    Tight,
    /// The space behind a flag of a command, or behind a name that a command sets.
    Flag,
    /// The end of an XML tag.
    Tag,
    /// The word "is".
    Word,
    /// The comma or the parenthesis of a call: `define('NAME', 'value')`, `setName("value")`.
    Call,
}

/// Returns the operator behind a name, and where it ends.
pub(super) fn operator(text: &str, name: &Range<usize>) -> Option<(Operator, usize)> {
    let byte = |at: usize| byte(text, at);
    let before = |back: usize| name.start.checked_sub(back).map_or(b'\n', byte);
    if is_tag(text, name) {
        return tag_end(text, name.end).map(|end| (Operator::Tag, end));
    }
    let at = skip(text, skip(text, name.end, b"\\\"'`]*"), b" \t");
    let is_flag = byte(name.start) == b'-' && before(1).is_ascii_whitespace();
    match (byte(at), byte(at + 1)) {
        (b'=', b'=') | (b':', b':') => None,
        (b'=', b'>') | (b':', b'=') => Some((Operator::Sign, at + 2)),
        (b'=', next) if at == name.end && !next.is_ascii_whitespace() => {
            Some((Operator::Tight, at + 1))
        }
        (b'=', _) => Some((Operator::Sign, at + 1)),
        (b':', _) => Some((Operator::Sign, typed(text, at + 1).unwrap_or(at + 1))),
        (b',', _) if is_argument(text, name, at) => Some((Operator::Call, at + 1)),
        (b'(', b'"' | b'\'') if is_setter(text, name) => Some((Operator::Call, at + 1)),
        (b',' | b'\n' | b'\r', _) => value_of_pair(text, name, at).map(|at| (Operator::Sign, at)),
        _ if at == name.end => None,
        _ if is_flag || is_directive(text, name) => Some((Operator::Flag, at)),
        (b'i', b's') if byte(at + 2) == b' ' => Some((Operator::Word, at + 3)),
        (b'v' | b'V', _) => value_of_pair(text, name, at).map(|at| (Operator::Sign, at)),
        _ => None,
    }
}

fn byte(text: &str, at: usize) -> u8 {
    text.as_bytes().get(at).copied().unwrap_or(b'\n')
}

fn skip(text: &str, mut at: usize, set: &[u8]) -> usize {
    let end = at + GAP_BYTES_MAX;
    while at < end && at < text.len() && set.contains(&byte(text, at)) {
        at += 1;
    }
    at
}

/// Returns where what stands before a place ends, without bytes of a set.
fn skip_back(text: &str, mut at: usize, set: &[u8]) -> usize {
    let end = at.saturating_sub(GAP_BYTES_MAX);
    while at > end && set.contains(&byte(text, at - 1)) {
        at -= 1;
    }
    at
}

/// Returns whether a name opens an element of XML, with or without a prefix.
fn is_tag(text: &str, name: &Range<usize>) -> bool {
    let Some(at) = name.start.checked_sub(1) else {
        return false;
    };
    match byte(text, at) {
        b'<' => true,
        b':' => {
            let before = text.as_bytes().get(..at).unwrap_or_default();
            let mut prefix = before.iter().rev().take(GAP_BYTES_MAX);
            prefix.find(|byte| !byte.is_ascii_alphanumeric()) == Some(&b'<')
        }
        _ => false,
    }
}

/// Returns where a tag ends whose name ends at a place.
fn tag_end(text: &str, at: usize) -> Option<usize> {
    let limit = text.floor_char_boundary(at + ATTRIBUTES_BYTES_MAX);
    let rest = text.get(at..limit)?;
    let end = rest.find(['>', '<', '\n'])?;
    let attributes = rest.get(..end)?;
    let is_open = rest.get(end..)?.starts_with('>') && !attributes.ends_with('/');
    let is_name = attributes.is_empty() || attributes.starts_with(' ');
    (is_open && is_name).then_some(at + end + 1)
}

/// Returns where the equals sign behind a type annotation ends.
fn typed(text: &str, at: usize) -> Option<usize> {
    let end = text.floor_char_boundary(at + TYPE_BYTES_MAX);
    let rest = text.get(at..end)?;
    let sign = rest.find('=')?;
    let name = rest.get(..sign)?;
    let is_type = |c: char| c.is_ascii_alphanumeric() || " _:&<>*[].'".contains(c);
    let is_spaced = name.ends_with(' ') && rest.get(sign + 1..)?.starts_with([' ', '\n']);
    let is_known = TYPES.contains(&name.trim().to_ascii_lowercase().as_str());
    let is_typed = is_known || is_spaced && !name.trim().is_empty() && name.chars().all(is_type);
    is_typed.then_some(at + sign + 1)
}

/// Returns whether a name is the quoted first argument of a call, and a quoted one follows.
fn is_argument(text: &str, name: &Range<usize>, comma: usize) -> bool {
    let open = skip_back(text, name.start, b"\"'");
    let is_first = open < name.start
        && skip_back(text, open, b" \t")
            .checked_sub(1)
            .is_some_and(|at| byte(text, at) == b'(');
    is_first && matches!(byte(text, skip(text, comma + 1, b" \t")), b'"' | b'\'')
}

/// Returns whether a name is that of a method that sets what it names.
fn is_setter(text: &str, name: &Range<usize>) -> bool {
    let Some(method) = text.get(name.clone()).map(str::to_ascii_lowercase) else {
        return false;
    };
    let is_method = name
        .start
        .checked_sub(1)
        .is_some_and(|at| byte(text, at) == b'.');
    method.starts_with("set")
        || method.starts_with("with")
        || is_method
            && matches!(
                method.as_str(),
                "password" | "token" | "secret" | "api_key" | "apikey"
            )
}

/// Returns whether a command before a name sets it.
fn is_directive(text: &str, name: &Range<usize>) -> bool {
    let start = text.floor_char_boundary(name.start.saturating_sub(GAP_BYTES_MAX));
    let before = text.get(start..name.start).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    line.ends_with([' ', '\t']) && DIRECTIVES.contains(&line.trim())
}

/// Returns where the sign ends behind `value` that follows a name as in `name: DB_PASSWORD` and `key="DbPassword"`.
fn value_of_pair(text: &str, name: &Range<usize>, at: usize) -> Option<usize> {
    let open = skip_back(text, skip_back(text, name.start, b"\"'"), b" \t");
    if !matches!(byte(text, open.checked_sub(1)?), b':' | b'=') {
        return None;
    }
    let word = skip(text, skip(text, at, b" \t\r\n,"), b"\"'");
    let end = word + "value".len();
    if !text.get(word..end)?.eq_ignore_ascii_case("value") {
        return None;
    }
    let sign = skip(text, skip(text, end, b"\"'"), b" \t");
    matches!(byte(text, sign), b':' | b'=').then_some(sign + 1)
}
