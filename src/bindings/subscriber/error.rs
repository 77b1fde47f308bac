//! Errors as JavaScript meets them: one class, made from facts, with a subclass for each answer that a caller branches on.

use super::views;
use super::views::View;
use crate::api::{ApiError, Request};
use crate::bindings::http::Head;
use crate::subscriber::{FetchError, Finish, Outcome, Spend};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/bindings/subscriber/js/error.js")]
extern "C" {
    /// See `types.d.ts`.
    #[wasm_bindgen(js_name = paymentsError)]
    fn payments_error(message: &str, kind: Option<&str>, facts: JsValue) -> JsValue;
}

/// The class that a caller branches on, if it is one of those. `ended` is whether the platform refused the key itself.
fn kind(code: &str, ended: bool) -> Option<&'static str> {
    Some(match code {
        "payment_refused" => "PaymentRefused",
        "consent_denied" => "ConsentDenied",
        "budget_exceeded" => "BudgetExceeded",
        "outcome_unknown" | "purchase_outcome_unknown" => "OutcomeUnknown",
        "malformed_offer" => "MalformedOffer",
        "session_ended" => "SessionExpired",
        _ if ended => "SessionExpired",
        _ => return None,
    })
}

/// What an error carries beside its message.
#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) code: &'a str,
    pub(super) hint: Option<&'a str>,
    pub(super) status: Option<u16>,
    pub(super) correlation_id: Option<&'a str>,
    pub(super) retryable: bool,
    pub(super) docs_url: Option<&'a str>,
    pub(super) spend: JsValue,
    pub(super) response: JsValue,
    pub(super) cause: JsValue,
}

impl Facts<'_> {
    fn to_js(&self) -> JsValue {
        let view = View::new();
        view.text("code", self.code);
        view.some_text("hint", self.hint);
        if let Some(status) = self.status {
            view.number("status", status.into());
        }
        view.some_text("correlationId", self.correlation_id);
        view.flag("retryable", self.retryable);
        view.some_text("docsUrl", self.docs_url);
        view.value("spend", &self.spend);
        view.value("response", &self.response);
        view.value("cause", &self.cause);
        view.done()
    }
}

/// Makes an error to throw or to reject with.
pub(super) fn reject(message: &str, facts: Facts<'_>) -> JsValue {
    payments_error(message, kind(facts.code, false), facts.to_js())
}

/// The same, caused by something that JavaScript threw.
pub(super) fn reject_because(message: &str, code: &str, cause: &JsValue) -> JsValue {
    reject(message, Facts { code, cause: cause.clone(), ..Facts::default() })
}

pub(super) fn from_api(error: &ApiError) -> JsValue {
    payments_error(&error.message, kind(&error.code, error.ends_session()), api_facts(error).to_js())
}

fn api_facts(error: &ApiError) -> Facts<'_> {
    Facts {
        code: &error.code,
        hint: error.hint.as_deref(),
        status: (error.status > 0).then_some(error.status),
        correlation_id: error.correlation_id.as_deref(),
        retryable: error.retryable,
        docs_url: error.docs_url.as_deref(),
        ..Facts::default()
    }
}

/// The caller's signal fired.
pub(super) fn aborted(reason: &JsValue) -> JsValue {
    let error = FetchError::Aborted;
    reject_because(&error.message(), error.code(), reason)
}

/// The platform could not be reached, or did not say what it did: only what does no harm twice may be tried again.
pub(super) fn unanswered(request: &Request) -> JsValue {
    let error =
        if request.is_order() { FetchError::PurchaseUnknown } else { FetchError::PlatformUnreachable };
    let (hint, retryable) = (error.hint(), request.is_idempotent());
    reject(&error.message(), Facts { code: error.code(), hint, retryable, ..Facts::default() })
}

/// A paid fetch that ended in an error: with what was spent, the last answer, and what JavaScript threw, if it did.
pub(super) fn from_fetch(
    error: &FetchError,
    finish: &Finish,
    head: Option<&Head>,
    cause: Option<&JsValue>,
) -> JsValue {
    let (base, ended) = match error {
        FetchError::Platform(error) => (api_facts(error), error.ends_session()),
        _ => (Facts::default(), false),
    };
    let facts = Facts {
        code: error.code(),
        hint: error.hint(),
        retryable: error.is_retryable() && finish.spend.outcome == Outcome::None,
        spend: views::spend(&finish.spend, finish.receipt.as_deref()),
        response: head.map_or(JsValue::UNDEFINED, Head::response),
        cause: cause.cloned().unwrap_or_default(),
        status: base.status.or(head.map(Head::status)),
        ..base
    };
    // Whoever is to look at what became of a payment asks for the class, and for the code why.
    let kind = match error {
        FetchError::SendTimeout if finish.spend.outcome == Outcome::Unknown => Some("OutcomeUnknown"),
        _ => kind(error.code(), ended),
    };
    payments_error(&error.message(), kind, facts.to_js())
}

/// An error of a fetch that was not begun.
pub(super) fn spent_nothing(error: JsValue) -> JsValue {
    set(&error, "spend", &views::spend(&Spend::default(), None));
    error
}

/// Sets a member of an object of our own making, which does not fail.
pub(super) fn set(object: &JsValue, name: &str, value: &JsValue) {
    drop(js_sys::Reflect::set(object, &name.into(), value));
}
