//! The caller's request, kept so that it can be sent up to three times (rule 7).

use super::convert::get;
use super::error::{reject_because, set};
use crate::subscriber::{Redirects, Send, Target};
use crate::wire::PAYMENT_SIGNATURE;
use alloc::string::{String, ToString};
use js_sys::{Object, Uint8Array};
use wasm_bindgen::prelude::*;

/// What a one-shot stream may weigh to be kept for a second sending, in bytes.
const MAX_BUFFERED: usize = 1024 * 1024;

/// A request that can be sent again.
pub(super) struct Replay {
    input: JsValue,
    init: JsValue,
    /// The request as the platform understands it, never sent.
    base: web_sys::Request,
    /// A stream's bytes.
    buffered: Option<Uint8Array>,
    pub(super) target: Target,
}

impl Replay {
    /// Takes what `fetch` takes.
    pub(super) async fn new(input: JsValue, init: JsValue) -> Result<Self, JsValue> {
        let bad = |cause: JsValue| reject_because("the request cannot be made", "invalid_request", &cause);
        let mut init = init;
        let mut buffered = None;
        let given_body = get(&init, "body");
        let from_request = input.is_instance_of::<web_sys::Request>() && given_body.is_null_or_undefined();
        if given_body.is_instance_of::<web_sys::ReadableStream>() {
            let bytes =
                read_stream(web_sys::Response::new_with_opt_readable_stream(given_body.dyn_ref())?).await?;
            init = Object::assign(&Object::new(), init.unchecked_ref()).into();
            set(&init, "body", &bytes);
            buffered = Some(bytes);
        } else if from_request && !get(&input, "body").is_null_or_undefined() {
            let request: &web_sys::Request = input.unchecked_ref();
            let copy = request.clone().map_err(bad)?;
            let bytes =
                read_stream(web_sys::Response::new_with_opt_readable_stream(get(&copy, "body").dyn_ref())?)
                    .await?;
            buffered = Some(bytes);
        }
        let base = make_request(&input, &init).map_err(bad)?;
        let target = target_of(&base.url(), None).ok_or_else(|| bad(JsValue::UNDEFINED))?;
        Ok(Self { input, init, base, buffered, target })
    }

    pub(super) fn method(&self) -> String {
        self.base.method()
    }

    pub(super) fn signal(&self) -> web_sys::AbortSignal {
        self.base.signal()
    }

    pub(super) fn redirects(&self) -> Redirects {
        match self.base.redirect() {
            web_sys::RequestRedirect::Manual => Redirects::Manual,
            web_sys::RequestRedirect::Error => Redirects::Error,
            _ => Redirects::Follow,
        }
    }

    /// The request to send now: the caller's own, with what `send` adds.
    pub(super) fn build(&self, send: &Send) -> Result<web_sys::Request, JsValue> {
        let init = Object::new();
        let from_request = self.input.is_instance_of::<web_sys::Request>();
        if from_request {
            for name in [
                "method",
                "mode",
                "credentials",
                "cache",
                "referrer",
                "referrerPolicy",
                "integrity",
                "keepalive",
            ] {
                let value = get(&self.input, name);
                // A page's own navigation mode cannot be asked for again.
                if !value.is_undefined() && value.as_string().as_deref() != Some("navigate") {
                    set(&init, name, &value);
                }
            }
        }
        let init: JsValue = match self.init.is_object() {
            true => Object::assign(&init, self.init.unchecked_ref()).into(),
            false => init.into(),
        };
        let given = get(&self.init, "headers");
        let headers = match (given.is_undefined(), from_request) {
            (true, true) => web_sys::Headers::new_with_headers(&self.base.headers())?,
            (true, false) => web_sys::Headers::new()?,
            (false, _) => headers_from(&given)?,
        };
        if let Some(token) = &send.token {
            headers.set(PAYMENT_SIGNATURE, token.expose())?;
        }
        if send.as_get {
            set(&init, "method", &"GET".into());
            set(&init, "body", &JsValue::UNDEFINED);
            for name in ["content-type", "content-length", "content-encoding", "content-language"] {
                headers.delete(name)?;
            }
        } else if let Some(bytes) = &self.buffered {
            set(&init, "body", bytes);
        }
        set(&init, "headers", &headers);
        set(&init, "signal", &self.signal());
        set(
            &init,
            "redirect",
            &match send.redirects {
                Redirects::Follow => "follow",
                Redirects::Manual => "manual",
                Redirects::Error => "error",
            }
            .into(),
        );
        let url = send.target.as_ref().map_or_else(|| self.base.url(), |target| target.url.clone());
        make_request(&url.into(), &init)
    }
}

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = Request)]
    type AnyRequest;

    #[wasm_bindgen(constructor, catch, js_class = "Request")]
    fn new(input: &JsValue, init: &JsValue) -> Result<AnyRequest, JsValue>;

    #[wasm_bindgen(js_name = Headers)]
    type AnyHeaders;

    #[wasm_bindgen(constructor, catch, js_class = "Headers")]
    fn new(init: &JsValue) -> Result<AnyHeaders, JsValue>;
}

fn make_request(input: &JsValue, init: &JsValue) -> Result<web_sys::Request, JsValue> {
    let init = if init.is_null() { &JsValue::UNDEFINED } else { init };
    Ok(JsValue::from(AnyRequest::new(input, init)?).unchecked_into())
}

fn headers_from(init: &JsValue) -> Result<web_sys::Headers, JsValue> {
    Ok(JsValue::from(AnyHeaders::new(init)?).unchecked_into())
}

async fn read_stream(body: web_sys::Response) -> Result<Uint8Array, JsValue> {
    let fail = || {
        super::error::reject(
            "the request's body is a stream that cannot be kept for a second sending",
            super::error::Facts {
                code: "body_not_replayable",
                hint: Some("give the body as a string, a buffer, a Blob or FormData, or under 1 MiB"),
                ..super::error::Facts::default()
            },
        )
    };
    let bytes = crate::transport::bounded_bytes(&body, MAX_BUFFERED).await.ok_or_else(fail)?;
    Ok(Uint8Array::from(bytes.as_slice()))
}

/// Takes a URL apart with the platform's own parser.
pub(super) fn target_of(url: &str, base: Option<&str>) -> Option<Target> {
    let parsed = match base {
        None => web_sys::Url::new(url),
        Some(base) => web_sys::Url::new_with_base(url, base),
    }
    .ok()?;
    parsed.set_hash("");
    Some(Target { url: parsed.href(), origin: parsed.origin(), path: parsed.pathname() })
}

/// The URL of an answer, where it says one.
pub(super) fn answer_target(response: &web_sys::Response) -> Option<Target> {
    target_of(&get(response, "url").as_string().unwrap_or_default().to_string(), None)
}
