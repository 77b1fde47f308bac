//! Organizations: members, roles, and the current organization of a request (contract sections 1.1, 4.8).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::{member, text, whole};
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::identity::membership::{self, MEMBER, Membership};
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

/// Adds a member.
pub(crate) fn join(
    ctx: &RequestContext,
    org_id: &str,
    who: &Identity,
    role: &str,
    external: Option<&str>,
) -> Result<()> {
    ctx.store.run(
        "INSERT INTO members (id, org_id, account, address, role, active, external_id, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?)",
        binds![
            ctx.random.uuid()?,
            org_id,
            who.id(),
            who.address.as_str(),
            role,
            external,
            ctx.request.now,
            ctx.request.now,
        ],
    )?;
    let subject = json!({ "kind": "member", "id": who.id(), "userId": who.id(), "role": role });
    activity::record(ctx, Some(org_id), "member.joined", None, &subject)
}

fn role(named: Option<&str>) -> Result<&str> {
    let role = named.unwrap_or("Member");
    if ROLES.contains(&role) {
        Ok(role)
    } else {
        Err(ApiError::bad_request("role must be one of Admin, Member, Client"))
    }
}

/// `POST /api/v1/organizations/account`: adds a member or, with `as: "customer"`, a customer.
pub(crate) fn account(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let org = membership::administered(ctx, &caller)?;
    let body = ctx.request.json()?;
    match text(&body, "as") {
        Some("customer") => customer(ctx, &caller, &org, &body),
        Some(_) => Err(ApiError::bad_request("as must be customer, or be left out for a member")),
        None => new_member(ctx, &org, &body),
    }
}

fn new_member(ctx: &RequestContext, org: &membership::Organization, body: &Map<String, Value>) -> Result {
    let external =
        text(body, "uniqueExternalId").ok_or_else(|| ApiError::bad_request("uniqueExternalId is missing"))?;
    let role = role(text(body, "role"))?;
    let query = format!("SELECT {MEMBER} FROM members WHERE org_id = ? AND external_id = ?");
    let known: Option<Membership> = ctx.store.first(&query, binds![org.id.as_str(), external])?;
    let address = match &known {
        Some(member) => member.address.clone(),
        None => {
            let email = text(body, "email");
            if let Some(email) = email
                && accounts::of_email(ctx, email)?.is_some()
            {
                let message = "An account of that e-mail address exists already";
                return Err(ApiError::new(409, "BCK.COMMON.0027", message));
            }
            let identity = accounts::open(ctx, Some(external))?;
            accounts::set_email(ctx, &identity, email)?;
            join(ctx, &org.id, &identity, role, Some(external))?;
            identity.address
        }
    };
    let issued = accounts::issue(ctx, &address, None, Some(&org.id))?;
    Response::created(json!({ "walletResult": {
        "hash": issued.key, "nvmApiKey": issued.key, "userId": address.to_ascii_lowercase(), "userWallet": address,
        "alreadyMember": known.is_some(),
    }}))
}

fn customer(
    ctx: &RequestContext,
    caller: &Identity,
    org: &membership::Organization,
    body: &Map<String, Value>,
) -> Result {
    let email = text(body, "email").filter(|email| email.contains('@'));
    let email = email.ok_or_else(|| ApiError::bad_request("email is missing or invalid"))?;
    let known = accounts::of_email(ctx, email)?;
    let consented = match &known {
        Some(account) => {
            let query = "SELECT COUNT(*) AS count FROM customers WHERE org_id = ? AND account = ?";
            ctx.store.count(query, binds![org.id.as_str(), account.address.to_ascii_lowercase()])? > 0
        }
        None => true,
    };
    if !consented {
        // The response does not reveal the account, only that it was asked.
        return Ok(Response::json(202, json!({ "walletResult": { "consentRequired": true } })));
    }
    let (address, recorded) = match known {
        Some(account) => (account.address, false),
        None => {
            let identity = accounts::open(ctx, Some(email))?;
            accounts::set_email(ctx, &identity, Some(email))?;
            record_customer(ctx, &org.id, &identity.address)?;
            let subject = json!({ "kind": "customer", "id": identity.id(), "userId": identity.id() });
            activity::record(ctx, Some(&org.id), "customer.added", Some(caller), &subject)?;
            (identity.address, true)
        }
    };
    let issued = accounts::issue(ctx, &address, Some(CUSTOMER_KEY_SECS), None)?;
    Response::created(json!({ "walletResult": {
        "hash": issued.key, "nvmApiKey": issued.key, "userId": address.to_ascii_lowercase(), "userWallet": address,
        "isCustomer": true, "customerRecorded": recorded,
        "expiresAt": time::iso(issued.expires.saturating_mul(1000)),
    }}))
}

fn record_customer(ctx: &RequestContext, org_id: &str, address: &str) -> Result<()> {
    ctx.store.run(
        "INSERT OR IGNORE INTO customers (org_id, account, at) VALUES (?, ?, ?)",
        binds![org_id, address.to_ascii_lowercase(), ctx.request.now],
    )
}

/// `POST /api/v1/organizations/members`: for administrators.
pub(crate) fn members(ctx: &RequestContext) -> Result {
    let org = membership::administered(ctx, &accounts::caller(ctx)?)?;
    let body = ctx.request.json()?;
    let size = whole(&body, "offset")?.unwrap_or(100).clamp(1, 200);
    let page = whole(&body, "page")?.unwrap_or(1).clamp(1, 1_000_000);
    let role = text(&body, "role").map(|named| role(Some(named))).transpose()?.unwrap_or_default();
    let active = match member(&body, "isActive") {
        None => -1,
        Some(Value::Bool(active)) => i64::from(*active),
        Some(_) => return Err(ApiError::bad_request("isActive must be true or false")),
    };
    let filter = "org_id = ?1 AND (?2 = '' OR role = ?2) AND (?3 < 0 OR active = ?3)";
    let total = ctx.store.count(
        &format!("SELECT COUNT(*) AS count FROM members WHERE {filter}"),
        binds![org.id.as_str(), role, active],
    )?;
    let rows: Vec<Membership> = ctx.store.rows(
        &format!("SELECT {MEMBER} FROM members WHERE {filter} ORDER BY created_at, rowid LIMIT ?4 OFFSET ?5"),
        binds![org.id.as_str(), role, active, size, (page - 1) * size],
    )?;
    let members: Vec<Value> = rows.iter().map(Membership::view).collect();
    Response::ok(json!({ "members": members, "totalResults": total, "page": page, "offset": size }))
}

/// `GET /api/v1/organizations/my-memberships`: a bare array, newest first.
pub(crate) fn mine(ctx: &RequestContext) -> Result {
    #[derive(Deserialize)]
    struct Row {
        id: String,
        name: String,
        kind: String,
        role: String,
    }
    let caller = accounts::caller(ctx)?;
    let query = "SELECT o.id AS id, o.name AS name, o.kind AS kind, m.role AS role FROM organizations o
        JOIN members m ON m.org_id = o.id WHERE m.account = ? AND m.active <> 0
        ORDER BY m.created_at DESC, m.rowid DESC";
    let rows: Vec<Row> = ctx.store.rows(query, binds![caller.id()])?;
    let list = rows.iter().map(|row| {
        json!({
            "orgId": row.id, "orgName": row.name, "role": row.role, "orgType": row.kind,
            "isAdmin": row.role == "Admin", "hasSubscriptionHistory": row.kind != "Other",
        })
    });
    Response::ok(Value::Array(list.collect()))
}

/// `POST /api/v1/fiat/stripe/account`: the link to connect a Stripe account. In the sandbox the account counts as
/// connected.
pub(crate) fn connect(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let body = ctx.request.json()?;
    let field = |name: &str| {
        text(&body, name).ok_or_else(|| ApiError::new(400, "BCK.STRIPE.0007", format!("{name} is missing")))
    };
    let (_, country, target) = (field("userEmail")?, field("userCountryCode")?, field("returnUrl")?);
    if country.len() != 2 || !country.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err(ApiError::new(400, "BCK.STRIPE.0007", "userCountryCode must be two letters"));
    }
    if crate::pages::return_url::parse(target).is_none() {
        return Err(ApiError::new(400, "BCK.STRIPE.0007", "returnUrl must be an http or https address"));
    }
    let owner = membership::current(ctx, &caller)?.map_or_else(|| caller.id(), |org| org.id);
    let tail: String = owner.chars().filter(char::is_ascii_alphanumeric).rev().take(16).collect();
    Response::created(json!({
        "stripeAccountId": format!("acct_sandbox_{tail}"), "stripeAccountLink": target, "userId": caller.id(),
        "userCountryCode": country.to_ascii_uppercase(), "linkCreatedAt": ctx.request.now / 1000,
        "linkExpiresAt": ctx.request.now / 1000 + 300,
    }))
}

/// Creates an organization without members.
pub(crate) fn insert(ctx: &RequestContext, name: &str, kind: &str) -> Result<String> {
    let id = format!("org-{}", ctx.random.uuid()?);
    ctx.store.run(
        "INSERT INTO organizations (id, name, kind, active, created_at) VALUES (?, ?, ?, 1, ?)",
        binds![id.as_str(), name, kind, ctx.request.now],
    )?;
    Ok(id)
}

/// `POST /sandbox/organizations`: creates an organization, its first administrator, and the administrator's key with
/// its tag.
pub(crate) fn create(ctx: &RequestContext) -> Result {
    let body = ctx.request.json()?;
    let name = text(&body, "name").ok_or_else(|| ApiError::bad_request("name is missing"))?;
    let kind = text(&body, "type").unwrap_or("Premium");
    if !TYPES.contains(&kind) {
        return Err(ApiError::bad_request("type must be one of Premium, Enterprise, Lapsed, Other"));
    }
    let admin = match text(&body, "admin") {
        Some(address) => accounts::load(ctx, address)?.identity(),
        None => accounts::open(ctx, Some(&format!("{name}'s administrator")))?,
    };
    let id = insert(ctx, name, kind)?;
    join(ctx, &id, &admin, "Admin", None)?;
    let issued = accounts::issue(ctx, &admin.address, None, Some(&id))?;
    Response::created(json!({
        "orgId": id, "orgName": name, "orgType": kind, "accountAddress": admin.address, "nvmApiKey": issued.key,
    }))
}

/// `PATCH /sandbox/organizations/:orgId`: changes the type and the active flag.
pub(crate) fn update(ctx: &RequestContext, id: &str) -> Result {
    let (org, body) = (membership::load(ctx, id)?, ctx.request.json()?);
    let kind = text(&body, "type").unwrap_or(&org.kind);
    if !TYPES.contains(&kind) {
        return Err(ApiError::bad_request("type must be one of Premium, Enterprise, Lapsed, Other"));
    }
    let active = member(&body, "isActive").and_then(Value::as_bool).unwrap_or(org.active != 0);
    ctx.store.run(
        "UPDATE organizations SET kind = ?, active = ? WHERE id = ?",
        binds![kind, i64::from(active), org.id.as_str()],
    )?;
    if kind == "Lapsed" && org.kind != "Lapsed" {
        let subject = json!({ "kind": "subscription", "id": org.id, "tier": org.kind });
        activity::record(ctx, Some(&org.id), "subscription.lapsed", None, &subject)?;
    }
    Response::ok(json!({ "orgId": org.id, "orgName": org.name, "orgType": kind, "isActive": active }))
}

/// `PATCH /sandbox/organizations/:orgId/members/:address`: changes the role or the active flag. Adds the member if
/// missing.
pub(crate) fn set_member(ctx: &RequestContext, org_id: &str, address: &str) -> Result {
    let (org, body) = (membership::load(ctx, org_id)?, ctx.request.json()?);
    let who = accounts::load(ctx, address)?.identity();
    let Some(before) = membership::find(ctx, &org.id, &who.id())? else {
        join(ctx, &org.id, &who, role(text(&body, "role"))?, None)?;
        return Ok(Response::empty());
    };
    let role = role(text(&body, "role").or(Some(&before.role)))?;
    let active = member(&body, "isActive").and_then(Value::as_bool).unwrap_or(before.active != 0);
    ctx.store.run(
        "UPDATE members SET role = ?, active = ?, updated_at = ? WHERE id = ?",
        binds![role, i64::from(active), ctx.request.now, before.id.as_str()],
    )?;
    let subject = json!({ "kind": "member", "id": who.id(), "userId": who.id(), "role": role });
    if role != before.role {
        activity::record(ctx, Some(&org.id), "member.role_changed", None, &subject)?;
    }
    if active != (before.active != 0) {
        let event = if active { "member.reactivated" } else { "member.deactivated" };
        activity::record(ctx, Some(&org.id), event, None, &subject)?;
    }
    Ok(Response::empty())
}

/// `POST /sandbox/organizations/:orgId/customers/:address`: the account's owner accepts to be a customer, as by the
/// link in the hosted service's e-mail.
pub(crate) fn agree(ctx: &RequestContext, org_id: &str, address: &str) -> Result {
    let (org, account) = (membership::load(ctx, org_id)?, accounts::load(ctx, address)?);
    record_customer(ctx, &org.id, &account.address)?;
    Ok(Response::empty())
}
