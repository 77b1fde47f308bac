//! Values of the subscriber as JavaScript sees them.

use super::error;
use crate::api::json_text::JsonText;
use crate::api::{Auth, Request};
use crate::subscriber::{
    Action, Buyer, CallWork, FetchId, Finish, Notice, NoticeKind, Offer, Outcome, PaymentRecord,
    PlatformCall, Redirects, Spend,
};
use crate::wire::{Credits, Id, Receipt, Secret};

/// An action for one fetch.
pub(super) fn action(fetch: FetchId, action: &Action, json: &mut JsonText) {
    json.object(&|json| {
        json.number("fetch", fetch.number().into());
        let name = match action {
            Action::Send(_) => "send",
            Action::ReadBody => "readBody",
            Action::Select(_) => "select",
            Action::Ask(_) => "ask",
            Action::Finish(_) => "finish",
        };
        json.text("do", name);
        match action {
            Action::Send(send) => {
                json.some_text("url", send.target.as_ref().map(|target| target.url.as_str()));
                json.some_text("token", send.token.as_ref().map(Secret::expose));
                json.text(
                    "redirect",
                    match send.redirects {
                        Redirects::Follow => "follow",
                        Redirects::Manual => "manual",
                        Redirects::Error => "error",
                    },
                );
                json.flag("asGet", send.as_get);
                if let Some(dialect) = &send.dialect {
                    json.text("dialect", dialect.kind.as_str());
                    json.text("handle", &dialect.handle);
                }
            }
            Action::ReadBody => {}
            Action::Select(offers) => {
                json.list("offers", &|json| offers.iter().for_each(|one| offer(one, json)));
            }
            Action::Ask(asked) => json.member("offer", &|json| offer_members(asked, json)),
            Action::Finish(end) => finish(end, json),
        }
    });
}

fn finish(end: &Finish, json: &mut JsonText) {
    let Finish { result, receipt, spend, offers } = end;
    if let Some(receipt) = receipt {
        json.member("receipt", &|json| receipt_members(receipt, json));
    }
    json.member("spend", &|json| spend_members(spend, receipt.as_deref(), json));
    json.list("offers", &|json| offers.iter().for_each(|one| offer(one, json)));
    if let Err(error) = result {
        error::of_fetch(error, end, json);
    }
}

fn spend_members(spend: &Spend, receipt: Option<&Receipt>, json: &mut JsonText) {
    json.text("outcome", Outcome::as_str(spend.outcome));
    json.number("requests", spend.requests.into());
    json.number("mints", spend.mints.into());
    json.credits("creditsPresented", spend.credits_presented);
    json.some_credits("creditsSettled", spend.credits_settled);
    json.list("amounts", &|json| {
        amounts(spend.amounts_presented.iter().map(|(name, amount)| (name.as_str(), *amount)), json)
    });
    json.flag("singleUse", spend.single_use);
    json.list("purchases", &|json| {
        for purchase in &spend.purchases {
            json.object(&|json| {
                json.text("planId", purchase.plan_id.as_str());
                json.some_text("txHash", purchase.tx_hash.as_deref());
                json.flag("confirmed", purchase.confirmed);
            });
        }
    });
    if let Some(receipt) = receipt {
        json.member("receipt", &|json| receipt_members(receipt, json));
    }
    if let Some(payment) = spend.payment {
        json.number("payment", payment.number().into());
    }
}

fn receipt_members(receipt: &Receipt, json: &mut JsonText) {
    json.flag("success", receipt.success());
    for name in ["transaction", "network"] {
        json.text(name, receipt.text(name).unwrap_or_default());
    }
    for name in ["payer", "orderTx", "errorReason"] {
        json.some_text(name, receipt.text(name));
    }
    json.some_credits("creditsRedeemed", receipt.credits_redeemed());
    json.some_credits("remainingBalance", receipt.remaining_balance());
}

/// The members that an offer and the record of a payment have in common.
fn terms(offer: &Offer, json: &mut JsonText) {
    match offer.is_money() {
        true => json.text("currency", offer.plan_id().as_str()),
        false => json.text("planId", offer.plan_id().as_str()),
    }
    json.text("scheme", offer.scheme_name());
    json.text("network", offer.network());
    json.text("origin", &offer.target.origin);
    json.text("url", &offer.target.url);
}

/// The price: credits of a plan, or an amount of an asset in atomic units.
fn price(offer: &Offer, json: &mut JsonText) {
    json.some_credits(if offer.is_money() { "amount" } else { "credits" }, offer.credits());
}

/// Amounts by currency.
fn amounts<'a>(amounts: impl Iterator<Item = (&'a str, Credits)>, json: &mut JsonText) {
    for (currency, amount) in amounts {
        json.object(&|json| {
            json.text("currency", currency);
            json.credits("amount", amount);
        });
    }
}

fn offer(one: &Offer, json: &mut JsonText) {
    json.object(&|json| offer_members(one, json));
}

fn offer_members(offer: &Offer, json: &mut JsonText) {
    terms(offer, json);
    json.some_text("agentId", offer.agent_id().map(Id::as_str));
    price(offer, json);
    if let Some(dialect) = offer.dialect() {
        json.text("dialect", dialect.kind.as_str());
        json.some_text("asset", Some(dialect.asset.as_str()).filter(|text| !text.is_empty()));
        json.some_text("payTo", Some(dialect.pay_to.as_str()).filter(|text| !text.is_empty()));
    }
    json.member("resource", &|json| {
        json.text("url", &offer.resource.url);
        json.some_text("description", offer.resource.description.as_deref());
        json.some_text("mimeType", offer.resource.mime_type.as_deref());
    });
    json.flag("remembered", offer.remembered);
    json.flag("again", offer.again);
}

/// A notice for the listener.
pub(super) fn notice(notice: &Notice, json: &mut JsonText) {
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
    json.object(&|json| {
        json.member("tell", &|json| {
            json.text("type", name);
            json.number("fetch", notice.fetch.number().into());
            json.text("url", &notice.url);
            if let Some(asked) = notice.offer.as_deref() {
                if !asked.is_money() {
                    json.text("planId", asked.plan_id().as_str());
                }
                price(asked, json);
                if notice.kind == NoticeKind::Offer {
                    json.member("offer", &|json| offer_members(asked, json));
                }
            }
            match &notice.kind {
                NoticeKind::Order { tx_hash } => {
                    json.text("state", if tx_hash.is_some() { "done" } else { "sent" });
                    json.some_text("txHash", tx_hash.as_deref().filter(|tx_hash| !tx_hash.is_empty()));
                }
                NoticeKind::Mint { single_use } => json.flag("singleUse", *single_use),
                NoticeKind::Receipt(receipt) => {
                    json.member("receipt", &|json| receipt_members(receipt, json));
                }
                _ => {}
            }
        });
    });
}

/// A call of the platform that several fetches may wait for.
pub(super) fn platform_call(call: &PlatformCall, json: &mut JsonText) {
    json.object(&|json| {
        json.number("call", call.id.number().into());
        json.number("delay", call.delay_ms);
        json.flag("sign", call.work == CallWork::Sign);
        request_members(&call.request, json);
    });
}

/// A request to the platform, without its origin and without the key.
pub(super) fn request(request: &Request, json: &mut JsonText) {
    json.object(&|json| request_members(request, json));
}

fn request_members(request: &Request, json: &mut JsonText) {
    json.text("method", request.method.as_str());
    json.text("path", &request.path);
    json.flag("keyed", request.auth == Auth::Key);
    json.some_text("body", request.body.as_deref());
    json.flag("repeatable", request.is_idempotent());
    json.flag("order", request.is_order());
    json.member("headers", &|json| {
        for (name, value) in request.headers(None, None) {
            json.text(name, &value);
        }
    });
}

/// A limit of the step at hand, in milliseconds; none where it may take as long as it takes.
pub(super) fn limit(fetch: FetchId, milliseconds: Option<u32>, json: &mut JsonText) {
    json.object(&|json| {
        json.number("fetch", fetch.number().into());
        json.number("limit", milliseconds.unwrap_or_default().into());
    });
}

pub(super) fn totals(buyer: &Buyer, now: u64, json: &mut JsonText) {
    let budget = buyer.budget();
    json.object(&|json| {
        json.credits("credits", budget.spent());
        json.credits("inLastHour", budget.in_hour(now));
        json.credits("inLastDay", budget.in_day(now));
        // The word of sellers, from their receipts.
        let settled = buyer.records().iter().filter_map(|record| record.settled);
        json.credits("creditsSettled", settled.fold(Credits::ZERO, Credits::saturating_add));
        json.credits("purchases", budget.purchases());
        for (name, shares) in [("byOrigin", budget.by_origin()), ("byPlan", budget.by_plan())] {
            json.list(name, &|json| {
                for (name, credits) in &shares {
                    json.object(&|json| {
                        json.text("name", name);
                        json.credits("credits", *credits);
                    });
                }
            });
        }
        json.list("amounts", &|json| amounts(budget.by_currency().into_iter(), json));
        json.list("receipts", &|json| buyer.records().iter().for_each(|one| record(one, json)));
    });
}

pub(super) fn record(record: &PaymentRecord, json: &mut JsonText) {
    json.object(&|json| {
        json.number("at", record.at);
        json.text("method", &record.method);
        terms(&record.offer, json);
        json.text("outcome", record.outcome.as_str());
        json.credits(if record.offer.is_money() { "amount" } else { "creditsPresented" }, record.presented);
        json.some_credits("creditsSettled", record.settled);
        json.some_text("transaction", record.transaction.as_deref());
    });
}
