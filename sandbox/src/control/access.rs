//! Access to the routes under `/sandbox`, and the reset.

use crate::crypto::secrets;
use crate::http::error::{Outcome, Problem};
use crate::http::request::Reply;
use crate::{Desk, settings};
use worker::Url;

/// Options the sandbox was started with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started {
    /// The secret for the routes under `/sandbox`. Without one they answer on this machine only.
    pub(crate) secret: Option<String>,
    /// The command that starts the sandbox with faults; the dashboard shows it if faults are off.
    pub(crate) command: Option<String>,
}

/// Refuses callers that may not use the routes under `/sandbox`. These routes issue keys and inject faults, and they
/// ask for no API key. So:
///
/// - a page of another origin is refused, whatever it sends, and cannot read responses (see `http::cors`);
/// - with a secret, every caller must send it, on this machine too;
/// - without a secret, the host must be this machine. A name that resolves here (DNS rebinding) is refused, and a
///   sandbox that is deployed without a secret keeps these routes closed.
pub(crate) fn guard(desk: &Desk) -> Outcome<()> {
    if is_foreign(desk) || desk.call.from.as_deref().is_some_and(|from| from != desk.call.origin) {
        return foreign();
    }
    match &desk.started.secret {
        Some(secret) if desk.call.bearer().is_some_and(|given| secrets::same(given, secret)) => Ok(()),
        Some(_) => Err(Problem::new(401, "SANDBOX.SECRET", "This route wants the sandbox's secret")
            .hint("Send Authorization: Bearer <the value of SANDBOX_SECRET>.")),
        None if on_this_machine(&desk.call.origin) => Ok(()),
        None => Err(Problem::new(403, "SANDBOX.NOT_LOCAL", "This route answers on this machine only")
            .hint("Give the sandbox a secret, SANDBOX_SECRET, to use it from elsewhere.")),
    }
}

/// True if the browser says that a page of another origin sent the request.
pub(crate) fn is_foreign(desk: &Desk) -> bool {
    desk.call.site.as_deref().is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// The error for a page of another origin.
pub(crate) fn foreign<T>() -> Outcome<T> {
    Err(Problem::new(403, "SANDBOX.CROSS_ORIGIN", "This is not for pages of other origins"))
}

fn on_this_machine(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| crate::pages::return_url::loopback(&url))
}

/// `POST /sandbox/reset`: deletes all data.
pub(crate) fn reset(desk: &Desk) -> Outcome {
    desk.store.clear()?;
    Ok(Reply::empty())
}

/// Records a change by a route under `/sandbox`, so the dashboard reloads.
pub(crate) fn changed(desk: &Desk) -> Outcome<()> {
    let machine = desk.call.now.saturating_sub(desk.settings.offset);
    settings::keep(desk, settings::REVISION, machine.max(desk.settings.revision.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_of_this_machine() {
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
