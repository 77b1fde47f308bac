//! What only a sandbox has: who may use it, and a way to start over.

use crate::crypto::secrets;
use crate::http::error::{Outcome, Problem};
use crate::http::request::Reply;
use crate::{Desk, settings};
use worker::Url;

/// How the sandbox was started, as far as its own routes care.
#[derive(Debug, Clone, Default)]
pub(crate) struct Started {
    /// What its own routes want to see; without one they are for this machine only.
    pub(crate) secret: Option<String>,
    /// The command that starts it with faults, to be shown where it was started without.
    pub(crate) command: Option<String>,
}

/// Refuses whoever the sandbox's own routes are not for. They hand out keys and make calls fail, and nothing in them asks
/// for a key, so:
///
/// - a page of another origin never gets through, whatever it sends, and may read nothing (`cors.rs`);
/// - where there is a secret, all must show it, on this machine as well;
/// - where there is none, the address must be of this machine: so a name that was made to lead here (DNS rebinding) is
///   not, and a sandbox that was deployed without a secret keeps its routes shut.
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

/// Whether a browser sends this for a page of another origin, by its own word.
pub(crate) fn is_foreign(desk: &Desk) -> bool {
    desk.call.site.as_deref().is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

/// The refusal of what a page of another origin sends.
pub(crate) fn foreign<T>() -> Outcome<T> {
    Err(Problem::new(403, "SANDBOX.CROSS_ORIGIN", "This is not for pages of other origins"))
}

fn on_this_machine(origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|url| crate::pages::return_url::loopback(&url))
}

/// `POST /sandbox/reset`: as if it had just been started with an empty data folder.
pub(crate) fn reset(desk: &Desk) -> Outcome {
    desk.store.clear()?;
    Ok(Reply::empty())
}

/// Notes that a route of the sandbox's own changed something, so that the dashboard looks again.
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
