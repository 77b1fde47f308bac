use super::keys;
use super::problems::{Problems, Variables};
use crate::paywall::http::headers::HeaderList;
use crate::wire::Secret;
use alloc::string::{String, ToString};

/// How the gate behaves beside what it decides: how long an origin may take, what is written down, who may count.
#[derive(Debug)]
pub(crate) struct HttpSettings {
    /// How long the origin may take until its answer begins, in milliseconds. Its body takes as long as it takes.
    pub(crate) origin_timeout_ms: u32,
    /// Each request writes a line to the log.
    pub(crate) log: bool,
    /// Responses list in `server-timing` the calls that they waited for.
    pub(crate) timing: bool,
    /// The token that reads the counters. Without one, nobody can read them.
    pub(crate) metrics: Option<Secret>,
    /// How much of a body is read to say what a request costs, in bytes.
    pub(crate) max_body_bytes: u32,
    /// The header that says the client's address, in lower case, where a proxy in front of the gate sets it.
    address_header: Option<String>,
}

/// The least that a secret for the counters may weigh, in bytes.
const MIN_SECRET_BYTES: usize = 16;

impl HttpSettings {
    /// Reads `ORIGIN_TIMEOUT_MS`, `LOG`, `SERVER_TIMING`, `METRICS_TOKEN`, `MAX_BODY_BYTES` and `ADDRESS_HEADER`.
    pub(crate) fn read(given: &Variables<'_>) -> Self {
        let metrics = |token: String| {
            if token.len() < MIN_SECRET_BYTES || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                given.problems.note("METRICS_TOKEN", "must be at least 16 visible ASCII characters");
            }
            Secret::new(token)
        };
        Self {
            origin_timeout_ms: given.whole(&keys::ORIGIN_TIMEOUT_MS),
            log: given.switch(&keys::LOG),
            timing: given.switch(&keys::SERVER_TIMING),
            metrics: given.text("METRICS_TOKEN").map(metrics),
            max_body_bytes: given.whole(&keys::MAX_BODY_BYTES),
            address_header: given.text("ADDRESS_HEADER").map(|text| address_header(&text, &given.problems)),
        }
    }

    /// The client's address by the header that the seller has named. Of a list it is the last member, which the nearest proxy
    /// has added: those before it a client may have sent.
    pub(crate) fn address(&self, headers: &HeaderList) -> Option<String> {
        headers.members(self.address_header.as_deref()?).last().map(ToString::to_string)
    }
}

fn address_header(text: &str, problems: &Problems) -> String {
    let name = text.trim().to_ascii_lowercase();
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let taken = ["forwarded", "host", "cookie", "authorization"].contains(&name.as_str());
    if name.is_empty() || !plain || taken {
        problems.note("ADDRESS_HEADER", "must be the name of a header that holds an address, like x-real-ip");
    }
    name
}
