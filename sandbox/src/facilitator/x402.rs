//! The x402 routes of the facilitator: verify and settle (contract section 4.5).

use crate::catalog::agents;
use crate::catalog::endpoint_patterns::{self, Match};
use crate::catalog::plans::{self, Plan};
use crate::context::RequestContext;
use crate::facilitator::settlement::{self, AmountDue, PresentedToken, SettleOutcome};
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, object, text, uint256};
use crate::http::response::Response;
use crate::ledger::balances;
use crate::metering::agent_requests::{self, RequestSubject};
use crate::primitives::regex;
use crate::primitives::time;
use crate::tokens::permission::{self, Permission};
use crate::tokens::protocol::{self, Protocol};
use serde_json::{Map, Value, json};
use worker::Url;

/// Reads the body that verify and settle share.
fn present(ctx: &RequestContext, body: &Map<String, Value>) -> Result<(PresentedToken, Option<Match>)> {
    let token = text(body, "x402AccessToken")
        .ok_or_else(|| ApiError::new(400, "BCK.X402.0010", "x402AccessToken is missing"))?;
    let permission = permission::recognise(ctx, token, Protocol::X402)?;
    let required = object(body, "paymentRequired")?;
    let accepts = required.get("accepts").and_then(Value::as_array);
    let accepts = accepts.ok_or_else(|| ApiError::bad_request("paymentRequired.accepts must be an array"))?;
    let accepted = permission.accepted();
    let fit = |offered: &&Map<String, Value>| fits(&accepted, &permission.network, offered);
    let offered = accepts.iter().filter_map(Value::as_object).find(fit).ok_or_else(|| {
        ApiError::new(400, "BCK.X402.0013", "accepted of the token is not in paymentRequired.accepts")
            .hint("Plan, scheme and network must be those that the seller offers.")
    })?;
    let sold = member(required, "resource").and_then(|resource| resource.get("url")).and_then(Value::as_str);
    if let (Some(bound), Some(sold)) = (permission.bound_to(), sold)
        && !same_resource(&bound, sold)
    {
        return Err(ApiError::new(400, "BCK.X402.0013", "The token was issued for another resource")
            .hint("A single-use token is valid only for the resource.url it was issued for."));
    }
    let plan = plan_of(ctx, &permission)?;
    let matched = endpoint(ctx, &permission, offered)?;
    Ok((PresentedToken { permission, plan }, matched))
}

/// The plan that a token pays from. If the token names an agent, the agent must still be linked to the plan.
pub(crate) fn plan_of(ctx: &RequestContext, permission: &Permission) -> Result<Plan> {
    let plan = plans::find(ctx, &permission.plan_id)?.ok_or_else(|| {
        ApiError::new(404, "BCK.X402.0002", format!("Plan {} not found", permission.plan_id))
    })?;
    if let Some(agent_id) = &permission.agent_id
        && !agents::has_plan(ctx, agent_id, &plan.id)?
    {
        let message = format!("Plan {} is not on agent {agent_id} any more", plan.id);
        return Err(ApiError::new(400, "BCK.X402.0003", message));
    }
    Ok(plan)
}

/// The agent's endpoint that the request is for. It is checked only if the token names its resource; a token without
/// one is valid for all endpoints (contract section 4.5).
fn endpoint(
    ctx: &RequestContext,
    permission: &Permission,
    offered: &Map<String, Value>,
) -> Result<Option<Match>> {
    let (Some(agent_id), Some(url)) = (&permission.agent_id, permission.resource()) else { return Ok(None) };
    let Some(agent) = agents::find(ctx, agent_id)? else { return Ok(None) };
    let accepted = permission.accepted();
    let verb = endpoint_patterns::verb(&accepted).or_else(|| endpoint_patterns::verb(offered));
    let found = agent.endpoints().allow(verb, &url, regex::matches);
    found.map(Some).ok_or_else(|| {
        let what = verb.map_or_else(|| url.clone(), |verb| format!("{verb} {url}"));
        ApiError::new(403, "BCK.PROTOCOL.0031", format!("{what} is not an endpoint of agent {agent_id}"))
            .hint("An agent's endpoints are registered as { \"POST\": \"https://...\" }, patterns as path-to-regexp has them.")
    })
}

/// True if the accepted terms of a token match a seller's offer. A token without agent or verb matches an offer with
/// one, since buyers need not name it; a token that names another one does not match. For card tokens the network is
/// that of the delegation, whatever the buyer sent (contract section 2.3).
fn fits(accepted: &Map<String, Value>, settles_on: &str, offered: &Map<String, Value>) -> bool {
    let same = |name: &str| text(accepted, name) == text(offered, name);
    let network = text(offered, "network");
    let by_card = text(accepted, "scheme") == Some(protocol::CARD);
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

/// True if a resource is the one that a token is bound to: same origin and path, or the same text if one of them is
/// not an absolute URL.
fn same_resource(bound: &str, sold: &str) -> bool {
    // Opaque origins, such as that of `mcp://`, cannot be compared.
    let place = |url: &Url| {
        let host = url.host_str().map(str::to_owned);
        (url.scheme().to_owned(), host, url.port_or_known_default(), url.path().to_owned())
    };
    match (Url::parse(bound), Url::parse(sold)) {
        (Ok(bound), Ok(sold)) => place(&bound) == place(&sold),
        _ => bound == sold,
    }
}

/// `POST /api/v1/x402/verify`: burns nothing.
pub(crate) fn verify(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let (presented, matched) = present(ctx, &body)?;
    let PresentedToken { permission, plan } = &presented;
    if let Err(reason) = settlement::check(ctx, &presented, uint256(&body, "maxAmount")?)? {
        return Response::ok(json!({
            "isValid": false, "invalidReason": reason, "payer": permission.holder, "network": permission.network,
        }));
    }
    let resource =
        member(object(&body, "paymentRequired")?, "resource").and_then(|resource| resource.get("url"));
    let matched = matched.filter(|matched| !matched.url.is_empty()).unwrap_or_else(|| Match {
        verb: endpoint_patterns::verb(&permission.accepted()).unwrap_or_default().to_owned(),
        url: resource.and_then(Value::as_str).unwrap_or_default().to_owned(),
    });
    verified(ctx, permission, plan, &matched)
}

/// The response to a successful verify: a request begins.
pub(crate) fn verified(
    ctx: &RequestContext,
    permission: &Permission,
    plan: &Plan,
    matched: &Match,
) -> Result {
    let agent_id = permission.agent_id.as_deref();
    let about = RequestSubject { agent_id, plan_id: &plan.id, holder: &permission.holder };
    let request_id = agent_requests::begin(ctx, &about, None)?;
    let mut answer = json!({
        "isValid": true, "payer": permission.holder, "network": permission.network, "agentRequestId": request_id,
    });
    let agent = agent_id.map(|id| agents::find(ctx, id)).transpose()?.flatten();
    if let (Some(agent), Some(answer)) = (agent, answer.as_object_mut()) {
        let request = json!({
            "agentRequestId": request_id, "agentName": agent.name(), "agentId": agent.id,
            "balance": balances::view(ctx, plan, &permission.holder)?,
            "urlMatching": matched.url, "verbMatching": matched.verb, "batch": false,
        });
        answer.insert("urlMatching".into(), matched.url.as_str().into());
        answer.insert("agentRequest".into(), request);
    }
    Response::ok(answer)
}

/// `POST /api/v1/x402/settle`
pub(crate) fn settle(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let (presented, _) = present(ctx, &body)?;
    let due = due(ctx, &body, &presented.plan)?;
    match settlement::settle(ctx, &presented, &due)? {
        SettleOutcome::Paid(receipt) => Response::ok(receipt.view(&presented.permission)),
        SettleOutcome::Refused(error) => {
            Ok(error.to_response(&ctx.request.correlation, &time::iso(ctx.request.now)))
        }
    }
}

/// The amount of a settle: the requested amount, or the cost of the request with the margin on top.
fn due(ctx: &RequestContext, body: &Map<String, Value>, plan: &Plan) -> Result<AmountDue> {
    let (asked, margin) = (uint256(body, "maxAmount")?, agent_requests::margin(body)?);
    let request = text(body, "agentRequestId").map(str::to_owned);
    let Some(margin) = margin else {
        return Ok(AmountDue { charge: plan.terms.grant.charge(asked), request, cost: None });
    };
    if asked.is_some() {
        return Err(ApiError::new(
            403,
            "BCK.PROTOCOL.0042",
            "maxAmount and marginPercent exclude each other",
        ));
    }
    if plan.terms.grant.fixed || plan.terms.grant.by_time {
        let message = "marginPercent needs a plan with dynamic credits";
        return Err(ApiError::new(403, "BCK.PROTOCOL.0043", message));
    }
    let batch = member(body, "batch").and_then(Value::as_bool).unwrap_or(false);
    let cost = agent_requests::cost(ctx, request.as_deref().unwrap_or_default(), margin, batch)?;
    Ok(AmountDue { charge: plan.terms.grant.charge(Some(cost.credits)), request, cost: Some(cost) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn side(network: &str, extra: Value) -> Map<String, Value> {
        let side = json!({ "planId": "1", "scheme": "s", "network": network, "extra": extra });
        side.as_object().cloned().unwrap()
    }

    #[test]
    fn offers_that_match_a_token() {
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
    fn the_network_of_a_card_is_the_delegations_provider() {
        let (mut accepted, mut offered) = (side("stripe", json!({})), side("braintree", json!({})));
        for side in [&mut accepted, &mut offered] {
            side.insert("scheme".into(), protocol::CARD.into());
        }
        assert!(fits(&accepted, "braintree", &offered));
        assert!(!fits(&accepted, "visa", &offered));
    }

    #[test]
    fn resource_of_a_single_use_token() {
        for (bound, sold, same) in [
            ("/ask", "/ask", true),
            ("/ask", "/other", false),
            ("https://a.example/ask", "https://a.example/ask?q=1", true),
            ("https://a.example/ask", "https://b.example/ask", false),
            ("https://a.example/ask", "/ask", false),
            ("https://a.example/ask", "https://a.example:443/ask", true),
            ("https://a.example/ask", "http://a.example/ask", false),
            ("https://a.example/ask", "https://a.example:444/ask", false),
            ("mcp://loud/tools/shout?text=a", "mcp://loud/tools/shout?text=b", true),
            ("mcp://loud/tools/shout", "mcp://quiet/tools/shout", false),
            ("mcp://loud/tools/shout", "mcp://loud/tools/whisper", false),
        ] {
            assert_eq!(same_resource(bound, sold), same, "{bound} {sold}");
        }
    }
}
