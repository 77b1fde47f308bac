//! Hands a request to the seller's handler, which is the origin. Bodies go from stream to stream.

use super::hooks::Handler;
use super::js;
use super::js::js_headers;
use super::time_limit::within;
use crate::paywall::{Forward, PaymentContext};
use worker::Error;
use worker::wasm_bindgen::JsValue;
use worker::web_sys::{AbortController, AbortSignal, Request, RequestInit, RequestRedirect, Response};

/// Calls the handler with the forwarded request; nothing where no answer came in time.
pub(super) async fn hand_over(
    request: &Request,
    forward: &Forward,
    handler: Handler,
    paid: Option<PaymentContext>,
    timeout_ms: u32,
) -> Result<Option<Response>, Error> {
    // Aborted only where no answer began: a signal that ends by the clock would cut a long answer short.
    let abort = AbortController::new()?;
    let forwarded = build(request, forward, &abort.signal())?;
    let Some(answer) = within(timeout_ms, handler(forwarded.into(), paid)).await else {
        abort.abort();
        return Ok(None);
    };
    let answer: Response = answer?.into();
    if js::is_gone(answer.body_used(), answer.body()) {
        return Err(Error::RustError(UNUSABLE.into()));
    }
    Ok(Some(answer))
}

/// The message of the error for an answer that cannot be delivered.
const UNUSABLE: &str = "its response cannot be delivered: the body was read already";

/// True if a handler's answer is there, but cannot be delivered.
pub(super) fn is_unusable(error: &Error) -> bool {
    matches!(error, Error::RustError(message) if message == UNUSABLE)
}

fn build(request: &Request, forward: &Forward, signal: &AbortSignal) -> Result<Request, JsValue> {
    let init = RequestInit::new();
    init.set_method(forward.method.as_str());
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(signal));
    init.set_headers(js_headers(&forward.headers)?.as_ref());
    if let Some(body) = request.body().filter(|_| forward.body) {
        init.set_body(&body);
    }
    Request::new_with_str_and_init(&forward.url, &init)
}
