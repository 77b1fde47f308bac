//! The OAuth endpoints that the metadata of MCP servers points to: token, userinfo and server metadata (contract
//! section 8.5; RFC 6749, 6750, 7636, 8414, 8707).
//!
//! The access token for a code is an x402 access token of the selected plan: MCP servers accept it as a bearer token.
//! Client secrets are ignored, because MCP servers make them up.

use crate::catalog::plans;
use crate::context::RequestContext;
use crate::crypto::issuer_key::IssuerKey;
use crate::delegations::delegation;
use crate::http::error::{ApiError, Result};
use crate::http::fields::text;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::primitives::time;
use crate::storage::store::binds;
use crate::tokens::issue;
use crate::tokens::issue::Granted;
use crate::tokens::permission;
use crate::tokens::protocol::Protocol;
use payments_wasm::wire::base64;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// All scopes. A request without a scope gets all of them.
pub(crate) const SCOPES: [&str; 6] = ["openid", "profile", "credits", "mcp:read", "mcp:write", "mcp:tools"];
/// Lifetime of a code in milliseconds.
const CODE_LIFE: i64 = 5 * 60_000;
/// Lifetime of an ID token in seconds.
const ID_SECS: i64 = 3600;
const COLUMNS: &str = "id, account, client, redirect_uri, challenge, scope, resource, nonce, plan_id, agent_id, \
    delegation_id, used, expires_at";

/// A new authorization code and what the user allowed.
pub(crate) struct Code<'a> {
    pub(crate) owner: &'a Identity,
    pub(crate) client: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) challenge: &'a str,
    pub(crate) scope: &'a str,
    pub(crate) resource: Option<&'a str>,
    pub(crate) nonce: Option<&'a str>,
    pub(crate) plan_id: &'a str,
    pub(crate) agent_id: Option<&'a str>,
    pub(crate) delegation_id: &'a str,
}

/// The stored grant of a code.
#[derive(Deserialize)]
struct Grant {
    id: String,
    account: String,
    client: String,
    redirect_uri: String,
    challenge: String,
    scope: String,
    resource: Option<String>,
    nonce: Option<String>,
    plan_id: String,
    agent_id: Option<String>,
    delegation_id: String,
    used: i64,
    expires_at: i64,
}

/// A refusal: the OAuth error code and the platform's error.
struct Refusal(&'static str, ApiError);

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self(if error.status >= 500 { "server_error" } else { "invalid_grant" }, error)
    }
}

fn no(error: &'static str, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal(error, ApiError::new(400, code, message))
}

fn stale(message: &'static str) -> Refusal {
    let hint = "A code is valid once, for five minutes, with the verifier of its challenge: start again at /oauth/authorize.";
    Refusal("invalid_grant", ApiError::new(400, "BCK.OAUTH.0004", message).hint(hint))
}

/// The requested scope, if all of it is known.
pub(crate) fn scope(asked: Option<&str>) -> Option<String> {
    let Some(asked) = asked else { return Some(SCOPES.join(" ")) };
    let words: Vec<&str> = asked.split_ascii_whitespace().collect();
    words.iter().all(|word| SCOPES.contains(word)).then(|| words.join(" "))
}

/// Stores what the user allowed and returns the code.
pub(crate) fn allow(ctx: &RequestContext, code: &Code<'_>) -> Result<String> {
    let text = base64::encode_url(&ctx.random.bytes(32)?);
    ctx.store.run(
        &format!(
            "INSERT INTO oauth_grants (code, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)"
        ),
        binds![
            text.as_str(),
            ctx.random.uuid()?,
            code.owner.address.as_str(),
            code.client,
            code.redirect_uri,
            code.challenge,
            code.scope,
            code.resource,
            code.nonce,
            code.plan_id,
            code.agent_id,
            code.delegation_id,
            ctx.request.now.saturating_add(CODE_LIFE),
        ],
    )?;
    Ok(text)
}

/// The fields of a token request: a form, or JSON from some clients.
fn fields(ctx: &RequestContext) -> Result<Map<String, Value>> {
    if ctx.request.body.trim_start().starts_with('{') {
        return ctx.request.json();
    }
    Ok(ctx.request.form().object())
}

/// `POST /oauth/token`
pub(crate) fn token(ctx: &RequestContext) -> Result {
    let fields = fields(ctx)?;
    let answer = match text(&fields, "grant_type") {
        Some("authorization_code") => exchange(ctx, &fields),
        Some("refresh_token") => refresh(ctx, &fields),
        Some(_) => Err(no(
            "unsupported_grant_type",
            "BCK.OAUTH.0002",
            "grant_type must be authorization_code or refresh_token",
        )),
        None => Err(no("invalid_request", "BCK.OAUTH.0002", "grant_type is missing")),
    };
    match answer {
        Ok(answer) => Response::ok(answer),
        // An internal error rolls back everything. A refusal does not, because it may have revoked tokens.
        Err(Refusal(_, error)) if error.status >= 500 => Err(error),
        Err(Refusal(oauth_code, error)) => {
            Ok(error.to_oauth_response(oauth_code, &ctx.request.correlation, &time::iso(ctx.request.now)))
        }
    }
}

fn exchange(ctx: &RequestContext, fields: &Map<String, Value>) -> Result<Value, Refusal> {
    let missing = |name: &str| no("invalid_request", "BCK.OAUTH.0002", format!("{name} is missing"));
    let code = text(fields, "code").ok_or_else(|| missing("code"))?;
    let verifier = text(fields, "code_verifier").ok_or_else(|| missing("code_verifier"))?;
    let query = format!("SELECT {COLUMNS} FROM oauth_grants WHERE code = ?");
    let grant: Grant =
        ctx.store.first(&query, binds![code])?.ok_or_else(|| stale("The authorization code is unknown"))?;
    if grant.used != 0 {
        end(ctx, &grant.id)?;
        return Err(stale("The authorization code was used before; its tokens are revoked"));
    }
    if grant.expires_at <= ctx.request.now {
        return Err(stale("The authorization code has expired"));
    }
    if text(fields, "client_id") != Some(&grant.client) {
        return Err(no("invalid_grant", "BCK.OAUTH.0002", "client_id differs from the client of the code"));
    }
    if text(fields, "redirect_uri") != Some(&grant.redirect_uri) {
        return Err(no("invalid_grant", "BCK.OAUTH.0002", "redirect_uri differs from the one of the code"));
    }
    if !proves(verifier, &grant.challenge) {
        return Err(stale("code_verifier does not match the challenge"));
    }
    if let Some(resource) = text(fields, "resource")
        && grant.resource.as_deref() != Some(resource)
    {
        let message = "resource differs from the one of the code";
        return Err(no("invalid_target", "BCK.OAUTH.0005", message));
    }
    ctx.store.run("UPDATE oauth_grants SET used = 1 WHERE id = ?", binds![grant.id.as_str()])?;
    let scope = grant.scope.clone();
    answer(ctx, &grant, &scope)
}

fn refresh(ctx: &RequestContext, fields: &Map<String, Value>) -> Result<Value, Refusal> {
    #[derive(Deserialize)]
    struct Row {
        grant_id: String,
        used: i64,
    }
    let token = text(fields, "refresh_token")
        .ok_or_else(|| no("invalid_request", "BCK.OAUTH.0002", "refresh_token is missing"))?;
    let row: Row = ctx
        .store
        .first("SELECT grant_id, used FROM oauth_refresh WHERE token = ?", binds![token])?
        .ok_or_else(|| stale("The refresh token is unknown or revoked"))?;
    if row.used != 0 {
        end(ctx, &row.grant_id)?;
        return Err(stale("The refresh token was used before; all tokens of its code are revoked"));
    }
    let query = format!("SELECT {COLUMNS} FROM oauth_grants WHERE id = ?");
    let grant: Grant = ctx
        .store
        .first(&query, binds![row.grant_id])?
        .ok_or_else(|| stale("The grant of the refresh token no longer exists"))?;
    if text(fields, "client_id").is_some_and(|client| client != grant.client) {
        return Err(no("invalid_grant", "BCK.OAUTH.0002", "client_id differs from the client of the token"));
    }
    let scope = match text(fields, "scope") {
        None => grant.scope.clone(),
        Some(asked) if asked.split_ascii_whitespace().all(|word| has(&grant.scope, word)) => asked.to_owned(),
        Some(_) => {
            return Err(no("invalid_scope", "BCK.OAUTH.0002", "scope exceeds the allowed scope"));
        }
    };
    ctx.store.run("UPDATE oauth_refresh SET used = 1 WHERE token = ?", binds![token])?;
    answer(ctx, &grant, &scope)
}

/// True if the challenge is the hash of the verifier.
fn proves(verifier: &str, challenge: &str) -> bool {
    (43..=128).contains(&verifier.len())
        && base64::encode_url(&Sha256::digest(verifier.as_bytes())) == challenge
}

/// True if a scope contains a word.
fn has(scope: &str, word: &str) -> bool {
    scope.split_ascii_whitespace().any(|allowed| allowed == word)
}

/// Issues the tokens of a grant.
fn answer(ctx: &RequestContext, grant: &Grant, scope: &str) -> Result<Value, Refusal> {
    let account = accounts::find(ctx, &grant.account)?
        .ok_or_else(|| no("invalid_grant", "BCK.OAUTH.0006", "The account of the grant no longer exists"))?;
    let owner = account.identity();
    let delegation = delegation::own(ctx, &owner, &grant.delegation_id)?;
    if !delegation.is_valid(ctx.request.now) {
        return Err(stale("The delegation that pays is revoked or has expired"));
    }
    let plan = plans::load(ctx, &grant.plan_id)?;
    let Granted { token, hash } =
        issue::grant_for(ctx, &owner, &plan, grant.agent_id.as_deref(), &delegation)?;
    ctx.store.run(
        "INSERT INTO oauth_tokens (hash, grant_id, scope) VALUES (?, ?, ?)",
        binds![hash, grant.id.as_str(), scope],
    )?;
    let refresh = base64::encode_url(&ctx.random.bytes(32)?);
    ctx.store.run(
        "INSERT INTO oauth_refresh (token, grant_id, used) VALUES (?, ?, 0)",
        binds![refresh.as_str(), grant.id.as_str()],
    )?;
    let mut answer = json!({
        "access_token": token, "token_type": "Bearer", "refresh_token": refresh, "scope": scope,
        "expires_in": (delegation.expires_at - ctx.request.now) / 1000,
    });
    if let (true, Some(answer)) = (has(scope, "openid"), answer.as_object_mut()) {
        let now = ctx.request.now / 1000;
        let mut claims = claims(ctx, &account.address, scope)?;
        claims.insert("iss".into(), ctx.request.origin.as_str().into());
        claims.insert("aud".into(), grant.client.as_str().into());
        claims.insert("iat".into(), now.into());
        claims.insert("exp".into(), (now + ID_SECS).into());
        if let Some(nonce) = &grant.nonce {
            claims.insert("nonce".into(), nonce.as_str().into());
        }
        answer.insert("id_token".into(), IssuerKey::load(ctx)?.jwt(&Value::Object(claims)).into());
    }
    Ok(answer)
}

/// Revokes all tokens that were issued for a code.
fn end(ctx: &RequestContext, grant_id: &str) -> Result<()> {
    ctx.store.run("UPDATE oauth_refresh SET used = 1 WHERE grant_id = ?", binds![grant_id])?;
    ctx.store.run(
        "UPDATE permissions SET revoked_at = ?1 WHERE revoked_at = 0
         AND hash IN (SELECT hash FROM oauth_tokens WHERE grant_id = ?2)",
        binds![ctx.request.now.max(1), grant_id],
    )
}

/// The claims about an account that a scope includes.
fn claims(ctx: &RequestContext, address: &str, scope: &str) -> Result<Map<String, Value>> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
        email: Option<String>,
    }
    let mut claims = Map::new();
    claims.insert("sub".into(), address.into());
    let query = "SELECT name, email FROM accounts WHERE id = ?";
    let known = ctx.store.first::<Row>(query, binds![address.to_ascii_lowercase()])?;
    if let Some(Row { name, email }) = known.filter(|_| has(scope, "profile")) {
        claims.insert("name".into(), name.into());
        if let Some(email) = email {
            claims.insert("email".into(), email.into());
        }
    }
    Ok(claims)
}

/// `GET /oauth/userinfo`: the user of an access token.
pub(crate) fn userinfo(ctx: &RequestContext) -> Result {
    #[derive(Deserialize)]
    struct Row {
        scope: String,
    }
    let refused = |challenge: &'static str, error: ApiError| {
        let response = error.to_response(&ctx.request.correlation, &time::iso(ctx.request.now));
        Ok(Response { challenge: Some(challenge), ..response })
    };
    let Some(token) = ctx.request.bearer() else {
        return refused("Bearer", ApiError::unauthorized("The access token is missing"));
    };
    let permission = permission::recognise(ctx, token, Protocol::X402).ok();
    let row = match &permission {
        Some(permission) => {
            let query = "SELECT scope FROM oauth_tokens WHERE hash = ?";
            ctx.store.first::<Row>(query, binds![permission.hash.as_str()])?
        }
        None => None,
    };
    let (Some(permission), Some(Row { scope })) = (permission, row) else {
        let error = ApiError::unauthorized("The access token was not issued by /oauth/token or has expired");
        return refused("Bearer error=\"invalid_token\"", error);
    };
    if !has(&scope, "openid") {
        let error = ApiError::new(403, "BCK.AUTH.0003", "The access token lacks the scope openid");
        return refused("Bearer error=\"insufficient_scope\", scope=\"openid\"", error);
    }
    Response::ok(Value::Object(claims(ctx, &permission.holder, &scope)?))
}

/// `GET /.well-known/oauth-authorization-server`, `/.well-known/openid-configuration`: the server metadata.
pub(crate) fn metadata(ctx: &RequestContext) -> Result {
    let origin = &ctx.request.origin;
    Response::ok(json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/oauth/authorize"),
        "token_endpoint": format!("{origin}/oauth/token"),
        "userinfo_endpoint": format!("{origin}/oauth/userinfo"),
        "jwks_uri": format!("{origin}/.well-known/jwks.json"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        "scopes_supported": SCOPES,
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "name", "email"],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_matches_its_challenge() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
        assert!(proves(verifier, challenge));
        for (verifier, challenge) in
            [(challenge, verifier), (challenge, challenge), ("", ""), (&verifier.repeat(4), challenge)]
        {
            assert!(!proves(verifier, challenge), "{verifier}");
        }
    }

    #[test]
    fn unknown_scopes_are_refused() {
        for (asked, given) in [
            (None, Some("openid profile credits mcp:read mcp:write mcp:tools")),
            (Some("mcp:tools  openid"), Some("mcp:tools openid")),
            (Some("openid admin"), None),
            (Some("openi"), None),
        ] {
            assert_eq!(scope(asked).as_deref(), given, "{asked:?}");
        }
        assert!(has("mcp:read openid", "openid") && !has("openid2 mcp", "openid"));
    }
}
