//! Requests and events as JavaScript writes them.

use super::lines::Fields;
use crate::api;
use crate::codec::text::has;
use crate::paywall::state::Reply;
use crate::paywall::{EndReason, Ending, Event, FacilitatorError, OriginResponse, RequestHead};
use crate::wire::Credits;

/// A request without its body, and the switches that come with it.
pub(super) struct Opening {
    pub(super) head: RequestHead,
    pub(super) wishes: Wishes,
}

/// The things that JavaScript wants to know of a request.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wishes {
    /// The payment, with the action that forwards the request.
    pub(super) context: bool,
    /// The flow is kept until it is dropped: hooks ask about it.
    pub(super) keep: bool,
    /// The data point of the request.
    pub(super) analytics: bool,
    /// An open request may end with the action that forwards it.
    pub(super) pass: bool,
    /// Its origin did not answer when it ended so: it is opened once more.
    pub(super) again: bool,
}

impl Opening {
    /// Reads the method, the URL, the address, the switches, the seed in hexadecimal, the time and the headers.
    pub(super) fn read(text: &str) -> Self {
        let mut fields = Fields::new(text);
        let (method, url) = (fields.next().into(), fields.next().into());
        let address = fields.maybe().map(Into::into);
        let switches = fields.next();
        let seed = seed(fields.next());
        let now = fields.number();
        let on = |switch: u8| has(switches, switch);
        Self {
            head: RequestHead {
                method,
                url,
                address,
                seed,
                now,
                headers: fields.headers(),
                routed: on(b'r'),
                body_gone: on(b'g'),
            },
            wishes: Wishes {
                context: on(b'c'),
                keep: on(b'k'),
                analytics: on(b'a'),
                pass: on(b'p'),
                again: on(b'f'),
            },
        }
    }
}

/// 16 bytes in hexadecimal.
fn seed(text: &str) -> [u8; 16] {
    let mut seed = [0; 16];
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for (byte, digits) in seed.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = digits.iter().filter_map(digit).fold(0, |byte, digit| byte << 4 | digit);
    }
    seed
}

/// An event, and the time of it: the name and the time, and then the fields of the event.
pub(super) fn read(text: &str) -> (Event, u64) {
    let mut fields = Fields::new(text);
    let name = fields.next();
    let now = fields.number();
    let event = match name {
        "answered" => answer(fields).map_or(Event::Unanswered(FacilitatorError::Unreadable), Event::Answered),
        "timedOut" => Event::Unanswered(FacilitatorError::TimedOut),
        "unreadable" => Event::Unanswered(FacilitatorError::Unreadable),
        // A reply that cannot be read is no reply.
        "state" => Reply::from_text(fields.rest()).map_or(Event::StateFailed, Event::State),
        "stateFailed" => Event::StateFailed,
        "waited" => Event::Waited,
        "price" => Event::Price(fields.next().parse::<Credits>().ok()),
        "origin" => {
            let status = u16::try_from(fields.number()).unwrap_or_default();
            Event::Origin(OriginResponse { status, headers: fields.headers() })
        }
        "bodyTooLarge" => Event::BodyTooLarge,
        "originUnusable" => Event::OriginUnusable,
        "originFailed" => Event::OriginFailed,
        "originTimedOut" => Event::OriginTimedOut,
        "ended" => Event::Ended(ending(fields)),
        "denied" => Event::Denied(fields.rest().into()),
        "clientGone" => Event::ClientGone,
        _ => Event::Unanswered(FacilitatorError::Unreachable),
    };
    (event, now)
}

/// The platform's answer in an event, if it is one.
pub(super) fn platform_answer(text: &str) -> Option<api::Response> {
    let mut fields = Fields::new(text);
    let name = fields.next();
    fields.next();
    if name == "answered" { answer(fields) } else { None }
}

/// True for an event with a reply of the state.
pub(super) fn is_reply(text: &str) -> bool {
    text.starts_with("state\n")
}

fn answer(mut fields: Fields<'_>) -> Option<api::Response> {
    let status = u16::try_from(fields.number()).ok()?;
    let correlation_id = fields.maybe().map(Into::into);
    Some(api::Response { status, correlation_id, body: fields.rest().into() })
}

fn ending(mut fields: Fields<'_>) -> Ending {
    Ending {
        how: match fields.next() {
            "whole" => EndReason::Whole,
            "client" => EndReason::ClientLeft,
            _ => EndReason::OriginBroke,
        },
        bytes: fields.number(),
        events: fields.number(),
        tokens: fields.maybe().and_then(|tokens| tokens.parse().ok()),
    }
}
