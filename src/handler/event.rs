//! What happened, as JavaScript says it.

use crate::api;
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
    seed: [u8; 16],
    now: f64,
}

/// An event, by its name in `what`.
#[derive(Deserialize)]
#[serde(tag = "what", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(super) enum Happened {
    Answered {
        status: u16,
        body: String,
        correlation_id: Option<String>,
    },
    TimedOut,
    Unreachable,
    Unreadable,
    /// The reply of the state, JSON.
    State {
        reply: String,
    },
    StateFailed,
    /// Credits, decimal; nothing where the seller's function failed.
    Price {
        credits: Option<String>,
    },
    Origin {
        status: u16,
        headers: Vec<(String, String)>,
    },
    OriginFailed,
    OriginTimedOut,
    Ended {
        how: String,
        bytes: f64,
        events: f64,
        tokens: Option<f64>,
    },
    Denied {
        words: String,
    },
    ClientGone,
}

impl Happened {
    /// The platform's answer, where it is one.
    pub(super) fn answer(self) -> Option<api::Response> {
        match self {
            Self::Answered { status, body, correlation_id } => {
                Some(api::Response { status, body, correlation_id })
            }
            _ => None,
        }
    }
}

impl From<Head> for RequestHead {
    fn from(head: Head) -> Self {
        let Head { method, url, headers, address, seed, now } = head;
        Self { method, url, headers: list(headers), address, seed, now: now as u64 }
    }
}

impl From<Happened> for Event {
    fn from(happened: Happened) -> Self {
        match happened {
            Happened::Answered { status, body, correlation_id } => {
                Self::Answered(api::Response { status, body, correlation_id })
            }
            Happened::TimedOut => Self::Unanswered(Silence::TimedOut),
            Happened::Unreachable => Self::Unanswered(Silence::Unreachable),
            Happened::Unreadable => Self::Unanswered(Silence::Unreadable),
            // A reply that is none of ours is no reply.
            Happened::State { reply } => serde_json::from_str(&reply).map_or(Self::StateFailed, Self::State),
            Happened::StateFailed => Self::StateFailed,
            Happened::Price { credits } => {
                Self::Price(credits.and_then(|credits| credits.parse::<Credits>().ok()))
            }
            Happened::Origin { status, headers } => {
                Self::Origin(OriginHead { status, headers: list(headers) })
            }
            Happened::OriginFailed => Self::OriginFailed,
            Happened::OriginTimedOut => Self::OriginTimedOut,
            Happened::Ended { how, bytes, events, tokens } => Self::Ended(Ending {
                how: match how.as_str() {
                    "whole" => How::Whole,
                    "client" => How::ClientLeft,
                    _ => How::OriginBroke,
                },
                bytes: bytes as u64,
                events: events as u64,
                tokens: tokens.map(|tokens| tokens as u64),
            }),
            Happened::Denied { words } => Self::Denied(words),
            Happened::ClientGone => Self::ClientGone,
        }
    }
}

fn list(headers: Vec<(String, String)>) -> HeaderList {
    headers.into_iter().collect()
}
