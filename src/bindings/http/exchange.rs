//! Requests that can be sent again and the heads of their answers, as `exchange.js` has them.

use alloc::string::String;
use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/bindings/http/exchange.js")]
extern "C" {
    /// A request that can be sent again; `keep` makes it.
    #[derive(Clone)]
    pub type Kept;
    /// Calls back with false when the caller's signal fires, with true when a limit is over.
    #[wasm_bindgen(method)]
    pub(crate) fn watch(this: &Kept, callback: &Function);
    /// From now on it is that many milliseconds to the limit, or there is none.
    #[wasm_bindgen(method)]
    pub(crate) fn limit(this: &Kept, milliseconds: Option<u32>);
    /// Nothing is to be watched any more: what still waits, a send or a question, is given up.
    #[wasm_bindgen(method)]
    pub(crate) fn done(this: &Kept);
    /// The answer to a question, unless the caller's signal comes first.
    #[wasm_bindgen(method)]
    pub(crate) fn asked(this: &Kept, answer: &Promise) -> Promise;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn url(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn origin(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn path(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn method(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn redirect(this: &Kept) -> String;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn signal(this: &Kept) -> web_sys::AbortSignal;
    /// Sends it, to `url` if it is not the caller's own, with a header if there is a value for it. Resolves to a [`Head`],
    /// rejects with what `fetch` threw.
    #[wasm_bindgen(method)]
    pub(crate) fn send(
        this: &Kept,
        fetch: Option<&Function>,
        url: Option<&str>,
        header: &str,
        value: Option<&str>,
        redirect: &str,
        as_get: bool,
    ) -> Promise;

    /// The head of an answer, with the answer.
    #[derive(Clone)]
    pub(crate) type Head;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn response(this: &Head) -> JsValue;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn status(this: &Head) -> u16;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn redirected(this: &Head) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn hidden(this: &Head) -> bool;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn at(this: &Head) -> Option<Place>;
    #[wasm_bindgen(method, getter)]
    pub(crate) fn to(this: &Head) -> Option<Place>;
    #[wasm_bindgen(method)]
    pub(crate) fn header(this: &Head, name: &str) -> Option<String>;
    #[wasm_bindgen(method)]
    pub(crate) fn text(this: &Head, limit: u32) -> Promise;
    #[wasm_bindgen(method)]
    pub(crate) fn drop(this: &Head);

    /// A URL taken apart by the platform's own parser.
    pub(crate) type Place;
    #[wasm_bindgen(method, getter, js_name = url)]
    pub(crate) fn place_url(this: &Place) -> String;
    #[wasm_bindgen(method, getter, js_name = origin)]
    pub(crate) fn place_origin(this: &Place) -> String;
    #[wasm_bindgen(method, getter, js_name = path)]
    pub(crate) fn place_path(this: &Place) -> String;
}
