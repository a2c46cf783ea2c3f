//! Takes secrets out of a text, before anything of it is written anywhere.
//!
//! One pass finds the literals of all rules; only where one stands is looked
//! closely. A secret is replaced by `[redacted:KIND]` and as many line feeds as
//! it had, so lines are numbered as in the file.
//!
//! Invariants:
//! - What is not taken out stays byte for byte.
//! - A text without a secret is not copied.
//! - Time is linear in the text: every look from a literal is bounded,
//!   expressions run without backtracking, and the end of a long token is
//!   looked for once, however many literals stand in it.
//! - A redacted text redacted again is the same.
//!
//! Deliberately not here: names of files, which are left as they are; secrets
//! that have no form and no name beside them; network checks whether a key is alive.

mod assignment;
mod blocks;
mod check;
mod custom;
mod name;
mod operator;
mod removed;
mod rules;
mod run;
mod value;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use regex::Regex;
use steadfast_model::Metadata;

use crate::config::Redaction;
use crate::error::Result;
use custom::Custom;
use rules::{Before, Find, RULES, Rule};
use run::Run;

pub use removed::{Removals, Removed};

/// What a place begins with where a secret stood.
const MARK: &str = "[redacted:";

/// How far from its literal an expression looks; what matches up to there goes on while it looks like a token.
const REACH_BYTES: usize = 512;

/// How much of a long match is judged: what is random is so from its start.
const JUDGED_BYTES_MAX: usize = 1 << 10;

/// How far back from its literal a match may begin.
const BACK_BYTES: usize = 256;

/// A text without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Redacted<'t> {
    /// The text.
    pub text: Cow<'t, str>,
    /// What was taken out.
    pub removals: Removals,
}

/// Takes secrets out of texts.
#[derive(Debug)]
pub struct Redactor {
    is_on: bool,
    custom: Custom,
}

impl Default for Redactor {
    /// Returns the built-in rules.
    fn default() -> Self {
        Self {
            is_on: true,
            custom: Custom::default(),
        }
    }
}

impl Redactor {
    /// Returns the built-in rules and those of the user.
    ///
    /// # Errors
    /// [`crate::Error::InvalidRedaction`] when an expression cannot be used.
    pub fn new(redaction: &Redaction) -> Result<Self> {
        Ok(Self {
            is_on: redaction.enabled,
            custom: Custom::compile(redaction)?,
        })
    }

    /// Returns the text without its secrets.
    ///
    /// # Examples
    /// ```
    /// let redactor = steadfast::ingest::redact::Redactor::default();
    /// let redacted = redactor.redact("see redis://app:9fK2-vw81Lq@cache:6379/0");
    /// assert_eq!(redacted.text, "see redis://app:[redacted:url_password]@cache:6379/0");
    /// assert_eq!(redacted.removals.count(), 1);
    /// ```
    pub fn redact<'t>(&self, text: &'t str) -> Redacted<'t> {
        let mut removals = Removals::default();
        let found = if self.is_on {
            self.find(text)
        } else {
            Vec::new()
        };
        if found.is_empty() {
            return Redacted {
                text: Cow::Borrowed(text),
                removals,
            };
        }
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for secret in found {
            out.push_str(text.get(copied..secret.range.start).unwrap_or_default());
            let start = out.len();
            let kind = self.kind(secret.rule);
            out.extend([MARK, kind, "]"]);
            let lines = text.get(secret.range.clone()).unwrap_or_default();
            out.extend(lines.bytes().filter(|byte| *byte == b'\n').map(char::from));
            copied = secret.range.end;
            removals.push(Removed {
                kind: kind.to_owned(),
                before: secret.range,
                after: start..out.len(),
                ends_below: lines.contains('\n') && !lines.ends_with('\n'),
            });
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        Redacted {
            text: Cow::Owned(out),
            removals,
        }
    }

    /// Takes secrets out of a short text in place, and returns how many.
    pub(crate) fn redact_in_place(&self, text: &mut String) -> u64 {
        let redacted = self.redact(text);
        let count = redacted.removals.count();
        if let Cow::Owned(new) = redacted.text {
            *text = new;
        }
        count
    }

    /// Takes secrets out of the texts in metadata, and returns how many; a name such as `password` counts.
    pub(crate) fn redact_metadata(&self, metadata: &mut Metadata) -> u64 {
        metadata
            .iter_mut()
            .map(|(name, value)| self.redact_named(name, value))
            .sum()
    }

    /// Takes secrets out of a value in metadata, whose name counts, and returns how many.
    pub(crate) fn redact_named(&self, name: &str, value: &mut serde_json::Value) -> u64 {
        /// Values below values are looked at up to this depth; deeper ones are taken out.
        const DEPTH_MAX: usize = 64;
        self.redact_value(name, value, DEPTH_MAX)
    }

    fn redact_value(&self, name: &str, value: &mut serde_json::Value, depth: usize) -> u64 {
        let Some(deeper) = depth.checked_sub(1) else {
            *value = "[redacted:depth]".into();
            return 1;
        };
        match value {
            serde_json::Value::String(text) => {
                let count = self.redact_in_place(text);
                let is_secret = self.is_on
                    && count == 0
                    && assignment::is_named_secret(name, text)
                    && !self.is_allowed(text);
                if is_secret {
                    "[redacted:secret]".clone_into(text);
                }
                count + u64::from(is_secret)
            }
            serde_json::Value::Array(items) => items
                .iter_mut()
                .map(|item| self.redact_value(name, item, deeper))
                .sum(),
            serde_json::Value::Object(fields) => fields
                .iter_mut()
                .map(|(name, item)| self.redact_value(name, item, deeper))
                .sum(),
            serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {
                0
            }
        }
    }

    /// Finds all secrets, in order and without overlap.
    fn find(&self, text: &str) -> Vec<Secret> {
        let mut found = Vec::new();
        for (rule, (_, expression)) in self.custom.rules.iter().enumerate() {
            for captures in expression.captures_iter(text) {
                let place = captures.get(1).or_else(|| captures.get(0));
                found.extend(place.map(|place| Secret {
                    rule,
                    range: place.range(),
                }));
            }
        }
        self.find_built_in(text, &mut found);
        found.retain(|secret| {
            let text = text.get(secret.range.clone()).unwrap_or_default();
            !text.is_empty() && !self.is_allowed(text)
        });
        merge(found)
    }

    fn find_built_in(&self, text: &str, found: &mut Vec<Secret>) {
        let engine = engine();
        let first = self.custom.rules.len();
        let mut last: Option<Secret> = None;
        let mut run = Run::default();
        for hit in engine.literals.find_overlapping_iter(text) {
            let rules = engine.rules_of.get(hit.pattern().as_usize());
            for &number in rules.into_iter().flatten() {
                let Some(rule) = RULES.get(number) else {
                    continue;
                };
                let is_inside = last.as_ref().is_some_and(|last| {
                    last.rule <= first + number && last.range.contains(&hit.start())
                });
                if is_inside {
                    continue;
                }
                if let Some(range) = apply(rule, number, text, hit.range(), &mut run) {
                    let secret = Secret {
                        rule: first + number,
                        range,
                    };
                    last = Some(secret.clone());
                    found.push(secret);
                }
            }
        }
    }

    fn is_allowed(&self, secret: &str) -> bool {
        self.custom.allow.iter().any(|allow| allow.is_match(secret))
    }

    fn kind(&self, rule: usize) -> &str {
        match rule.checked_sub(self.custom.rules.len()) {
            Some(built_in) => RULES.get(built_in).map_or("secret", |rule| rule.kind),
            None => self
                .custom
                .rules
                .get(rule)
                .map_or("secret", |(kind, _)| kind),
        }
    }
}

/// Returns the kinds of the built-in rules, by name.
pub fn kinds() -> Vec<&'static str> {
    let mut kinds: Vec<&str> = RULES.iter().map(|rule| rule.kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}

/// A place that a rule holds for a secret. Rules of the user come before those built in.
#[derive(Clone, Debug)]
struct Secret {
    rule: usize,
    range: Range<usize>,
}

/// Puts places in order and joins those that overlap; the earlier rule names the kind.
fn merge(mut found: Vec<Secret>) -> Vec<Secret> {
    found.sort_unstable_by_key(|secret| (secret.range.start, secret.rule));
    let mut merged: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match merged.last_mut() {
            Some(last) if secret.range.start < last.range.end => {
                last.range.end = last.range.end.max(secret.range.end);
                last.rule = last.rule.min(secret.rule);
            }
            _ => merged.push(secret),
        }
    }
    merged
}

/// The literals of all rules, and the rules of each literal.
struct Engine {
    literals: AhoCorasick,
    rules_of: Vec<Vec<usize>>,
}

fn engine() -> &'static Engine {
    static ENGINE: LazyLock<Engine> = LazyLock::new(|| {
        let mut literals: Vec<&str> = RULES
            .iter()
            .flat_map(|rule| rule.literals)
            .copied()
            .collect();
        literals.sort_unstable();
        literals.dedup();
        let rules_of = literals
            .iter()
            .map(|literal| {
                let has = |rule: &Rule| rule.literals.contains(literal);
                (0..RULES.len())
                    .filter(|number| RULES.get(*number).is_some_and(has))
                    .collect()
            })
            .collect();
        #[expect(
            clippy::expect_used,
            reason = "the table is fixed, and a test builds it"
        )]
        let literals = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .build(literals)
            .expect("a few hundred short literals fit");
        Engine { literals, rules_of }
    });
    &ENGINE
}

/// Returns the expression of a rule, compiled when it is first needed.
fn expression(number: usize, pattern: &str) -> Option<&'static Regex> {
    static EXPRESSIONS: [OnceLock<Option<Regex>>; RULES.len()] =
        [const { OnceLock::new() }; RULES.len()];
    EXPRESSIONS
        .get(number)?
        .get_or_init(|| Regex::new(pattern).ok())
        .as_ref()
}

/// Applies a rule where one of its literals stands.
fn apply(
    rule: &Rule,
    number: usize,
    text: &str,
    hit: Range<usize>,
    run: &mut Run,
) -> Option<Range<usize>> {
    let start = match rule.before {
        Before::Anything => hit.start,
        Before::Boundary if is_boundary(text, hit.start) => hit.start,
        Before::Boundary => return None,
        Before::Digits => back(text, hit.start, |byte| byte.is_ascii_digit())?,
        Before::Word => back(text, hit.start, |byte| {
            byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
        })?,
        Before::Line => back(text, hit.start, |byte| byte != b'\n')?,
    };
    let found = match rule.find {
        Find::Function(find) => Found::whole(find(text, hit)?),
        Find::Value(find) => find(text, hit)?,
        Find::Pattern(pattern) => {
            let limit = text.floor_char_boundary(hit.start.saturating_add(rule.reach_bytes));
            let window = text.get(start..limit)?;
            run::looked(window.len());
            let captures = expression(number, pattern)?.captures(window)?;
            let place = captures.get(1).or_else(|| captures.get(0))?;
            Found {
                range: start + place.start()..start + place.end(),
                is_cut: place.end() == window.len(),
            }
        }
    };
    if text.get(..found.range.start)?.ends_with(MARK) {
        return None;
    }
    // What was seen is enough to judge by; the rest of a long token goes with it.
    let secret = text.get(found.range.clone())?;
    let secret = secret.get(..secret.floor_char_boundary(JUDGED_BYTES_MAX))?;
    (rule.check)(secret).then(|| found.range.start..found.end(text, run))
}

/// A place that may be a secret.
struct Found {
    range: Range<usize>,
    /// Whether what was looked at ended before the secret did.
    is_cut: bool,
}

impl Found {
    fn whole(range: Range<usize>) -> Self {
        Self {
            range,
            is_cut: false,
        }
    }

    /// Returns where the secret ends, beyond what was looked at.
    fn end(&self, text: &str, run: &mut Run) -> usize {
        if self.is_cut {
            run.end(text, self.range.end)
        } else {
            self.range.end
        }
    }
}

/// Returns whether a word can begin here; `\n` and `%3D` as they are written in JSON and addresses end one.
fn is_boundary(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    match before {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', high, low] => high.is_ascii_hexdigit() && low.is_ascii_hexdigit(),
        [.., last] => !last.is_ascii_alphanumeric() && *last != b'_',
    }
}

/// Returns where the bytes before a place that are of a sort begin.
fn back(text: &str, at: usize, of_sort: impl Fn(u8) -> bool) -> Option<usize> {
    let before = text.as_bytes().get(..at)?;
    let bytes = before
        .iter()
        .rev()
        .take(BACK_BYTES)
        .take_while(|byte| of_sort(**byte))
        .count();
    Some(text.floor_char_boundary(at - bytes))
}

#[cfg(test)]
mod tests;
