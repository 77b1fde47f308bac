//! Spending delegations (section 4.6).

use super::Request;
use alloc::string::String;

/// Create a delegation: `POST /api/v1/delegation/create`, the caller's JSON as it is. Answers
/// `{ delegationId, delegationToken? }`.
#[must_use]
pub fn create_delegation(body: String) -> Request {
    Request::post("/api/v1/delegation/create", Some(body))
}

/// List the caller's delegations: `GET /api/v1/delegation`. Money fields are strings, in cents.
#[must_use]
pub fn list_delegations() -> Request {
    Request::get("/api/v1/delegation").with_key()
}
