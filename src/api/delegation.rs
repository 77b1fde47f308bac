//! Spending delegations and the payment methods behind them (section 4.6). The answers are for the caller as they
//! came.

use super::query::Query;
use super::{Method, Request};
use crate::wire::{DelegationId, ResourceId};
use alloc::{format, string::String};

/// Create a delegation: `POST /api/v1/delegation/create`, the caller's JSON as it is. Answers
/// `{ delegationId, delegationToken? }`.
#[must_use]
pub fn create_delegation(body: String) -> Request {
    Request::post("/api/v1/delegation/create", Some(body))
}

/// List the caller's delegations: `GET /api/v1/delegation`. Money fields are strings, in cents. `accessible`: only those
/// that the key in use may spend from.
#[must_use]
pub fn list_delegations(accessible: Option<bool>) -> Request {
    let query = Query::new("/api/v1/delegation").with("accessible", accessible.map(word));
    Request::get(query.into_string()).with_key()
}

/// Take a delegation back: `DELETE /api/v1/delegation/:id`. In the documentation only (route 47): no official client calls
/// it.
#[must_use]
pub fn revoke_delegation(delegation_id: &DelegationId) -> Request {
    Request::delete(format!("/api/v1/delegation/{delegation_id}"))
}

/// List cards and wallets: `GET /api/v1/payment-methods`. Answers an array.
#[must_use]
pub fn list_payment_methods(accessible: Option<bool>, provider: Option<&str>) -> Request {
    let query = Query::new("/api/v1/payment-methods")
        .with("accessible", accessible.map(word))
        .with("provider", provider);
    Request::get(query.into_string()).with_key()
}

/// Rename a payment method or say which API keys may use it: `PATCH /api/v1/payment-methods/:id`, the caller's JSON as it
/// is.
#[must_use]
pub fn update_payment_method(id: &ResourceId, body: String) -> Request {
    Request { method: Method::Patch, ..Request::post(format!("/api/v1/payment-methods/{id}"), Some(body)) }
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}
