//! Rules and exceptions of the user: compiled, bounded, refused with a reason.

use regex::{Regex, RegexBuilder};

use crate::config::Redaction;
use crate::error::{Error, Result};

/// The largest compiled expression, in bytes.
const EXPRESSION_BYTES_MAX: usize = 1 << 20;
/// The most rules, and the most exceptions.
const RULES_MAX: usize = 1_000;
/// The longest name of a kind.
const KIND_BYTES_MAX: usize = 40;

/// What the user adds to the built-in rules.
#[derive(Debug, Default)]
pub(super) struct Custom {
    pub(super) rules: Vec<(String, Regex)>,
    pub(super) allow: Vec<Regex>,
}

impl Custom {
    pub(super) fn compile(redaction: &Redaction) -> Result<Self> {
        if redaction.rules.len().max(redaction.allow.len()) > RULES_MAX {
            return Err(invalid(
                "redaction",
                format!("there are more than {RULES_MAX}"),
            ));
        }
        let rules = redaction.rules.iter().map(|rule| {
            let is_name =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
            let length = 1..=KIND_BYTES_MAX;
            if !length.contains(&rule.kind.len()) || !rule.kind.bytes().all(is_name) {
                let what = "a kind is 1 to 40 lower-case letters, digits and underscores";
                return Err(invalid(&rule.kind, what.to_owned()));
            }
            Ok((rule.kind.clone(), compile(&rule.pattern, &rule.kind)?))
        });
        let allow = redaction
            .allow
            .iter()
            .map(|pattern| compile(pattern, "allow"));
        Ok(Self {
            rules: rules.collect::<Result<_>>()?,
            allow: allow.collect::<Result<_>>()?,
        })
    }
}

fn compile(pattern: &str, name: &str) -> Result<Regex> {
    let expression = RegexBuilder::new(pattern)
        .size_limit(EXPRESSION_BYTES_MAX)
        .dfa_size_limit(EXPRESSION_BYTES_MAX)
        .build()
        .map_err(|error| invalid(name, error.to_string()))?;
    if expression.is_match("") {
        let what = "it matches where there is nothing";
        return Err(invalid(name, what.to_owned()));
    }
    Ok(expression)
}

fn invalid(rule: &str, what: String) -> Error {
    Error::InvalidRedaction {
        rule: rule.to_owned(),
        what,
    }
}
