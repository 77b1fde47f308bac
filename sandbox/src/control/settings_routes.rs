//! The routes of the settings.

use crate::context::RequestContext;
use crate::http::error::Result;
use crate::http::response::Response;

/// `GET /sandbox/settings`
pub(crate) fn get(ctx: &RequestContext) -> Result {
    Response::ok(ctx.settings.view())
}

/// `POST /sandbox/settings`: changes the named settings.
pub(crate) fn set(ctx: &RequestContext) -> Result {
    let settings = ctx.settings.changed(&ctx.request.json()?)?;
    settings.store(&ctx.store)?;
    Response::ok(settings.view())
}
