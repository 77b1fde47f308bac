//! Fault injection for tests. It is available only if the sandbox was started with it.
//!
//! A Worker cannot cut a connection: an exception becomes a 500. It can send a response that no client accepts: a
//! header of 600 kB exceeds the limits of Node (16 kB), workerd (below 300 kB), Chromium (256 kB) and Python (64 kB).
//! In each of them `fetch` rejects without a status, as it does when the server closes the connection. `drop` and
//! `lose-answer` are simulated this way. A truncated body would not do: the headers would have arrived, and `fetch`
//! would resolve.

use crate::context::RequestContext;
use crate::control::access;
use crate::http::error;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{decimal, member, text, whole};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::primitives::random::Random;
use crate::primitives::regex;
use crate::primitives::suggestion;
use crate::storage::store::{Store, binds};
use serde::Deserialize;
use serde_json::{Map, Value};

/// A header that exceeds the limits of all clients.
pub(crate) const OVERSIZED: (&str, usize) = ("x-sandbox-lost", 600_000);
/// Maximum delay in milliseconds.
const MAX_WAIT: i64 = 120_000;
const MEMBERS: [&str; 9] =
    ["match", "kind", "ms", "status", "code", "retryAfterSecs", "times", "probability", "seed"];

/// A kind of fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FaultKind {
    /// The request is served after a delay in milliseconds.
    Latency(u64),
    /// The request is not served; this error is the response.
    Status { status: u16, code: String, retry_after: Option<i64> },
    /// The request is not served, and the connection fails.
    Drop,
    /// The request is served, and the response is cut in half.
    Garble,
    /// The request is served, and the response is lost.
    LoseAnswer,
}

impl FaultKind {
    fn read(fault: &Map<String, Value>) -> Result<Self> {
        Ok(match text(fault, "kind").unwrap_or_default() {
            "latency" => {
                let ms = whole(fault, "ms")?.unwrap_or(1000).min(MAX_WAIT);
                Self::Latency(u64::try_from(ms).unwrap_or_default())
            }
            "status" => {
                let status = whole(fault, "status")?.unwrap_or(503);
                let status = u16::try_from(status).ok().filter(|status| (400..=599).contains(status));
                let status = status.ok_or_else(|| ApiError::bad_request("status must be from 400 to 599"))?;
                let usual = if status == 503 { "BCK.COMMON.0029" } else { "SANDBOX.FAULT" };
                let code = text(fault, "code").unwrap_or(usual).to_owned();
                Self::Status { status, code, retry_after: whole(fault, "retryAfterSecs")? }
            }
            "drop" => Self::Drop,
            "garble" => Self::Garble,
            "lose-answer" => Self::LoseAnswer,
            _ => {
                return Err(ApiError::bad_request(
                    "kind must be one of latency, status, drop, garble, lose-answer",
                ));
            }
        })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Status { .. } => "status",
            Self::Drop => "drop",
            Self::Garble => "garble",
            Self::LoseAnswer => "lose-answer",
        }
    }
}

/// A fault: the requests it matches, and how often it is injected.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fault {
    kind: FaultKind,
    method: Option<String>,
    path: Option<String>,
    /// Maximum number of injections; unlimited if absent.
    times: Option<i64>,
    /// The probability in millionths.
    probability: u64,
    seed: u64,
}

impl Fault {
    fn read(value: &Value, seed: u64) -> Result<Self> {
        let fault = value.as_object().ok_or_else(|| ApiError::bad_request("A fault must be an object"))?;
        let empty = Map::new();
        let matched = member(fault, "match").and_then(Value::as_object).unwrap_or(&empty);
        for (members, known, what) in [
            (fault, MEMBERS.as_slice(), "a member of a fault"),
            (matched, &["method", "path"], "a member of match"),
        ] {
            if let Some(name) = members.keys().find(|name| !known.contains(&name.as_str())) {
                return Err(ApiError::bad_request(suggestion::unknown(name, what, known)));
            }
        }
        let probability = match member(fault, "probability") {
            None => 1_000_000,
            Some(number) => decimal(&number.to_string(), 6)
                .filter(|chance| *chance <= 1_000_000)
                .ok_or_else(|| ApiError::bad_request("probability must be from 0 to 1"))?,
        };
        let seed = whole(fault, "seed")?.and_then(|seed| u64::try_from(seed).ok()).unwrap_or(seed);
        Ok(Self {
            kind: FaultKind::read(fault)?,
            method: text(matched, "method").map(str::to_ascii_uppercase),
            path: text(matched, "path").map(str::to_owned),
            times: whole(fault, "times")?,
            probability,
            seed,
        })
    }

    /// True if the fault is for this request. A path that begins with `/` is a prefix, any other is a regular
    /// expression.
    fn matches_request(&self, method: &str, path: &str, matches: impl Fn(&str, &str) -> bool) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path.as_deref().is_none_or(|wanted| match wanted.starts_with('/') {
                true => path.starts_with(wanted),
                false => matches(wanted, path),
            })
    }

    /// True if the fault is injected into the matching request number `index`, after `struck` injections. The same
    /// seed always gives the same decisions.
    fn fires(&self, index: i64, struck: i64) -> bool {
        let left = self.times.is_none_or(|times| struck < times);
        left && splitmix64(self.seed, index) % 1_000_000 < self.probability
    }
}

/// A pseudo-random number: splitmix64.
fn splitmix64(seed: u64, index: i64) -> u64 {
    let step = index.unsigned_abs().wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut splitmix64 = seed.wrapping_add(step);
    splitmix64 = (splitmix64 ^ (splitmix64 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    splitmix64 = (splitmix64 ^ (splitmix64 >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    splitmix64 ^ (splitmix64 >> 31)
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    rule: String,
    seed: String,
    /// The number of matching requests so far.
    #[serde(rename = "seen")]
    calls: i64,
    struck: i64,
}

impl Row {
    fn fault(&self) -> Result<Fault> {
        let rule = serde_json::from_str(&self.rule).unwrap_or(Value::Null);
        Fault::read(&rule, self.seed.parse().unwrap_or_default())
    }

    fn view(&self) -> Value {
        let mut view: Value = serde_json::from_str(&self.rule).unwrap_or(Value::Null);
        if let (Some(view), Ok(fault)) = (view.as_object_mut(), self.fault()) {
            view.insert("id".into(), self.id.into());
            view.insert("seed".into(), fault.seed.into());
            view.insert("seen".into(), self.calls.into());
            view.insert("struck".into(), self.struck.into());
        }
        view
    }
}

fn rows(store: &Store) -> Result<Vec<Row>> {
    store.rows("SELECT id, rule, seed, seen, struck FROM faults ORDER BY id", binds![])
}

/// The faults to inject into this request: all delays, and the first other fault.
pub(crate) fn inject(store: &Store, request: &Request) -> Result<Vec<FaultKind>> {
    let mut kinds = Vec::new();
    if access::is_own(request) {
        return Ok(kinds);
    }
    let (path, mut settled) = (format!("/{}", request.path.join("/")), false);
    for row in rows(store)? {
        let fault = row.fault()?;
        let waits = matches!(fault.kind, FaultKind::Latency(_));
        if (settled && !waits) || !fault.matches_request(&request.method, &path, regex::matches) {
            continue;
        }
        let fires = fault.fires(row.calls, row.struck);
        store.run(
            "UPDATE faults SET seen = seen + 1, struck = struck + ? WHERE id = ?",
            binds![i64::from(fires), row.id],
        )?;
        if fires {
            settled |= !waits;
            kinds.push(fault.kind);
        }
    }
    Ok(kinds)
}

/// The response of a `status` fault.
pub(crate) fn response(
    status: u16,
    code: &str,
    retry_after: Option<i64>,
    request: &Request,
    now: &str,
) -> Response {
    let message = "This error was injected by a fault of the sandbox";
    let mut response = error::envelope(status, code, message, None, &request.correlation, now);
    response.retry_after = retry_after;
    response
}

/// The names of the injected faults, for the call log.
pub(crate) fn names(kinds: &[FaultKind]) -> Option<String> {
    let names: Vec<_> = kinds.iter().map(FaultKind::name).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// `GET /sandbox/faults`: the faults, with the number of matched requests and of injections.
pub(crate) fn list(ctx: &RequestContext) -> Result {
    Response::ok(views(ctx)?)
}

/// `POST /sandbox/faults`: adds one fault or a list. The first fault that matches is injected.
pub(crate) fn add(ctx: &RequestContext) -> Result {
    let body: Value = serde_json::from_str(&ctx.request.body)
        .map_err(|error| ApiError::bad_request(format!("The body is not JSON: {error}")))?;
    let faults = match body {
        Value::Array(faults) => faults,
        fault => vec![fault],
    };
    for value in &faults {
        // 32 bits, so a JavaScript client can read the number and send it back.
        let chance = Random::Runtime.bytes(4)?.iter().fold(0, |sum, byte| sum * 256 + u64::from(*byte));
        let fault = Fault::read(value, chance)?;
        let pattern = fault.path.as_deref().filter(|path| !path.starts_with('/'));
        if pattern.is_some_and(|pattern| !regex::is_valid(pattern)) {
            return Err(ApiError::bad_request("match.path is neither a path nor a regular expression"));
        }
        ctx.store.run(
            "INSERT INTO faults (rule, seed, seen, struck) VALUES (?, ?, 0, 0)",
            binds![value.to_string(), fault.seed.to_string()],
        )?;
    }
    Ok(Response { status: 201, ..list(ctx)? })
}

/// `DELETE /sandbox/faults`: removes all faults.
pub(crate) fn clear(ctx: &RequestContext) -> Result {
    ctx.store.run("DELETE FROM faults", binds![])?;
    Ok(Response::empty())
}

/// `DELETE /sandbox/faults/:id`: removes one fault.
pub(crate) fn remove(ctx: &RequestContext, id: &str) -> Result {
    ctx.store.run("DELETE FROM faults WHERE id = ?", binds![id.parse::<i64>().unwrap_or_default()])?;
    Ok(Response::empty())
}

/// The faults, or null if fault injection is off.
pub(crate) fn views(ctx: &RequestContext) -> Result<Value> {
    if ctx.faults_enabled {
        Ok(Value::Array(rows(&ctx.store)?.iter().map(Row::view).collect()))
    } else {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fault(value: Value) -> Fault {
        Fault::read(&value, 7).unwrap()
    }

    #[test]
    fn requests_that_a_fault_matches() {
        let ends = |pattern: &str, path: &str| path.ends_with(pattern.trim_end_matches('$'));
        for (matched, matches_request) in [
            (json!(null), true),
            (json!({}), true),
            (json!({ "method": "post" }), true),
            (json!({ "method": "GET" }), false),
            (json!({ "path": "/api/v1/x402" }), true),
            (json!({ "path": "/x402" }), false),
            (json!({ "path": "settle$" }), true),
            (json!({ "path": "verify$" }), false),
            (json!({ "method": "GET", "path": "/api" }), false),
        ] {
            let fault = fault(json!({ "kind": "drop", "match": matched }));
            assert_eq!(
                fault.matches_request("POST", "/api/v1/x402/settle", ends),
                matches_request,
                "{matched}"
            );
        }
    }

    #[test]
    fn number_of_injections() {
        let always = fault(json!({ "kind": "drop" }));
        assert!((0..50).all(|index| always.fires(index, index)));
        let twice = fault(json!({ "kind": "drop", "times": 2 }));
        assert_eq!([0, 1, 2, 3].map(|struck| twice.fires(9, struck)), [true, true, false, false]);
        let count = |fault: &Fault| (0..1000).filter(|index| fault.fires(*index, 0)).count();
        assert_eq!(count(&fault(json!({ "kind": "drop", "probability": 0 }))), 0);
        assert_eq!(count(&fault(json!({ "kind": "drop", "probability": 1 }))), 1000);
        let half = fault(json!({ "kind": "drop", "probability": 0.5, "seed": 1 }));
        assert!((400..600).contains(&count(&half)));
        let first: Vec<_> = (0..64).map(|index| half.fires(index, 0)).collect();
        let again: Vec<_> = (0..64).map(|index| half.clone().fires(index, 0)).collect();
        let other = fault(json!({ "kind": "drop", "probability": 0.5, "seed": 2 }));
        assert_eq!(first, again);
        assert_ne!(first, (0..64).map(|index| other.fires(index, 0)).collect::<Vec<_>>());
    }

    #[test]
    fn members_of_a_fault() {
        for (value, kind) in [
            (json!({ "kind": "latency", "ms": 5 }), FaultKind::Latency(5)),
            (json!({ "kind": "latency" }), FaultKind::Latency(1000)),
            (
                json!({ "kind": "status" }),
                FaultKind::Status { status: 503, code: "BCK.COMMON.0029".into(), retry_after: None },
            ),
            (
                json!({ "kind": "status", "status": 429, "retryAfterSecs": 2 }),
                FaultKind::Status { status: 429, code: "SANDBOX.FAULT".into(), retry_after: Some(2) },
            ),
            (json!({ "kind": "garble" }), FaultKind::Garble),
            (json!({ "kind": "lose-answer" }), FaultKind::LoseAnswer),
        ] {
            assert_eq!(fault(value).kind, kind);
        }
        for value in [
            json!([]),
            json!({}),
            json!({ "kind": "fire" }),
            json!({ "kind": "status", "status": 200 }),
            json!({ "kind": "drop", "probability": 2 }),
            json!({ "kind": "drop", "probability": -0.5 }),
            json!({ "kind": "drop", "time": 1 }),
            json!({ "kind": "drop", "match": { "url": "/" } }),
        ] {
            assert_eq!(Fault::read(&value, 0).unwrap_err().status, 400, "{value}");
        }
    }
}
