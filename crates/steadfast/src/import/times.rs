//! Times as foreign programs write them.

use steadfast_model::Timestamp;

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

#[cfg(test)]
mod tests {
    use super::*;

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
