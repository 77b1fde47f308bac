//! What of ours JavaScript sees: plain objects, credits as `bigint`. What is absent is left out.
//!
//! Made member by member: `serde` on the way to JavaScript is more than two kilobytes of wasm after gzip, and a list of
//! members to go through another half.

use crate::subscriber::{Buyer, FetchId, Notice, NoticeKind, Offer, Outcome, PaymentRecord, Spend};
use crate::wire::{Credits, Id, Receipt};
use alloc::vec::Vec;
use js_sys::{Array, BigInt, Date, Object};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/bindings/subscriber/js/object.js")]
extern "C" {
    fn make() -> Object;
    /// `JSON.stringify` takes it although there are `bigint`s in it.
    pub(super) fn printable(object: &JsValue);
    fn put(object: &Object, name: &str, value: &JsValue);
    #[wasm_bindgen(js_name = put)]
    fn put_text(object: &Object, name: &str, text: Option<&str>);
    #[wasm_bindgen(js_name = putBig)]
    fn put_big(object: &Object, name: &str, digits: &str);
}

/// An object in the making.
pub(super) struct View(Object);

impl View {
    pub(super) fn new() -> Self {
        Self(make())
    }

    pub(super) fn done(self) -> JsValue {
        self.0.into()
    }

    pub(super) fn value(&self, name: &str, value: &JsValue) {
        put(&self.0, name, value);
    }

    pub(super) fn text(&self, name: &str, text: &str) {
        put_text(&self.0, name, Some(text));
    }

    pub(super) fn some_text(&self, name: &str, text: Option<&str>) {
        put_text(&self.0, name, text);
    }

    pub(super) fn flag(&self, name: &str, flag: bool) {
        self.value(name, &flag.into());
    }

    pub(super) fn number(&self, name: &str, number: u32) {
        self.value(name, &number.into());
    }

    fn credits(&self, name: &str, credits: Credits) {
        put_big(&self.0, name, &credits.digits());
    }

    fn some_credits(&self, name: &str, credits: Option<Credits>) {
        if let Some(credits) = credits {
            self.credits(name, credits);
        }
    }

    /// What an offer and the book of a payment for it have in common.
    fn terms(&self, offer: &Offer) {
        self.text("planId", offer.plan_id().as_str());
        self.text("scheme", offer.scheme().as_str());
        self.text("network", offer.network());
        self.text("origin", &offer.target.origin);
        self.text("url", &offer.target.url);
    }
}

/// Credits as a `bigint`.
pub(super) fn bigint(credits: Credits) -> JsValue {
    // Decimal digits always make a BigInt.
    BigInt::new(&credits.digits().into()).map_or(JsValue::UNDEFINED, Into::into)
}

fn list(views: impl Iterator<Item = JsValue>) -> JsValue {
    views.collect::<Array>().into()
}

pub(super) fn spend(spend: &Spend, came: Option<&Receipt>) -> JsValue {
    let view = View::new();
    view.text("outcome", Outcome::as_str(spend.outcome));
    view.number("requests", spend.requests);
    view.number("mints", spend.mints);
    view.credits("creditsPresented", spend.credits_presented);
    view.some_credits("creditsSettled", spend.credits_settled);
    view.flag("singleUse", spend.single_use);
    let purchases = spend.purchases.iter().map(|purchase| {
        let view = View::new();
        view.text("planId", purchase.plan_id.as_str());
        view.some_text("txHash", purchase.tx_hash.as_deref());
        view.flag("confirmed", purchase.confirmed);
        view.done()
    });
    view.value("purchases", &list(purchases));
    view.value("receipt", &came.map_or(JsValue::UNDEFINED, receipt));
    view.value("payment", &spend.payment.map(FetchId::number).into());
    view.done()
}

pub(super) fn receipt(receipt: &Receipt) -> JsValue {
    let view = View::new();
    view.flag("success", receipt.success());
    for name in ["transaction", "network"] {
        view.text(name, receipt.text(name).unwrap_or_default());
    }
    for name in ["payer", "orderTx", "errorReason"] {
        view.some_text(name, receipt.text(name));
    }
    view.some_credits("creditsRedeemed", receipt.credits_redeemed());
    view.some_credits("remainingBalance", receipt.remaining_balance());
    view.done()
}

pub(super) fn offer(offer: &Offer) -> JsValue {
    let view = View::new();
    view.terms(offer);
    view.some_text("agentId", offer.agent_id().map(Id::as_str));
    view.some_credits("credits", offer.credits());
    let resource = View::new();
    resource.text("url", &offer.resource.url);
    resource.some_text("description", offer.resource.description.as_deref());
    resource.some_text("mimeType", offer.resource.mime_type.as_deref());
    view.value("resource", &resource.done());
    view.flag("remembered", offer.remembered);
    view.flag("again", offer.again);
    view.done()
}

pub(super) fn event(notice: &Notice) -> JsValue {
    let name = match &notice.kind {
        NoticeKind::Request => "request",
        NoticeKind::Offer => "offer",
        NoticeKind::Consent => "consent",
        NoticeKind::Order { .. } => "order",
        NoticeKind::Mint { .. } => "mint",
        NoticeKind::Paid => "paid",
        NoticeKind::Receipt(_) => "receipt",
        NoticeKind::Refused => "refused",
        NoticeKind::Unknown => "unknown",
    };
    let view = View::new();
    view.text("type", name);
    view.number("fetch", notice.fetch.number());
    view.text("url", &notice.url);
    if let Some(asked) = notice.offer.as_deref() {
        view.text("planId", asked.plan_id().as_str());
        view.some_credits("credits", asked.credits());
        if notice.kind == NoticeKind::Offer {
            view.value("offer", &offer(asked));
        }
    }
    match &notice.kind {
        NoticeKind::Order { tx_hash } => {
            view.text("state", if tx_hash.is_some() { "done" } else { "sent" });
            view.some_text("txHash", tx_hash.as_deref().filter(|tx_hash| !tx_hash.is_empty()));
        }
        NoticeKind::Mint { single_use } => view.flag("singleUse", *single_use),
        NoticeKind::Receipt(came) => view.value("receipt", &receipt(came)),
        _ => {}
    }
    view.done()
}

pub(super) fn totals(buyer: &Buyer, now: u64) -> JsValue {
    let budget = buyer.budget();
    let view = View::new();
    view.credits("credits", budget.spent());
    view.credits("inLastHour", budget.in_hour(now));
    view.credits("inLastDay", budget.in_day(now));
    // What sellers' receipts say: their word.
    let settled = buyer.records().iter().filter_map(|record| record.settled);
    view.credits("creditsSettled", settled.fold(Credits::ZERO, Credits::saturating_add));
    view.credits("purchases", budget.purchases());
    for (name, shares) in [("byOrigin", budget.by_origin()), ("byPlan", budget.by_plan())] {
        view.value(name, &super::views::shares(shares));
    }
    view.value("receipts", &records(buyer.records()));
    view.done()
}

fn shares(shares: Vec<(&str, Credits)>) -> JsValue {
    list(shares.into_iter().map(|(name, credits)| {
        let view = View::new();
        view.text("name", name);
        view.credits("credits", credits);
        view.done()
    }))
}

pub(super) fn records(records: &[PaymentRecord]) -> JsValue {
    list(records.iter().map(record))
}

fn record(record: &PaymentRecord) -> JsValue {
    let view = View::new();
    // Whole milliseconds, until the year 275760.
    #[allow(clippy::cast_precision_loss)]
    view.value("at", &Date::new(&JsValue::from_f64(record.at as f64)));
    view.text("method", &record.method);
    view.terms(&record.offer);
    view.text("outcome", record.outcome.as_str());
    view.credits("creditsPresented", record.presented);
    view.some_credits("creditsSettled", record.settled);
    view.some_text("transaction", record.transaction.as_deref());
    view.done()
}
