//! A request at the origin.

use super::context::Context;
use super::pass_admission::PassAdmission;
use super::payment_attempt::{FreeAllowance, PaymentAttempt};
use super::progress::{Next, Progress};
use crate::paywall::action::{Action, Forward};
use crate::paywall::event::{Event, OriginResponse};
use crate::paywall::facilitator::result;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::response::passed_headers;
use crate::wire::{Credits, PAYMENT_RESPONSE, Receipt};
use alloc::boxed::Box;

/// A request that was forwarded, by what pays for it.
#[derive(Debug)]
pub(crate) enum Forwarded {
    /// An open route, or a request that is passed on.
    Free,
    /// A verified payment.
    Paid(Box<PaymentAttempt>),
    /// The allowance of an address.
    ByAllowance(FreeAllowance),
    /// A pass.
    ByPass(Box<PassAdmission>),
}

impl Forwarded {
    pub(crate) fn paid(mut payment: Box<PaymentAttempt>, context: &mut Context) -> Progress<Self> {
        match payment.take_forward() {
            Some(forward) => Progress::Wait(Self::Paid(payment), Action::Forward(forward)),
            // It was forwarded before, which no state does.
            None => {
                context.release(&payment);
                Progress::Done(context.unexpected_event())
            }
        }
    }

    pub(crate) fn by_allowance(free: FreeAllowance, forward: Forward) -> Progress<Self> {
        Progress::Wait(Self::ByAllowance(free), Action::Forward(forward))
    }

    pub(crate) fn by_pass(pass: Box<PassAdmission>) -> Progress<Self> {
        let action = Action::Forward(pass.forward());
        Progress::Wait(Self::ByPass(pass), action)
    }

    pub(crate) fn handle(self, event: Event, context: &mut Context) -> Progress<Self> {
        let refused = match &event {
            Event::Origin(origin) => self.is_undeliverable(origin, context).then_some((
                502,
                "origin_garbled",
                "The service behind this gate sent an invalid response. Nothing was charged.",
            )),
            Event::OriginFailed => Some((
                502,
                "origin_unreachable",
                "The service behind this gate did not answer. Nothing was charged.",
            )),
            Event::OriginTimedOut => Some((
                504,
                "origin_timeout",
                "The service behind this gate did not answer in time. Nothing was charged.",
            )),
            Event::OriginUnusable => Some((
                502,
                "origin_unusable",
                "The body of the answer was read before the gate. Nothing was charged.",
            )),
            _ => None,
        };
        if let Some((status, code, message)) = refused {
            self.release(context);
            let answer = GateResponse::error(status, code, message).uncharged();
            return Progress::Done(context.respond(answer));
        }
        let Event::Origin(origin) = event else {
            self.release(context);
            return Progress::Done(context.unexpected_event());
        };
        match self {
            Self::Free => Progress::Done(context.deliver(origin.headers)),
            Self::ByPass(pass) => Progress::Done(pass.deliver(&origin, context)),
            state @ (Self::Paid(_) | Self::ByAllowance(_))
                if !origin.is_success() && origin.status != 101 =>
            {
                state.release(context);
                let mut headers = origin.headers;
                passed_headers::keep_private(&mut headers);
                headers.set(PAYMENT_RESPONSE, result::not_settled());
                Progress::Done(context.deliver(headers))
            }
            Self::ByAllowance(_) => {
                let mut headers = passed_headers::for_buyer(&origin.headers);
                headers.set(PAYMENT_RESPONSE, Receipt::burned(Credits::ZERO, None, "").to_header());
                Progress::Done(context.deliver(headers))
            }
            Self::Paid(payment) => Progress::Next(Next::Settle(payment, origin)),
        }
    }

    /// True for an answer that cannot be delivered: an interim answer, a socket that nobody asked for, a status beyond
    /// HTTP.
    fn is_undeliverable(&self, origin: &OriginResponse, context: &Context) -> bool {
        let socket = matches!(self, Self::Free) || context.websocket;
        match origin.status {
            101 => !socket,
            status => !(200..600).contains(&status),
        }
    }

    /// Gives back the reservations.
    pub(crate) fn release(self, context: &mut Context) {
        match self {
            Self::Paid(payment) => context.release(&payment),
            Self::ByAllowance(free) => context.release_allowance(free),
            Self::Free | Self::ByPass(_) => {}
        }
    }
}
