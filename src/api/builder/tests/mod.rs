//! Each call against what the official clients send, what is refused before anything is sent, and what answers mean.

mod answers;
mod refusals;
mod requests;

use super::*;
use crate::api::{Auth, Method};
use alloc::{format, string::ToString, vec};
use serde_json::json;

const HERE: Surroundings = Surroundings { environment: Environment::Custom, random: 7 };
const ADDRESS: &str = "0x1111111111111111111111111111111111111111";
const ZERO: &str = "0x0000000000000000000000000000000000000000";
const MAX: &str = "115792089237316195423570985008687907853269984665640564039457584007913129639935";

fn price() -> Value {
    json!({
        "tokenAddress": ZERO, "amounts": ["1000000"], "receivers": [ADDRESS], "contractAddress": ZERO, "feeController": ZERO,
        "externalPriceAddress": ZERO, "templateAddress": ZERO, "isCrypto": false, "currency": "USD",
    })
}

fn credits(seconds: &str) -> Value {
    json!({
        "isRedemptionAmountFixed": false, "redemptionType": 4, "onchainMirror": false, "durationSecs": seconds,
        "amount": "100", "minAmount": "1", "maxAmount": "5",
    })
}

fn plan(more: &Value) -> Value {
    let mut given =
        json!({ "planMetadata": { "name": "n" }, "priceConfig": price(), "creditsConfig": credits("0") });
    merge(&mut given, more);
    given
}

/// Puts members into an object, those of objects inside it one by one.
fn merge(into: &mut Value, more: &Value) {
    let (Value::Object(into), Value::Object(more)) = (into, more) else { panic!("objects") };
    for (name, value) in more {
        match (into.get_mut(name), value) {
            (Some(inner @ Value::Object(_)), Value::Object(_)) => merge(inner, value),
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

fn prepared(name: &str, given: &Value) -> Prepared {
    prepare(name, given, HERE).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// `METHOD path`, `+` where the key rides along, and the body.
fn shown(request: &Request) -> (String, Option<Value>) {
    let key = if request.auth == Auth::Key { "+" } else { "" };
    let body = request.body.as_deref().map(|body| serde_json::from_str(body).unwrap());
    (format!("{}{key} {}", request.method.as_str(), request.path), body)
}

fn answered(name: &str, status: u16, body: &Value) -> Result<Option<Value>, ApiError> {
    let response = Response { status, body: body.to_string(), correlation_id: Some("c".into()) };
    answer(name, &response).map(|text| text.map(|text| serde_json::from_str(&text).unwrap()))
}

#[test]
fn only_what_is_as_good_twice_is_repeated() {
    let offer = json!({ "paymentRequired": {}, "x402AccessToken": "t" });
    let pay = json!({ "credential": "Payment x", "resource": "/a", "httpVerb": "POST" });
    let mint = json!({ "planId": "1", "creditsAmount": 1, "creditsReceiver": ADDRESS });
    for (name, given, repeatable) in [
        ("getMyMemberships", json!({}), true),
        ("getMembers", json!({}), true),
        ("verifyPermissions", offer.clone(), true),
        ("settlePermissions", offer, false),
        ("verifyCredential", pay.clone(), true),
        ("settleCredential", pay, true),
        ("finishSimulationRequest", json!({ "agentRequestId": "r" }), true),
        ("startSimulationRequest", json!({}), false),
        ("removePlanFromAgent", json!({ "planId": "1", "agentId": "2" }), true),
        ("addPlanToAgent", json!({ "planId": "1", "agentId": "2" }), false),
        ("updateAgentMetadata", json!({ "agentId": "2", "agentMetadata": {}, "agentApi": {} }), true),
        ("registerPlan", plan(&json!({ "nonce": 1 })), false),
        ("mintPlanCredits", mint, false),
        ("burnCredits", json!({ "planId": "1", "creditsAmount": 1 }), false),
        ("createOrder", json!({ "amountMinor": 100 }), false),
        ("createOrder", json!({ "amountMinor": 100, "idempotencyKey": "k" }), true),
        ("orderPlan", json!(["1"]), false),
        ("getPlan", json!(["1"]), true),
    ] {
        assert_eq!(prepared(name, &given).repeatable, repeatable, "{name} {given}");
    }
    for (name, status, tries, pause_ms) in [
        ("finishSimulationRequest", Some(404), 1, Some(1000)),
        ("finishSimulationRequest", Some(404), 2, Some(1000)),
        ("finishSimulationRequest", Some(404), 3, None),
        ("finishSimulationRequest", Some(503), 1, Some(250)),
        ("finishSimulationRequest", Some(400), 1, None),
        ("getPlan", Some(404), 1, None),
        ("getPlan", None, 2, Some(500)),
    ] {
        assert_eq!(pause(name, status, tries, None, 0), pause_ms, "{name} {status:?} {tries}");
    }
}

#[test]
fn a_plan_without_a_nonce_gets_all_of_the_random_bits() {
    let surroundings = Surroundings { random: u128::MAX, ..HERE };
    let call = prepare("registerPlan", &plan(&json!({})), surroundings).unwrap();
    assert_eq!(shown(&call.request).1.unwrap()["nonce"], "340282366920938463463374607431768211455");
    assert_eq!(call.request.method, Method::Post);
    assert!(!format!("{call:?}").contains("nonce"), "what may hold a token is not printed");
}
