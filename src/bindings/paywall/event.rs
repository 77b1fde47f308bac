//! What happened, as JavaScript says it.

use crate::api;
use crate::paywall::state::Reply;
use crate::paywall::{EndReason, Ending, Event, FacilitatorError, HeaderList, OriginResponse, RequestHead};
use crate::wire::Credits;
use wasm_bindgen::prelude::*;

// Member by member: a deserializer is thirteen kilobytes of wasm after gzip, and half of it tells in words what never comes.
#[wasm_bindgen]
extern "C" {
    /// A request without its body.
    pub type Head;

    #[wasm_bindgen(method, getter)]
    fn method(this: &Head) -> String;
    #[wasm_bindgen(method, getter)]
    fn url(this: &Head) -> String;
    /// A name, its value, the next name.
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Head) -> Vec<String>;
    #[wasm_bindgen(method, getter)]
    fn address(this: &Head) -> Option<String>;
    /// Whether a router has chosen by the path as it came.
    #[wasm_bindgen(method, getter)]
    fn routed(this: &Head) -> bool;
    /// Whether the body was read already.
    #[wasm_bindgen(method, getter)]
    fn gone(this: &Head) -> bool;
    #[wasm_bindgen(method, getter)]
    fn seed(this: &Head) -> Vec<u8>;
    #[wasm_bindgen(method, getter)]
    fn now(this: &Head) -> f64;

    /// An event, by its name in `what`, with those of the members that go with it.
    pub type Happened;

    #[wasm_bindgen(method, getter)]
    fn what(this: &Happened) -> String;
    #[wasm_bindgen(method, getter)]
    fn status(this: &Happened) -> Option<u16>;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Happened) -> Option<String>;
    #[wasm_bindgen(method, getter, js_name = correlationId)]
    fn correlation_id(this: &Happened) -> Option<String>;
    /// The reply of the state, JSON.
    #[wasm_bindgen(method, getter)]
    fn reply(this: &Happened) -> Option<String>;
    /// Credits, decimal; nothing where the seller's function failed.
    #[wasm_bindgen(method, getter)]
    fn credits(this: &Happened) -> Option<String>;
    /// A name, its value, the next name.
    #[wasm_bindgen(method, getter)]
    fn headers(this: &Happened) -> Option<Vec<String>>;
    /// `whole`, `client`, or what else ended it.
    #[wasm_bindgen(method, getter)]
    fn how(this: &Happened) -> Option<String>;
    #[wasm_bindgen(method, getter)]
    fn bytes(this: &Happened) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn events(this: &Happened) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn tokens(this: &Happened) -> Option<f64>;
    #[wasm_bindgen(method, getter)]
    fn words(this: &Happened) -> Option<String>;
}

impl Happened {
    /// The platform's answer, where it is one.
    pub(super) fn answer(&self) -> Option<api::Response> {
        if self.what() != "answered" {
            return None;
        }
        Some(api::Response {
            status: self.status()?,
            body: self.body().unwrap_or_default(),
            correlation_id: self.correlation_id(),
        })
    }

    /// Whether an object of the state answered.
    pub(super) fn is_reply(&self) -> bool {
        self.what() == "state"
    }

    fn ending(&self) -> Ending {
        let count = |number: Option<f64>| number.map(|number| number as u64);
        Ending {
            how: match self.how().as_deref() {
                Some("whole") => EndReason::Whole,
                Some("client") => EndReason::ClientLeft,
                _ => EndReason::OriginBroke,
            },
            bytes: count(self.bytes()).unwrap_or_default(),
            events: count(self.events()).unwrap_or_default(),
            tokens: count(self.tokens()),
        }
    }
}

impl Head {
    pub(super) fn read(&self) -> Result<RequestHead, JsError> {
        Ok(RequestHead {
            method: self.method(),
            url: self.url(),
            headers: list(self.headers()),
            address: self.address(),
            routed: self.routed(),
            body_gone: self.gone(),
            seed: self.seed().try_into().map_err(|_| JsError::new("a seed is 16 bytes"))?,
            now: self.now() as u64,
        })
    }
}

impl From<Happened> for Event {
    fn from(happened: Happened) -> Self {
        match happened.what().as_str() {
            "answered" => {
                happened.answer().map_or(Self::Unanswered(FacilitatorError::Unreadable), Self::Answered)
            }
            "timedOut" => Self::Unanswered(FacilitatorError::TimedOut),
            "unreadable" => Self::Unanswered(FacilitatorError::Unreadable),
            "state" => {
                // A reply that is none of ours is no reply.
                let reply = happened.reply().unwrap_or_default();
                Reply::from_text(&reply).map_or(Self::StateFailed, Self::State)
            }
            "stateFailed" => Self::StateFailed,
            "waited" => Self::Waited,
            "price" => Self::Price(happened.credits().and_then(|credits| credits.parse::<Credits>().ok())),
            "origin" => Self::Origin(OriginResponse {
                status: happened.status().unwrap_or_default(),
                headers: list(happened.headers().unwrap_or_default()),
            }),
            "bodyTooLarge" => Self::BodyTooLarge,
            "originUnusable" => Self::OriginUnusable,
            "originFailed" => Self::OriginFailed,
            "originTimedOut" => Self::OriginTimedOut,
            "ended" => Self::Ended(happened.ending()),
            "denied" => Self::Denied(happened.words().unwrap_or_default()),
            "clientGone" => Self::ClientGone,
            _ => Self::Unanswered(FacilitatorError::Unreachable),
        }
    }
}

fn list(headers: Vec<String>) -> HeaderList {
    let mut parts = headers.into_iter();
    core::iter::from_fn(|| Some((parts.next()?, parts.next()?))).collect()
}
