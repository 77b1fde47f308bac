use crate::paywall::OriginResponse;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use worker::Delay;
use worker::web_sys::Response;

/// An origin's response, with its body in JavaScript.
pub(super) struct Served {
    pub(super) response: Response,
    /// True if the body is already encoded as the headers say. The runtime encodes a body of `fetch`.
    pub(super) encoded: bool,
    pub(super) head: OriginResponse,
}

/// The result of some work, or `None` if it does not come in time.
pub(super) async fn within<T>(timeout_ms: u32, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut timer = pin!(Delay::from(Duration::from_millis(timeout_ms.into())));
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        timer.as_mut().poll(context).map(|()| None)
    })
    .await
}
