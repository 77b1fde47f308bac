//! What of ours JavaScript sees: plain objects, credits as `bigint`.
//!
//! Made member by member: `serde` on the way to JavaScript is more than two kilobytes of wasm after gzip.

use super::error::set;
use crate::subscriber::{Buyer, FetchId, Notice, NoticeKind, Offer, Purchase, Record, Spend};
use crate::wire::{Credits, Id, Receipt};
use js_sys::{Array, BigInt, Object};
use wasm_bindgen::prelude::*;

/// A plain object; a member that is undefined is left out.
pub(super) fn object(members: &[(&str, JsValue)]) -> JsValue {
    let object: JsValue = Object::new().into();
    for (name, value) in members {
        if !value.is_undefined() {
            set(&object, name, value);
        }
    }
    object
}

/// Credits as a `bigint`.
pub(super) fn bigint(credits: Credits) -> JsValue {
    // Decimal digits always make a BigInt.
    BigInt::new(&credits.to_string().into()).map_or(JsValue::UNDEFINED, Into::into)
}

fn some_bigint(credits: Option<Credits>) -> JsValue {
    credits.map_or(JsValue::UNDEFINED, bigint)
}

pub(super) fn spend(spend: &Spend, came: Option<&Receipt>) -> JsValue {
    let purchase = |one: &Purchase| {
        object(&[
            ("planId", one.plan_id.as_str().into()),
            ("txHash", one.tx_hash.as_deref().into()),
            ("confirmed", one.confirmed.into()),
        ])
    };
    object(&[
        ("outcome", spend.outcome.as_str().into()),
        ("requests", spend.requests.into()),
        ("mints", spend.mints.into()),
        ("creditsPresented", bigint(spend.credits_presented)),
        ("creditsSettled", some_bigint(spend.credits_settled)),
        ("purchases", spend.purchases.iter().map(purchase).collect::<Array>().into()),
        ("receipt", came.map_or(JsValue::UNDEFINED, receipt)),
        ("payment", spend.payment.map(FetchId::number).into()),
    ])
}

pub(super) fn receipt(receipt: &Receipt) -> JsValue {
    let text = |name| JsValue::from(receipt.text(name));
    let or_empty = |name| JsValue::from(receipt.text(name).unwrap_or_default());
    object(&[
        ("success", receipt.success().into()),
        ("transaction", or_empty("transaction")),
        ("network", or_empty("network")),
        ("payer", text("payer")),
        ("creditsRedeemed", some_bigint(receipt.credits_redeemed())),
        ("remainingBalance", some_bigint(receipt.remaining_balance())),
        ("orderTx", text("orderTx")),
        ("errorReason", text("errorReason")),
    ])
}

pub(super) fn offer(offer: &Offer) -> JsValue {
    let resource = object(&[
        ("url", offer.resource.url.as_str().into()),
        ("description", offer.resource.description.as_deref().into()),
        ("mimeType", offer.resource.mime_type.as_deref().into()),
    ]);
    object(&[
        ("planId", offer.plan_id().as_str().into()),
        ("agentId", offer.agent_id().map(Id::as_str).into()),
        ("scheme", offer.scheme().as_str().into()),
        ("network", offer.network().into()),
        ("credits", some_bigint(offer.credits())),
        ("origin", offer.target.origin.as_str().into()),
        ("url", offer.target.url.as_str().into()),
        ("resource", resource),
        ("remembered", offer.remembered.into()),
        ("again", offer.again.into()),
    ])
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
    let asked = notice.offer.as_deref();
    let event = object(&[
        ("type", name.into()),
        ("fetch", notice.fetch.number().into()),
        ("url", notice.url.as_str().into()),
        ("planId", asked.map(|offer| offer.plan_id().as_str()).into()),
        ("credits", some_bigint(asked.and_then(Offer::credits))),
    ]);
    match (&notice.kind, asked) {
        (NoticeKind::Offer, Some(asked)) => set(&event, "offer", &offer(asked)),
        (NoticeKind::Order { tx_hash }, _) => {
            set(&event, "state", &if tx_hash.is_some() { "done" } else { "sent" }.into());
            if let Some(tx_hash) = tx_hash.as_deref().filter(|tx_hash| !tx_hash.is_empty()) {
                set(&event, "txHash", &tx_hash.into());
            }
        }
        (NoticeKind::Mint { single_use }, _) => set(&event, "singleUse", &(*single_use).into()),
        (NoticeKind::Receipt(came), _) => set(&event, "receipt", &receipt(came)),
        _ => {}
    }
    event
}

pub(super) fn totals(buyer: &Buyer, now: u64) -> JsValue {
    let budget = buyer.budget();
    let share = |name: &str, credits: Credits| object(&[("name", name.into()), ("credits", bigint(credits))]);
    let shares = |shares: Vec<(&str, Credits)>| {
        shares.into_iter().map(|(name, credits)| share(name, credits)).collect::<Array>()
    };
    object(&[
        ("credits", bigint(budget.spent())),
        ("inLastHour", bigint(budget.in_hour(now))),
        ("inLastDay", bigint(budget.in_day(now))),
        ("byOrigin", shares(budget.by_origin()).into()),
        ("byPlan", shares(budget.by_plan()).into()),
        ("receipts", records(buyer.records())),
    ])
}

pub(super) fn records(records: &[Record]) -> JsValue {
    records.iter().map(record).collect::<Array>().into()
}

fn record(record: &Record) -> JsValue {
    // Whole milliseconds, until the year 275760.
    #[allow(clippy::cast_precision_loss)]
    let at = js_sys::Date::new(&JsValue::from_f64(record.at as f64));
    object(&[
        ("at", at.into()),
        ("method", record.method.as_str().into()),
        ("url", record.offer.target.url.as_str().into()),
        ("origin", record.offer.target.origin.as_str().into()),
        ("planId", record.offer.plan_id().as_str().into()),
        ("scheme", record.offer.scheme().as_str().into()),
        ("network", record.offer.network().into()),
        ("outcome", record.outcome.as_str().into()),
        ("creditsPresented", bigint(record.presented)),
        ("creditsSettled", some_bigint(record.settled)),
        ("transaction", record.transaction.as_deref().into()),
    ])
}
