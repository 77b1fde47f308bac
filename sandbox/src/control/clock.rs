//! The sandbox clock: the machine's clock plus an offset that tests set.

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::member;
use crate::http::response::Response;
use crate::primitives::{suggestion, time};
use crate::settings;
use serde_json::{Map, Value, json};

/// The latest time the clock can be set to: the end of year 9999.
const LAST_SET: i64 = 253_402_300_799_999;

/// `GET /sandbox/clock`
pub(crate) fn read(ctx: &RequestContext) -> Result {
    Response::ok(view(ctx.request.now, ctx.settings.offset))
}

/// `POST /sandbox/clock`: moves the clock for all following requests.
pub(crate) fn set(ctx: &RequestContext) -> Result {
    let offset = changed_offset(&ctx.request.json()?, ctx.request.now, ctx.settings.offset)?;
    settings::store_value(&ctx.store, settings::OFFSET, offset)?;
    Response::ok(view(ctx.request.now.saturating_sub(ctx.settings.offset).saturating_add(offset), offset))
}

/// The clock as JSON.
pub(crate) fn view(now: i64, offset: i64) -> Value {
    json!({ "now": time::iso(now), "nowMs": now, "offsetMs": offset })
}

/// The clock's offset after `body`. `now` is the time before the change, and `offset` the offset before it.
pub(crate) fn changed_offset(body: &Map<String, Value>, now: i64, offset: i64) -> Result<i64> {
    let known = ["now", "advanceSecs", "reset"];
    if let Some(name) = body.keys().find(|name| !known.contains(&name.as_str())) {
        return Err(ApiError::bad_request(suggestion::unknown(name, "a member of the clock", &known)));
    }
    let machine = now.saturating_sub(offset);
    let start = if member(body, "reset").and_then(Value::as_bool).unwrap_or(false) { machine } else { now };
    let start = match member(body, "now") {
        None => start,
        Some(Value::Number(millis)) => millis.as_i64().unwrap_or(-1),
        Some(text) => text.as_str().and_then(time::parse).unwrap_or(-1),
    };
    let advance = match member(body, "advanceSecs") {
        None => 0,
        Some(secs) => secs
            .as_i64()
            .ok_or_else(|| ApiError::bad_request("advanceSecs must be a whole number, below 0 to go back"))?,
    };
    let then = start.saturating_add(advance.saturating_mul(1000));
    if !(0..=LAST_SET).contains(&start) || !(0..=LAST_SET).contains(&then) {
        return Err(ApiError::bad_request(
            "now must be milliseconds since 1970 or 2026-11-20T10:00:00Z, before the year 10000",
        ));
    }
    Ok(then.saturating_sub(machine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_the_clock() {
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
            assert_eq!(changed_offset(body.as_object().unwrap(), 10_000, 500).ok(), offset, "{name}");
        }
    }
}
