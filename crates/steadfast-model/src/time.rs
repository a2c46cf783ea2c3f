//! Points in time, and the clock that the rest of the house is given.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The first instant of the year 0: what is before it has no form in RFC 3339.
    const FIRST: Self = Self(-62_167_219_200_000);
    /// The last instant that the calendar has in every time zone.
    const LAST: Self = Self(253_402_207_200_000);

    /// Reads RFC 3339, or a date, which means its first instant in UTC.
    ///
    /// The last hours of the year 9999, which people write for "never", are the last instant that can be told.
    ///
    /// # Errors
    /// [`TimeError`] when the text is neither, or names a year before 0.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        read(text)
            .filter(|time| *time >= Self::FIRST)
            .map(|time| time.min(Self::LAST))
            .ok_or_else(|| TimeError(text.chars().take(64).collect()))
    }
}

fn read(text: &str) -> Option<Timestamp> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(instant.as_millisecond()));
    }
    let pieces = jiff::fmt::temporal::Pieces::parse(text).ok()?;
    let is_date = pieces.time().is_none() && !text.contains(['T', 't', ' ', ':', '[']);
    let is_instant = pieces.time().is_some() && pieces.offset().is_some();
    let date = pieces.date();
    if (date.year(), date.month()) == (9999, 12) && date.day() >= 30 && (is_date || is_instant) {
        return Some(Timestamp::LAST);
    }
    let zoned = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    is_date.then(|| Timestamp(zoned.timestamp().as_millisecond()))
}

impl fmt::Display for Timestamp {
    /// Writes RFC 3339 in UTC; a value outside the calendar is written as milliseconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

/// The text is neither RFC 3339 nor a date.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: give RFC 3339 (2026-03-01T12:00:00Z) or a date (2026-03-01)")]
pub struct TimeError(pub String);

/// Where the time comes from. A clock that jumps changes no result: order comes from [`crate::Seq`].
pub trait Clock: Send + Sync {
    /// Returns the time now.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still until it is set, for tests and replays.
#[derive(Debug, Default)]
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Returns a clock that shows `time`.
    pub fn at(time: Timestamp) -> Self {
        Self(AtomicI64::new(time.0))
    }

    /// Moves the clock, also backwards.
    pub fn set(&self, time: Timestamp) {
        self.0.store(time.0, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_rfc_3339_are_read() {
        assert_eq!(
            Timestamp::parse("1970-01-02").unwrap(),
            Timestamp(86_400_000)
        );
        assert_eq!(
            Timestamp::parse("1970-01-01T01:00:00+01:00").unwrap(),
            Timestamp(0)
        );
        assert_eq!(Timestamp(86_400_000).to_string(), "1970-01-02T00:00:00Z");
        for text in ["", "yesterday", "2026-13-01", "2026-03-01T25:00:00Z", "12"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
        let never = Timestamp::parse("9999-12-31").unwrap();
        assert_eq!(never.to_string(), "9999-12-30T22:00:00Z");
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59Z"), Ok(never));
        assert_eq!(Timestamp::parse(&never.to_string()), Ok(never));
        assert!(Timestamp::parse("9999-12-31T23:59:59").is_err());
        assert_eq!(
            Timestamp::parse("0000-01-01").unwrap().to_string(),
            "0000-01-01T00:00:00Z"
        );
        for text in ["-000001-12-31", "0000-01-01T00:00:00+01:00"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
