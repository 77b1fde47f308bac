//! The dialects of one gate.

use crate::paywall::dialects::{Dialects, Sources, Supported};
use bytes::Bytes;
use std::sync::{Mutex, PoisonError};

/// The dialects of one gate.
pub(super) struct Speaker {
    pub(super) dialects: Dialects,
    pub(super) token_headers: Vec<String>,
    supported: Mutex<Supported>,
    /// Held while an offer waits for a facilitator, so that others wait for the same answer.
    pub(super) asking: tokio::sync::Mutex<()>,
}

impl Speaker {
    /// `None` where nothing but x402 with plans is spoken.
    pub(super) fn new(dialects: Dialects, sources: &Sources) -> Option<Self> {
        (!dialects.is_plain()).then(|| Self {
            dialects,
            token_headers: sources.token_headers(),
            supported: Mutex::default(),
            asking: tokio::sync::Mutex::default(),
        })
    }

    pub(super) fn supported(&self) -> std::sync::MutexGuard<'_, Supported> {
        self.supported.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request with a JSON body to a facilitator, with the headers that the seller gives it.
    pub(super) fn request(
        &self,
        url: &str,
        path: &str,
        body: Option<String>,
    ) -> Option<http::Request<Bytes>> {
        let method = if body.is_some() { "POST" } else { "GET" };
        let mut request = http::Request::builder().method(method).uri([url, path].concat());
        request = request.header("accept", "application/json");
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in self.dialects.headers_of(url) {
            request = request.header(name, value);
        }
        request.body(body.unwrap_or_default().into()).ok()
    }
}
