//! Removal of a card, which ends its delegations.

use crate::context::RequestContext;
use crate::delegations::{delegation, payment_methods};
use crate::http::error::Result;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::storage::store::binds;
use serde_json::json;

/// `DELETE /api/v1/payment-methods/:id`: removes the card and ends the delegations that pay from it.
pub(crate) fn remove(ctx: &RequestContext, id: &str) -> Result {
    let card = payment_methods::card(ctx, &accounts::caller(ctx)?, id)?;
    ctx.store.run("UPDATE methods SET removed = 1 WHERE id = ?", binds![card.id.as_str()])?;
    delegation::end(ctx, "payment_method = ?", &card.id)?;
    Response::ok(json!({ "success": true, "id": card.id }))
}
