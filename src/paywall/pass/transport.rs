//! How a pass comes and goes: a header, or a cookie that no script reads.

use super::PassSet;
use crate::codec::text::ByteSplit;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::http::method::Method;
use crate::paywall::http::names::{PASS, PASS_EXPIRES, WARNING};
use crate::wire::digits;
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// Before a set's name in a cookie's name. With `__Host-` a browser takes it from this very host over TLS alone.
const COOKIE: &str = "payment-pass-";
/// How many passes one request may bring.
const MAX_CARRIED: usize = 4;

/// The passes that a request brought.
#[derive(Debug, Clone, Default)]
pub(crate) struct PresentedPasses {
    header: Vec<String>,
    /// By the names of their sets.
    cookies: Vec<(String, String)>,
}

impl PresentedPasses {
    /// Reads them. A cookie is sent by a browser whoever made it ask, so it counts only where asking changes nothing, or
    /// where a page of this very origin asks.
    pub(crate) fn read(headers: &HeaderList, method: Method) -> Self {
        let header = headers.members(PASS).take(MAX_CARRIED).map(ToString::to_string).collect();
        let safe = matches!(method, Method::Get | Method::Head)
            || headers.get("sec-fetch-site").is_some_and(|site| site == "same-origin");
        let cookies =
            if safe { pairs(headers).filter_map(own).take(MAX_CARRIED * 2).collect() } else { Vec::new() };
        Self { header, cookies }
    }

    /// The passes for this set, and passes in the header, which may be for it.
    pub(super) fn passes<'a>(&'a self, set: &'a PassSet) -> impl Iterator<Item = &'a str> {
        let cookies = self.cookies.iter().filter(|(name, _)| *name == set.name).map(|(_, value)| value);
        self.header.iter().chain(cookies).map(String::as_str)
    }
}

/// The cookie for a pass, where the set carries one. Over plain HTTP, which is this machine, a browser takes no
/// `__Host-` cookie and nothing for other sites.
pub(super) fn cookie(set: &PassSet, pass: &str, https: bool) -> Option<String> {
    let (name, seconds) = (&set.name, &set.seconds);
    let attributes = match (set.cookie, https) {
        (false, _) => return None,
        (true, false) => {
            return Some(
                [
                    COOKIE,
                    name,
                    "=",
                    pass,
                    "; Path=/; Max-Age=",
                    &digits(*seconds),
                    "; HttpOnly; SameSite=Lax",
                ]
                .concat(),
            );
        }
        (true, true) if set.cross_site => "SameSite=None; Partitioned",
        (true, true) => "SameSite=Lax",
    };
    let value = [
        "__Host-",
        COOKIE,
        name,
        "=",
        pass,
        "; Path=/; Max-Age=",
        &digits(*seconds),
        "; Secure; HttpOnly; ",
        attributes,
    ];
    Some(value.concat())
}

/// Takes the passes out of the cookies that the origin is sent (rule 25).
pub(crate) fn without_cookies(headers: &mut HeaderList) {
    if pairs(headers).all(|pair| own(pair).is_none()) {
        return;
    }
    let kept: Vec<&str> = pairs(headers).filter(|pair| own(pair).is_none()).collect();
    let kept = kept.join("; ");
    headers.remove("cookie");
    if !kept.is_empty() {
        headers.set("cookie", kept);
    }
}

/// Takes out of the origin's answer what only the gate may say of passes.
pub(crate) fn without_forged(headers: &mut HeaderList) {
    headers.retain_pairs(|name, value| match name {
        PASS | PASS_EXPIRES | WARNING => false,
        "set-cookie" => own(value.trim()).is_none(),
        _ => true,
    });
}

fn pairs(headers: &HeaderList) -> impl Iterator<Item = &str> {
    headers
        .all("cookie")
        .flat_map(|line| line.split_byte(b';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

/// A set's name and a pass, if this `name=value` is one of ours.
fn own(pair: &str) -> Option<(String, String)> {
    let (name, value) = pair.split_once_byte(b'=')?;
    let set = name.trim().strip_prefix("__Host-").unwrap_or(name).strip_prefix(COOKIE)?;
    Some((set.into(), value.into()))
}
