//! A request on its way back from the origin: what it costs, when that is settled, and how the buyer is told
//! (rules 19 to 21).

use super::admission::Paying;
use crate::api::{self, Call as _, x402};
use crate::paywall::endpoints::receipts;
use crate::paywall::endpoints::receipts::RECEIPT_URL;
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::{Refusal, Settled};
use crate::paywall::gate::{Action, Delivery, Finish};
use crate::paywall::http::headers;
use crate::paywall::observe::settlement_log;
use crate::paywall::observe::settlement_log::Journal;
use crate::paywall::payment_context;
use crate::paywall::pricing::price::{Cost, Ending};
use crate::paywall::pricing::settlement_policy::{Meter, ReceiptBy, Renewal, Settlement};
use crate::paywall::request_flow::{OriginHead, Stage, Visit};
use crate::paywall::response::response::Answer;
use crate::paywall::state::{Command, End, Entry, Reply, Stands, StateCall};
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
pub(crate) struct Bill {
    pub(crate) paying: Paying,
    settle: x402::Settle,
    payer: Option<String>,
    origin: OriginHead,
    cost: Cost,
    receipt: ReceiptBy,
    /// Why nobody knows what came of the settle that was sent first, where there was a second.
    doubt: Option<String>,
    /// Whether the state has an entry for it.
    written: bool,
}

impl Bill {
    pub(crate) fn read(&self, answer: &api::Response) -> Settled {
        result::settled(self.settle.parse(answer), &self.paying.way.network)
    }

    fn single_use(&self) -> bool {
        self.paying.token.is_single_use()
    }

    /// The body of the settle, where it may be sent again though nobody knows what came of it.
    fn again(&self) -> Option<Secret> {
        self.settle.request().body.filter(|_| self.single_use()).map(Secret::new)
    }

    /// The body of the settle, for one that certainly burned nothing.
    fn body(&self) -> Secret {
        Secret::new(self.settle.request().body.unwrap_or_default())
    }

    fn free_receipt(&self) -> Receipt {
        Receipt::burned(Credits::ZERO, self.payer.as_deref(), &self.paying.way.network)
    }

    /// A line for the seller: what a settlement that did not come to a good end is reconciled by.
    fn journal(&self, event: &str, why: &str, visit: &Visit) -> Journal {
        let Self { paying, settle, payer, .. } = self;
        Journal::new(&json!({
            "event": event,
            "at": visit.now,
            "visit": visit.id,
            "route": paying.terms.route,
            "plan": paying.way.plan_id.as_str(),
            "agent": paying.way.agent_id.as_ref().map(AgentId::as_str),
            "network": paying.way.network,
            "credits": settle.verify.max_amount.to_string(),
            "payer": payer,
            "requestId": settle.agent_request_id,
            "token": settlement_log::fingerprint(&paying.token),
            "why": why,
        }))
    }
}

impl Visit {
    /// What an allowance pays for is delivered at once.
    pub(crate) fn give(&mut self, origin: OriginHead) -> Action {
        let mut headers = headers::for_buyer(&origin.headers);
        headers.set(PAYMENT_RESPONSE, Receipt::burned(Credits::ZERO, None, "").to_header());
        self.pass_on(headers)
    }

    /// The origin did it: what does it cost, and when is that settled?
    pub(crate) fn bill(&mut self, paying: Paying, mut origin: OriginHead) -> Action {
        let free = paying.reserved.allowance.is_some();
        let cost = if free {
            Cost::Known(Credits::ZERO)
        } else {
            paying.way.price.at_head(paying.most, &origin.headers)
        };
        if let Some(name) = paying.way.price.origin_header() {
            origin.headers.remove(name);
        }
        origin.headers.remove(RECEIPT_URL);
        let terms = paying.terms.clone();
        let mut verify = paying.verify.clone();
        if let Cost::Known(cost) = cost {
            verify.max_amount = cost;
        }
        let settle = x402::Settle {
            verify,
            agent_request_id: paying.request_id.clone(),
            batch: terms.batch,
            margin_percent: terms.margin.clone(),
        };
        let payer = paying.payer.clone().or_else(|| paying.token.from().map(Into::into));
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
        let bill = Bill { paying, settle, payer, origin, cost, receipt, doubt: None, written: false };
        match (cost, settlement) {
            (Cost::Known(cost), _) if cost.is_zero() => self.hand_over(bill),
            (_, Settlement::BeforeDelivery) => self.write(bill),
            _ => self.promise(bill),
        }
    }

    /// Nothing is to be settled: a settle of `0` would be read as the most that the plan allows.
    fn hand_over(&mut self, bill: Bill) -> Action {
        let receipt = bill.free_receipt();
        // A single-use token bought this one answer, whatever it cost (rule 24).
        if bill.single_use() {
            let mut entry = self.entry(&bill, Stands::Settled);
            entry.delivered = true;
            entry.receipt = Some(receipt.to_value());
            self.note(bill.paying.shard.clone(), Command::Write { entry, lease: 0 });
        }
        if let Some(known) = &bill.paying.known {
            self.cache.borrow_mut().release(known);
        }
        if let Some(open) = &bill.paying.reserved.open {
            let (visit, open) = (self.id.clone(), Some(open.plan.clone()));
            let release = Command::Release { visit, claim: None, allowance: None, open };
            self.note(bill.paying.shard.clone(), release);
        }
        let mut headers = headers::for_buyer(&bill.origin.headers);
        headers.set(PAYMENT_RESPONSE, receipt.to_header());
        self.pass_on(headers)
    }

    /// Writes the settlement down before it is sent, so that it is not forgotten if this isolate is.
    fn write(&mut self, bill: Bill) -> Action {
        if !self.settings.state {
            return self.settle(bill);
        }
        let mut entry = self.entry(&bill, Stands::Settling);
        entry.again = bill.again();
        let shard = bill.paying.shard.clone();
        self.stage = Stage::Writing(bill);
        Action::State(StateCall { shard, command: Command::Write { entry, lease: self.lease() } })
    }

    pub(crate) fn written(&mut self, mut bill: Bill, reply: &Reply) -> Action {
        match reply {
            Reply::Done => {
                bill.written = true;
                self.settle(bill)
            }
            _ => self.unwritten(bill),
        }
    }

    /// What cannot be written down is not settled, and what is not settled is not delivered.
    pub(crate) fn unwritten(&mut self, bill: Bill) -> Action {
        self.unwrite(&bill, "state_unavailable");
        self.respond(Answer::stateless().uncharged())
    }

    pub(crate) fn unwrite(&mut self, bill: &Bill, why: &str) {
        // The entry may have been made, though nobody said so.
        self.close(bill, End::Released { why: why.into() });
        self.let_go(&bill.paying);
    }

    fn settle(&mut self, bill: Bill) -> Action {
        self.sent = true;
        let request = bill.settle.request();
        self.stage = Stage::Settling(bill);
        Action::Call(request)
    }

    /// What came of a settlement that the answer waits for.
    pub(crate) fn settled(&mut self, mut bill: Bill, settled: Settled) -> Action {
        let (settled, again) = self.doubted(&mut bill, settled);
        if again {
            return self.settle(bill);
        }
        let mut headers = headers::for_buyer(&bill.origin.headers);
        let journal = match settled {
            Settled::Paid(receipt) => {
                self.paid(&bill, &receipt);
                headers.set(PAYMENT_RESPONSE, receipt.to_header());
                self.sell_pass(&bill.paying, bill.settle.verify.max_amount, &receipt, &mut headers);
                None
            }
            Settled::Unknown(why) => {
                self.doubt(&bill);
                self.close(&bill, End::Unknown { why: why.clone(), delivered: !self.gone });
                Some(bill.journal("settlement_unknown", &why, self))
            }
            Settled::Refused { receipt, refusal, pay_again } => {
                self.forget(&bill);
                let spent = refusal.code == result::SPENT;
                self.close(&bill, End::Refused { receipt: receipt.to_value(), spent, delivered: false });
                return self.respond(refused(&bill.paying, &receipt, &refusal, pay_again));
            }
            Settled::NotTried(code) => {
                self.close(&bill, End::Released { why: code.clone() });
                self.let_go(&bill.paying);
                let message = "The payment could not be settled. Nothing was charged; try again later.";
                return self.respond(Answer::unavailable(&code, message).uncharged());
            }
        };
        self.settings.cors.apply(self.page.as_deref(), &mut headers);
        Action::Deliver(Delivery { headers, journal, meter: None })
    }

    /// Weighs an outcome that is not known: a single-use token is burned for once, whoever asks how often, so it is asked
    /// a second time. Says what is known then, and whether to ask.
    fn doubted(&self, bill: &mut Bill, settled: Settled) -> (Settled, bool) {
        match (bill.doubt.take(), settled) {
            (None, Settled::Unknown(why)) if bill.single_use() => {
                bill.doubt = Some(why.clone());
                (Settled::Unknown(why), true)
            }
            // The first did arrive. Without a claim it may have been another's, though.
            (Some(_), Settled::Refused { refusal, .. }) if refusal.code == result::SPENT && bill.written => {
                let credits = bill.settle.verify.max_amount;
                (
                    Settled::Paid(Receipt::burned(credits, bill.payer.as_deref(), &bill.paying.way.network)),
                    false,
                )
            }
            // A no to the second says nothing of the first: it may be one because of it.
            (Some(why), Settled::Refused { .. } | Settled::NotTried(_)) => (Settled::Unknown(why), false),
            (_, settled) => (settled, false),
        }
    }

    /// Lets an answer go out that is settled later.
    fn promise(&mut self, bill: Bill) -> Action {
        if !self.settings.state {
            return self.stream(bill);
        }
        let entry = self.entry(&bill, Stands::Delivering);
        let shard = bill.paying.shard.clone();
        self.stage = Stage::Promising(bill);
        Action::State(StateCall { shard, command: Command::Write { entry, lease: STREAM_MS } })
    }

    pub(crate) fn promised(&mut self, mut bill: Bill, reply: &Reply) -> Action {
        match reply {
            Reply::Done => {
                bill.written = true;
                self.stream(bill)
            }
            _ => self.unwritten(bill),
        }
    }

    fn stream(&mut self, bill: Bill) -> Action {
        let mut headers = headers::for_buyer(&bill.origin.headers);
        if bill.receipt == ReceiptBy::Url && bill.written {
            let base = self.base.as_str();
            headers.set(RECEIPT_URL, [base, &receipts::path(&bill.paying.shard, &self.id)].concat());
        }
        let to_the_end = bill.paying.terms.settlement == Settlement::AtEndOfStream;
        if bill.receipt == ReceiptBy::Event {
            // An event is added to it.
            headers.remove("content-length");
        }
        self.settings.cors.apply(self.page.as_deref(), &mut headers);
        let renew = (to_the_end && bill.written).then(|| {
            let command = Command::Renew { visit: self.id.clone(), lease: STREAM_MS };
            Renewal { call: StateCall { shard: bill.paying.shard.clone(), command }, every_ms: RENEW_MS }
        });
        let meter = Meter { unit: bill.paying.way.price.unit().cloned(), to_the_end, renew };
        self.stage = Stage::Streaming(bill);
        Action::Deliver(Delivery { headers, journal: None, meter: Some(meter) })
    }

    /// The answer went out: now it is known what it costs.
    pub(crate) fn ended(&mut self, mut bill: Bill, ending: &Ending) -> Action {
        let cost = bill.paying.way.price.at_end(bill.cost, bill.paying.most, ending);
        bill.settle.verify.max_amount = cost;
        if cost.is_zero() {
            let receipt = bill.free_receipt();
            self.close(&bill, End::Settled { receipt: receipt.to_value() });
            if let Some(known) = &bill.paying.known {
                self.cache.borrow_mut().release(known);
            }
            return self.finish(&bill, Some(&receipt), None);
        }
        if !bill.written {
            return self.collect(bill);
        }
        let again = bill.again();
        let command =
            Command::Charge { visit: self.id.clone(), credits: cost.to_string(), again, lease: self.lease() };
        let shard = bill.paying.shard.clone();
        self.stage = Stage::Charging(bill);
        Action::State(StateCall { shard, command })
    }

    pub(crate) fn collect(&mut self, bill: Bill) -> Action {
        self.sent = true;
        let request = bill.settle.request();
        self.stage = Stage::Collecting(bill);
        Action::Call(request)
    }

    /// What came of a settlement that nobody waits for.
    pub(crate) fn collected(&mut self, mut bill: Bill, settled: Settled) -> Action {
        let (settled, again) = self.doubted(&mut bill, settled);
        if again {
            return self.collect(bill);
        }
        match settled {
            Settled::Paid(receipt) => {
                self.paid(&bill, &receipt);
                self.finish(&bill, Some(&receipt), None)
            }
            Settled::Unknown(why) => {
                self.doubt(&bill);
                self.close(&bill, End::Unknown { why: why.clone(), delivered: true });
                let journal = bill.journal("settlement_unknown", &why, self);
                self.finish(&bill, None, Some(journal))
            }
            Settled::Refused { receipt, refusal, .. } if refusal.code != result::BURN_FAILED => {
                self.forget(&bill);
                let no = receipt.to_value();
                let owed = bill.paying.reserved.open.is_some() && !refusal.ends_token();
                let end = match owed {
                    true => End::Owed { why: refusal.code.clone(), again: bill.body(), receipt: Some(no) },
                    false => {
                        let spent = refusal.code == result::SPENT;
                        End::Refused { receipt: no, spent, delivered: true }
                    }
                };
                self.close(&bill, end);
                let journal = bill.journal("settlement_refused", &refusal.code, self);
                self.finish(&bill, Some(&receipt), Some(journal))
            }
            // Certainly not done, and nothing that the payer did: it is settled another time.
            Settled::NotTried(why) | Settled::Refused { refusal: Refusal { code: why, .. }, .. } => {
                self.forget(&bill);
                self.close(&bill, End::Owed { why: why.clone(), again: bill.body(), receipt: None });
                let journal = bill.journal("settlement_owed", &why, self);
                self.finish(&bill, None, Some(journal))
            }
        }
    }

    /// Ends an answer that was delivered: with the receipt as its last event, where the route asks for it.
    fn finish(&self, bill: &Bill, receipt: Option<&Receipt>, journal: Option<Journal>) -> Action {
        let tail = receipt
            .filter(|_| bill.receipt == ReceiptBy::Event)
            .map(|receipt| format!("event: payment-response\ndata: {}\n\n", receipt.to_json()));
        Action::Finish(Finish { tail, journal })
    }

    fn paid(&mut self, bill: &Bill, receipt: &Receipt) {
        let credits = bill.settle.verify.max_amount;
        self.settlement = Some(payment_context::Settled { credits, receipt: receipt.clone() });
        if let Some(known) = &bill.paying.known {
            self.cache.borrow_mut().settled(known, receipt.remaining_balance());
        }
        self.close(bill, End::Settled { receipt: receipt.to_value() });
    }

    /// No verification of this token is believed any more (rule 23).
    fn forget(&self, bill: &Bill) {
        if let Some(known) = &bill.paying.known {
            self.cache.borrow_mut().forget(known);
        }
    }

    /// Nobody knows what came of a settlement. One of a reusable token stays so.
    fn doubt(&self, bill: &Bill) {
        self.forget(bill);
        if !bill.single_use() {
            self.watch.unresolved(&bill.paying.terms.route);
        }
    }

    fn close(&mut self, bill: &Bill, end: End) {
        let command = self.closing(self.id.clone(), end, 0);
        self.note(bill.paying.shard.clone(), command);
    }

    /// For how long this isolate may be at a settlement, in milliseconds: it may send two calls.
    pub(crate) fn lease(&self) -> u64 {
        u64::from(self.settings.timeout_ms()).saturating_mul(3).saturating_add(SLACK_MS)
    }

    fn entry(&self, bill: &Bill, stands: Stands) -> Box<Entry> {
        let Bill { paying, settle, payer, .. } = bill;
        Box::new(Entry {
            visit: self.id.clone(),
            stands,
            at: self.now,
            route: paying.terms.route.clone(),
            plan: paying.way.plan_id.as_str().into(),
            network: paying.way.network.clone(),
            payer: payer.clone(),
            request_id: settle.agent_request_id.clone(),
            token: settlement_log::fingerprint(&paying.token),
            nonce: paying.reserved.claim.as_ref().map(|claim| claim.nonce.clone()),
            credits: settle.verify.max_amount.to_string(),
            again: None,
            delivered: false,
            receipt: None,
            why: None,
            tries: 0,
            rounds: 0,
            quiet: self.settings.quiet_ms(),
            late: 0,
            sent: stands != Stands::Delivering,
            open: paying.reserved.open.is_some(),
            ends: paying.token.expires_at().map(|seconds| seconds.saturating_mul(1000)),
            filed: false,
        })
    }
}

/// 402 for a settlement that was refused: with a receipt that says so, and an offer only where paying again is right
/// (rule 21).
fn refused(paying: &Paying, receipt: &Receipt, refusal: &Refusal, pay_again: bool) -> Answer {
    let offer = &paying.verify.payment_required;
    let mut answer = if pay_again {
        Answer::payment_required(offer, &refusal.code, &refusal.message)
    } else {
        Answer::error(402, &refusal.code, &refusal.message)
    };
    answer.headers.set(PAYMENT_RESPONSE, receipt.to_header());
    answer.with("x-correlation-id", &refusal.correlation_id)
}
