use crate::paywall::{EndReason, Ending, Meter, Unit};
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Promise, Reflect};
use worker::wasm_bindgen::JsValue;
use worker::wasm_bindgen_futures::JsFuture;
use worker::web_sys::{AbortSignal, ReadableStream, Request, Response};

#[wasm_bindgen(module = "/src/worker/meter.js")]
extern "C" {
    type Passing;

    #[wasm_bindgen(catch)]
    fn meter(
        body: Option<&ReadableStream>,
        unit: &str,
        member: &str,
        signal: &AbortSignal,
    ) -> Result<Passing, JsValue>;

    #[wasm_bindgen(method, getter)]
    fn readable(this: &Passing) -> ReadableStream;

    #[wasm_bindgen(method, getter)]
    fn ended(this: &Passing) -> Promise;

    #[wasm_bindgen(method)]
    fn finish(this: &Passing, tail: Option<String>);
}

/// A body that is counted while it goes out.
pub(super) struct Metered(Passing);

impl Metered {
    /// Counts the body of a response; nothing where there is nothing to be counted and no end to be waited for.
    pub(super) fn new(how: &Meter, origin: Option<&Response>, request: &Request) -> Option<Self> {
        if !how.to_the_end {
            return None;
        }
        let (unit, member) = match &how.unit {
            Some(Unit::Event) => ("event", ""),
            Some(Unit::Token(member)) => ("token", member.as_str()),
            Some(Unit::Byte) | None => ("", ""),
        };
        let body = origin?.body()?;
        meter(Some(&body), unit, member, &request.signal()).ok().map(Self)
    }

    pub(super) fn readable(&self) -> ReadableStream {
        self.0.readable()
    }

    /// Waits for the end.
    pub(super) async fn ended(&self) -> Ending {
        let Ok(ended) = JsFuture::from(self.0.ended()).await else {
            return Ending { how: EndReason::OriginBroke, ..Ending::default() };
        };
        let get = |name: &str| Reflect::get(&ended, &JsValue::from_str(name)).ok();
        let number = |name: &str| get(name)?.as_f64().map(|number| number as u64);
        let how = get("how").and_then(|how| how.as_string());
        Ending {
            how: match how.as_deref() {
                Some("whole") => EndReason::Whole,
                Some("client") => EndReason::ClientLeft,
                _ => EndReason::OriginBroke,
            },
            bytes: number("bytes").unwrap_or(0),
            events: number("events").unwrap_or(0),
            tokens: number("tokens"),
        }
    }

    /// Adds this, and ends it.
    pub(super) fn finish(&self, tail: Option<String>) {
        self.0.finish(tail);
    }
}
