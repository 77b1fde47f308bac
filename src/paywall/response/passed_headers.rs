//! Headers that are passed on: from the client to the origin, and from the origin to the buyer.

use crate::codec::text::ByteSplit;
use crate::paywall::http::headers::{HeaderList, is_ours, is_spelling};
use crate::paywall::http::host::Host;
use crate::paywall::pass;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The inbound headers that the origin receives: all but payment headers, which only the gate may set (rule 25), and
/// headers with which a client asks an origin for another method or path than the gate saw (rule 16).
pub(crate) fn for_origin(inbound: &HeaderList) -> HeaderList {
    let mut headers = inbound.clone();
    // An `expect` was met by this hop: the origin's `100 Continue` would be taken for its answer.
    headers.retain(|name| !is_ours(name) && name != "expect");
    pass::without_cookies(&mut headers);
    headers
}

/// Headers by which some origins tell hosts apart, in the place of the host that was asked.
const HOSTS: [&str; 8] = [
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-server",
    "x-host",
    "x-http-host-override",
    "x-original-host",
    "x-proxy-host",
    "x-real-host",
];

/// Tells the origin which host was matched, in the place of what the client says of it: where routes name hosts, that
/// decides what is paid for (rule 16).
pub(crate) fn tell_host(headers: &mut HeaderList, host: &Host) {
    headers.retain(|name| !HOSTS.iter().any(|known| is_spelling(name, known)));
    headers.set("x-forwarded-host", host.print());
}

/// The origin's headers that a buyer receives with a paid response: nothing that lets a cache store it for another
/// buyer (rule 17), and no receipt but the gate's.
pub(crate) fn for_buyer(origin: &HeaderList) -> HeaderList {
    let mut headers = origin.clone();
    headers.retain(|name| !name.starts_with("payment-"));
    pass::without_forged(&mut headers);
    keep_private(&mut headers);
    headers
}

/// Lets no shared cache keep it. Every answer to a request that was verified: a 304 that says `public` would make the
/// copy that was paid for one for everybody.
pub(crate) fn keep_private(headers: &mut HeaderList) {
    headers.retain(|name| name != "surrogate-control" && !name.ends_with("cdn-cache-control"));
    let kept: Vec<String> = headers
        .members("cache-control")
        .filter(|directive| {
            let name = directive.split_byte(b'=').next().unwrap_or_default().trim().to_ascii_lowercase();
            !matches!(name.as_str(), "public" | "private" | "s-maxage" | "proxy-revalidate")
        })
        .map(ToString::to_string)
        .collect();
    let private = core::iter::once("private").chain(kept.iter().map(String::as_str)).collect::<Vec<_>>();
    headers.set("cache-control", private.join(", "));
}
