//! Points in time, and the clock that the rest of the house is given.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

/// A point in time: milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Reads RFC 3339, or a date, which means its first instant in UTC.
    ///
    /// # Errors
    /// [`TimeError`] when the text is neither.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        if let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Ok(Self(instant.as_millisecond()));
        }
        text.parse::<jiff::civil::Date>()
            .ok()
            .filter(|_| !text.contains(['T', 't', ' ', ':']))
            .and_then(|date| date.to_zoned(jiff::tz::TimeZone::UTC).ok())
            .map(|zoned| Self(zoned.timestamp().as_millisecond()))
            .ok_or_else(|| TimeError(text.chars().take(64).collect()))
    }
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
    }
}
