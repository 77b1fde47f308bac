//! Other dialects of 402 for a gate: MPP (`WWW-Authenticate: Payment`, method `nevermined`), x402 `exact` at any
//! facilitator, versions 2 and 1.
//!
//! The gate knows one kind of payment: a token of a plan. A payment of another dialect comes to it as a single-use token
//! ([`Carrier`]), so that each rule of money holds as it does for a plan: one claim in the state, settle before
//! delivery, a journal, unknown outcomes. What the gate asks of the platform for such a token is put into the words of
//! who can answer it ([`Inquiry::of`]), and the answer back into the platform's ([`Inquiry::read`]). The
//! offer of a 402 is put into all dialects on its way out ([`Dialects::offer`]).
//!
//! A gate that speaks x402 with plans alone has nothing of this in its WebAssembly.

mod carrier;
mod dispatch;
mod envelope;
mod exact;
mod inquiry;
mod mpp;
mod named;
mod offer;
pub(crate) mod option_names;
mod platform;
pub(in crate::paywall) mod settings;
mod sources;
mod supported;
mod terms;
#[cfg(test)]
mod tests;
mod transfer;

pub use carrier::Carrier;
pub use envelope::{Envelope, Offered};
pub use inquiry::Inquiry;
pub use named::{Earlier, NameEnd, NameRefusal, NamedPayment, NoteChange, note};
pub use offer::{Offer, Refused402};
pub use platform::Platform;
pub use sources::Sources;
pub use supported::{Supported, SupportedQuery};
pub use terms::{Dialects, ExactTerms, MppTerms};

use crate::api;
use crate::wire::exact::X402Version;
use alloc::string::String;

/// The parts of a request that may hold a payment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Arrival<'a> {
    /// `Authorization`.
    pub authorization: Option<&'a str>,
    /// The header with the token.
    pub token: Option<&'a str>,
    /// `X-PAYMENT`.
    pub x_payment: Option<&'a str>,
    /// The query of the URL, with its `?`; empty where there is none.
    pub search: &'a str,
    /// The digest of the body, where it was read.
    pub body_digest: Option<&'a str>,
    /// The time, in seconds since 1970.
    pub now: u64,
}

/// A payment that came with a request.
#[derive(Debug, Clone)]
pub enum Entry {
    /// None of these dialects.
    Plain,
    /// A challenge is answered that is bound to a body, which has to be read first.
    NeedsBody,
    /// A payment, as the gate takes it.
    Paid(alloc::boxed::Box<Paid>),
    /// A payment that cannot be one.
    Refused(Refusal),
}

/// The reason why a payment was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// A code: one of the platform's for MPP, else one of the gate's.
    pub code: &'static str,
    /// The reason, as a text.
    pub message: &'static str,
}

/// A payment as the gate takes it.
#[derive(Debug, Clone)]
pub struct Paid {
    /// The dialect.
    pub dialect: Dialect,
    /// The token for the gate.
    pub carrier: Carrier,
    /// The value of `Authorization` without the credential; `None` where nothing is left.
    pub authorization: Option<String>,
}

impl Outgoing {
    fn answer(status: u16, body: String) -> Self {
        Self::Answer(api::Response { status, body, correlation_id: None })
    }
}

/// A dialect of 402.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `Authorization: Payment`.
    Mpp,
    /// The scheme `exact` of x402.
    Exact(X402Version),
}

/// The question that the gate asks of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// Would it pay?
    Verify,
    /// Take it.
    Settle,
}

/// The request that asks the gate's question in another dialect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outgoing {
    /// A call to the platform, with the seller's key.
    Platform(api::Request),
    /// A POST to a facilitator of x402, which never gets the seller's key.
    Facilitator {
        /// Its address.
        url: String,
        /// The path behind the address.
        path: &'static str,
        /// The JSON.
        body: String,
    },
    /// Nobody has to be asked: the answer, as the platform would give it.
    Answer(api::Response),
}
