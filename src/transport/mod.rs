//! The fetch seam: sends a request, times out, reads a bounded text. It knows no payment word.
//!
//! gloo-net builds the requests to the platform; it does not send or read, since its own ways of doing so panic on
//! ordinary bad input, and a panic here is a promise that never settles.

mod exchange;

pub(crate) use exchange::{Head, Kept, Place, keep, unless_aborted};

use crate::api::retry::pause_before_retry;
use crate::api::{Method, Request, Response};
use alloc::{format, string::String, vec::Vec};
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

    /// Makes a call of the platform with the headers that it is to have. Each try is given `timeout_ms`, body included, and
    /// only a call that is as good twice as once is tried again. `None` where no answer came or it was too large to be one.
    pub(crate) async fn call(
        &self,
        backend: &str,
        request: &Request,
        headers: &[(&'static str, String)],
        timeout_ms: u32,
    ) -> Option<Response> {
        let url = format!("{backend}{}", request.path);
        for tries in 1.. {
            let (answer, retry_after) = match self.try_call(&url, request, headers, timeout_ms).await {
                Some((answer, retry_after)) => (Some(answer), retry_after),
                None => (None, None),
            };
            let status = answer.as_ref().map(|answer| answer.status);
            let jitter = random_bytes(1).pop().unwrap_or_default();
            match pause_before_retry(status, tries, retry_after.as_deref(), jitter) {
                Some(pause) if request.is_idempotent() => sleep(pause).await,
                _ => return answer,
            }
        }
        None
    }

    async fn try_call(
        &self,
        url: &str,
        request: &Request,
        headers: &[(&'static str, String)],
        timeout_ms: u32,
    ) -> Option<(Response, Option<String>)> {
        let correlation_id = random_hex();
        let request = platform_request(url, request, headers, &correlation_id, timeout_ms).ok()?;
        let answer = self.send(&request).await.ok()?;
        let headers = answer.headers();
        let header = |name| headers.get(name).ok().flatten();
        let response = Response {
            status: answer.status(),
            // A page cannot read it where the platform does not expose it: then it is what was sent.
            correlation_id: header("x-correlation-id").or(Some(correlation_id)),
            body: bounded_text(&answer, MAX_ANSWER).await?,
        };
        Some((response, header("retry-after")))
    }
}

fn platform_request(
    url: &str,
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
    let builder = RequestBuilder::new(url)
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

/// Random bytes of the platform's generator.
fn random_bytes(count: u32) -> Vec<u8> {
    get_random_values(&Uint8Array::new_with_length(count)).to_vec()
}

/// 128 random bits, in hexadecimal.
pub(crate) fn random_hex() -> String {
    let mut text = String::with_capacity(32);
    for byte in random_bytes(16) {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}
