//! Requests as the gate receives them, and the actions that it asks the shell for.

use super::config::origin::Origin;
use super::http::headers::HeaderList;
use super::http::method::Method;
use super::observe::settlement_log::SettlementLogLine;
use super::pricing::settlement_policy::Meter;
use super::response::gate_response::GateResponse;
use super::state::StateCall;
use crate::api;
use alloc::string::String;

/// A request without its body: everything that the gate decides by.
#[derive(Debug, Clone)]
pub struct RequestHead {
    /// The method as it was received.
    pub method: String,
    /// The absolute URL as the runtime gives it.
    pub url: String,
    /// All headers.
    pub headers: HeaderList,
    /// The client's address as the runtime knows it. A header is no source of it, unless the seller names that header.
    pub address: Option<String>,
    /// Set where a router has already chosen, by the path as it was received, the code that answers this request. A path
    /// that is not in its canonical spelling is refused then: the gate would price one resource, and another would be
    /// delivered.
    pub routed: bool,
    /// Set where the body was read, or is being read, before the gate, so that it cannot be forwarded.
    pub body_gone: bool,
    /// Random bytes, new for each request. The request and its receipt are identified by them, so nobody may guess them.
    pub seed: [u8; 16],
    /// The time, in milliseconds since 1970.
    pub now: u64,
}

impl RequestHead {
    /// A request without headers. `seed` is 16 bytes of the runtime's generator for secrets, new for each request; `now` is
    /// in milliseconds since 1970.
    #[must_use]
    pub fn new(method: &str, url: &str, seed: [u8; 16], now: u64) -> Self {
        Self {
            method: method.into(),
            url: url.into(),
            headers: HeaderList::default(),
            address: None,
            routed: false,
            body_gone: false,
            seed,
            now,
        }
    }
}

/// Tests need no chance.
#[cfg(test)]
impl Default for RequestHead {
    fn default() -> Self {
        Self::new("", "", [0; 16], 0)
    }
}

/// The next thing that the shell has to do. After [`Respond`](Self::Respond), [`Finish`](Self::Finish), and a
/// [`Deliver`](Self::Deliver) without a [`meter`](Delivery::meter) the flow has ended. The shell then sends the calls of
/// [`RequestFlow::take_deferred`](super::RequestFlow::take_deferred) to the state, behind the answer.
#[derive(Debug)]
pub enum Action {
    /// Answer with this. If the origin has answered, its response is cancelled and nothing of it is delivered.
    Respond(GateResponse),
    /// Send this to the facilitator, with the seller's key, within the timeout, without following redirects; then report
    /// [`Event::Answered`](super::Event::Answered) or [`Event::Unanswered`](super::Event::Unanswered).
    Call(api::Request),
    /// Send this to the state's object of that name and report [`Event::State`](super::Event::State), or
    /// [`Event::StateFailed`](super::Event::StateFailed) if it did not answer. Never asked where the settings have no
    /// state.
    State(StateCall),
    /// Wait this many milliseconds and report [`Event::Waited`](super::Event::Waited): another request is already asking
    /// for something that this one needs.
    Wait(u32),
    /// Ask the seller's function for the price and report [`Event::Price`](super::Event::Price). Never asked where no
    /// route is priced by a handler.
    Price(PriceQuestion),
    /// Forward the request with its own body, without following redirects; then report
    /// [`Event::Origin`](super::Event::Origin) or [`Event::OriginFailed`](super::Event::OriginFailed).
    Forward(Forward),
    /// Answer with the origin's status and body, unchanged, and these headers. With a meter: go on, and report
    /// [`Event::Ended`](super::Event::Ended) when the body has ended.
    Deliver(Delivery),
    /// End an answer that was delivered with a meter.
    Finish(StreamEnd),
}

/// The question that a price handler is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceQuestion {
    /// The route, as it is written in the configuration.
    pub route: String,
    /// The request that is priced. It is the one that is forwarded.
    pub request: CanonicalRequest,
}

/// A request as the seller's own code sees it: price functions, hooks and handlers (rule 16). It has the path that routes
/// are matched with and that is forwarded, at the address that was asked, without the `x-payment-*` headers of a client and
/// without the buyer's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalRequest {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// All headers.
    pub headers: HeaderList,
    /// Set where the request's body is forwarded.
    pub body: bool,
}

/// The end of an answer that is settled after its headers were sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamEnd {
    /// A text to append to the body: the event with the receipt.
    pub tail: Option<String>,
    /// A line for the log.
    pub journal: Option<SettlementLogLine>,
}

/// A request to the origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forward {
    /// The method.
    pub method: Method,
    /// The absolute URL.
    pub url: String,
    /// The origin that is asked.
    pub origin: Origin,
    /// All headers.
    pub headers: HeaderList,
    /// Set where the request's body is forwarded. Never with `GET` and `HEAD`: the Fetch standard has no such request, so
    /// a body that came with one is dropped.
    pub body: bool,
}

/// The delivery of an origin's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// All headers, in place of the origin's.
    pub headers: HeaderList,
    /// A line for the log, where the outcome of the settlement is not known.
    pub journal: Option<SettlementLogLine>,
    /// Set where the settlement comes later: how to count the body. The flow goes on then.
    pub meter: Option<Meter>,
}
