//! When a call is worth sending again: the rule alone. Whoever sends it waits, and only for a call that
//! [is idempotent](super::Request::is_idempotent).

use crate::codec::text::number;

/// How often a call is sent at the most.
pub const MAX_TRIES: u32 = 3;
/// The pause after the first try, in milliseconds; it doubles.
const BASE_MS: u64 = 250;
/// The longest `Retry-After` that is waited for, in seconds; a longer one is for the caller to wait.
const MAX_RETRY_AFTER_SECS: u64 = 10;

/// How many milliseconds to wait before the next try, after `tries` tries of which the last was answered with `status`
/// (`None`: not at all); `None` to stop.
///
/// `retry_after` is that header, in seconds; a date in it is not read. `jitter` is random and spreads those who were
/// turned away together over twice the pause.
#[must_use]
pub fn pause_before_retry(
    status: Option<u16>,
    tries: u32,
    retry_after: Option<&str>,
    jitter: u8,
) -> Option<u64> {
    let passing = matches!(status, None | Some(408 | 429 | 500 | 502..=504));
    if !passing || tries >= MAX_TRIES {
        return None;
    }
    let asked: u64 = retry_after.and_then(|text| number(text.trim_ascii())).unwrap_or(0);
    if asked > MAX_RETRY_AFTER_SECS {
        return None;
    }
    let base = BASE_MS << tries.saturating_sub(1);
    Some(asked * 1000 + base + base * u64::from(jitter) / 255)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_passes_is_tried_again_and_only_so_often() {
        type Case = (&'static str, Option<u16>, u32, Option<&'static str>, u8, Option<u64>);
        let cases: [Case; 20] = [
            ("no answer", None, 1, None, 0, Some(250)),
            ("with all of the jitter", None, 1, None, 255, Some(500)),
            ("the pause doubles", None, 2, None, 0, Some(500)),
            ("the third try was the last", None, 3, None, 0, None),
            ("and so is any after it", Some(503), 4, None, 0, None),
            ("a timeout", Some(408), 1, None, 0, Some(250)),
            ("too many", Some(429), 1, Some("2"), 0, Some(2250)),
            ("it says when", Some(503), 2, Some(" 1 "), 255, Some(2000)),
            ("it says now", Some(503), 1, Some("0"), 0, Some(250)),
            ("it says much later", Some(503), 1, Some("11"), 0, None),
            ("a date", Some(503), 1, Some("Wed, 21 Oct 2026 07:28:00 GMT"), 0, Some(250)),
            ("a number beyond all", Some(503), 1, Some("99999999999999999999"), 0, Some(250)),
            ("a failure", Some(500), 1, None, 0, Some(250)),
            ("a gateway", Some(502), 1, None, 0, Some(250)),
            ("a gateway's timeout", Some(504), 1, None, 0, Some(250)),
            ("never will be", Some(501), 1, None, 0, None),
            ("a yes", Some(200), 1, Some("1"), 0, None),
            ("a no", Some(400), 1, Some("1"), 0, None),
            ("who are you", Some(401), 1, None, 0, None),
            ("elsewhere", Some(302), 1, None, 0, None),
        ];
        for (name, status, tries, retry_after, jitter, expected) in cases {
            assert_eq!(pause_before_retry(status, tries, retry_after, jitter), expected, "{name}");
        }
    }
}
