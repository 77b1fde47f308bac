//! Time as text.

use chrono::{DateTime, Datelike as _, SecondsFormat, Utc};

/// The last time whose year has four digits, in milliseconds: `9999-12-31T23:59:59.999Z`.
const LAST: i64 = 253_402_300_799_999;

/// The time `secs` seconds after `now`, in milliseconds, limited to the last one.
pub(crate) fn after(now: i64, secs: i64) -> i64 {
    now.saturating_add(secs.saturating_mul(1000)).min(LAST)
}

/// Milliseconds since 1970 as ISO 8601 in UTC: `2026-11-20T10:00:00.000Z`.
pub(crate) fn iso(millis: i64) -> String {
    date(millis).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The year of a time.
pub(crate) fn year(millis: i64) -> i64 {
    date(millis).year().into()
}

fn date(millis: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(millis.min(LAST)).unwrap_or_default()
}

/// Parses the format of [`iso`], with or without milliseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let millis = DateTime::parse_from_rfc3339(text).ok()?.timestamp_millis();
    let written = iso(millis);
    (text == written || text == written.replace(".000Z", "Z")).then_some(millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_utc() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_123, "2000-02-29T00:00:00.123Z"),
            (1_795_168_799_999, "2026-11-20T09:59:59.999Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (i64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(iso(millis), text);
        }
    }
    #[test]
    fn parses_its_own_format() {
        for millis in [0, 951_782_400_123, 1_795_168_799_999, 4_107_542_399_000, 253_402_300_799_999] {
            assert_eq!(parse(&iso(millis)), Some(millis));
        }
        assert_eq!(parse("2026-11-20T09:59:59Z"), Some(1_795_168_799_000));
        for text in [
            "",
            "Z",
            "T",
            "2026-11-20",
            "2026-11-20T10:00:00",
            "2026-02-30T10:00:00Z",
            "2026-13-01T10:00:00Z",
            "2026-11-20T24:00:00Z",
            "2026-11-20T10:60:00Z",
            "2026-11-20T10:00Z",
            "2026-11-20T10:00:00.1Z",
            "2026-11-20T10:00:00+01:00",
            "2026-11-20T10:00:00+00:00",
            "2026-11-20 10:00:00Z",
            "2026-11-20T10:00:00z",
            "2026-11-20T10:00:60Z",
            "2026-1-20T10:00:00Z",
            "2026--1-20T10:00:00Z",
            "99999999999999999999-01-01T10:00:00Z",
            "2026-99999999999-01T10:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
