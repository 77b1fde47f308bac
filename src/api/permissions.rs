//! Permissions: what stands behind the tokens that were minted (route 47; in the documentation only).

use super::query::Query;
use super::{Page, Request};
use crate::wire::ResourceId;
use alloc::format;

/// Read one: `GET /api/v1/x402/permissions/:hash`.
#[must_use]
pub fn get_permission(hash: &ResourceId) -> Request {
    Request::get(format!("/api/v1/x402/permissions/{hash}")).with_key()
}

/// List one's own: `GET /api/v1/x402/permissions`.
#[must_use]
pub fn list_permissions(page: &Page) -> Request {
    let query = Query::new("/api/v1/x402/permissions")
        .with("page", page.page.as_deref())
        .with("offset", page.offset.as_deref());
    Request::get(query.into_string()).with_key()
}

/// Take one back: `DELETE /api/v1/x402/permissions/:hash`. Its token pays nothing from then on.
#[must_use]
pub fn revoke_permission(hash: &ResourceId) -> Request {
    Request::delete(format!("/api/v1/x402/permissions/{hash}"))
}
