//! RFC 3339 timestamps.

use crate::codec::calendar::days_since_1970;

/// Seconds since 1970 of an RFC 3339 timestamp, fractions dropped; `None` for what is not one or lies before 1970.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let number = |from: usize, length: usize| -> Option<i64> {
        let digits = bytes.get(from..from + length)?;
        digits
            .iter()
            .try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let is = |at: usize, allowed: &[u8]| bytes.get(at).is_some_and(|byte| allowed.contains(byte));
    let shaped = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (number(0, 4)?, number(5, 2)?, number(8, 2)?);
    let (hour, minute, second) = (number(11, 2)?, number(14, 2)?, number(17, 2)?);
    let valid = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !shaped || !valid {
        return None;
    }
    let mut zone = bytes.get(19..)?;
    if let Some(fraction) = zone.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
        zone = fraction.get(digits..).filter(|_| digits > 0)?;
    }
    let offset = match zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2]
            if [h1, h2, m1, m2].iter().all(|digit| digit.is_ascii_digit()) =>
        {
            let two = |high: &u8, low: &u8| i64::from(high - b'0') * 10 + i64::from(low - b'0');
            let (hours, minutes) = (two(h1, h2), two(m1, m2));
            if hours > 23 || minutes > 59 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    let seconds = days_since_1970(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second - offset;
    u64::try_from(seconds).ok()
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn timestamps_with_fractions_and_zones() {
        for (text, expected) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2025-01-06T12:00:00Z", Some(1_736_164_800)),
            ("2026-11-20T10:00:00.000Z", Some(1_795_168_800)),
            ("2024-02-29T23:59:59.5z", Some(1_709_251_199)),
            ("2026-11-20T12:00:00+02:00", Some(1_795_168_800)),
            ("2026-11-20T05:30:00-04:30", Some(1_795_168_800)),
            ("2023-02-29T00:00:00Z", None),
            ("2026-13-01T00:00:00Z", None),
            ("2026-11-20T24:00:00Z", None),
            ("2026-11-20T10:00:00", None),
            ("2026-11-20T10:00:00.Z", None),
            ("2026-11-20T10:00:00+2:00", None),
            ("1969-12-31T23:59:59Z", None),
            // Each mark, at its place.
            ("2026/11-20T10:00:00Z", None),
            ("2026-11/20T10:00:00Z", None),
            ("2026-11-20_10:00:00Z", None),
            ("2026-11-20t10:00:00Z", Some(1_795_168_800)),
            ("2026-11-20 10:00:00Z", Some(1_795_168_800)),
            ("2026-11-20T10.00:00Z", None),
            ("2026-11-20T10:00.00Z", None),
            // The ends of months, and leap years.
            ("2026-04-30T00:00:00Z", Some(1_777_507_200)),
            ("2026-04-31T00:00:00Z", None),
            ("2026-06-31T00:00:00Z", None),
            ("2026-09-31T00:00:00Z", None),
            ("2026-11-31T00:00:00Z", None),
            ("2026-12-31T00:00:00Z", Some(1_798_675_200)),
            ("2026-00-10T00:00:00Z", None),
            ("2026-01-00T00:00:00Z", None),
            ("2000-02-29T00:00:00Z", Some(951_782_400)),
            ("2100-02-29T00:00:00Z", None),
            ("2100-02-28T00:00:00Z", Some(4_107_456_000)),
            ("2026-02-29T00:00:00Z", None),
            // The ends of a day, with a leap second, and of a zone.
            ("2026-11-20T23:59:60Z", Some(1_795_219_200)),
            ("2026-11-20T10:00:61Z", None),
            ("2026-11-20T10:60:00Z", None),
            ("2026-11-21T09:59:00+23:59", Some(1_795_168_800)),
            ("2026-11-20T10:00:00+24:00", None),
            ("2026-11-20T10:00:00+00:60", None),
            ("2026-11-20T10:00:00+0a:00", None),
            ("2026-11-20T10:00:00+00:0/", None),
            ("tomorrow", None),
            ("", None),
        ] {
            assert_eq!(super::seconds(text), expected, "{text}");
        }
    }
}
