//! A token at the facilitator.

use super::context::Context;
use super::payment_attempt::{PaymentAttempt, Reservation};
use super::progress::{Next, Progress};
use crate::api::Call as _;
use crate::paywall::action::Action;
use crate::paywall::event::{Event, FacilitatorError};
use crate::paywall::facilitator::result::{self, VerifyResult};
use crate::paywall::response::gate_response::GateResponse;
use alloc::boxed::Box;

/// A payment whose token is being verified.
#[derive(Debug)]
pub(crate) struct Verification {
    pub(crate) payment: Box<PaymentAttempt>,
    /// Set once verify was sent a second time.
    retried: bool,
}

impl Verification {
    /// Sends the token to the facilitator.
    pub(crate) fn begin(payment: Box<PaymentAttempt>) -> Progress<Self> {
        let call = Action::Call(payment.verify.request());
        Progress::Wait(Self { payment, retried: false }, call)
    }

    pub(crate) fn handle(self, event: Event, context: &mut Context) -> Progress<Self> {
        let Self { payment, retried } = self;
        let verdict = match event {
            Event::Answered(answer) => result::verdict(payment.verify.parse(&answer)),
            // Verify burns nothing, and a pooled connection may have died of old age: once more.
            Event::Unanswered(FacilitatorError::Unreachable) if !retried => {
                let call = Action::Call(payment.verify.request());
                return Progress::Wait(Self { payment, retried: true }, call);
            }
            Event::Unanswered(error) => VerifyResult::Unavailable(error.code().into()),
            _ => {
                context.release(&payment);
                return Progress::Done(context.unexpected_event());
            }
        };
        verified(payment, verdict, context)
    }
}

fn verified(
    mut payment: Box<PaymentAttempt>,
    verdict: VerifyResult,
    context: &mut Context,
) -> Progress<Verification> {
    let verified = match verdict {
        VerifyResult::Valid(verified) => verified,
        VerifyResult::Refused(refusal) => {
            context.release(&payment);
            let offer = &payment.verify.payment_required;
            let answer = GateResponse::payment_required(offer, &refusal.code, &refusal.message);
            return Progress::Done(context.respond(answer.with("x-correlation-id", &refusal.correlation_id)));
        }
        VerifyResult::Unavailable(code) => {
            let message = "The payment could not be checked. Nothing was charged; try again later.";
            return Progress::Done(context.reject(&payment, GateResponse::unavailable(&code, message)));
        }
    };
    if let Some(key) = &payment.cache_key {
        let cache_ms = context.settings().cache_ms;
        context.shared.verifications().insert(key, verified.payer.clone(), context.now, cache_ms);
        payment.counted_in_cache = true;
    }
    let shard = match &verified.payer {
        Some(payer) => context.payer_shard(payer),
        None => payment.shard.clone(),
    };
    if payment.admitted && shard != payment.shard {
        // The facilitator names another payer for the same token: the reservation is not theirs.
        context.release(&payment);
        (payment.reserved, payment.admitted) = (Reservation::default(), false);
    }
    payment.shard = shard;
    payment.payer = verified.payer;
    payment.request_id = verified.agent_request_id;
    Progress::Next(if payment.admitted { Next::Forward(payment) } else { Next::Reserve(payment) })
}
