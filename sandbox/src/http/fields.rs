//! Readers for members of JSON objects.

use crate::http::error::{ApiError, Result};
use payments_wasm::wire::Credits;
use serde_json::{Map, Value};

/// A member of a JSON object. Null counts as absent (contract section 13.11).
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// A member that must be an object.
pub(crate) fn object<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Map<String, Value>> {
    member(object, name)
        .and_then(Value::as_object)
        .ok_or_else(|| ApiError::bad_request(format!("{name} must be an object")))
}

/// A member that is a non-blank string.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    member(object, name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// A member that is a uint256, as a string or a number (contract section 1.2).
pub(crate) fn uint256(object: &Map<String, Value>, name: &str) -> Result<Option<Credits>> {
    member(object, name)
        .map(|value| Credits::from_json(value, "amount").map_err(|_| ApiError::bad_uint256(name)))
        .transpose()
}

/// A duration in seconds, a uint256, as its digits and as the longest time that this sandbox counts at most.
pub(crate) fn seconds(object: &Map<String, Value>, name: &str) -> Result<Option<(String, i64)>> {
    let duration = uint256(object, name)?.map(|duration| duration.to_string());
    Ok(duration.map(|digits| {
        let counted = digits.parse().map_or(MOST_EXACT, |secs: i64| secs.min(MOST_EXACT));
        (digits, counted)
    }))
}

/// The largest whole number of a JavaScript number without gaps.
const MOST_EXACT: i64 = 9_007_199_254_740_991;

/// A member that is a safe JavaScript integer, as a number or a string.
pub(crate) fn whole(object: &Map<String, Value>, name: &str) -> Result<Option<i64>> {
    let Some(value) = member(object, name) else { return Ok(None) };
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if (0..=MOST_EXACT).contains(&number) => Ok(Some(number)),
        _ => Err(ApiError::bad_request(format!("{name} must be a whole number"))),
    }
}

/// Parses a decimal number into its smallest units: `0.25` with 6 places is 250000. Further places are cut off.
pub(crate) fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let scale = 10u64.checked_pow(u32::try_from(places).ok()?)?;
    if !part.bytes().all(|byte| byte.is_ascii_digit()) || whole.starts_with('+') {
        return None;
    }
    let part: String = part.chars().chain(std::iter::repeat('0')).take(places).collect();
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part.parse().ok()?)
}

/// The id of a plan or agent: a uint256 in decimal (contract section 1.3).
pub(crate) fn id(text: &str, field: &str) -> Result<String> {
    text.parse::<Credits>().map(|id| id.to_string()).map_err(|_| ApiError::bad_uint256(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_duration_is_a_uint256_and_the_longest_time_is_counted_for_a_longer_one() {
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        let body = json!({ "day": 86400, "text": "7", "above": "9007199254740992", "most": most, "half": 0.5, "null": null });
        let body = body.as_object().unwrap();
        for (name, expected) in [
            ("day", Some(("86400", 86_400))),
            ("text", Some(("7", 7))),
            ("above", Some(("9007199254740992", MOST_EXACT))),
            ("most", Some((most, MOST_EXACT))),
            ("null", None),
        ] {
            assert_eq!(
                seconds(body, name).unwrap(),
                expected.map(|(digits, secs)| (digits.to_owned(), secs)),
                "{name}"
            );
        }
        assert!(seconds(body, "half").is_err());
    }

    #[test]
    fn numbers_are_numbers_or_strings_and_null_is_absent() {
        let body = json!({ "a": 5, "b": "6", "c": null, "d": -1, "e": 1.5, "f": "x" });
        let body = body.as_object().unwrap();
        assert_eq!(uint256(body, "a").unwrap().unwrap().to_string(), "5");
        assert_eq!(uint256(body, "b").unwrap().unwrap().to_string(), "6");
        assert_eq!(uint256(body, "c").unwrap(), None);
        assert_eq!(whole(body, "b").unwrap(), Some(6));
        for name in ["d", "e", "f"] {
            assert!(uint256(body, name).is_err(), "{name}");
            assert!(whole(body, name).is_err(), "{name}");
        }
    }

    #[test]
    fn decimals_in_smallest_units() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1_000_000)),
            ("1.0", Some(1_000_000)),
            ("0.25", Some(250_000)),
            ("12.5", Some(12_500_000)),
            ("0.1234567", Some(123_456)),
            ("-0.1", None),
            ("1e-7", None),
            ("0.1e5", None),
            ("+1", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(decimal(text, 6), expected, "{text}");
        }
    }

    #[test]
    fn ids_are_uint256_in_decimal() {
        assert_eq!(id("7", "planId").unwrap(), "7");
        for text in ["", "did:nv:1", "-1", "0x1", "1.0"] {
            assert_eq!(id(text, "planId").unwrap_err().code, "BCK.COMMON.0026", "{text}");
        }
    }
}
