//! Membership: the organizations of a user, and the organization that a request is made for (contract section 1.1).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::identity::api_key::Identity;
use crate::primitives::time;
use crate::storage::store::binds;
use serde::Deserialize;
use serde_json::{Value, json};

/// An organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) active: i64,
}

impl Organization {
    /// True if the subscription is active.
    pub(crate) fn entitled(&self) -> bool {
        self.active != 0 && self.kind != "Lapsed"
    }
}

/// A member of an organization.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Membership {
    pub(crate) id: String,
    pub(crate) org_id: String,
    pub(crate) account: String,
    pub(crate) address: String,
    pub(crate) role: String,
    pub(crate) active: i64,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

pub(crate) const MEMBER: &str = "id, org_id, account, address, role, active, created_at, updated_at";

impl Membership {
    pub(crate) fn view(&self) -> Value {
        json!({
            "id": self.id, "userId": self.account, "orgId": self.org_id, "userAddress": self.address,
            "role": self.role, "isActive": self.active != 0, "createdAt": time::iso(self.created_at),
            "updatedAt": time::iso(self.updated_at),
        })
    }
}

pub(crate) fn not_found(id: &str) -> ApiError {
    ApiError::new(404, "BCK.ORGANIZATIONS.0011", format!("Organization {id} not found"))
}

/// Finds an organization by its id, or answers 404.
pub(crate) fn load(ctx: &RequestContext, id: &str) -> Result<Organization> {
    let query = "SELECT id, name, kind, active FROM organizations WHERE id = ?";
    ctx.store.first(query, binds![id])?.ok_or_else(|| not_found(id))
}

/// Finds a member of an organization.
pub(crate) fn find(ctx: &RequestContext, org_id: &str, account: &str) -> Result<Option<Membership>> {
    let query = format!("SELECT {MEMBER} FROM members WHERE org_id = ? AND account = ?");
    ctx.store.first(&query, binds![org_id, account])
}

/// Refuses callers that are not active members.
pub(crate) fn member_of(ctx: &RequestContext, org: &Organization, caller: &Identity) -> Result<Membership> {
    let found = find(ctx, &org.id, &caller.id())?;
    found.filter(|member| member.active != 0).ok_or_else(|| {
        ApiError::new(
            403,
            "BCK.ORGANIZATIONS.0009",
            format!("You are not a member of organization {}", org.id),
        )
    })
}

/// The organization of a request: named by the header, or by the key, or the one joined last; none if the caller is
/// in none.
pub(crate) fn current(ctx: &RequestContext, caller: &Identity) -> Result<Option<Organization>> {
    let named = ctx.request.organization.clone().or_else(|| caller.org.clone());
    if let Some(id) = named {
        let org = load(ctx, &id)?;
        member_of(ctx, &org, caller)?;
        return Ok(Some(org));
    }
    let query = "SELECT o.id AS id, o.name AS name, o.kind AS kind, o.active AS active FROM organizations o
        JOIN members m ON m.org_id = o.id WHERE m.account = ? AND m.active <> 0
        ORDER BY m.created_at DESC, m.rowid DESC LIMIT 1";
    ctx.store.first(query, binds![caller.id()])
}

/// Refuses callers that may not see an organization's objects.
pub(crate) fn visible(ctx: &RequestContext, caller: &Identity, org_id: &str) -> Result<()> {
    member_of(ctx, &load(ctx, org_id)?, caller).map(|_| ())
}

/// The organization that the caller administers.
pub(crate) fn administered(ctx: &RequestContext, caller: &Identity) -> Result<Organization> {
    let org = current(ctx, caller)?.ok_or_else(|| {
        ApiError::new(403, "BCK.AUTH.0006", "You do not belong to any organization")
            .hint("In the sandbox, POST /sandbox/organizations creates one.")
    })?;
    if org.active == 0 {
        return Err(ApiError::new(403, "BCK.AUTH.0009", "The organization is not active"));
    }
    if member_of(ctx, &org, caller)?.role != "Admin" {
        return Err(ApiError::new(403, "BCK.AUTH.0007", "You are not an administrator of the organization"));
    }
    Ok(org)
}
