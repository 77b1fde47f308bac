//! What of ours JavaScript sees: plain objects, credits as `bigint`.

use crate::subscriber::{Buyer, Finish, Notice, NoticeKind, Offer, Outcome};
use crate::wire::{Credits, Receipt};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use js_sys::BigInt;
use serde::{Serialize, Serializer};
use wasm_bindgen::prelude::*;

/// Turns a view into a plain object; absent members are left out.
pub(super) trait Jsonish: Serialize {
    fn to_js(&self) -> JsValue {
        let serializer = serde_wasm_bindgen::Serializer::new().serialize_maps_as_objects(true);
        // These structs of strings and numbers always serialise.
        self.serialize(&serializer).unwrap_or(JsValue::UNDEFINED)
    }
}

impl<T: Serialize> Jsonish for T {}

/// Credits as a `bigint`.
pub(super) fn bigint(credits: Credits) -> JsValue {
    // Decimal digits always make a BigInt.
    BigInt::new(&credits.to_string().into()).map_or(JsValue::UNDEFINED, Into::into)
}

/// Credits as a `bigint` inside a view: it passes the serializer by untouched.
fn big<S: Serializer>(credits: &Credits, serializer: S) -> Result<S::Ok, S::Error> {
    serde_wasm_bindgen::preserve::serialize(&bigint(*credits), serializer)
}

/// A time as a `Date`.
fn date<S: Serializer>(at: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    #[allow(clippy::cast_precision_loss)]
    let date = js_sys::Date::new(&JsValue::from_f64(*at as f64));
    serde_wasm_bindgen::preserve::serialize(&date, serializer)
}

fn some_big<S: Serializer>(credits: &Option<Credits>, serializer: S) -> Result<S::Ok, S::Error> {
    serde_wasm_bindgen::preserve::serialize(&credits.map_or(JsValue::UNDEFINED, bigint), serializer)
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SpendView {
    outcome: &'static str,
    requests: u32,
    mints: u32,
    #[serde(serialize_with = "big")]
    credits_presented: Credits,
    #[serde(serialize_with = "some_big", skip_serializing_if = "Option::is_none")]
    credits_settled: Option<Credits>,
    purchases: Vec<PurchaseView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receipt: Option<ReceiptView>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PurchaseView {
    plan_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_hash: Option<String>,
    confirmed: bool,
}

impl SpendView {
    pub(super) fn of(finish: &Finish) -> Self {
        let spend = &finish.spend;
        Self {
            outcome: Outcome::as_str(spend.outcome),
            requests: spend.requests,
            mints: spend.mints,
            credits_presented: spend.credits_presented,
            credits_settled: spend.credits_settled,
            purchases: spend
                .purchases
                .iter()
                .map(|purchase| PurchaseView {
                    plan_id: purchase.plan_id.to_string(),
                    tx_hash: purchase.tx_hash.clone(),
                    confirmed: purchase.confirmed,
                })
                .collect(),
            receipt: finish.receipt.as_ref().map(ReceiptView::of),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceiptView {
    success: bool,
    transaction: String,
    network: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    payer: Option<String>,
    #[serde(serialize_with = "some_big", skip_serializing_if = "Option::is_none")]
    credits_redeemed: Option<Credits>,
    #[serde(serialize_with = "some_big", skip_serializing_if = "Option::is_none")]
    remaining_balance: Option<Credits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_tx: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<String>,
}

impl ReceiptView {
    pub(super) fn of(receipt: &Receipt) -> Self {
        let text = |name| receipt.text(name).map(ToString::to_string);
        Self {
            success: receipt.success(),
            transaction: text("transaction").unwrap_or_default(),
            network: text("network").unwrap_or_default(),
            payer: text("payer"),
            credits_redeemed: receipt.credits_redeemed(),
            remaining_balance: receipt.remaining_balance(),
            order_tx: text("orderTx"),
            error_reason: text("errorReason"),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OfferView<'a> {
    plan_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    scheme: &'static str,
    network: &'a str,
    #[serde(serialize_with = "some_big", skip_serializing_if = "Option::is_none")]
    credits: Option<Credits>,
    origin: &'a str,
    url: &'a str,
    resource: ResourceView<'a>,
    remembered: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceView<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
}

impl<'a> OfferView<'a> {
    pub(super) fn of(offer: &'a Offer) -> Self {
        Self {
            plan_id: offer.plan_id().as_str(),
            agent_id: offer.agent_id().map(crate::wire::Id::as_str),
            scheme: offer.scheme().as_str(),
            network: offer.network(),
            credits: offer.credits(),
            origin: &offer.target.origin,
            url: &offer.target.url,
            resource: ResourceView {
                url: &offer.resource.url,
                description: offer.resource.description.as_deref(),
                mime_type: offer.resource.mime_type.as_deref(),
            },
            remembered: offer.remembered,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventView<'a> {
    r#type: &'static str,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan_id: Option<&'a str>,
    #[serde(serialize_with = "some_big", skip_serializing_if = "Option::is_none")]
    credits: Option<Credits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tx_hash: Option<&'a str>,
}

impl<'a> EventView<'a> {
    pub(super) fn of(notice: &'a Notice) -> Self {
        let (r#type, state, tx_hash) = match &notice.kind {
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
        Self {
            r#type,
            url: &notice.url,
            plan_id: notice.plan_id.as_ref().map(crate::wire::Id::as_str),
            credits: notice.credits,
            state,
            tx_hash: tx_hash.filter(|tx| !tx.is_empty()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TotalsView<'a> {
    #[serde(serialize_with = "big")]
    credits: Credits,
    #[serde(serialize_with = "big")]
    in_last_hour: Credits,
    #[serde(serialize_with = "big")]
    in_last_day: Credits,
    by_origin: Vec<ShareView<'a>>,
    by_plan: Vec<ShareView<'a>>,
    receipts: Vec<RecordView<'a>>,
}

#[derive(Serialize)]
struct ShareView<'a> {
    name: &'a str,
    #[serde(serialize_with = "big")]
    credits: Credits,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordView<'a> {
    #[serde(serialize_with = "date")]
    at: u64,
    method: &'a str,
    url: &'a str,
    origin: &'a str,
    plan_id: &'a str,
    scheme: &'static str,
    network: &'a str,
    outcome: &'static str,
    #[serde(serialize_with = "big")]
    credits_presented: Credits,
    #[serde(serialize_with = "some_big", skip_serializing_if = "Option::is_none")]
    credits_settled: Option<Credits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transaction: Option<&'a str>,
}

impl<'a> TotalsView<'a> {
    pub(super) fn of(buyer: &'a Buyer, now: u64) -> Self {
        let budget = buyer.budget();
        Self {
            credits: budget.spent(),
            in_last_hour: budget.in_hour(now),
            in_last_day: budget.in_day(now),
            by_origin: budget
                .by_origin()
                .iter()
                .map(|(name, credits)| ShareView { name, credits: *credits })
                .collect(),
            by_plan: budget
                .by_plan()
                .iter()
                .map(|(plan, credits)| ShareView { name: plan.as_str(), credits: *credits })
                .collect(),
            receipts: buyer
                .records()
                .iter()
                .map(|record| RecordView {
                    at: record.at,
                    method: &record.method,
                    url: &record.offer.target.url,
                    origin: &record.offer.target.origin,
                    plan_id: record.offer.plan_id().as_str(),
                    scheme: record.offer.scheme().as_str(),
                    network: record.offer.network(),
                    outcome: record.outcome.as_str(),
                    credits_presented: record.presented,
                    credits_settled: record.settled,
                    transaction: record.transaction.as_deref(),
                })
                .collect(),
        }
    }
}
