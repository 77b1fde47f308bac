//! The functions that need no instance, with the official SDK's names. See `types.d.ts` for what each does.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use super::browser::parameters;
use super::calls::{id, promise, require_object};
use super::convert::{bad_field, bad_wire, scheme, text, texts};
use super::error::{from_api, from_login, set, unreachable};
use super::payments::Payments;
use super::session::Settings;
use crate::api::offer::{Terms, payment_required};
use crate::api::plans::{PlanScheme, get_plan};
use crate::subscriber::{CALLBACK_KEY, LoginAnswer, STATE, callback_login_url, read_login_answer};
use crate::transport::random_hex;
use crate::wire::{Environment, MAX_TOKEN_BYTES, Secret, base64};
use alloc::{string::String, vec::Vec};
use js_sys::{JSON, Object, Promise};
use wasm_bindgen::prelude::*;

/// See `types.d.ts`.
#[wasm_bindgen(js_name = decodeAccessToken, skip_typescript)]
pub fn decode_access_token(token: &str) -> JsValue {
    let bytes = base64::decode(token, MAX_TOKEN_BYTES, "access token").ok();
    let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    text.and_then(|text| JSON::parse(&text).ok()).unwrap_or(JsValue::NULL)
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = encodeAccessToken, skip_typescript)]
pub fn encode_access_token(payload: &JsValue) -> Result<String, JsValue> {
    Ok(base64::encode_url(super::calls::body(payload, "payload")?.as_bytes()))
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = buildPaymentRequired, skip_typescript)]
pub fn build_payment_required(plan_id: String, options: &JsValue) -> Result<JsValue, JsValue> {
    offer(&[&plan_id], options)
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = buildPaymentRequiredForPlans, skip_typescript)]
pub fn build_payment_required_for_plans(plan_ids: &JsValue, options: &JsValue) -> Result<JsValue, JsValue> {
    let plan_ids = texts(plan_ids, "planIds")?;
    offer(&plan_ids.iter().map(String::as_str).collect::<Vec<_>>(), options)
}

fn offer(plan_ids: &[&str], options: &JsValue) -> Result<JsValue, JsValue> {
    let text = |name| text(options, name);
    let terms = Terms {
        endpoint: text("endpoint")?,
        agent_id: text("agentId")?,
        http_verb: text("httpVerb")?,
        network: text("network")?,
        description: text("description")?,
        mime_type: text("mimeType")?,
        scheme: scheme(options)?,
        environment: text("environment")?.as_deref().and_then(Environment::parse),
    };
    JSON::parse(&payment_required(plan_ids, &terms))
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = resolveScheme, skip_typescript)]
pub fn resolve_scheme(payments: &Payments, plan: JsValue, explicit: JsValue) -> Promise {
    resolve(payments, plan, explicit, |plan| Some(plan.scheme.as_str().into()))
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = resolveNetwork, skip_typescript)]
pub fn resolve_network(payments: &Payments, plan: JsValue, explicit: JsValue) -> Promise {
    resolve(payments, plan, explicit, |plan| plan.provider)
}

fn resolve(
    payments: &Payments,
    plan: JsValue,
    explicit: JsValue,
    part: fn(PlanScheme) -> Option<String>,
) -> Promise {
    let session = payments.session.clone();
    promise(async move {
        if explicit.is_truthy() {
            return Ok(explicit);
        }
        let response = session.call(&get_plan(&id(&plan, "planId")?)).await.ok_or_else(unreachable)?;
        let plan = PlanScheme::read(&response).map_err(|error| from_api(&error))?;
        Ok(part(plan).map_or(JsValue::UNDEFINED, Into::into))
    })
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = loginUrl, skip_typescript)]
pub fn callback_login(options: &JsValue) -> Result<JsValue, JsValue> {
    require_object(options, "options")?;
    let deployment = Settings::read(options)?.deployment(None).map_err(|error| bad_wire(&error))?;
    let callback = text(options, "callbackUrl")?.unwrap_or_default();
    let state = random_hex();
    let url = callback_login_url(&deployment, &callback, &state)
        .map_err(|_| bad_field("callbackUrl", "an http URL on this machine"))?;
    let login: JsValue = Object::new().into();
    set(&login, "url", &url.into());
    set(&login, "state", &state.into());
    Ok(login)
}

/// See `types.d.ts`.
#[wasm_bindgen(js_name = readCallback, skip_typescript)]
pub fn read_callback(url: &str, state: &str) -> Result<Option<String>, JsValue> {
    let mut values = parameters(url, [CALLBACK_KEY, STATE].map(Into::into).into()).into_iter();
    let mut next = || values.next().and_then(|value| value.as_string());
    let answer = LoginAnswer { key: next().map(Secret::new), account: None, state: next() };
    let key = read_login_answer(&answer, Some(state)).map_err(|error| from_login(&error))?;
    Ok(key.map(|key| key.secret().expose().into()))
}
