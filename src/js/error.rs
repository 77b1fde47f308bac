//! Errors as JavaScript meets them: one class, made from facts.

use super::views::{Jsonish, SpendView};
use crate::api::ApiError;
use crate::subscriber::{FetchError, Finish, LoginError, Outcome};
use crate::transport::Head;
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/error.js")]
extern "C" {
    /// See `types.d.ts`.
    #[wasm_bindgen(extends = js_sys::Error, reexport)]
    type PaymentsError;

    #[wasm_bindgen(constructor)]
    fn new(message: &str, facts: JsValue) -> PaymentsError;
}

/// What a [`PaymentsError`] carries beside its message. `cause` and `response` are set apart, being no data.
#[derive(Default, Serialize)]
pub(super) struct Facts<'a> {
    pub(super) code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(rename = "correlationId", skip_serializing_if = "Option::is_none")]
    pub(super) correlation_id: Option<&'a str>,
    pub(super) retryable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) spend: Option<SpendView>,
}

/// Makes an error to throw or to reject with.
pub(super) fn reject(message: &str, facts: Facts<'_>) -> JsValue {
    PaymentsError::new(message, facts.to_js()).into()
}

/// The same, caused by something that JavaScript threw.
pub(super) fn reject_because(message: &str, code: &str, cause: &JsValue) -> JsValue {
    let facts = Facts { code, ..Facts::default() }.to_js();
    set(&facts, "cause", cause);
    PaymentsError::new(message, facts).into()
}

pub(super) fn from_api(error: &ApiError) -> JsValue {
    reject(&error.message, api_facts(error))
}

fn api_facts(error: &ApiError) -> Facts<'_> {
    Facts {
        code: &error.code,
        hint: error.hint.as_deref(),
        status: (error.status > 0).then_some(error.status),
        correlation_id: error.correlation_id.as_deref(),
        retryable: error.retryable,
        spend: None,
    }
}

pub(super) fn from_login(error: &LoginError) -> JsValue {
    reject(error.message(), Facts { code: error.code(), ..Facts::default() })
}

/// The platform could not be reached.
pub(super) fn unreachable() -> JsValue {
    let error = FetchError::PlatformUnreachable;
    reject(&error.message(), Facts { code: error.code(), retryable: true, ..Facts::default() })
}

/// A paid fetch that ended in an error: with what was spent, the last answer, and what JavaScript threw, if it did.
pub(super) fn from_fetch(
    error: &FetchError,
    finish: &Finish,
    head: Option<&Head>,
    cause: Option<&JsValue>,
) -> JsValue {
    let base = match error {
        FetchError::Platform(error) => api_facts(error),
        _ => Facts::default(),
    };
    let facts = Facts {
        code: error.code(),
        hint: error.hint(),
        retryable: error.is_retryable() && finish.spend.outcome == Outcome::None,
        spend: Some(SpendView::of(finish)),
        status: base.status.or(head.map(Head::status)),
        ..base
    }
    .to_js();
    if let Some(head) = head {
        set(&facts, "response", &head.response());
    }
    if let Some(cause) = cause {
        set(&facts, "cause", cause);
    }
    PaymentsError::new(&error.message(), facts).into()
}

/// Sets a member of an object of our own making, which does not fail.
pub(super) fn set(object: &JsValue, name: &str, value: &JsValue) {
    drop(js_sys::Reflect::set(object, &name.into(), value));
}
