//! Access to the routes under `/sandbox`, and the reset.

use crate::context::RequestContext;
use crate::crypto::secrets;
use crate::http::error::{ApiError, Result};
use crate::http::request::Request;
use crate::http::response::Response;
use crate::settings;
use worker::Url;

/// Refuses callers that may not use the routes under `/sandbox`. These routes issue keys and inject faults, and they
/// ask for no API key. So:
///
/// - a page of another origin is refused, whatever it sends, and cannot read responses (see `http::cors`);
/// - with a secret, every caller must send it, on this machine too;
/// - without a secret, the host must be this machine. A name that resolves here (DNS rebinding) is refused, and a
///   sandbox that is deployed without a secret keeps these routes closed.
pub(crate) fn guard(ctx: &RequestContext) -> Result<()> {
    if is_foreign(ctx) || ctx.request.from.as_deref().is_some_and(|from| from != ctx.request.origin) {
        return foreign();
    }
    match &ctx.start_options.secret {
        Some(secret) if ctx.request.bearer().is_some_and(|given| secrets::same(given, secret)) => Ok(()),
        Some(_) => Err(ApiError::new(401, "SANDBOX.SECRET", "This route requires the sandbox's secret")
            .hint("Send Authorization: Bearer <the value of SANDBOX_SECRET>.")),
        None if on_this_machine(&ctx.request.origin) => Ok(()),
        None => Err(ApiError::new(403, "SANDBOX.NOT_LOCAL", "This route answers on this machine only")
            .hint("Set SANDBOX_SECRET to use it from other machines.")),
    }
}

/// True if the browser says that a page of another origin sent the request.
pub(crate) fn is_foreign(ctx: &RequestContext) -> bool {
    ctx.request.site.as_deref().is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// True if the request is not part of the API. Such requests are not logged and get no faults.
pub(crate) fn is_own(request: &Request) -> bool {
    matches!(request.path.first().map(String::as_str), Some("sandbox" | "dashboard" | "favicon.ico"))
}

/// The error for a page of another origin.
pub(crate) fn foreign<T>() -> Result<T> {
    Err(ApiError::new(403, "SANDBOX.CROSS_ORIGIN", "Pages of other origins may not use this"))
}

fn on_this_machine(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| crate::pages::return_url::is_loopback(&url))
}

/// `POST /sandbox/reset`: deletes all data.
pub(crate) fn reset(ctx: &RequestContext) -> Result {
    ctx.store.clear()?;
    Ok(Response::empty())
}

/// Records a change by a route under `/sandbox`, so the dashboard reloads.
pub(crate) fn changed(ctx: &RequestContext) -> Result<()> {
    let machine = ctx.request.now.saturating_sub(ctx.settings.offset);
    settings::store_value(
        &ctx.store,
        settings::REVISION,
        machine.max(ctx.settings.revision.saturating_add(1)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_on_this_machine() {
        for (origin, here) in [
            ("http://127.0.0.1:3001", true),
            ("http://localhost:3001", true),
            ("http://[::1]:3001", true),
            ("https://localhost", true),
            ("http://127.0.0.1.evil.example:3001", false),
            ("http://localhost.evil.example", false),
            ("http://192.168.1.7:3001", false),
            ("https://nevermined-sandbox.team.workers.dev", false),
            ("", false),
        ] {
            assert_eq!(on_this_machine(origin), here, "{origin}");
        }
    }
}
