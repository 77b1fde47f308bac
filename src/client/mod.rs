//! An HTTP client that pays (feature `client`): a [`Client`] sends requests over a [`Transport`] and
//! answers a 402 with a payment, within the limits that its owner has set.
//!
//! It needs no runtime: the futures of its fetches do all the work, and [`block_on`] runs one where there is no runtime at
//! all.
//!
//! ```no_run
//! # struct Http;
//! # impl payments_wasm::transport::Transport for Http {
//! #     type Body = http_body_util::Full<bytes::Bytes>;
//! #     type Error = std::io::Error;
//! #     async fn send(&self, _: http::Request<bytes::Bytes>) -> Result<http::Response<Self::Body>, std::io::Error> { Ok(http::Response::default()) }
//! #     async fn sleep(&self, _: std::time::Duration) {}
//! # }
//! use payments_wasm::client::Client;
//! use payments_wasm::subscriber::Policy;
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = Policy {
//!     origins: vec!["https://api.example".into()],
//!     max_credits_per_day: Some(100u64.into()),
//!     ..Policy::default()
//! };
//! let client = Client::builder(Http, &std::env::var("NVM_API_KEY")?)?
//!     .delegation(std::env::var("NVM_DELEGATION_ID")?.parse()?)
//!     .policy(policy)
//!     .build()?;
//! let paid = client.fetch(http::Request::post("https://api.example/ask").body("why?")?).await?;
//! println!("{} for {} credits", paid.response.status(), paid.spend.credits_presented);
//! # Ok(())
//! # }
//! ```

mod blocking;
mod builder;
mod error;
mod fetch;
mod session;

pub use crate::transport::ResponseBody;
pub use blocking::block_on;
pub use builder::ClientBuilder;
pub use error::PaymentError;
pub use fetch::Paid;

use crate::api::{ApiError, ApiErrorKind, Call};
use crate::transport::Transport;
use crate::wire::{Credits, WireError};
use bytes::Bytes;
use core::fmt;
use session::Session;
use std::sync::Arc;

/// A client that pays from one account. A clone shares its tokens, its budget and its limits.
pub struct Client<T> {
    session: Arc<Session<T>>,
}

impl<T: Transport> Client<T> {
    /// Begins a client with an API key, which may only spend from its own account.
    ///
    /// # Errors
    /// It is no API key.
    pub fn builder(transport: T, api_key: &str) -> Result<ClientBuilder<T>, WireError> {
        ClientBuilder::new(transport, api_key)
    }

    /// Sends a request, and pays for it if the seller asks for it and the policy or the `approve` function agrees. The URL
    /// is absolute. Redirects are not followed: a 3xx is a response like any other.
    ///
    /// Dropping the future aborts the fetch. A payment that was on the wire may have been taken then.
    ///
    /// # Errors
    /// A [`PaymentError`], with what was spent. A response that is no 402 is never an error.
    pub async fn fetch<B: Into<Bytes>>(
        &self,
        request: http::Request<B>,
    ) -> Result<Paid<T::Body>, PaymentError<T::Body>> {
        fetch::run(&self.session, request.map(Into::into), false).await
    }

    /// Asks for the offers of a resource, and pays nothing.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn quote<B: Into<Bytes>>(
        &self,
        request: http::Request<B>,
    ) -> Result<Paid<T::Body>, PaymentError<T::Body>> {
        fetch::run(&self.session, request.map(Into::into), true).await
    }

    /// Sends a call of the platform: [`plans`](crate::api::plans), [`delegations`](crate::api::delegations).
    ///
    /// # Errors
    /// The platform's error, or that it did not answer.
    pub async fn call<C: Call>(&self, call: &C) -> Result<C::Output, ApiError> {
        match self.session.call(&call.request()).await {
            Some(response) => call.parse(&response),
            None => Err(ApiError {
                kind: ApiErrorKind::Unavailable,
                code: "network_error".into(),
                message: "Nevermined could not be reached".into(),
                hint: None,
                status: 0,
                correlation_id: None,
                retryable: true,
                docs_url: None,
            }),
        }
    }

    /// The most that this client has presented so far, in credits.
    #[must_use]
    pub fn credits_presented(&self) -> Credits {
        self.session.lock().buyer.budget().total()
    }
}

impl<T> Clone for Client<T> {
    fn clone(&self) -> Self {
        Self { session: self.session.clone() }
    }
}

impl<T> fmt::Debug for Client<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
