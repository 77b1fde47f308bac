//! Organizations: members, roles, and the current organization of a request (contract sections 1.1, 4.8).

use crate::Desk;
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, member, text, whole};
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::organizations::activity;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Types of organizations; the first is the default.
pub(crate) const TYPES: [&str; 4] = ["Premium", "Enterprise", "Lapsed", "Other"];
const ROLES: [&str; 3] = ["Admin", "Member", "Client"];
/// Lifetime of a customer's key in seconds: thirty days.
const CUSTOMER_KEY_SECS: i64 = 30 * 86_400;

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Organization {
    pub(crate) id: String,
    name: String,
    kind: String,
    active: i64,
}

impl Organization {
    /// True if the subscription is active.
    pub(crate) fn entitled(&self) -> bool {
        self.active != 0 && self.kind != "Lapsed"
    }
}

/// A member of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Membership {
    id: String,
    org_id: String,
    account: String,
    address: String,
    role: String,
    active: i64,
    created_at: i64,
    updated_at: i64,
}

const MEMBER: &str = "id, org_id, account, address, role, active, created_at, updated_at";

impl Membership {
    fn view(&self) -> Value {
        json!({
            "id": self.id, "userId": self.account, "orgId": self.org_id, "userAddress": self.address,
            "role": self.role, "isActive": self.active != 0, "createdAt": time::iso(self.created_at),
            "updatedAt": time::iso(self.updated_at),
        })
    }
}

fn not_found(id: &str) -> Problem {
    Problem::new(404, "BCK.ORGANIZATIONS.0011", format!("Organization {id} not found"))
}

/// Finds an organization by its id, or answers 404.
pub(crate) fn load(desk: &Desk, id: &str) -> Outcome<Organization> {
    let query = "SELECT id, name, kind, active FROM organizations WHERE id = ?";
    desk.store.first(query, binds![id])?.ok_or_else(|| not_found(id))
}

fn membership(desk: &Desk, org_id: &str, account: &str) -> Outcome<Option<Membership>> {
    let query = format!("SELECT {MEMBER} FROM members WHERE org_id = ? AND account = ?");
    desk.store.first(&query, binds![org_id, account])
}

/// Refuses callers that are not active members.
fn member_of(desk: &Desk, org: &Organization, caller: &Identity) -> Outcome<Membership> {
    let found = membership(desk, &org.id, &caller.id())?;
    found.filter(|member| member.active != 0).ok_or_else(|| {
        Problem::new(
            403,
            "BCK.ORGANIZATIONS.0009",
            format!("You are not a member of organization {}", org.id),
        )
    })
}

/// The organization of a request: named by the header, or by the key, or the one joined last; none if the caller is
/// in none.
pub(crate) fn current(desk: &Desk, caller: &Identity) -> Outcome<Option<Organization>> {
    let named = desk.call.organization.clone().or_else(|| caller.org.clone());
    if let Some(id) = named {
        let org = load(desk, &id)?;
        member_of(desk, &org, caller)?;
        return Ok(Some(org));
    }
    let query = "SELECT o.id AS id, o.name AS name, o.kind AS kind, o.active AS active FROM organizations o
        JOIN members m ON m.org_id = o.id WHERE m.account = ? AND m.active <> 0
        ORDER BY m.created_at DESC, m.rowid DESC LIMIT 1";
    desk.store.first(query, binds![caller.id()])
}

/// Refuses callers that may not see an organization's objects.
pub(crate) fn visible(desk: &Desk, caller: &Identity, org_id: &str) -> Outcome<()> {
    member_of(desk, &load(desk, org_id)?, caller).map(|_| ())
}

/// The organization that the caller administers.
fn administered(desk: &Desk, caller: &Identity) -> Outcome<Organization> {
    let org = current(desk, caller)?.ok_or_else(|| {
        Problem::new(403, "BCK.AUTH.0006", "You do not belong to any organization")
            .hint("In the sandbox, POST /sandbox/organizations makes one.")
    })?;
    if org.active == 0 {
        return Err(Problem::new(403, "BCK.AUTH.0009", "The organization is not active"));
    }
    if member_of(desk, &org, caller)?.role != "Admin" {
        return Err(Problem::new(403, "BCK.AUTH.0007", "You are not an administrator of the organization"));
    }
    Ok(org)
}

/// Adds a member.
pub(crate) fn join(
    desk: &Desk,
    org_id: &str,
    who: &Identity,
    role: &str,
    external: Option<&str>,
) -> Outcome<()> {
    desk.store.run(
        "INSERT INTO members (id, org_id, account, address, role, active, external_id, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
        binds![
            desk.random.uuid()?,
            org_id,
            who.id(),
            who.address.as_str(),
            role,
            external,
            desk.call.now,
            desk.call.now,
        ],
    )?;
    let subject = json!({ "kind": "member", "id": who.id(), "userId": who.id(), "role": role });
    activity::record(desk, Some(org_id), "member.joined", None, &subject)
}

fn role(named: Option<&str>) -> Outcome<&str> {
    let role = named.unwrap_or("Member");
    if ROLES.contains(&role) {
        Ok(role)
    } else {
        Err(Problem::bad_request("role must be one of Admin, Member, Client"))
    }
}

/// `POST /api/v1/organizations/account`: adds a member or, with `as: "customer"`, a customer.
pub(crate) fn account(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let org = administered(desk, &caller)?;
    let body = desk.call.json()?;
    match text(&body, "as") {
        Some("customer") => customer(desk, &caller, &org, &body),
        Some(_) => Err(Problem::bad_request("as must be customer, or be left out for a member")),
        None => new_member(desk, &org, &body),
    }
}

fn new_member(desk: &Desk, org: &Organization, body: &Map<String, Value>) -> Outcome {
    let external =
        text(body, "uniqueExternalId").ok_or_else(|| Problem::bad_request("uniqueExternalId is missing"))?;
    let role = role(text(body, "role"))?;
    let query = format!("SELECT {MEMBER} FROM members WHERE org_id = ? AND external_id = ?");
    let known: Option<Membership> = desk.store.first(&query, binds![org.id.as_str(), external])?;
    let address = match &known {
        Some(member) => member.address.clone(),
        None => {
            let email = text(body, "email");
            if let Some(email) = email
                && accounts::of_email(desk, email)?.is_some()
            {
                let message = "An account of that e-mail address exists already";
                return Err(Problem::new(409, "BCK.COMMON.0027", message));
            }
            let identity = accounts::open(desk, Some(external))?;
            accounts::set_email(desk, &identity, email)?;
            join(desk, &org.id, &identity, role, Some(external))?;
            identity.address
        }
    };
    let issued = accounts::issue(desk, &address, None, Some(&org.id))?;
    Reply::created(json!({ "walletResult": {
        "hash": issued.key, "nvmApiKey": issued.key, "userId": address.to_ascii_lowercase(), "userWallet": address,
        "alreadyMember": known.is_some(),
    }}))
}

fn customer(desk: &Desk, caller: &Identity, org: &Organization, body: &Map<String, Value>) -> Outcome {
    let email = text(body, "email").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| Problem::bad_request("email is missing or is none"))?;
    let known = accounts::of_email(desk, email)?;
    let consented = match &known {
        Some(account) => {
            let query = "SELECT COUNT(*) AS count FROM customers WHERE org_id = ? AND account = ?";
            desk.store.count(query, binds![org.id.as_str(), account.address.to_ascii_lowercase()])? > 0
        }
        None => true,
    };
    if !consented {
        // The response does not reveal the account, only that it was asked.
        return Ok(Reply::json(202, json!({ "walletResult": { "consentRequired": true } })));
    }
    let (address, recorded) = match known {
        Some(account) => (account.address, false),
        None => {
            let identity = accounts::open(desk, Some(email))?;
            accounts::set_email(desk, &identity, Some(email))?;
            record_customer(desk, &org.id, &identity.address)?;
            let subject = json!({ "kind": "customer", "id": identity.id(), "userId": identity.id() });
            activity::record(desk, Some(&org.id), "customer.added", Some(caller), &subject)?;
            (identity.address, true)
        }
    };
    let issued = accounts::issue(desk, &address, Some(CUSTOMER_KEY_SECS), None)?;
    Reply::created(json!({ "walletResult": {
        "hash": issued.key, "nvmApiKey": issued.key, "userId": address.to_ascii_lowercase(), "userWallet": address,
        "isCustomer": true, "customerRecorded": recorded,
        "expiresAt": time::iso(issued.expires.saturating_mul(1000)),
    }}))
}

fn record_customer(desk: &Desk, org_id: &str, address: &str) -> Outcome<()> {
    desk.store.run(
        "INSERT OR IGNORE INTO customers (org_id, account, at) VALUES (?, ?, ?)",
        binds![org_id, address.to_ascii_lowercase(), desk.call.now],
    )
}

/// `POST /api/v1/organizations/members`: for administrators.
pub(crate) fn members(desk: &Desk) -> Outcome {
    let org = administered(desk, &accounts::caller(desk)?)?;
    let body = desk.call.json()?;
    let size = whole(&body, "offset")?.unwrap_or(100).clamp(1, 200);
    let page = whole(&body, "page")?.unwrap_or(1).clamp(1, 1_000_000);
    let role = text(&body, "role").map(|named| role(Some(named))).transpose()?.unwrap_or_default();
    let active = match member(&body, "isActive") {
        None => -1,
        Some(Value::Bool(active)) => i64::from(*active),
        Some(_) => return Err(Problem::bad_request("isActive must be true or false")),
    };
    let filter = "org_id = ?1 AND (?2 = '' OR role = ?2) AND (?3 < 0 OR active = ?3)";
    let total = desk.store.count(
        &format!("SELECT COUNT(*) AS count FROM members WHERE {filter}"),
        binds![org.id.as_str(), role, active],
    )?;
    let rows: Vec<Membership> = desk.store.rows(
        &format!("SELECT {MEMBER} FROM members WHERE {filter} ORDER BY created_at, rowid LIMIT ?4 OFFSET ?5"),
        binds![org.id.as_str(), role, active, size, (page - 1) * size],
    )?;
    let members: Vec<Value> = rows.iter().map(Membership::view).collect();
    Reply::ok(json!({ "members": members, "totalResults": total, "page": page, "offset": size }))
}

/// `GET /api/v1/organizations/my-memberships`: a bare array, newest first.
pub(crate) fn mine(desk: &Desk) -> Outcome {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        name: String,
        kind: String,
        role: String,
    }
    let caller = accounts::caller(desk)?;
    let query = "SELECT o.id AS id, o.name AS name, o.kind AS kind, m.role AS role FROM organizations o
        JOIN members m ON m.org_id = o.id WHERE m.account = ? AND m.active <> 0
        ORDER BY m.created_at DESC, m.rowid DESC";
    let rows: Vec<Row> = desk.store.rows(query, binds![caller.id()])?;
    let list = rows.iter().map(|row| {
        json!({
            "orgId": row.id, "orgName": row.name, "role": row.role, "orgType": row.kind,
            "isAdmin": row.role == "Admin", "hasSubscriptionHistory": row.kind != "Other",
        })
    });
    Reply::ok(Value::Array(list.collect()))
}

/// `POST /api/v1/fiat/stripe/account`: the link to connect a Stripe account. In the sandbox the account counts as
/// connected.
pub(crate) fn connect(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let body = desk.call.json()?;
    let field = |name: &str| {
        text(&body, name).ok_or_else(|| Problem::new(400, "BCK.STRIPE.0007", format!("{name} is missing")))
    };
    let (_, country, target) = (field("userEmail")?, field("userCountryCode")?, field("returnUrl")?);
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(Problem::new(400, "BCK.STRIPE.0007", "userCountryCode must be two letters"));
    }
    if crate::pages::return_url::address(target).is_none() {
        return Err(Problem::new(400, "BCK.STRIPE.0007", "returnUrl must be an http or https address"));
    }
    let owner = current(desk, &caller)?.map_or_else(|| caller.id(), |org| org.id);
    let tail: String = owner.chars().filter(char::is_ascii_alphanumeric).rev().take(16).collect();
    Reply::created(json!({
        "stripeAccountId": format!("acct_sandbox_{tail}"), "stripeAccountLink": target, "userId": caller.id(),
        "userCountryCode": country.to_ascii_uppercase(), "linkCreatedAt": desk.call.now / 1000,
        "linkExpiresAt": desk.call.now / 1000 + 300,
    }))
}

/// Creates an organization without members.
pub(crate) fn insert(desk: &Desk, name: &str, kind: &str) -> Outcome<String> {
    let id = format!("org-{}", desk.random.uuid()?);
    desk.store.run(
        "INSERT INTO organizations (id, name, kind, active, created_at) VALUES (?, ?, ?, 1, ?)",
        binds![id.as_str(), name, kind, desk.call.now],
    )?;
    Ok(id)
}

/// `POST /sandbox/organizations`: creates an organization, its first administrator, and the administrator's key with
/// its tag.
pub(crate) fn create(desk: &Desk) -> Outcome {
    let body = desk.call.json()?;
    let name = text(&body, "name").ok_or_else(|| Problem::bad_request("name is missing"))?;
    let kind = text(&body, "type").unwrap_or("Premium");
    if !TYPES.contains(&kind) {
        return Err(Problem::bad_request("type must be one of Premium, Enterprise, Lapsed, Other"));
    }
    let admin = match text(&body, "admin") {
        Some(address) => accounts::load(desk, address)?.identity(),
        None => accounts::open(desk, Some(&format!("{name}'s administrator")))?,
    };
    let id = insert(desk, name, kind)?;
    join(desk, &id, &admin, "Admin", None)?;
    let issued = accounts::issue(desk, &admin.address, None, Some(&id))?;
    Reply::created(json!({
        "orgId": id, "orgName": name, "orgType": kind, "accountAddress": admin.address, "nvmApiKey": issued.key,
    }))
}

/// `PATCH /sandbox/organizations/:orgId`: changes the type and the active flag.
pub(crate) fn update(desk: &Desk, id: &str) -> Outcome {
    let (org, body) = (load(desk, id)?, desk.call.json()?);
    let kind = text(&body, "type").unwrap_or(&org.kind);
    if !TYPES.contains(&kind) {
        return Err(Problem::bad_request("type must be one of Premium, Enterprise, Lapsed, Other"));
    }
    let active = member(&body, "isActive").and_then(Value::as_bool).unwrap_or(org.active != 0);
    desk.store.run(
        "UPDATE organizations SET kind = ?, active = ? WHERE id = ?",
        binds![kind, i64::from(active), org.id.as_str()],
    )?;
    if kind == "Lapsed" && org.kind != "Lapsed" {
        let subject = json!({ "kind": "subscription", "id": org.id, "tier": org.kind });
        activity::record(desk, Some(&org.id), "subscription.lapsed", None, &subject)?;
    }
    Reply::ok(json!({ "orgId": org.id, "orgName": org.name, "orgType": kind, "isActive": active }))
}

/// `PATCH /sandbox/organizations/:orgId/members/:address`: changes the role or the active flag. Adds the member if
/// missing.
pub(crate) fn set_member(desk: &Desk, org_id: &str, address: &str) -> Outcome {
    let (org, body) = (load(desk, org_id)?, desk.call.json()?);
    let who = accounts::load(desk, address)?.identity();
    let Some(before) = membership(desk, &org.id, &who.id())? else {
        join(desk, &org.id, &who, role(text(&body, "role"))?, None)?;
        return Ok(Reply::empty());
    };
    let role = role(text(&body, "role").or(Some(&before.role)))?;
    let active = member(&body, "isActive").and_then(Value::as_bool).unwrap_or(before.active != 0);
    desk.store.run(
        "UPDATE members SET role = ?, active = ?, updated_at = ? WHERE id = ?",
        binds![role, i64::from(active), desk.call.now, before.id.as_str()],
    )?;
    let subject = json!({ "kind": "member", "id": who.id(), "userId": who.id(), "role": role });
    if role != before.role {
        activity::record(desk, Some(&org.id), "member.role_changed", None, &subject)?;
    }
    if active != (before.active != 0) {
        let event = if active { "member.reactivated" } else { "member.deactivated" };
        activity::record(desk, Some(&org.id), event, None, &subject)?;
    }
    Ok(Reply::empty())
}

/// `POST /sandbox/organizations/:orgId/customers/:address`: the account's owner accepts to be a customer, as by the
/// link in the hosted service's e-mail.
pub(crate) fn agree(desk: &Desk, org_id: &str, address: &str) -> Outcome {
    let (org, account) = (load(desk, org_id)?, accounts::load(desk, address)?);
    record_customer(desk, &org.id, &account.address)?;
    Ok(Reply::empty())
}
