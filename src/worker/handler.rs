//! The gate for a Worker of one's own: the handler behind it is Rust.

use super::hooks::{Handler, Hooks, PriceRequest, later};
use super::settings::{self, Spoken};
use super::shell::{Shell, serve};
use crate::paywall::{CanonicalRequest, ConfigError, GateResponse, PaymentContext, Settled};
use crate::wire::Credits;
use std::rc::Rc;
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
/// names an origin: the handler is it. `docs/rust.md` shows how it is built, and `npx payments-wasm paywall init --rust` makes
/// a project.
#[derive(Clone)]
pub struct Paywall {
    spoken: Spoken,
    env: Env,
    hooks: Hooks,
}

impl Paywall {
    /// Reads the variables and bindings of the Worker, once an isolate.
    ///
    /// # Errors
    /// The first variable that is missing or wrong, by its name. Hand it on: a gate that cannot be is closed.
    pub async fn from_env(env: &Env) -> Result<Self> {
        Self::of(settings::gate(env).await, env)
    }

    /// Reads the routes from a document in the code: JSON with the members of `docs/paywall-config.md`. What it does not say
    /// is read from the variables: the key, and the platform, which the Durable Object has to know too. It is read once an
    /// isolate, so give the same text at each request.
    ///
    /// ```no_run
    /// # use payments_wasm::worker::Paywall;
    /// # fn paywall(env: &worker::Env) -> worker::Result<Paywall> {
    /// Paywall::from_document(
    ///     env,
    ///     r#"{ "routes": { "POST /ask": { "planId": "1001", "credits": 2 } }, "open": ["GET /health"], "unlisted": "deny" }"#,
    /// )
    /// # }
    /// ```
    ///
    /// # Errors
    /// The first key or variable that is missing or wrong, by its name.
    pub fn from_document(env: &Env, document: &str) -> Result<Self> {
        Self::of(settings::coded(env, document), env)
    }

    fn of(spoken: std::result::Result<Spoken, ConfigError>, env: &Env) -> Result<Self> {
        let spoken = spoken.map_err(|error| {
            worker::console_error!("{}: {}", error.code(), error);
            Error::from(error.to_string())
        })?;
        Ok(Self { spoken, env: env.clone(), hooks: Hooks::default() })
    }

    /// The function that prices routes whose `credits` are `{ "by": "handler", "most": 12 }`: it receives the request, whose
    /// body it may read, and the route's key. `None`, or more than `most`, is a 500, and the request goes no further.
    #[must_use]
    pub fn price<F, P>(mut self, price: F) -> Self
    where
        F: Fn(PriceRequest, String) -> P + 'static,
        P: Future<Output = Option<Credits>> + 'static,
    {
        self.hooks.price = Some(later(price));
        self
    }

    /// The hook that runs before a payment is verified. An error refuses the payment with its text: 402, and nothing is
    /// charged. It may run for one payment though its verification is cached.
    #[must_use]
    pub fn before_verify<F, H>(mut self, hook: F) -> Self
    where
        F: Fn(CanonicalRequest, PaymentContext) -> H + 'static,
        H: Future<Output = std::result::Result<(), String>> + 'static,
    {
        self.hooks.before_verify = Some(later(hook));
        self
    }

    /// The hook that runs after a payment is verified, before the handler. An error refuses the payment with its text.
    #[must_use]
    pub fn after_verify<F, H>(mut self, hook: F) -> Self
    where
        F: Fn(CanonicalRequest, PaymentContext) -> H + 'static,
        H: Future<Output = std::result::Result<(), String>> + 'static,
    {
        self.hooks.after_verify = Some(later(hook));
        self
    }

    /// The hook that runs after a settlement, with its receipt. It cannot undo it.
    #[must_use]
    pub fn after_settle<F, H>(mut self, hook: F) -> Self
    where
        F: Fn(CanonicalRequest, Settled) -> H + 'static,
        H: Future<Output = ()> + 'static,
    {
        self.hooks.after_settle = Some(later(hook));
        self
    }

    /// The function that may answer a 402 or 503 of the gate in its own words. The headers that make it payable, and keep it
    /// out of caches, stay. `None` leaves the gate's answer.
    #[must_use]
    pub fn payment_error(
        mut self,
        hook: impl Fn(CanonicalRequest, &GateResponse) -> Option<Response> + 'static,
    ) -> Self {
        self.hooks.payment_error = Some(Rc::new(hook));
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
            gate: self.spoken.gate.clone(),
            speaker: self.spoken.speaker.clone(),
            envelope: None,
            request,
            env: self.env.clone(),
            answer: None,
            handler: Some(handler),
            hooks: self.hooks.clone(),
            asked: false,
        };
        Ok(serve(shell, context).await?.into())
    }
}

impl std::fmt::Debug for Paywall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Paywall").finish_non_exhaustive()
    }
}
