//! Times as foreign programs write them.

use serde_json::Value;
use steadfast_model::Timestamp;

/// Numbers above this are milliseconds: as seconds it is the year 5138.
const SECONDS_MAX: u64 = 100_000_000_000;
/// Numbers with a fraction from here on are no times: as milliseconds it is the year 5138.
const MILLISECONDS_MAX: f64 = 1e14;

/// Reads RFC 3339, a date, or a date and a time without a zone, which is taken as UTC.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = Timestamp::parse(text) {
        return Some(time);
    }
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    Timestamp::parse(&format!("{date}T{}Z", rest.trim())).ok()
}

/// Returns the moment that many seconds after 1970.
pub(super) fn seconds(seconds: i64) -> Timestamp {
    Timestamp(seconds.saturating_mul(1_000))
}

/// Reads a time as JSON has it: a text, or seconds or milliseconds since 1970.
pub(super) fn of_value(value: &Value) -> Option<Timestamp> {
    match value {
        Value::String(text) => time(text),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Some(of_number(number)),
            None => of_real(number.as_f64()?),
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Returns the moment that many seconds or milliseconds after 1970.
pub(super) fn of_number(number: i64) -> Timestamp {
    if number.unsigned_abs() < SECONDS_MAX {
        seconds(number)
    } else {
        Timestamp(number)
    }
}

/// Returns the moment that many seconds or milliseconds after 1970, of which a fraction is kept.
pub(super) fn of_real(number: f64) -> Option<Timestamp> {
    #[expect(clippy::cast_precision_loss, reason = "the number is round")]
    let is_seconds = number.abs() < SECONDS_MAX as f64;
    let milliseconds = if is_seconds { number * 1_000.0 } else { number };
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below 10^14 milliseconds, and the rest of one is dropped"
    )]
    let whole = milliseconds as i64;
    (milliseconds.abs() < MILLISECONDS_MAX).then_some(Timestamp(whole))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_number_is_seconds_or_milliseconds_and_never_too_large() {
        for (number, time) in [
            (1_772_359_200, 1_772_359_200_000),
            (1_772_359_200_000, 1_772_359_200_000),
            (i64::MIN, i64::MIN),
            (i64::MAX, i64::MAX),
        ] {
            assert_eq!(of_number(number), Timestamp(time));
        }
        for (value, time) in [
            (json!(1_772_359_200.5), Some(1_772_359_200_500)),
            (json!(1_772_359_200_500.25), Some(1_772_359_200_500)),
            (json!(-0.5), Some(-500)),
            (json!("2026-03-01T10:00:00Z"), Some(1_772_359_200_000)),
            (json!(1e19), None),
            (json!(u64::MAX), None),
            (json!(true), None),
        ] {
            assert_eq!(of_value(&value), time.map(Timestamp), "{value}");
        }
    }

    #[test]
    fn times_without_a_zone_are_utc() {
        for text in [
            "2026-11-20T21:41:47.039376",
            "2026-11-20 21:41:47.039",
            "2026-11-20T21:41:47.039+00:00",
        ] {
            assert_eq!(time(text), Some(Timestamp(1_795_210_907_039)), "{text}");
        }
        assert_eq!(time("2026-11-20"), Some(Timestamp(1_795_132_800_000)));
        for text in ["", "soon", "2026-13-01T00:00:00", "T", "12:00"] {
            assert_eq!(time(text), None, "{text}");
        }
        assert_eq!(seconds(-1), Timestamp(-1_000));
    }
}
