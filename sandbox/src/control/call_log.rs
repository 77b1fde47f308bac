//! The log of API calls: tests count the calls, and the dashboard shows them.

use crate::context::RequestContext;
use crate::control::{access, clock};
use crate::http::error::Result;
use crate::http::fields::member;
use crate::http::request::Request;
use crate::http::response::{Body, Response};
use crate::identity::api_key;
use crate::primitives::time;
use crate::storage::store::{Store, binds};
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Minimum number of calls that are kept; older ones are deleted from time to time.
const MAX_CALLS: i64 = 5_000;
/// Maximum number of characters stored of a body.
const MAX_TEXT: usize = 6_000;
/// Maximum number of calls in one response to the dashboard.
const MAX_NEWS: usize = 200;
/// Texts without spaces that are longer than this are shortened for display: keys, tokens, signatures.
const LONG: usize = 100;
/// Names of members that are secrets at any length.
const SECRET: [&str; 6] =
    ["nvmApiKey", "sessionToken", "clientSecret", "accessToken", "x402AccessToken", "code"];

/// Logs a call with its response, or the response it would have had. Status 0 is a dropped call. Routes of the
/// sandbox itself are not logged.
pub(crate) fn log(
    store: &Store,
    request: &Request,
    status: u16,
    response: Option<&Response>,
    fault: Option<&str>,
    now: i64,
) -> Result<()> {
    if access::is_own(request) {
        return Ok(());
    }
    let account = api_key::caller(request).ok().map(|caller| caller.address);
    store.run(
        "INSERT INTO calls (method, path, query, status, fault, correlation, account, request, response, at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        binds![
            request.method.as_str(),
            format!("/{}", request.path.join("/")),
            query_string(request),
            i64::from(status),
            fault,
            request.correlation.as_str(),
            account,
            logged_body(request),
            response.and_then(response_text),
            now
        ],
    )
}

/// Deletes the oldest calls.
pub(crate) fn sweep(store: &Store) -> Result<()> {
    store.run("DELETE FROM calls WHERE id <= (SELECT MAX(id) FROM calls) - ?", binds![MAX_CALLS])
}

/// The query string.
fn query_string(request: &Request) -> Option<String> {
    let parts = request.query.iter().map(|(name, value)| format!("{name}={value}"));
    let query = cut(&parts.collect::<Vec<_>>().join("&"));
    (!query.is_empty()).then_some(query)
}

/// A JSON body. Form posts of the pages and card numbers are not logged.
fn logged_body(request: &Request) -> Option<String> {
    let card = request.path.last().is_some_and(|last| last == "finalize-enrollment");
    (request.body.starts_with(['{', '[']) && !card).then(|| cut(&request.body))
}

fn response_text(response: &Response) -> Option<String> {
    match &response.body {
        Body::Json(json) => Some(cut(json)),
        Body::Location(location) => Some(cut(&json!({ "location": location }).to_string())),
        _ => None,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[derive(Deserialize)]
struct Row {
    id: i64,
    method: String,
    path: String,
    query: Option<String>,
    status: i64,
    fault: Option<String>,
    correlation: Option<String>,
    account: Option<String>,
    request: Option<String>,
    response: Option<String>,
    at: i64,
}

impl Row {
    /// The entry as tests read it.
    fn brief(&self) -> Value {
        let mut request = json!({
            "method": self.method, "path": self.path, "status": self.status, "at": time::iso(self.at),
        });
        if let (Some(fault), Some(request)) = (&self.fault, request.as_object_mut()) {
            request.insert("fault".into(), fault.as_str().into());
        }
        request
    }

    /// The entry as the dashboard shows it, secrets shortened.
    fn whole(&self) -> Value {
        let shown = |text: &Option<String>| text.as_deref().map(shortened);
        let mut request = self.brief();
        let more = [
            ("query", shown(&self.query)),
            ("correlationId", self.correlation.clone()),
            ("account", self.account.clone()),
            ("request", shown(&self.request)),
            ("response", shown(&self.response)),
        ];
        if let Some(request) = request.as_object_mut() {
            request.insert("id".into(), self.id.into());
            for (name, text) in more {
                if let Some(text) = text {
                    request.insert(name.into(), text.into());
                }
            }
        }
        request
    }
}

const COLUMNS: &str = "id, method, path, query, status, fault, correlation, account, request, response, at";

/// `GET /sandbox/calls`: oldest first.
pub(crate) fn calls(ctx: &RequestContext) -> Result {
    let query = "SELECT id, method, path, NULL AS query, status, fault, NULL AS correlation, NULL AS account,
        NULL AS request, NULL AS response, at FROM calls ORDER BY id";
    let rows: Vec<Row> = ctx.store.rows(query, binds![])?;
    Response::ok(Value::Array(rows.iter().map(Row::brief).collect()))
}

/// `DELETE /sandbox/calls`
pub(crate) fn forget_calls(ctx: &RequestContext) -> Result {
    ctx.store.run("DELETE FROM calls", binds![])?;
    Ok(Response::empty())
}

/// `GET /sandbox/watch?after=ID`: the calls after that id, oldest first, and two markers of changes: `cursor` is the
/// id of the last call, `revision` grows with every change by a route under `/sandbox`. With `before`, the calls
/// before that id. It responds immediately and does not wait for news.
pub(crate) fn watch(ctx: &RequestContext) -> Result {
    let number = |name: &str| ctx.request.param(name).and_then(|text| text.parse::<i64>().ok());
    let (after, before) = (number("after").unwrap_or(0), number("before").unwrap_or(i64::MAX >> 11));
    let query = format!("SELECT {COLUMNS} FROM calls WHERE id > ? AND id < ? ORDER BY id DESC LIMIT ?");
    let most = i64::try_from(MAX_NEWS).unwrap_or_default() + 1;
    let rows: Vec<Row> = ctx.store.rows(&query, binds![after, before, most])?;
    let calls: Vec<Value> = rows.iter().take(MAX_NEWS).rev().map(Row::whole).collect();
    let cursor = ctx.store.count("SELECT COALESCE(MAX(id), 0) AS count FROM calls", binds![])?;
    Response::ok(json!({
        "calls": calls, "more": rows.len() > MAX_NEWS, "cursor": cursor, "revision": ctx.settings.revision,
        "clock": clock::view(ctx.request.now, ctx.settings.offset),
    }))
}

/// A text with its secrets shortened: long texts without spaces, and members with a secret's name.
fn shortened(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(mut value) => {
            hide(&mut value);
            value.to_string()
        }
        // A truncated body, or a query.
        Err(_) => text.split_inclusive(['"', '&', '=', ' ']).map(|part| ends(part, LONG)).collect(),
    }
}

fn hide(value: &mut Value) {
    match value {
        Value::String(text) => *text = ends(text, LONG),
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => {
            secrets(members);
            members.values_mut().for_each(hide);
        }
        _ => {}
    }
}

fn secrets(members: &mut Map<String, Value>) {
    // The `code` of an error is not a secret.
    let refused = member(members, "message").is_some();
    for name in SECRET.iter().filter(|name| !(refused && **name == "code")) {
        if let Some(Value::String(text)) = members.get_mut(*name) {
            *text = ends(text, 16);
        }
    }
}

/// Shortens a text without spaces to its ends if it is longer than `most`. In a URL, its parameters are shortened.
fn ends(text: &str, most: usize) -> String {
    let url = text.starts_with("http://") || text.starts_with("https://");
    match text.split_once('?').filter(|_| url) {
        Some((path, query)) => {
            let parts = query.split_inclusive(['&', '=', '#']).map(|part| word(part, 64));
            format!("{path}?{}", parts.collect::<String>())
        }
        None => word(text, most),
    }
}

fn word(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most || text.contains(char::is_whitespace) {
        return text.to_owned();
    }
    let head: String = text.chars().take(12).collect();
    let tail: String = text.chars().skip(count.saturating_sub(6)).collect();
    format!("{head}…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shortened() {
        let key = format!("local:{}.xyz123", "k".repeat(200));
        let short = "local:kkkkkk…xyz123";
        for (name, text, expected) in [
            ("a key", json!({ "nvmApiKey": key }).to_string(), json!({ "nvmApiKey": short }).to_string()),
            (
                "within",
                json!({ "a": [{ "b": key }] }).to_string(),
                json!({ "a": [{ "b": short }] }).to_string(),
            ),
            (
                "a session",
                r#"{"sessionToken":"wst_0123456789abcdef0123"}"#.into(),
                r#"{"sessionToken":"wst_01234567…ef0123"}"#.into(),
            ),
            (
                "an error's code",
                r#"{"code":"BCK.PROTOCOL.0003","message":"m"}"#.into(),
                r#"{"code":"BCK.PROTOCOL.0003","message":"m"}"#.into(),
            ),
            (
                "an id",
                format!(r#"{{"planId":"{}"}}"#, "7".repeat(77)),
                format!(r#"{{"planId":"{}"}}"#, "7".repeat(77)),
            ),
            (
                "a sentence",
                json!({ "hint": "word ".repeat(40) }).to_string(),
                json!({ "hint": "word ".repeat(40) }).to_string(),
            ),
            ("a query", format!("a=1&key={key}"), format!("a=1&key={short}")),
            (
                "a way back",
                json!({ "location": format!("http://a.example/?nvmApiKey={key}") }).to_string(),
                json!({ "location": format!("http://a.example/?nvmApiKey={short}") }).to_string(),
            ),
            (
                "what was cut",
                format!(r#"{{"x402AccessToken":"{key}","a":"b…"#),
                r#"{"x402AccessToken":"local:kkkkkk…yz123","a":"b…"#.into(),
            ),
        ] {
            let shown = shortened(&text);
            assert!(!shown.contains(&"k".repeat(20)), "{name}: {shown}");
            assert_eq!(shown, expected, "{name}");
        }
    }

    #[test]
    fn long_texts_are_cut_at_character_boundaries() {
        let text = "é".repeat(MAX_TEXT + 5);
        assert_eq!(cut(&text).chars().count(), MAX_TEXT + 1);
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn cards_and_forms_are_not_logged() {
        let request = |path: &str, body: &str| Request {
            path: path.split('/').map(str::to_owned).collect(),
            body: body.into(),
            ..Request::default()
        };
        assert_eq!(logged_body(&request("cards/setup", "number=4242")), None);
        assert_eq!(logged_body(&request("api/v1/delegation/finalize-enrollment", "{}")), None);
        assert_eq!(logged_body(&request("api/v1/x402/verify", "{}")), Some("{}".into()));
    }
}
