//! Enrolment of cards (contract section 8.3).

use crate::context::RequestContext;
use crate::delegations::payment_methods::{self, Card};
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, object, text};
use crate::http::response::Response;
use crate::identity::widget_session;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::json;

/// Providers whose cards can be enrolled.
const CARD_PROVIDERS: [&str; 3] = ["stripe", "braintree", "visa"];

/// The named provider, if its cards can be enrolled; the default is stripe.
pub(crate) fn provider(named: Option<&str>) -> Result<&str> {
    let provider = named.unwrap_or("stripe");
    if CARD_PROVIDERS.contains(&provider) {
        Ok(provider)
    } else {
        Err(ApiError::bad_request("provider must be one of stripe, braintree, visa"))
    }
}

/// `POST /api/v1/delegation/setup-intent`: begins the enrolment of a card.
pub(crate) fn setup_intent(ctx: &RequestContext) -> Result {
    let caller = widget_session::caller(ctx)?;
    let body = ctx.request.json()?;
    let provider = provider(text(&body, "provider"))?;
    let id = format!("seti_sandbox_{}", ctx.random.hex(12)?.trim_start_matches("0x"));
    ctx.store.run(
        "INSERT INTO intents (id, owner, provider, used) VALUES (?, ?, ?, 0)",
        binds![id.as_str(), caller.id(), provider],
    )?;
    let secret = format!("{id}_secret_{}", ctx.random.hex(12)?.trim_start_matches("0x"));
    Response::created(json!({ "setupIntentId": id, "clientSecret": secret, "provider": provider }))
}

/// `POST /api/v1/delegation/finalize-enrollment`: completes the enrolment. The hosted service never receives the card
/// itself; the sandbox does, because there is no card processor.
pub(crate) fn finalize(ctx: &RequestContext) -> Result {
    #[derive(Deserialize)]
    struct Intent {
        id: String,
        provider: String,
    }
    let caller = widget_session::caller(ctx)?;
    let body = ctx.request.json()?;
    let query = "SELECT id, provider FROM intents WHERE id = ? AND owner = ? AND used = 0";
    let binds = binds![text(&body, "setupIntentId").unwrap_or_default(), caller.id()];
    let intent: Intent = ctx
        .store
        .first(query, binds)?
        .ok_or_else(|| ApiError::bad_request("setupIntentId is not an open intent of yours"))?;
    let card = object(&body, "card")?;
    let number = text(card, "number").unwrap_or_default();
    let month = member(card, "expMonth").map(ToString::to_string).unwrap_or_default();
    let year = member(card, "expYear").map(ToString::to_string).unwrap_or_default();
    let expiry = format!("{month}/{year}").replace('"', "");
    let card = Card::read(number, &expiry, time::year(ctx.request.now))
        .map_err(|reason| ApiError::new(402, "SANDBOX.CARD_DECLINED", reason))?;
    ctx.store.run("UPDATE intents SET used = 1 WHERE id = ?", binds![intent.id.as_str()])?;
    let id = payment_methods::enroll(ctx, &caller, &intent.provider, &card, text(&body, "alias"))?;
    Response::created(json!({ "paymentMethodId": id, "provider": intent.provider }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn providers_of_cards() {
        assert_eq!(provider(None).unwrap(), "stripe");
        assert_eq!(provider(Some("visa")).unwrap(), "visa");
        assert_eq!(provider(Some("erc4337")).unwrap_err().status, 400);
    }
}
