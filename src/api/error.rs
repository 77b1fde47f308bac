use super::Response;
use crate::codec;
use crate::wire::digits;
use alloc::{boxed::Box, string::String};
use core::fmt;
use serde_json::Value;

/// An answer of the platform that is not the one hoped for (section 1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// The kind of the error: it says whether a retry makes sense and who is at fault.
    pub kind: ApiErrorKind,
    /// `BCK.*` where the platform named one, else `http_<status>`.
    pub code: String,
    /// The platform's message, or ours where it had none.
    pub message: String,
    /// A remedy, where the platform names one.
    pub hint: Option<String>,
    /// The HTTP status, 0 where there was none.
    pub status: u16,
    /// For support to find the request by.
    pub correlation_id: Option<String>,
    /// True if the platform says that a retry can help.
    pub retryable: bool,
    /// Where the code is explained: an `https` address, where the platform names one, or its list of codes.
    pub docs_url: Option<Box<str>>,
}

/// The kinds of [`ApiError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApiErrorKind {
    /// A clear no: 4xx, but for 401, 403, 408 and 429.
    Refused,
    /// The key is missing, ended or not allowed to: 401 and 403.
    Unauthorized,
    /// Not now: 408, 429, 5xx. What was asked may or may not have happened.
    Unavailable,
    /// A 2xx that could not be understood. What was asked may have happened.
    Garbled,
}

const MAX_TEXT: usize = 500;
/// Where the codes `BCK.*` are listed.
const CODES: &str = "https://docs.nevermined.app/docs/development-guide/api-errors/codes";

impl ApiError {
    /// Reads the error out of an answer that is not 2xx.
    #[must_use]
    pub fn from_response(response: &Response) -> Self {
        let body: Value = codec::parse_json(response.body.as_bytes()).unwrap_or_default();
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(clip);
        let kind = match response.status {
            401 | 403 => ApiErrorKind::Unauthorized,
            408 | 429 | 500.. => ApiErrorKind::Unavailable,
            200..300 => ApiErrorKind::Garbled,
            _ => ApiErrorKind::Refused,
        };
        let status = digits(response.status.into());
        let code = text("code").unwrap_or_else(|| ["http_", &status].concat());
        Self {
            kind,
            docs_url: text("docsUrl")
                .filter(|url| url.starts_with("https://"))
                .or_else(|| code.starts_with("BCK.").then(|| CODES.into()))
                .map(Into::into),
            code,
            message: text("message").unwrap_or_else(|| ["Nevermined answered with HTTP ", &status].concat()),
            hint: text("hint"),
            status: response.status,
            correlation_id: response.correlation_id.clone().or_else(|| text("correlationId")),
            retryable: body
                .get("retryable")
                .and_then(Value::as_bool)
                .unwrap_or(kind == ApiErrorKind::Unavailable),
        }
    }

    /// A 2xx answer that does not say what it must; `what` is what was looked for.
    #[must_use]
    pub fn garbled(response: &Response, what: &str) -> Self {
        Self {
            kind: ApiErrorKind::Garbled,
            code: "garbled_answer".into(),
            message: ["Nevermined's answer could not be understood: ", what].concat(),
            hint: None,
            status: response.status,
            correlation_id: response.correlation_id.clone(),
            retryable: false,
            docs_url: None,
        }
    }

    /// True if the call may have happened all the same: a 5xx or a 408. A 429 is a clear refusal, and so is a failed order.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.kind == ApiErrorKind::Unavailable && self.status != 429 && !self.is_failed_order()
    }

    /// True if the platform itself says, with a 500, that the order failed (section 12): a plan that is paid by card, for example.
    #[must_use]
    pub fn is_failed_order(&self) -> bool {
        self.code == "BCK.PROTOCOL.0005"
    }

    /// True if the API key is invalid for every call (401), not only forbidden for this one.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        self.status == 401
    }
}

/// A server's text, shortened for display.
fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.into(),
        Some((end, _)) => [text.get(..end).unwrap_or_default(), "…"].concat(),
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl core::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(status: u16, body: &str) -> ApiError {
        ApiError::from_response(&Response { status, body: body.into(), correlation_id: None })
    }

    #[test]
    fn an_error_says_where_its_code_is_explained() {
        for (body, docs_url) in [
            (r#"{"code":"BCK.X402.0030"}"#, Some(CODES)),
            (
                r#"{"code":"BCK.X402.0030","docsUrl":"https://docs.example/x"}"#,
                Some("https://docs.example/x"),
            ),
            (r#"{"code":"BCK.X402.0030","docsUrl":"javascript:alert(1)"}"#, Some(CODES)),
            (r#"{"code":"OTHER","docsUrl":7}"#, None),
            ("not JSON", None),
            ("", None),
        ] {
            assert_eq!(read(400, body).docs_url.as_deref(), docs_url, "{body}");
        }
    }

    #[test]
    fn the_envelope_is_read_and_bounded() {
        let error = read(
            409,
            r#"{"code":"BCK.PROTOCOL.0012","message":"m","hint":"h","correlationId":"c","retryable":true}"#,
        );
        assert_eq!((error.kind, error.status, error.retryable), (ApiErrorKind::Refused, 409, true));
        assert_eq!((error.code.as_str(), error.message.as_str()), ("BCK.PROTOCOL.0012", "m"));
        assert_eq!((error.hint.as_deref(), error.correlation_id.as_deref()), (Some("h"), Some("c")));
        let long = read(500, &format!(r#"{{"message":"{}"}}"#, "é".repeat(600)));
        assert_eq!(long.message.chars().count(), MAX_TEXT + 1);
        assert_eq!((long.code.as_str(), long.retryable), ("http_500", true));
        assert!(read(401, "").ends_session() && !read(403, "").ends_session());
    }

    #[test]
    fn a_failed_order_and_too_many_requests_are_a_clear_no() {
        for (status, body, unclear) in [
            (500, r#"{"code":"BCK.PROTOCOL.0005","message":"This plan is paid by card","hint":"h"}"#, false),
            (500, r#"{"code":"BCK.PROTOCOL.0006"}"#, true),
            (500, "", true),
            (503, "busy", true),
            (408, "", true),
            (429, "", false),
            (400, r#"{"code":"BCK.PROTOCOL.0005"}"#, false),
        ] {
            assert_eq!(read(status, body).is_unclear(), unclear, "{status} {body}");
        }
    }
}
