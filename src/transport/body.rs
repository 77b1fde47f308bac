#[cfg(feature = "client")]
use super::read_into;
use bytes::Bytes;
#[cfg(feature = "client")]
use bytes::BytesMut;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use http_body::{Body, Frame, SizeHint};

/// The body of a response: a beginning that is there already, and the rest, which streams.
pub struct ResponseBody<B> {
    beginning: Bytes,
    rest: Option<Pin<Box<B>>>,
}

impl<B> ResponseBody<B> {
    /// A body that streams.
    pub(crate) fn stream(body: B) -> Self {
        Self { beginning: Bytes::new(), rest: Some(Box::pin(body)) }
    }

    /// A text, and nothing behind it.
    #[cfg(feature = "tower")]
    pub(crate) fn text(text: String) -> Self {
        Self::bytes(text.into())
    }

    /// Bytes, and nothing behind them.
    #[cfg(feature = "tower")]
    pub(crate) fn bytes(beginning: Bytes) -> Self {
        Self { beginning, rest: None }
    }
}

impl<B: Body<Data = Bytes>> ResponseBody<B> {
    /// Reads the body as a text of at most `limit` bytes, and leaves it readable; `None` where it is larger, breaks off or is
    /// no UTF-8.
    #[cfg(feature = "client")]
    pub(crate) async fn peek(&mut self, limit: usize) -> Option<String> {
        let mut read = BytesMut::from(&self.beginning[..]);
        let is_whole = match &mut self.rest {
            Some(rest) => read_into(&mut read, rest.as_mut(), limit).await.unwrap_or(false),
            None => read.len() <= limit,
        };
        self.beginning = read.freeze();
        is_whole.then(|| String::from_utf8(self.beginning.to_vec()).ok()).flatten()
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        if !self.beginning.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(core::mem::take(&mut self.beginning)))));
        }
        match &mut self.rest {
            Some(rest) => rest.as_mut().poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.beginning.is_empty() && self.rest.as_ref().is_none_or(|rest| rest.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.beginning.len() as u64;
        let Some(rest) = &self.rest else { return SizeHint::with_exact(read) };
        let rest = rest.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint
    }
}

impl<B> fmt::Debug for ResponseBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}
