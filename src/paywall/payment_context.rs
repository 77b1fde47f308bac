//! The payment of a request, as hooks and handlers of the seller see it.

use super::flow::payment_attempt::PaymentAttempt;
use crate::wire::{Credits, PaymentRequired, Receipt};

/// A payment that a request carries, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Payment<'a> {
    payment: &'a PaymentAttempt,
    /// Where it stands.
    pub phase: Phase,
}

/// Where a payment stands.
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
        self.payment.payer.as_deref().or_else(|| self.payment.token.from())
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
