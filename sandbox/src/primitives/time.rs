//! Time as text.

/// The latest time of a JavaScript `Date`, in milliseconds. Beyond it, SQLite's integers reach Rust as doubles.
const LAST: i64 = 8_640_000_000_000_000;

/// The time `secs` seconds after `now`, in milliseconds, limited to the latest `Date`.
pub(crate) fn after(now: i64, secs: i64) -> i64 {
    now.saturating_add(secs.saturating_mul(1000)).min(LAST)
}

/// Milliseconds since 1970 as ISO 8601 in UTC: `2026-11-20T10:00:00.000Z`.
pub(crate) fn iso(millis: i64) -> String {
    let (days, rest) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", rest % 1000)
}

/// The year of a time.
pub(crate) fn year(millis: i64) -> i64 {
    civil(millis.div_euclid(86_400_000)).0
}

/// Days since 1970 as year, month and day (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Parses the format of [`iso`], with or without milliseconds.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (time, millis) = match time.split_once('.') {
        Some((time, millis)) if millis.len() == 3 => (time, millis),
        Some(_) => return None,
        None => (time, "0"),
    };
    let digits =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let three = |text: &str, separator: char| -> Option<[i64; 3]> {
        let mut parts = text.split(separator).map(digits);
        let all = [parts.next()??, parts.next()??, parts.next()??];
        parts.next().is_none().then_some(all)
    };
    let [year, month, day] = three(date, '-')?;
    let [hour, minute, second] = three(time, ':')?;
    let days = days(year, month, day);
    let sound = civil(days) == (year, month, day) && hour < 24 && minute < 60 && second < 60;
    sound
        .then(|| ((days * 24 + hour) * 60 + minute) * 60 + second)?
        .checked_mul(1000)?
        .checked_add(digits(millis)?)
}

/// Year, month and day as days since 1970 (Howard Hinnant's `days_from_civil`).
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year.clamp(0, 9999) - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let shifted_month = if month > 2 { month.min(12) - 3 } else { month + 9 };
    let of_year = (153 * shifted_month + 2) / 5 + day.min(31) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
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
            "2026--1-20T10:00:00Z",
            "99999999999999999999-01-01T10:00:00Z",
            "2026-99999999999-01T10:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
