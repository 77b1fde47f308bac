//! Legal documents, and the guard that refuses calls until they are accepted (contract sections 1.4, 13.14).

use crate::context::RequestContext;
use crate::http::error::{ApiError, Result};
use crate::http::fields::member;
use crate::http::request::Request;
use crate::http::response::Response;
use crate::identity::accounts;
use crate::identity::api_key;
use crate::storage::store::binds;
use serde_json::{Map, Value, json};

/// The only document, and its current version.
const TERMS: (&str, &str) = ("terms", "1.0.0");

/// True if a call needs consent: all calls that change something in the account's name. Verify and settle are
/// excepted, because the seller calls them with another user's token, and so are the routes of the documents
/// themselves.
fn gated(request: &Request) -> bool {
    let path: Vec<&str> = request.path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["api", "v1", "legal-documents", ..] | ["api", "v1", "x402" | "mpp", "verify" | "settle"] => false,
        ["api", "v1", ..] => {
            request.authorization.is_some() && !matches!(request.method.as_str(), "GET" | "HEAD")
        }
        _ => false,
    }
}

/// Refuses a call if the account has not accepted the current documents and the sandbox requires it.
pub(crate) fn guard(ctx: &RequestContext) -> Result<()> {
    if !ctx.settings.legal || !gated(&ctx.request) {
        return Ok(());
    }
    let Ok(caller) = api_key::caller(&ctx.request) else { return Ok(()) };
    let agreed = "SELECT COUNT(*) AS count FROM consents WHERE account = ? AND document = ? AND version = ?";
    if ctx.store.count(agreed, binds![caller.id(), TERMS.0, TERMS.1])? > 0 {
        return Ok(());
    }
    Err(ApiError::new(412, "BCK.LEGAL_DOCS.0004", "The current legal documents have not been agreed to")
        .hint("Agree with POST /api/v1/legal-documents/me/consents, then try again."))
}

/// `GET /api/v1/legal-documents/manifest`
pub(crate) fn manifest() -> Result {
    Response::ok(json!({ "documents": { TERMS.0: { "current": TERMS.1 } } }))
}

/// `POST /api/v1/legal-documents/me/consents`: records any list of documents and versions.
pub(crate) fn consent(ctx: &RequestContext) -> Result {
    let caller = accounts::caller(ctx)?;
    let consents = consents(&ctx.request.json()?);
    if consents.is_empty() {
        return Err(ApiError::bad_request("consents names no document"));
    }
    for (document, version) in &consents {
        ctx.store.run(
            "INSERT OR IGNORE INTO consents (account, document, version, at) VALUES (?, ?, ?, ?)",
            binds![caller.id(), document.as_str(), version.as_str(), ctx.request.now],
        )?;
    }
    Response::created(json!({ "recorded": consents.len() }))
}

/// The contract does not specify the body: any array of objects is accepted, or one object.
fn consents(body: &Map<String, Value>) -> Vec<(String, String)> {
    let word = |entry: &Map<String, Value>, names: &[&str]| {
        names
            .iter()
            .find_map(|name| member(entry, name).and_then(Value::as_str))
            .unwrap_or_default()
            .to_owned()
    };
    let read = |entry: &Map<String, Value>| {
        let document = word(entry, &["document", "documentType", "documentId", "type", "slug", "id"]);
        (!document.is_empty()).then(|| (document, word(entry, &["version", "documentVersion", "current"])))
    };
    match body.values().find_map(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_object).filter_map(read).collect(),
        None => read(body).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_need_consent() {
        for (method, path, key, waits) in [
            ("POST", "api/v1/protocol/plans", true, true),
            ("DELETE", "api/v1/delegation/x", true, true),
            ("POST", "api/v1/protocol/plans", false, false),
            ("GET", "api/v1/protocol/plans", true, false),
            ("POST", "api/v1/x402/permissions", true, true),
            ("POST", "api/v1/x402/settle", true, false),
            ("POST", "api/v1/mpp/verify", true, false),
            ("POST", "api/v1/legal-documents/me/consents", true, false),
            ("POST", "sandbox/settings", true, false),
        ] {
            let request = Request {
                method: method.into(),
                path: path.split('/').map(str::to_owned).collect(),
                authorization: key.then(|| "Bearer x".into()),
                ..Request::default()
            };
            assert_eq!(gated(&request), waits, "{method} {path}");
        }
    }

    #[test]
    fn consents_are_read_from_any_member() {
        for (body, count) in [
            (json!({ "consents": [{ "documentType": "terms", "version": "1.0.0" }] }), 1),
            (
                json!({ "documents": [{ "type": "terms", "version": "1" }, { "type": "privacy", "version": "1" }] }),
                2,
            ),
            (json!({ "document": "terms", "version": "1" }), 1),
            (json!({}), 0),
        ] {
            assert_eq!(consents(body.as_object().unwrap()).len(), count, "{body}");
        }
    }
}
