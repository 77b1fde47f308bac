//! The gate for a Worker of one's own: the handler behind it is Rust.

use super::{Shell, serve, settings};
use crate::paywall::{Gate, PaymentContext, RequestHead};
use crate::wire::Credits;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use worker::{Context, Env, Error, Request, Response, Result, web_sys};

/// The paywall around a handler, in a Worker of one's own.
///
/// ```no_run
/// use payments_wasm::worker::Paywall;
/// use worker::{Context, Env, Request, Response, Result, event};
///
/// // The Durable Object class `PaywallState` is exported by this crate: its binding is `PAYWALL_STATE`.
/// #[event(fetch)]
/// async fn main(request: Request, env: Env, context: Context) -> Result<Response> {
///     Paywall::from_env(&env)
///         .await?
///         .serve(request, &context, |_request, paid| async move {
///             match paid {
///                 Some(paid) => Response::ok(format!("{} paid", paid.payer.unwrap_or_default())),
///                 None => Response::ok("an open route"),
///             }
///         })
///         .await
/// }
/// # fn main() {}
/// ```
///
/// The variables are those of the Worker that is deployed as it is (`ROUTES`, `UNLISTED`, `NVM_API_KEY`, …), but none that
/// names an origin: the handler is it. Built with `worker-build`, or with `wasm-bindgen --target web` and an `entry.js` like
/// that of `tests/rust-worker` in the repository.
#[derive(Clone)]
pub struct Paywall {
    gate: Arc<Gate>,
    env: Env,
    price: Option<Price>,
}

pub(super) type Price = Rc<dyn Fn(&RequestHead, &str) -> Option<Credits>>;
type Answering = Pin<Box<dyn Future<Output = Result<Response>>>>;
pub(super) type Handler = Box<dyn FnOnce(Request, Option<PaymentContext>) -> Answering>;

impl Paywall {
    /// Reads the variables and bindings of the Worker, once an isolate.
    ///
    /// # Errors
    /// The first variable that is missing or wrong, by its name. Hand it on: a gate that cannot be is closed.
    pub async fn from_env(env: &Env) -> Result<Self> {
        let gate = settings::gate(env).await.map_err(|error| {
            worker::console_error!("{}: {}", error.code(), error);
            Error::from(error.to_string())
        })?;
        Ok(Self { gate, env: env.clone(), price: None })
    }

    /// The same with a function that says what a request costs, for the routes whose `credits` are
    /// `{ "by": "handler", "most": 12 }`: it is handed the request as the handler gets it, without its body, and the route's
    /// key. Nothing, or more than `most`, is a 500, and the request goes no further.
    #[must_use]
    pub fn price(mut self, price: impl Fn(&RequestHead, &str) -> Option<Credits> + 'static) -> Self {
        self.price = Some(Rc::new(price));
        self
    }

    /// Answers a request: `handler` is asked only where it is paid for (it has a [`PaymentContext`] then), open, free of
    /// charge or passed (it has none). What it answers is delivered as the route's `settle` says; of anything but a 2xx, and
    /// of an error, nothing is settled.
    ///
    /// # Errors
    /// Where the runtime fails.
    pub async fn serve<H, F>(&self, request: Request, context: &Context, handler: H) -> Result<Response>
    where
        H: FnOnce(Request, Option<PaymentContext>) -> F + 'static,
        F: Future<Output = Result<Response>> + 'static,
    {
        let handler: Handler = Box::new(move |request, paid| Box::pin(handler(request, paid)));
        let request: web_sys::Request = request.try_into()?;
        let shell = Shell {
            gate: self.gate.clone(),
            request,
            env: self.env.clone(),
            origin: None,
            handler: Some(handler),
            price: self.price.clone(),
            head: RequestHead::default(),
        };
        Ok(serve(shell, context).await?.into())
    }
}

impl std::fmt::Debug for Paywall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paywall").finish_non_exhaustive()
    }
}
