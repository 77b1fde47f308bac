//! The HTTP client that a driver uses, behind a small trait: [`Transport`] (features `client` and `tower`).

mod body;
mod platform;

pub use body::ResponseBody;
#[cfg(feature = "tower")]
pub(crate) use platform::exchange;
pub(crate) use platform::{CallError, call};

use bytes::{Bytes, BytesMut};
use core::fmt;
use core::future::poll_fn;
use core::pin::{Pin, pin};
use core::task::Poll;
use core::time::Duration;
use http_body::Body;

/// An HTTP client and a timer. A driver sends calls of the platform with it, and the client also sends the paid requests.
///
/// For `reqwest` with tokio:
///
/// ```
/// # mod reqwest {
/// #     pub type Body = http_body_util::Full<bytes::Bytes>;
/// #     pub type Error = std::io::Error;
/// #     pub struct Request;
/// #     impl TryFrom<http::Request<bytes::Bytes>> for Request {
/// #         type Error = Error;
/// #         fn try_from(_: http::Request<bytes::Bytes>) -> Result<Self, Error> { Ok(Self) }
/// #     }
/// #     pub struct Client;
/// #     impl Client {
/// #         pub async fn execute(&self, _: Request) -> Result<http::Response<Body>, Error> { Ok(http::Response::default()) }
/// #     }
/// # }
/// # mod tokio { pub mod time { pub async fn sleep(_: std::time::Duration) {} } }
/// use payments_wasm::transport::Transport;
/// use std::time::Duration;
///
/// // Made with `reqwest::redirect::Policy::none()`.
/// struct Http(reqwest::Client);
///
/// impl Transport for Http {
///     type Body = reqwest::Body;
///     type Error = reqwest::Error;
///
///     async fn send(&self, request: http::Request<bytes::Bytes>) -> Result<http::Response<reqwest::Body>, reqwest::Error> {
///         Ok(self.0.execute(request.try_into()?).await?.into())
///     }
///
///     async fn sleep(&self, time: Duration) {
///         tokio::time::sleep(time).await;
///     }
/// }
/// ```
pub trait Transport: Send + Sync + 'static {
    /// The body of a response. It may stream.
    type Body: Body<Data = Bytes, Error: fmt::Display> + Send + 'static;
    /// The reason why there is no response.
    type Error: fmt::Display + Send;

    /// Sends a request and returns the head of its response. Must not follow redirects: a token or a key would go where
    /// nobody checked. Dropping the future cancels the request.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> impl Future<Output = Result<http::Response<Self::Body>, Self::Error>> + Send;

    /// Waits.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// The result of some work, or `None` if a timer is done first. The work is asked first, so that work which is done at
/// once is not too late.
pub(crate) async fn within<T>(timer: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut timer, mut work) = (pin!(timer), pin!(work));
    poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(result) => Poll::Ready(Some(result)),
        Poll::Pending => timer.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// A whole body of at most `limit` bytes; `None` for a larger one.
///
/// # Errors
/// The body broke off.
pub(crate) async fn read<B: Body<Data = Bytes>>(body: B, limit: usize) -> Result<Option<Bytes>, B::Error> {
    let mut bytes = BytesMut::new();
    let is_whole = read_into(&mut bytes, pin!(body), limit).await?;
    Ok(is_whole.then(|| bytes.freeze()))
}

/// Appends a body to `bytes`, until it ends or `bytes` has more than `limit`. Returns true at the end of the body.
///
/// # Errors
/// The body broke off.
async fn read_into<B: Body<Data = Bytes>>(
    bytes: &mut BytesMut,
    mut body: Pin<&mut B>,
    limit: usize,
) -> Result<bool, B::Error> {
    while bytes.len() <= limit {
        match poll_fn(|context| body.as_mut().poll_frame(context)).await {
            Some(frame) => {
                if let Ok(data) = frame?.into_data() {
                    bytes.extend_from_slice(&data);
                }
            }
            None => return Ok(true),
        }
    }
    Ok(false)
}

/// Milliseconds since 1970.
// The drivers are native programs, which have a clock.
#[allow(clippy::disallowed_methods)]
pub(crate) fn now() -> u64 {
    let elapsed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// The text of a header value. Bytes beyond ASCII are one character each, as in the Fetch standard, so that
/// [`header_value`] gives the same bytes back.
pub(crate) fn header_text(value: &http::HeaderValue) -> String {
    value.as_bytes().iter().copied().map(char::from).collect()
}

/// A header value of a text from [`header_text`]; `None` where it cannot be one.
pub(crate) fn header_value(text: &str) -> Option<http::HeaderValue> {
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(letter).ok()).collect();
    // A text of our own may be UTF-8.
    http::HeaderValue::from_maybe_shared(Bytes::from(bytes.unwrap_or_else(|| text.into()))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_value_is_the_same_bytes_again() {
        for bytes in [&b"plain"[..], b"caf\xe9", "日本".as_bytes()] {
            let value = http::HeaderValue::from_bytes(bytes).unwrap();
            assert_eq!(header_value(&header_text(&value)).unwrap(), value);
        }
        assert_eq!(header_value("日本").unwrap().as_bytes(), "日本".as_bytes());
        assert_eq!(header_value("a\r\nb"), None);
    }
}
