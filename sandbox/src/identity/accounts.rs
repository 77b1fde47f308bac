//! Accounts. A caller with a readable API key has one.

use crate::context::RequestContext;
use crate::crypto::account_key;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{text, whole};
use crate::http::response::Response;
use crate::identity::api_key::{self, Identity, Issued};
use crate::identity::membership;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Value, json};

/// An account as the login page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Account {
    pub(crate) address: String,
    pub(crate) name: String,
}

impl Account {
    pub(crate) fn identity(&self) -> Identity {
        Identity { address: self.address.clone(), key_id: None, org: None }
    }
}

/// The caller. Opens an account on the first call with a new address (contract section 13.1).
pub(crate) fn caller(ctx: &RequestContext) -> Result<Identity> {
    let identity = api_key::caller(&ctx.request)?;
    let revoked = "SELECT COUNT(*) AS count FROM keys WHERE id = ? AND revoked <> 0";
    if let Some(key_id) = &identity.key_id
        && ctx.store.count(revoked, binds![key_id.as_str()])? > 0
    {
        return Err(ApiError::unauthorized("The API key was revoked"));
    }
    let known =
        ctx.store.count("SELECT COUNT(*) AS count FROM accounts WHERE id = ?", binds![identity.id()])?;
    if known == 0 {
        insert(ctx, &identity, None)?;
    }
    Ok(identity)
}

/// Opens an account with a new address.
pub(crate) fn open(ctx: &RequestContext, name: Option<&str>) -> Result<Identity> {
    let identity = Identity { address: account_key::create(ctx)?, key_id: None, org: None };
    insert(ctx, &identity, name)?;
    Ok(identity)
}

/// Finds an account by its address.
pub(crate) fn find(ctx: &RequestContext, address: &str) -> Result<Option<Account>> {
    ctx.store.first("SELECT address, name FROM accounts WHERE id = ?", binds![address.to_ascii_lowercase()])
}

/// Finds an account by its e-mail address.
pub(crate) fn of_email(ctx: &RequestContext, email: &str) -> Result<Option<Account>> {
    ctx.store.first("SELECT address, name FROM accounts WHERE email = lower(?)", binds![email])
}

/// Stores an account's e-mail address.
pub(crate) fn set_email(ctx: &RequestContext, identity: &Identity, email: Option<&str>) -> Result<()> {
    ctx.store.run("UPDATE accounts SET email = lower(?) WHERE id = ?", binds![email, identity.id()])
}

/// The newest accounts, newest first.
pub(crate) fn newest(ctx: &RequestContext, most: i64) -> Result<Vec<Account>> {
    ctx.store.rows("SELECT address, name FROM accounts ORDER BY created_at DESC, id LIMIT ?", binds![most])
}

fn insert(ctx: &RequestContext, identity: &Identity, name: Option<&str>) -> Result<()> {
    let name = match name.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.chars().take(80).collect(),
        None => {
            format!("Account {}", ctx.store.count("SELECT COUNT(*) AS count FROM accounts", binds![])? + 1)
        }
    };
    ctx.store.run(
        "INSERT INTO accounts (id, address, name, created_at) VALUES (?, ?, ?, ?)",
        binds![identity.id(), identity.address.as_str(), name, ctx.request.now],
    )
}

/// Creates an API key of the account, tagged with an organization if one is named. The key is stored, so it can be
/// revoked.
pub(crate) fn issue(
    ctx: &RequestContext,
    address: &str,
    secs: Option<i64>,
    org: Option<&str>,
) -> Result<Issued> {
    let signer = account_key::load(ctx, address)?;
    let issued =
        api_key::mint(address, ctx.request.now, secs, org, ctx.random, |payload| signer.jwt(payload))?;
    insert_key(ctx, address, &issued.id, &issued.key, org, Some(issued.expires.saturating_mul(1000)))?;
    Ok(issued)
}

/// Creates a key that carries no time. If the context's random bytes come from a name, the key does too.
pub(crate) fn issue_fixed(ctx: &RequestContext, address: &str, org: Option<&str>) -> Result<()> {
    let signer = account_key::load(ctx, address)?;
    let issued = api_key::mint(address, 0, None, org, ctx.random, |payload| signer.jwt(payload))?;
    insert_key(ctx, address, &issued.id, &issued.key, org, Some(issued.expires.saturating_mul(1000)))
}

/// Stores a key that was created elsewhere.
pub(crate) fn store_key(ctx: &RequestContext, address: &str, key: &str, org: Option<&str>) -> Result<()> {
    let id = api_key::read_bearer(&format!("Bearer {key}"), ctx.request.now)?.key_id;
    insert_key(ctx, address, id.as_deref().unwrap_or(key), key, org, None)
}

fn insert_key(
    ctx: &RequestContext,
    address: &str,
    id: &str,
    key: &str,
    org: Option<&str>,
    expires_at: Option<i64>,
) -> Result<()> {
    ctx.store.run(
        "INSERT INTO keys (id, account, revoked, key, org, expires_at, created_at) VALUES (?, ?, 0, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET key = excluded.key, revoked = 0",
        binds![id, address.to_ascii_lowercase(), key, org, expires_at, ctx.request.now],
    )
}

/// Finds the oldest valid key: the account's key without an organization, or the organization's key.
pub(crate) fn first_key(ctx: &RequestContext, address: &str, org: Option<&str>) -> Result<Option<String>> {
    #[derive(Deserialize)]
    struct Row {
        key: String,
    }
    let query = "SELECT key FROM keys WHERE key IS NOT NULL AND revoked = 0 AND (expires_at IS NULL OR expires_at > ?1)
        AND ((?2 IS NULL AND account = ?3 AND org IS NULL) OR org = ?2) ORDER BY rowid LIMIT 1";
    let binds = binds![ctx.request.now, org, address.to_ascii_lowercase()];
    Ok(ctx.store.first::<Row>(query, binds)?.map(|row| row.key))
}

/// Sets the account's name, and opens the account if it is missing.
pub(crate) fn upsert(ctx: &RequestContext, identity: &Identity, name: &str) -> Result<()> {
    if find(ctx, &identity.address)?.is_none() {
        return insert(ctx, identity, Some(name));
    }
    ctx.store.run("UPDATE accounts SET name = ? WHERE id = ?", binds![name, identity.id()])
}

/// A stored API key. The full key is shown only on the account's own list.
#[derive(Debug, Deserialize)]
pub(crate) struct StoredKey {
    pub(crate) id: String,
    pub(crate) account: String,
    revoked: i64,
    key: Option<String>,
    org: Option<String>,
    expires_at: Option<i64>,
    created_at: Option<i64>,
}

impl StoredKey {
    /// The columns of a stored key.
    pub(crate) const COLUMNS: &str = "id, account, revoked, key, org, expires_at, created_at";

    pub(crate) fn view(&self, now: i64, whole: bool) -> Value {
        json!({
            "keyId": self.id,
            "nvmApiKey": self.key.as_deref().filter(|_| whole),
            "kept": self.key.is_some(),
            "orgId": self.org,
            "revoked": self.revoked != 0,
            "expired": self.expires_at.is_some_and(|at| at <= now),
            "expiresAt": self.expires_at.map(time::iso),
            "createdAt": self.created_at.map(time::iso),
        })
    }
}

/// `GET /sandbox/accounts/:address/keys`: the keys issued here, oldest first.
pub(crate) fn keys(ctx: &RequestContext, address: &str) -> Result {
    let account = load(ctx, address)?;
    let query = format!("SELECT {} FROM keys WHERE account = ? ORDER BY rowid", StoredKey::COLUMNS);
    let rows: Vec<StoredKey> = ctx.store.rows(&query, binds![account.address.to_ascii_lowercase()])?;
    let keys: Vec<Value> = rows.iter().map(|key| key.view(ctx.request.now, true)).collect();
    Response::ok(json!({ "accountAddress": account.address, "keys": keys }))
}

fn issued(ctx: &RequestContext, address: &str, secs: Option<i64>, org: Option<&str>) -> Result {
    let issued = issue(ctx, address, secs, org)?;
    Response::created(json!({
        "nvmApiKey": issued.key, "accountAddress": address, "keyId": issued.id,
        "expiresAt": time::iso(issued.expires.saturating_mul(1000)),
    }))
}

/// `POST /sandbox/accounts`: creates an account and a key for it.
pub(crate) fn create(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let email = text(&body, "email");
    if let Some(email) = email
        && of_email(ctx, email)?.is_some()
    {
        return Err(ApiError::new(
            409,
            "BCK.COMMON.0027",
            "An account of that e-mail address exists already",
        ));
    }
    let identity = open(ctx, text(&body, "name"))?;
    set_email(ctx, &identity, email)?;
    issued(ctx, &identity.address, None, None)
}

/// Finds an account by its address, or answers 404.
pub(crate) fn load(ctx: &RequestContext, address: &str) -> Result<Account> {
    find(ctx, address)?
        .ok_or_else(|| ApiError::new(404, "SANDBOX.NOT_FOUND", format!("Account {address} not found")))
}

/// `POST /sandbox/accounts/:address/keys`: creates another key, optionally with a lifetime or an organization tag.
pub(crate) fn create_key(ctx: &RequestContext, address: &str) -> Result {
    let account = load(ctx, address)?;
    let body = ctx.request.json()?;
    let org = text(&body, "orgId");
    if let Some(org) = org {
        membership::visible(ctx, &account.identity(), org)?;
    }
    issued(ctx, &account.address, whole(&body, "expiresInSecs")?, org)
}

/// `DELETE /sandbox/accounts/:address/keys`: revokes all keys issued so far.
pub(crate) fn revoke_keys(ctx: &RequestContext, address: &str) -> Result {
    let account = load(ctx, address)?;
    ctx.store
        .run("UPDATE keys SET revoked = 1 WHERE account = ?", binds![account.address.to_ascii_lowercase()])?;
    Ok(Response::empty())
}

/// `DELETE /sandbox/accounts/:address/keys/:keyId`: revokes one key. A key created elsewhere can be revoked too.
pub(crate) fn revoke_key(ctx: &RequestContext, address: &str, key_id: &str) -> Result {
    let account = load(ctx, address)?;
    ctx.store.run(
        "INSERT INTO keys (id, account, revoked) VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE SET revoked = 1",
        binds![key_id, account.address.to_ascii_lowercase()],
    )?;
    Ok(Response::empty())
}
