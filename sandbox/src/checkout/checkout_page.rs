//! Card checkout: a link, a page that takes a card, credits, and the return to the app (contract section 8.4).

use crate::catalog::plans::{self, Plan};
use crate::checkout::plan_orders::{self, Kind, Purchase};
use crate::context::RequestContext;
use crate::delegations::payment_methods::Card;
use crate::http::error::{ApiError, Result};
use crate::http::request::Form;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::pages::html;
use crate::pages::return_url;
use crate::primitives::time;
use crate::storage::store::binds;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use worker::Url;

/// Lifetime of a link in milliseconds.
const LIFE: i64 = 24 * 3_600_000;
/// Maximum delay of credits in seconds.
const MAX_DELAY: i64 = 86_400;

#[derive(Deserialize)]
struct Checkout {
    id: String,
    plan_id: String,
    holder: String,
    paid: i64,
    expires_at: i64,
}

/// Parameters that the app adds to the link; the contract has no place for them.
struct Extras {
    /// The return URL.
    target: Option<Url>,
    /// Delay of the credits in seconds, if it differs from the sandbox's setting.
    delay: Option<i64>,
}

impl Extras {
    /// Reads the parameters. An invalid return URL is refused, because nobody should follow it.
    fn read<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Result<Self, Response> {
        let wrong = |text: &str| html::message(400, "That checkout link does not work", text);
        let target =
            match parameter("returnUrl") {
                None => None,
                Some(text) => Some(return_url::parse(text).ok_or_else(|| {
                    wrong("The app's address, returnUrl, must be an http or https address.")
                })?),
            };
        let delay = parameter("delay").map(|text| text.parse::<i64>().ok()).map(|delay| {
            delay
                .filter(|delay| (0..=MAX_DELAY).contains(delay))
                .ok_or_else(|| wrong("delay must be seconds."))
        });
        Ok(Self { target, delay: delay.transpose()? })
    }

    fn answer(&self, word: &str, id: &str) -> Option<String> {
        self.target.as_ref().map(|url| return_url::with_params(url, &[("checkout", word), ("sessionId", id)]))
    }

    /// Leaves the page: redirects to the app, or shows the result if there is no return URL.
    fn leave(&self, checkout: &Checkout, paid: bool) -> Response {
        let word = if paid { "success" } else { "cancelled" };
        match self.answer(word, &checkout.id) {
            Some(location) => Response::see_other(location),
            None if paid => {
                let text = "The credits are yours. You can close this page and go back to the app.";
                html::message(200, "Paid", text)
            }
            None => {
                let text = "You were not charged. The link still works, should you change your mind.";
                html::message(200, "Not paid", text)
            }
        }
    }
}

/// `POST /api/v1/fiat/stripe/payment`: creates a link to the checkout page.
pub(crate) fn start(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let plan = plans::load(ctx, &plans::id_in(&ctx.request.json()?, "planId")?)?;
    if plan.terms.crypto {
        return Err(ApiError::new(400, "BCK.STRIPE.0009", "This plan is paid from a wallet, not by card")
            .hint("Order it with POST /api/v1/protocol/plans/:planId/order."));
    }
    plan_orders::refuse_second_trial(ctx, &plan, &caller.address)?;
    let id = format!("cs_sandbox_{}", ctx.random.hex(16)?.trim_start_matches("0x"));
    let expires_at = ctx.request.now.saturating_add(LIFE);
    ctx.store.run(
        "INSERT INTO checkouts (id, plan_id, holder, paid, expires_at) VALUES (?, ?, ?, 0, ?)",
        binds![id.as_str(), plan.id.as_str(), caller.address.as_str(), expires_at],
    )?;
    Response::created(json!({ "result": {
        "stripeCheckoutSessionId": id,
        "checkoutLink": format!("{}/checkout/{id}", ctx.request.origin),
        "clientReferenceId": ctx.random.uuid()?,
        "paymentStatus": "unpaid",
        "linkCreatedAt": ctx.request.now / 1000,
        "linkExpiresAt": expires_at / 1000,
    }}))
}

/// Finds a checkout by its id; `Err` is the page that explains why it cannot be paid.
fn load(ctx: &RequestContext, id: &str, extras: &Extras) -> Result<Result<Checkout, Response>> {
    let query = "SELECT id, plan_id, holder, paid, expires_at FROM checkouts WHERE id = ?";
    let Some(checkout) = ctx.store.first::<Checkout>(query, binds![id])? else {
        let text = "It may have been mistyped, or the sandbox was reset.";
        return Ok(Err(html::message(404, "That checkout link does not work", text)));
    };
    if checkout.paid == 0 && checkout.expires_at <= ctx.request.now {
        let content = html! {
            h1 { "That checkout link has expired" }
            p class="lead" { "Nothing was charged. Ask the app for a new one." }
            @if let Some(location) = extras.answer("cancelled", id) {
                a class="back" href=(location) { "Back to the app" }
            }
        };
        return Ok(Err(html::page(410, "Checkout", &content)));
    }
    Ok(Ok(checkout))
}

/// `GET /checkout/:id`
pub(crate) fn page(ctx: &RequestContext, id: &str) -> Result {
    let extras = match Extras::read(|name| ctx.request.param(name)) {
        Ok(extras) => extras,
        Err(response) => return Ok(response),
    };
    match load(ctx, id, &extras)? {
        Err(response) => Ok(response),
        Ok(checkout) if checkout.paid != 0 => Ok(extras.leave(&checkout, true)),
        Ok(checkout) => show(ctx, &checkout, &extras, None, &Form::default()),
    }
}

fn show(
    ctx: &RequestContext,
    checkout: &Checkout,
    extras: &Extras,
    wrong: Option<&str>,
    typed: &Form,
) -> Result {
    let plan = plans::load(ctx, &checkout.plan_id)?;
    let status = if wrong.is_some() { 402 } else { 200 };
    Ok(html::page(status, "Checkout", &content(&plan, &checkout.id, extras, wrong, typed)))
}

fn content(plan: &Plan, id: &str, extras: &Extras, wrong: Option<&str>, typed: &Form) -> Markup {
    let currency = plan.terms.currency();
    html! {
        h1 { "Pay by card" }
        p class="lead" {
            "You are buying " strong { (plans::title(plan)) }
            @if let Some(target) = &extras.target {
                " on " strong { (target.origin().ascii_serialization()) }
            }
            "."
        }
        div class="price" {
            b { (html::amount(plan.terms.total)) " " (currency) }
            span {
                @if plan.terms.grant.by_time { "Access for a time" } @else { (plan.terms.grant.amount) " credits" }
            }
        }
        form method="post" action={ "/checkout/" (id) } {
            @if let Some(target) = &extras.target {
                (html::hidden("returnUrl", target.as_str()))
            }
            @if let Some(delay) = extras.delay {
                (html::hidden("delay", &delay.to_string()))
            }
            (html::card_fields(typed, wrong))
            button class="primary wide" name="action" value="pay" {
                "Pay " (html::price(plan.terms.total, currency))
            }
            button class="wide quiet" name="action" value="cancel" { "Cancel" }
        }
    }
}

/// `POST /checkout/:id`: pays once, however often the button is pressed. A post without card fields pays with the
/// test card.
pub(crate) fn pay(ctx: &RequestContext, id: &str) -> Result {
    let form = ctx.request.form();
    let extras = match Extras::read(|name| form.get(name).or_else(|| ctx.request.param(name))) {
        Ok(extras) => extras,
        Err(response) => return Ok(response),
    };
    let checkout = match load(ctx, id, &extras)? {
        Ok(checkout) => checkout,
        Err(response) => return Ok(response),
    };
    if checkout.paid != 0 {
        return Ok(extras.leave(&checkout, true));
    }
    if form.get("action") == Some("cancel") {
        return Ok(extras.leave(&checkout, false));
    }
    let number = form.get("number").unwrap_or("4242 4242 4242 4242");
    let card = Card::read(number, form.get("expiry").unwrap_or("12 / 34"), time::year(ctx.request.now));
    if let Err(wrong) = card.and_then(Card::pays) {
        return show(ctx, &checkout, &extras, Some(wrong), &form);
    }
    let plan = plans::load(ctx, &checkout.plan_id)?;
    if plan_orders::trial_used(ctx, &plan, &checkout.holder)? {
        let text = "It is a trial, which each account may have once.";
        return Ok(html::message(409, "You have had this plan", text));
    }
    let bought = plan_orders::single(&plan)?;
    ctx.store.run("UPDATE checkouts SET paid = 1 WHERE id = ?", binds![checkout.id.as_str()])?;
    let purchase =
        Purchase { plan: &plan, holder: &checkout.holder, kind: Kind::Checkout, bought, delegation: None };
    plan_orders::deliver_after(ctx, &purchase, extras.delay.unwrap_or(ctx.settings.delay))?;
    Ok(extras.leave(&checkout, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extras<'a>(back: &'a str, delay: &'a str) -> Result<Extras, Response> {
        Extras::read(|name| Some(if name == "delay" { delay } else { back }).filter(|text| !text.is_empty()))
    }

    #[test]
    fn parameters_of_a_link() {
        for (back, delay, ok) in [
            ("", "", true),
            ("https://a.example/?nvmState=x#y", "5", true),
            ("javascript:alert(1)", "", false),
            ("/relative", "", false),
            ("https://a.example/", "-1", false),
            ("https://a.example/", "soon", false),
        ] {
            assert_eq!(extras(back, delay).is_ok(), ok, "{back} {delay}");
        }
    }

    #[test]
    fn the_return_url_carries_the_result() {
        let checkout =
            Checkout { id: "cs".into(), plan_id: "7".into(), holder: "0x1".into(), paid: 0, expires_at: 0 };
        let extras = extras("https://a.example/?nvmState=x&checkout=old#y", "").unwrap();
        assert_eq!(
            extras.leave(&checkout, false).body_text(),
            "https://a.example/?nvmState=x&checkout=cancelled&sessionId=cs#y"
        );
        assert_eq!(
            extras.leave(&checkout, true).body_text(),
            "https://a.example/?nvmState=x&checkout=success&sessionId=cs#y"
        );
    }
}
