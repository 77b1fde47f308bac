//! The transport that the examples share: `reqwest` on tokio.

use bytes::Bytes;
use payments_wasm::transport::Transport;
use std::time::Duration;

/// An HTTP client that follows no redirects.
pub struct Http(reqwest::Client);

impl Http {
    /// A new client.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new() -> Result<Self, reqwest::Error> {
        Ok(Self(reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?))
    }
}

impl Transport for Http {
    type Body = reqwest::Body;
    type Error = reqwest::Error;

    async fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<reqwest::Body>, reqwest::Error> {
        Ok(self.0.execute(request.try_into()?).await?.into())
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
