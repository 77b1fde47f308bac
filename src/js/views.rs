//! What of ours JavaScript sees: plain objects, credits as `bigint`. What is absent is left out.
//!
//! Written out member by member: a serializer for it is three kilobytes of wasm.

use crate::subscriber::{Buyer, Finish, Notice, NoticeKind, Offer, Outcome, Record};
use crate::wire::{Credits, Id, Receipt};
use js_sys::{Array, BigInt, Date, Object};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(module = "/src/js/object.js")]
extern "C" {
    fn put(object: &Object, name: &str, value: &JsValue);
    #[wasm_bindgen(js_name = put)]
    fn put_text(object: &Object, name: &str, text: &str);
    #[wasm_bindgen(js_name = putBig)]
    fn put_big(object: &Object, name: &str, digits: &str);
}

/// An object in the making.
pub(super) struct View(Object);

impl View {
    pub(super) fn new() -> Self {
        Self(Object::new())
    }

    pub(super) fn done(self) -> JsValue {
        self.0.into()
    }

    /// Any value; undefined is left out.
    pub(super) fn put(&self, name: &str, value: &JsValue) {
        if !value.is_undefined() {
            put(&self.0, name, value);
        }
    }

    pub(super) fn text(&self, name: &str, text: &str) {
        put_text(&self.0, name, text);
    }

    pub(super) fn some_text(&self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    pub(super) fn flag(&self, name: &str, flag: bool) {
        put(&self.0, name, &flag.into());
    }

    pub(super) fn number(&self, name: &str, number: u32) {
        put(&self.0, name, &number.into());
    }

    /// Credits as a `bigint`.
    fn credits(&self, name: &str, credits: Credits) {
        put_big(&self.0, name, &credits.digits());
    }

    fn some_credits(&self, name: &str, credits: Option<Credits>) {
        if let Some(credits) = credits {
            self.credits(name, credits);
        }
    }
}

/// Credits as a `bigint`.
pub(super) fn bigint(credits: Credits) -> JsValue {
    // Decimal digits always make a BigInt.
    BigInt::new(&credits.digits().into()).map_or(JsValue::UNDEFINED, Into::into)
}

/// A list of views.
pub(super) fn list(views: impl Iterator<Item = JsValue>) -> JsValue {
    views.collect::<Array>().into()
}

pub(super) fn spend(finish: &Finish) -> JsValue {
    let spend = &finish.spend;
    let view = View::new();
    view.text("outcome", Outcome::as_str(spend.outcome));
    view.number("requests", spend.requests);
    view.number("mints", spend.mints);
    view.credits("creditsPresented", spend.credits_presented);
    view.some_credits("creditsSettled", spend.credits_settled);
    let purchases = spend.purchases.iter().map(|purchase| {
        let view = View::new();
        view.text("planId", purchase.plan_id.as_str());
        view.some_text("txHash", purchase.tx_hash.as_deref());
        view.flag("confirmed", purchase.confirmed);
        view.done()
    });
    view.put("purchases", &list(purchases));
    if let Some(receipt) = &finish.receipt {
        view.put("receipt", &self::receipt(receipt));
    }
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
    terms(&view, offer);
    view.some_text("agentId", offer.agent_id().map(Id::as_str));
    view.some_credits("credits", offer.credits());
    let resource = View::new();
    resource.text("url", &offer.resource.url);
    resource.some_text("description", offer.resource.description.as_deref());
    resource.some_text("mimeType", offer.resource.mime_type.as_deref());
    view.put("resource", &resource.done());
    view.flag("remembered", offer.remembered);
    view.done()
}

fn terms(view: &View, offer: &Offer) {
    view.text("planId", offer.plan_id().as_str());
    view.text("scheme", offer.scheme().as_str());
    view.text("network", offer.network());
    view.text("origin", &offer.target.origin);
    view.text("url", &offer.target.url);
}

pub(super) fn event(notice: &Notice) -> JsValue {
    let (name, state, tx_hash) = match &notice.kind {
        NoticeKind::Request => ("request", None, None),
        NoticeKind::Offer => ("offer", None, None),
        NoticeKind::Consent => ("consent", None, None),
        NoticeKind::Order { tx_hash: None } => ("order", Some("sent"), None),
        NoticeKind::Order { tx_hash: Some(tx) } => ("order", Some("done"), Some(tx.as_str())),
        NoticeKind::Mint { .. } => ("mint", None, None),
        NoticeKind::Paid => ("paid", None, None),
        NoticeKind::Receipt => ("receipt", None, None),
        NoticeKind::Refused => ("refused", None, None),
        NoticeKind::Unknown => ("unknown", None, None),
    };
    let view = View::new();
    view.text("type", name);
    view.text("url", &notice.url);
    view.some_text("planId", notice.plan_id.as_ref().map(Id::as_str));
    view.some_credits("credits", notice.credits);
    view.some_text("state", state);
    view.some_text("txHash", tx_hash.filter(|tx| !tx.is_empty()));
    view.done()
}

pub(super) fn totals(buyer: &Buyer, now: u64) -> JsValue {
    let budget = buyer.budget();
    let view = View::new();
    view.credits("credits", budget.spent());
    view.credits("inLastHour", budget.in_hour(now));
    view.credits("inLastDay", budget.in_day(now));
    for (name, shares) in [("byOrigin", budget.by_origin()), ("byPlan", budget.by_plan())] {
        let shares = shares.into_iter().map(|(name, credits)| {
            let view = View::new();
            view.text("name", name);
            view.credits("credits", credits);
            view.done()
        });
        view.put(name, &list(shares));
    }
    view.put("receipts", &records(buyer.records()));
    view.done()
}

pub(super) fn records(records: &[Record]) -> JsValue {
    list(records.iter().map(record))
}

fn record(record: &Record) -> JsValue {
    let view = View::new();
    #[allow(clippy::cast_precision_loss)]
    view.put("at", &Date::new(&JsValue::from_f64(record.at as f64)));
    view.text("method", &record.method);
    terms(&view, &record.offer);
    view.text("outcome", record.outcome.as_str());
    view.credits("creditsPresented", record.presented);
    view.some_credits("creditsSettled", record.settled);
    view.some_text("transaction", record.transaction.as_deref());
    view.done()
}
