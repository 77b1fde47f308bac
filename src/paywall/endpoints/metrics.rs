//! The counters of this isolate, for whoever has the secret: `GET /.well-known/payments/metrics`.

use crate::paywall::gate::{Gate, RequestHead};
use crate::paywall::http::path::Target;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::sha256::sha256;
use alloc::string::String;

impl Gate {
    /// The counters, or what whoever asks for them wrongly is told; nothing where something else is asked for, or nobody
    /// may.
    pub(crate) fn metrics(&self, request: &RequestHead) -> Option<GateResponse> {
        let answer = self.secret(request, "metrics")?.map(|_| {
            let mut answer = GateResponse::document(200, self.counters.page());
            answer.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
            answer
        });
        Some(answer.unwrap_or_else(|refused| refused))
    }

    /// The target of a request for a page that wants the bearer token of the settings, or what is wrong with it; nothing
    /// where another page is asked for, or there is no token.
    pub(crate) fn secret(&self, request: &RequestHead, page: &str) -> Option<Result<Target, GateResponse>> {
        let secret = self.settings().manners.metrics.as_ref()?;
        let target = Target::parse(&request.url).ok()?;
        if !target.path.segments().iter().map(String::as_str).eq([".well-known", "payments", page]) {
            return None;
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            let answer = GateResponse::error(405, "method_not_listed", "This method is not offered here.");
            return Some(Err(answer.with("allow", "GET, HEAD")));
        }
        let said = request.headers.get("authorization").and_then(|value| value.split_once(' '));
        let said = said.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        // Digests are compared, so that the time it takes says nothing of the secret.
        let right = sha256(secret.expose().as_bytes());
        if said.is_none_or(|(_, token)| sha256(token.trim().as_bytes()) != right) {
            let (code, message) = match page {
                "journal" => ("journal_unauthorized", "The journal wants the bearer token of the counters."),
                _ => ("metrics_unauthorized", "The counters want their bearer token."),
            };
            return Some(Err(GateResponse::error(401, code, message).with("www-authenticate", "Bearer")));
        }
        Some(Ok(target))
    }
}
