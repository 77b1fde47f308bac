//! What a seller's own code may know of a request that is paid for, and say to it: hooks, handlers.

use super::flow::admission::Paying;
use super::gate::{Action, Gate, RequestHead};
use super::request_flow::{Stage, Visit};
use super::response::response::Answer;
use crate::wire::{Credits, PAYMENT_SIGNATURE, PaymentRequired, Receipt};
use alloc::{borrow::Cow, format, string::String};

/// How much of a refusal's words a buyer is told, in characters.
const MAX_WORDS: usize = 500;

/// A payment that a request carries, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct Payment<'a> {
    paying: &'a Paying,
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
        self.paying.token.secret().expose()
    }

    /// What was offered, and what verify and settle are asked about.
    #[must_use]
    pub fn payment_required(&self) -> &'a PaymentRequired {
        &self.paying.verify.payment_required
    }

    /// The most that the request costs, in credits; nothing where an allowance pays for it.
    #[must_use]
    pub fn credits(&self) -> Credits {
        match self.paying.reserved.allowance {
            Some(_) if self.phase != Phase::Verifying => Credits::ZERO,
            _ => self.paying.most,
        }
    }

    /// Who pays: the facilitator's word, and before there is one the token's.
    #[must_use]
    pub fn payer(&self) -> Option<&'a str> {
        self.paying.payer.as_deref().or_else(|| self.paying.token.from())
    }

    /// What verify called the request.
    #[must_use]
    pub fn request_id(&self) -> Option<&'a str> {
        self.paying.request_id.as_deref()
    }

    /// The plan that pays.
    #[must_use]
    pub fn plan_id(&self) -> &'a str {
        self.paying.way.plan_id.as_str()
    }

    /// The agent, where the route names one.
    #[must_use]
    pub fn agent_id(&self) -> Option<&'a str> {
        self.paying.way.agent_id.as_ref().map(crate::wire::AgentId::as_str)
    }

    /// The route, as the configuration has it.
    #[must_use]
    pub fn route(&self) -> &'a str {
        &self.paying.terms.route
    }
}

impl Visit {
    /// The payment that is under way; nothing where there is none, or not yet.
    #[must_use]
    pub fn payment(&self) -> Option<Payment<'_>> {
        let (paying, phase) = match &self.stage {
            Stage::Verifying(paying) => (paying, Phase::Verifying),
            Stage::Admitting(paying) | Stage::Queueing(paying) | Stage::Working(paying) => {
                (paying, Phase::Verified)
            }
            Stage::Owing(debt) => (&debt.paying, Phase::Verified),
            Stage::Clearing(cleared) => (&cleared.paying, Phase::Verified),
            Stage::Writing(bill)
            | Stage::Settling(bill)
            | Stage::Promising(bill)
            | Stage::Streaming(bill)
            | Stage::Charging(bill)
            | Stage::Collecting(bill) => (&bill.paying, Phase::Answered),
            _ => return None,
        };
        Some(Payment { paying, phase })
    }

    /// The settlement that was made, once.
    #[must_use]
    pub fn settled_for(&mut self) -> Option<Settled> {
        self.settlement.take()
    }

    /// The seller's own code said no before the origin was asked: 402 with its words, and nothing is charged.
    pub(crate) fn denied(&mut self, stage: Stage, words: &str) -> Action {
        let (Stage::Verifying(paying)
        | Stage::Admitting(paying)
        | Stage::Queueing(paying)
        | Stage::Working(paying)) = stage
        else {
            return self.lost(stage);
        };
        let words: String = words.chars().take(MAX_WORDS).collect();
        let words = if words.is_empty() { "The payment was refused." } else { &words };
        let answer = Answer::payment_required(&paying.verify.payment_required, "payment_denied", words);
        self.give_up(&paying, answer)
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
