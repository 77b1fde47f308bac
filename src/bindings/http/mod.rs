//! The fetch seam: sends a request, times out, reads a bounded text. It knows no payment word.
//!
//! gloo-net builds the requests to the platform; it does not send or read, since its own ways of doing so panic on
//! ordinary bad input, and a panic here is a promise that never settles.

mod exchange;

pub(crate) use exchange::{Head, Kept, Place};

use crate::api::retry::pause_before_retry;
use crate::api::{Method, Request, Response};
use alloc::{string::String, vec::Vec};
use gloo_net::http::{Headers, RequestBuilder};
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// The largest response of the platform, in bytes: [`MAX_ANSWER_BYTES`](crate::api::MAX_ANSWER_BYTES).
const MAX_ANSWER: u32 = 256 * 1024;

/// The body for a response that did not arrive in time, with status 408.
const LATE: &str = r#"{"code":"platform_timeout","message":"Nevermined did not answer in time"}"#;

#[wasm_bindgen(module = "/src/bindings/http/exchange.js")]
extern "C" {
    /// Sends a copy of a request and reads the answer. Resolves to a [`Reply`], or to nothing where none came that can be
    /// used.
    fn converse(fetch: Option<&Function>, request: &web_sys::Request, limit: u32) -> Promise;

    /// A promise that resolves after so many milliseconds.
    fn pause(milliseconds: u32) -> Promise;

    /// Eight random bits.
    #[wasm_bindgen(js_name = randomByte)]
    fn random_byte() -> u8;

    /// 128 random bits, in hexadecimal.
    #[wasm_bindgen(js_name = randomHex)]
    fn random_hex() -> String;

    type Reply;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Reply) -> u16;
    #[wasm_bindgen(method, getter)]
    fn text(this: &Reply) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn correlation(this: &Reply) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn after(this: &Reply) -> Option<String>;
}

/// The `fetch` to send with: the platform's, or one that the caller gave.
#[derive(Clone, Default)]
pub(crate) struct Fetcher(Option<Function>);

impl Fetcher {
    pub(crate) fn new(fetch: Option<Function>) -> Self {
        Self(fetch)
    }

    /// The `fetch` that the caller gave, if one was.
    pub(crate) fn given(&self) -> Option<&Function> {
        self.0.as_ref()
    }

    /// Makes a call of the platform with the headers that it is to have, in `timeout_ms` all in all, body included. Only a
    /// call that is as good twice as once is sent again. `None` where no answer came or it was too large to be one. The
    /// headers are dropped before anything is awaited: the key may be among them.
    pub(crate) async fn call(
        &self,
        backend: &str,
        request: &Request,
        headers: Vec<(&'static str, String)>,
        timeout_ms: u32,
    ) -> Option<Response> {
        let correlation_id = random_hex();
        let built = platform_request(backend, request, &headers, &correlation_id, timeout_ms).ok();
        drop(headers);
        let built = built?;
        let mut tries = 0;
        loop {
            tries += 1;
            let reply = JsFuture::from(converse(self.given(), &built, MAX_ANSWER)).await;
            let reply = reply.ok().filter(|reply| reply.is_object()).map(JsCast::unchecked_into::<Reply>);
            let after = reply.as_ref().and_then(Reply::after);
            let pause =
                pause_before_retry(reply.as_ref().map(Reply::status), tries, after.as_deref(), random_byte());
            match pause {
                Some(pause) if request.is_idempotent() && !built.signal().aborted() => sleep(pause).await,
                _ if reply.is_none() && built.signal().aborted() => {
                    return Some(Response {
                        status: 408,
                        body: LATE.into(),
                        correlation_id: Some(correlation_id),
                    });
                }
                _ => {
                    let reply = reply?;
                    return Some(Response {
                        status: reply.status(),
                        body: reply.text()?,
                        // A page cannot read it where the platform does not expose it: then it is what was sent.
                        correlation_id: reply.correlation().or(Some(correlation_id)),
                    });
                }
            }
        }
    }
}

fn platform_request(
    backend: &str,
    request: &Request,
    given: &[(&'static str, String)],
    correlation_id: &str,
    timeout_ms: u32,
) -> Result<web_sys::Request, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in given {
        headers.set(name, value)?;
    }
    headers.set("x-correlation-id", correlation_id)?;
    let signal = web_sys::AbortSignal::timeout_with_u32(timeout_ms);
    let builder = RequestBuilder::new(&[backend, &request.path].concat())
        .method(match request.method {
            Method::Get => gloo_net::http::Method::GET,
            Method::Post => gloo_net::http::Method::POST,
            Method::Put => gloo_net::http::Method::PUT,
            Method::Patch => gloo_net::http::Method::PATCH,
            Method::Delete => gloo_net::http::Method::DELETE,
        })
        // The API has no redirects, and its key, orders and tokens go nowhere else.
        .redirect(web_sys::RequestRedirect::Manual)
        .headers(Headers::from_raw(headers))
        .abort_signal(Some(&signal));
    // Nothing is a body that is left out.
    let body = request.body.as_deref().map_or(JsValue::UNDEFINED, JsValue::from_str);
    builder.body(body).map(Into::into).map_err(|_| JsValue::NULL)
}

/// Waits so many milliseconds.
pub(crate) async fn sleep(milliseconds: u64) {
    // Nothing rejects it.
    drop(JsFuture::from(pause(u32::try_from(milliseconds).unwrap_or(u32::MAX >> 1))).await);
}
