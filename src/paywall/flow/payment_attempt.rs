//! The data of a request to a paid route, from its token to its settlement.

use crate::api::x402;
use crate::paywall::action::Forward;
use crate::paywall::facilitator::verification_cache::CacheKey;
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::pricing::price::{PaidRoute, PaymentOption};
use crate::paywall::state::{Allowance, Claim, OpenDelivery};
use crate::wire::{AccessToken, AgentId, Credits, PAYMENT_SIGNATURE, WireErrorKind};
use alloc::{
    string::{String, ToString},
    sync::Arc,
    vec::Vec,
};

/// A request to a paid route before its token is looked at.
#[derive(Debug)]
pub(crate) struct PendingPayment {
    pub(crate) route: Arc<PaidRoute>,
    /// The URL of the offer.
    pub(crate) resource: String,
    pub(crate) token: Result<AccessToken, TokenProblem>,
    pub(crate) forward: Forward,
    pub(crate) address: Option<String>,
    /// The most that it costs by each payment option; `None` until a handler has given the price.
    pub(crate) max_credits: Option<Vec<Credits>>,
}

/// A request with a token that may pay for it.
#[derive(Debug)]
pub(crate) struct PaymentAttempt {
    pub(crate) route: Arc<PaidRoute>,
    pub(crate) option: PaymentOption,
    /// The most that the request costs: the amount that is verified.
    pub(crate) max_credits: Credits,
    pub(crate) token: AccessToken,
    pub(crate) verify: x402::Verify,
    /// The request to the origin, until it is forwarded.
    pub(crate) forward: Option<Forward>,
    /// The payer that the facilitator named.
    pub(crate) payer: Option<String>,
    pub(crate) request_id: Option<String>,
    /// The payer's object of the state.
    pub(crate) shard: String,
    pub(crate) reserved: Reservation,
    /// The key under which a verification of it is remembered, where it may be.
    pub(crate) cache_key: Option<CacheKey>,
    /// Set where its price is counted against a remembered verification.
    pub(crate) counted_in_cache: bool,
    /// The time since when it waits for the state to admit it, if it does.
    pub(crate) waiting_since: Option<u64>,
    /// Set where the state has admitted it, and it is verified once more because it had waited.
    pub(crate) admitted: bool,
}

/// The things that the state keeps for a request until it is known if it is charged.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    pub(crate) claim: Option<Claim>,
    pub(crate) allowance: Option<Allowance>,
    pub(crate) open: Option<OpenDelivery>,
    /// The time until which its entry holds, where that is written with the claim.
    pub(crate) entry_until: Option<u64>,
}

/// A request without a token that an address's allowance pays for.
#[derive(Debug)]
pub(crate) struct FreeAllowance {
    pub(crate) shard: String,
    pub(crate) allowance: Allowance,
}

/// The reason why there is no token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenProblem {
    TooLarge,
    /// A code and a message, to be answered with a fresh offer.
    Refused(&'static str, &'static str),
}

const MISSING: TokenProblem = TokenProblem::Refused(
    "payment_missing",
    "Missing x402 payment token. Send token in payment-signature header.",
);

/// The token of a request. A value that cannot be a token is never sent to the facilitator.
pub(crate) fn token(headers: &HeaderList) -> Result<AccessToken, TokenProblem> {
    let mut sent = headers.all(PAYMENT_SIGNATURE).map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = sent.next() else { return Err(MISSING) };
    let malformed = "The payment-signature header does not hold an x402 access token.";
    if sent.next().is_some() {
        return Err(TokenProblem::Refused("payment_malformed", malformed));
    }
    AccessToken::decode(text).map_err(|error| match error.kind {
        WireErrorKind::TooLarge => TokenProblem::TooLarge,
        _ => TokenProblem::Refused("payment_malformed", malformed),
    })
}

/// The name under which the requests of a route are counted.
pub(crate) fn rate_name(route: &PaidRoute) -> String {
    route.name.to_string()
}

impl PaymentAttempt {
    /// The request to the origin, with the headers that say who pays. It is made once.
    pub(crate) fn take_forward(&mut self) -> Option<Forward> {
        let mut forward = self.forward.take()?;
        let free = self.reserved.allowance.is_some();
        let credits = if free { Credits::ZERO } else { self.max_credits }.digits();
        for (name, value) in [
            ("x-payment-payer", self.payer.as_deref()),
            ("x-payment-plan", Some(self.option.plan_id.as_str())),
            ("x-payment-agent", self.option.agent_id.as_ref().map(AgentId::as_str)),
            ("x-payment-credits", Some(credits.as_str())),
            ("x-payment-request-id", self.request_id.as_deref()),
        ] {
            if let Some(value) = value.and_then(headers::as_value) {
                forward.headers.set(name, value);
            }
        }
        Some(forward)
    }
}
