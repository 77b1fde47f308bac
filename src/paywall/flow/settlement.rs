//! A request on its way back from the origin: what it costs, when that is settled, and how the buyer is told
//! (rules 19 to 21).

use super::admission::PaymentAttempt;
use crate::api::{self, Call as _, x402};
use crate::paywall::endpoints::receipts;
use crate::paywall::endpoints::receipts::RECEIPT_URL;
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::{Refusal, SettleResult};
use crate::paywall::gate::{Action, Delivery, Finish};
use crate::paywall::http::headers;
use crate::paywall::observe::settlement_log;
use crate::paywall::observe::settlement_log::SettlementLogLine;
use crate::paywall::payment_context;
use crate::paywall::pricing::price::{Cost, Ending};
use crate::paywall::pricing::settlement_policy::{Meter, ReceiptBy, Renewal, Settlement};
use crate::paywall::request_flow::{OriginResponse, RequestFlow, Stage};
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state::{Command, Entry, EntryStatus, Reply, SettlementOutcome, StateCall};
use crate::wire::{AgentId, Credits, PAYMENT_RESPONSE, Receipt, Secret};
use alloc::{
    boxed::Box,
    format,
    string::{String, ToString},
};
use serde_json::json;

/// For how long an answer that is settled at its end is held open, and how often that is renewed while it goes out, in
/// milliseconds.
const STREAM_MS: u64 = 60_000;
const RENEW_MS: u32 = 20_000;
/// What a settlement may take beyond its calls, in milliseconds.
const SLACK_MS: u64 = 5_000;

/// A request that the origin did, and what is to be settled for it.
#[derive(Debug)]
pub(crate) struct SettlementAttempt {
    pub(crate) payment: PaymentAttempt,
    settle: x402::Settle,
    payer: Option<String>,
    origin: OriginResponse,
    cost: Cost,
    receipt: ReceiptBy,
    /// Why nobody knows what came of the settle that was sent first, where there was a second.
    first_error: Option<String>,
    /// Whether the state has an entry for it.
    journaled: bool,
}

impl SettlementAttempt {
    pub(crate) fn read(&self, answer: &api::Response) -> SettleResult {
        result::settled(self.settle.parse(answer), &self.payment.option.network)
    }

    fn single_use(&self) -> bool {
        self.payment.token.is_single_use()
    }

    /// The body of the settle, where it may be sent again though nobody knows what came of it.
    fn retry_body(&self) -> Option<Secret> {
        self.settle.request().body.filter(|_| self.single_use()).map(Secret::new)
    }

    /// The body of the settle, for one that certainly burned nothing.
    fn body(&self) -> Secret {
        Secret::new(self.settle.request().body.unwrap_or_default())
    }

    fn free_receipt(&self) -> Receipt {
        Receipt::burned(Credits::ZERO, self.payer.as_deref(), &self.payment.option.network)
    }

    /// A line for the seller: what a settlement that did not come to a good end is reconciled by.
    fn log_line(&self, event: &str, why: &str, visit: &RequestFlow) -> SettlementLogLine {
        let Self { payment, settle, payer, .. } = self;
        SettlementLogLine::new(&json!({
            "event": event,
            "at": visit.now,
            "visit": visit.id,
            "route": payment.route.name,
            "plan": payment.option.plan_id.as_str(),
            "agent": payment.option.agent_id.as_ref().map(AgentId::as_str),
            "network": payment.option.network,
            "credits": settle.verify.max_amount.to_string(),
            "payer": payer,
            "requestId": settle.agent_request_id,
            "token": settlement_log::fingerprint(&payment.token),
            "why": why,
        }))
    }
}

impl RequestFlow {
    /// What an allowance pays for is delivered at once.
    pub(crate) fn deliver_by_allowance(&mut self, origin: OriginResponse) -> Action {
        let mut headers = headers::for_buyer(&origin.headers);
        headers.set(PAYMENT_RESPONSE, Receipt::burned(Credits::ZERO, None, "").to_header());
        self.forward_response(headers)
    }

    /// The origin did it: what does it cost, and when is that settled?
    pub(crate) fn start_settlement(&mut self, payment: PaymentAttempt, mut origin: OriginResponse) -> Action {
        let free = payment.reserved.allowance.is_some();
        let cost = if free {
            Cost::Known(Credits::ZERO)
        } else {
            payment.option.price.at_head(payment.max_credits, &origin.headers)
        };
        if let Some(name) = payment.option.price.origin_header() {
            origin.headers.remove(name);
        }
        origin.headers.remove(RECEIPT_URL);
        let terms = payment.route.clone();
        let mut verify = payment.verify.clone();
        if let Cost::Known(cost) = cost {
            verify.max_amount = cost;
        }
        let settle = x402::Settle {
            verify,
            agent_request_id: payment.request_id.clone(),
            batch: terms.batch,
            margin_percent: terms.margin.clone(),
        };
        let payer = payment.payer.clone().or_else(|| payment.token.from().map(Into::into));
        let events = origin
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream"));
        let mut settlement = terms.settlement;
        let mut receipt = terms.receipt;
        if receipt == ReceiptBy::Event && (!events || self.head_only) {
            // There is no event to be added to such an answer.
            receipt = ReceiptBy::Url;
            if !self.settings.state && matches!(cost, Cost::Known(_)) {
                (settlement, receipt) = (Settlement::BeforeDelivery, ReceiptBy::Header);
            }
        }
        let attempt = SettlementAttempt {
            payment,
            settle,
            payer,
            origin,
            cost,
            receipt,
            first_error: None,
            journaled: false,
        };
        match (cost, settlement) {
            (Cost::Known(cost), _) if cost.is_zero() => self.deliver_free(attempt),
            (_, Settlement::BeforeDelivery) => self.journal_settlement(attempt),
            _ => self.journal_delivery(attempt),
        }
    }

    /// Nothing is to be settled: a settle of `0` would be read as the most that the plan allows.
    fn deliver_free(&mut self, attempt: SettlementAttempt) -> Action {
        let receipt = attempt.free_receipt();
        // A single-use token bought this one answer, whatever it cost (rule 24).
        if attempt.single_use() {
            let mut entry = self.entry(&attempt, EntryStatus::Settled);
            entry.delivered = true;
            entry.receipt = Some(receipt.to_value());
            self.defer(attempt.payment.shard.clone(), Command::Write { entry, lease: 0 });
        }
        if let Some(known) = &attempt.payment.cache_key {
            self.cache.borrow_mut().release(known);
        }
        if let Some(open) = &attempt.payment.reserved.open {
            let (visit, open) = (self.id.clone(), Some(open.plan.clone()));
            let release = Command::Release { visit, claim: None, allowance: None, open };
            self.defer(attempt.payment.shard.clone(), release);
        }
        let mut headers = headers::for_buyer(&attempt.origin.headers);
        headers.set(PAYMENT_RESPONSE, receipt.to_header());
        self.forward_response(headers)
    }

    /// Writes the settlement down before it is sent, so that it is not forgotten if this isolate is.
    fn journal_settlement(&mut self, attempt: SettlementAttempt) -> Action {
        if !self.settings.state {
            return self.settle(attempt);
        }
        let mut entry = self.entry(&attempt, EntryStatus::Settling);
        entry.settle_body = attempt.retry_body();
        let shard = attempt.payment.shard.clone();
        self.stage = Stage::Journaling(attempt);
        Action::State(StateCall { shard, command: Command::Write { entry, lease: self.lease() } })
    }

    pub(crate) fn settlement_journaled(&mut self, mut attempt: SettlementAttempt, reply: &Reply) -> Action {
        match reply {
            Reply::Done => {
                attempt.journaled = true;
                self.settle(attempt)
            }
            _ => self.journal_failed(attempt),
        }
    }

    /// What cannot be written down is not settled, and what is not settled is not delivered.
    pub(crate) fn journal_failed(&mut self, attempt: SettlementAttempt) -> Action {
        self.release_entry(&attempt, "state_unavailable");
        self.respond(GateResponse::state_unavailable().uncharged())
    }

    pub(crate) fn release_entry(&mut self, attempt: &SettlementAttempt, why: &str) {
        // The entry may have been made, though nobody said so.
        self.close_entry(attempt, SettlementOutcome::Released { why: why.into() });
        self.release(&attempt.payment);
    }

    fn settle(&mut self, attempt: SettlementAttempt) -> Action {
        self.settle_sent = true;
        let request = attempt.settle.request();
        self.stage = Stage::Settling(attempt);
        Action::Call(request)
    }

    /// What came of a settlement that the answer waits for.
    pub(crate) fn settled(&mut self, mut attempt: SettlementAttempt, settled: SettleResult) -> Action {
        let (settled, again) = self.retry_unknown(&mut attempt, settled);
        if again {
            return self.settle(attempt);
        }
        let mut headers = headers::for_buyer(&attempt.origin.headers);
        let journal = match settled {
            SettleResult::Paid(receipt) => {
                self.record_payment(&attempt, &receipt);
                headers.set(PAYMENT_RESPONSE, receipt.to_header());
                self.sell_pass(&attempt.payment, attempt.settle.verify.max_amount, &receipt, &mut headers);
                None
            }
            SettleResult::Unknown(why) => {
                self.record_unknown(&attempt);
                self.close_entry(
                    &attempt,
                    SettlementOutcome::Unknown { why: why.clone(), delivered: !self.client_gone },
                );
                Some(attempt.log_line("settlement_unknown", &why, self))
            }
            SettleResult::Refused { receipt, refusal, pay_again } => {
                self.forget_verification(&attempt);
                let spent = refusal.code == result::SPENT;
                self.close_entry(
                    &attempt,
                    SettlementOutcome::Refused { receipt: receipt.to_value(), spent, delivered: false },
                );
                return self.respond(refused(&attempt.payment, &receipt, &refusal, pay_again));
            }
            SettleResult::NotTried(code) => {
                self.close_entry(&attempt, SettlementOutcome::Released { why: code.clone() });
                self.release(&attempt.payment);
                let message = "The payment could not be settled. Nothing was charged; try again later.";
                return self.respond(GateResponse::unavailable(&code, message).uncharged());
            }
        };
        self.settings.cors.apply(self.page.as_deref(), &mut headers);
        Action::Deliver(Delivery { headers, journal, meter: None })
    }

    /// Weighs an outcome that is not known: a single-use token is burned for once, whoever asks how often, so it is asked
    /// a second time. Says what is known then, and whether to ask.
    fn retry_unknown(&self, attempt: &mut SettlementAttempt, settled: SettleResult) -> (SettleResult, bool) {
        match (attempt.first_error.take(), settled) {
            (None, SettleResult::Unknown(why)) if attempt.single_use() => {
                attempt.first_error = Some(why.clone());
                (SettleResult::Unknown(why), true)
            }
            // The first did arrive. Without a claim it may have been another's, though.
            (Some(_), SettleResult::Refused { refusal, .. })
                if refusal.code == result::SPENT && attempt.journaled =>
            {
                let credits = attempt.settle.verify.max_amount;
                (
                    SettleResult::Paid(Receipt::burned(
                        credits,
                        attempt.payer.as_deref(),
                        &attempt.payment.option.network,
                    )),
                    false,
                )
            }
            // A no to the second says nothing of the first: it may be one because of it.
            (Some(why), SettleResult::Refused { .. } | SettleResult::NotTried(_)) => {
                (SettleResult::Unknown(why), false)
            }
            (_, settled) => (settled, false),
        }
    }

    /// Lets an answer go out that is settled later.
    fn journal_delivery(&mut self, attempt: SettlementAttempt) -> Action {
        if !self.settings.state {
            return self.deliver(attempt);
        }
        let entry = self.entry(&attempt, EntryStatus::Delivering);
        let shard = attempt.payment.shard.clone();
        self.stage = Stage::JournalingDelivery(attempt);
        Action::State(StateCall { shard, command: Command::Write { entry, lease: STREAM_MS } })
    }

    pub(crate) fn delivery_journaled(&mut self, mut attempt: SettlementAttempt, reply: &Reply) -> Action {
        match reply {
            Reply::Done => {
                attempt.journaled = true;
                self.deliver(attempt)
            }
            _ => self.journal_failed(attempt),
        }
    }

    fn deliver(&mut self, attempt: SettlementAttempt) -> Action {
        let mut headers = headers::for_buyer(&attempt.origin.headers);
        if attempt.receipt == ReceiptBy::Url && attempt.journaled {
            let base = self.base.as_str();
            headers.set(RECEIPT_URL, [base, &receipts::path(&attempt.payment.shard, &self.id)].concat());
        }
        let to_the_end = attempt.payment.route.settlement == Settlement::AtEndOfStream;
        if attempt.receipt == ReceiptBy::Event {
            // An event is added to it.
            headers.remove("content-length");
        }
        self.settings.cors.apply(self.page.as_deref(), &mut headers);
        let renew = (to_the_end && attempt.journaled).then(|| {
            let command = Command::Renew { visit: self.id.clone(), lease: STREAM_MS };
            Renewal { call: StateCall { shard: attempt.payment.shard.clone(), command }, every_ms: RENEW_MS }
        });
        let meter = Meter { unit: attempt.payment.option.price.unit().cloned(), to_the_end, renew };
        self.stage = Stage::Delivering(attempt);
        Action::Deliver(Delivery { headers, journal: None, meter: Some(meter) })
    }

    /// The answer went out: now it is known what it costs.
    pub(crate) fn delivery_ended(&mut self, mut attempt: SettlementAttempt, ending: &Ending) -> Action {
        let cost = attempt.payment.option.price.at_end(attempt.cost, attempt.payment.max_credits, ending);
        attempt.settle.verify.max_amount = cost;
        if cost.is_zero() {
            let receipt = attempt.free_receipt();
            self.close_entry(&attempt, SettlementOutcome::Settled { receipt: receipt.to_value() });
            if let Some(known) = &attempt.payment.cache_key {
                self.cache.borrow_mut().release(known);
            }
            return self.finish(&attempt, Some(&receipt), None);
        }
        if !attempt.journaled {
            return self.settle_deferred(attempt);
        }
        let again = attempt.retry_body();
        let command =
            Command::Charge { visit: self.id.clone(), credits: cost.to_string(), again, lease: self.lease() };
        let shard = attempt.payment.shard.clone();
        self.stage = Stage::RecordingCharge(attempt);
        Action::State(StateCall { shard, command })
    }

    pub(crate) fn settle_deferred(&mut self, attempt: SettlementAttempt) -> Action {
        self.settle_sent = true;
        let request = attempt.settle.request();
        self.stage = Stage::SettlingDeferred(attempt);
        Action::Call(request)
    }

    /// What came of a settlement that nobody waits for.
    pub(crate) fn deferred_settled(
        &mut self,
        mut attempt: SettlementAttempt,
        settled: SettleResult,
    ) -> Action {
        let (settled, again) = self.retry_unknown(&mut attempt, settled);
        if again {
            return self.settle_deferred(attempt);
        }
        match settled {
            SettleResult::Paid(receipt) => {
                self.record_payment(&attempt, &receipt);
                self.finish(&attempt, Some(&receipt), None)
            }
            SettleResult::Unknown(why) => {
                self.record_unknown(&attempt);
                self.close_entry(&attempt, SettlementOutcome::Unknown { why: why.clone(), delivered: true });
                let journal = attempt.log_line("settlement_unknown", &why, self);
                self.finish(&attempt, None, Some(journal))
            }
            SettleResult::Refused { receipt, refusal, .. } if refusal.code != result::BURN_FAILED => {
                self.forget_verification(&attempt);
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
                self.close_entry(&attempt, end);
                let journal = attempt.log_line("settlement_refused", &refusal.code, self);
                self.finish(&attempt, Some(&receipt), Some(journal))
            }
            // Certainly not done, and nothing that the payer did: it is settled another time.
            SettleResult::NotTried(why)
            | SettleResult::Refused { refusal: Refusal { code: why, .. }, .. } => {
                self.forget_verification(&attempt);
                self.close_entry(
                    &attempt,
                    SettlementOutcome::Owed { why: why.clone(), again: attempt.body(), receipt: None },
                );
                let journal = attempt.log_line("settlement_owed", &why, self);
                self.finish(&attempt, None, Some(journal))
            }
        }
    }

    /// Ends an answer that was delivered: with the receipt as its last event, where the route asks for it.
    fn finish(
        &self,
        attempt: &SettlementAttempt,
        receipt: Option<&Receipt>,
        journal: Option<SettlementLogLine>,
    ) -> Action {
        let tail = receipt
            .filter(|_| attempt.receipt == ReceiptBy::Event)
            .map(|receipt| format!("event: payment-response\ndata: {}\n\n", receipt.to_json()));
        Action::Finish(Finish { tail, journal })
    }

    fn record_payment(&mut self, attempt: &SettlementAttempt, receipt: &Receipt) {
        let credits = attempt.settle.verify.max_amount;
        self.settlement = Some(payment_context::Settled { credits, receipt: receipt.clone() });
        if let Some(known) = &attempt.payment.cache_key {
            self.cache.borrow_mut().settled(known, receipt.remaining_balance());
        }
        self.close_entry(attempt, SettlementOutcome::Settled { receipt: receipt.to_value() });
    }

    /// No verification of this token is believed any more (rule 23).
    fn forget_verification(&self, attempt: &SettlementAttempt) {
        if let Some(known) = &attempt.payment.cache_key {
            self.cache.borrow_mut().forget(known);
        }
    }

    /// Nobody knows what came of a settlement. One of a reusable token stays so.
    fn record_unknown(&self, attempt: &SettlementAttempt) {
        self.forget_verification(attempt);
        if !attempt.single_use() {
            self.log.unresolved(&attempt.payment.route.name);
        }
    }

    fn close_entry(&mut self, attempt: &SettlementAttempt, end: SettlementOutcome) {
        let command = self.close_command(self.id.clone(), end, 0);
        self.defer(attempt.payment.shard.clone(), command);
    }

    /// For how long this isolate may be at a settlement, in milliseconds: it may send two calls.
    pub(crate) fn lease(&self) -> u64 {
        u64::from(self.settings.timeout_ms()).saturating_mul(3).saturating_add(SLACK_MS)
    }

    fn entry(&self, attempt: &SettlementAttempt, status: EntryStatus) -> Box<Entry> {
        let SettlementAttempt { payment, settle, payer, .. } = attempt;
        Box::new(Entry {
            visit: self.id.clone(),
            status,
            at: self.now,
            route: payment.route.name.clone(),
            plan: payment.option.plan_id.as_str().into(),
            network: payment.option.network.clone(),
            payer: payer.clone(),
            request_id: settle.agent_request_id.clone(),
            token: settlement_log::fingerprint(&payment.token),
            nonce: payment.reserved.claim.as_ref().map(|claim| claim.nonce.clone()),
            credits: settle.verify.max_amount.to_string(),
            settle_body: None,
            delivered: false,
            receipt: None,
            why: None,
            tries: 0,
            rounds: 0,
            settle_grace_ms: self.settings.quiet_ms(),
            in_flight_until: 0,
            sent: status != EntryStatus::Delivering,
            open: payment.reserved.open.is_some(),
            token_expires_at: payment.token.expires_at().map(|seconds| seconds.saturating_mul(1000)),
            copied_to_seller: false,
        })
    }
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
