//! What the classes share: one way from a future to a promise, one way to ask the platform, ids as JavaScript gives them.

use super::convert::{bad_field, bad_wire, digits};
use super::session::Session;
use crate::api::Request;
use crate::wire::Id;
use alloc::{boxed::Box, rc::Rc};
use core::future::Future;
use core::pin::Pin;
use js_sys::Promise;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;

/// One place turns futures into promises, and one type of future: each other would be another kilobyte of wasm.
pub(super) fn promise(work: impl Future<Output = Result<JsValue, JsValue>> + 'static) -> Promise {
    let work: Pin<Box<dyn Future<Output = Result<JsValue, JsValue>>>> = Box::pin(work);
    future_to_promise(work)
}

/// The answer to one call, as the platform gave it.
pub(super) fn answer(session: &Rc<Session>, request: Result<Request, JsValue>) -> Promise {
    let session = session.clone();
    promise(async move { session.call_json(&request?).await })
}

/// An id: a string, or a bigint that it was read as.
pub(super) fn id<K>(value: &JsValue, name: &'static str) -> Result<Id<K>, JsValue> {
    let digits = value.as_string().or_else(|| value.is_bigint().then(|| digits(value)).flatten());
    let digits = digits.ok_or_else(|| bad_field(name, "a string"))?;
    Id::parse(&digits, name).map_err(|error| bad_wire(&error))
}
