//! JavaScript values to ours, each with an error that names the field. The one place that looks into objects by name.

use super::error::{Facts, reject};
use crate::api::plans::PlanPrice;
use crate::subscriber::{Approval, Policy, Timeouts};
use crate::wire::{Credits, DelegationRef, Scheme, WireError};
use alloc::{
    rc::Rc,
    string::{String, ToString},
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

pub(super) fn text(object: &JsValue, name: &str) -> Result<Option<String>, JsValue> {
    let value = get(object, name);
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    value.as_string().map(Some).ok_or_else(|| bad_field(name, "a string"))
}

pub(super) fn flag(object: &JsValue, name: &str) -> Result<Option<bool>, JsValue> {
    let value = get(object, name);
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    value.as_bool().map(Some).ok_or_else(|| bad_field(name, "true or false"))
}

pub(super) fn function(object: &JsValue, name: &str) -> Result<Option<Function>, JsValue> {
    let value = get(object, name);
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    value.dyn_into().map(Some).map_err(|_| bad_field(name, "a function"))
}

/// A whole number, not below zero.
pub(super) fn whole(object: &JsValue, name: &str) -> Result<Option<u32>, JsValue> {
    let value = get(object, name);
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    digits(&value)
        .and_then(|digits| digits.parse::<u32>().ok())
        .map(Some)
        .ok_or_else(|| bad_field(name, "a whole number"))
}

/// A number of milliseconds, whole and above zero.
pub(super) fn milliseconds(object: &JsValue, name: &str) -> Result<Option<u32>, JsValue> {
    match whole(object, name)? {
        Some(0) => Err(bad_field(name, "above zero")),
        // A timer counts in 31 bits, and what is more is no time at all.
        number => Ok(number.map(|number| number.min(u32::MAX >> 1))),
    }
}

/// Credits as a `bigint`, a decimal string, or a whole number.
pub(super) fn credits(object: &JsValue, name: &'static str) -> Result<Option<Credits>, JsValue> {
    let value = get(object, name);
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    digits(&value)
        .and_then(|digits| digits.parse().ok())
        .map(Some)
        .ok_or_else(|| bad_field(name, "a whole number of credits: a bigint, a decimal string or a number"))
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
pub(super) fn texts(value: &JsValue, name: &str) -> Result<Vec<String>, JsValue> {
    if value.is_null_or_undefined() {
        return Ok(Vec::new());
    }
    let list: &Array = value.dyn_ref().ok_or_else(|| bad_field(name, "an array of strings"))?;
    list.iter().map(|one| one.as_string().ok_or_else(|| bad_field(name, "an array of strings"))).collect()
}

/// `scheme`, if there is one.
pub(super) fn scheme(options: &JsValue) -> Result<Option<Scheme>, JsValue> {
    let unknown = || bad_field("scheme", "nvm:erc4337 or nvm:card-delegation");
    text(options, "scheme")?.map(|name| Scheme::parse(&name).ok_or_else(unknown)).transpose()
}

/// `policy`, if there is one.
pub(super) fn policy(options: &JsValue) -> Result<Option<Rc<Policy>>, JsValue> {
    let value = get(options, "policy");
    if value.is_null_or_undefined() {
        return Ok(None);
    }
    if !value.is_object() {
        return Err(bad_field("policy", "an object"));
    }
    let mut policy = Policy { purchase: flag(&value, "purchase")?, ..Policy::default() };
    for (name, limit) in [
        ("maxCreditsPerRequest", &mut policy.max_credits_per_request),
        ("maxCreditsPerHour", &mut policy.max_credits_per_hour),
        ("maxCreditsPerDay", &mut policy.max_credits_per_day),
        ("maxCreditsTotal", &mut policy.max_credits_total),
    ] {
        *limit = credits(&value, name)?;
    }
    for (name, list) in [
        ("plans", &mut policy.plans),
        ("origins", &mut policy.origins),
        ("networks", &mut policy.networks),
        ("schemes", &mut policy.schemes),
    ] {
        *list = texts(&get(&value, name), name)?;
    }
    for (name, limit) in [
        ("maxPurchasesPerHour", &mut policy.max_purchases.per_hour),
        ("maxPurchasesPerDay", &mut policy.max_purchases.per_day),
        ("maxPurchasesTotal", &mut policy.max_purchases.total),
    ] {
        *limit = whole(&value, name)?;
    }
    let price = get(&value, "maxPrice");
    if let (Some(amount), Some(currency)) = (credits(&price, "amount")?, text(&price, "currency")?) {
        policy.max_price = Some(PlanPrice { amount, currency });
    }
    policy.count_price = text(&value, "count")?.is_some_and(|count| count == "price");
    Ok(Some(Rc::new(policy)))
}

/// `timeouts`; what is not given is the instance's.
pub(super) fn timeouts(options: &JsValue, instance: Timeouts) -> Result<Timeouts, JsValue> {
    let value = get(options, "timeouts");
    let of = |name, instance| milliseconds(&value, name).map(|given: Option<u32>| given.or(instance));
    Ok(Timeouts {
        send: of("send", instance.send)?,
        platform: of("platform", instance.platform)?,
        approve: of("approve", instance.approve)?,
        credits: of("credits", instance.credits)?,
    })
}

/// `delegationConfig`: `delegationId`, or else `apiKeyId`, if there is one.
pub(super) fn delegation(options: &JsValue) -> Result<Option<DelegationRef>, JsValue> {
    delegation_id(&get(options, "delegationConfig"))
}

fn delegation_id(object: &JsValue) -> Result<Option<DelegationRef>, JsValue> {
    let parsed = match (text(object, "delegationId")?, text(object, "apiKeyId")?) {
        (Some(id), _) => DelegationRef::parse(&id, "delegationId"),
        (None, Some(id)) => DelegationRef::of_api_key(&id, "apiKeyId"),
        (None, None) => return Ok(None),
    };
    parsed.map(Some).map_err(|error| bad_wire(&error))
}

/// What an `approve` callback answered: a boolean, or an object that says more. Anything else is a no.
pub(super) fn approval(answer: &JsValue) -> Result<Approval, JsValue> {
    if !answer.is_object() {
        return Ok(Approval { approve: answer.as_bool() == Some(true), ..Approval::default() });
    }
    Ok(Approval {
        approve: flag(answer, "approve")? == Some(true),
        purchase: flag(answer, "purchase")?,
        remember: flag(answer, "remember")? == Some(true),
        delegation_id: delegation_id(answer)?,
    })
}
