//! Verify and settle: whether a token pays for a request, and taking what it costs (contract sections 4.5, 13.7, 13.8).

use super::call::{Reply, member, object, text, uint256};
use super::delegations::{self, Ask};
use super::ledger::{self, TopUp};
use super::orders::{self, Kind, Purchase};
use super::permissions;
use super::plans::{self, Plan};
use super::problem::{Outcome, Problem};
use super::store::binds;
use super::tokens::{self, Permission};
use super::{Desk, agents, balances, methods};
use crate::wire::Credits;
use serde_json::{Map, Value, json};
use worker::Url;

/// A token that was recognised and fits what the seller asks for.
struct Presented {
    permission: Permission,
    plan: Plan,
    asked: Option<Credits>,
}

/// Reads verify's and settle's common body.
fn present(desk: &Desk, body: &Map<String, Value>) -> Outcome<Presented> {
    let token = text(body, "x402AccessToken")
        .ok_or_else(|| Problem::new(400, "BCK.X402.0010", "x402AccessToken is missing"))?;
    let permission = tokens::recognise(desk, token)?;
    let accepts = object(body, "paymentRequired")?.get("accepts").and_then(Value::as_array);
    let accepts = accepts.ok_or_else(|| Problem::bad_request("paymentRequired.accepts must be an array"))?;
    let accepted = permission.accepted();
    let bound = permission.resource();
    let fit = |offered: &Map<String, Value>| fits(&accepted, &permission.network, offered);
    if !accepts.iter().filter_map(Value::as_object).any(fit) {
        return Err(Problem::new(
            400,
            "BCK.X402.0013",
            "The token's accepted is none of paymentRequired.accepts",
        )
        .hint("Plan, scheme and network must be those that the seller offers."));
    }
    let resource =
        member(object(body, "paymentRequired")?, "resource").and_then(|resource| resource.get("url"));
    if let (Some(bound), Some(sold)) = (bound, resource.and_then(Value::as_str))
        && !same_resource(&bound, sold)
    {
        return Err(Problem::new(400, "BCK.X402.0013", "The token was minted for another resource")
            .hint("A single-use token is good for the resource.url it was minted with."));
    }
    let plan = plans::find(desk, &permission.plan_id)?.ok_or_else(|| {
        Problem::new(404, "BCK.X402.0002", format!("Plan {} not found", permission.plan_id))
    })?;
    let asked = uint256(body, "maxAmount")?;
    Ok(Presented { permission, plan, asked })
}

/// Whether what a token accepted is what a seller offers. A token without agent or verb fits an offer with one, since
/// buyers need not name it; one that names another does not. By card, the network is that of the delegation, whatever
/// the buyer guessed (contract section 2.3).
fn fits(accepted: &Map<String, Value>, settles_on: &str, offered: &Map<String, Value>) -> bool {
    let same = |name: &str| text(accepted, name) == text(offered, name);
    let network = text(offered, "network");
    let by_card = text(accepted, "scheme") == Some(permissions::CARD);
    let extra = |side: &Map<String, Value>, name: &str| {
        member(side, "extra").and_then(|extra| extra.get(name)).and_then(Value::as_str).map(str::to_owned)
    };
    let agrees = |name: &str| match (extra(accepted, name), extra(offered, name)) {
        (Some(bought), Some(sold)) => bought == sold,
        _ => true,
    };
    same("planId")
        && same("scheme")
        && (same("network") || (by_card && network == Some(settles_on)))
        && agrees("agentId")
        && agrees("httpVerb")
}

/// Whether a resource is the one a token is bound to: the same origin and path, or, where one of them is no whole
/// address, the same text.
fn same_resource(bound: &str, sold: &str) -> bool {
    match (Url::parse(bound), Url::parse(sold)) {
        (Ok(bound), Ok(sold)) => bound.origin() == sold.origin() && bound.path() == sold.path(),
        _ => bound == sold,
    }
}

/// What an automatic purchase would bring, or why there is none.
fn cover(desk: &Desk, presented: &Presented, missing: Credits) -> Outcome<Result<TopUp, String>> {
    let Presented { permission, plan, .. } = presented;
    if orders::trial_used(desk, plan, &permission.holder)? {
        return Ok(Err("the plan is a trial and was ordered before".into()));
    }
    let Some(bought) = ledger::top_up(missing, plan.terms.grant.amount, plan.terms.total) else {
        return Ok(Err("no order of the plan brings enough".into()));
    };
    if plan.terms.trial && bought.orders > 1 {
        return Ok(Err("the plan is a trial and one order is too little".into()));
    }
    let Some(delegation) = delegations::find(desk, &permission.delegation_id)? else {
        return Ok(Err("the delegation is gone".into()));
    };
    let ask =
        Ask { plan_id: &plan.id, crypto: plan.terms.crypto, money: plan.terms.money(), cents: bought.cents };
    Ok(match delegation.refuses(desk.call.now, ask) {
        Some(reason) => Err(reason.to_owned()),
        None => Ok(bought),
    })
}

fn too_few(balance: Credits, needed: Credits, reason: &str) -> String {
    format!("Insufficient credits: {needed} needed, {balance} held, and no automatic top-up: {reason}")
}

/// `POST /api/v1/x402/verify`: changes nothing.
pub(super) fn verify(desk: &Desk) -> Outcome {
    let body = desk.call.json()?;
    let presented = present(desk, &body)?;
    let Presented { permission, plan, asked } = &presented;
    let needed = plan.terms.grant.needed(*asked);
    let balance = ledger::total(&balances::lots(desk, &plan.id, &permission.holder)?);
    if balance < needed
        && let Err(reason) = cover(desk, &presented, needed.saturating_sub(balance))?
    {
        return Reply::ok(json!({
            "isValid": false, "invalidReason": too_few(balance, needed, &reason),
            "payer": permission.holder, "network": permission.network,
        }));
    }
    let request_id = desk.random.uuid()?;
    let mut answer = json!({
        "isValid": true, "payer": permission.holder, "network": permission.network, "agentRequestId": request_id,
    });
    let agent = permission.agent_id.as_deref().map(|id| agents::find(desk, id)).transpose()?.flatten();
    if let (Some(agent), Some(answer)) = (agent, answer.as_object_mut()) {
        let required = object(&body, "paymentRequired")?;
        let url = member(required, "resource").and_then(|resource| resource.get("url")).cloned();
        let verb = permission.accepted().get("extra").and_then(|extra| extra.get("httpVerb")).cloned();
        let request = json!({
            "agentRequestId": request_id, "agentName": agent.name(), "agentId": agent.id,
            "balance": balances::view(desk, plan, &permission.holder)?,
            "urlMatching": url.unwrap_or_else(|| "".into()), "verbMatching": verb.unwrap_or_else(|| "".into()),
            "batch": false,
        });
        answer.insert("agentRequest".into(), request);
    }
    Reply::ok(answer)
}

/// `POST /api/v1/x402/settle`: tops up if need be, then burns. Both, or neither: the call is one transaction.
pub(super) fn settle(desk: &Desk) -> Outcome {
    let presented = present(desk, &desk.call.json()?)?;
    let Presented { permission, plan, asked } = &presented;
    let charge = plan.terms.grant.charge(*asked);
    let balance = ledger::total(&balances::lots(desk, &plan.id, &permission.holder)?);
    let refuse = |reason: &str| {
        Problem::new(402, "BCK.CREDITS.0003", too_few(balance, charge.hold, reason))
            .hint("Order the plan, or raise the delegation's limit.")
    };
    let mut order_tx = None;
    if balance < charge.hold {
        let bought = cover(desk, &presented, charge.hold.saturating_sub(balance))?
            .map_err(|reason| refuse(&reason))?;
        // A bank is asked when the charge is made: a verify before it cannot know.
        let delegation = delegations::find(desk, &permission.delegation_id)?;
        let card = delegation.as_ref().and_then(|delegation| delegation.payment_method.as_deref());
        if bought.cents > 0 && methods::declines(desk, card)? {
            return Err(refuse("the card was declined"));
        }
        order_tx = Some(top_up(desk, &presented, bought)?);
    }
    let left = balances::burn(desk, &plan.id, &permission.holder, charge.burn)?
        .ok_or_else(|| refuse("what an order brought had run out"))?;
    tokens::spend(desk, &permission.hash)?;
    let tx = desk.random.hex(32)?;
    desk.store.run(
        "INSERT INTO settlements (tx, plan_id, holder, credits, permission, order_tx, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
        binds![
            tx.as_str(),
            plan.id.as_str(),
            permission.holder.to_ascii_lowercase(),
            charge.burn.to_string(),
            permission.hash.as_str(),
            order_tx.clone(),
            desk.call.now,
        ],
    )?;
    let mut answer = json!({
        "success": true, "payer": permission.holder, "transaction": tx, "network": permission.network,
        "creditsRedeemed": charge.burn.to_string(), "remainingBalance": left.to_string(),
    });
    if let (Some(order_tx), Some(answer)) = (order_tx, answer.as_object_mut()) {
        answer.insert("orderTx".into(), order_tx.into());
    }
    Reply::ok(answer)
}

/// Orders in the buyer's name and charges the delegation.
fn top_up(desk: &Desk, presented: &Presented, bought: TopUp) -> Outcome<String> {
    let Presented { permission, plan, .. } = presented;
    if bought.cents > 0 {
        delegations::spend(desk, &permission.delegation_id, bought.cents)?;
    }
    let delegation = Some(permission.delegation_id.as_str());
    orders::deliver(
        desk,
        &Purchase { plan, holder: &permission.holder, kind: Kind::TopUp, bought, delegation },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(network: &str, extra: Value) -> Map<String, Value> {
        let side = json!({ "planId": "1", "scheme": "s", "network": network, "extra": extra });
        side.as_object().cloned().unwrap()
    }

    #[test]
    fn which_offers_a_token_fits() {
        let accepted = side("n", json!({ "agentId": "2", "httpVerb": "POST" }));
        for (name, offered, fit) in [
            ("the same", side("n", json!({ "agentId": "2", "httpVerb": "POST" })), true),
            ("no agent", side("n", json!({ "agentId": null })), true),
            ("no extra", side("n", Value::Null), true),
            ("another agent", side("n", json!({ "agentId": "3" })), false),
            ("another verb", side("n", json!({ "httpVerb": "GET" })), false),
            ("another network", side("m", json!({})), false),
        ] {
            assert_eq!(fits(&accepted, "m", &offered), fit, "{name}");
        }
        for name in ["planId", "scheme"] {
            let mut offered = side("n", json!({}));
            offered.insert(name.into(), "x".into());
            assert!(!fits(&accepted, "n", &offered), "another {name}");
        }
        assert!(
            fits(&side("n", json!({})), "n", &side("n", json!({ "agentId": "3" }))),
            "no agent asked for"
        );
    }

    #[test]
    fn by_card_the_delegation_names_the_network() {
        let (mut accepted, mut offered) = (side("stripe", json!({})), side("braintree", json!({})));
        for side in [&mut accepted, &mut offered] {
            side.insert("scheme".into(), permissions::CARD.into());
        }
        assert!(fits(&accepted, "braintree", &offered));
        assert!(!fits(&accepted, "visa", &offered));
    }

    #[test]
    fn what_a_single_use_token_is_bound_to() {
        for (bound, sold, same) in [
            ("/ask", "/ask", true),
            ("/ask", "/other", false),
            ("https://a.example/ask", "https://a.example/ask?q=1", true),
            ("https://a.example/ask", "https://b.example/ask", false),
            ("https://a.example/ask", "/ask", false),
        ] {
            assert_eq!(same_resource(bound, sold), same, "{bound} {sold}");
        }
    }
}
