//! The payment of a request, as hooks and handlers of the seller see it.

use super::flow::payment_attempt::PaymentAttempt;
use crate::wire::{Credits, PaymentRequired, Receipt};
use alloc::string::{String, ToString as _};
use core::fmt;

/// A payment that a request carries, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Payment<'a> {
    payment: &'a PaymentAttempt,
    /// Its progress.
    pub phase: Phase,
}

/// The progress of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It is about to be verified, or is being verified.
    Verifying,
    /// It was verified, and the origin has not answered.
    Verified,
    /// The origin answered.
    Answered,
}

/// A settlement that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The credits that were asked for.
    pub credits: Credits,
    /// The platform's receipt.
    pub receipt: Receipt,
}

impl<'a> Payment<'a> {
    pub(crate) fn new(payment: &'a PaymentAttempt, phase: Phase) -> Self {
        Self { payment, phase }
    }

    /// The token as it came: a secret.
    #[must_use]
    pub fn token(&self) -> &'a str {
        self.payment.token.secret().expose()
    }

    /// The offer, which verify and settle are called with.
    #[must_use]
    pub fn payment_required(&self) -> &'a PaymentRequired {
        &self.payment.verify.payment_required
    }

    /// The most that the request costs, in credits; nothing where an allowance pays for it.
    #[must_use]
    pub fn credits(&self) -> Credits {
        match self.payment.reserved.allowance {
            Some(_) if self.phase != Phase::Verifying => Credits::ZERO,
            _ => self.payment.max_credits,
        }
    }

    /// The payer: as the facilitator names it, or as the token names it before the verify.
    #[must_use]
    pub fn payer(&self) -> Option<&'a str> {
        self.payment.payer.as_deref().or_else(|| self.payment.token.payer())
    }

    /// The request id that verify returned.
    #[must_use]
    pub fn request_id(&self) -> Option<&'a str> {
        self.payment.request_id.as_deref()
    }

    /// The plan that pays.
    #[must_use]
    pub fn plan_id(&self) -> &'a str {
        self.payment.option.plan_id.as_str()
    }

    /// The agent, where the route names one.
    #[must_use]
    pub fn agent_id(&self) -> Option<&'a str> {
        self.payment.option.agent_id.as_ref().map(crate::wire::AgentId::as_str)
    }

    /// The route, as the configuration has it.
    #[must_use]
    pub fn route(&self) -> &'a str {
        &self.payment.route.name
    }
}

/// The payment of a request, as a handler in Rust receives it.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct PaymentContext {
    /// The x402 access token: a secret.
    pub token: String,
    /// The offer that the payment was verified with.
    pub payment_required: PaymentRequired,
    /// The most that is settled, in credits.
    pub credits: Credits,
    /// The payer's address.
    pub payer: Option<String>,
    /// The plan that pays.
    pub plan_id: String,
    /// The agent, where the route names one.
    pub agent_id: Option<String>,
    /// The request id that verify returned.
    pub agent_request_id: Option<String>,
    /// The route, as the configuration has it.
    pub route: String,
}

/// Does not show the token, which is a secret.
impl fmt::Debug for PaymentContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaymentContext")
            .field("route", &self.route)
            .field("payer", &self.payer)
            .field("credits", &self.credits)
            .finish_non_exhaustive()
    }
}

impl From<Payment<'_>> for PaymentContext {
    fn from(payment: Payment<'_>) -> Self {
        let own = |text: &str| text.to_string();
        Self {
            token: payment.token().into(),
            payment_required: payment.payment_required().clone(),
            credits: payment.credits(),
            payer: payment.payer().map(own),
            plan_id: payment.plan_id().into(),
            agent_id: payment.agent_id().map(own),
            agent_request_id: payment.request_id().map(own),
            route: payment.route().into(),
        }
    }
}
