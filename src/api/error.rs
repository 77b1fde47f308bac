use super::Response;
use crate::engine;
use alloc::{format, string::String, string::ToString};
use core::fmt;
use serde_json::Value;

/// An answer of the platform that is not the one hoped for (section 1.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiError {
    /// What kind of no it is: who may be asked again, and who was at fault.
    pub kind: ApiErrorKind,
    /// `BCK.*` where the platform named one, else `http_<status>`.
    pub code: String,
    /// The platform's message, or ours where it had none.
    pub message: String,
    /// What to do about it, where the platform says so.
    pub hint: Option<String>,
    /// The HTTP status, 0 where there was none.
    pub status: u16,
    /// For support to find the request by.
    pub correlation_id: Option<String>,
    /// Whether the platform says that trying again can help.
    pub retryable: bool,
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

impl ApiError {
    /// Reads the error out of an answer that is not 2xx.
    #[must_use]
    pub fn from_response(response: &Response) -> Self {
        let body: Value = engine::parse_json(response.body.as_bytes()).unwrap_or_default();
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(clip);
        let kind = match response.status {
            401 | 403 => ApiErrorKind::Unauthorized,
            408 | 429 | 500.. => ApiErrorKind::Unavailable,
            200..300 => ApiErrorKind::Garbled,
            _ => ApiErrorKind::Refused,
        };
        Self {
            kind,
            code: text("code").unwrap_or_else(|| format!("http_{}", response.status)),
            message: text("message")
                .unwrap_or_else(|| format!("Nevermined answered with HTTP {}", response.status)),
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
            message: format!("Nevermined's answer could not be understood: {what}"),
            hint: None,
            status: response.status,
            correlation_id: response.correlation_id.clone(),
            retryable: false,
        }
    }
}

/// What a server wrote, short enough to be shown.
fn clip(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        None => text.to_string(),
        Some(_) => text.chars().take(MAX_TEXT).chain(['…']).collect(),
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl core::error::Error for ApiError {}
