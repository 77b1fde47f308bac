//! The calls that are a path and a flat body, one line each.

use super::fields::{Fields, read};
use crate::api::calls::{GET_AGENT_PLANS, GET_AGENTS_OF_A_PLAN, GET_PLANS};
use crate::api::query::encode;
use crate::api::{Auth, Method, Request};
use crate::codec::text::{ByteSplit, has};
use crate::codec::{print, print_object};
use crate::wire::{WireError, WireErrorKind};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// By the name that the SDK gives it: the method, with `+` where the key rides along and `~` where a POST may be sent
/// again; the path, in which `:name` is an argument; its query, with the values that stand where none is given; and
/// the members of the body, if it has one.
///
/// A member is `argument=member:kind`, short `member:kind` where both have one name; `?` behind it where it may be left out,
/// `!value` where that stands for it. For the kinds see `fields`.
const CALLS: [(&str, &str, Option<&str>); 31] = [
    ("getPlans", GET_PLANS, None),
    ("getAgentsAssociatedToAPlan", GET_AGENTS_OF_A_PLAN, None),
    ("getAgentPlans", GET_AGENT_PLANS, None),
    ("orderFiatPlan", "POST+ /api/v1/fiat/stripe/payment", Some("planId:id sessionType:text!\"embedded\"")),
    ("getPlanBalance", "GET /api/v1/protocol/plans/:planId/balance/:holder", None),
    (
        "mintPlanCredits",
        "POST+ /api/v1/protocol/plans/mint",
        Some("planId:id creditsAmount=amount:uint creditsReceiver:address"),
    ),
    (
        "mintPlanExpirable",
        "POST+ /api/v1/protocol/plans/mintExpirable",
        Some("planId:id creditsAmount:uint creditsReceiver:address creditsDuration:uint!0"),
    ),
    ("burnCredits", "POST+ /api/v1/protocol/plans/burn", Some("planId:id creditsAmount:uint")),
    (
        "redeemCredits",
        "POST+ /api/v1/protocol/plans/redeem",
        Some("agentRequestId:text planId:id redeemFrom:address creditsAmount=amount:uint"),
    ),
    (
        "registerAgent",
        "POST+ /api/v1/protocol/agents",
        Some(
            "agentMetadata=metadataAttributes:object agentApi=agentApiAttributes:object? paymentPlans=plans:ids",
        ),
    ),
    (
        "updateAgentMetadata",
        "PUT+ /api/v1/protocol/agents/:agentId",
        Some("agentMetadata=metadataAttributes:object agentApi=agentApiAttributes:object?"),
    ),
    ("getAgents", "GET+ /api/v1/protocol/agents?page=1&offset=100&sortBy=created&sortOrder=desc&orgId", None),
    ("addPlanToAgent", "POST+ /api/v1/protocol/agents/:agentId/plan/:planId", None),
    ("removePlanFromAgent", "DELETE+ /api/v1/protocol/agents/:agentId/plan/:planId", None),
    (
        "verifyPermissions",
        "POST+~ /api/v1/x402/verify",
        Some("paymentRequired:object x402AccessToken:text maxAmount:uint?"),
    ),
    (
        "settlePermissions",
        "POST+ /api/v1/x402/settle",
        Some(
            "paymentRequired:object x402AccessToken:text maxAmount:uint? agentRequestId:text? batch:flag? marginPercent:number?",
        ),
    ),
    (
        "startSimulationRequest",
        "POST+ /api/v1/protocol/agents/simulate/start",
        Some("pricePerCredit:number? batch:flag? agentName:text? planName:text?"),
    ),
    // Nothing is burned by it.
    (
        "finishSimulationRequest",
        "POST+~ /api/v1/protocol/agents/simulate/finish",
        Some("agentRequestId:text marginPercent:number!0.2 batch:flag!false"),
    ),
    (
        "trackAgentSubTask",
        "POST+ /api/v1/protocol/agent-sub-tasks",
        Some("agentRequestId:text creditsToRedeem:count!0 tag:text? description:text? status:text?"),
    ),
    (
        "createMember",
        "POST+ /api/v1/organizations/account",
        Some("userId=uniqueExternalId:text userEmail=email:text? userRole=role:text?"),
    ),
    ("onboardCustomer", "POST+ /api/v1/organizations/account", Some("email:text as:text!\"customer\"")),
    // Reads, whatever its method.
    (
        "getMembers",
        "POST+~ /api/v1/organizations/members",
        Some("role:text? isActive:flag? page:int!1 offset:int!100"),
    ),
    ("getMyMemberships", "GET+ /api/v1/organizations/my-memberships", None),
    (
        "getOrganizationActivity",
        "GET+ /api/v1/organizations/:orgId/activity?eventType&actorUserId&from&to&page&limit",
        None,
    ),
    (
        "connectStripeAccount",
        "POST+ /api/v1/fiat/stripe/account",
        Some("userEmail:text userCountryCode:text returnUrl:text"),
    ),
    ("getDeploymentInfo", "GET /", None),
    (
        "createOrder",
        "POST+ /api/v1/orders",
        Some(
            "amountMinor:int currency:text!\"usd\" description:text? buyerRef:text? idempotencyKey:text? lineItems:list? \
             metadata:object? captureMode:text? paymentProvider:text?",
        ),
    ),
    ("getOrder", "GET /api/v1/orders/:orderId", None),
    (
        "issueChallenge",
        "POST+ /api/v1/mpp/challenge",
        Some("planId:id credits:uint resource:text httpVerb:text agentId:id? digest:text? description:text?"),
    ),
    ("verifyCredential", "POST+~ /api/v1/mpp/verify", Some(REDEEM)),
    // Once for each challenge, however often it is sent (section 4.7).
    ("settleCredential", "POST+~ /api/v1/mpp/settle", Some(REDEEM)),
];

const REDEEM: &str = "credential:text resource:text httpVerb:text bodyDigest:text?";

/// The body of `createDelegation`. It stands outside the table because buyers also have this call, with an unchecked
/// body.
const DELEGATION: &str = "provider:text spendingLimitCents:int durationSecs:int currency:text \
                          providerPaymentMethodId:text? planId:id? merchantAccountId:text? maxTransactions:int? apiKeyId:text?";

fn line(name: &str) -> Option<(&'static str, Option<&'static str>)> {
    if name == "createDelegation" {
        return Some(("POST+ /api/v1/delegation/create", Some(DELEGATION)));
    }
    CALLS.iter().find(|(other, _, _)| *other == name).map(|(_, line, body)| (*line, *body))
}

/// True if a call may be sent again although its HTTP method does not allow it.
pub(super) fn is_repeatable(name: &str) -> bool {
    line(name).is_some_and(|(line, _)| has(line.split_byte(b' ').next().unwrap_or_default(), b'~'))
}

/// The names of the table's calls, for tests.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    CALLS.iter().map(|(name, _, _)| *name)
}

pub(super) fn request(name: &str, given: &Map<String, Value>) -> Result<Request, WireError> {
    let (line, members) = line(name).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "call"))?;
    let fields = Fields(given);
    let (kind, target) = line.split_once(' ').unwrap_or_default();
    let (template, query) = target.split_once('?').unwrap_or((target, ""));

    let mut path = String::new();
    for part in template.split('/').skip(1) {
        path.push('/');
        match part.strip_prefix(':') {
            Some(field) => path.push_str(&fields.id(field)?),
            None => path.push_str(part),
        }
    }
    let mut joint = '?';
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (name, usual) = match parameter.split_once('=') {
            Some((name, usual)) => (name, Some(usual)),
            None => (parameter, None),
        };
        let value = fields.get(name).map(|value| in_query(value, name)).transpose()?;
        if let Some(value) = value.filter(|text| !text.is_empty()).or(usual.map(Into::into)) {
            path.push(joint);
            path.push_str(name);
            path.push('=');
            path.push_str(&encode(&value));
            joint = '&';
        }
    }
    let body = members.map(|members| body(members, fields)).transpose()?;
    if let Some(body) = &body {
        check(name, body)?;
    }
    let method = match kind.trim_end_matches(['+', '~']) {
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        _ => Method::Get,
    };
    let auth = if has(kind, b'+') { Auth::Key } else { Auth::Public };
    let body = body.map(|body| print_object(&body));
    Ok(Request { method, path: path.into(), auth, body })
}

fn body(members: &str, fields: Fields<'_>) -> Result<Map<String, Value>, WireError> {
    let mut body = Map::new();
    for member in members.split_ascii_whitespace() {
        let (names, kind) = member.split_once(':').unwrap_or_default();
        let (given, name) = names.split_once('=').unwrap_or((names, names));
        let (kind, usual) = match kind.split_once('!') {
            Some((kind, usual)) => (kind, Some(usual)),
            None => (kind, None),
        };
        let (kind, optional) = match kind.strip_suffix('?') {
            Some(kind) => (kind, true),
            None => (kind, usual.is_some()),
        };
        // An empty text says nothing. An empty amount is wrong: without one, the platform takes the most.
        let text = kind == "text" || kind == "id" && optional;
        let value = fields.get(given).filter(|value| !text || value.as_str() != Some(""));
        let value = match (value, usual) {
            (Some(value), _) => read(kind, value, given)?,
            (None, Some(usual)) => {
                let usual = crate::codec::parse_json(usual.as_bytes()).unwrap_or_default();
                read(kind, &usual, given)?
            }
            (None, None) if optional => continue,
            (None, None) => return Err(WireError::new(WireErrorKind::Missing, given.to_string())),
        };
        body.insert(name.into(), value);
    }
    Ok(body)
}

/// The text of a value in a query. A list is joined with commas.
fn in_query(value: &Value, name: &str) -> Result<String, WireError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Array(list) => {
            let list: Result<Vec<_>, _> = list.iter().map(|one| in_query(one, name)).collect();
            Ok(list?.join(","))
        }
        _ => match read("int", value, name)? {
            number @ Value::Number(_) => Ok(print(&number)),
            _ => Ok(String::new()),
        },
    }
}

/// Checks members against each other (section 4.5): a settle takes either an amount or a margin on the cost of a
/// request.
fn check(name: &str, body: &Map<String, Value>) -> Result<(), WireError> {
    let margin = body.get("marginPercent").and_then(Value::as_f64);
    let wrong = || WireError::new(WireErrorKind::BadValue, "marginPercent");
    if margin.is_some_and(|margin| !(0.0..=10.0).contains(&margin)) {
        return Err(wrong());
    }
    let both = body.contains_key("maxAmount") && body.contains_key("agentRequestId");
    if name == "settlePermissions" && margin.is_some() && both {
        return Err(wrong());
    }
    Ok(())
}
