use super::answer::Answer;
use super::headers::HeaderList;
use super::method::Method;
use super::pass::{PASS, PASS_EXPIRES, WARNING};
use crate::wire::{PAYMENT_REQUIRED, PAYMENT_RESPONSE, PAYMENT_SIGNATURE};
use alloc::{string::String, vec::Vec};

/// Which cross-origin pages may ask and pay (rule 18). The default allows none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cors {
    /// Origins, `https://app.example`, compared as they are.
    allowed: Vec<String>,
    /// `*`: any page, without cookies.
    any: bool,
}

/// What a page may read beyond the safe few of the Fetch standard.
const EXPOSED: [&str; 7] =
    [PAYMENT_REQUIRED, PAYMENT_RESPONSE, "x-correlation-id", "retry-after", PASS, PASS_EXPIRES, WARNING];
/// What a page may always send.
const ALLOWED: [&str; 4] = [PAYMENT_SIGNATURE, "content-type", "accept", "authorization"];
/// What a page may send if it asks to.
const ALLOWED_IF_ASKED: [&str; 15] = [
    "accept-language",
    "cache-control",
    "content-language",
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "last-event-id",
    "range",
    "traceparent",
    "tracestate",
    "x-correlation-id",
    PASS,
    "x-request-id",
    "x-requested-with",
];
/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

impl Cors {
    /// Reads the list of the configuration; what is wrong with an entry, in words, otherwise.
    pub(crate) fn new(origins: Vec<String>) -> Result<Self, &'static str> {
        let mut cors = Self::default();
        for origin in origins {
            if origin == "*" {
                cors.any = true;
                continue;
            }
            let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            let plain =
                |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase() || b".-:[]".contains(&byte);
            if !host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain)) {
                return Err("must be \"*\" or an origin in lower case, like https://app.example");
            }
            cors.allowed.push(origin);
        }
        Ok(cors)
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
    pub(crate) fn preflight(&self, request: &HeaderList, methods: &[Method]) -> Answer {
        let origin = request.get("origin");
        let Some(admitted) = self.admits(origin) else {
            let mut answer = Answer::error(
                403,
                "origin_not_allowed",
                "Pages of this origin may not call this service (ALLOWED_ORIGINS).",
            );
            answer.headers.merge("vary", &["Origin"]);
            return answer;
        };
        let mut answer = Answer::empty(204);
        let headers = &mut answer.headers;
        headers.set("access-control-allow-origin", admitted);
        let listed = if methods.is_empty() { &Method::ALL } else { methods };
        let names: Vec<&str> = listed.iter().map(|method| method.as_str()).collect();
        headers.set("access-control-allow-methods", names.join(", "));
        headers.merge("access-control-allow-headers", &ALLOWED);
        let asked = request
            .members("access-control-request-headers")
            .filter_map(|asked| ALLOWED_IF_ASKED.into_iter().find(|known| known.eq_ignore_ascii_case(asked)));
        headers.merge("access-control-allow-headers", &asked.collect::<Vec<_>>());
        headers.set("access-control-max-age", MAX_AGE);
        headers.merge("vary", &["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"]);
        answer
    }

    /// Puts our word on a response to a page of `origin` in the place of the origin server's; what the server
    /// exposes stays exposed.
    pub(crate) fn apply(&self, origin: Option<&str>, headers: &mut HeaderList) {
        let exposed: Vec<String> = headers
            .members("access-control-expose-headers")
            .filter(|name| *name != "*")
            .map(Into::into)
            .collect();
        headers.retain(|name| !name.starts_with("access-control-"));
        if !self.any && !self.allowed.is_empty() {
            headers.merge("vary", &["Origin"]);
        }
        if let Some(admitted) = self.admits(origin) {
            headers.set("access-control-allow-origin", admitted);
            headers.merge("access-control-expose-headers", &EXPOSED);
            headers.merge(
                "access-control-expose-headers",
                &exposed.iter().map(String::as_str).collect::<Vec<_>>(),
            );
        }
    }
}
