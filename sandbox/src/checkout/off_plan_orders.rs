//! The Orders API: a charge of any amount without a plan, confirmed by the buyer's browser (contract section 4.9).
//! Elsewhere in this crate an order is the purchase of a plan.

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, text, whole};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::membership;
use crate::ledger::postings::{self, Account, Kind, Posting};
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
struct OffPlanOrder {
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

impl OffPlanOrder {
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

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "BCK.ORDER.0001", message)
}

/// The body of an order request.
#[derive(Debug, PartialEq)]
struct OrderRequest {
    amount: i64,
    currency: String,
    description: Option<String>,
    buyer_ref: Option<String>,
    key: Option<String>,
    items: Option<String>,
    metadata: Option<String>,
}

impl OrderRequest {
    fn read(body: &Map<String, Value>) -> Result<Self> {
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
pub(crate) fn create(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let wanted = OrderRequest::read(&ctx.request.json()?)?;
    let refused = |message: &str| {
        ApiError::new(403, "BCK.ORDER.0003", message).hint(
            "Use a key of the organization's own: X-Current-Org-Id does not make one of a personal key.",
        )
    };
    let org_id = caller.org.as_deref().ok_or_else(|| refused("The key is not an organization's"))?;
    membership::visible(ctx, &caller, org_id)?;
    if !membership::load(ctx, org_id)?.entitled() {
        return Err(refused("The organization is not active"));
    }
    if let Some(key) = &wanted.key {
        let query = format!("SELECT {COLUMNS} FROM sales WHERE org_id = ? AND idempotency_key = ?");
        if let Some(order) = ctx.store.first::<OffPlanOrder>(&query, binds![org_id, key.as_str()])? {
            if (order.amount, &order.currency) != (wanted.amount, &wanted.currency) {
                let message = "The idempotency key was used for another amount";
                return Err(ApiError::new(409, "BCK.ORDER.0007", message));
            }
            return Response::created(order.created(ctx.request.now));
        }
    }
    let part = || Ok::<_, ApiError>(ctx.random.hex(12)?.trim_start_matches("0x").to_owned());
    let intent = format!("pi_sandbox_{}", part()?);
    let order = OffPlanOrder {
        id: ctx.random.uuid()?,
        org_id: org_id.to_owned(),
        amount: wanted.amount,
        currency: wanted.currency,
        status: "requires_payment".into(),
        refunded: 0,
        description: wanted.description,
        buyer_ref: wanted.buyer_ref,
        secret: format!("{intent}_secret_{}", part()?),
        intent,
        expires_at: ctx.request.now.saturating_add(LIFE),
    };
    ctx.store.run(
        "INSERT INTO sales (id, org_id, amount, currency, status, refunded, description, buyer_ref, intent, secret,
         expires_at, idempotency_key, line_items, metadata, at) VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            order.id.as_str(),
            order.org_id.as_str(),
            order.amount,
            order.currency.as_str(),
            order.status.as_str(),
            order.description.clone(),
            order.buyer_ref.clone(),
            order.intent.as_str(),
            order.secret.as_str(),
            order.expires_at,
            wanted.key,
            wanted.items,
            wanted.metadata,
            ctx.request.now,
        ],
    )?;
    Response::created(order.created(ctx.request.now))
}

fn load(ctx: &RequestContext, id: &str) -> Result<OffPlanOrder> {
    let query = format!("SELECT {COLUMNS} FROM sales WHERE id = ?");
    ctx.store
        .first(&query, binds![id])?
        .ok_or_else(|| ApiError::new(404, "BCK.ORDER.0002", format!("Order {id} not found")))
}

/// The newest orders with their owners, newest first.
pub(crate) fn newest(ctx: &RequestContext, most: i64) -> Result<Vec<Value>> {
    let query = format!("SELECT {COLUMNS} FROM sales ORDER BY at DESC, rowid DESC LIMIT ?");
    let sales: Vec<OffPlanOrder> = ctx.store.rows(&query, binds![most])?;
    let views = sales.iter().map(|order| {
        let mut view = order.view(ctx.request.now);
        if let Some(view) = view.as_object_mut() {
            view.remove("clientSecret");
            view.insert("orgId".into(), order.org_id.as_str().into());
        }
        view
    });
    Ok(views.collect())
}

/// `GET /api/v1/orders/:id`: for anyone who knows the id.
pub(crate) fn get(ctx: &RequestContext, id: &str) -> Result {
    Response::ok(load(ctx, id)?.view(ctx.request.now))
}

/// `POST /sandbox/orders/:id`: plays the buyer's browser and Stripe: `pay`, `fail`, `refund` (in part with
/// `amountMinor`) or `dispute`.
pub(crate) fn advance(ctx: &RequestContext, id: &str) -> Result {
    let (order, body) = (load(ctx, id)?, ctx.request.json()?);
    let action = text(&body, "action").unwrap_or("pay");
    let (status, refunded) = match (action, order.status(ctx.request.now)) {
        ("pay", "requires_payment") => ("paid", 0),
        ("fail", "requires_payment") => ("failed", 0),
        ("dispute", "paid" | "partially_refunded") => ("disputed", order.refunded),
        ("refund", "paid" | "partially_refunded") => {
            let left = order.amount.saturating_sub(order.refunded);
            let back = whole(&body, "amountMinor")?.unwrap_or(left);
            if !(1..=left).contains(&back) {
                return Err(invalid(format!("amountMinor must be from 1 to {left}, what is left of it")));
            }
            let refunded = order.refunded.saturating_add(back);
            (if refunded == order.amount { "refunded" } else { "partially_refunded" }, refunded)
        }
        ("pay" | "fail" | "refund" | "dispute", status) => {
            return Err(ApiError::new(
                409,
                "SANDBOX.CONFLICT",
                format!("An order that is {status} cannot {action}"),
            ));
        }
        _ => return Err(invalid("action must be one of pay, fail, refund, dispute")),
    };
    move_money(ctx, &order, action, refunded)?;
    ctx.store.run(
        "UPDATE sales SET status = ?, refunded = ? WHERE id = ?",
        binds![status, refunded, order.id.as_str()],
    )?;
    let changed = OffPlanOrder { status: status.to_owned(), refunded, ..order };
    Response::ok(changed.view(ctx.request.now))
}

/// Posts the money of an action: payment, refund, or dispute of the remainder.
fn move_money(ctx: &RequestContext, order: &OffPlanOrder, action: &str, refunded: i64) -> Result<()> {
    let of = |kind, owner: &str| Account::money(kind, &order.currency, owner);
    let (outside, buyer) = (of(Kind::Outside, ""), of(Kind::Buyer, &order.intent));
    let seller = of(Kind::Seller, &order.org_id);
    let post = |why, cents: i64, from: &Account, to: &Account| {
        postings::post(ctx, Posting { entry: &order.id, why, amount: postings::cents(cents) }, from, to)
    };
    match action {
        "pay" => {
            post("fund", order.amount, &outside, &buyer)?;
            post("pay", order.amount, &buyer, &seller)
        }
        "refund" => {
            let back = refunded.saturating_sub(order.refunded);
            post("refund", back, &seller, &buyer)?;
            post("return", back, &buyer, &outside)
        }
        "dispute" => {
            let left = order.amount.saturating_sub(order.refunded);
            post("dispute", left, &seller, &of(Kind::Disputed, &order.intent))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_an_order() {
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
            let read = OrderRequest::read(body.as_object().unwrap());
            assert_eq!(
                read.as_ref().err().map(|error| error.code),
                (!ok).then_some("BCK.ORDER.0001"),
                "{name}"
            );
        }
    }

    #[test]
    fn the_client_secret_is_shown_while_the_order_can_be_paid() {
        let order = OffPlanOrder {
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
        for (status, now, shown, secret) in [
            ("requires_payment", 999, "requires_payment", Some("s")),
            ("requires_payment", 1_000, "failed", None),
            ("paid", 5_000, "paid", None),
        ] {
            let view = OffPlanOrder { status: status.into(), ..order.clone() }.view(now);
            assert_eq!(
                (view["status"].as_str(), view["clientSecret"].as_str()),
                (Some(shown), secret),
                "{status}"
            );
            assert!(view["description"].is_null() && view.get("orgId").is_none());
        }
    }
}
