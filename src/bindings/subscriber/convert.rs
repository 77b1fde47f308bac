//! JavaScript values to ours. The one place that looks into objects by name: they are ours, fresh and flat, as `options.js` read them,
//! and what they may hold was checked there.

use super::error::{Facts, reject};
use crate::api::plans::PlanPrice;
use crate::subscriber::{Approval, Policy, Timeouts};
use crate::wire::{Credits, DelegationRef, Scheme, WireError};
use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};
use js_sys::{Array, Function, Reflect};
use wasm_bindgen::prelude::*;

/// A member of an object; undefined where it is absent, or where there is no object.
pub(super) fn get(object: &JsValue, name: &str) -> JsValue {
    if object.is_null_or_undefined() {
        return JsValue::UNDEFINED;
    }
    Reflect::get(object, &name.into()).unwrap_or(JsValue::UNDEFINED)
}

/// An error about a field of what the caller gave.
pub(super) fn bad_field(name: &str, expected: &str) -> JsValue {
    reject(&[name, " must be ", expected].concat(), Facts { code: "validation", ..Facts::default() })
}

/// The same, from a wire type's own check.
pub(super) fn bad_wire(error: &WireError) -> JsValue {
    reject(&error.to_string(), Facts { code: "validation", ..Facts::default() })
}

pub(super) fn text(object: &JsValue, name: &str) -> Option<String> {
    get(object, name).as_string()
}

pub(super) fn flag(object: &JsValue, name: &str) -> Option<bool> {
    get(object, name).as_bool()
}

pub(super) fn function(object: &JsValue, name: &str) -> Option<Function> {
    get(object, name).dyn_into().ok()
}

/// A whole number, below 2^32.
pub(super) fn whole(object: &JsValue, name: &str) -> Option<u32> {
    // It was checked to be one.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    get(object, name).as_f64().map(|number| number as u32)
}

/// Credits, which come as decimal digits.
pub(super) fn credits(object: &JsValue, name: &str) -> Option<Credits> {
    text(object, name)?.parse().ok()
}

/// A string as it is, a number or `bigint` as JavaScript prints it: float printing in Rust is 14 KB.
pub(super) fn digits(value: &JsValue) -> Option<String> {
    match value.as_string() {
        Some(text) => Some(text),
        None if value.is_bigint() || value.as_f64().is_some() => Some(js_string(value)),
        None => None,
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = String)]
    fn js_string(value: &JsValue) -> String;
}

/// An array of strings; none where there is no value.
pub(super) fn texts(object: &JsValue, name: &str) -> Vec<String> {
    let list = get(object, name);
    let list: Option<&Array> = list.dyn_ref();
    list.map(|list| list.iter().filter_map(|one| one.as_string()).collect()).unwrap_or_default()
}

/// `scheme`, if there is one.
pub(super) fn scheme(options: &JsValue) -> Option<Scheme> {
    Scheme::parse(&text(options, "scheme")?)
}

/// `policy`, if there is one.
pub(super) fn policy(options: &JsValue) -> Option<Arc<Policy>> {
    let value = get(options, "policy");
    if !value.is_object() {
        return None;
    }
    let mut policy = Policy { purchase: flag(&value, "purchase"), ..Policy::default() };
    for (name, limit) in [
        ("maxCreditsPerRequest", &mut policy.max_credits_per_request),
        ("maxCreditsPerHour", &mut policy.max_credits_per_hour),
        ("maxCreditsPerDay", &mut policy.max_credits_per_day),
        ("maxCreditsTotal", &mut policy.max_credits_total),
    ] {
        *limit = credits(&value, name);
    }
    for (name, list) in [
        ("plans", &mut policy.plans),
        ("origins", &mut policy.origins),
        ("networks", &mut policy.networks),
        ("schemes", &mut policy.schemes),
    ] {
        *list = texts(&value, name);
    }
    for (name, limit) in [
        ("maxPurchasesPerHour", &mut policy.max_purchases.per_hour),
        ("maxPurchasesPerDay", &mut policy.max_purchases.per_day),
        ("maxPurchasesTotal", &mut policy.max_purchases.total),
    ] {
        *limit = whole(&value, name);
    }
    let price = get(&value, "maxPrice");
    if let (Some(amount), Some(currency)) = (credits(&price, "amount"), text(&price, "currency")) {
        policy.max_price = Some(PlanPrice { amount, currency });
    }
    policy.count_price = text(&value, "count").is_some_and(|count| count == "price");
    Some(Arc::new(policy))
}

/// `timeouts`; what is not given is the instance's.
pub(super) fn timeouts(options: &JsValue, instance: Timeouts) -> Timeouts {
    let value = get(options, "timeouts");
    let of = |name, instance| whole(&value, name).or(instance);
    Timeouts {
        send: of("send", instance.send),
        platform: of("platform", instance.platform),
        approve: of("approve", instance.approve),
        credits: of("credits", instance.credits),
    }
}

/// `delegationConfig`: `delegationId`, or else `apiKeyId`, if there is one.
pub(super) fn delegation(options: &JsValue) -> Result<Option<DelegationRef>, JsValue> {
    delegation_id(&get(options, "delegationConfig"))
}

fn delegation_id(object: &JsValue) -> Result<Option<DelegationRef>, JsValue> {
    let parsed = match (text(object, "delegationId"), text(object, "apiKeyId")) {
        (Some(id), _) => DelegationRef::parse(&id, "delegationId"),
        (None, Some(id)) => DelegationRef::of_api_key(&id, "apiKeyId"),
        (None, None) => return Ok(None),
    };
    parsed.map(Some).map_err(|error| bad_wire(&error))
}

/// What an `approve` callback answered: a boolean, or an object that says more.
pub(super) fn approval(answer: &JsValue) -> Result<Approval, JsValue> {
    if !answer.is_object() {
        return Ok(Approval { approve: answer.as_bool() == Some(true), ..Approval::default() });
    }
    Ok(Approval {
        approve: flag(answer, "approve") == Some(true),
        purchase: flag(answer, "purchase"),
        remember: flag(answer, "remember") == Some(true),
        delegation_id: delegation_id(answer)?,
    })
}
