//! The results of actions, as the shell reports them.

use super::http::headers::HeaderList;
use super::pricing::ending::Ending;
use super::state::Reply;
use crate::api;
use crate::wire::Credits;
use alloc::string::String;

/// The result of the last [`Action`](super::Action).
#[derive(Debug, Clone)]
pub enum Event {
    /// The facilitator answered.
    Answered(api::Response),
    /// The facilitator did not answer, or not completely. It may have done what it was asked for.
    Unanswered(FacilitatorError),
    /// The object of the state answered.
    State(Reply),
    /// The object of the state did not answer. It may have done what it was asked for.
    StateFailed,
    /// The time is over.
    Waited,
    /// The seller's handler gave a price; `None` where it could not.
    Price(Option<Credits>),
    /// The seller's handler has read more of the body than [`max_body_bytes`](super::Settings::max_body_bytes) to find
    /// the price.
    BodyTooLarge,
    /// The origin answered: status and headers. Its body stays in the shell.
    Origin(OriginResponse),
    /// The origin did not answer.
    OriginFailed,
    /// The origin's answer did not begin within its timeout.
    OriginTimedOut,
    /// The handler gave an answer that cannot be delivered: its body was read already, or is being read.
    OriginUnusable,
    /// The answer that was delivered with a meter has ended, with these counts. Without
    /// [`to_the_end`](super::Meter::to_the_end) it is reported at once.
    Ended(Ending),
    /// The seller's own code refuses a payment with this message, before or after it was verified and before the origin is
    /// asked. Reported in place of the result of an action.
    Denied(String),
    /// The client went away before anything was delivered (rule 22). May be reported in place of any other event.
    ClientGone,
}

/// The reason why there was no answer of the facilitator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FacilitatorError {
    /// No answer within the timeout.
    TimedOut,
    /// No connection, or it broke.
    Unreachable,
    /// More than [`MAX_ANSWER_BYTES`](api::MAX_ANSWER_BYTES), or not UTF-8.
    Unreadable,
}

/// An origin's response without its body.
#[derive(Debug, Clone, Default)]
pub struct OriginResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderList,
}

impl FacilitatorError {
    /// The stable code, as a 503 or the journal gives it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TimedOut => "facilitator_timeout",
            Self::Unreachable => "facilitator_unreachable",
            Self::Unreadable => "facilitator_garbled",
        }
    }
}

impl OriginResponse {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
