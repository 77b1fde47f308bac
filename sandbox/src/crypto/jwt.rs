//! Encoding of JWTs.

use crate::http::error::ApiError;
use payments_wasm::wire::base64;
use serde_json::{Value, json};

/// A JWT with this payload. `sign` returns the signature of header and payload.
pub(crate) fn jwt(alg: &str, kid: Option<&str>, payload: &Value, sign: impl Fn(&str) -> Vec<u8>) -> String {
    let mut header = json!({ "alg": alg, "typ": "JWT" });
    if let (Some(kid), Some(header)) = (kid, header.as_object_mut()) {
        header.insert("kid".into(), kid.into());
    }
    let part = |value: &Value| base64::encode_url(value.to_string().as_bytes());
    let text = format!("{}.{}", part(&header), part(payload));
    let signature = base64::encode_url(&sign(&text));
    format!("{text}.{signature}")
}

/// The error for a key that cannot be used.
pub(crate) fn invalid_key<E>(_: E) -> ApiError {
    ApiError::internal("a signing key is invalid")
}
