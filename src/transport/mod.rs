//! The fetch seam: sends a request, times out, reads a bounded text. It knows no payment word.
//!
//! gloo-net builds the requests to the platform; it does not send or read, since its own ways of doing so panic on
//! ordinary bad input, and a panic here is a promise that never settles.

mod exchange;

pub(crate) use exchange::{Head, Kept, Place, keep, unless_aborted};

use crate::api::{Method, Request, Response};
use crate::wire::Secret;
use alloc::{format, string::String};
use gloo_net::http::{Headers, RequestBuilder};
use js_sys::{Function, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// What an answer of the platform may weigh, in bytes: [`MAX_ANSWER_BYTES`](crate::api::MAX_ANSWER_BYTES).
const MAX_ANSWER: u32 = 256 * 1024;

#[wasm_bindgen(module = "/src/transport/exchange.js")]
extern "C" {
    #[wasm_bindgen(js_name = textOf)]
    fn text_of(answer: &web_sys::Response, limit: u32) -> Promise;
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch, catch)]
    fn global_fetch(request: &web_sys::Request) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &Function, milliseconds: f64) -> JsValue;
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

    /// Sends a request. The answer is taken for a `Response` by what it can do: a polyfill's class is its own.
    pub(crate) async fn send(&self, request: &web_sys::Request) -> Result<web_sys::Response, JsValue> {
        let promise = match &self.0 {
            None => global_fetch(request)?,
            Some(fetch) => Promise::resolve(&fetch.call1(&JsValue::UNDEFINED, request)?),
        };
        let answer = JsFuture::from(promise).await?;
        if !answer.is_object() {
            return Err(JsError::new("fetch gave something that is no Response").into());
        }
        Ok(answer.unchecked_into())
    }

    /// Makes a call of the platform: the whole of it, body included, in `timeout_ms`. `None` where no answer came or
    /// it was too large to be one.
    pub(crate) async fn call(
        &self,
        backend: &str,
        request: &Request,
        key: Option<&Secret>,
        timeout_ms: u32,
    ) -> Option<Response> {
        let answer = self.send(&platform_request(backend, request, key, timeout_ms).ok()?).await.ok()?;
        let headers = answer.headers();
        Some(Response {
            status: answer.status(),
            correlation_id: headers.get("x-correlation-id").ok().flatten(),
            body: bounded_text(&answer, MAX_ANSWER).await?,
        })
    }
}

fn platform_request(
    backend: &str,
    request: &Request,
    key: Option<&Secret>,
    timeout_ms: u32,
) -> Result<web_sys::Request, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in request.headers(key) {
        headers.set(name, &value)?;
    }
    headers.set("x-correlation-id", &random_hex())?;
    let signal = web_sys::AbortSignal::timeout_with_u32(timeout_ms);
    let builder = RequestBuilder::new(&format!("{backend}{}", request.path))
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
    let built = match &request.body {
        Some(body) => builder.body(body.as_str()),
        None => builder.build(),
    };
    built.map(Into::into).map_err(|_| JsValue::NULL)
}

/// The text of a body of at most `limit` bytes; `None` where it is larger, broken or not UTF-8.
async fn bounded_text(answer: &web_sys::Response, limit: u32) -> Option<String> {
    JsFuture::from(text_of(answer, limit)).await.ok()?.as_string()
}

/// Waits so many milliseconds.
pub(crate) async fn sleep(milliseconds: u64) {
    let milliseconds = u32::try_from(milliseconds).unwrap_or(u32::MAX >> 1);
    let promise = Promise::new(&mut |resolve, _| {
        set_timeout(&resolve, milliseconds.into());
    });
    // Nothing rejects it.
    drop(JsFuture::from(promise).await);
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &Uint8Array) -> Uint8Array;
}

/// 128 random bits, in hexadecimal, from the platform's generator.
pub(crate) fn random_hex() -> String {
    let bytes = Uint8Array::new_with_length(16);
    let mut text = String::with_capacity(32);
    for byte in get_random_values(&bytes).to_vec() {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}
