use crate::paywall::CanonicalRequest;
use crate::transport::read;
use bytes::Bytes;
use core::fmt;
use core::pin::Pin;
use http_body::Body;
use std::sync::{Arc, Mutex, PoisonError};

/// A request that is to be priced: the one that the service gets when it is paid for.
pub struct PriceRequest {
    /// Method, URL and headers, without the buyer's token.
    pub head: CanonicalRequest,
    state: State,
}

enum State {
    Unread(Box<dyn FnOnce() -> Reading + Send>),
    Read(Result<Bytes, BodyError>),
}

type Reading = Pin<Box<dyn Future<Output = Result<Bytes, BodyError>> + Send>>;

/// The reason why a price function has no body to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyError {
    /// It has more than this many bytes, `MAX_BODY_BYTES`. The request is answered with 413.
    TooLarge(usize),
    /// It broke off. The request is answered with 500.
    Broken,
    /// It is no UTF-8.
    NotText,
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "the body has more than {limit} bytes (MAX_BODY_BYTES)"),
            Self::Broken => f.write_str("the body broke off"),
            Self::NotText => f.write_str("the body is no UTF-8"),
        }
    }
}

impl core::error::Error for BodyError {}

/// The body of a request while it is priced, for the driver.
pub(super) struct PricedBody<A>(Arc<Mutex<Result<Option<A>, BodyError>>>);

impl<A> PricedBody<A> {
    /// The body for the service: untouched, or all that was read. An error where it could not be read whole.
    pub(super) fn take(&self) -> Result<Option<A>, BodyError> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        core::mem::replace(&mut *body, Ok(None))
    }

    fn put(&self, body: Result<Option<A>, BodyError>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = body;
    }
}

impl PriceRequest {
    pub(super) fn new<A>(head: CanonicalRequest, body: Option<A>, limit: usize) -> (Self, PricedBody<A>)
    where
        A: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    {
        let priced = PricedBody(Arc::new(Mutex::new(Ok(body))));
        let other = PricedBody(priced.0.clone());
        let reading = move || -> Reading {
            Box::pin(async move {
                let Ok(Some(body)) = other.take() else { return Ok(Bytes::new()) };
                // A body that is not read to its end, because the price function gave up, is not whole.
                other.put(Err(BodyError::Broken));
                let read = match read(body, limit).await {
                    Ok(Some(bytes)) => Ok(bytes),
                    Ok(None) => Err(BodyError::TooLarge(limit)),
                    Err(_) => Err(BodyError::Broken),
                };
                other.put(read.clone().map(|bytes| Some(bytes.into())));
                read
            })
        };
        (Self { head, state: State::Unread(Box::new(reading)) }, priced)
    }

    /// Reads the body, at most `MAX_BODY_BYTES` of it. The service gets all of it all the same.
    ///
    /// # Errors
    /// The body is larger, or it broke off. The request goes no further then, whatever the price.
    pub async fn bytes(&mut self) -> Result<Bytes, BodyError> {
        let state = core::mem::replace(&mut self.state, State::Read(Err(BodyError::Broken)));
        let read = match state {
            State::Unread(reading) => reading().await,
            State::Read(read) => read,
        };
        self.state = State::Read(read.clone());
        read
    }

    /// Reads the body as a text: see [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and where it is no UTF-8.
    pub async fn text(&mut self) -> Result<String, BodyError> {
        String::from_utf8(self.bytes().await?.into()).map_err(|_| BodyError::NotText)
    }
}

impl fmt::Debug for PriceRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PriceRequest").field("head", &self.head).finish_non_exhaustive()
    }
}
