//! Values that only their name tells: `password = "..."`, `API_TOKEN: ...`, `--token ...`.
//!
//! Whether a name means the secret itself or something about it
//! (`token_count`, `password_file`), whether the value is written out or
//! computed, and whether it looks like one: all three must hold. Everything is
//! bounded, so the time is linear in the text.

use std::ops::Range;

use super::name::{self, Class};
use super::operator::{Operator, operator};
use super::value::{Form, values};
use super::{Found, check};

/// The longest part of a name on either side of its keyword.
const NAME_BYTES_MAX: usize = 64;
/// The longest password that is judged as one; what is longer is a token.
const PASSWORD_BYTES_MAX: usize = 512;

/// Finds the value that the name around a keyword is given, when the name is of one of the classes.
pub(super) fn assigned(text: &str, keyword: Range<usize>, classes: &[Class]) -> Option<Found> {
    let name = name(text, &keyword)?;
    let (operator, at) = operator(text, &name)?;
    let class = name::class_of(text.get(with_word_before(text, &name))?)?;
    if !classes.contains(&class) {
        return None;
    }
    values(text, at, operator)
        .into_iter()
        .flatten()
        .find_map(|value| {
            let secret = text.get(value.found.range.clone())?;
            is_secret(secret, class, operator, value.form).then_some(value.found)
        })
}

/// Returns whether a value by the name of a secret looks like one; for metadata.
pub(super) fn is_named_secret(name: &str, value: &str) -> bool {
    name::class_of_path(name)
        .is_some_and(|class| is_secret(value, class, Operator::Sign, Form::Quoted))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Returns the whole name around a keyword.
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
    (left <= NAME_BYTES_MAX && right <= NAME_BYTES_MAX)
        .then(|| keyword.start - left..keyword.end + right)
}

/// Returns a name with the word before it when it is a word that needs one: `API key`, `encryption.key`.
fn with_word_before(text: &str, name: &Range<usize>) -> Range<usize> {
    let is_key = text
        .get(name.clone())
        .is_some_and(|name| name.eq_ignore_ascii_case("key"));
    let before = text.as_bytes().get(..name.start).unwrap_or_default();
    match before {
        [before @ .., b' ' | b'.'] if is_key => {
            let word = before.iter().rev().take(NAME_BYTES_MAX);
            name.start - 1 - word.take_while(|byte| is_name_byte(**byte)).count()..name.end
        }
        _ => name.clone(),
    }
}

fn is_secret(secret: &str, class: Class, operator: Operator, form: Form) -> bool {
    if secret.is_empty() || is_place(secret) {
        return false;
    }
    // A call, an index, a path of names, a constant: computed, not written out.
    let is_computed = || {
        secret.contains(['(', '[', '{', '\\'])
            || is_path_of_names(secret)
            || is_constant(secret)
            || is_number(secret)
    };
    if form != Form::Quoted && is_computed() {
        return false;
    }
    // What stands in places where names of variables stand as well must not look like one.
    let is_random = || check::opaque(secret) || is_strong(secret);
    let is_unlike_names = || is_random() || is_uncommon(secret);
    match (class, operator, form) {
        (Class::Secret, _, _) => is_random(),
        (_, _, Form::Until('\n')) => is_strong(secret),
        (Class::Password, Operator::Word, _) => is_said(secret),
        (Class::Pass, Operator::Word, _) => false,
        (_, Operator::Call, _)
        | (_, _, Form::Below | Form::Until(',' | '}'))
        | (Class::Pass, _, Form::Quoted | Form::Bare) => is_unlike_names(),
        (Class::Password, _, Form::Quoted | Form::Bare) => is_password(secret),
        (Class::Password, Operator::Tight, Form::Until(';' | '&' | '"' | '\'' | '`')) => {
            is_password(secret)
        }
        (Class::Password | Class::Pass, _, Form::Until(_)) => is_random(),
    }
}

/// Returns whether a value looks like a password, or like a token where that is longer than passwords are.
fn is_password(secret: &str) -> bool {
    check::password(secret) || secret.len() > PASSWORD_BYTES_MAX && check::opaque(secret)
}

/// Returns whether letters and digits take turns in a password, which in names they seldom do.
fn is_uncommon(secret: &str) -> bool {
    secret.len() >= 8
        && (!secret.contains('_') || check::is_mixed(secret))
        && check::digit_changes(secret) >= 2
        && check::password(secret)
}

/// Returns whether a value is a path or an address.
fn is_place(secret: &str) -> bool {
    let starts = [
        "./", "../", "~/", "$", "http:", "https:", "file:", "arn:", "vault:", "secret:",
    ];
    // Base64 may begin with a slash too; but names of folders have few digits among their letters.
    let is_folder = |name: &str| {
        check::digit_changes(name) < 3
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
    };
    let is_path = secret.strip_prefix('/').is_some_and(|inner| {
        check::digit_changes(secret) * 10 < secret.len()
            || inner.contains('/') && inner.split('/').all(is_folder)
    });
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

/// Returns whether a value is a number in the base of sixteen, as program text writes it.
fn is_number(secret: &str) -> bool {
    let digits = secret
        .strip_prefix("0x")
        .or_else(|| secret.strip_prefix("0X"));
    digits.is_some_and(|digits| {
        let behind = digits.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '_');
        matches!(
            behind,
            "" | "u" | "u8" | "u16" | "u32" | "u64" | "i32" | "i64" | "U" | "L" | "UL" | "ULL"
        )
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
    // The sign that ends the sentence is no sign of a password.
    let word = secret.trim_end_matches(['!', '?']);
    !NAMES.iter().any(|name| letters.starts_with(name)) && check::password(word)
}
