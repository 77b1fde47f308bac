use super::{Transport, header_text, read, within};
use crate::api::{self, MAX_ANSWER_BYTES};
use crate::wire::Secret;
use bytes::Bytes;
use core::time::Duration;

/// The reason why a call of the platform has no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallError {
    /// No response within the timeout.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// More than [`MAX_ANSWER_BYTES`], or not UTF-8.
    Unreadable,
}

/// Sends a call of the platform and reads its response, all of it within the timeout. `correlation` is the id of the
/// request that the call is made for.
pub(crate) async fn call(
    transport: &impl Transport,
    backend: &str,
    call: &api::Request,
    key: Option<&Secret>,
    correlation: Option<&str>,
    timeout: Duration,
) -> Result<api::Response, CallError> {
    let mut request =
        http::Request::builder().method(call.method.as_str()).uri([backend, &call.path].concat());
    for (name, value) in call.headers(key, None) {
        request = request.header(name, value);
    }
    if let Some(correlation) = correlation {
        request = request.header("x-correlation-id", correlation);
    }
    let body = call.body.clone().map(Bytes::from).unwrap_or_default();
    exchange(transport, request.body(body).map_err(|_| CallError::Unreachable)?, timeout).await
}

/// Sends a request and reads its response, all of it within the timeout.
pub(crate) async fn exchange(
    transport: &impl Transport,
    request: http::Request<Bytes>,
    timeout: Duration,
) -> Result<api::Response, CallError> {
    let work = async {
        let response = transport.send(request).await.map_err(|_| CallError::Unreachable)?;
        let (head, body) = response.into_parts();
        let bytes = read(body, MAX_ANSWER_BYTES).await.map_err(|_| CallError::Unreachable)?;
        let text = bytes.and_then(|bytes| text_of(&bytes)).ok_or(CallError::Unreadable)?;
        Ok(api::Response {
            status: head.status.as_u16(),
            body: text,
            correlation_id: head.headers.get("x-correlation-id").map(header_text),
        })
    };
    within(transport.sleep(timeout), work).await.unwrap_or(Err(CallError::TimedOut))
}

/// A body as text, without a byte order mark, as JavaScript's `TextDecoder` reads it.
fn text_of(bytes: &[u8]) -> Option<String> {
    let text = core::str::from_utf8(bytes).ok()?;
    Some(text.strip_prefix('\u{feff}').unwrap_or(text).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_as_utf8_without_its_byte_order_mark() {
        for (bytes, text) in [
            (&b""[..], Some("")),
            ("{\"a\":\"\u{fffd}\"}".as_bytes(), Some("{\"a\":\"\u{fffd}\"}")),
            (b"\xef\xbb\xbf{}", Some("{}")),
            (b"\xef\xbb\xbf\xef\xbb\xbf", Some("\u{feff}")),
            (b"\"\xff\"", None),
            (b"\xef\xbb", None),
        ] {
            assert_eq!(text_of(bytes).as_deref(), text, "{bytes:?}");
        }
    }
}
