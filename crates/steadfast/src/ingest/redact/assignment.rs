//! Values that only their name tells: `password = "..."`, `API_TOKEN: ...`, `--token ...`.
//!
//! Whether a name means the secret itself or something about it
//! (`token_count`, `password_file`), whether the value is written out or
//! computed, and whether it looks like one: all three must hold. Everything is
//! bounded, so the time is linear in the text.

use std::ops::Range;

use super::{Found, check};

/// What a name promises.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Something that a person thinks of.
    Password,
    /// Something that a machine makes.
    Secret,
}

/// The longest name.
const NAME_BYTES_MAX: usize = 64;
/// The longest value.
const VALUE_BYTES_MAX: usize = 1 << 10;
/// The most white space and quotes between name, operator and value.
const GAP_BYTES_MAX: usize = 24;

/// What may follow the keyword in a name, without separators and digits, in lower case.
const SUFFIXES: &[&str] = &[
    "",
    "key",
    "value",
    "accesskey",
    "accesstoken",
    "token",
    "base",
    "bhex",
    "hex",
    "prod",
    "dev",
    "staging",
    "live",
    "text",
    "phrase",
    "string",
    "raw",
    "plain",
];

/// Names before `token` of what is handed out to everybody.
const PUBLIC: &[&str] = &[
    "next",
    "page",
    "continuation",
    "cursor",
    "sync",
    "public",
    "pagination",
    "eos",
    "bos",
    "pad",
    "unk",
    "cancellation",
    "cancel",
    "start",
    "stop",
    "end",
];

/// Types that stand between name and value in program text.
const TYPES: &[&str] = &[
    "str",
    "string",
    "text",
    "any",
    "&str",
    "&'static str",
    "secretstr",
    "char*",
];

/// Finds the value that the name around a keyword is given.
pub(super) fn assigned(text: &str, keyword: Range<usize>, class: Class) -> Option<Found> {
    let name = name(text, &keyword)?;
    let (operator, at) = operator(text, &name)?;
    let value = value(text, at, operator)?;
    let secret = text.get(value.found.range.clone())?;
    is_secret(secret, class, operator, value.form).then_some(value.found)
}

/// Returns whether a value by the name of a secret looks like one; for metadata.
pub(super) fn is_named_secret(name: &str, value: &str) -> bool {
    let keywords = [
        (
            Class::Password,
            ["password", "passwd", "passphrase", "pwd", "passcode"].as_slice(),
        ),
        (
            Class::Secret,
            [
                "secret",
                "token",
                "api_key",
                "apikey",
                "api-key",
                "access_key",
                "private_key",
            ]
            .as_slice(),
        ),
    ];
    let lower = name.to_ascii_lowercase();
    keywords.into_iter().any(|(class, words)| {
        let is_named = words.iter().any(|word| {
            lower.find(word).is_some_and(|start| {
                self::name(&lower, &(start..start + word.len()))
                    .is_some_and(|name| name == (0..lower.len()))
            })
        });
        is_named && is_secret(value, class, Operator::Sign, Form::Quoted)
    })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Returns the whole name around a keyword, when it names the secret itself.
fn name(text: &str, keyword: &Range<usize>) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let before = bytes.get(..keyword.start)?;
    let after = bytes.get(keyword.end..)?;
    let count = |run: &mut dyn Iterator<Item = &u8>| {
        run.take(NAME_BYTES_MAX + 1)
            .take_while(|byte| is_name_byte(**byte))
            .count()
    };
    let (left, right) = (count(&mut before.iter().rev()), count(&mut after.iter()));
    if left > NAME_BYTES_MAX || right > NAME_BYTES_MAX {
        return None;
    }
    let range = keyword.start - left..keyword.end + right;
    let letters = |range: Range<usize>| -> Option<String> {
        Some(
            text.get(range)?
                .chars()
                .filter(char::is_ascii_alphabetic)
                .map(|c| c.to_ascii_lowercase())
                .collect(),
        )
    };
    let suffix = letters(keyword.end..range.end)?;
    let prefix = letters(range.start..keyword.start)?;
    let is_public = PUBLIC.iter().any(|word| prefix.ends_with(word));
    (SUFFIXES.contains(&suffix.as_str()) && !is_public).then_some(range)
}

/// What stands between a name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// `=`, `:` and their like.
    Sign,
    /// The space behind a flag of a command.
    Flag,
    /// The end of an XML tag.
    Tag,
    /// The word "is".
    Word,
}

/// Returns the operator behind a name, and where it ends.
fn operator(text: &str, name: &Range<usize>) -> Option<(Operator, usize)> {
    let bytes = text.as_bytes();
    let byte = |at: usize| bytes.get(at).copied().unwrap_or(b'\n');
    let skip = |mut at: usize, set: &[u8]| {
        let end = at + GAP_BYTES_MAX;
        while at < end && set.contains(&byte(at)) {
            at += 1;
        }
        at
    };
    let is_flag = text.get(name.clone())?.starts_with("--");
    let is_tag = byte(name.end) == b'>' && name.start > 0 && byte(name.start - 1) == b'<';
    if is_tag {
        return Some((Operator::Tag, name.end + 1));
    }
    let at = skip(skip(name.end, b"\\\"'`]*"), b" \t");
    let rest = text.get(at..)?;
    match (byte(at), byte(at + 1)) {
        (b'=', b'=') | (b':', b':') => None,
        (b'=', b'>') | (b':', b'=') => Some((Operator::Sign, at + 2)),
        (b'=', _) => Some((Operator::Sign, at + 1)),
        (b':', _) => Some((Operator::Sign, typed(text, at + 1).unwrap_or(at + 1))),
        _ if is_flag && at > name.end => Some((Operator::Flag, at)),
        _ if at > name.end && rest.starts_with("is ") => Some((Operator::Word, at + 3)),
        _ => None,
    }
}

/// Returns where the equals sign behind a type annotation ends.
fn typed(text: &str, at: usize) -> Option<usize> {
    let end = text.floor_char_boundary(at + GAP_BYTES_MAX);
    let sign = text.get(at..end)?.find('=')?;
    let name = text.get(at..at + sign)?.trim().to_ascii_lowercase();
    TYPES.contains(&name.as_str()).then_some(at + sign + 1)
}

/// How a value is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Between quotes.
    Quoted,
    /// Up to the end of the line, as in a file of settings.
    Bare,
    /// Up to a sign that program text goes on with.
    Inside,
}

struct Value {
    found: Found,
    form: Form,
}

/// Returns the value behind an operator.
fn value(text: &str, at: usize, operator: Operator) -> Option<Value> {
    let limit = text.floor_char_boundary(at.saturating_add(VALUE_BYTES_MAX));
    let rest = text.get(at..limit)?;
    super::run::looked(rest.len());
    if operator == Operator::Tag {
        let end = rest.find(['<', '\n'])?;
        if !rest.get(end..)?.starts_with("</") {
            return None;
        }
        return Some(Value {
            found: Found::whole(at..at + end),
            form: Form::Quoted,
        });
    }
    let start = rest.len() - rest.trim_start_matches([' ', '\t', '*']).len();
    let rest = rest.get(start..)?;
    let at = at + start;
    // Letters before quotes as in b"..", and the backslash of quotes inside quotes.
    let bare = rest.trim_start_matches(['b', 'r', 'f', 'u', '\\']);
    let prefix = rest.len() - bare.len();
    if prefix <= 2
        && let Some(quote) = bare
            .chars()
            .next()
            .filter(|c| matches!(c, '"' | '\'' | '`'))
    {
        let inside = bare.get(1..)?;
        let end = inside.find([quote, '\n'])?;
        let end = inside.get(..end)?.trim_end_matches('\\').len();
        let from = at + prefix + 1;
        return Some(Value {
            found: Found::whole(from..from + end),
            form: Form::Quoted,
        });
    }
    let is_end = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                ',' | ';' | ')' | ']' | '}' | '"' | '\'' | '`' | '|' | '<' | '&'
            )
    };
    let end = rest.find(is_end).unwrap_or(rest.len());
    let found = rest.get(..end)?;
    let next = text.get(at + end..)?.chars().next();
    let trimmed = found.trim_end_matches(['.', '*', ':']);
    let form = if next.is_none_or(char::is_whitespace) {
        Form::Bare
    } else {
        Form::Inside
    };
    Some(Value {
        found: Found {
            range: at..at + trimmed.len(),
            is_cut: end == rest.len() && next.is_some(),
        },
        form,
    })
}

fn is_secret(secret: &str, class: Class, operator: Operator, form: Form) -> bool {
    if secret.is_empty() || is_place(secret) {
        return false;
    }
    // A call, an index, a path of names, a constant: computed, not written out.
    let is_computed = || {
        secret.contains(['(', '[', '{', '\\']) || is_path_of_names(secret) || is_constant(secret)
    };
    if form != Form::Quoted && is_computed() {
        return false;
    }
    match (class, operator, form) {
        (Class::Password, Operator::Word, _) => is_said(secret),
        (Class::Password, _, Form::Quoted | Form::Bare) => check::password(secret),
        (Class::Password, _, Form::Inside) | (Class::Secret, _, _) => {
            check::opaque(secret) || is_strong(secret)
        }
    }
}

/// Returns whether a value is a path or an address.
fn is_place(secret: &str) -> bool {
    let starts = [
        "./", "../", "~/", "$", "http:", "https:", "file:", "arn:", "vault:", "secret:",
    ];
    // Base64 may begin with a slash too; but names of folders have few digits among their letters.
    let is_path = secret.starts_with('/') && check::digit_changes(secret) * 10 < secret.len();
    is_path || starts.iter().any(|start| secret.starts_with(start)) || secret.contains("://")
}

/// Returns whether a value is names joined by dots, arrows or colons.
fn is_path_of_names(secret: &str) -> bool {
    (secret.contains("::") || secret.contains("->") || secret.contains('.'))
        && secret
            .split(['.', ':', '-', '>', '?', '!', '&'])
            .all(|part| {
                check::digit_changes(part) < 3
                    && part
                        .bytes()
                        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
            })
}

/// Returns whether a value is written like the name of a constant.
fn is_constant(secret: &str) -> bool {
    secret.contains('_')
        && secret
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Returns whether a value has letters in both cases, digits and signs: nobody calls a variable so.
fn is_strong(secret: &str) -> bool {
    let has = |which: fn(&u8) -> bool| secret.as_bytes().iter().any(which);
    secret.len() >= 8
        && check::password(secret)
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
        && has(|byte| b"!@#$%^&*+=?~".contains(byte))
}

/// Returns whether a word behind "the password is" is one: names of encodings and algorithms have digits too.
fn is_said(secret: &str) -> bool {
    const NAMES: &[&str] = &[
        "base", "sha", "md", "utf", "bcrypt", "argon", "scrypt", "aes", "rsa", "oauth", "hmac",
    ];
    let letters: String = secret
        .chars()
        .filter(char::is_ascii_alphabetic)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    !NAMES.iter().any(|name| letters.starts_with(name)) && check::password(secret)
}
