//! The counters of this isolate, for whoever has the secret: `GET /.well-known/payments/metrics`.

use super::answer::Answer;
use super::digest::sha256;
use super::gate::{Gate, RequestHead};
use super::path::Target;

const PATH: [&str; 3] = [".well-known", "payments", "metrics"];

impl Gate {
    /// The counters, or what whoever asks for them wrongly is told; nothing where something else is asked for, or nobody
    /// may.
    pub(crate) fn metrics(&self, request: &RequestHead) -> Option<Answer> {
        let secret = self.settings().manners.metrics.as_ref()?;
        let target = Target::parse(&request.url).ok()?;
        if !target.path.segments().iter().map(alloc::string::String::as_str).eq(PATH) {
            return None;
        }
        if !matches!(request.method.as_str(), "GET" | "HEAD") {
            let answer = Answer::error(405, "method_not_listed", "This method is not offered here.");
            return Some(answer.with("allow", "GET, HEAD"));
        }
        let said = request.headers.get("authorization").and_then(|value| value.split_once(' '));
        let said = said.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        // Digests are compared, so that the time it takes says nothing of the secret.
        let right = sha256(secret.expose().as_bytes());
        if said.is_none_or(|(_, token)| sha256(token.trim().as_bytes()) != right) {
            let answer = Answer::error(401, "metrics_unauthorized", "The counters want their bearer token.");
            return Some(answer.with("www-authenticate", "Bearer"));
        }
        let mut answer = Answer::document(200, self.counters.page());
        answer.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
        Some(answer)
    }
}
