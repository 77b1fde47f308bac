//! Widget sessions: a card page acts for an account with a session token instead of its API key (contract section
//! 8.3).

use crate::Desk;
use crate::delegations::payment_methods::{self, Card};
use crate::http::error::{Outcome, Problem};
use crate::http::request::{Reply, member, object, text};
use crate::identity::accounts;
use crate::identity::api_key::Identity;
use crate::pages::return_url;
use crate::primitives::time;
use crate::storage::store::binds;
use crate::widgets::widget_keys;
use serde::Deserialize;
use serde_json::json;
use worker::Url;

/// Lifetime of a session in milliseconds.
const LIFE: i64 = 2 * 3_600_000;
/// The prefix of a session token, which distinguishes it from an API key.
const PREFIX: &str = "wst_";
/// Providers whose cards can be enrolled.
const CARD_PROVIDERS: [&str; 3] = ["stripe", "braintree", "visa"];

/// A valid session.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Session {
    owner: String,
    /// The app's callback, or the origin of the widget's site.
    return_url: String,
    expires_at: i64,
    /// The widget key of the session; none if the user opened it.
    widget_key: Option<String>,
    /// The key's origins as a JSON list.
    origins: Option<String>,
}

impl Session {
    pub(crate) fn owner(&self) -> Identity {
        Identity { address: self.owner.clone(), key_id: None, org: None }
    }

    /// The URLs that a page may return to. A user's own session: this machine and the URL it was opened for. A
    /// session of a widget key: the key's origins.
    pub(crate) fn target(&self, text: &str) -> Option<Url> {
        let url = return_url::address(text)?;
        let allowed = match &self.origins {
            Some(origins) => widget_keys::origins(origins).contains(&url.origin().ascii_serialization()),
            None => {
                let opened = return_url::address(&self.return_url)?;
                return_url::loopback(&url) && url.origin() == opened.origin()
            }
        };
        allowed.then_some(url)
    }
}

fn refused(code: &'static str, message: &str) -> Problem {
    Problem::new(401, code, message)
        .hint("Open a session with POST /api/v1/widgets/session/self, or with an init token at /api/v1/widgets/session.")
}

/// Finds a session by its token.
pub(crate) fn find(desk: &Desk, token: &str) -> Outcome<Session> {
    let query = "SELECT owner, return_url, expires_at, widget_key, origins FROM widgets WHERE token = ?";
    let session: Session = desk
        .store
        .first(query, binds![token])?
        .ok_or_else(|| refused("BCK.WIDGET_SESSION.0005", "The session token is not one"))?;
    if session.expires_at <= desk.call.now {
        return Err(refused("BCK.WIDGET_SESSION.0005", "The session has expired"));
    }
    if let Some(key) = &session.widget_key
        && !widget_keys::stands(desk, key)?
    {
        return Err(refused("BCK.WIDGET_SESSION.0011", "The session's widget key was revoked"));
    }
    Ok(session)
}

/// The caller, by API key or by session token.
pub(crate) fn caller(desk: &Desk) -> Outcome<Identity> {
    match desk.call.bearer().filter(|token| token.starts_with(PREFIX)) {
        Some(token) => Ok(find(desk, token)?.owner()),
        None => accounts::caller(desk),
    }
}

/// A newly opened session.
pub(crate) struct Issued {
    pub(crate) token: String,
    pub(crate) expires_at: i64,
}

/// Opens a session of an account; a widget key's session stores the key's id and origins.
pub(crate) fn issue(desk: &Desk, owner: &Identity, url: &str, key: Option<(&str, &str)>) -> Outcome<Issued> {
    let token = format!("{PREFIX}{}", desk.random.hex(24)?.trim_start_matches("0x"));
    let expires_at = desk.call.now.saturating_add(LIFE);
    let (key, origins) = key.unzip();
    desk.store.run(
        "INSERT INTO widgets (token, owner, return_url, expires_at, widget_key, origins) VALUES (?, ?, ?, ?, ?, ?)",
        binds![token.as_str(), owner.address.as_str(), url, expires_at, key, origins],
    )?;
    Ok(Issued { token, expires_at })
}

/// `POST /api/v1/widgets/session/self`: opens a session for the caller, which may return to this machine.
pub(crate) fn start(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let body = desk.call.json()?;
    let text = text(&body, "returnUrl").ok_or_else(|| Problem::bad_request("returnUrl is missing"))?;
    let url = return_url::address(text)
        .ok_or_else(|| Problem::bad_request("returnUrl must be an http or https address"))?;
    let Issued { token, expires_at } = issue(desk, &caller, url.as_str(), None)?;
    Reply::created(json!({
        "sessionToken": token, "userId": caller.id(), "userWallet": caller.address,
        "apiKeyHash": caller.key_id, "expiresAt": time::iso(expires_at),
        "isReturnUrlAllowed": return_url::loopback(&url),
    }))
}

/// `GET /api/v1/widgets/session/validate`
pub(crate) fn validate(desk: &Desk) -> Outcome {
    let token = desk.call.bearer().unwrap_or_default();
    let session = find(desk, token)?;
    let url = desk.call.returning.as_deref();
    if url.is_some_and(|url| session.target(url).is_none()) {
        return Err(not_there());
    }
    Reply::ok(json!({
        "valid": true, "userId": session.owner().id(), "userWallet": session.owner,
        "expiresAt": time::iso(session.expires_at), "isReturnUrlAllowed": url.is_some(),
    }))
}

/// The session may not return to this URL.
pub(crate) fn not_there() -> Problem {
    Problem::new(403, "BCK.WIDGET_SESSION.0012", "The session does not lead back there")
        .hint("A session of your own leads back to localhost, 127.0.0.1 or [::1], where it was opened for.")
}

/// The named provider, if its cards can be enrolled; the default is stripe.
pub(crate) fn provider(named: Option<&str>) -> Outcome<&str> {
    let provider = named.unwrap_or("stripe");
    if CARD_PROVIDERS.contains(&provider) {
        Ok(provider)
    } else {
        Err(Problem::bad_request("provider must be one of stripe, braintree, visa"))
    }
}

/// `POST /api/v1/delegation/setup-intent`: begins the enrolment of a card.
pub(crate) fn setup_intent(desk: &Desk) -> Outcome {
    let caller = caller(desk)?;
    let body = desk.call.json()?;
    let provider = provider(text(&body, "provider"))?;
    let id = format!("seti_sandbox_{}", desk.random.hex(12)?.trim_start_matches("0x"));
    desk.store.run(
        "INSERT INTO intents (id, owner, provider, used) VALUES (?, ?, ?, 0)",
        binds![id.as_str(), caller.id(), provider],
    )?;
    let secret = format!("{id}_secret_{}", desk.random.hex(12)?.trim_start_matches("0x"));
    Reply::created(json!({ "setupIntentId": id, "clientSecret": secret, "provider": provider }))
}

/// `POST /api/v1/delegation/finalize-enrollment`: completes the enrolment. The hosted service never receives the card
/// itself; the sandbox does, because there is no card processor.
pub(crate) fn finalize(desk: &Desk) -> Outcome {
    #[derive(Deserialize)]
    struct Intent {
        id: String,
        provider: String,
    }
    let caller = caller(desk)?;
    let body = desk.call.json()?;
    let query = "SELECT id, provider FROM intents WHERE id = ? AND owner = ? AND used = 0";
    let binds = binds![text(&body, "setupIntentId").unwrap_or_default(), caller.id()];
    let intent: Intent = desk
        .store
        .first(query, binds)?
        .ok_or_else(|| Problem::bad_request("setupIntentId names no open intent of yours"))?;
    let card = object(&body, "card")?;
    let number = text(card, "number").unwrap_or_default();
    let month = member(card, "expMonth").map(ToString::to_string).unwrap_or_default();
    let year = member(card, "expYear").map(ToString::to_string).unwrap_or_default();
    let expiry = format!("{month}/{year}").replace('"', "");
    let card = Card::read(number, &expiry, time::year(desk.call.now))
        .map_err(|reason| Problem::new(402, "SANDBOX.CARD_DECLINED", reason))?;
    desk.store.run("UPDATE intents SET used = 1 WHERE id = ?", binds![intent.id.as_str()])?;
    let id = payment_methods::enroll(desk, &caller, &intent.provider, &card, text(&body, "alias"))?;
    Reply::created(json!({ "paymentMethodId": id, "provider": intent.provider }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_session_leads() {
        let session = |url: &str| Session {
            owner: "0x1".into(),
            return_url: url.into(),
            expires_at: 0,
            widget_key: None,
            origins: None,
        };
        for (opened, target, ok) in [
            ("http://127.0.0.1:4000/callback", "http://127.0.0.1:4000/callback", true),
            ("http://127.0.0.1:4000/callback", "http://127.0.0.1:4000/callback?x=1", true),
            ("http://127.0.0.1:4000/callback", "http://127.0.0.1:4001/callback", false),
            ("http://127.0.0.1:4000/callback", "https://app.example/", false),
            ("https://app.example/", "https://app.example/", false),
            ("http://localhost:4000/", "javascript:alert(1)", false),
        ] {
            assert_eq!(session(opened).target(target).is_some(), ok, "{opened} {target}");
        }
        let origins = Some(json!(["https://app.example", "http://127.0.0.1:5000"]).to_string());
        let of_key = Session { widget_key: Some("k".into()), origins, ..session("https://app.example") };
        for (target, ok) in [
            ("https://app.example/cards?x=1", true),
            ("http://127.0.0.1:5000/", true),
            ("http://127.0.0.1:5001/", false),
            ("https://evil.example/", false),
            ("javascript:alert(1)", false),
        ] {
            assert_eq!(of_key.target(target).is_some(), ok, "{target}");
        }
    }

    #[test]
    fn whose_cards_can_be_enrolled() {
        assert_eq!(provider(None).unwrap(), "stripe");
        assert_eq!(provider(Some("visa")).unwrap(), "visa");
        assert_eq!(provider(Some("erc4337")).unwrap_err().status, 400);
    }
}
