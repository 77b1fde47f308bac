//! The seller's own code beside the handler: hooks, and the function that prices a request.

use super::js;
use crate::paywall::{CanonicalRequest, GateResponse, PaymentContext, Settled};
use crate::wire::Credits;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use worker::{Error, Request, Response, Result, web_sys};

type Later<T> = Pin<Box<dyn Future<Output = T>>>;
pub(super) type Price = Rc<dyn Fn(PriceRequest, String) -> Later<Option<Credits>>>;
pub(super) type PaymentHook =
    Rc<dyn Fn(CanonicalRequest, PaymentContext) -> Later<std::result::Result<(), String>>>;
pub(super) type SettleHook = Rc<dyn Fn(CanonicalRequest, Settled) -> Later<()>>;
pub(super) type ErrorHook = Rc<dyn Fn(CanonicalRequest, &GateResponse) -> Option<Response>>;

/// The handler that answers in the place of an origin.
pub(super) type Handler = Box<dyn FnOnce(Request, Option<PaymentContext>) -> Later<Result<Response>>>;

/// The seller's functions.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) price: Option<Price>,
    pub(super) before_verify: Option<PaymentHook>,
    pub(super) after_verify: Option<PaymentHook>,
    pub(super) after_settle: Option<SettleHook>,
    pub(super) payment_error: Option<ErrorHook>,
}

/// A function as a hook.
pub(super) fn later<A, B, R, F>(function: impl Fn(A, B) -> F + 'static) -> Rc<dyn Fn(A, B) -> Later<R>>
where
    F: Future<Output = R> + 'static,
{
    Rc::new(move |first, second| Box::pin(function(first, second)))
}

/// A request that is to be priced: the one that the handler gets when it is paid for.
#[derive(Debug)]
pub struct PriceRequest {
    /// Method, URL and headers, without the buyer's token.
    pub head: CanonicalRequest,
    request: web_sys::Request,
    limit: usize,
    too_large: Rc<Cell<bool>>,
}

impl PriceRequest {
    pub(super) fn new(
        head: CanonicalRequest,
        request: web_sys::Request,
        limit: u32,
    ) -> (Self, Rc<Cell<bool>>) {
        let too_large = Rc::new(Cell::new(false));
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        (Self { head, request, limit, too_large: too_large.clone() }, too_large)
    }

    /// Reads the body, at most `MAX_BODY_BYTES` of it. The handler gets all of it all the same. Call it once.
    ///
    /// # Errors
    /// The body is larger, and the request is answered with 413; or it broke off.
    pub async fn bytes(&mut self) -> Result<Vec<u8>> {
        if !self.head.body {
            return Ok(Vec::new());
        }
        let copy: web_sys::Request = self.request.clone()?;
        let Some(body) = copy.body() else { return Ok(Vec::new()) };
        match js::read(&body, self.limit).await? {
            Some(bytes) => Ok(bytes),
            None => {
                self.too_large.set(true);
                Err(Error::RustError(format!("the body has more than {} bytes (MAX_BODY_BYTES)", self.limit)))
            }
        }
    }

    /// Reads the body as a text: see [`bytes`](Self::bytes).
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and where it is no UTF-8.
    pub async fn text(&mut self) -> Result<String> {
        String::from_utf8(self.bytes().await?).map_err(|error| Error::RustError(error.to_string()))
    }
}
