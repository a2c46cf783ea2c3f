//! Org: its headings with their tags, and the keywords at its top.
//!
//! A line that begins with stars is a heading wherever it stands, also in a
//! block (Org manual, "Headlines"); tags at its end are those of the section
//! and of the sections below it. `#+title:`, `#+date:`, `#+filetags:` and other
//! keywords, and a property drawer, say what the document is as long as nothing
//! else stands above them.

use std::ops::Range;

use super::blocks::{is_drawer, keyword};
use super::facts::{Facts, GIVEN_MAX, Given, KEY_BYTES_MAX};
use super::outline::{Builder, Outline};
use super::pack::Grain;
use super::pieces::line_ends;
use super::raw::run;

/// Words before a title that tell how far the work is.
const STATES: &str = "TODO DONE NEXT WAITING WAIT HOLD STARTED DOING CANCELLED CANCELED SOMEDAY";
/// Keywords that set up the editor and say nothing about the text.
const SETTINGS: &str = "startup options todo seq_todo typ_todo property setupfile include tags \
    columns constants latex_class latex_header html_head link macro priorities archive";

/// Finds the headings, sections and facts of a text.
pub(super) fn outline(text: &str) -> Outline {
    let mut builder = Builder::new(Facts::default());
    let mut given = Vec::new();
    let mut file_tags = Vec::new();
    let mut is_top = true;
    let mut start = 0;
    for end in line_ends(text, 0..text.len()) {
        let line = text.get(start..end).unwrap_or_default().trim_ascii_end();
        let level = run(line.as_bytes(), b'*');
        let behind = line.get(level..).unwrap_or_default();
        if level > 0 && (behind.is_empty() || behind.starts_with([' ', '\t'])) {
            is_top = false;
            let (title, tags) = parts(behind);
            let offset = start + level;
            builder.begin(start, level, offset + title.start..offset + title.end);
            builder.tag(tags);
        } else if !line.is_empty() {
            builder.has_body = true;
            is_top &= match key_of(line) {
                Some((key, value)) if key.eq_ignore_ascii_case("filetags") => {
                    let room = GIVEN_MAX.saturating_sub(file_tags.len());
                    file_tags.extend(tags_between(value).take(room).map(str::to_owned));
                    true
                }
                Some((key, value)) => {
                    if is_top && given.len() < GIVEN_MAX && !is_one_of(SETTINGS, key) {
                        let value = Given::plain(&undated(value.trim()));
                        given.extend(value.map(|value| (key.to_owned(), value)));
                    }
                    true
                }
                None => {
                    line.starts_with("# ") || is_drawer(line) || keyword(line, ":end:").is_some()
                }
            };
        }
        start = end;
    }
    builder.document = Facts::of(given);
    builder.document.add_tags(file_tags);
    builder.finish(text.len(), Grain::OrgBlock)
}

fn is_one_of(words: &str, word: &str) -> bool {
    words
        .split_ascii_whitespace()
        .any(|known| known.eq_ignore_ascii_case(word))
}

/// Splits what stands behind the stars into the title and the tags.
fn parts(behind: &str) -> (Range<usize>, Vec<String>) {
    let mut start = behind.len() - behind.trim_ascii_start().len();
    let mut end = behind.trim_ascii_end().len();
    let mut tags = Vec::new();
    let last_word = behind
        .get(..end)
        .and_then(|behind| behind.rsplit([' ', '\t']).next());
    if let Some(word) = last_word.filter(|word| is_tags(word)) {
        tags.extend(tags_between(word).take(GIVEN_MAX).map(str::to_owned));
        let before = behind.get(..end - word.len()).unwrap_or_default();
        end = before.trim_ascii_end().len().max(start);
    }
    for is_lead in [is_state, is_priority] {
        let rest = behind.get(start..end).unwrap_or_default();
        let word = rest.split([' ', '\t']).next().unwrap_or_default();
        if is_lead(word) {
            let behind_word = rest.get(word.len()..).unwrap_or_default();
            start = end - behind_word.trim_ascii_start().len();
        }
    }
    (start..end, tags)
}

fn is_state(word: &str) -> bool {
    STATES.split_ascii_whitespace().any(|state| state == word)
}

fn is_priority(word: &str) -> bool {
    word.len() == 4 && word.starts_with("[#") && word.ends_with(']')
}

/// Returns whether a word is tags, `:a:b:`.
fn is_tags(word: &str) -> bool {
    let inner = word
        .strip_prefix(':')
        .and_then(|word| word.strip_suffix(':'));
    inner.is_some_and(|inner| {
        !inner.is_empty()
            && inner
                .chars()
                .all(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '#' | '%' | ':'))
    })
}

fn tags_between(tags: &str) -> impl Iterator<Item = &str> {
    tags.split([':', ' ', '\t']).filter(|tag| !tag.is_empty())
}

/// Reads a keyword, `#+key: value`, or a property, `:key: value`.
fn key_of(line: &str) -> Option<(&str, &str)> {
    let rest = line.strip_prefix("#+").or_else(|| line.strip_prefix(':'))?;
    let (key, value) = rest.split_once(':')?;
    let is_key =
        !key.is_empty() && key.len() <= KEY_BYTES_MAX && !key.contains([' ', '\t', '[', '_']);
    let is_known = is_key || is_one_of("valid_from valid_to", key) || is_one_of(SETTINGS, key);
    (is_known && (value.is_empty() || value.starts_with([' ', '\t']))).then_some((key, value))
}

/// Returns a time stamp, `<2026-01-02 Fri 10:00>`, without its brackets and its day; else the value as it is.
fn undated(value: &str) -> String {
    let inner = value
        .strip_prefix(['<', '['])
        .and_then(|value| value.strip_suffix(['>', ']']));
    match inner {
        Some(inner) => inner
            .split_ascii_whitespace()
            .filter(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .collect::<Vec<_>>()
            .join(" "),
        None => value.to_owned(),
    }
}
