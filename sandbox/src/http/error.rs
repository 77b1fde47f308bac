//! API errors in the backend's envelope (contract section 1.4).

use crate::http::error_codes;
use crate::http::response::Response;
use payments_wasm::wire::WireError;
use serde_json::{Value, json};

/// An error: HTTP status, code, message and hint.
///
/// Codes that begin with `BCK.` are the backend's own (contract section 12). Errors without a backend code begin with
/// `SANDBOX.`, so no client depends on a code that the hosted service never sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) hint: Option<&'static str>,
}

/// The result of a handler.
pub(crate) type Result<T = Response, E = ApiError> = core::result::Result<T, E>;

impl ApiError {
    pub(crate) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), hint: None }
    }

    /// Adds a hint.
    pub(crate) fn hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// The request is invalid.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "SANDBOX.BAD_REQUEST", message)
    }

    /// The sandbox failed: a bug or a full disk.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "SANDBOX.INTERNAL", message)
    }

    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(401, "BCK.AUTH.0002", message)
            .hint("Send Authorization: Bearer <Nevermined API key>, the whole key with its prefix.")
    }

    pub(crate) fn plan_not_found(id: &str) -> Self {
        Self::new(404, "BCK.PROTOCOL.0003", format!("Plan {id} not found"))
    }

    pub(crate) fn agent_not_found(id: &str) -> Self {
        Self::new(404, "BCK.PROTOCOL.0004", format!("Agent {id} not found"))
    }

    pub(crate) fn bad_uint256(field: &str) -> Self {
        Self::new(400, "BCK.COMMON.0026", format!("{field} is not a uint256"))
            .hint("Ids and amounts are decimal numbers from 0 to 2^256 - 1, as strings.")
    }

    /// The error as a response.
    pub(crate) fn to_response(&self, correlation: &str, now: &str) -> Response {
        envelope(self.status, self.code, &self.message, self.hint, correlation, now)
    }

    /// The error as an OAuth response (RFC 6749 section 5.2): OAuth's members beside the envelope's.
    pub(crate) fn to_oauth_response(&self, error: &'static str, correlation: &str, now: &str) -> Response {
        let mut body = members(self.status, self.code, &self.message, self.hint, correlation, now);
        if let Some(body) = body.as_object_mut() {
            body.insert("error".into(), error.into());
            body.insert("error_description".into(), self.message.as_str().into());
        }
        Response::json(self.status, body)
    }
}

/// An error response.
pub(crate) fn envelope(
    status: u16,
    code: &str,
    message: &str,
    hint: Option<&str>,
    correlation: &str,
    now: &str,
) -> Response {
    Response::json(status, members(status, code, message, hint, correlation, now))
}

/// The members of an error response.
fn members(
    status: u16,
    code: &str,
    message: &str,
    hint: Option<&str>,
    correlation: &str,
    now: &str,
) -> Value {
    json!({
        "code": code,
        "message": message,
        "hint": hint,
        "docsUrl": error_codes::docs(code),
        "category": error_codes::category(code, status),
        "retryable": error_codes::retryable(code, status),
        "correlationId": correlation,
        "date": now,
        "httpStatus": status,
    })
}

impl From<worker::Error> for ApiError {
    fn from(error: worker::Error) -> Self {
        Self::internal(format!("storage: {error}"))
    }
}

impl From<WireError> for ApiError {
    fn from(error: WireError) -> Self {
        Self::bad_request(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_envelope_has_what_the_official_clients_read() {
        let response = ApiError::plan_not_found("7").hint("h").to_response("c-1", "2026-11-20T00:00:00.000Z");
        assert_eq!(response.status, 404);
        let body: serde_json::Value = serde_json::from_str(response.body_text()).unwrap();
        assert_eq!(body["code"], "BCK.PROTOCOL.0003");
        assert_eq!(body["message"], "Plan 7 not found");
        assert_eq!(body["hint"], "h");
        assert_eq!(body["category"], "integration");
        assert_eq!(body["retryable"], false);
        assert_eq!(body["correlationId"], "c-1");
        assert_eq!(body["httpStatus"], 404);
    }
}
