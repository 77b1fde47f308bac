//! The seller's decisions, without I/O: what is paid for, what a request is answered, when it is charged
//! (money rules 16 to 26).
//!
//! A [`Gate`] opens one [`RequestFlow`] for each request. The flow returns an [`Action`], receives its result as an
//! [`Event`], and returns the next action, until the request is answered:
//!
//! ```text
//! open -> Respond                                          refused, or 402 with an offer
//!      -> Forward -> Deliver                               open routes
//!      -> State(rate) -> Price -> State(allowance)         where the route has one of an address, or a handler
//!      -> Call(verify) -> State(admit) -> Forward -> ...   402, 429, 503 on the way
//!         -> Wait -> State(admit) -> Call(verify) -> Forward    the payer has another answer that is not settled
//!         -> Call(settle) -> State(close) -> State(admit)       the payer owes for an earlier one
//!         -> Deliver                                       not 2xx, or free of charge: nothing is settled
//!         -> State(write) -> Call(settle) -> Deliver       before delivery
//!                                         -> Respond       refused: nothing is delivered
//!         -> State(write) -> Deliver -> State(charge) -> Call(settle) -> Finish   after delivery, at the end of a stream
//! ```
//!
//! `State` is a call to the durable state: see [`state`]. Without a state these steps are left out, and options that need
//! one are refused. [`RequestFlow::take_deferred`] has the calls to the state that nobody waits for. Gate and flow are
//! `Send`: any thread can run them.
//!
//! The rules of money that bind it, by the numbers that tests and comments use:
//!
//! 16. Nothing unpaid gets through: one canonical path is matched and forwarded, and what is in doubt is a 400.
//! 17. No token or a refused one: 402 with the offer in the header and in the body, kept by no cache.
//! 18. Pages of allowed origins can pay: preflights are free, the payment headers are exposed; the default is none.
//! 19. Verify before work, settle before delivery, unless the route says after it, or at the end of the stream; what is
//!     not a 2xx is not settled. What is settled after delivery is bounded by `maxOpen` a payer and plan: the state admits
//!     once, after verify, and what is refused then is owed.
//! 20. The most that a request can cost is known before it is verified, and never exceeded: a fixed price, one by a number
//!     in the request or by a handler, the origin's header, or a count of bytes, events or tokens. Of nothing, nothing is
//!     settled.
//! 21. A platform that is down at verify is a 503 and nothing is forwarded; refused at settlement is a 402 and nothing
//!     is delivered; unknown at settlement is delivered and journalled. A single-use token is settled again until it is
//!     known; a reusable one never is, and stays unresolved for the seller to look into.
//! 22. A client that has gone before the settlement is sent is not charged, where the runtime can tell; one that has gone
//!     before it was answered is not settled for again. One that hangs up in the middle of a stream pays for what went out.
//! 23. A verification is believed for some seconds, where the seller says so; what is owed is counted against it, and it
//!     does not survive a refused settlement.
//! 24. A single-use token buys one answer, however many isolates see it; a credential is what it decodes to, never its
//!     bytes.
//! 25. The origin never sees the token; the `x-payment-*` headers it sees are the gate's alone.
//! 26. What is open is listed; what is not listed is denied, unless a setting passes it.

mod action;
mod client;
mod conditional_requests;
pub(crate) mod config;
pub mod dialects;
mod endpoints;
mod event;
mod facilitator;
mod flow;
mod gate;
mod http;
mod live_config;
mod observe;
mod page;
mod pass;
mod payment_context;
mod pricing;
mod request_flow;
mod response;
mod routing;
mod sha256;
mod shared;
pub mod state;
pub mod suggestion;
mod vec_map;

#[cfg(test)]
mod tests;

pub use action::{Action, CanonicalRequest, Delivery, Forward, PriceQuestion, RequestHead, StreamEnd};
pub use conditional_requests::{ObjectAnswer, ObjectBody, ObjectHead};
pub use config::bindings::Bindings;
pub use config::document::Document;
pub use config::error::ConfigError;
pub use config::origin::Origin;
pub use config::settings::Settings;
pub use event::{Event, FacilitatorError, OriginResponse};
pub use facilitator::plan_terms::PlanQuery;
pub use gate::Gate;
pub use http::headers::HeaderList;
pub use http::method::Method;
pub use live_config::Live;
pub use observe::request_log::Record;
pub use observe::settlement_log::SettlementLogLine;
pub use payment_context::{Payment, PaymentContext, Phase, Settled};
pub use pricing::body_counter::BodyCounter;
pub use pricing::ending::{EndReason, Ending, Unit};
pub use pricing::settlement_policy::{Meter, ReceiptBy, Renewal, Settlement};
pub use request_flow::RequestFlow;
pub use response::gate_response::GateResponse;
pub use routing::route_table::Unlisted;
