//! The data of one settlement: what is settled, for which answer, and its entry in the journal.

use super::context::Context;
use super::payment_attempt::PaymentAttempt;
use crate::api::{self, Call as _, x402};
use crate::codec::object;
use crate::paywall::event::OriginResponse;
use crate::paywall::facilitator::result::{self, SettleResult};
use crate::paywall::http::names::RECEIPT_URL;
use crate::paywall::observe::settlement_log::{self, SettlementLogLine};
use crate::paywall::payment_context;
use crate::paywall::pricing::price::Cost;
use crate::paywall::pricing::settlement_policy::{ReceiptBy, Settlement};
use crate::paywall::state::{Entry, EntryStatus, SettlementOutcome};
use crate::wire::{AgentId, Credits, Receipt, Secret};
use alloc::{boxed::Box, string::String};

/// A request that the origin did, and the settlement of it.
#[derive(Debug)]
pub(crate) struct SettlementAttempt {
    pub(crate) payment: Box<PaymentAttempt>,
    pub(crate) settle: x402::Settle,
    payer: Option<String>,
    pub(crate) origin: OriginResponse,
    pub(crate) cost: Cost,
    pub(crate) receipt: ReceiptBy,
    /// The reason why the outcome of the first settle is unknown, once there was a second.
    first_error: Option<String>,
    /// Set once the state has an entry for it.
    pub(crate) journaled: bool,
}

impl SettlementAttempt {
    /// Finds the cost of an answer, and the moment of its settlement.
    pub(crate) fn new(
        payment: Box<PaymentAttempt>,
        mut origin: OriginResponse,
        context: &Context,
    ) -> (Self, Settlement) {
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
        let route = payment.route.clone();
        let mut verify = payment.verify.clone();
        if let Cost::Known(cost) = cost {
            verify.max_amount = cost;
        }
        let settle = settle_call(&payment, verify);
        let payer = payer(&payment);
        let events = origin
            .headers
            .get("content-type")
            .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/event-stream"));
        let (mut settlement, mut receipt) = (route.settlement, route.receipt);
        if receipt == ReceiptBy::Event && (!events || context.head_only) {
            // There is no event to be added to such an answer.
            receipt = ReceiptBy::Url;
            if !context.settings().state && matches!(cost, Cost::Known(_)) {
                (settlement, receipt) = (Settlement::BeforeDelivery, ReceiptBy::Header);
            }
        }
        let attempt =
            Self { payment, settle, payer, origin, cost, receipt, first_error: None, journaled: false };
        (attempt, settlement)
    }

    /// Reads the facilitator's answer to the settle.
    pub(crate) fn read(&self, answer: &api::Response) -> SettleResult {
        result::settled(self.settle.parse(answer), &self.payment.option.network)
    }

    /// The result after an outcome that may be unknown, and if the settle is to be sent again. A single-use token is
    /// burned once, however often it is settled, so its settle is sent a second time.
    pub(crate) fn retry_unknown(&mut self, settled: SettleResult) -> (SettleResult, bool) {
        match (self.first_error.take(), settled) {
            (None, SettleResult::Unknown(why)) if self.is_single_use() => {
                self.first_error = Some(why.clone());
                (SettleResult::Unknown(why), true)
            }
            // The first one arrived. Without a claim it may have been another request's, though.
            (Some(_), SettleResult::Refused { refusal, .. })
                if refusal.code == result::SPENT && self.journaled =>
            {
                let credits = self.settle.verify.max_amount;
                let network = &self.payment.option.network;
                (SettleResult::Paid(Receipt::burned(credits, self.payer.as_deref(), network)), false)
            }
            // A refusal of the second says nothing about the first: it may be the reason for it.
            (Some(why), SettleResult::Refused { .. } | SettleResult::NotTried(_)) => {
                (SettleResult::Unknown(why), false)
            }
            (_, settled) => (settled, false),
        }
    }

    pub(crate) fn is_single_use(&self) -> bool {
        self.payment.token.is_single_use()
    }

    /// The body of the settle, where it may be sent again although its outcome is unknown.
    pub(crate) fn retry_body(&self) -> Option<Secret> {
        retry_body(&self.payment, &self.settle)
    }

    /// The body of the settle, for one that certainly burned nothing.
    pub(crate) fn body(&self) -> Secret {
        Secret::new(self.settle.request().body.unwrap_or_default())
    }

    pub(crate) fn free_receipt(&self) -> Receipt {
        Receipt::burned(Credits::ZERO, self.payer.as_deref(), &self.payment.option.network)
    }

    /// A log line from which the seller reconciles a settlement that failed or is unknown.
    pub(crate) fn log_line(&self, event: &str, why: &str, context: &Context) -> SettlementLogLine {
        let Self { payment, settle, payer, .. } = self;
        SettlementLogLine::new(&object(Vec::from([
            ("event", event.into()),
            ("at", context.now.into()),
            ("id", context.id.as_str().into()),
            ("route", payment.route.name.as_str().into()),
            ("plan", payment.option.plan_id.as_str().into()),
            ("agent", payment.option.agent_id.as_ref().map(AgentId::as_str).into()),
            ("network", payment.option.network.as_str().into()),
            ("credits", settle.verify.max_amount.digits().into()),
            ("payer", payer.as_deref().into()),
            ("requestId", settle.agent_request_id.as_deref().into()),
            ("token", settlement_log::fingerprint(&payment.token).into()),
            ("why", why.into()),
        ])))
    }

    /// Its entry for the journal.
    pub(crate) fn entry(&self, status: EntryStatus, context: &Context) -> Box<Entry> {
        entry(&self.payment, &self.settle, self.payer.clone(), status, context)
    }

    /// Closes its entry behind the answer.
    pub(crate) fn close_entry(&self, end: SettlementOutcome, context: &mut Context) {
        let command = context.close_command(context.id.clone(), end, 0);
        context.defer(self.payment.shard.clone(), command);
    }

    /// Closes its entry and gives back the reservations: nothing was settled. The state may have made the entry without
    /// having said so.
    pub(crate) fn release(&self, why: &str, context: &mut Context) {
        self.close_entry(SettlementOutcome::Released { why: why.into() }, context);
        context.release(&self.payment);
    }

    /// Writes down a settlement that burned the credits.
    pub(crate) fn record_payment(&self, receipt: &Receipt, context: &mut Context) {
        let credits = self.settle.verify.max_amount;
        context.settlement = Some(payment_context::Settled { credits, receipt: receipt.clone() });
        if let Some(key) = &self.payment.cache_key {
            context.shared.verifications().settled(key, receipt.remaining_balance());
        }
        self.close_entry(SettlementOutcome::Settled { receipt: receipt.to_value() }, context);
    }

    /// Writes down a settlement with an unknown outcome. One of a reusable token stays so.
    pub(crate) fn record_unknown(&self, why: &str, delivered: bool, context: &mut Context) {
        self.forget_verification(context);
        if !self.is_single_use() {
            context.log.unresolved(&self.payment.route.name);
        }
        self.close_entry(SettlementOutcome::Unknown { why: why.into(), delivered }, context);
    }

    /// Drops the verifications of this token (rule 23).
    pub(crate) fn forget_verification(&self, context: &Context) {
        if let Some(key) = &self.payment.cache_key {
            context.shared.verifications().forget(key);
        }
    }

    /// The request is not charged: its price no longer counts against the verification.
    pub(crate) fn release_verification(&self, context: &Context) {
        if let Some(key) = &self.payment.cache_key {
            context.shared.verifications().release(key);
        }
    }
}

/// The entry for the journal of a payment whose cost is known before its request is forwarded.
pub(crate) fn entry_before(payment: &PaymentAttempt, context: &Context) -> Box<Entry> {
    let settle = settle_call(payment, payment.verify.clone());
    let mut entry = entry(payment, &settle, payer(payment), EntryStatus::Settling, context);
    entry.settle_body = retry_body(payment, &settle);
    entry
}

fn settle_call(payment: &PaymentAttempt, verify: x402::Verify) -> x402::Settle {
    x402::Settle {
        verify,
        agent_request_id: payment.request_id.clone(),
        batch: payment.route.batch,
        margin_percent: payment.route.margin.clone(),
    }
}

fn payer(payment: &PaymentAttempt) -> Option<String> {
    payment.payer.clone().or_else(|| payment.token.payer().map(Into::into))
}

fn retry_body(payment: &PaymentAttempt, settle: &x402::Settle) -> Option<Secret> {
    settle.request().body.filter(|_| payment.token.is_single_use()).map(Secret::new)
}

fn entry(
    payment: &PaymentAttempt,
    settle: &x402::Settle,
    payer: Option<String>,
    status: EntryStatus,
    context: &Context,
) -> Box<Entry> {
    Box::new(Entry {
        id: context.id.clone(),
        status,
        at: context.now,
        route: payment.route.name.clone(),
        plan: payment.option.plan_id.as_str().into(),
        network: payment.option.network.clone(),
        payer,
        request_id: settle.agent_request_id.clone(),
        token: settlement_log::fingerprint(&payment.token),
        nonce: payment.reserved.claim.as_ref().map(|claim| claim.nonce.clone()),
        credits: settle.verify.max_amount.digits(),
        settle_body: None,
        delivered: false,
        receipt: None,
        why: None,
        tries: 0,
        rounds: 0,
        settle_grace_ms: context.settings().quiet_ms(),
        in_flight_until: 0,
        sent: status != EntryStatus::Delivering,
        open: payment.reserved.open.is_some(),
        token_expires_at: payment.token.expires_at().map(|seconds| seconds.saturating_mul(1000)),
        copied_to_seller: false,
    })
}
