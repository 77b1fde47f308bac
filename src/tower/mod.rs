//! The paywall as a [tower](https://docs.rs/tower) layer, for axum and other servers on tokio (feature `tower`).
//!
//! The layer stands in front of a service. A request reaches the service when it is paid for, or when its route is open;
//! the service finds the payment as a [`PaymentContext`] in the request's extensions. The response is settled as the route's
//! `settle` says.
//!
//! ```no_run
//! # #[derive(Clone)] struct Http;
//! # impl payments_wasm::transport::Transport for Http {
//! #     type Body = http_body_util::Full<bytes::Bytes>;
//! #     type Error = std::io::Error;
//! #     async fn send(&self, _: http::Request<bytes::Bytes>) -> Result<http::Response<Self::Body>, std::io::Error> { Ok(http::Response::default()) }
//! #     async fn sleep(&self, _: std::time::Duration) {}
//! # }
//! use payments_wasm::paywall::state::MemoryStore;
//! use payments_wasm::tower::PaywallLayer;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let routes = r#"{ "routes": { "POST /ask": { "planId": "1001", "credits": 2 } }, "open": ["GET /health"], "unlisted": "deny" }"#;
//! let paywall = PaywallLayer::builder(Http)
//!     .document(routes)?
//!     .variable("NVM_API_KEY", std::env::var("NVM_API_KEY")?)
//!     .store(MemoryStore::new())
//!     .build()?;
//! // axum: Router::new().route("/ask", post(ask)).layer(paywall)
//! # Ok(())
//! # }
//! ```
//!
//! Each request runs in a task of its own. A client that disconnects cancels the handler, but not a settlement that was sent
//! (money rule 22). A handler that panics is answered with 502, and nothing is settled.

mod body;
mod builder;
mod dialects;
mod driver;
mod price_request;
mod reconciler;
mod response;
mod shared;
mod speaker;
mod state;

pub use crate::paywall::PaymentContext;
pub use body::PaidBody;
pub use builder::PaywallBuilder;
pub use price_request::{BodyError, PriceRequest};

use crate::paywall::Gate;
use crate::transport::Transport;
use bytes::Bytes;
use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use http::{Request, Response};
use http_body::Body;
use shared::Shared;
use std::sync::Arc;
use tower_service::Service;

/// Puts a paywall in front of services. All services that it wraps share one gate and one state.
pub struct PaywallLayer<T> {
    shared: Arc<Shared<T>>,
}

/// A service behind a paywall.
pub struct PaywallService<S, T> {
    service: S,
    shared: Arc<Shared<T>>,
}

impl<T: Transport> PaywallLayer<T> {
    /// Begins a layer. `transport` sends the calls of the platform.
    #[must_use]
    pub fn builder(transport: T) -> PaywallBuilder<T> {
        PaywallBuilder::new(transport)
    }

    /// The gate, for its settings.
    #[must_use]
    pub fn gate(&self) -> &Gate {
        &self.shared.gate
    }
}

impl<S, T: Transport> tower_layer::Layer<S> for PaywallLayer<T> {
    type Service = PaywallService<S, T>;

    fn layer(&self, service: S) -> PaywallService<S, T> {
        PaywallService { service, shared: self.shared.clone() }
    }
}

impl<S, T, A, B> Service<Request<A>> for PaywallService<S, T>
where
    T: Transport,
    S: Service<Request<A>, Response = Response<B>, Error: fmt::Display + Send, Future: Send>
        + Clone
        + Send
        + 'static,
    A: Body<Data = Bytes> + From<Bytes> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
{
    type Response = Response<PaidBody<B>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A request that is refused needs no service: it is made ready when it is called.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<A>) -> Self::Future {
        let (shared, service) = (self.shared.clone(), self.service.clone());
        Box::pin(async move { Ok(driver::answer(shared, service, request).await) })
    }
}

impl<T> Clone for PaywallLayer<T> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone() }
    }
}

impl<S: Clone, T> Clone for PaywallService<S, T> {
    fn clone(&self) -> Self {
        Self { service: self.service.clone(), shared: self.shared.clone() }
    }
}

impl<T> fmt::Debug for PaywallLayer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaywallLayer").finish_non_exhaustive()
    }
}

impl<S, T> fmt::Debug for PaywallService<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaywallService").finish_non_exhaustive()
    }
}
