use super::gate_response::GateResponse;
use crate::paywall::config::keys;
use crate::paywall::config::problems::Variables;
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::http::method::Method;
use crate::paywall::http::names::{PASS, PASS_EXPIRES, RECEIPT_URL, WARNING};
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE, digits};
use alloc::{string::String, vec::Vec};

/// Which cross-origin pages may ask and pay (rule 18). The default allows none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cors {
    /// Origins, `https://app.example`, compared as they are.
    allowed: Vec<String>,
    /// `*`: any page, without cookies.
    any: bool,
    /// Pages may send cookies and read the responses.
    credentials: bool,
    /// A public page may call this service in a private network.
    private_network: bool,
    /// Headers that a page may send if it asks to, beside the usual ones, in lower case.
    headers: Vec<String>,
    /// How long a browser may remember a preflight, in seconds.
    max_age: u32,
}

/// The response headers that a page may read beyond the safelist of the Fetch standard.
const EXPOSED: [&str; 12] = [
    PAYMENT_REQUIRED,
    PAYMENT_RESPONSE,
    RECEIPT_URL,
    "x-correlation-id",
    "x-platform-correlation-id",
    "retry-after",
    "accept-ranges",
    "content-range",
    "etag",
    PASS,
    PASS_EXPIRES,
    WARNING,
];
/// The request headers that a page may always send.
const ALLOWED: [&str; 4] = [PAYMENT_SIGNATURE, "content-type", "accept", "authorization"];
/// The request headers that a page may send if it asks to. The second is no request header, but `@x402/fetch` sends it
/// with its payment.
const ALLOWED_IF_ASKED: [&str; 18] = [
    "accept-language",
    "access-control-expose-headers",
    "cache-control",
    "content-language",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-event-id",
    "range",
    "traceparent",
    "tracestate",
    "x-correlation-id",
    PASS,
    "x-request-id",
    "x-requested-with",
];
/// The preflight header of a page that calls into a private network.
const ASKED_PRIVATE: &str = "access-control-request-private-network";

impl Cors {
    /// Reads `ALLOWED_ORIGINS`, `ALLOW_CREDENTIALS`, `ALLOWED_HEADERS`, `ALLOW_PRIVATE_NETWORK` and `CORS_MAX_AGE`.
    pub(crate) fn read(given: &Variables<'_>) -> Self {
        let mut cors = Self {
            credentials: given.switch(&keys::ALLOW_CREDENTIALS),
            private_network: given.switch(&keys::ALLOW_PRIVATE_NETWORK),
            max_age: given.whole(&keys::CORS_MAX_AGE),
            ..Self::default()
        };
        for origin in given.strings("ALLOWED_ORIGINS") {
            if origin == "*" {
                cors.any = true;
                continue;
            }
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let plain =
                |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b".-:[]".contains(&byte);
            if !host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain)) {
                let problem = "must be \"*\" or an origin in lower case, like https://app.example";
                given.problems.note("ALLOWED_ORIGINS", problem);
            }
            cors.allowed.push(origin);
        }
        // With both, any page could act in the name of its visitor.
        if cors.any && cors.credentials {
            given.problems.note("ALLOW_CREDENTIALS", "does not go with \"*\" in ALLOWED_ORIGINS");
        }
        for name in given.strings("ALLOWED_HEADERS") {
            let plain =
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if name.is_empty() || !plain || headers::is_ours(&name) {
                let problem = "must be names of headers in lower case, without those that the gate uses";
                given.problems.note("ALLOWED_HEADERS", problem);
            }
            cors.headers.push(name);
        }
        cors
    }

    /// The same for pages that send their token in these headers.
    pub(crate) fn taking(mut self, token_headers: &[String]) -> Self {
        self.headers.extend_from_slice(token_headers);
        self
    }

    /// The value of `access-control-allow-origin` for a page of `origin`, where it is allowed.
    fn admits<'a>(&self, origin: Option<&'a str>) -> Option<&'a str> {
        let origin = origin?;
        if self.any {
            return Some("*");
        }
        self.allowed.iter().any(|allowed| allowed == origin).then_some(origin)
    }

    /// Answers a preflight, unpaid and without the origin.
    pub(crate) fn preflight(&self, request: &HeaderList, methods: &[Method]) -> GateResponse {
        let origin = request.get("origin");
        let Some(admitted) = self.admits(origin) else {
            let mut answer = GateResponse::error(
                403,
                "origin_not_allowed",
                "Pages of this origin may not call this service (ALLOWED_ORIGINS).",
            );
            answer.headers.merge("vary", &["Origin"]);
            return answer;
        };
        let mut answer = GateResponse::empty(204);
        let headers = &mut answer.headers;
        headers.set("access-control-allow-origin", admitted);
        let listed = if methods.is_empty() { &Method::ALL } else { methods };
        let names: Vec<&str> = listed.iter().map(|method| method.as_str()).collect();
        headers.set("access-control-allow-methods", names.join(", "));
        headers.merge("access-control-allow-headers", &ALLOWED);
        let more = || ALLOWED_IF_ASKED.into_iter().chain(self.headers.iter().map(String::as_str));
        let asked = request
            .members("access-control-request-headers")
            .filter_map(|asked| more().find(|known| known.eq_ignore_ascii_case(asked)));
        headers.merge("access-control-allow-headers", &asked.collect::<Vec<_>>());
        headers.set("access-control-max-age", digits(self.max_age.into()));
        if self.credentials {
            headers.set("access-control-allow-credentials", "true");
        }
        headers.merge("vary", &["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]);
        if self.private_network {
            headers.merge("vary", &["Access-Control-Request-Private-Network"]);
            if request.get(ASKED_PRIVATE) == Some("true") {
                headers.set("access-control-allow-private-network", "true");
            }
        }
        answer
    }

    /// True where the settings name pages: without any, CORS is the origin server's to answer.
    pub(crate) fn is_on(&self) -> bool {
        self.any || !self.allowed.is_empty()
    }

    /// Sets the CORS headers of a response to a page of `origin`, in the place of the origin server's; headers that the
    /// server exposes stay exposed. If the settings name no pages, the server's CORS headers stay as they are.
    pub(crate) fn apply(&self, origin: Option<&str>, headers: &mut HeaderList) {
        if !self.is_on() {
            return;
        }
        let exposed: Vec<String> = headers
            .members("access-control-expose-headers")
            .filter(|name| *name != "*")
            .map(Into::into)
            .collect();
        headers.retain(|name| !name.starts_with("access-control-"));
        if !self.any {
            headers.merge("vary", &["Origin"]);
        }
        if let Some(admitted) = self.admits(origin) {
            headers.set("access-control-allow-origin", admitted);
            if self.credentials {
                headers.set("access-control-allow-credentials", "true");
            }
            headers.merge("access-control-expose-headers", &EXPOSED);
            headers.merge(
                "access-control-expose-headers",
                &exposed.iter().map(String::as_str).collect::<Vec<_>>(),
            );
        }
    }
}
