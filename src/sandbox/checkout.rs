//! Buying a card plan: a link, a page with one button, credits (contract section 8.4).

use super::call::Reply;
use super::orders::{self, Kind, Purchase};
use super::pages::{self, escape};
use super::plans;
use super::problem::{Outcome, Problem};
use super::store::binds;
use super::{Desk, accounts};
use serde::Deserialize;
use serde_json::json;

/// How long a link is good for, in milliseconds.
const LIFE: i64 = 24 * 3_600_000;

#[derive(Deserialize)]
struct Checkout {
    id: String,
    plan_id: String,
    holder: String,
    paid: i64,
    expires_at: i64,
}

/// `POST /api/v1/fiat/stripe/payment`: a link on which a person pays.
pub(super) fn start(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let plan = plans::load(desk, &plans::id_in(&desk.call.json()?, "planId")?)?;
    if plan.terms.crypto {
        return Err(Problem::new(400, "BCK.STRIPE.0009", "This plan is paid from a wallet, not by card")
            .hint("Order it with POST /api/v1/protocol/plans/:planId/order."));
    }
    if orders::trial_used(desk, &plan, &caller.address)? {
        return Err(Problem::new(
            409,
            "BCK.COMMON.0027",
            "A trial plan can be ordered once, and you have had it",
        ));
    }
    let id = format!("cs_sandbox_{}", desk.random.hex(16)?.trim_start_matches("0x"));
    let expires_at = desk.call.now.saturating_add(LIFE);
    desk.store.run(
        "INSERT INTO checkouts (id, plan_id, holder, paid, expires_at) VALUES (?, ?, ?, 0, ?)",
        binds![id.as_str(), plan.id.as_str(), caller.address.as_str(), expires_at],
    )?;
    Reply::created(json!({ "result": {
        "stripeCheckoutSessionId": id,
        "checkoutLink": format!("{}/checkout/{id}", desk.call.origin),
        "clientReferenceId": desk.random.uuid()?,
        "paymentStatus": "unpaid",
        "linkCreatedAt": desk.call.now / 1000,
        "linkExpiresAt": expires_at / 1000,
    }}))
}

fn load(desk: &Desk, id: &str) -> Outcome<Option<Checkout>> {
    let query = "SELECT id, plan_id, holder, paid, expires_at FROM checkouts WHERE id = ?";
    let found: Option<Checkout> = desk.store.first(query, binds![id])?;
    Ok(found.filter(|checkout| checkout.paid != 0 || checkout.expires_at > desk.call.now))
}

fn gone() -> Reply {
    pages::message(404, "That checkout link does not work", "It may have expired, or the sandbox was reset.")
}

fn thanks() -> Reply {
    pages::message(200, "Paid", "The credits are yours. You can close this page and go back to the app.")
}

/// `GET /checkout/:id`
pub(super) fn page(desk: &Desk, id: &str) -> Outcome {
    let Some(checkout) = load(desk, id)? else { return Ok(gone()) };
    if checkout.paid != 0 {
        return Ok(thanks());
    }
    let plan = plans::load(desk, &checkout.plan_id)?;
    let currency = plan.terms.currency();
    let content = format!(
        "<h1>Pay by card</h1>\n<p class=\"lead\">You are buying <strong>{}</strong>.</p>\n\
         <div class=\"price\"><b>{} {}</b><span>{} credits</span></div>\n\
         <form method=\"post\" action=\"/checkout/{}\"><button class=\"primary wide\">Pay with test card ···· 4242</button></form>",
        escape(plans::title(&plan)),
        pages::amount(plan.terms.total),
        escape(currency),
        plan.terms.grant.amount,
        escape(&checkout.id),
    );
    Ok(pages::page(200, "Checkout", &content))
}

/// `POST /checkout/:id`: paid once, however often the button is pressed.
pub(super) fn pay(desk: &Desk, id: &str) -> Outcome {
    let Some(checkout) = load(desk, id)? else { return Ok(gone()) };
    if checkout.paid != 0 {
        return Ok(thanks());
    }
    let plan = plans::load(desk, &checkout.plan_id)?;
    if orders::trial_used(desk, &plan, &checkout.holder)? {
        return Ok(pages::message(409, "You have had this trial", "A trial plan can be bought once."));
    }
    let bought = orders::single(&plan)?;
    desk.store.run("UPDATE checkouts SET paid = 1 WHERE id = ?", binds![checkout.id.as_str()])?;
    let purchase =
        Purchase { plan: &plan, holder: &checkout.holder, kind: Kind::Checkout, bought, delegation: None };
    orders::deliver(desk, &purchase)?;
    Ok(thanks())
}
