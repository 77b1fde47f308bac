//! The origin's side: a URL, a service binding, a bucket, files of the Worker's own. What is asked and what is answered
//! is the core's to say; bodies go from stream to stream, and none comes in here.

use super::env;
use super::hooks::Handler;
use super::js;
use super::js::{fetch, js_headers, response_init};
use super::js_call::call;
use super::served::{Served, within};
use crate::paywall::PaymentContext;
use crate::paywall::{Forward, HeaderList, ObjectAnswer, ObjectBody, ObjectHead, Origin, OriginResponse};
use worker::js_sys::{self, Function, Object, Reflect};
use worker::wasm_bindgen::{JsCast as _, JsValue};
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{
    AbortController, AbortSignal, Blob, Headers, Request, RequestInit, RequestRedirect, Response,
};
use worker::{Env, Error};

/// Sends the request on, its body untouched, to whoever is asked; nothing where no answer began in time.
pub(super) async fn ask(
    request: &Request,
    forward: &Forward,
    env: &Env,
    timeout_ms: u32,
) -> Result<Option<Served>, Error> {
    // Only ever pulled where no answer began: a signal that ends by the clock would cut a long answer short.
    let leash = AbortController::new()?;
    let answer = match within(timeout_ms, send(request, forward, env, &leash.signal())).await {
        Some(answer) => Some(answer?),
        None => {
            leash.abort();
            None
        }
    };
    Ok(answer)
}

/// Hands the request to a handler in the same program; nothing where no answer came in time.
pub(super) async fn hand_over(
    request: &Request,
    forward: &Forward,
    handler: Handler,
    paid: Option<PaymentContext>,
    timeout_ms: u32,
) -> Result<Option<Served>, Error> {
    let leash = AbortController::new()?;
    let forwarded = build(request, forward, &forward.headers, &leash.signal())?;
    let Some(answer) = within(timeout_ms, handler(forwarded.into(), paid)).await else {
        leash.abort();
        return Ok(None);
    };
    let answer: Response = answer?.into();
    if js::is_gone(answer.body_used(), answer.body()) {
        return Err(Error::RustError(UNUSABLE.into()));
    }
    served(answer).map(Some)
}

/// The message of the error for an answer that cannot be delivered.
const UNUSABLE: &str = "its response cannot be delivered: the body was read already";

/// True if a handler's answer is there, but cannot be delivered.
pub(super) fn is_unusable(error: &Error) -> bool {
    matches!(error, Error::RustError(message) if message == UNUSABLE)
}

async fn send(request: &Request, forward: &Forward, env: &Env, leash: &AbortSignal) -> Result<Served, Error> {
    match &forward.origin {
        Origin::Url => served(fetch(&build(request, forward, &forward.headers, leash)?).await?),
        Origin::Service => {
            served(ask_binding(env, "ORIGIN", &build(request, forward, &forward.headers, leash)?).await?)
        }
        Origin::Assets => file(request, forward, env, leash).await,
        Origin::Bucket { key } => object(forward, key, env).await,
    }
}

fn served(response: Response) -> Result<Served, Error> {
    let head = OriginResponse { status: response.status(), headers: js::headers(&response.headers()) };
    Ok(Served { response, encoded: false, head })
}

fn build(
    request: &Request,
    forward: &Forward,
    headers: &HeaderList,
    leash: &AbortSignal,
) -> Result<Request, JsValue> {
    let init = RequestInit::new();
    init.set_method(forward.method.as_str());
    init.set_redirect(RequestRedirect::Manual);
    init.set_signal(Some(leash));
    init.set_headers(js_headers(headers)?.as_ref());
    if let Some(body) = request.body().filter(|_| forward.body) {
        init.set_body(&body);
    }
    Request::new_with_str_and_init(&forward.url, &init)
}

async fn ask_binding(env: &Env, name: &str, request: &Request) -> Result<Response, Error> {
    let binding = env::binding(env, name).ok_or("the binding is gone")?;
    Ok(call(&binding, "fetch", &[request]).await?.dyn_into()?)
}

/// A file of the Worker's own. Its server knows no parts: one is cut out of the whole, which is 25 MiB at the most.
async fn file(request: &Request, forward: &Forward, env: &Env, leash: &AbortSignal) -> Result<Served, Error> {
    let response =
        ask_binding(env, "ASSETS", &build(request, forward, &forward.unconditional(), leash)?).await?;
    if response.status() != 200 {
        return served(response);
    }
    let mut object = ObjectHead { size: None, headers: js::headers(&response.headers()) };
    if !forward.asks_for_a_part() {
        let ObjectAnswer { head, body } = forward.for_object(Some(&object));
        let kept = match body {
            ObjectBody::Nothing => {
                js::cancel(&response);
                None
            }
            ObjectBody::Whole | ObjectBody::Part { .. } => response.body(),
        };
        let init = response_init(head.status, &head.headers)?;
        let response = Response::new_with_opt_readable_stream_and_init(kept.as_ref(), &init)?;
        return Ok(Served { response, encoded: false, head });
    }
    let blob: Blob = JsFuture::from(response.blob()?).await?.dyn_into()?;
    object.size = Some(blob.size() as u64);
    let ObjectAnswer { head, body } = forward.for_object(Some(&object));
    let part = match body {
        ObjectBody::Nothing => None,
        ObjectBody::Whole => Some(blob),
        ObjectBody::Part { offset, length } => {
            Some(blob.slice_with_f64_and_f64(offset as f64, (offset + length) as f64)?)
        }
    };
    let init = response_init(head.status, &head.headers)?;
    let response = Response::new_with_opt_blob_and_init(part.as_ref(), &init)?;
    Ok(Served { response, encoded: false, head })
}

/// An object of the bucket `BUCKET`: its head first, so that what it costs nothing to say is said without its body.
async fn object(forward: &Forward, key: &str, env: &Env) -> Result<Served, Error> {
    let bucket = env::binding(env, "BUCKET").ok_or("the binding BUCKET is gone")?;
    let key = JsValue::from_str(key);
    // An object that is replaced between the two calls is looked at once more.
    for _ in 0..2 {
        let found = call(&bucket, "head", &[&key]).await?;
        let known = if found.is_null() { None } else { Some(object_head(&found)?) };
        let ObjectAnswer { head, body } = forward.for_object(known.as_ref());
        let stream = match body {
            ObjectBody::Nothing => None,
            body => {
                let got = call(&bucket, "get", &[&key, &options(&found, body)?]).await?;
                let stream = Reflect::get(&got, &"body".into()).unwrap_or_default();
                if !stream.is_object() {
                    continue;
                }
                Some(stream.dyn_into()?)
            }
        };
        let init = response_init(head.status, &head.headers)?;
        js::set_encoded(&init)?;
        let response = Response::new_with_opt_readable_stream_and_init(stream.as_ref(), &init)?;
        return Ok(Served { response, encoded: true, head });
    }
    Err("the object changes too fast".into())
}

/// The options to get the version that was looked at, or nothing if it has changed, and the part that was asked for.
fn options(found: &JsValue, body: ObjectBody) -> Result<JsValue, JsValue> {
    let set =
        |target: &Object, name: &str, value: &JsValue| Reflect::set(target, &name.into(), value).map(drop);
    let (options, only, range) = (Object::new(), Object::new(), Object::new());
    set(&only, "etagMatches", &Reflect::get(found, &"etag".into())?)?;
    set(&options, "onlyIf", &only)?;
    if let ObjectBody::Part { offset, length } = body {
        set(&range, "offset", &(offset as f64).into())?;
        set(&range, "length", &(length as f64).into())?;
        set(&options, "range", &range)?;
    }
    Ok(options.into())
}

fn object_head(found: &JsValue) -> Result<ObjectHead, JsValue> {
    let headers = Headers::new()?;
    let write: Function = Reflect::get(found, &"writeHttpMetadata".into())?.dyn_into()?;
    write.call1(found, &headers)?;
    let mut headers = js::headers(&headers);
    if let Some(etag) = Reflect::get(found, &"httpEtag".into())?.as_string() {
        headers.set("etag", etag);
    }
    if let Ok(uploaded) = Reflect::get(found, &"uploaded".into())?.dyn_into::<js_sys::Date>() {
        headers.set("last-modified", String::from(uploaded.to_utc_string()));
    }
    let size = Reflect::get(found, &"size".into())?.as_f64().map(|size| size as u64);
    Ok(ObjectHead { size, headers })
}
