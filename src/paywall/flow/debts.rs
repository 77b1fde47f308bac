//! Debts: answers that were delivered and not paid for. A debt is settled before the payer's next answer begins (rule 19).

use super::context::Context;
use super::payment_attempt::PaymentAttempt;
use crate::api::{self, x402};
use crate::paywall::action::Action;
use crate::paywall::event::{Event, FacilitatorError};
use crate::paywall::facilitator::result::{self, SettleResult};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state::{Command, Entry, Reply, SettlementOutcome, StateCall, debt_end};
use alloc::boxed::Box;

/// The settlement of an earlier answer, and the request that waits for it.
#[derive(Debug)]
pub(crate) struct Debt {
    pub(crate) payment: Box<PaymentAttempt>,
    entry: Box<Entry>,
}

/// The outcome of that settlement, which is written down before the request goes on.
#[derive(Debug)]
pub(crate) struct SettledDebt {
    pub(crate) payment: Box<PaymentAttempt>,
    command: Command,
}

impl Debt {
    /// Settles a debt with the token of the answer that it is for.
    pub(crate) fn begin(payment: Box<PaymentAttempt>, entry: Box<Entry>) -> (Self, Action) {
        let body = entry.settle_body.as_ref().map(|body| body.expose().into());
        (Self { payment, entry }, Action::Call(api::Request::post("/api/v1/x402/settle", body)))
    }

    /// Takes the facilitator's answer: the outcome to write down, or the answer that ends the request.
    pub(crate) fn settled(
        self,
        answer: Result<&api::Response, FacilitatorError>,
        context: &mut Context,
    ) -> Result<(SettledDebt, Action), Box<Action>> {
        let Self { mut payment, entry } = self;
        let settled = match answer {
            Ok(answer) => result::settled(x402::receipt(answer), &entry.network),
            Err(error) => SettleResult::Unknown(error.code().into()),
        };
        let Some(end) = debt_end(&entry, settled) else { return Err(Box::new(context.state_unavailable())) };
        let refused = match &end {
            SettlementOutcome::Owed { receipt: Some(_), why, .. } => Some(owed(why)),
            SettlementOutcome::Owed { why, .. } => Some(not_tried(why)),
            _ => None,
        };
        if matches!(end, SettlementOutcome::Unknown { .. }) && entry.nonce.is_none() {
            context.log.unresolved(&entry.route);
        }
        let command = context.close_command(entry.id.clone(), end, entry.rounds);
        let shard = payment.shard.clone();
        if let Some(answer) = refused {
            context.defer(shard, command);
            return Err(Box::new(context.reject(&payment, answer)));
        }
        // Credits may have been burned since this request was verified.
        payment.waiting_since.get_or_insert(context.now);
        let action = Action::State(StateCall { shard, command: command.clone() });
        Ok((SettledDebt { payment, command }, action))
    }
}

impl SettledDebt {
    /// Takes the state's reply: the request that goes on, or the answer that ends it.
    pub(crate) fn closed(
        self,
        event: &Event,
        context: &mut Context,
    ) -> Result<Box<PaymentAttempt>, Box<Action>> {
        let Self { payment, command } = self;
        if matches!(event, Event::State(Reply::Done | Reply::Nothing)) {
            return Ok(payment);
        }
        context.defer(payment.shard.clone(), command);
        Err(Box::new(context.reject(&payment, GateResponse::state_unavailable())))
    }
}

fn owed(why: &str) -> GateResponse {
    let message = [
        "An earlier answer to this payer is not paid for: its settlement was refused (",
        why,
        "). It is tried again with the next request. Nothing was charged for this one.",
    ]
    .concat();
    GateResponse::error(402, "payment_owed", &message)
}

fn not_tried(why: &str) -> GateResponse {
    let message =
        "An earlier answer to this payer could not be settled. Nothing was charged; try again later.";
    GateResponse::unavailable(why, message)
}
