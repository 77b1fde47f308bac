//! The calls whose answer is the caller's as it came, one line each (contract section 4).

use super::query::encode;
use super::{Auth, Method, Request};
use crate::codec::text::{ByteSplit, has};
use crate::wire::{ResourceId, WireError, WireErrorKind};
use alloc::string::String;

/// The lines of calls that sellers make too.
pub(super) const GET_PLANS: &str =
    "GET+ /api/v1/protocol/plans?page=1&offset=100&sortBy=created&sortOrder=desc&orgId";
// A page's size goes by two names.
pub(super) const GET_AGENTS_OF_A_PLAN: &str =
    "GET /api/v1/protocol/plans/:planId/agents?sortBy&sortOrder=desc&page=1&pageSize=10";
pub(super) const GET_AGENT_PLANS: &str =
    "GET /api/v1/protocol/agents/:agentId/plans?sortBy&sortOrder=desc&page=1&pageSize=10";

/// By the name that the SDK gives it: the method, with `+` where the key rides along and `!` where there is a body too; the
/// path; and its query, with the values that stand where none is given. What is given fills the line from left to right, the
/// body last.
///
/// A table rather than a function each, as their code would weigh several times as much. The calls of sellers have a table and a
/// reader of their own (`builder::table`): a reader of both weighs 230 bytes more in each WebAssembly.
const CALLS: [(&str, &str); 17] = [
    ("getPlan", "GET /api/v1/protocol/plans/:planId"),
    ("getPlans", GET_PLANS),
    ("getAgentsAssociatedToAPlan", GET_AGENTS_OF_A_PLAN),
    ("orderPlan", "POST+ /api/v1/protocol/plans/:planId/order"),
    // Answers a link; nothing is charged before somebody pays there. The platform has no place for a way back, and says
    // nothing when it is paid: the credits do (section 8.4).
    ("orderFiatPlan", "POST+! /api/v1/fiat/stripe/payment"),
    ("getAgent", "GET /api/v1/protocol/agents/:agentId"),
    ("getAgentPlans", GET_AGENT_PLANS),
    ("createDelegation", "POST+! /api/v1/delegation/create"),
    ("listDelegations", "GET+ /api/v1/delegation?accessible"),
    ("listPaymentMethods", "GET+ /api/v1/payment-methods?accessible&provider"),
    ("updatePaymentMethod", "PATCH+! /api/v1/payment-methods/:paymentMethodId"),
    // A session for the card pages. One of one's own leads back to this machine only (section 8.3).
    ("startSession", "POST+! /api/v1/widgets/session/self"),
    // Its body is the caller's, who may make a delegation with it. The fetch mints by itself: `x402::GetAccessToken`.
    ("getX402AccessToken", "POST+! /api/v1/x402/permissions"),
    // In the documentation only (route 47): no official client calls these.
    ("revokeDelegation", "DELETE+ /api/v1/delegation/:delegationId"),
    ("getPermission", "GET+ /api/v1/x402/permissions/:permissionHash"),
    ("listPermissions", "GET+ /api/v1/x402/permissions?page&offset"),
    ("revokePermission", "DELETE+ /api/v1/x402/permissions/:permissionHash"),
];

/// The request of a call by its name. Ids are checked, so that none leads elsewhere; the rest is encoded.
///
/// # Errors
/// Names the id or `options` (the body) that is missing or wrong; `BadValue` of `call` for a name that is none of these.
pub(crate) fn request(name: &str, given: &[Option<String>]) -> Result<Request, WireError> {
    let line = CALLS.iter().find(|(other, _)| *other == name).map(|(_, line)| *line);
    let line = line.ok_or_else(|| WireError::new(WireErrorKind::BadValue, "call"))?;
    let mut given = given.iter().map(Option::as_deref);
    let mut next = || given.next().flatten();

    let (kind, target) = line.split_once_byte(b' ').unwrap_or_default();
    let (template, query) = target.split_once_byte(b'?').unwrap_or((target, ""));
    let mut path = String::new();
    for part in template.split_byte(b'/').skip(1) {
        path.push('/');
        match part.strip_prefix(':') {
            Some(field) => path.push_str(ResourceId::parse(next().unwrap_or_default(), field)?.as_str()),
            None => path.push_str(part),
        }
    }
    let mut joint = '?';
    for parameter in query.split_byte(b'&').filter(|parameter| !parameter.is_empty()) {
        let (name, usual) = match parameter.split_once_byte(b'=') {
            Some((name, usual)) => (name, Some(usual)),
            None => (parameter, None),
        };
        if let Some(value) = next().or(usual) {
            path.push(joint);
            path.push_str(name);
            path.push('=');
            path.push_str(&encode(value));
            joint = '&';
        }
    }
    let body = match kind.ends_with('!') {
        true => Some(next().ok_or_else(|| WireError::new(WireErrorKind::Missing, "options"))?.into()),
        false => None,
    };
    let method = match kind.split_byte(b'+').next().unwrap_or_default() {
        "POST" => Method::Post,
        "PATCH" => Method::Patch,
        "DELETE" => Method::Delete,
        _ => Method::Get,
    };
    let auth = if has(kind, b'+') { Auth::Key } else { Auth::Public };
    Ok(Request { method, path: path.into(), auth, body })
}
