//! The question language for people: quoted phrases, left-out words, filters as words.
//!
//! | In a question | Means |
//! |---|---|
//! | `"write ahead log"` | these words, one after the other |
//! | `-draft`, `-"first draft"` | nothing with this word in any form, or with these words |
//! | `tag:ops`, `kind:note`, `ns:work`, `source:*.md` | the filters of these names |
//! | `in:docs` | this file or folder |
//! | `since:2026-01-01`, `until:2026-02-01` | texts of this time |
//!
//! The quotes that word processors and telephones make are quotes too.
//! Whatever does not read as one of these is a word like any other: no text is
//! an error. A value with spaces stands in quotes, as in `tag:"to do"`. A dash
//! leaves out only before two or more letters, and never everything: a question
//! of left-out words alone is one of plain words.

use steadfast_model::filter::SourcePattern;
use steadfast_model::{Namespace, Timestamp};

use super::SearchRequest;

/// Phrases and left-out words that one question may have; further ones are plain words.
const PARTS_MAX: usize = 32;

/// Quotes that are written for `"`.
const QUOTES: [char; 4] = ['\u{201c}', '\u{201d}', '\u{201e}', '\u{201f}'];

/// A question that has been read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Asked {
    /// What is searched for, also the words of the phrases.
    pub words: String,
    /// Words that must follow each other.
    pub phrases: Vec<String>,
    /// Words and phrases that must not be there.
    pub left_out: Vec<String>,
    /// Files and folders, as they were written.
    pub within: Vec<String>,
    filters: Vec<(Key, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Tag,
    Kind,
    Namespace,
    Source,
    Since,
    Until,
    Within,
}

impl Key {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "tag" => Self::Tag,
            "kind" => Self::Kind,
            "ns" | "namespace" => Self::Namespace,
            "source" => Self::Source,
            "since" => Self::Since,
            "until" => Self::Until,
            "in" => Self::Within,
            _ => return None,
        })
    }

    fn admits(self, value: &str) -> bool {
        match self {
            Self::Tag | Self::Within => true,
            Self::Kind => value.parse::<steadfast_model::Kind>().is_ok(),
            Self::Namespace => Namespace::new(value).is_ok(),
            Self::Source => SourcePattern::parse(value).is_ok(),
            Self::Since | Self::Until => Timestamp::parse(value).is_ok(),
        }
    }
}

impl Asked {
    /// Reads a question.
    pub fn read(text: &str) -> Self {
        let mut asked = Self::default();
        let plain = text.replace(QUOTES, "\"");
        let text = plain.as_str();
        let mut words: Vec<&str> = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (piece, after) = piece(rest);
            if !asked.take(piece) {
                words.push(piece);
            }
            rest = after.trim_start();
        }
        if words.is_empty() && asked.phrases.is_empty() && !asked.left_out.is_empty() {
            asked.left_out.clear();
            text.trim().clone_into(&mut asked.words);
            return asked;
        }
        let phrases = asked.phrases.iter().map(String::as_str);
        asked.words = words
            .into_iter()
            .chain(phrases)
            .collect::<Vec<_>>()
            .join(" ");
        asked
    }

    /// Takes a piece that is more than a word; returns false for one that is not.
    fn take(&mut self, piece: &str) -> bool {
        if let Some(phrase) = quoted(piece) {
            return take_part(&mut self.phrases, phrase);
        }
        if let Some(left_out) = piece.strip_prefix('-') {
            let is_word = |text: &str| {
                text.starts_with(char::is_alphanumeric)
                    && text.chars().filter(|c| c.is_alphabetic()).count() >= 2
            };
            return match quoted(left_out) {
                Some(phrase) => take_part(&mut self.left_out, phrase),
                None => is_word(left_out) && take_part(&mut self.left_out, left_out),
            };
        }
        let Some((key, value)) = piece.split_once(':') else {
            return false;
        };
        let value = quoted(value).unwrap_or(value);
        let Some(key) = Key::of(key).filter(|key| !value.is_empty() && key.admits(value)) else {
            return false;
        };
        if key == Key::Within {
            self.within.push(value.to_owned());
        } else {
            self.filters.push((key, value.to_owned()));
        }
        true
    }

    /// Puts words and filters into a request; [`Self::within`] is left to who knows the current folder.
    pub fn apply(&self, request: &mut SearchRequest) {
        request.query.clone_from(&self.words);
        request.phrases.clone_from(&self.phrases);
        request.left_out.clone_from(&self.left_out);
        let filter = &mut request.filter;
        for (key, value) in &self.filters {
            match key {
                Key::Tag => filter.tags.push(value.clone()),
                Key::Kind => filter.kinds.extend(value.parse::<steadfast_model::Kind>()),
                Key::Namespace => filter.namespaces.extend(Namespace::new(value)),
                Key::Source => filter.sources.extend(SourcePattern::parse(value)),
                // Given twice, the narrower one holds.
                Key::Since => filter.since = filter.since.max(Timestamp::parse(value).ok()),
                Key::Until => {
                    let until = Timestamp::parse(value).ok();
                    filter.until = [filter.until, until].into_iter().flatten().min();
                }
                Key::Within => {}
            }
        }
    }
}

fn take_part(parts: &mut Vec<String>, part: &str) -> bool {
    let has_word = part.chars().any(char::is_alphanumeric);
    if has_word && parts.len() < PARTS_MAX {
        parts.push(part.to_owned());
        return true;
    }
    false
}

/// Returns the text between quotes, when it begins and ends with one.
fn quoted(piece: &str) -> Option<&str> {
    piece.strip_prefix('"')?.strip_suffix('"')
}

/// Cuts off the first piece: up to a space, or up to the closing quote when it has quotes where they mean something.
fn piece(text: &str) -> (&str, &str) {
    let space = text.find(char::is_whitespace).unwrap_or(text.len());
    let opening = text.find('"').filter(|&at| at < space).filter(|&at| {
        at == 0
            || text
                .get(..at)
                .is_some_and(|before| before == "-" || is_key(before))
    });
    let end = opening
        .and_then(|at| {
            let closing = text.get(at + 1..)?.find('"')?;
            Some(at + closing + 2)
        })
        .unwrap_or(space);
    text.split_at_checked(end).unwrap_or((text, ""))
}

fn is_key(before: &str) -> bool {
    before
        .strip_suffix(':')
        .is_some_and(|key| Key::of(key).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn request(text: &str) -> SearchRequest {
        let mut request = SearchRequest::new(text);
        Asked::read(text).apply(&mut request);
        request
    }

    #[test]
    fn phrases_left_out_words_and_filters_are_read() {
        let asked = request(
            "\"write ahead\" recovery -draft -\"first try\" tag:ops tag:\"to do\" since:2026-01-01 kind:note",
        );
        assert_eq!(asked.query, "recovery write ahead");
        assert_eq!(asked.phrases, ["write ahead"]);
        assert_eq!(asked.left_out, ["draft", "first try"]);
        assert_eq!(asked.filter.tags, ["ops", "to do"]);
        assert_eq!(asked.filter.kinds.len(), 1);
        assert_eq!(asked.filter.since, Timestamp::parse("2026-01-01").ok());
        assert_eq!(Asked::read("x in:docs/a").within, ["docs/a"]);
    }

    #[test]
    fn what_does_not_read_as_a_filter_is_a_word() {
        for text in [
            "rm -5 -k --release - fix",
            "since:whenever kind:unknown tag: nobody:knows",
            "an \"unclosed quote",
            "http://example.org/a:b std::mem::take",
            "5\" disk",
        ] {
            let asked = Asked::read(text);
            assert_eq!(asked.words, text, "{asked:?}");
            assert!(asked.phrases.is_empty() && asked.left_out.is_empty());
        }
        assert_eq!(Asked::read("-draft").words, "-draft");
        assert_eq!(Asked::read("\"\" x").words, "\"\" x");
    }

    #[test]
    fn given_twice_the_narrower_time_holds() {
        let asked =
            request("x since:2026-01-01 since:2026-02-01 until:2026-04-01 until:2026-03-01");
        assert_eq!(asked.filter.since, Timestamp::parse("2026-02-01").ok());
        assert_eq!(asked.filter.until, Timestamp::parse("2026-03-01").ok());
    }

    proptest! {
        #[test]
        fn no_text_is_an_error_and_no_word_is_lost(text in "([a-z:\"\\- ]|tag:|in:|\\PC){0,40}") {
            let asked = Asked::read(&text);
            let values = asked.filters.iter().map(|(_, value)| value);
            let kept: Vec<&String> = [&asked.words]
                .into_iter()
                .chain(&asked.left_out)
                .chain(&asked.within)
                .chain(values)
                .collect();
            for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
                let is_key = Key::of(word).is_some();
                prop_assert!(is_key || kept.iter().any(|kept| kept.contains(word)), "{word} of {text:?} in {asked:?}");
            }
        }
    }
}
