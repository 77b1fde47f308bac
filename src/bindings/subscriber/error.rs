//! The facts of errors, from which `js/error.js` makes its classes.

use crate::api::ApiError;
use crate::api::json_text::JsonText;
use crate::subscriber::{FetchError, Finish, Outcome};
use crate::wire::WireError;
use alloc::string::String;

/// The class that callers catch by, where the error has one. `ended`: the platform refused the key itself.
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

/// The members of an error object.
struct Facts<'a> {
    kind: Option<&'static str>,
    code: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
    retryable: bool,
    /// The answer of the platform that it comes from.
    api: Option<&'a ApiError>,
}

impl Facts<'_> {
    fn write(&self, json: &mut JsonText) {
        json.member("error", &|json| {
            json.some_text("kind", self.kind);
            json.text("message", self.message);
            json.text("code", self.code);
            json.some_text("hint", self.hint);
            if let Some(api) = self.api {
                if api.status > 0 {
                    json.number("status", api.status.into());
                }
                json.some_text("correlationId", api.correlation_id.as_deref());
                json.some_text("docsUrl", api.docs_url.as_deref());
            }
            json.flag("retryable", self.retryable);
        });
    }

    fn text(&self) -> String {
        let mut json = JsonText::default();
        json.object(&|json| self.write(json));
        json.done()
    }
}

/// The options have a value that they cannot have.
pub(super) fn wrong(error: &WireError) -> String {
    let message = error.message();
    let facts =
        Facts { kind: None, code: "validation", message: &message, hint: None, retryable: false, api: None };
    facts.text()
}

/// A paid fetch ended in an error.
pub(super) fn of_fetch(error: &FetchError, finish: &Finish, json: &mut JsonText) {
    let api = match error {
        FetchError::Platform(error) => Some(&**error),
        _ => None,
    };
    let kind = match error {
        // A caller that looks for lost payments catches by the class.
        FetchError::SendTimeout if finish.spend.outcome == Outcome::Unknown => Some("OutcomeUnknown"),
        _ => kind(error.code(), api.is_some_and(ApiError::ends_session)),
    };
    let facts = Facts {
        kind,
        code: error.code(),
        message: &error.message(),
        hint: error.hint(),
        retryable: error.is_retryable() && finish.spend.outcome == Outcome::None,
        api,
    };
    facts.write(json);
}

/// The platform answered a call with an error. `order`: the call buys a plan; `repeatable`: two of it are as good as one.
pub(super) fn of_answer(mut error: ApiError, order: bool, repeatable: bool) -> String {
    let is_unclear = error.is_unclear();
    if is_unclear && order {
        let unknown = FetchError::PurchaseUnknown;
        error.code = unknown.code().into();
        error.message = unknown.message();
        error.hint = unknown.hint().map(Into::into);
    }
    let facts = Facts {
        kind: kind(&error.code, error.ends_session()),
        code: &error.code,
        message: &error.message,
        hint: error.hint.as_deref(),
        retryable: error.retryable && (!is_unclear || repeatable),
        api: Some(&error),
    };
    facts.text()
}

/// An error of a fetch that is raised outside of one.
pub(super) fn of(error: &FetchError, retryable: bool) -> String {
    let facts = Facts {
        kind: kind(error.code(), false),
        code: error.code(),
        message: &error.message(),
        hint: error.hint(),
        retryable,
        api: None,
    };
    facts.text()
}
