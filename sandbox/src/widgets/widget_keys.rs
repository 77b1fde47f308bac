//! Widget keys: an organization's site signs in its visitors with them (contract section 8.3, the public
//! documentation's page on widgets).
//!
//! The site's server signs an `initToken` (a JWT, HS256) with the key's secret. A widget exchanges it here for a
//! session of the visitor. The sandbox has one account per visitor and organization.

use crate::context::RequestContext;
use crate::crypto::secrets;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, text};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::identity::membership;
use crate::identity::widget_session;
use crate::pages::return_url;
use crate::primitives::time;
use crate::storage::store::binds;
use payments_wasm::wire::base64;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Maximum size of an init token in bytes.
const MAX_TOKEN_BYTES: usize = 8 * 1024;

/// A stored key.
#[derive(Deserialize)]
struct Key {
    id: String,
    secret: String,
    origins: String,
}

impl Key {
    fn allows(&self, origin: &str) -> bool {
        widget_session::origins(&self.origins).iter().any(|allowed| allowed == origin)
    }
}

/// `POST /sandbox/organizations/:orgId/widget-keys` `{name?, allowedOrigins}`: creates a key. Its secret is shown
/// once.
pub(crate) fn create(ctx: &RequestContext, org_id: &str) -> Result {
    let (org, body) = (membership::load(ctx, org_id)?, ctx.request.json()?);
    let wrong = || ApiError::bad_request("allowedOrigins must be a list of origins like https://app.example");
    let listed = member(&body, "allowedOrigins").and_then(Value::as_array).ok_or_else(wrong)?;
    let origins = listed.iter().map(|item| item.as_str().and_then(origin)).collect::<Option<Vec<_>>>();
    let origins = origins.filter(|origins| !origins.is_empty()).ok_or_else(wrong)?;
    let (id, name) = (ctx.random.uuid()?, text(&body, "name").unwrap_or("Widget key"));
    let secret = format!("wsk_{}", base64::encode_url(&ctx.random.bytes(32)?));
    ctx.store.run(
        "INSERT INTO widget_keys (id, org_id, name, secret, origins, revoked, created_at) VALUES (?, ?, ?, ?, ?, 0, ?)",
        binds![
            id.as_str(),
            org.id.as_str(),
            name,
            secret.as_str(),
            json!(origins).to_string(),
            ctx.request.now,
        ],
    )?;
    Response::created(json!({
        "widgetKeyId": id, "name": name, "secretKey": secret, "allowedOrigins": origins, "orgId": org.id,
    }))
}

/// `DELETE /sandbox/organizations/:orgId/widget-keys/:id`: revokes a key and ends its sessions.
pub(crate) fn revoke(ctx: &RequestContext, org_id: &str, id: &str) -> Result {
    let query = "SELECT COUNT(*) AS count FROM widget_keys WHERE id = ? AND org_id = ?";
    if ctx.store.count(query, binds![id, org_id])? == 0 {
        return Err(ApiError::new(404, "SANDBOX.NOT_FOUND", format!("Widget key {id} not found")));
    }
    ctx.store.run("UPDATE widget_keys SET revoked = 1 WHERE id = ?", binds![id])?;
    Ok(Response::empty())
}

/// A serialized origin, and nothing else.
fn origin(text: &str) -> Option<String> {
    let url = return_url::parse(text)?;
    let plain = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let origin = url.origin().ascii_serialization();
    (plain && origin == text).then_some(origin)
}

fn invalid() -> ApiError {
    ApiError::new(401, "BCK.WIDGET_SESSION.0001", "The widget init token is invalid or has expired")
        .hint("It is a JWT (HS256) of the organization's widget key, good for five minutes: sign a new one.")
}

/// The parts of an init token: signed text, signature, claims.
fn open(token: &str) -> Option<(&str, Vec<u8>, Map<String, Value>)> {
    let (signed, signature) = token.rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let read = |part: &str| -> Option<Map<String, Value>> {
        serde_json::from_slice(&base64::decode(part, MAX_TOKEN_BYTES, "initToken").ok()?).ok()
    };
    let hs256 = text(&read(header)?, "alg") == Some("HS256");
    let signature = base64::decode(signature, 64, "initToken").ok()?;
    hs256.then_some(())?;
    Some((signed, signature, read(payload)?))
}

/// `POST /api/v1/widgets/session` `{initToken, parentOrigin}`: opens a session of a visitor. The token may also be
/// the bearer token.
pub(crate) fn start(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let token = text(&body, "initToken").or_else(|| ctx.request.bearer()).ok_or_else(invalid)?;
    let (signed, signature, claims) = open(token).ok_or_else(invalid)?;
    let fields =
        text(&claims, "sub").zip(text(&claims, "orgId")).zip(member(&claims, "exp").and_then(Value::as_i64));
    let ((user, org_id), expires) = fields.ok_or_else(|| {
        ApiError::new(401, "BCK.WIDGET_SESSION.0007", "The widget init token lacks sub, orgId or exp")
    })?;
    let query = "SELECT id, secret, origins FROM widget_keys WHERE org_id = ? AND revoked = 0";
    let keys: Vec<Key> = ctx.store.rows(query, binds![org_id])?;
    if keys.is_empty() {
        return Err(ApiError::new(
            401,
            "BCK.WIDGET_SESSION.0002",
            "The organization has no active widget key",
        )
        .hint("In the sandbox, POST /sandbox/organizations/:orgId/widget-keys creates one."));
    }
    let mut signer = None;
    for key in keys {
        if secrets::sealed(key.secret.as_bytes(), signed, &signature)? {
            signer = Some(key);
        }
    }
    let key = signer.filter(|_| expires > ctx.request.now / 1000).ok_or_else(invalid)?;
    let parent = text(&body, "parentOrigin");
    if !parent.is_some_and(|parent| key.allows(parent)) {
        return Err(ApiError::new(
            403,
            "BCK.WIDGET_SESSION.0012",
            "parentOrigin is not allowed for this widget key",
        )
        .hint("A key lists the origins of its widgets, with scheme and port."));
    }
    let visitor = visitor(ctx, org_id, user)?;
    let issued =
        widget_session::issue(ctx, &visitor, parent.unwrap_or_default(), Some((&key.id, &key.origins)))?;
    Response::created(json!({
        "sessionToken": issued.token, "userId": visitor.id(), "userWallet": visitor.address, "apiKeyHash": null,
        "orgId": org_id, "expiresAt": time::iso(issued.expires_at),
    }))
}

/// The account of a visitor, opened with the first session.
fn visitor(ctx: &RequestContext, org_id: &str, user: &str) -> Result<Identity> {
    #[derive(Deserialize)]
    struct Row {
        address: String,
    }
    let query = "SELECT address FROM visitors WHERE org_id = ? AND user_id = ?";
    if let Some(row) = ctx.store.first::<Row>(query, binds![org_id, user])? {
        return Ok(Identity { address: row.address, key_id: None, org: None });
    }
    let visitor = accounts::open(ctx, Some(user))?;
    ctx.store.run(
        "INSERT INTO visitors (org_id, user_id, address) VALUES (?, ?, ?)",
        binds![org_id, user, visitor.address.as_str()],
    )?;
    Ok(visitor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialized_origins() {
        for (text, ok) in [
            ("https://app.example", true),
            ("http://localhost:3000", true),
            ("https://app.example/", false),
            ("https://app.example/shop", false),
            ("https://app.example?x", false),
            ("https://APP.example", false),
            ("app.example", false),
            ("*", false),
        ] {
            assert_eq!(origin(text).is_some(), ok, "{text}");
        }
        let key =
            Key { id: "k".into(), secret: "s".into(), origins: json!(["https://app.example"]).to_string() };
        assert!(key.allows("https://app.example"));
        assert!(!key.allows("http://app.example") && !key.allows("https://app.example.evil.example"));
    }

    #[test]
    fn only_signed_init_tokens_are_accepted() {
        let part = |value: Value| base64::encode_url(value.to_string().as_bytes());
        let token = |alg: &str, payload: Value| {
            format!("{}.{}.{}", part(json!({ "alg": alg })), part(payload), base64::encode_url(b"sig"))
        };
        let good = token("HS256", json!({ "sub": "u" }));
        let (signed, signature, claims) = open(&good).unwrap();
        assert_eq!((signed, signature.as_slice()), (good.rsplit_once('.').unwrap().0, b"sig".as_slice()));
        assert_eq!(text(&claims, "sub"), Some("u"));
        for bad in [
            token("none", json!({ "sub": "u" })),
            token("RS256", json!({ "sub": "u" })),
            token("HS256", json!("u")),
            "a.b".into(),
            "a.b.c".into(),
            String::new(),
        ] {
            assert!(open(&bad).is_none(), "{bad}");
        }
    }
}
