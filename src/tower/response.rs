//! The answers of the gate, and headers, in the types of `http`.

use super::body::PaidBody;
use crate::paywall::{GateResponse, HeaderList};
use crate::transport::{header_text, header_value};
use http::{HeaderMap, Response, StatusCode};

/// The names and values of headers, in order.
pub(super) fn header_list(headers: &HeaderMap) -> HeaderList {
    headers.iter().map(|(name, value)| (name.as_str(), header_text(value))).collect()
}

/// The same as a map. A value that cannot be one is left out.
pub(super) fn header_map(headers: &HeaderList) -> HeaderMap {
    let pair =
        |(name, value): (&str, &str)| Some((name.parse::<http::HeaderName>().ok()?, header_value(value)?));
    let mut map = HeaderMap::new();
    for (name, value) in headers.iter().filter_map(pair) {
        map.append(name, value);
    }
    map
}

pub(super) fn own_response<B>(response: GateResponse) -> Response<PaidBody<B>> {
    let mut own = Response::new(PaidBody::text(response.body.unwrap_or_default()));
    *own.status_mut() = StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *own.headers_mut() = header_map(&response.headers);
    own
}

pub(super) fn internal_error<B>() -> Response<PaidBody<B>> {
    let text = r#"{"error":"Internal Server Error","message":"The paywall failed.","code":"internal_error"}"#;
    let mut response = Response::new(PaidBody::text(text.into()));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    response
}
