//! The OAuth endpoints that the metadata of MCP servers points to: token, userinfo and server metadata (contract
//! section 8.5; RFC 6749, 6750, 7636, 8414, 8707).
//!
//! The access token for a code is an x402 access token of the selected plan: MCP servers accept it as a bearer token.
//! Client secrets are ignored, because MCP servers make them up.

use crate::Desk;
use crate::catalog::plans;
use crate::crypto::signing_keys::House;
use crate::delegations::delegation;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, text};
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::primitives::time;
use crate::storage::store::binds;
use crate::tokens::issue;
use crate::tokens::issue::Granted;
use crate::tokens::permission::{self, Protocol};
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

/// The tables of grants and of tokens issued for them.
pub(crate) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS oauth_grants (
  id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, account TEXT NOT NULL, client TEXT NOT NULL,
  redirect_uri TEXT NOT NULL, challenge TEXT NOT NULL, scope TEXT NOT NULL, resource TEXT, nonce TEXT,
  plan_id TEXT NOT NULL, agent_id TEXT, delegation_id TEXT NOT NULL, used INTEGER NOT NULL, expires_at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS oauth_tokens (hash TEXT PRIMARY KEY, grant_id TEXT NOT NULL, scope TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS oauth_tokens_by_grant ON oauth_tokens (grant_id);
CREATE TABLE IF NOT EXISTS oauth_refresh (token TEXT PRIMARY KEY, grant_id TEXT NOT NULL, used INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS oauth_refresh_by_grant ON oauth_refresh (grant_id);
";

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
struct Refusal(&'static str, Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(if problem.status >= 500 { "server_error" } else { "invalid_grant" }, problem)
    }
}

fn no(error: &'static str, code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal(error, Problem::new(400, code, message))
}

fn stale(message: &'static str) -> Refusal {
    let hint = "A code is good once, for five minutes, with the verifier of its challenge: start again at /oauth/authorize.";
    Refusal("invalid_grant", Problem::new(400, "BCK.OAUTH.0004", message).hint(hint))
}

/// The requested scope, if all of it is known.
pub(crate) fn scope(asked: Option<&str>) -> Option<String> {
    let Some(asked) = asked else { return Some(SCOPES.join(" ")) };
    let words: Vec<&str> = asked.split_ascii_whitespace().collect();
    words.iter().all(|word| SCOPES.contains(word)).then(|| words.join(" "))
}

/// Stores what the user allowed and returns the code.
pub(crate) fn allow(desk: &Desk, code: &Code<'_>) -> Outcome<String> {
    let text = base64::encode_url(&desk.random.bytes(32)?);
    desk.store.run(
        &format!(
            "INSERT INTO oauth_grants (code, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)"
        ),
        binds![
            text.as_str(),
            desk.random.uuid()?,
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
            desk.call.now.saturating_add(CODE_LIFE),
        ],
    )?;
    Ok(text)
}

/// The fields of a token request: a form, or JSON from some clients.
fn fields(desk: &Desk) -> Outcome<Map<String, Value>> {
    if desk.call.body.trim_start().starts_with('{') {
        return desk.call.json();
    }
    Ok(desk.call.form().object())
}

/// `POST /oauth/token`
pub(crate) fn token(desk: &Desk) -> Outcome {
    let fields = fields(desk)?;
    let answer = match text(&fields, "grant_type") {
        Some("authorization_code") => exchange(desk, &fields),
        Some("refresh_token") => refresh(desk, &fields),
        Some(_) => Err(no(
            "unsupported_grant_type",
            "BCK.OAUTH.0002",
            "grant_type must be authorization_code or refresh_token",
        )),
        None => Err(no("invalid_request", "BCK.OAUTH.0002", "grant_type is missing")),
    };
    match answer {
        Ok(answer) => Reply::ok(answer),
        // An internal error rolls back everything. A refusal does not, because it may have revoked tokens.
        Err(Refusal(_, problem)) if problem.status >= 500 => Err(problem),
        Err(Refusal(error, problem)) => {
            Ok(problem.oauth_reply(error, &desk.call.correlation, &time::iso(desk.call.now)))
        }
    }
}

fn exchange(desk: &Desk, fields: &Map<String, Value>) -> Result<Value, Refusal> {
    let missing = |name: &str| no("invalid_request", "BCK.OAUTH.0002", format!("{name} is missing"));
    let code = text(fields, "code").ok_or_else(|| missing("code"))?;
    let verifier = text(fields, "code_verifier").ok_or_else(|| missing("code_verifier"))?;
    let query = format!("SELECT {COLUMNS} FROM oauth_grants WHERE code = ?");
    let grant: Grant =
        desk.store.first(&query, binds![code])?.ok_or_else(|| stale("The authorization code is not one"))?;
    if grant.used != 0 {
        end(desk, &grant.id)?;
        return Err(stale("The authorization code was used before: what came of it is revoked"));
    }
    if grant.expires_at <= desk.call.now {
        return Err(stale("The authorization code has expired"));
    }
    if text(fields, "client_id") != Some(&grant.client) {
        return Err(no("invalid_grant", "BCK.OAUTH.0002", "client_id is not whom the code was given to"));
    }
    if text(fields, "redirect_uri") != Some(&grant.redirect_uri) {
        return Err(no("invalid_grant", "BCK.OAUTH.0002", "redirect_uri is not where the code was sent"));
    }
    if !proves(verifier, &grant.challenge) {
        return Err(stale("code_verifier is not that of the code's challenge"));
    }
    if let Some(resource) = text(fields, "resource")
        && grant.resource.as_deref() != Some(resource)
    {
        let message = "resource is not what the code was asked for";
        return Err(no("invalid_target", "BCK.OAUTH.0005", message));
    }
    desk.store.run("UPDATE oauth_grants SET used = 1 WHERE id = ?", binds![grant.id.as_str()])?;
    let scope = grant.scope.clone();
    answer(desk, &grant, &scope)
}

fn refresh(desk: &Desk, fields: &Map<String, Value>) -> Result<Value, Refusal> {
    #[derive(Deserialize)]
    struct Row {
        grant_id: String,
        used: i64,
    }
    let token = text(fields, "refresh_token")
        .ok_or_else(|| no("invalid_request", "BCK.OAUTH.0002", "refresh_token is missing"))?;
    let row: Row = desk
        .store
        .first("SELECT grant_id, used FROM oauth_refresh WHERE token = ?", binds![token])?
        .ok_or_else(|| stale("The refresh token is not one, or was revoked"))?;
    if row.used != 0 {
        end(desk, &row.grant_id)?;
        return Err(stale("The refresh token was used before: all that came of its code is revoked"));
    }
    let query = format!("SELECT {COLUMNS} FROM oauth_grants WHERE id = ?");
    let grant: Grant = desk
        .store
        .first(&query, binds![row.grant_id])?
        .ok_or_else(|| stale("What the refresh token is of is gone"))?;
    if text(fields, "client_id").is_some_and(|client| client != grant.client) {
        return Err(no("invalid_grant", "BCK.OAUTH.0002", "client_id is not whom the token was given to"));
    }
    let scope = match text(fields, "scope") {
        None => grant.scope.clone(),
        Some(asked) if asked.split_ascii_whitespace().all(|word| has(&grant.scope, word)) => asked.to_owned(),
        Some(_) => {
            return Err(no("invalid_scope", "BCK.OAUTH.0002", "scope is more than what was allowed"));
        }
    };
    desk.store.run("UPDATE oauth_refresh SET used = 1 WHERE token = ?", binds![token])?;
    answer(desk, &grant, &scope)
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
fn answer(desk: &Desk, grant: &Grant, scope: &str) -> Result<Value, Refusal> {
    let account = accounts::find(desk, &grant.account)?
        .ok_or_else(|| no("invalid_grant", "BCK.OAUTH.0006", "The account that allowed it is gone"))?;
    let owner = account.identity();
    let delegation = delegation::own(desk, &owner, &grant.delegation_id)?;
    if !delegation.stands(desk.call.now) {
        return Err(stale("The delegation that pays is revoked or has expired"));
    }
    let plan = plans::load(desk, &grant.plan_id)?;
    let Granted { token, hash } =
        issue::grant_for(desk, &owner, &plan, grant.agent_id.as_deref(), &delegation)?;
    desk.store.run(
        "INSERT INTO oauth_tokens (hash, grant_id, scope) VALUES (?, ?, ?)",
        binds![hash, grant.id.as_str(), scope],
    )?;
    let refresh = base64::encode_url(&desk.random.bytes(32)?);
    desk.store.run(
        "INSERT INTO oauth_refresh (token, grant_id, used) VALUES (?, ?, 0)",
        binds![refresh.as_str(), grant.id.as_str()],
    )?;
    let mut answer = json!({
        "access_token": token, "token_type": "Bearer", "refresh_token": refresh, "scope": scope,
        "expires_in": (delegation.expires_at - desk.call.now) / 1000,
    });
    if let (true, Some(answer)) = (has(scope, "openid"), answer.as_object_mut()) {
        let now = desk.call.now / 1000;
        let mut claims = claims(desk, &account.address, scope)?;
        claims.insert("iss".into(), desk.call.origin.as_str().into());
        claims.insert("aud".into(), grant.client.as_str().into());
        claims.insert("iat".into(), now.into());
        claims.insert("exp".into(), (now + ID_SECS).into());
        if let Some(nonce) = &grant.nonce {
            claims.insert("nonce".into(), nonce.as_str().into());
        }
        answer.insert("id_token".into(), House::load(desk)?.jwt(&Value::Object(claims)).into());
    }
    Ok(answer)
}

/// Revokes all tokens that were issued for a code.
fn end(desk: &Desk, grant_id: &str) -> Outcome<()> {
    desk.store.run("UPDATE oauth_refresh SET used = 1 WHERE grant_id = ?", binds![grant_id])?;
    desk.store.run(
        "UPDATE permissions SET revoked_at = ?1 WHERE revoked_at = 0
         AND hash IN (SELECT hash FROM oauth_tokens WHERE grant_id = ?2)",
        binds![desk.call.now.max(1), grant_id],
    )
}

/// The claims about an account that a scope includes.
fn claims(desk: &Desk, address: &str, scope: &str) -> Outcome<Map<String, Value>> {
    #[derive(Deserialize)]
    struct Row {
        name: String,
        email: Option<String>,
    }
    let mut claims = Map::new();
    claims.insert("sub".into(), address.into());
    let query = "SELECT name, email FROM accounts WHERE id = ?";
    let known = desk.store.first::<Row>(query, binds![address.to_ascii_lowercase()])?;
    if let Some(Row { name, email }) = known.filter(|_| has(scope, "profile")) {
        claims.insert("name".into(), name.into());
        if let Some(email) = email {
            claims.insert("email".into(), email.into());
        }
    }
    Ok(claims)
}

/// `GET /oauth/userinfo`: the user of an access token.
pub(crate) fn userinfo(desk: &Desk) -> Outcome {
    #[derive(Deserialize)]
    struct Row {
        scope: String,
    }
    let refused = |challenge: &'static str, problem: Problem| {
        let reply = problem.reply(&desk.call.correlation, &time::iso(desk.call.now));
        Ok(Reply { challenge: Some(challenge), ..reply })
    };
    let Some(token) = desk.call.bearer() else {
        return refused("Bearer", Problem::unauthorized("The access token is missing"));
    };
    let permission = permission::recognise(desk, token, Protocol::X402).ok();
    let row = match &permission {
        Some(permission) => {
            let query = "SELECT scope FROM oauth_tokens WHERE hash = ?";
            desk.store.first::<Row>(query, binds![permission.hash.as_str()])?
        }
        None => None,
    };
    let (Some(permission), Some(Row { scope })) = (permission, row) else {
        let problem = Problem::unauthorized("The access token is none that came of /oauth/token, or is over");
        return refused("Bearer error=\"invalid_token\"", problem);
    };
    if !has(&scope, "openid") {
        let problem = Problem::new(403, "BCK.AUTH.0003", "The access token is not of the scope openid");
        return refused("Bearer error=\"insufficient_scope\", scope=\"openid\"", problem);
    }
    Reply::ok(Value::Object(claims(desk, &permission.holder, &scope)?))
}

/// `GET /.well-known/oauth-authorization-server`, `/.well-known/openid-configuration`: the server metadata.
pub(crate) fn metadata(desk: &Desk) -> Outcome {
    let origin = &desk.call.origin;
    Reply::ok(json!({
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
    fn a_verifier_proves_its_challenge() {
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
    fn what_can_be_asked_for() {
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
