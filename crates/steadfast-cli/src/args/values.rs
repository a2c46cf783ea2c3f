//! Values of flags, from text to type.

use std::str::FromStr as _;

use clap::{Args, ValueEnum};
use serde_json::Value;
use steadfast::model::{Namespace, Seq, Timestamp};
use steadfast::{Journal, Keep, Mode, Moment};

use crate::error::Failure;

/// Which journal a store is to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum JournalChoice {
    /// Keep what the store has; for a new one WAL where that works
    Auto,
    /// A write-ahead log: most writes, and readers go on meanwhile
    Wal,
    /// A rollback journal: works on network file systems
    Truncate,
}

impl From<JournalChoice> for Journal {
    fn from(choice: JournalChoice) -> Self {
        match choice {
            JournalChoice::Auto => Self::Auto,
            JournalChoice::Wal => Self::Wal,
            JournalChoice::Truncate => Self::Truncate,
        }
    }
}

/// How a question is searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeChoice {
    /// By words and by meaning
    Hybrid,
    /// By words
    Text,
    /// By meaning
    Vector,
}

impl From<ModeChoice> for Mode {
    fn from(choice: ModeChoice) -> Self {
        match choice {
            ModeChoice::Hybrid => Self::Hybrid,
            ModeChoice::Text => Self::Text,
            ModeChoice::Vector => Self::Vector,
        }
    }
}

/// What every command that writes can be told.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct WriteOptions {
    /// Use this journal; a store in another one is converted when nobody else has it open
    #[arg(long, value_name = "JOURNAL")]
    pub(crate) journal: Option<JournalChoice>,
}

impl WriteOptions {
    pub(crate) fn journal(self) -> Option<Journal> {
        self.journal.map(Journal::from)
    }
}

/// Refuses a free text that looks like a flag, unless it stands behind `--`: it was probably meant as one.
pub(crate) fn refuse_flag(text: &str) -> Result<(), Failure> {
    let is_marked = std::env::args_os().any(|argument| argument == "--");
    if is_flag_like(text) && !is_marked {
        return Err(
            Failure::new("usage", format!("unexpected argument `{text}` found"))
                .hint("put -- before a text that begins with a dash"),
        );
    }
    Ok(())
}

fn is_flag_like(text: &str) -> bool {
    let name = text.trim_start_matches('-');
    name.len() < text.len()
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name
            .chars()
            .take_while(|&c| c != '=')
            .all(|c| c.is_ascii_alphanumeric() || c == '-')
}

/// Reads a time that a flag gives.
pub(crate) fn time(flag: &str, text: &str) -> Result<Timestamp, Failure> {
    Timestamp::parse(text).map_err(|error| Failure::about(flag, error))
}

/// Reads an earlier moment that a flag gives: a time, or `seq:` and the number of a commit.
pub(crate) fn moment(flag: &str, text: &str) -> Result<Moment, Failure> {
    match text.strip_prefix("seq:") {
        None => Ok(Moment::Time(time(flag, text)?)),
        Some(number) => number
            .parse()
            .map(|seq| Moment::Seq(Seq(seq)))
            .map_err(|_| {
                Failure::new("invalid_time", format!("`{text}` does not name a commit"))
                    .at(flag)
                    .hint("write seq:42, or a time")
            }),
    }
}

/// Reads how much history is kept: an age in days or weeks, or a time.
pub(crate) fn age_or_time(flag: &str, text: &str) -> Result<Keep, Failure> {
    let days = match text.strip_suffix('w') {
        Some(weeks) => weeks
            .parse::<u32>()
            .ok()
            .and_then(|weeks| weeks.checked_mul(7)),
        None => text.strip_suffix('d').and_then(|days| days.parse().ok()),
    };
    match days {
        Some(days) => Ok(Keep::Days(days)),
        None => Ok(Keep::Since(time(flag, text).map_err(|_| {
            Failure::new(
                "invalid_time",
                format!("`{text}` is neither an age nor a time"),
            )
            .at(flag)
            .hint("write 90d, 12w, or a time such as 2026-01-01")
        })?)),
    }
}

/// Reads a namespace that a flag gives.
pub(crate) fn namespace(flag: &str, name: &str) -> Result<Namespace, Failure> {
    Namespace::new(name).map_err(|error| Failure::about(flag, error))
}

/// Reads `K=V`, where V is a number, true, false or null when it reads as one, else a string.
pub(crate) fn pair(text: &str) -> Result<(String, Value), Failure> {
    let (key, value) = text
        .split_once('=')
        .filter(|(key, _)| !key.trim().is_empty())
        .ok_or_else(|| {
            Failure::new("invalid_input", format!("`{text}` is not KEY=VALUE"))
                .at("--meta")
                .hint("write --meta year=2024")
        })?;
    let parsed = Value::from_str(value)
        .ok()
        .filter(|value| !value.is_array() && !value.is_object());
    let value = match parsed {
        Some(Value::String(_)) | None => Value::String(value.to_owned()),
        // An id of more digits than a number keeps would come back as another one.
        Some(Value::Number(number)) if number.is_f64() && !value.contains(['.', 'e', 'E']) => {
            Value::String(value.to_owned())
        }
        Some(plain) => plain,
    };
    Ok((key.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flags_are_told_from_texts_that_begin_with_a_dash() {
        for text in ["--bogus", "-x", "--bogus=a b", "-verbose"] {
            assert!(is_flag_like(text), "{text}");
        }
        for text in [
            "",
            "-",
            "--",
            "- item",
            "-- comment",
            "-1",
            "---",
            "a-b",
            "--no flag",
        ] {
            assert!(!is_flag_like(text), "{text}");
        }
    }

    #[test]
    fn a_value_is_what_it_reads_as() {
        for (text, expected) in [
            ("k=2024", json!(2024)),
            ("k=-1.5", json!(-1.5)),
            ("k=true", json!(true)),
            ("k=null", json!(null)),
            ("k=", json!("")),
            ("k=a=b", json!("a=b")),
            ("k=\"x\"", json!("\"x\"")),
            ("k=[1]", json!("[1]")),
            ("k=1.2.3", json!("1.2.3")),
            ("k=1e3", json!(1000.0)),
            ("k=18446744073709551615", json!(u64::MAX)),
            (
                "k=12345678901234567890123",
                json!("12345678901234567890123"),
            ),
        ] {
            assert_eq!(pair(text).unwrap(), ("k".to_owned(), expected), "{text}");
        }
        assert!(pair("novalue").is_err());
        assert!(pair("=x").is_err());
    }
}
