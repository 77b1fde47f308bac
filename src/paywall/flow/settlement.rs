//! The settlement of an answer (rules 19 to 21): before it is delivered, or after.

use super::context::Context;
use super::pass_admission;
use super::payment_attempt::PaymentAttempt;
use super::progress::Progress;
use super::settlement_attempt::SettlementAttempt;
use crate::api::Call as _;
use crate::paywall::action::{Action, Delivery, StreamEnd};
use crate::paywall::endpoints::receipts;
use crate::paywall::event::{Event, OriginResponse};
use crate::paywall::facilitator::result::{self, Refusal, SettleResult};
use crate::paywall::http::names::RECEIPT_URL;
use crate::paywall::observe::settlement_log::SettlementLogLine;
use crate::paywall::pricing::ending::Ending;
use crate::paywall::pricing::price::Cost;
use crate::paywall::pricing::settlement_policy::{Meter, ReceiptBy, Renewal, Settlement as When};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::response::passed_headers;
use crate::paywall::state::{Command, EntryStatus, Reply, SettlementOutcome, StateCall};
use crate::wire::{PAYMENT_RESPONSE, Receipt};
use alloc::{boxed::Box, string::String};

/// The time that an answer that is settled at its end is held open, and the time between two renewals while it goes out,
/// in milliseconds.
const STREAM_MS: u64 = 60_000;
const RENEW_MS: u32 = 20_000;

/// An answer of the origin that is being settled.
#[derive(Debug)]
pub(crate) struct Settlement {
    attempt: Box<SettlementAttempt>,
    step: Step,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The settlement is being written down before it is sent.
    Journaling,
    /// The answer waits for the settlement.
    Settling,
    /// The entry of an answer that is settled later is being written.
    JournalingDelivery,
    /// The answer goes out.
    Delivering,
    /// The answer went out, and its cost is being written down.
    RecordingCharge,
    /// The answer went out, and is being settled.
    SettlingDeferred,
}

impl Settlement {
    /// Takes the origin's successful answer to a paid request.
    pub(crate) fn begin(
        payment: Box<PaymentAttempt>,
        origin: OriginResponse,
        context: &mut Context,
    ) -> Progress<Self> {
        let (attempt, when) = SettlementAttempt::new(payment, origin, context);
        let attempt = Box::new(attempt);
        match (attempt.cost, when) {
            (Cost::Known(cost), _) if cost.is_zero() => Progress::Done(deliver_free(&attempt, context)),
            (_, When::BeforeDelivery) => match attempt.payment.reserved.entry_until {
                None => journal_settlement(attempt, context),
                Some(until) => settle_while_it_holds(attempt, until, context),
            },
            _ => journal_delivery(attempt, context),
        }
    }

    pub(crate) fn handle(self, event: Event, context: &mut Context) -> Progress<Self> {
        let Self { mut attempt, step } = self;
        match (step, event) {
            (Step::Journaling, Event::State(Reply::Done)) => {
                attempt.journaled = true;
                settle(attempt, context)
            }
            (Step::JournalingDelivery, Event::State(Reply::Done)) => {
                attempt.journaled = true;
                Self::deliver(attempt, context)
            }
            // A settlement that cannot be written down is not made, and an answer that is not settled is not delivered.
            (Step::Journaling | Step::JournalingDelivery, Event::State(_) | Event::StateFailed) => {
                attempt.release("state_unavailable", context);
                Progress::Done(context.state_unavailable())
            }
            (Step::Settling, event @ (Event::Answered(_) | Event::Unanswered(_))) => {
                let settled = read(&attempt, event);
                Self::settled(attempt, settled, context)
            }
            (Step::Delivering, Event::Ended(ending)) => Self::delivery_ended(attempt, &ending, context),
            (Step::RecordingCharge, Event::State(_)) => settle_deferred(attempt, context),
            (Step::RecordingCharge, Event::StateFailed) => {
                let settled = SettleResult::NotTried("state_unavailable".into());
                deferred_settled(attempt, settled, context)
            }
            (Step::SettlingDeferred, event @ (Event::Answered(_) | Event::Unanswered(_))) => {
                let settled = read(&attempt, event);
                deferred_settled(attempt, settled, context)
            }
            // The entry says how the settlement stands, and the reconciler looks into it.
            _ => Progress::Done(context.unexpected_event()),
        }
    }

    /// The payment that is settled.
    pub(crate) fn payment(&self) -> &PaymentAttempt {
        &self.attempt.payment
    }

    /// True while nothing was sent to be settled, and nothing was delivered.
    pub(crate) fn is_uncharged(&self) -> bool {
        matches!(self.step, Step::Journaling | Step::JournalingDelivery)
    }

    /// The client went away before its answer, and nothing was settled: the entry is closed.
    pub(crate) fn abandon(self, context: &mut Context) {
        self.attempt.release("client_gone", context);
    }

    /// Takes the outcome of a settlement that the answer waits for.
    fn settled(
        mut attempt: Box<SettlementAttempt>,
        settled: SettleResult,
        context: &mut Context,
    ) -> Progress<Self> {
        let (settled, again) = attempt.retry_unknown(settled);
        if again {
            return settle(attempt, context);
        }
        let mut headers = passed_headers::for_buyer(&attempt.origin.headers);
        let journal = match settled {
            SettleResult::Paid(receipt) => {
                attempt.record_payment(&receipt, context);
                headers.set(PAYMENT_RESPONSE, receipt.to_header());
                let charged = attempt.settle.verify.max_amount;
                pass_admission::sell(&attempt.payment, charged, &receipt, &mut headers, context);
                None
            }
            SettleResult::Unknown(why) => {
                attempt.record_unknown(&why, !context.client_gone, context);
                Some(attempt.log_line("settlement_unknown", &why, context))
            }
            SettleResult::Refused { receipt, refusal, pay_again } => {
                attempt.forget_verification(context);
                let spent = refusal.code == result::SPENT;
                let end = SettlementOutcome::Refused { receipt: receipt.to_value(), spent, delivered: false };
                attempt.close_entry(end, context);
                let answer = refused(&attempt.payment, &receipt, &refusal, pay_again);
                return Progress::Done(context.respond(answer));
            }
            SettleResult::NotTried(code) => {
                attempt.release(&code, context);
                let message = "The payment could not be settled. Nothing was charged; try again later.";
                let answer = GateResponse::unavailable(&code, message).uncharged();
                return Progress::Done(context.respond(answer));
            }
        };
        context.allow_page(&mut headers);
        Progress::Done(Action::Deliver(Delivery { headers, journal, meter: None }))
    }

    /// Delivers an answer that is settled later.
    fn deliver(attempt: Box<SettlementAttempt>, context: &Context) -> Progress<Self> {
        let mut headers = passed_headers::for_buyer(&attempt.origin.headers);
        if attempt.receipt == ReceiptBy::Url && attempt.journaled {
            let path = receipts::path(&attempt.payment.shard, &context.id);
            headers.set(RECEIPT_URL, [context.base.as_str(), &path].concat());
        }
        let to_the_end = attempt.payment.route.settlement == When::AtEndOfStream;
        if attempt.receipt == ReceiptBy::Event {
            // An event is added to it.
            headers.remove("content-length");
        }
        context.allow_page(&mut headers);
        let renew = (to_the_end && attempt.journaled).then(|| {
            let command = Command::Renew { id: context.id.clone(), lease: STREAM_MS };
            Renewal { call: StateCall { shard: attempt.payment.shard.clone(), command }, every_ms: RENEW_MS }
        });
        let meter = Meter { unit: attempt.payment.option.price.unit().cloned(), to_the_end, renew };
        let delivery = Delivery { headers, journal: None, meter: Some(meter) };
        Progress::Wait(Self { attempt, step: Step::Delivering }, Action::Deliver(delivery))
    }

    /// Takes the end of a delivered answer: now its cost is known.
    fn delivery_ended(
        mut attempt: Box<SettlementAttempt>,
        ending: &Ending,
        context: &mut Context,
    ) -> Progress<Self> {
        let cost = attempt.payment.option.price.at_end(attempt.cost, attempt.payment.max_credits, ending);
        attempt.settle.verify.max_amount = cost;
        if cost.is_zero() {
            let receipt = attempt.free_receipt();
            attempt.close_entry(SettlementOutcome::Settled { receipt: receipt.to_value() }, context);
            attempt.release_verification(context);
            return finish(&attempt, Some(&receipt), None);
        }
        if !attempt.journaled {
            return settle_deferred(attempt, context);
        }
        let command = Command::Charge {
            id: context.id.clone(),
            credits: cost.digits(),
            again: attempt.retry_body(),
            lease: context.lease(),
        };
        let shard = attempt.payment.shard.clone();
        let action = Action::State(StateCall { shard, command });
        Progress::Wait(Self { attempt, step: Step::RecordingCharge }, action)
    }
}

fn read(attempt: &SettlementAttempt, event: Event) -> SettleResult {
    match event {
        Event::Answered(answer) => attempt.read(&answer),
        Event::Unanswered(error) => SettleResult::Unknown(error.code().into()),
        _ => SettleResult::Unknown(String::new()),
    }
}

/// Delivers an answer that costs nothing. It is not settled: a settle of `0` would be read as the plan's maximum.
fn deliver_free(attempt: &SettlementAttempt, context: &mut Context) -> Action {
    let receipt = attempt.free_receipt();
    // A single-use token buys one answer, whatever that costs (rule 24).
    if attempt.is_single_use() {
        let mut entry = attempt.entry(EntryStatus::Settled, context);
        entry.delivered = true;
        entry.receipt = Some(receipt.to_value());
        context.defer(attempt.payment.shard.clone(), Command::Write { entry, lease: 0 });
    }
    attempt.release_verification(context);
    if let Some(open) = &attempt.payment.reserved.open {
        let (id, open) = (context.id.clone(), Some(open.plan.clone()));
        let release = Command::Release { id, claim: None, allowance: None, open };
        context.defer(attempt.payment.shard.clone(), release);
    }
    let mut headers = passed_headers::for_buyer(&attempt.origin.headers);
    headers.set(PAYMENT_RESPONSE, receipt.to_header());
    context.deliver(headers)
}

/// Writes the settlement down before it is sent, so that it is not forgotten if this isolate ends.
fn journal_settlement(attempt: Box<SettlementAttempt>, context: &mut Context) -> Progress<Settlement> {
    if !context.settings().state {
        return settle(attempt, context);
    }
    let mut entry = attempt.entry(EntryStatus::Settling, context);
    entry.settle_body = attempt.retry_body();
    let shard = attempt.payment.shard.clone();
    let command = Command::Write { entry, lease: context.lease() };
    Progress::Wait(
        Settlement { attempt, step: Step::Journaling },
        Action::State(StateCall { shard, command }),
    )
}

/// Settles what was written down with the claim, unless so little is left of its time that another may have the token
/// before the settle is answered.
fn settle_while_it_holds(
    mut attempt: Box<SettlementAttempt>,
    until: u64,
    context: &mut Context,
) -> Progress<Settlement> {
    if context.now.saturating_add(context.lease()) > until {
        attempt.release("state_unavailable", context);
        return Progress::Done(context.state_unavailable());
    }
    attempt.journaled = true;
    settle(attempt, context)
}

/// Writes down that an answer goes out that is settled later.
fn journal_delivery(attempt: Box<SettlementAttempt>, context: &Context) -> Progress<Settlement> {
    if !context.settings().state {
        return Settlement::deliver(attempt, context);
    }
    let entry = attempt.entry(EntryStatus::Delivering, context);
    let shard = attempt.payment.shard.clone();
    let command = Command::Write { entry, lease: STREAM_MS };
    Progress::Wait(
        Settlement { attempt, step: Step::JournalingDelivery },
        Action::State(StateCall { shard, command }),
    )
}

fn settle(attempt: Box<SettlementAttempt>, context: &mut Context) -> Progress<Settlement> {
    send(attempt, Step::Settling, context)
}

fn settle_deferred(attempt: Box<SettlementAttempt>, context: &mut Context) -> Progress<Settlement> {
    send(attempt, Step::SettlingDeferred, context)
}

fn send(attempt: Box<SettlementAttempt>, step: Step, context: &mut Context) -> Progress<Settlement> {
    context.settle_sent = true;
    let request = attempt.settle.request();
    Progress::Wait(Settlement { attempt, step }, Action::Call(request))
}

/// Takes the outcome of a settlement that comes after the answer.
fn deferred_settled(
    mut attempt: Box<SettlementAttempt>,
    settled: SettleResult,
    context: &mut Context,
) -> Progress<Settlement> {
    let (settled, again) = attempt.retry_unknown(settled);
    if again {
        return settle_deferred(attempt, context);
    }
    match settled {
        SettleResult::Paid(receipt) => {
            attempt.record_payment(&receipt, context);
            finish(&attempt, Some(&receipt), None)
        }
        SettleResult::Unknown(why) => {
            attempt.record_unknown(&why, true, context);
            let journal = attempt.log_line("settlement_unknown", &why, context);
            finish(&attempt, None, Some(journal))
        }
        SettleResult::Refused { receipt, refusal, .. } if refusal.code != result::BURN_FAILED => {
            attempt.forget_verification(context);
            let no = receipt.to_value();
            let owed = attempt.payment.reserved.open.is_some() && !refusal.ends_token();
            let end = match owed {
                true => SettlementOutcome::Owed {
                    why: refusal.code.clone(),
                    again: attempt.body(),
                    receipt: Some(no),
                },
                false => {
                    let spent = refusal.code == result::SPENT;
                    SettlementOutcome::Refused { receipt: no, spent, delivered: true }
                }
            };
            attempt.close_entry(end, context);
            let journal = attempt.log_line("settlement_refused", &refusal.code, context);
            finish(&attempt, Some(&receipt), Some(journal))
        }
        // Certainly not settled, and not because of the payer: it is settled another time.
        SettleResult::NotTried(why) | SettleResult::Refused { refusal: Refusal { code: why, .. }, .. } => {
            attempt.forget_verification(context);
            let end = SettlementOutcome::Owed { why: why.clone(), again: attempt.body(), receipt: None };
            attempt.close_entry(end, context);
            let journal = attempt.log_line("settlement_owed", &why, context);
            finish(&attempt, None, Some(journal))
        }
    }
}

/// Ends an answer that was delivered: with the receipt as its last event, where the route has it so.
fn finish(
    attempt: &SettlementAttempt,
    receipt: Option<&Receipt>,
    journal: Option<SettlementLogLine>,
) -> Progress<Settlement> {
    let tail = receipt
        .filter(|_| attempt.receipt == ReceiptBy::Event)
        .map(|receipt| ["event: payment-response\ndata: ", &receipt.to_json(), "\n\n"].concat());
    Progress::Done(Action::Finish(StreamEnd { tail, journal }))
}

/// 402 for a settlement that was refused: with a receipt that says so, and an offer only where paying again is right
/// (rule 21).
fn refused(payment: &PaymentAttempt, receipt: &Receipt, refusal: &Refusal, pay_again: bool) -> GateResponse {
    let offer = &payment.verify.payment_required;
    let mut answer = if pay_again {
        GateResponse::payment_required(offer, &refusal.code, &refusal.message)
    } else {
        GateResponse::error(402, &refusal.code, &refusal.message)
    };
    answer.headers.set(PAYMENT_RESPONSE, receipt.to_header());
    answer.with("x-correlation-id", &refusal.correlation_id)
}
