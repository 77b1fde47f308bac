//! The caller's request, kept so that it can be sent up to three times (rule 7), and the heads of its answers.
//!
//! The handling is in `platform.js`; here are the types of both and their way into the core's.

use super::error::{Facts, reject, reject_because};
use crate::subscriber::{Answer, Redirected, Redirects, Send, Target};
use crate::transport::Fetcher;
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
use alloc::string::String;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

/// What a one-shot stream may weigh to be kept for a second sending, in bytes.
const MAX_BUFFERED: u32 = 1024 * 1024;

#[wasm_bindgen(module = "/src/js/platform.js")]
extern "C" {
    #[wasm_bindgen(js_name = keep)]
    fn js_keep(input: &JsValue, init: &JsValue, limit: u32) -> Promise;

    #[wasm_bindgen(js_name = unlessAborted)]
    pub(super) fn unless_aborted(signal: &web_sys::AbortSignal, promise: &Promise) -> Promise;

    #[wasm_bindgen(js_name = consentContext)]
    pub(super) fn consent_context(
        plans: super::payments::Plans,
        plan_id: &str,
        signal: &web_sys::AbortSignal,
    ) -> JsValue;

    /// A request that can be sent again.
    pub(super) type Kept;
    #[wasm_bindgen(method, getter)]
    fn url(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    fn origin(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    fn path(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(super) fn method(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    fn redirect(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(super) fn signal(this: &Kept) -> web_sys::AbortSignal;
    #[wasm_bindgen(method, js_name = send)]
    fn js_send(
        this: &Kept,
        fetch: Option<&Function>,
        url: Option<&str>,
        header: &str,
        token: Option<&str>,
        redirect: &str,
        as_get: bool,
    ) -> Promise;

    /// The head of an answer, with the answer.
    #[derive(Clone)]
    pub(super) type Head;
    #[wasm_bindgen(method, getter)]
    pub(super) fn response(this: &Head) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(super) fn status(this: &Head) -> u16;
    #[wasm_bindgen(method, getter)]
    fn redirected(this: &Head) -> bool;
    #[wasm_bindgen(method, getter)]
    fn hidden(this: &Head) -> bool;
    #[wasm_bindgen(method, getter)]
    fn at(this: &Head) -> Option<Place>;
    #[wasm_bindgen(method, getter)]
    fn to(this: &Head) -> Option<Place>;
    #[wasm_bindgen(method)]
    fn header(this: &Head, name: &str) -> Option<String>;
    #[wasm_bindgen(method)]
    pub(super) fn text(this: &Head, limit: u32) -> Promise;
    #[wasm_bindgen(method)]
    pub(super) fn drop(this: &Head);

    type Place;
    #[wasm_bindgen(method, getter, js_name = url)]
    fn place_url(this: &Place) -> String;
    #[wasm_bindgen(method, getter, js_name = origin)]
    fn place_origin(this: &Place) -> String;
    #[wasm_bindgen(method, getter, js_name = path)]
    fn place_path(this: &Place) -> String;
}

impl Kept {
    /// Takes what `fetch` takes.
    pub(super) async fn new(input: &JsValue, init: &JsValue) -> Result<Self, JsValue> {
        let kept = JsFuture::from(js_keep(input, init, MAX_BUFFERED))
            .await
            .map_err(|cause| reject_because("the request cannot be made", "invalid_request", &cause))?;
        if kept.is_undefined() {
            return Err(reject(
                "the request's body is a stream too long to be kept for a second sending",
                Facts {
                    code: "body_not_replayable",
                    hint: Some("give the body as a string, a buffer, a Blob or FormData, or under 1 MiB"),
                    ..Facts::default()
                },
            ));
        }
        Ok(kept.unchecked_into())
    }

    pub(super) fn target(&self) -> Target {
        Target { url: self.url(), origin: self.origin(), path: self.path() }
    }

    pub(super) fn redirects(&self) -> Redirects {
        match self.redirect().as_str() {
            "manual" => Redirects::Manual,
            "error" => Redirects::Error,
            _ => Redirects::Follow,
        }
    }

    /// Sends it as the buyer says; rejects with what `fetch` threw.
    pub(super) async fn send(&self, fetcher: &Fetcher, send: &Send) -> Result<Head, JsValue> {
        let redirect = match send.redirects {
            Redirects::Follow => "follow",
            Redirects::Manual => "manual",
            Redirects::Error => "error",
        };
        let sent = self.js_send(
            fetcher.given(),
            send.target.as_ref().map(|target| target.url.as_str()),
            PAYMENT_SIGNATURE,
            send.token.as_ref().map(crate::wire::Secret::expose),
            redirect,
            send.as_get,
        );
        Ok(JsFuture::from(sent).await?.unchecked_into())
    }
}

impl Head {
    pub(super) fn look(&self) -> Answer {
        let location = match self.hidden() {
            true => Some(Redirected::Somewhere),
            false => self.to().map(|to| Redirected::To(to.target())),
        };
        Answer {
            status: self.status(),
            redirected: self.redirected(),
            target: self.at().map(|at| at.target()),
            offer: self.header(PAYMENT_REQUIRED),
            receipt: self.header(PAYMENT_RESPONSE),
            location,
        }
    }
}

impl Place {
    fn target(&self) -> Target {
        Target { url: self.place_url(), origin: self.place_origin(), path: self.place_path() }
    }
}
