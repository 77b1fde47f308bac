//! The counters of this isolate, for requests with the bearer token: `GET /.well-known/payments/metrics`.

use crate::codec::text::ByteSplit;
use crate::paywall::action::RequestHead;
use crate::paywall::config::settings::Settings;
use crate::paywall::flow::context::Context;
use crate::paywall::http::path::Target;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::sha256::sha256;
use alloc::string::String;

/// The counters, or the refusal of a wrong request for them; `None` where another page is asked for, or the settings have
/// no token for it.
pub(crate) fn answer(request: &RequestHead, context: &Context) -> Option<GateResponse> {
    let answer = authorized(request, "metrics", context.settings())?.map(|_| {
        let mut answer = GateResponse::document(200, context.shared.counters.page());
        answer.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
        answer
    });
    Some(answer.unwrap_or_else(|refused| refused))
}

/// The target of a request for a page that wants the bearer token of the settings, or the refusal of a wrong one;
/// `None` where another page is asked for, or the settings have no token.
pub(crate) fn authorized(
    request: &RequestHead,
    page: &str,
    settings: &Settings,
) -> Option<Result<Target, GateResponse>> {
    let secret = settings.manners.metrics.as_ref()?;
    let target = Target::parse(&request.url).ok()?;
    if !target.path.segments().iter().map(String::as_str).eq([".well-known", "payments", page]) {
        return None;
    }
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        let answer = GateResponse::error(405, "method_not_listed", "This method is not offered here.");
        return Some(Err(answer.with("allow", "GET, HEAD")));
    }
    let said = request.headers.get("authorization").and_then(|value| value.split_once_byte(b' '));
    let said = said.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    // Digests are compared, so that the time it takes says nothing of the secret.
    let right = sha256(secret.expose().as_bytes());
    if said.is_none_or(|(_, token)| sha256(token.trim().as_bytes()) != right) {
        let (code, message) = match page {
            "journal" => ("journal_unauthorized", "The journal needs the bearer token METRICS_TOKEN."),
            _ => ("metrics_unauthorized", "The metrics need the bearer token METRICS_TOKEN."),
        };
        return Some(Err(GateResponse::error(401, code, message).with("www-authenticate", "Bearer")));
    }
    Some(Ok(target))
}
