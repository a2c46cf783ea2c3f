//! What a question says of speaker and time.
//!
//! The words are those of the calendar and of telling the time, in English; a
//! question in another language gets no share from them and loses nothing.

use std::sync::{Arc, OnceLock};

use steadfast_index::Analyzer;
use steadfast_model::{Analyze, Attributes, Row, Timestamp};
use steadfast_store::Snapshot;

use super::formula::Parts;
use crate::error::Result;
use crate::query::parse::Question;

/// Fills in the parts that come from what the question says of speaker and time.
pub(super) fn signals(
    snapshot: &dyn Snapshot,
    question: &Question,
    rows: &[Row],
    attributes: &[Option<Arc<Attributes>>],
    parts: &mut [Parts],
) -> Result<()> {
    let speakers: Vec<Option<&str>> = attributes
        .iter()
        .map(|found| speaker(found.as_deref()?))
        .collect();
    let named = named_speaker(&question.words, &speakers);
    for (parts, speaker) in parts.iter_mut().zip(&speakers) {
        if named.is_some() && named == *speaker {
            parts.speaker = 1.0;
        }
    }
    if let Some(date) = &question.date {
        for (parts, found) in parts.iter_mut().zip(attributes) {
            let time = found.as_ref().and_then(|found| found.document_time);
            if time.is_some_and(|time| date.admits(time)) {
                parts.date = 1.0;
                parts.is_day = date.is_a_day();
            }
        }
    }
    if question.asks_when {
        let counts = snapshot.term_counts(time_terms(), rows)?;
        for (place, parts) in parts.iter_mut().enumerate() {
            if counts.row(place).iter().any(|&count| count > 0) {
                parts.when = 1.0;
            }
        }
    }
    Ok(())
}

/// Lets the words of a reply count less than those of whom it answers: replies are long, and repeat what was asked.
pub(super) fn weigh_replies(
    weight: f32,
    attributes: &[Option<Arc<Attributes>>],
    parts: &mut [Parts],
) {
    for (parts, found) in parts.iter_mut().zip(attributes) {
        let role = found.as_ref().and_then(|found| found.meta.get("role"));
        if role
            .and_then(|role| role.as_str())
            .is_some_and(|role| REPLIES.contains(&role))
        {
            parts.chunk *= weight;
        }
    }
}

/// The roles of those who answer, as the public formats of conversations name them.
const REPLIES: [&str; 5] = ["assistant", "model", "ai", "tool", "function"];

/// Returns the speaker of a message.
fn speaker(attributes: &Attributes) -> Option<&str> {
    attributes.meta.get("speaker")?.as_str()
}

/// Returns the one speaker whom the question names; none when it names nobody, or several.
fn named_speaker<'s>(words: &[String], speakers: &[Option<&'s str>]) -> Option<&'s str> {
    let mut named: Option<&str> = None;
    for speaker in speakers.iter().flatten() {
        if named == Some(*speaker) || !is_named(words, speaker) {
            continue;
        }
        if named.is_some() {
            return None;
        }
        named = Some(speaker);
    }
    named
}

/// A name of several words is named by any of them that is long enough to be no initial.
fn is_named(words: &[String], name: &str) -> bool {
    name.split(|c: char| !c.is_alphanumeric())
        .filter(|part| part.chars().count() > 2)
        .any(|part| words.iter().any(|word| *word == part.to_lowercase()))
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Words that tell a time, beside the months and days of the week.
const TIMES: [&str; 26] = [
    "today",
    "tomorrow",
    "yesterday",
    "tonight",
    "ago",
    "last",
    "next",
    "week",
    "weekend",
    "month",
    "year",
    "day",
    "morning",
    "afternoon",
    "evening",
    "night",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "recently",
    "since",
    "soon",
];

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// A date as far as a question names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(in crate::query) struct Date {
    year: Option<u32>,
    month: Option<u32>,
    day: Option<u32>,
}

impl Date {
    /// Finds a date in the words of a question: `7 May 2023`, `May 7`, `2023-05-07`, `March`, `2022`.
    pub(in crate::query) fn find(words: &[String]) -> Option<Self> {
        let mut date = Self::default();
        for (place, word) in words.iter().enumerate() {
            let is_may_verb = word == "may" && !beside_a_number(words, place);
            if let Some(month) = month_of(word).filter(|_| !is_may_verb) {
                date.month = Some(month);
                date.day = [place.wrapping_sub(1), place + 1]
                    .into_iter()
                    .find_map(|beside| day_of(words.get(beside)?));
            } else if let Some(year) = year_of(word) {
                date.year = Some(year);
                // `2023-05-07` comes as three words.
                let number = |place: usize| words.get(place)?.parse::<u32>().ok();
                if let (Some(month @ 1..=12), Some(day @ 1..=31)) =
                    (number(place + 1), number(place + 2))
                {
                    (date.month, date.day) = (Some(month), Some(day));
                }
            }
        }
        (date.year.is_some() || date.month.is_some()).then_some(date)
    }

    /// Returns whether the question names the very day.
    pub(in crate::query) fn is_a_day(&self) -> bool {
        self.year.is_some() && self.month.is_some() && self.day.is_some()
    }

    /// Returns the time that the question names, from its start to the start of what follows; none without a year.
    pub(in crate::query) fn range(&self) -> Option<(Timestamp, Timestamp)> {
        let year = self.year?;
        let start =
            |year: u32, month: u32| Timestamp::parse(&format!("{year:04}-{month:02}-01")).ok();
        let next_month = |month: u32| start(year + month / 12, month % 12 + 1);
        match (self.month, self.day) {
            (None, _) => Some((start(year, 1)?, start(year + 1, 1)?)),
            (Some(month), None) => Some((start(year, month)?, next_month(month)?)),
            (Some(month), Some(day)) => {
                let from = Timestamp::parse(&format!("{year:04}-{month:02}-{day:02}")).ok()?;
                Some((from, Timestamp(from.0 + DAY_MS)))
            }
        }
    }

    /// Returns whether a time lies in what the question names.
    fn admits(&self, time: Timestamp) -> bool {
        let text = time.to_string();
        let mut parts = text.get(..10).unwrap_or_default().split('-');
        let mut next = || parts.next().and_then(|part| part.parse::<u32>().ok());
        let (year, month, day) = (next(), next(), next());
        let fits = |wanted: Option<u32>, found: Option<u32>| wanted.is_none() || wanted == found;
        fits(self.year, year) && fits(self.month, month) && fits(self.day, day)
    }
}

fn month_of(word: &str) -> Option<u32> {
    let place = MONTHS.iter().position(|month| {
        *month == word || (word.len() == 3 && month.starts_with(word) && word != "may")
    })?;
    u32::try_from(place + 1).ok()
}

/// `may` is a month beside a number, and a verb elsewhere.
fn beside_a_number(words: &[String], place: usize) -> bool {
    [place.wrapping_sub(1), place + 1]
        .into_iter()
        .any(|beside| {
            words
                .get(beside)
                .is_some_and(|word| day_of(word).is_some() || year_of(word).is_some())
        })
}

fn day_of(word: &str) -> Option<u32> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let is_ordinal = matches!(
        word.get(digits.len()..),
        Some("" | "st" | "nd" | "rd" | "th")
    );
    digits
        .parse()
        .ok()
        .filter(|day| is_ordinal && (1..=31).contains(day))
}

fn year_of(word: &str) -> Option<u32> {
    word.parse()
        .ok()
        .filter(|year| (1900..=2100).contains(year))
}

/// Returns whether a question asks for a time.
pub(in crate::query) fn asks_when(words: &[String]) -> bool {
    let pair = |first: &str, seconds: &[&str]| {
        words.windows(2).any(|pair| match pair {
            [a, b] => a == first && seconds.contains(&b.as_str()),
            _ => false,
        })
    };
    words.iter().any(|word| word == "when")
        || pair("what", &["time", "date", "day", "month", "year"])
        || pair("which", &["date", "day", "month", "year"])
        || pair("how", &["long"])
}

/// Returns the terms of words that tell a time, ascending.
fn time_terms() -> &'static [u64] {
    static TERMS: OnceLock<Vec<u64>> = OnceLock::new();
    TERMS.get_or_init(|| {
        let text = [&MONTHS[..], &TIMES[..]].concat().join(" ");
        Analyzer.terms(&text).hashes().to_vec()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        crate::query::parse::words(text)
    }

    fn date(text: &str) -> Option<(Option<u32>, Option<u32>, Option<u32>)> {
        Date::find(&words(text)).map(|date| (date.year, date.month, date.day))
    }

    #[test]
    fn dates_are_found_as_far_as_they_are_named() {
        assert_eq!(
            date("What happened on 7 May 2023?"),
            Some((Some(2023), Some(5), Some(7)))
        );
        assert_eq!(date("on May 7th"), Some((None, Some(5), Some(7))));
        assert_eq!(date("in march"), Some((None, Some(3), None)));
        assert_eq!(date("2023-05-07"), Some((Some(2023), Some(5), Some(7))));
        assert_eq!(date("back in 2022"), Some((Some(2022), None, None)));
        assert_eq!(date("it may be that 3 of us"), None);
        assert_eq!(date("port 6432"), None);
    }

    #[test]
    fn a_date_admits_the_times_that_lie_in_it() {
        let found = Date::find(&words("7 May 2023")).unwrap();
        let time = |text| Timestamp::parse(text).unwrap();
        assert!(found.admits(time("2023-05-07T13:00:00Z")));
        assert!(!found.admits(time("2023-05-08T00:00:00Z")));
        assert!(
            Date::find(&words("in May 2023"))
                .unwrap()
                .admits(time("2023-05-31T23:00:00Z"))
        );
    }

    #[test]
    fn a_date_with_a_year_is_a_range_of_time() {
        let range = |text: &str| {
            let (from, to) = Date::find(&words(text))?.range()?;
            Some((from.to_string(), to.to_string()))
        };
        for (text, from, to) in [
            ("on 28 February 2024", "2024-02-28", "2024-02-29"),
            ("in December 2023", "2023-12-01", "2024-01-01"),
            ("back in 2022", "2022-01-01", "2023-01-01"),
        ] {
            let midnight = |day: &str| format!("{day}T00:00:00Z");
            assert_eq!(range(text), Some((midnight(from), midnight(to))));
        }
        for text in ["in March", "on 30 February 2024"] {
            assert_eq!(range(text), None, "{text}");
        }
    }

    #[test]
    fn one_speaker_is_named_or_none() {
        let speakers = [Some("Ann Lee"), Some("Bo Berg"), None, Some("Ann Lee")];
        let named = |text: &str| named_speaker(&words(text), &speakers);
        assert_eq!(named("what did ann say?"), Some("Ann Lee"));
        assert_eq!(named("what did Ann tell Berg?"), None);
        assert_eq!(named("who said it?"), None);
        assert_eq!(named("Bo's boat"), None);
    }

    #[test]
    fn questions_for_a_time_are_told() {
        assert!(asks_when(&words("When did she leave?")));
        assert!(asks_when(&words("what year was that")));
        assert!(!asks_when(&words("what is the year in review about")));
        assert!(time_terms().is_sorted());
    }
}
