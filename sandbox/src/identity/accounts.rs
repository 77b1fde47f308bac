//! Accounts. A caller with a readable API key has one.

use crate::Desk;
use crate::crypto::signing_keys;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, text, whole};
use crate::identity::api_key::{self, Identity, Issued};
use crate::organizations::organization;
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
pub(crate) fn caller(desk: &Desk) -> Outcome<Identity> {
    let identity = desk.call.identity()?;
    let revoked = "SELECT COUNT(*) AS count FROM keys WHERE id = ? AND revoked <> 0";
    if let Some(key_id) = &identity.key_id
        && desk.store.count(revoked, binds![key_id.as_str()])? > 0
    {
        return Err(Problem::unauthorized("The API key was revoked"));
    }
    let known =
        desk.store.count("SELECT COUNT(*) AS count FROM accounts WHERE id = ?", binds![identity.id()])?;
    if known == 0 {
        insert(desk, &identity, None)?;
    }
    Ok(identity)
}

/// Opens an account with a new address.
pub(crate) fn open(desk: &Desk, name: Option<&str>) -> Outcome<Identity> {
    let identity = Identity { address: signing_keys::create(desk)?, key_id: None, org: None };
    insert(desk, &identity, name)?;
    Ok(identity)
}

/// Finds an account by its address.
pub(crate) fn find(desk: &Desk, address: &str) -> Outcome<Option<Account>> {
    desk.store.first("SELECT address, name FROM accounts WHERE id = ?", binds![address.to_ascii_lowercase()])
}

/// Finds an account by its e-mail address.
pub(crate) fn of_email(desk: &Desk, email: &str) -> Outcome<Option<Account>> {
    desk.store.first("SELECT address, name FROM accounts WHERE email = lower(?)", binds![email])
}

/// Stores an account's e-mail address.
pub(crate) fn set_email(desk: &Desk, identity: &Identity, email: Option<&str>) -> Outcome<()> {
    desk.store.run("UPDATE accounts SET email = lower(?) WHERE id = ?", binds![email, identity.id()])
}

/// The newest accounts, newest first.
pub(crate) fn newest(desk: &Desk, most: i64) -> Outcome<Vec<Account>> {
    desk.store.rows("SELECT address, name FROM accounts ORDER BY created_at DESC, id LIMIT ?", binds![most])
}

fn insert(desk: &Desk, identity: &Identity, name: Option<&str>) -> Outcome<()> {
    let name = match name.map(str::trim).filter(|name| !name.is_empty()) {
        Some(name) => name.chars().take(80).collect(),
        None => {
            format!("Account {}", desk.store.count("SELECT COUNT(*) AS count FROM accounts", binds![])? + 1)
        }
    };
    desk.store.run(
        "INSERT INTO accounts (id, address, name, created_at) VALUES (?, ?, ?, ?)",
        binds![identity.id(), identity.address.as_str(), name, desk.call.now],
    )
}

/// Creates an API key of the account, tagged with an organization if one is named. The key is stored, so it can be
/// revoked.
pub(crate) fn issue(desk: &Desk, address: &str, secs: Option<i64>, org: Option<&str>) -> Outcome<Issued> {
    let signer = signing_keys::of(desk, address)?;
    let issued =
        api_key::mint(address, desk.call.now, secs, org, desk.random, |payload| signer.jwt(payload))?;
    keep(desk, address, &issued.id, &issued.key, org, Some(issued.expires.saturating_mul(1000)))?;
    Ok(issued)
}

/// Creates a key that carries no time. If the context's random bytes come from a name, the key does too.
pub(crate) fn issue_fixed(desk: &Desk, address: &str, org: Option<&str>) -> Outcome<()> {
    let signer = signing_keys::of(desk, address)?;
    let issued = api_key::mint(address, 0, None, org, desk.random, |payload| signer.jwt(payload))?;
    keep(desk, address, &issued.id, &issued.key, org, Some(issued.expires.saturating_mul(1000)))
}

/// Stores a key that was created elsewhere.
pub(crate) fn keep_key(desk: &Desk, address: &str, key: &str, org: Option<&str>) -> Outcome<()> {
    let id = api_key::read_bearer(&format!("Bearer {key}"), desk.call.now)?.key_id;
    keep(desk, address, id.as_deref().unwrap_or(key), key, org, None)
}

fn keep(
    desk: &Desk,
    address: &str,
    id: &str,
    key: &str,
    org: Option<&str>,
    expires_at: Option<i64>,
) -> Outcome<()> {
    desk.store.run(
        "INSERT INTO keys (id, account, revoked, key, org, expires_at, created_at) VALUES (?, ?, 0, ?, ?, ?, ?)
         ON CONFLICT (id) DO UPDATE SET key = excluded.key, revoked = 0",
        binds![id, address.to_ascii_lowercase(), key, org, expires_at, desk.call.now],
    )
}

/// Finds the oldest valid key: the account's key without an organization, or the organization's key.
pub(crate) fn first_key(desk: &Desk, address: &str, org: Option<&str>) -> Outcome<Option<String>> {
    #[derive(Deserialize)]
    struct Row {
        key: String,
    }
    let query = "SELECT key FROM keys WHERE key IS NOT NULL AND revoked = 0 AND (expires_at IS NULL OR expires_at > ?1)
        AND ((?2 IS NULL AND account = ?3 AND org IS NULL) OR org = ?2) ORDER BY rowid LIMIT 1";
    let binds = binds![desk.call.now, org, address.to_ascii_lowercase()];
    Ok(desk.store.first::<Row>(query, binds)?.map(|row| row.key))
}

/// Sets the account's name, and opens the account if it is missing.
pub(crate) fn adopt(desk: &Desk, identity: &Identity, name: &str) -> Outcome<()> {
    if find(desk, &identity.address)?.is_none() {
        return insert(desk, identity, Some(name));
    }
    desk.store.run("UPDATE accounts SET name = ? WHERE id = ?", binds![name, identity.id()])
}

/// A stored API key. The full key is shown only on the account's own list.
#[derive(Debug, Deserialize)]
pub(crate) struct Kept {
    pub(crate) id: String,
    pub(crate) account: String,
    revoked: i64,
    key: Option<String>,
    org: Option<String>,
    expires_at: Option<i64>,
    created_at: Option<i64>,
}

impl Kept {
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
pub(crate) fn keys(desk: &Desk, address: &str) -> Outcome {
    let account = load(desk, address)?;
    let query = format!("SELECT {} FROM keys WHERE account = ? ORDER BY rowid", Kept::COLUMNS);
    let rows: Vec<Kept> = desk.store.rows(&query, binds![account.address.to_ascii_lowercase()])?;
    let keys: Vec<Value> = rows.iter().map(|key| key.view(desk.call.now, true)).collect();
    Reply::ok(json!({ "accountAddress": account.address, "keys": keys }))
}

fn issued(desk: &Desk, address: &str, secs: Option<i64>, org: Option<&str>) -> Outcome {
    let issued = issue(desk, address, secs, org)?;
    Reply::created(json!({
        "nvmApiKey": issued.key, "accountAddress": address, "keyId": issued.id,
        "expiresAt": time::iso(issued.expires.saturating_mul(1000)),
    }))
}

/// `POST /sandbox/accounts`: creates an account and a key for it.
pub(crate) fn create(desk: &Desk) -> Outcome {
    let body = desk.call.json()?;
    let email = text(&body, "email");
    if let Some(email) = email
        && of_email(desk, email)?.is_some()
    {
        return Err(Problem::new(409, "BCK.COMMON.0027", "An account of that e-mail address exists already"));
    }
    let identity = open(desk, text(&body, "name"))?;
    set_email(desk, &identity, email)?;
    issued(desk, &identity.address, None, None)
}

/// Finds an account by its address, or answers 404.
pub(crate) fn load(desk: &Desk, address: &str) -> Outcome<Account> {
    find(desk, address)?
        .ok_or_else(|| Problem::new(404, "SANDBOX.NOT_FOUND", format!("Account {address} not found")))
}

/// `POST /sandbox/accounts/:address/keys`: creates another key, optionally with a lifetime or an organization tag.
pub(crate) fn create_key(desk: &Desk, address: &str) -> Outcome {
    let account = load(desk, address)?;
    let body = desk.call.json()?;
    let org = text(&body, "orgId");
    if let Some(org) = org {
        organization::visible(desk, &account.identity(), org)?;
    }
    issued(desk, &account.address, whole(&body, "expiresInSecs")?, org)
}

/// `DELETE /sandbox/accounts/:address/keys`: revokes all keys issued so far.
pub(crate) fn revoke_keys(desk: &Desk, address: &str) -> Outcome {
    let account = load(desk, address)?;
    desk.store
        .run("UPDATE keys SET revoked = 1 WHERE account = ?", binds![account.address.to_ascii_lowercase()])?;
    Ok(Reply::empty())
}

/// `DELETE /sandbox/accounts/:address/keys/:keyId`: revokes one key. A key created elsewhere can be revoked too.
pub(crate) fn revoke_key(desk: &Desk, address: &str, key_id: &str) -> Outcome {
    let account = load(desk, address)?;
    desk.store.run(
        "INSERT INTO keys (id, account, revoked) VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE SET revoked = 1",
        binds![key_id, account.address.to_ascii_lowercase()],
    )?;
    Ok(Reply::empty())
}
