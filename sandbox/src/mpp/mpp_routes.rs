//! The routes of the Machine Payments Protocol: challenges, and credentials that pay them (contract sections 4.7, 7,
//! 13.9).

use crate::catalog::endpoint_patterns::Match;
use crate::catalog::{agents, plans};
use crate::context::RequestContext;
use crate::crypto::secrets::{self, Name};
use crate::facilitator::settlement::{self, AmountDue, PresentedToken, SettleOutcome};
use crate::facilitator::x402;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, text, uint256};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::mpp::challenge::{Binding, Challenge, ChallengeRequest, Credential, LIFE};
use crate::primitives::time;
use crate::storage::store::binds;
use crate::tokens::issue;
use crate::tokens::permission;
use crate::tokens::protocol::Protocol;
use payments_wasm::wire::base64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The secret that seals challenges. MPP is off if the sandbox is configured without one.
fn secret(ctx: &RequestContext) -> Result<Vec<u8>> {
    if !ctx.settings.mpp {
        return Err(ApiError::new(501, "BCK.MPP.0002", "MPP is not configured here"));
    }
    secrets::load(ctx, Name::Mpp)
}

/// One error for all failures, so a forger learns nothing.
fn rejected() -> ApiError {
    ApiError::new(402, "BCK.MPP.0003", "The credential was rejected")
}

/// `POST /api/v1/mpp/challenge`: the challenge for a seller's 402. Each one is different, because its id can be paid
/// once.
pub(crate) fn challenge(ctx: &RequestContext) -> Result {
    let secret = secret(ctx)?;
    accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let plan = plans::load(ctx, &plans::id_in(&body, "planId")?)?;
    let agent_id = text(&body, "agentId").map(str::to_owned);
    if let Some(agent_id) = &agent_id {
        let agent = agents::load(ctx, agent_id)?;
        if !agents::has_plan(ctx, &agent.id, &plan.id)? {
            let message = format!("Plan {} is not on agent {agent_id}", plan.id);
            return Err(ApiError::new(400, "BCK.X402.0003", message));
        }
    }
    let credits = uint256(&body, "credits")?.ok_or_else(|| ApiError::bad_uint256("credits"))?;
    let asked = ChallengeRequest { plan_id: plan.id, agent_id, credits };
    let challenge = Challenge::new(
        &realm(ctx),
        &asked,
        &place(&body)?,
        &ctx.random.hex(16)?,
        time::iso(ctx.request.now.saturating_add(LIFE)),
        (text(&body, "digest"), text(&body, "description")),
    );
    let id = base64::encode_url(&secrets::seal(&secret, &challenge.sealed_text())?);
    Response::created(json!({ "challenge": challenge.header(&id), "id": id }))
}

/// The realm of the challenges: the sandbox's own address.
fn realm(ctx: &RequestContext) -> String {
    ctx.request.origin.split_once("://").map_or(ctx.request.origin.as_str(), |(_, host)| host).to_owned()
}

fn place(body: &Map<String, Value>) -> Result<Binding> {
    let field = |name: &str| {
        text(body, name).ok_or_else(|| ApiError::bad_request(format!("{name} is missing"))).map(str::to_owned)
    };
    Ok(Binding { resource: field("resource")?, verb: field("httpVerb")?.to_ascii_uppercase() })
}

/// Parses a credential and checks that its challenge was issued here, for this resource and body.
fn open(ctx: &RequestContext, body: &Map<String, Value>) -> Result<(Credential, ChallengeRequest)> {
    let secret = secret(ctx)?;
    let credential = text(body, "credential").and_then(Credential::read).ok_or_else(rejected)?;
    let seal = base64::decode(&credential.id, 64, "id").map_err(|_| rejected())?;
    if !secrets::sealed(&secret, &credential.challenge.sealed_text(), &seal)? {
        return Err(rejected());
    }
    let asked = credential.challenge.asked().ok_or_else(rejected)?;
    if credential.challenge.place().as_ref() != Some(&place(body)?) {
        return Err(rejected());
    }
    if credential.challenge.digest.is_some()
        && credential.challenge.digest.as_deref() != text(body, "bodyDigest")
    {
        return Err(ApiError::new(
            402,
            "BCK.MPP.0005",
            "The body differs from the one the challenge was issued for",
        )
        .hint("Request a new challenge with the body you will send."));
    }
    Ok((credential, asked))
}

/// Verifies the token of a credential if its challenge can still be paid.
fn present(
    ctx: &RequestContext,
    credential: &Credential,
    asked: &ChallengeRequest,
) -> Result<PresentedToken> {
    let expires = time::parse(&credential.challenge.expires).ok_or_else(rejected)?;
    if expires <= ctx.request.now {
        return Err(ApiError::new(402, "BCK.MPP.0004", "The challenge has expired")
            .hint("Pay the fresh challenge of the next 402."));
    }
    let permission = permission::recognise(ctx, &credential.token, Protocol::Mpp).map_err(|_| rejected())?;
    let agent_differs = matches!((&permission.agent_id, &asked.agent_id), (Some(a), Some(b)) if a != b);
    if permission.plan_id != asked.plan_id || agent_differs {
        return Err(rejected());
    }
    let plan = x402::plan_of(ctx, &permission).map_err(|_| rejected())?;
    Ok(PresentedToken { permission, plan })
}

/// The result of settling a challenge, if it was settled.
fn settled(ctx: &RequestContext, id: &str) -> Result<Option<Value>> {
    #[derive(Deserialize)]
    struct Row {
        result: String,
    }
    let row: Option<Row> = ctx.store.first("SELECT result FROM challenges WHERE id = ?", binds![id])?;
    Ok(row.and_then(|row| serde_json::from_str(&row.result).ok()))
}

/// `POST /api/v1/mpp/verify`: burns nothing. A challenge that was paid is refused.
pub(crate) fn verify(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let (credential, asked) = open(ctx, &body)?;
    if settled(ctx, &credential.id)?.is_some() {
        return Err(rejected());
    }
    let presented = present(ctx, &credential, &asked)?;
    settlement::check(ctx, &presented, Some(asked.credits))?.map_err(|_| rejected())?;
    let place = place(&body)?;
    let matched = Match { verb: place.verb, url: place.resource };
    x402::verified(ctx, &presented.permission, &presented.plan, &matched)
}

/// `POST /api/v1/mpp/settle`: settles each challenge once; repeated calls get the same response.
pub(crate) fn settle(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let (credential, asked) = open(ctx, &body)?;
    if let Some(result) = settled(ctx, &credential.id)? {
        return Response::ok(result);
    }
    let presented = present(ctx, &credential, &asked)?;
    let charge = presented.plan.terms.grant.charge(Some(asked.credits));
    let due = AmountDue { charge, request: None, cost: None };
    let receipt = match settlement::settle(ctx, &presented, &due)? {
        SettleOutcome::Paid(receipt) => receipt,
        SettleOutcome::Refused(_) => {
            return Ok(rejected().to_response(&ctx.request.correlation, &time::iso(ctx.request.now)));
        }
    };
    let mut result = receipt.view(&presented.permission);
    let slip = json!({
        "method": "nevermined", "reference": receipt.tx, "status": "success",
        "timestamp": time::iso(ctx.request.now),
    });
    if let Some(result) = result.as_object_mut() {
        result.insert("paymentReceipt".into(), base64::encode_url(slip.to_string().as_bytes()).into());
    }
    ctx.store.run(
        "INSERT INTO challenges (id, tx, result, at) VALUES (?, ?, ?, ?)",
        binds![credential.id.as_str(), receipt.tx.as_str(), result.to_string(), ctx.request.now],
    )?;
    Response::ok(result)
}

/// `POST /api/v1/mpp/permissions`: a token for the MPP routes. It has no version, and challenges bind it, not a
/// resource of its own.
pub(crate) fn mint(ctx: &RequestContext) -> Result {
    secret(ctx)?;
    let body = ctx.request.json()?;
    let extra = member(&body, "accepted").and_then(|accepted| accepted.get("extra"));
    let verb = extra.and_then(|extra| extra.get("httpVerb")).is_some_and(|verb| !verb.is_null());
    if member(&body, "tokenVersion").is_some() || member(&body, "resource").is_some() || verb {
        return Err(ApiError::new(
            400,
            "BCK.MPP.0007",
            "An MPP token has no tokenVersion, resource or httpVerb",
        )
        .hint("Omit them: the challenge makes the payment single-use and binds its resource."));
    }
    issue::mint(ctx, Protocol::Mpp)
}
