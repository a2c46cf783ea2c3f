//! What a text says about itself: title, tags, times, and other keys of its front matter.
//!
//! Nothing here is taken out of the text, and nothing that cannot be read is an
//! error: a date that is none is kept as a plain value, and an interval of
//! validity that is empty is not believed, for a slip of the pen must not hide
//! a document.

use std::collections::BTreeSet;

use serde_json::Value;
use steadfast_model::{Metadata, Timestamp};

/// What a document, or a section of it, says about itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Its title, if it names one apart from its headings.
    pub title: Option<String>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// When it says it is from.
    pub document_time: Option<Timestamp>,
    /// First instant at which it holds.
    pub valid_from: Option<Timestamp>,
    /// First instant at which it no longer holds.
    pub valid_to: Option<Timestamp>,
    /// Other keys with a single value.
    pub meta: Metadata,
}

/// The value of a key, as front matter gives it.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    /// Text, a number, true or false.
    Single(Value),
    /// Several of them, as text.
    List(Vec<String>),
}

impl Given {
    /// Returns a value that was written without quotes: a number, true or false when it reads as one, else text.
    pub(super) fn plain(text: &str) -> Option<Self> {
        if text.is_empty() || matches!(text, "~" | "null" | "Null" | "NULL") {
            return None;
        }
        let typed = serde_json::from_str::<Value>(text)
            .ok()
            .filter(|value| value.is_number() || value.is_boolean());
        Some(Self::Single(typed.unwrap_or_else(|| text.into())))
    }

    /// Returns the value as text, if it is a single one.
    fn text(&self) -> Option<String> {
        match self {
            Self::Single(Value::String(text)) => Some(text.clone()),
            Self::Single(value) => Some(value.to_string()),
            Self::List(_) => None,
        }
    }
}

/// Tags that a document or section may have; more are left in the text alone.
const TAGS_MAX: usize = 256;
/// The longest tag.
const TAG_BYTES_MAX: usize = 128;
/// Other keys that are kept.
const META_KEYS_MAX: usize = 64;
/// The longest name of a key.
pub(super) const KEY_BYTES_MAX: usize = 128;
/// The longest value of a key, and the longest title.
const VALUE_BYTES_MAX: usize = 1_024;
/// Keys above a text that are read, and tags among them.
pub(super) const GIVEN_MAX: usize = 1_024;
/// Milliseconds of a day in UTC.
const DAY_MS: i64 = 86_400_000;

impl Facts {
    /// Reads the keys of front matter.
    pub(super) fn of(given: Vec<(String, Given)>) -> Self {
        let mut facts = Self::default();
        let mut times = [None; DATE_KEYS.len()];
        for (key, value) in given {
            let name = key.trim().to_lowercase().replace(['-', ' '], "_");
            let text = value.text();
            let taken = match name.as_str() {
                "title" => {
                    facts.title = text.and_then(|text| short(text.trim()));
                    facts.title.is_some()
                }
                "tags" | "tag" => {
                    facts.add_tags(tags_of(&value));
                    true
                }
                "valid_from" => {
                    facts.valid_from = text.as_deref().and_then(first_instant);
                    false
                }
                "valid_to" => {
                    facts.valid_to = text.as_deref().and_then(instant_after);
                    false
                }
                _ => match DATE_KEYS.iter().position(|known| *known == name) {
                    Some(place) => {
                        let time = text.as_deref().and_then(instant);
                        if let Some(slot) = times.get_mut(place) {
                            *slot = time;
                        }
                        // The others stay as keys, which filters can ask for.
                        place == 0 && time.is_some()
                    }
                    None => false,
                },
            };
            if !taken {
                facts.keep(key.trim(), value);
            }
        }
        facts.document_time = times.into_iter().flatten().next();
        facts.believe_validity();
        facts
    }

    /// Takes an interval of validity that holds some time out of the plain keys, and else does not believe it.
    fn believe_validity(&mut self) {
        let is_empty =
            matches!((self.valid_from, self.valid_to), (Some(from), Some(to)) if to <= from);
        if is_empty {
            (self.valid_from, self.valid_to) = (None, None);
        }
        let (from, to) = (self.valid_from.is_some(), self.valid_to.is_some());
        self.meta.retain(
            |key, _| match key.to_lowercase().replace(['-', ' '], "_").as_str() {
                "valid_from" => !from,
                "valid_to" => !to,
                _ => true,
            },
        );
    }

    /// Adds tags, as many as there is room for.
    pub(super) fn add_tags(&mut self, tags: impl IntoIterator<Item = String>) {
        for tag in tags {
            let tag = tag.trim().trim_start_matches('#').trim();
            if !tag.is_empty() && tag.len() <= TAG_BYTES_MAX && self.tags.len() < TAGS_MAX {
                self.tags.insert(tag.to_owned());
            }
        }
    }

    fn keep(&mut self, key: &str, value: Given) {
        let Given::Single(value) = value else {
            return;
        };
        let fits = value
            .as_str()
            .is_none_or(|text| text.len() <= VALUE_BYTES_MAX);
        if fits && !key.is_empty() && key.len() <= KEY_BYTES_MAX && self.meta.len() < META_KEYS_MAX
        {
            self.meta.insert(key.to_owned(), value);
        }
    }
}

/// Keys that say when a text is from, the first one that can be read counts.
const DATE_KEYS: [&str; 3] = ["date", "created", "updated"];

fn short(text: &str) -> Option<String> {
    let cut = text.get(..text.floor_char_boundary(VALUE_BYTES_MAX))?;
    let words = cut.split_whitespace().collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then_some(words)
}

/// Returns the tags of a list, or of one text in which commas stand between them.
pub(super) fn tags_of(value: &Given) -> Vec<String> {
    match value {
        Given::List(tags) => tags.clone(),
        Given::Single(_) => value
            .text()
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::to_owned)
            .collect(),
    }
}

/// Reads a point in time: RFC 3339, a date, or a date and a time, with a zone or in UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = Timestamp::parse(text) {
        return Some(time);
    }
    let (date, rest) = text.split_at_checked("2026-01-01".len())?;
    let time = rest.strip_prefix(['T', 't', ' '])?;
    let time = time.trim_end_matches("UTC").trim_end_matches("GMT");
    let time = time.split_whitespace().collect::<String>();
    let has_zone = time.ends_with(['Z', 'z']) || time.contains(['+', '-']);
    let zone = if has_zone { "" } else { "Z" };
    Timestamp::parse(&format!("{date}T{time}{zone}")).ok()
}

/// Reads where validity begins: a quarter (`2026-Q1`), a month or a date begins with its first instant.
fn first_instant(text: &str) -> Option<Timestamp> {
    match months(text) {
        Some((year, first, _)) => month_start(year, first),
        None => instant(text),
    }
}

/// Reads where validity ends: a quarter, a month or a date is included, so validity ends with the instant after it.
fn instant_after(text: &str) -> Option<Timestamp> {
    if let Some((year, _, last)) = months(text) {
        return if last == 12 {
            month_start(year.checked_add(1)?, 1)
        } else {
            month_start(year, last + 1)
        };
    }
    let time = instant(text)?;
    let is_date = text.trim().len() == "2026-01-01".len();
    let length = if is_date { DAY_MS } else { 0 };
    Some(Timestamp(time.0.checked_add(length)?))
}

/// Returns the year of a quarter or a month, with its first and its last month.
fn months(text: &str) -> Option<(u16, u8, u8)> {
    let (year, part) = text.trim().split_once('-')?;
    let (first, last) = match part.strip_prefix(['Q', 'q']) {
        Some(quarter) => {
            let quarter: u8 = quarter.parse().ok()?;
            let last = quarter.checked_mul(3)?;
            (last.checked_sub(2)?, last)
        }
        None if part.len() == 2 => (part.parse().ok()?, part.parse().ok()?),
        None => return None,
    };
    let is_year = year.len() == 4;
    (is_year && (1..=12).contains(&last)).then_some((year.parse().ok()?, first, last))
}

fn month_start(year: u16, month: u8) -> Option<Timestamp> {
    Timestamp::parse(&format!("{year:04}-{month:02}-01")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(time: Option<Timestamp>) -> String {
        time.map_or_else(|| "none".to_owned(), |time| time.to_string())
    }

    #[test]
    fn times_are_read_in_the_ways_people_write_them() {
        for (text, expected) in [
            ("2026-03-01", "2026-03-01T00:00:00Z"),
            ("2026-03-01T10:20:30Z", "2026-03-01T10:20:30Z"),
            ("2026-03-01T10:20:30+02:00", "2026-03-01T08:20:30Z"),
            ("2026-03-01 10:20:30", "2026-03-01T10:20:30Z"),
            ("2026-03-01T10:20", "2026-03-01T10:20:00Z"),
            ("2026-03-01 10:20:30 +0200", "2026-03-01T08:20:30Z"),
            ("2026-03-01 10:20:30 UTC", "2026-03-01T10:20:30Z"),
            ("2026-03-01 10:20 GMT", "2026-03-01T10:20:00Z"),
            ("1 March", "none"),
            ("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}", "none"),
        ] {
            assert_eq!(shown(instant(text)), expected, "{text}");
        }
    }

    #[test]
    fn the_end_of_validity_includes_a_date_and_a_quarter() {
        for (text, from, after) in [
            ("2026-03-01", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z"),
            ("2026-Q1", "2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("2026-q4", "2026-10-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            (
                "2026-03-01T12:00:00Z",
                "2026-03-01T12:00:00Z",
                "2026-03-01T12:00:00Z",
            ),
            ("2026-10", "2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("2025-12", "2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-Q5", "none", "none"),
            ("2026-Q0", "none", "none"),
            ("2026-13", "none", "none"),
        ] {
            assert_eq!(shown(first_instant(text)), from, "{text}");
            assert_eq!(shown(instant_after(text)), after, "{text}");
        }
    }

    fn facts(given: &[(&str, &str)]) -> Facts {
        let given = given
            .iter()
            .filter_map(|(key, value)| Some(((*key).to_owned(), Given::plain(value)?)));
        Facts::of(given.collect())
    }

    #[test]
    fn keys_become_facts_and_the_rest_is_kept() {
        let found = facts(&[
            ("updated", "2026-02-01"),
            ("created", "2026-01-01"),
            ("Title", " A  title "),
            ("tags", "a, #b,,c d"),
            ("rank", "3"),
            ("draft", "true"),
            ("isbn", "007"),
        ]);
        assert_eq!(found.title.as_deref(), Some("A title"));
        assert_eq!(found.tags, ["a", "b", "c d"].map(str::to_owned).into());
        assert_eq!(shown(found.document_time), "2026-01-01T00:00:00Z");
        let meta = serde_json::json!({
            "updated": "2026-02-01", "created": "2026-01-01", "rank": 3, "draft": true, "isbn": "007",
        });
        assert_eq!(Value::Object(found.meta), meta);
        // The date of the text itself is before those of its file, wherever it stands.
        let found = facts(&[("created", "2026-01-01"), ("date", "2020-01-01")]);
        assert_eq!(shown(found.document_time), "2020-01-01T00:00:00Z");
        assert_eq!(found.meta.len(), 1);
    }

    #[test]
    fn what_cannot_be_read_is_kept_as_it_is() {
        let found = facts(&[("date", "soon"), ("valid-to", "whenever")]);
        assert_eq!((found.document_time, found.valid_to), (None, None));
        let meta = serde_json::json!({"date": "soon", "valid-to": "whenever"});
        assert_eq!(Value::Object(found.meta), meta);
        let found = facts(&[("valid_from", "2026-03-02"), ("valid_to", "2026-03-01")]);
        assert_eq!((found.valid_from, found.valid_to), (None, None));
        assert_eq!(
            found.meta.len(),
            2,
            "an empty interval would hide the document"
        );
        let found = facts(&[("valid_from", "2026-03-01"), ("valid-to", "2026-03-01")]);
        assert_eq!(shown(found.valid_to), "2026-03-02T00:00:00Z");
        assert_eq!(found.meta.len(), 0);
    }
}
