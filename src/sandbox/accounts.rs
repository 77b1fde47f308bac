//! Accounts: whoever shows a key is one.

use super::call::{Reply, text, whole};
use super::keys::{self, Identity, Issued};
use super::problem::{Outcome, Problem};
use super::store::binds;
use super::{Desk, clock, organizations, signers};
use serde::Deserialize;
use serde_json::json;

/// An account as the login page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Account {
    pub(super) address: String,
    pub(super) name: String,
}

impl Account {
    pub(super) fn identity(&self) -> Identity {
        Identity { address: self.address.clone(), key_id: None, org: None }
    }
}

/// Who calls; an account that was never seen is opened (contract section 13.1).
pub(super) fn caller(desk: &Desk) -> Outcome<Identity> {
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
pub(super) fn open(desk: &Desk, name: Option<&str>) -> Outcome<Identity> {
    let identity = Identity { address: signers::create(desk)?, key_id: None, org: None };
    insert(desk, &identity, name)?;
    Ok(identity)
}

/// The account of that address.
pub(super) fn find(desk: &Desk, address: &str) -> Outcome<Option<Account>> {
    desk.store.first("SELECT address, name FROM accounts WHERE id = ?", binds![address.to_ascii_lowercase()])
}

/// The account of that e-mail address.
pub(super) fn of_email(desk: &Desk, email: &str) -> Outcome<Option<Account>> {
    desk.store.first("SELECT address, name FROM accounts WHERE email = lower(?)", binds![email])
}

/// Keeps an account's e-mail address.
pub(super) fn set_email(desk: &Desk, identity: &Identity, email: Option<&str>) -> Outcome<()> {
    desk.store.run("UPDATE accounts SET email = lower(?) WHERE id = ?", binds![email, identity.id()])
}

/// The newest accounts, newest first.
pub(super) fn newest(desk: &Desk, most: i64) -> Outcome<Vec<Account>> {
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

/// A new key of the account, of an organization's if one is named, which is remembered so that it can be revoked.
pub(super) fn issue(desk: &Desk, address: &str, secs: Option<i64>, org: Option<&str>) -> Outcome<Issued> {
    let signer = signers::of(desk, address)?;
    let issued = keys::mint(address, desk.call.now, secs, org, desk.random, |payload| signer.jwt(payload))?;
    desk.store.run(
        "INSERT INTO keys (id, account, revoked) VALUES (?, ?, 0)",
        binds![issued.id.as_str(), address.to_ascii_lowercase()],
    )?;
    Ok(issued)
}

fn issued(desk: &Desk, address: &str, secs: Option<i64>, org: Option<&str>) -> Outcome {
    let issued = issue(desk, address, secs, org)?;
    Reply::created(json!({
        "nvmApiKey": issued.key, "accountAddress": address, "keyId": issued.id,
        "expiresAt": clock::iso(issued.expires.saturating_mul(1000)),
    }))
}

/// `POST /sandbox/accounts`: a new account and a key for it.
pub(super) fn create(desk: &Desk) -> Outcome {
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

/// The account of that address, or a 404.
pub(super) fn load(desk: &Desk, address: &str) -> Outcome<Account> {
    find(desk, address)?
        .ok_or_else(|| Problem::new(404, "SANDBOX.NOT_FOUND", format!("Account {address} not found")))
}

/// `POST /sandbox/accounts/:address/keys`: one more key, if so wanted for a while only, or tagged with an organization.
pub(super) fn create_key(desk: &Desk, address: &str) -> Outcome {
    let account = load(desk, address)?;
    let body = desk.call.json()?;
    let org = text(&body, "orgId");
    if let Some(org) = org {
        organizations::visible(desk, &account.identity(), org)?;
    }
    issued(desk, &account.address, whole(&body, "expiresInSecs")?, org)
}

/// `DELETE /sandbox/accounts/:address/keys`: no key that was handed out so far is good any more.
pub(super) fn revoke_keys(desk: &Desk, address: &str) -> Outcome {
    let account = load(desk, address)?;
    desk.store
        .run("UPDATE keys SET revoked = 1 WHERE account = ?", binds![account.address.to_ascii_lowercase()])?;
    Ok(Reply::empty())
}

/// `DELETE /sandbox/accounts/:address/keys/:keyId`: that one is not; one made elsewhere may be named as well.
pub(super) fn revoke_key(desk: &Desk, address: &str, key_id: &str) -> Outcome {
    let account = load(desk, address)?;
    desk.store.run(
        "INSERT INTO keys (id, account, revoked) VALUES (?, ?, 1) ON CONFLICT (id) DO UPDATE SET revoked = 1",
        binds![key_id, account.address.to_ascii_lowercase()],
    )?;
    Ok(Reply::empty())
}
