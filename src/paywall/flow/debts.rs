//! What a payer owes for an answer that was delivered and not paid for: it is settled before another one is begun (rule 19).

use super::admission::PaymentAttempt;
use crate::api::{self, x402};
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::SettleResult;
use crate::paywall::gate::Action;
use crate::paywall::request_flow::{FacilitatorError, RequestFlow, Stage};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state::{Command, Entry, Reply, SettlementOutcome, StateCall, debt_end};
use alloc::{boxed::Box, format, string::String};

/// An earlier answer's settle that this visit sends, and the request that waits for it.
#[derive(Debug)]
pub(crate) struct Debt {
    pub(crate) payment: PaymentAttempt,
    entry: Box<Entry>,
}

/// What became of that settle, to be written down before the request goes on.
#[derive(Debug)]
pub(crate) struct SettledDebt {
    pub(crate) payment: PaymentAttempt,
    command: Command,
}

impl RequestFlow {
    /// Settles what is owed, with the token that it is owed by.
    pub(crate) fn settle_debt(&mut self, payment: PaymentAttempt, entry: Box<Entry>) -> Action {
        let body = entry.settle_body.as_ref().map(|again| again.expose().into());
        self.stage = Stage::SettlingDebt(Debt { payment, entry });
        Action::Call(api::Request::post("/api/v1/x402/settle", body))
    }

    /// What the facilitator says to it.
    pub(crate) fn debt_settled(
        &mut self,
        debt: Debt,
        answer: Result<&api::Response, FacilitatorError>,
    ) -> Action {
        let Debt { mut payment, entry } = debt;
        let settled = match answer {
            Ok(answer) => result::settled(x402::receipt(answer), &entry.network),
            Err(silence) => SettleResult::Unknown(silence.code().into()),
        };
        let Some(end) = debt_end(&entry, settled) else { return self.state_unavailable() };
        let refused = match &end {
            SettlementOutcome::Owed { receipt: Some(_), why, .. } => Some(owed(why)),
            SettlementOutcome::Owed { why, .. } => Some(not_tried(why)),
            _ => None,
        };
        if matches!(end, SettlementOutcome::Unknown { .. }) && entry.nonce.is_none() {
            self.log.unresolved(&entry.route);
        }
        let command = self.close_command(entry.visit.clone(), end, entry.rounds);
        if let Some(answer) = refused {
            self.defer(payment.shard.clone(), command);
            return self.reject(&payment, answer);
        }
        // Credits may have been burned since this request was verified.
        payment.waiting_since.get_or_insert(self.now);
        let shard = payment.shard.clone();
        self.stage = Stage::ClosingDebt(SettledDebt { payment, command: command.clone() });
        Action::State(StateCall { shard, command })
    }

    /// Whether it is written down.
    pub(crate) fn debt_closed(&mut self, cleared: SettledDebt, reply: Option<&Reply>) -> Action {
        let SettledDebt { payment, command } = cleared;
        if matches!(reply, Some(Reply::Done | Reply::Nothing)) {
            return self.reserve(payment);
        }
        self.defer(payment.shard.clone(), command);
        self.reject(&payment, GateResponse::state_unavailable())
    }

    pub(crate) fn close_command(&self, visit: String, end: SettlementOutcome, round: u32) -> Command {
        Command::Close { visit, end, after: self.settings.timeout_ms().into(), round }
    }
}

fn owed(why: &str) -> GateResponse {
    let message = format!(
        "An earlier answer to this payer is not paid for: its settlement was refused ({why}). It is tried again with the \
         next request. Nothing was charged for this one."
    );
    GateResponse::error(402, "payment_owed", &message)
}

fn not_tried(why: &str) -> GateResponse {
    let message =
        "An earlier answer to this payer could not be settled. Nothing was charged; try again later.";
    GateResponse::unavailable(why, message)
}
