//! Accounts: whoever shows a key is one.

use super::Desk;
use super::call::Reply;
use super::keys::{self, Identity};
use super::problem::Outcome;
use super::store::binds;
use serde::Deserialize;
use serde_json::json;

/// An account as the login page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Account {
    pub(super) address: String,
    pub(super) name: String,
}

/// Who calls; an account that was never seen is opened (contract section 13.1).
pub(super) fn caller(desk: &Desk) -> Outcome<Identity> {
    let identity = desk.call.identity()?;
    let known =
        desk.store.count("SELECT COUNT(*) AS count FROM accounts WHERE id = ?", binds![identity.id()])?;
    if known == 0 {
        insert(desk, &identity, None)?;
    }
    Ok(identity)
}

/// Opens an account with a new address.
pub(super) fn open(desk: &Desk, name: Option<&str>) -> Outcome<Identity> {
    let identity = Identity { address: desk.random.hex(20)? };
    insert(desk, &identity, name)?;
    Ok(identity)
}

/// The account of that address.
pub(super) fn find(desk: &Desk, address: &str) -> Outcome<Option<Account>> {
    desk.store.first("SELECT address, name FROM accounts WHERE id = ?", binds![address.to_ascii_lowercase()])
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

/// `POST /sandbox/accounts`: a new account and a key for it.
pub(super) fn create(desk: &Desk) -> Outcome {
    let body = desk.call.json()?;
    let identity = open(desk, super::call::text(&body, "name"))?;
    let key = keys::mint(&identity.address, desk.call.now, &desk.random)?;
    Reply::created(json!({ "nvmApiKey": key, "accountAddress": identity.address }))
}
