//! A verified payment that the state admits: claim, rate, allowance, open deliveries.

use super::context::{Context, too_many};
use super::debts::{Debt, SettledDebt};
use super::payment_attempt::{PaymentAttempt, Reservation, rate_name};
use super::progress::{Next, Progress};
use super::settlement_attempt;
use crate::paywall::action::Action;
use crate::paywall::event::Event;
use crate::paywall::pricing::settlement_policy::{By, Settlement};
use crate::paywall::response::gate_response::{GateResponse, RETRY_AFTER};
use crate::paywall::state::{Allowance, Claim, Command, OpenDelivery, Rate, Reply, StateCall};
use alloc::{boxed::Box, vec::Vec};

/// The time for which a claim holds while the origin works, in milliseconds. If nothing is heard until then its isolate
/// is believed dead. Without an entry nothing was settled, and the token is free again; with one the reconciler asks first
/// if the token is spent.
const CLAIM_MS: u64 = 900_000;
/// The time by which the timer of the origin's limit may be late, in milliseconds.
const SLACK_MS: u64 = 5_000;
/// The time that a request waits in all for an earlier one of its payer to be settled, in milliseconds (rule 19).
const MOST_WAIT_MS: u64 = 5_000;
/// The first and the longest pause between two questions, in milliseconds.
const FIRST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 800;

/// A verified payment that waits for the state.
#[derive(Debug)]
pub(crate) enum Admitting {
    /// The state is asked.
    Asking(Box<PaymentAttempt>),
    /// The payer has an answer that is not settled: the request waits for that.
    Waiting(Box<PaymentAttempt>),
    /// The payer owes for an earlier answer, and that is being settled.
    SettlingDebt(Debt),
    /// The debt was settled, and the outcome is being written down.
    ClosingDebt(SettledDebt),
}

impl Admitting {
    /// Reserves everything that the request needs of the state, with one question.
    pub(crate) fn begin(mut payment: Box<PaymentAttempt>, context: &Context) -> Progress<Self> {
        let settings = context.settings();
        if !settings.state {
            return Progress::Next(Next::Forward(payment));
        }
        let route = &payment.route;
        let nonce = payment.token.nonce().map(|nonce| nonce.trim().to_ascii_lowercase());
        let mut claim = nonce.map(|nonce| Claim { nonce, lease: CLAIM_MS });
        let free = route.free.filter(|free| free.by == By::Payer);
        let allowance = free.map(|free| Allowance { name: rate_name(route), per_day: free.per_day });
        let limit = route.limit.filter(|limit| limit.by == By::Payer);
        let rates: Vec<Rate> = limit
            .map(|limit| Rate { name: rate_name(route), requests: limit.requests, seconds: limit.seconds })
            .into_iter()
            .collect();
        let open = route.max_open.filter(|_| !payment.max_credits.is_zero()).map(|most| OpenDelivery {
            plan: payment.option.plan_id.as_str().into(),
            most,
            // The origin has this long, and then the delivery is written down.
            lease: u64::from(settings.origin_timeout_ms()).saturating_add(context.lease()),
            settle_lease: context.lease(),
        });
        if claim.is_none() && allowance.is_none() && rates.is_empty() && open.is_none() {
            return Progress::Next(Next::Forward(payment));
        }
        let is_settled_first = route.settlement == Settlement::BeforeDelivery
            && allowance.is_none()
            && !payment.max_credits.is_zero()
            && payment.option.price.is_known_before_the_answer();
        let entry_until = claim.as_mut().filter(|_| is_settled_first).map(|claim| {
            // The origin has this long, and then the settle.
            claim.lease = u64::from(settings.origin_timeout_ms())
                .saturating_add(SLACK_MS)
                .saturating_add(context.lease());
            context.now.saturating_add(claim.lease)
        });
        payment.reserved = Reservation {
            claim: claim.clone(),
            allowance: allowance.clone(),
            open: open.clone(),
            entry_until,
        };
        let entry = entry_until.map(|_| settlement_attempt::entry_before(&payment, context));
        let shard = payment.shard.clone();
        let command = Command::Admit { id: context.id.clone(), rates, claim, allowance, open, entry };
        Progress::Wait(Self::Asking(payment), Action::State(StateCall { shard, command }))
    }

    pub(crate) fn handle(self, event: Event, context: &mut Context) -> Progress<Self> {
        match (self, event) {
            (Self::Asking(payment), Event::State(reply)) => admitted(payment, reply, context),
            // It is not known if anything was reserved: it is given back.
            (Self::Asking(payment), Event::StateFailed) => {
                Progress::Done(context.reject(&payment, GateResponse::state_unavailable()))
            }
            (Self::Waiting(payment), Event::Waited) => Self::begin(payment, context),
            (Self::SettlingDebt(debt), Event::Answered(answer)) => {
                debt_settled(debt.settled(Ok(&answer), context))
            }
            (Self::SettlingDebt(debt), Event::Unanswered(error)) => {
                debt_settled(debt.settled(Err(error), context))
            }
            (Self::ClosingDebt(debt), event @ (Event::State(_) | Event::StateFailed)) => {
                match debt.closed(&event, context) {
                    Ok(payment) => Self::begin(payment, context),
                    Err(action) => Progress::Done(*action),
                }
            }
            (state, _) => {
                state.release(context);
                Progress::Done(context.unexpected_event())
            }
        }
    }

    /// The payment, and if the settlement of a debt is under way.
    pub(crate) fn payment(&self) -> (&PaymentAttempt, bool) {
        match self {
            Self::Asking(payment) | Self::Waiting(payment) => (payment, false),
            Self::SettlingDebt(debt) => (&debt.payment, true),
            Self::ClosingDebt(debt) => (&debt.payment, true),
        }
    }

    /// Gives back the reservations.
    pub(crate) fn release(self, context: &mut Context) {
        if let Self::Asking(payment) | Self::Waiting(payment) = self {
            context.release(&payment);
        }
    }
}

fn debt_settled(settled: Result<(SettledDebt, Action), Box<Action>>) -> Progress<Admitting> {
    match settled {
        Ok((debt, action)) => Progress::Wait(Admitting::ClosingDebt(debt), action),
        Err(action) => Progress::Done(*action),
    }
}

fn admitted(mut payment: Box<PaymentAttempt>, reply: Reply, context: &mut Context) -> Progress<Admitting> {
    if let Reply::Admitted { free } = reply {
        match free {
            true => payment.reserved.open = None,
            false => payment.reserved.allowance = None,
        }
        if payment.waiting_since.is_none() || free {
            return Progress::Next(Next::Forward(payment));
        }
        // The answer that it waited for may have burned the last credits.
        payment.admitted = true;
        return Progress::Next(Next::Verify(payment));
    }
    let answer = match reply {
        Reply::InProgress => {
            payment.reserved = Reservation::default();
            return wait_for_earlier(payment, context);
        }
        Reply::Owing { entry } => {
            payment.reserved = Reservation::default();
            let (debt, action) = Debt::begin(payment, entry);
            return Progress::Wait(Admitting::SettlingDebt(debt), action);
        }
        Reply::Limited { retry_after } => {
            payment.reserved = Reservation::default();
            too_many(retry_after)
        }
        Reply::Used => {
            payment.reserved = Reservation::default();
            let message =
                "This single-use payment token is in use or was used. Mint a new one, never replay it.";
            GateResponse::payment_required(&payment.verify.payment_required, "payment_token_used", message)
        }
        // It is not known if anything was reserved: it is given back.
        _ => GateResponse::state_unavailable(),
    };
    Progress::Done(context.reject(&payment, answer))
}

/// Waits for an earlier answer of this payer to be settled, some seconds in all.
fn wait_for_earlier(mut payment: Box<PaymentAttempt>, context: &mut Context) -> Progress<Admitting> {
    let since = *payment.waiting_since.get_or_insert(context.now);
    let waited = context.now.saturating_sub(since);
    if waited >= MOST_WAIT_MS {
        let message = "An earlier answer is not settled yet. Nothing was charged; try again later.";
        let answer =
            GateResponse::error(429, "payment_in_progress", message).with("retry-after", RETRY_AFTER);
        return Progress::Done(context.reject(&payment, answer));
    }
    // Each pause is longer, and none goes beyond the end.
    let wait = waited.clamp(FIRST_WAIT_MS, LONGEST_WAIT_MS).min(MOST_WAIT_MS - waited);
    Progress::Wait(Admitting::Waiting(payment), Action::Wait(u32::try_from(wait.max(1)).unwrap_or(u32::MAX)))
}
