//! The Orders API: a charge of any amount without a plan, confirmed by the buyer's browser (contract section 4.9).
//! Elsewhere in this crate an order is the purchase of a plan.

use crate::Desk;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, member, text, whole};
use crate::identity::accounts;
use crate::ledger::postings::{self, Account, Kind, Posting};
use crate::organizations::organization;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Minimum and maximum amount in cents.
const BOUNDS: std::ops::RangeInclusive<i64> = 100..=99_999_999;
const MAX_DESCRIPTION: usize = 1024;
const MAX_REFERENCE: usize = 255;
/// Time to pay in milliseconds: one day.
const LIFE: i64 = 86_400_000;
const COLUMNS: &str =
    "id, org_id, amount, currency, status, refunded, description, buyer_ref, intent, secret, expires_at";

#[derive(Debug, Clone, Deserialize)]
struct Sale {
    id: String,
    org_id: String,
    amount: i64,
    currency: String,
    status: String,
    refunded: i64,
    description: Option<String>,
    buyer_ref: Option<String>,
    intent: String,
    secret: String,
    expires_at: i64,
}

impl Sale {
    fn status(&self, now: i64) -> &str {
        if self.status == "requires_payment" && self.expires_at <= now { "failed" } else { &self.status }
    }

    fn secret(&self, now: i64) -> Option<&str> {
        (self.status(now) == "requires_payment").then_some(self.secret.as_str())
    }

    /// The order as the seller receives it on creation.
    fn created(&self, now: i64) -> Value {
        with_secret(json!({ "orderId": self.id, "status": self.status(now) }), self.secret(now))
    }

    /// The order as anyone who knows its id sees it.
    fn view(&self, now: i64) -> Value {
        let view = json!({
            "id": self.id, "amountMinor": self.amount, "currency": self.currency, "status": self.status(now),
            "amountRefundedMinor": self.refunded, "description": self.description, "buyerRef": self.buyer_ref,
            "paymentIntentId": self.intent, "expiresAt": time::iso(self.expires_at),
        });
        with_secret(view, self.secret(now))
    }
}

fn with_secret(mut view: Value, secret: Option<&str>) -> Value {
    if let (Some(secret), Some(view)) = (secret, view.as_object_mut()) {
        view.insert("clientSecret".into(), secret.into());
    }
    view
}

fn invalid(message: impl Into<String>) -> Problem {
    Problem::new(400, "BCK.ORDER.0001", message)
}

/// The body of an order request.
#[derive(Debug, PartialEq)]
struct Wanted {
    amount: i64,
    currency: String,
    description: Option<String>,
    buyer_ref: Option<String>,
    key: Option<String>,
    items: Option<String>,
    metadata: Option<String>,
}

impl Wanted {
    fn read(body: &Map<String, Value>) -> Outcome<Self> {
        let amount = whole(body, "amountMinor")
            .ok()
            .flatten()
            .filter(|amount| BOUNDS.contains(amount))
            .ok_or_else(|| invalid("amountMinor must be cents, from 100 to 99999999"))?;
        let currency = text(body, "currency").unwrap_or("usd").to_ascii_lowercase();
        if currency != "usd" {
            return Err(invalid("currency must be usd"));
        }
        let bounded = |name: &str, most: usize| match member(body, name) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() <= most => Ok(Some(text.clone())),
            Some(_) => Err(invalid(format!("{name} must be a text of up to {most} characters"))),
        };
        for (name, only) in [("captureMode", "automatic"), ("paymentProvider", "stripe")] {
            if member(body, name).is_some_and(|value| value != only) {
                return Err(invalid(format!("{name} must be {only}")));
            }
        }
        let items = match member(body, "lineItems") {
            None => None,
            Some(items @ Value::Array(_)) => Some(items.to_string()),
            Some(_) => return Err(invalid("lineItems must be a list")),
        };
        let metadata = match member(body, "metadata") {
            None => None,
            Some(metadata @ Value::Object(_)) => Some(metadata.to_string()),
            Some(_) => return Err(invalid("metadata must be an object")),
        };
        Ok(Self {
            amount,
            currency,
            description: bounded("description", MAX_DESCRIPTION)?,
            buyer_ref: bounded("buyerRef", MAX_REFERENCE)?,
            key: bounded("idempotencyKey", MAX_REFERENCE)?,
            items,
            metadata,
        })
    }
}

/// `POST /api/v1/orders`: for keys of an organization.
pub(crate) fn create(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let wanted = Wanted::read(&desk.call.json()?)?;
    let refused = |message: &str| {
        Problem::new(403, "BCK.ORDER.0003", message).hint(
            "Use a key of the organization's own: X-Current-Org-Id does not make one of a personal key.",
        )
    };
    let org_id = caller.org.as_deref().ok_or_else(|| refused("The key is not an organization's"))?;
    organization::visible(desk, &caller, org_id)?;
    if !organization::load(desk, org_id)?.entitled() {
        return Err(refused("The organization is not active"));
    }
    if let Some(key) = &wanted.key {
        let query = format!("SELECT {COLUMNS} FROM sales WHERE org_id = ? AND idempotency_key = ?");
        if let Some(sale) = desk.store.first::<Sale>(&query, binds![org_id, key.as_str()])? {
            if (sale.amount, &sale.currency) != (wanted.amount, &wanted.currency) {
                let message = "The idempotency key was used for another amount";
                return Err(Problem::new(409, "BCK.ORDER.0007", message));
            }
            return Reply::created(sale.created(desk.call.now));
        }
    }
    let part = || Ok::<_, Problem>(desk.random.hex(12)?.trim_start_matches("0x").to_owned());
    let intent = format!("pi_sandbox_{}", part()?);
    let sale = Sale {
        id: desk.random.uuid()?,
        org_id: org_id.to_owned(),
        amount: wanted.amount,
        currency: wanted.currency,
        status: "requires_payment".into(),
        refunded: 0,
        description: wanted.description,
        buyer_ref: wanted.buyer_ref,
        secret: format!("{intent}_secret_{}", part()?),
        intent,
        expires_at: desk.call.now.saturating_add(LIFE),
    };
    desk.store.run(
        "INSERT INTO sales (id, org_id, amount, currency, status, refunded, description, buyer_ref, intent, secret,
         expires_at, idempotency_key, line_items, metadata, at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            sale.id.as_str(),
            sale.org_id.as_str(),
            sale.amount,
            sale.currency.as_str(),
            sale.status.as_str(),
            sale.description.clone(),
            sale.buyer_ref.clone(),
            sale.intent.as_str(),
            sale.secret.as_str(),
            sale.expires_at,
            wanted.key,
            wanted.items,
            wanted.metadata,
            desk.call.now,
        ],
    )?;
    Reply::created(sale.created(desk.call.now))
}

fn load(desk: &Desk, id: &str) -> Outcome<Sale> {
    let query = format!("SELECT {COLUMNS} FROM sales WHERE id = ?");
    desk.store
        .first(&query, binds![id])?
        .ok_or_else(|| Problem::new(404, "BCK.ORDER.0002", format!("Order {id} not found")))
}

/// The newest orders with their owners, newest first.
pub(crate) fn newest(desk: &Desk, most: i64) -> Outcome<Vec<Value>> {
    let query = format!("SELECT {COLUMNS} FROM sales ORDER BY at DESC, rowid DESC LIMIT ?");
    let sales: Vec<Sale> = desk.store.rows(&query, binds![most])?;
    let views = sales.iter().map(|sale| {
        let mut view = sale.view(desk.call.now);
        if let Some(view) = view.as_object_mut() {
            view.remove("clientSecret");
            view.insert("orgId".into(), sale.org_id.as_str().into());
        }
        view
    });
    Ok(views.collect())
}

/// `GET /api/v1/orders/:id`: for anyone who knows the id.
pub(crate) fn get(desk: &Desk, id: &str) -> Outcome {
    Reply::ok(load(desk, id)?.view(desk.call.now))
}

/// `POST /sandbox/orders/:id`: plays the buyer's browser and Stripe: `pay`, `fail`, `refund` (in part with
/// `amountMinor`) or `dispute`.
pub(crate) fn advance(desk: &Desk, id: &str) -> Outcome {
    let (sale, body) = (load(desk, id)?, desk.call.json()?);
    let action = text(&body, "action").unwrap_or("pay");
    let (status, refunded) = match (action, sale.status(desk.call.now)) {
        ("pay", "requires_payment") => ("paid", 0),
        ("fail", "requires_payment") => ("failed", 0),
        ("dispute", "paid" | "partially_refunded") => ("disputed", sale.refunded),
        ("refund", "paid" | "partially_refunded") => {
            let left = sale.amount.saturating_sub(sale.refunded);
            let back = whole(&body, "amountMinor")?.unwrap_or(left);
            if !(1..=left).contains(&back) {
                return Err(invalid(format!("amountMinor must be from 1 to {left}, what is left of it")));
            }
            let refunded = sale.refunded.saturating_add(back);
            (if refunded == sale.amount { "refunded" } else { "partially_refunded" }, refunded)
        }
        ("pay" | "fail" | "refund" | "dispute", status) => {
            return Err(Problem::new(
                409,
                "SANDBOX.CONFLICT",
                format!("An order that is {status} cannot {action}"),
            ));
        }
        _ => return Err(invalid("action must be one of pay, fail, refund, dispute")),
    };
    move_money(desk, &sale, action, refunded)?;
    desk.store.run(
        "UPDATE sales SET status = ?, refunded = ? WHERE id = ?",
        binds![status, refunded, sale.id.as_str()],
    )?;
    let changed = Sale { status: status.to_owned(), refunded, ..sale };
    Reply::ok(changed.view(desk.call.now))
}

/// Posts the money of an action: payment, refund, or dispute of the remainder.
fn move_money(desk: &Desk, sale: &Sale, action: &str, refunded: i64) -> Outcome<()> {
    let of = |kind, owner: &str| Account::money(kind, &sale.currency, owner);
    let (outside, buyer) = (of(Kind::Outside, ""), of(Kind::Buyer, &sale.intent));
    let seller = of(Kind::Seller, &sale.org_id);
    let post = |why, cents: i64, from: &Account, to: &Account| {
        postings::post(desk, Posting { entry: &sale.id, why, amount: postings::cents(cents) }, from, to)
    };
    match action {
        "pay" => {
            post("fund", sale.amount, &outside, &buyer)?;
            post("pay", sale.amount, &buyer, &seller)
        }
        "refund" => {
            let back = refunded.saturating_sub(sale.refunded);
            post("refund", back, &seller, &buyer)?;
            post("return", back, &buyer, &outside)
        }
        "dispute" => {
            let left = sale.amount.saturating_sub(sale.refunded);
            post("dispute", left, &seller, &of(Kind::Disputed, &sale.intent))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_sold() {
        for (name, body, ok) in [
            ("the least", json!({ "amountMinor": 100 }), true),
            ("as a text", json!({ "amountMinor": "3437", "currency": "USD" }), true),
            (
                "all of it",
                json!({ "amountMinor": 100, "captureMode": "automatic", "paymentProvider": "stripe",
                "lineItems": [{ "Some_Key": 1 }], "metadata": { "A_b": 1 } }),
                true,
            ),
            ("too little", json!({ "amountMinor": 99 }), false),
            ("too much", json!({ "amountMinor": 100_000_000 }), false),
            ("a part of a cent", json!({ "amountMinor": 100.5 }), false),
            ("nothing", json!({}), false),
            ("euros", json!({ "amountMinor": 100, "currency": "eur" }), false),
            ("a long story", json!({ "amountMinor": 100, "description": "x".repeat(1025) }), false),
            ("a long reference", json!({ "amountMinor": 100, "buyerRef": "x".repeat(256) }), false),
            ("by hand", json!({ "amountMinor": 100, "captureMode": "manual" }), false),
            ("another's", json!({ "amountMinor": 100, "paymentProvider": "braintree" }), false),
        ] {
            let read = Wanted::read(body.as_object().unwrap());
            assert_eq!(
                read.as_ref().err().map(|problem| problem.code),
                (!ok).then_some("BCK.ORDER.0001"),
                "{name}"
            );
        }
    }

    #[test]
    fn the_secret_is_there_while_it_can_be_paid() {
        let sale = Sale {
            id: "o".into(),
            org_id: "org-1".into(),
            amount: 100,
            currency: "usd".into(),
            status: "requires_payment".into(),
            refunded: 0,
            description: None,
            buyer_ref: None,
            intent: "pi".into(),
            secret: "s".into(),
            expires_at: 1_000,
        };
        for (status, now, seen, secret) in [
            ("requires_payment", 999, "requires_payment", Some("s")),
            ("requires_payment", 1_000, "failed", None),
            ("paid", 5_000, "paid", None),
        ] {
            let view = Sale { status: status.into(), ..sale.clone() }.view(now);
            assert_eq!(
                (view["status"].as_str(), view["clientSecret"].as_str()),
                (Some(seen), secret),
                "{status}"
            );
            assert!(view["description"].is_null() && view.get("orgId").is_none());
        }
    }
}
