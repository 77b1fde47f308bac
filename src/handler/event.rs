//! What happened, as JavaScript says it.

use crate::api;
use crate::paywall::state::Reply;
use crate::paywall::{Ending, Event, HeaderList, How, OriginHead, RequestHead, Silence};
use crate::wire::Credits;
use serde::Deserialize;

/// A request without its body.
#[derive(Deserialize)]
pub(super) struct Head {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    address: Option<String>,
    /// Whether a router has chosen by the path as it came.
    routed: bool,
    /// Whether the body was read already.
    gone: bool,
    seed: [u8; 16],
    now: f64,
}

/// An event, by its name in `what`, with those of the members that go with it. One flat struct: a tagged enum is ten times
/// the wasm.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Happened {
    what: String,
    status: Option<u16>,
    body: Option<String>,
    correlation_id: Option<String>,
    /// The reply of the state, JSON.
    reply: Option<String>,
    /// Credits, decimal; nothing where the seller's function failed.
    credits: Option<String>,
    headers: Option<Vec<(String, String)>>,
    /// `whole`, `client`, or what else ended it.
    how: Option<String>,
    bytes: Option<f64>,
    events: Option<f64>,
    tokens: Option<f64>,
    words: Option<String>,
}

impl Happened {
    /// The platform's answer, where it is one.
    pub(super) fn answer(self) -> Option<api::Response> {
        if self.what != "answered" {
            return None;
        }
        Some(api::Response {
            status: self.status?,
            body: self.body.unwrap_or_default(),
            correlation_id: self.correlation_id,
        })
    }

    /// Whether an object of the state answered.
    pub(super) fn is_reply(&self) -> bool {
        self.what == "state"
    }

    fn ending(&self) -> Ending {
        let count = |number: Option<f64>| number.map(|number| number as u64);
        Ending {
            how: match self.how.as_deref() {
                Some("whole") => How::Whole,
                Some("client") => How::ClientLeft,
                _ => How::OriginBroke,
            },
            bytes: count(self.bytes).unwrap_or_default(),
            events: count(self.events).unwrap_or_default(),
            tokens: count(self.tokens),
        }
    }
}

impl From<Head> for RequestHead {
    fn from(head: Head) -> Self {
        let Head { method, url, headers, address, routed, gone, seed, now } = head;
        let headers = list(headers);
        Self { method, url, headers, address, routed, body_gone: gone, seed, now: now as u64 }
    }
}

impl From<Happened> for Event {
    fn from(happened: Happened) -> Self {
        match happened.what.as_str() {
            "answered" => happened.answer().map_or(Self::Unanswered(Silence::Unreadable), Self::Answered),
            "timedOut" => Self::Unanswered(Silence::TimedOut),
            "unreadable" => Self::Unanswered(Silence::Unreadable),
            "state" => {
                // A reply that is none of ours is no reply.
                let reply = happened.reply.unwrap_or_default();
                Reply::from_text(&reply).map_or(Self::StateFailed, Self::State)
            }
            "stateFailed" => Self::StateFailed,
            "waited" => Self::Waited,
            "price" => Self::Price(happened.credits.and_then(|credits| credits.parse::<Credits>().ok())),
            "origin" => Self::Origin(OriginHead {
                status: happened.status.unwrap_or_default(),
                headers: list(happened.headers.unwrap_or_default()),
            }),
            "bodyTooLarge" => Self::BodyTooLarge,
            "originUnusable" => Self::OriginUnusable,
            "originFailed" => Self::OriginFailed,
            "originTimedOut" => Self::OriginTimedOut,
            "ended" => Self::Ended(happened.ending()),
            "denied" => Self::Denied(happened.words.unwrap_or_default()),
            "clientGone" => Self::ClientGone,
            _ => Self::Unanswered(Silence::Unreachable),
        }
    }
}

fn list(headers: Vec<(String, String)>) -> HeaderList {
    headers.into_iter().collect()
}
