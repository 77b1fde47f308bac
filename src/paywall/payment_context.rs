//! The view of a payment that hooks and handlers of the seller receive, and what they may set.

use super::flow::admission::PaymentAttempt;
use super::gate::{Action, Gate, RequestHead};
use super::request_flow::{RequestFlow, Stage};
use super::response::gate_response::GateResponse;
use crate::wire::{Credits, PAYMENT_SIGNATURE, PaymentRequired, Receipt};
use alloc::{borrow::Cow, format, string::String};

/// How much of a refusal's words a buyer is told, in characters.
const MAX_WORDS: usize = 500;

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

impl RequestFlow {
    /// The payment that is under way; nothing where there is none, or not yet.
    #[must_use]
    pub fn payment(&self) -> Option<Payment<'_>> {
        let (payment, phase) = match &self.stage {
            Stage::Verifying(payment) => (payment, Phase::Verifying),
            Stage::Admitting(payment) | Stage::WaitingForEarlier(payment) | Stage::ForwardedPaid(payment) => {
                (payment, Phase::Verified)
            }
            Stage::SettlingDebt(debt) => (&debt.payment, Phase::Verified),
            Stage::ClosingDebt(cleared) => (&cleared.payment, Phase::Verified),
            Stage::Journaling(attempt)
            | Stage::Settling(attempt)
            | Stage::JournalingDelivery(attempt)
            | Stage::Delivering(attempt)
            | Stage::RecordingCharge(attempt)
            | Stage::SettlingDeferred(attempt) => (&attempt.payment, Phase::Answered),
            _ => return None,
        };
        Some(Payment { payment, phase })
    }

    /// The settlement that was made, once.
    #[must_use]
    pub fn settled_for(&mut self) -> Option<Settled> {
        self.settlement.take()
    }

    /// The seller's own code said no before the origin was asked: 402 with its words, and nothing is charged.
    pub(crate) fn denied(&mut self, stage: Stage, words: &str) -> Action {
        let (Stage::Verifying(payment)
        | Stage::Admitting(payment)
        | Stage::WaitingForEarlier(payment)
        | Stage::ForwardedPaid(payment)) = stage
        else {
            return self.unexpected_event(stage);
        };
        let words: String = words.chars().take(MAX_WORDS).collect();
        let words = if words.is_empty() { "The payment was refused." } else { &words };
        let answer =
            GateResponse::payment_required(&payment.verify.payment_required, "payment_denied", words);
        self.reject(&payment, answer)
    }
}

impl Gate {
    /// The request with its token where it is looked for, if the settings say that it comes in other headers.
    pub(crate) fn with_token<'a>(&self, request: &'a RequestHead) -> Cow<'a, RequestHead> {
        let names = &self.settings().token_headers;
        if names.is_empty() {
            return Cow::Borrowed(request);
        }
        let mut request = request.clone();
        let first = |name: &String| {
            let mut values = request.headers.all(name).filter(|value| !value.trim().is_empty());
            let (value, second) = (values.next()?, values.next());
            // Two of them are no token: nobody chooses between them.
            Some(second.map_or_else(|| value.into(), |second| format!("{value}, {second}")))
        };
        let token: Option<String> = names.iter().find_map(first);
        for name in names.iter().map(String::as_str).chain([PAYMENT_SIGNATURE]) {
            request.headers.remove(name);
        }
        if let Some(token) = token {
            request.headers.append(PAYMENT_SIGNATURE, token);
        }
        Cow::Owned(request)
    }
}
