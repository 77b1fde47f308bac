//! Conversion between the runtime's requests and responses and the sandbox's own.

use crate::control::faults;
use crate::dashboard::files;
use crate::http::cors;
use crate::http::error::{ApiError, Result};
use crate::http::request::Request;
use crate::http::response::{Body, Response};
use crate::pages::html;
use crate::primitives::random::Random;
use worker::{Headers, ResponseBuilder};

/// Maximum size of a request body in bytes.
const MAX_BODY_BYTES: usize = 256 * 1024;

/// Reads a request to its end.
pub(crate) async fn read(request: &mut worker::Request, correlation: &str) -> Result<Request> {
    let header = |name: &str| request.headers().get(name).ok().flatten();
    let url = request.url()?;
    let head = Request {
        method: request.method().to_string(),
        path: url.path().split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect(),
        query: url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect(),
        authorization: header("authorization"),
        organization: header("x-current-org-id").filter(|org| !org.is_empty()),
        returning: header("x-nvm-widget-return-url"),
        correlation: correlation.to_owned(),
        accept: header("accept"),
        from: header("origin"),
        site: header("sec-fetch-site"),
        origin: url.origin().ascii_serialization(),
        body: String::new(),
        now: 0,
    };
    let too_large = || ApiError::new(413, "SANDBOX.BAD_REQUEST", "The body is larger than 256 KiB");
    if header("content-length")
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|n| n > MAX_BODY_BYTES)
    {
        return Err(too_large());
    }
    let body = request.bytes().await?;
    if body.len() > MAX_BODY_BYTES {
        return Err(too_large());
    }
    let body = String::from_utf8(body).map_err(|_| ApiError::bad_request("The body is not UTF-8"))?;
    Ok(Request { body, ..head })
}

/// The caller's correlation id if it is valid, else a new one.
pub(crate) fn correlation(request: &worker::Request) -> String {
    let valid = |id: &String| (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic());
    let sent = request.headers().get("x-correlation-id").ok().flatten().filter(valid);
    sent.unwrap_or_else(|| Random::Runtime.uuid().unwrap_or_default())
}

fn headers(correlation: &str, open: bool) -> worker::Result<Headers> {
    let headers = Headers::new();
    for (name, value) in cors::ALWAYS.iter().filter(|_| open) {
        headers.set(name, value)?;
    }
    headers.set("x-correlation-id", correlation)?;
    headers.set("cache-control", "no-store")?;
    Ok(headers)
}

/// Converts a response.
pub(crate) fn respond(response: Response, correlation: &str, open: bool) -> worker::Result<worker::Response> {
    let headers = headers(correlation, open)?;
    if let Some(seconds) = response.retry_after {
        headers.set("retry-after", &seconds.to_string())?;
    }
    if let Some(challenge) = response.challenge {
        headers.set("www-authenticate", challenge)?;
    }
    let bytes = match response.body {
        Body::Empty => None,
        Body::Json(json) => {
            headers.set("content-type", "application/json; charset=utf-8")?;
            headers.set("x-content-type-options", "nosniff")?;
            Some(json.into_bytes())
        }
        Body::Html(html) => {
            headers.set("content-type", "text/html; charset=utf-8")?;
            for (name, value) in html::HEADERS {
                headers.set(name, value)?;
            }
            Some(html.into_bytes())
        }
        Body::File(kind, text) => {
            headers.set("content-type", kind)?;
            for (name, value) in files::HEADERS {
                headers.set(name, value)?;
            }
            Some(text.as_bytes().to_vec())
        }
        Body::Location(location) => {
            headers.set("location", &location)?;
            headers.set("referrer-policy", "no-referrer")?;
            None
        }
        Body::Lost => {
            let (name, length) = faults::OVERSIZED;
            headers.set(name, &"x".repeat(length))?;
            None
        }
    };
    let response = ResponseBuilder::new().with_status(response.status).with_headers(headers);
    Ok(match bytes {
        Some(bytes) => response.fixed(bytes),
        None => response.empty(),
    })
}

/// The response to a preflight, which needs no state.
pub(crate) fn preflight(correlation: &str, open: bool) -> worker::Result<worker::Response> {
    let headers = headers(correlation, open)?;
    for (name, value) in cors::PREFLIGHT.iter().filter(|_| open) {
        headers.set(name, value)?;
    }
    Ok(ResponseBuilder::new().with_status(204).with_headers(headers).empty())
}
