//! Time as text, and the sandbox clock: the machine's clock plus an offset that tests set.

use crate::Desk;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, member};
use crate::settings;
use serde_json::{Map, Value, json};

/// The latest time the clock can be set to: the end of year 9999.
const LAST_SET: i64 = 253_402_300_799_999;

/// `GET /sandbox/clock`
pub(crate) fn read(desk: &Desk) -> Outcome {
    Reply::ok(view(desk.call.now, desk.settings.offset))
}

/// `POST /sandbox/clock`: moves the clock for all following requests.
pub(crate) fn set(desk: &Desk) -> Outcome {
    let offset = moved(&desk.call.json()?, desk.call.now, desk.settings.offset)?;
    settings::keep(desk, settings::OFFSET, offset)?;
    Reply::ok(view(desk.call.now.saturating_sub(desk.settings.offset).saturating_add(offset), offset))
}

/// The clock as JSON.
pub(crate) fn view(now: i64, offset: i64) -> Value {
    json!({ "now": iso(now), "nowMs": now, "offsetMs": offset })
}

/// The clock's offset after `body`. `now` is the time before the change, and `offset` the offset before it.
pub(crate) fn moved(body: &Map<String, Value>, now: i64, offset: i64) -> Outcome<i64> {
    if let Some(name) = body.keys().find(|name| !["now", "advanceSecs", "reset"].contains(&name.as_str())) {
        return Err(Problem::bad_request(format!("{name} is not of the clock: now, advanceSecs, reset")));
    }
    let machine = now.saturating_sub(offset);
    let start = if member(body, "reset").and_then(Value::as_bool).unwrap_or(false) { machine } else { now };
    let start = match member(body, "now") {
        None => start,
        Some(Value::Number(millis)) => millis.as_i64().unwrap_or(-1),
        Some(text) => text.as_str().and_then(parse).unwrap_or(-1),
    };
    let advance = match member(body, "advanceSecs") {
        None => 0,
        Some(secs) => secs
            .as_i64()
            .ok_or_else(|| Problem::bad_request("advanceSecs must be a whole number, below 0 to go back"))?,
    };
    let then = start.saturating_add(advance.saturating_mul(1000));
    if !(0..=LAST_SET).contains(&start) || !(0..=LAST_SET).contains(&then) {
        return Err(Problem::bad_request(
            "now must be milliseconds since 1970 or 2026-11-20T10:00:00Z, before the year 10000",
        ));
    }
    Ok(then.saturating_sub(machine))
}

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
    fn reads_what_it_prints() {
        for millis in [0, 951_782_400_123, 1_795_168_799_999, 4_107_542_399_000, LAST_SET] {
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

    #[test]
    fn the_clock_is_moved_by_what_a_test_asks_for() {
        for (name, body, offset) in [
            ("nothing", json!({}), Some(500)),
            ("forward", json!({ "advanceSecs": 60 }), Some(60_500)),
            ("back", json!({ "advanceSecs": -1 }), Some(-500)),
            ("to a moment", json!({ "now": 20_000 }), Some(10_500)),
            ("to a moment in words", json!({ "now": "1970-01-01T00:00:20Z" }), Some(10_500)),
            ("to a moment and on", json!({ "now": 20_000, "advanceSecs": 1 }), Some(11_500)),
            ("reset", json!({ "reset": true }), Some(0)),
            ("reset and on", json!({ "reset": true, "advanceSecs": 2 }), Some(2_000)),
            ("before 1970", json!({ "advanceSecs": -11 }), None),
            ("after all years", json!({ "advanceSecs": i64::MAX }), None),
            ("no moment", json!({ "now": "noon" }), None),
            ("half a second", json!({ "advanceSecs": 0.5 }), None),
            ("a word of its own", json!({ "advance": 5 }), None),
        ] {
            assert_eq!(moved(body.as_object().unwrap(), 10_000, 500).ok(), offset, "{name}");
        }
    }
}
