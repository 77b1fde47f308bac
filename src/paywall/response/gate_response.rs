use crate::codec;
use crate::paywall::config::error::ConfigError;
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::wire::{self, PaymentRequired};
use alloc::string::String;
use serde_json::{Map, Value};

/// An answer that the gate gives by itself, without the origin. Caches must not keep it (rule 17).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateResponse {
    /// The HTTP status.
    pub status: u16,
    /// All its headers.
    pub headers: HeaderList,
    /// JSON, or nothing: for a `HEAD` request, and with status 204.
    pub body: Option<String>,
    /// A file of the 402 page's, by its name, to be sent as the body. The shell carries them, and said so in `PAGE_FILES`.
    pub file: Option<String>,
    /// The code of an error, as the body has it; empty where there is none.
    pub(crate) code: String,
    /// Set where the body is an offer.
    pub(crate) offers: bool,
}

/// Seconds after which to try again, as a 503 says it (rule 21).
pub(crate) const RETRY_AFTER: &str = "5";

impl GateResponse {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        let mut headers = HeaderList::new();
        headers.set("cache-control", "no-store");
        Self { status, headers, body: None, file: None, code: String::new(), offers: false }
    }

    /// A JSON error: `{error, message, code}`, with the reason phrase of the status as `error`.
    pub(crate) fn error(status: u16, code: &str, message: &str) -> Self {
        let mut answer = Self::json(status, error_document(status, code, message));
        answer.code = code.into();
        answer
    }

    /// 402 (rule 17): the offer in `payment-required`, with the code as its `error` where a token was refused, and in the body
    /// with `error`, `message` and `code`.
    pub(crate) fn payment_required(offer: &PaymentRequired, code: &str, message: &str) -> Self {
        let mut document = match offer.to_value() {
            Value::Object(document) => document,
            _ => Map::new(),
        };
        let mut header = document.clone();
        // A client that sent a token and reads only headers learns here that it was refused, and why.
        if code != "payment_missing" {
            header.insert("error".into(), code.into());
        }
        document.extend(error_document(402, code, message));
        let mut answer = Self::json(402, document);
        (answer.code, answer.offers) = (code.into(), true);
        let header = codec::print_object(&header);
        answer.headers.set(wire::PAYMENT_REQUIRED, wire::base64::encode_standard(header.as_bytes()));
        answer
    }

    /// 400 for a token that is none by its size.
    pub(crate) fn payment_too_large() -> Self {
        Self::error(400, "payment_too_large", "The payment-signature header is over 16 KiB.")
    }

    /// 503 with `retry-after` (rule 21).
    pub(crate) fn unavailable(code: &str, message: &str) -> Self {
        Self::error(503, code, message).with("retry-after", RETRY_AFTER)
    }

    /// 503 where the state does not answer: what must be true once cannot be made sure of.
    pub(crate) fn state_unavailable() -> Self {
        Self::unavailable(
            "state_unavailable",
            "This cannot be served at the moment. Nothing was charged; try again later.",
        )
    }

    /// A JSON document as it is.
    pub(crate) fn document(status: u16, text: String) -> Self {
        let mut answer = Self::empty(status);
        answer.headers.set("content-type", "application/json");
        answer.body = Some(text);
        answer
    }

    /// The same with a receipt that says that nothing was taken.
    #[must_use]
    pub(crate) fn uncharged(mut self) -> Self {
        self.headers.set(wire::PAYMENT_RESPONSE, crate::paywall::facilitator::result::not_settled());
        self
    }

    /// 500 that names the key that is wrong: what every request is answered then (fail closed).
    #[must_use]
    pub fn misconfigured(error: &ConfigError) -> Self {
        let message =
            ["The paywall's configuration is wrong: ", &error.message(), ". Nothing was charged."].concat();
        let mut document = error_document(500, error.code(), &message);
        document.insert("key".into(), error.key.as_str().into());
        Self::json(500, document).uncharged()
    }

    /// The same with a header more; left out if the value cannot be one.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        if let Some(value) = headers::as_value(value) {
            self.headers.set(name, value);
        }
        self
    }

    fn json(status: u16, document: Map<String, Value>) -> Self {
        Self::document(status, codec::print_object(&document))
    }
}

fn error_document(status: u16, code: &str, message: &str) -> Map<String, Value> {
    let error = match status {
        202 => "Accepted",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        429 => "Too Many Requests",
        499 => "Client Closed Request",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Internal Server Error",
    };
    let mut document = Map::new();
    for (name, text) in [("error", error), ("message", message), ("code", code)] {
        document.insert(name.into(), text.into());
    }
    document
}
