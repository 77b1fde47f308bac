use crate::api;
use crate::paywall::{FacilitatorError, GateResponse, HeaderList, Settings};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::Error;
use worker::js_sys::{self, Promise, Reflect, Uint8Array};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    Headers, ReadableStream, ReadableStreamDefaultReader, Request, Response, ResponseInit,
};

// The client of the platform, as in the npm package.
#[wasm_bindgen(module = "/src/bindings/http/answer.js")]
extern "C" {
    fn exchange(url: &str, method: &str, headers: &Headers, body: Option<&str>, timeout_ms: u32) -> Promise;

    fn bytes(reader: &ReadableStreamDefaultReader, limit: usize) -> Promise;
}

/// Milliseconds since 1970. The clock stands still between two answers from outside.
pub(super) fn now() -> u64 {
    js_sys::Date::now() as u64
}

/// Chance, of the runtime's own generator.
pub(super) fn seed() -> Result<[u8; 16], Error> {
    let crypto = Reflect::get(&js_sys::global(), &JsValue::from_str("crypto"))?;
    let fill: js_sys::Function = Reflect::get(&crypto, &JsValue::from_str("getRandomValues"))?.dyn_into()?;
    let bytes = Uint8Array::new_with_length(16);
    fill.call1(&crypto, &bytes)?;
    let mut seed = [0; 16];
    bytes.copy_to(&mut seed);
    Ok(seed)
}

/// The client's address, where Cloudflare says it: its edge puts `cf` on a request, and no client can. A workerd of one's own
/// is sent the header by anybody.
pub(super) fn client_address(request: &Request, headers: &HeaderList) -> Option<String> {
    let at_the_edge = Reflect::get(request, &JsValue::from_str("cf")).is_ok_and(|cf| cf.is_object());
    headers.get("cf-connecting-ip").filter(|_| at_the_edge).map(Into::into)
}

/// True if a body was read already, or somebody is reading it.
pub(super) fn is_gone(used: bool, body: Option<ReadableStream>) -> bool {
    used || body.is_some_and(|body| body.locked())
}

/// All headers of a message, `Set-Cookie` each by itself.
pub(super) fn headers(headers: &Headers) -> HeaderList {
    let pair = |entry: JsValue| {
        let name = Reflect::get_u32(&entry, 0).ok()?.as_string()?;
        let value = Reflect::get_u32(&entry, 1).ok()?.as_string()?;
        Some((name, value))
    };
    let mut list: HeaderList = headers.entries().into_iter().filter_map(|entry| pair(entry.ok()?)).collect();
    if let Some(cookies) = list.get("set-cookie").and_then(|_| cookies(headers)) {
        list.remove("set-cookie");
        for cookie in cookies.iter().filter_map(|one| one.as_string()) {
            list.append("set-cookie", cookie);
        }
    }
    list
}

/// Each cookie by itself. With a compatibility date before 2023-03-01 the entries have all of them in one line, which nobody can
/// take apart; this method of workerd's has them with any date.
fn cookies(headers: &Headers) -> Option<js_sys::Array> {
    let get_all =
        Reflect::get(headers, &JsValue::from_str("getAll")).ok()?.dyn_into::<js_sys::Function>().ok()?;
    get_all.call1(headers, &JsValue::from_str("set-cookie")).ok()?.dyn_into().ok()
}

/// Sends a call to the facilitator and reads its answer, all of it within the timeout. `correlation` is the name under
/// which the client and the origin know the request that it is made for.
pub(super) async fn call(
    settings: &Settings,
    call: &api::Request,
    correlation: Option<&str>,
) -> Result<api::Response, FacilitatorError> {
    let mut headers = HeaderList::new();
    for (name, value) in call.headers(Some(settings.key()), None) {
        headers.set(name, value);
    }
    if let Some(correlation) = correlation {
        headers.set("x-correlation-id", correlation);
    }
    let url = [settings.facilitator(), &call.path].concat();
    send(&url, call.method.as_str(), &headers, call.body.as_deref(), settings.timeout_ms()).await
}

/// Sends a request and reads its answer, all of it within the timeout.
pub(super) async fn send(
    url: &str,
    method: &str,
    headers: &HeaderList,
    body: Option<&str>,
    timeout_ms: u32,
) -> Result<api::Response, FacilitatorError> {
    let headers = js_headers(headers).map_err(|_| FacilitatorError::Unreachable)?;
    let answer = JsFuture::from(exchange(url, method, &headers, body, timeout_ms)).await;
    let answer = answer.map_err(|_| FacilitatorError::Unreachable)?;
    let Some(answer) = answer.dyn_ref::<js_sys::Array>() else {
        return Err(match answer.as_string().as_deref() {
            Some("timedOut") => FacilitatorError::TimedOut,
            Some("unreadable") => FacilitatorError::Unreadable,
            _ => FacilitatorError::Unreachable,
        });
    };
    let text = |at: u32| answer.get(at).as_string().unwrap_or_default();
    Ok(api::Response {
        status: answer.get(0).as_f64().unwrap_or_default() as u16,
        correlation_id: Some(text(1)).filter(|id| !id.is_empty()),
        body: text(2),
    })
}

/// The response to an answer of the gate's own.
pub(super) fn answer(answer: &GateResponse) -> Result<Response, Error> {
    let init = response_init(answer.status, &answer.headers)?;
    Ok(Response::new_with_opt_str_and_init(answer.body.as_deref(), &init)?)
}

/// The origin's response with other headers: same status, same stream.
pub(super) fn deliver(origin: Option<Response>, headers: &HeaderList) -> Result<Response, Error> {
    let body = origin.as_ref().and_then(Response::body);
    deliver_body(origin, headers, body)
}

/// The same with another body.
pub(super) fn deliver_body(
    origin: Option<Response>,
    headers: &HeaderList,
    body: Option<ReadableStream>,
) -> Result<Response, Error> {
    let origin = origin.ok_or("nothing to deliver")?;
    let init = response_init(origin.status(), headers)?;
    // A socket is not a body: it is handed over by itself.
    if origin.status() == 101 {
        let socket = Reflect::get(&origin, &SOCKET.into())?;
        Reflect::set(&init, &SOCKET.into(), &socket)?;
        return Ok(Response::new_with_opt_str_and_init(None, &init)?);
    }
    // A text that cannot be one is left out: by now it may be paid for, and must arrive.
    let text = origin.status_text();
    if text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        init.set_status_text(&text);
    }
    Ok(Response::new_with_opt_readable_stream_and_init(body.as_ref(), &init)?)
}

/// The member of a response, and of what one is made from, that is a WebSocket.
const SOCKET: &str = "webSocket";

/// Ends a socket that nobody will get: 1013 is "try again later".
fn hang_up(response: &Response) -> Result<(), JsValue> {
    let socket = Reflect::get(response, &SOCKET.into())?;
    if socket.is_object() {
        let method = |name: &str| Reflect::get(&socket, &name.into())?.dyn_into::<js_sys::Function>();
        method("accept")?.call0(&socket)?;
        method("close")?.call1(&socket, &1013.into())?;
    }
    Ok(())
}

/// Drops a response whose body nobody will read.
pub(super) fn cancel(response: &Response) {
    // Nobody waits for this either.
    let _ = hang_up(response);
    if let Some(body) = response.body() {
        // Nobody waits for this, and there is nobody to tell.
        let _ = body.cancel();
    }
}

/// A body of at most `limit` bytes; `None` for a larger one.
pub(super) async fn read(body: &ReadableStream, limit: usize) -> Result<Option<Vec<u8>>, JsValue> {
    let reader: ReadableStreamDefaultReader = body.get_reader().dyn_into()?;
    let whole = JsFuture::from(bytes(&reader, limit)).await?;
    Ok(whole.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec))
}

pub(super) fn response_init(status: u16, headers: &HeaderList) -> Result<ResponseInit, Error> {
    let init = ResponseInit::new();
    init.set_status(status);
    let headers = js_headers(headers)?;
    init.set_headers(&headers);
    Ok(init)
}

pub(super) fn js_headers(list: &HeaderList) -> Result<Headers, JsValue> {
    let headers = Headers::new()?;
    for (name, value) in list.iter() {
        headers.append(name, value)?;
    }
    Ok(headers)
}
