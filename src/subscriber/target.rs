use crate::api::is_loopback;
use crate::codec::text::{ByteSplit, has, number, split_once};
use crate::wire::{WireError, WireErrorKind};
use alloc::{string::String, vec::Vec};
use core::str::FromStr;

/// Where a request goes, as the platform's own URL parser took it apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The whole URL, without its fragment.
    pub url: String,
    /// `scheme://host[:port]`, normalised.
    pub origin: String,
    /// The path, without the query.
    pub path: String,
}

impl Target {
    /// True if it is an address of the web: http or https. A runtime may fetch a file or a `data:` URL just as well, and no
    /// redirect leads there.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.url.starts_with("https://") || self.url.starts_with("http://")
    }

    /// True if a token may go there: HTTPS, or HTTP on this machine (rule 6).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        match (self.origin.strip_prefix("https://"), self.origin.strip_prefix("http://")) {
            (Some(host), _) => !host.is_empty(),
            (_, Some(host)) => is_loopback(host),
            _ => false,
        }
    }

    /// The target of a reference in an answer from here, such as a `Location`: an absolute URL, or an absolute path; `None`
    /// for any other.
    #[must_use]
    pub fn join(&self, reference: &str) -> Option<Self> {
        if reference.starts_with("//") {
            let scheme = split_once(&self.origin, "//").unwrap_or_default().0;
            return [scheme, reference].concat().parse().ok();
        }
        if reference.starts_with('/') {
            return [self.origin.as_str(), reference].concat().parse().ok();
        }
        reference.parse().ok()
    }

    /// True if an offer for the resource that is named so is another host's: an absolute http or https URL of another host
    /// or port (rule 3). A path, or a URL of another scheme, says nothing of an origin. `http` is taken where `https` was
    /// fetched, on default ports: a seller behind TLS may not know of it. A URL with a control character in it is another
    /// host's: parsers leave some of them out, and read the rest as the address.
    #[must_use]
    pub fn is_not_the_place_of(&self, resource: &str) -> bool {
        if resource.bytes().any(|byte| byte.is_ascii_control()) {
            return true;
        }
        let (Some(there), here) = (authority(resource.as_bytes()), authority(self.origin.as_bytes())) else {
            return false;
        };
        let Some(here) = here else { return true };
        let scheme_fits = match there.secure {
            // It takes the fetched URL's own scheme.
            None => true,
            Some(secure) => Some(secure) == here.secure || !secure && here.port().is_none(),
        };
        let secure = here.secure == Some(true);
        let host = |place: &Authority<'_>| place.host.iter().map(u8::to_ascii_lowercase).collect::<Vec<_>>();
        !scheme_fits
            || there.port_unless(there.secure.unwrap_or(secure)) != here.port_unless(secure)
            || host(&there) != host(&here)
    }
}

/// Reads an absolute http or https URL. Scheme and host become lower case, a default port and a fragment are dropped.
///
/// It is stricter than a browser: characters that a URL must escape, user names and backslashes are refused with
/// `BadValue`, since two parsers may read them in two ways.
///
/// ```
/// use payments_wasm::subscriber::Target;
///
/// let target: Target = "https://API.example:443/ask?q=1#top".parse()?;
/// assert_eq!((target.url.as_str(), target.origin.as_str(), target.path.as_str()),
///     ("https://api.example/ask?q=1", "https://api.example", "/ask"));
/// # Ok::<(), payments_wasm::wire::WireError>(())
/// ```
impl FromStr for Target {
    type Err = WireError;

    fn from_str(url: &str) -> Result<Self, WireError> {
        let bad = || WireError::new(WireErrorKind::BadValue, "url");
        let url = url.split_byte(b'#').next().unwrap_or_default();
        if !url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"<>"\^`{|}"#.contains(&byte)) {
            return Err(bad());
        }
        let (scheme, rest) = split_once(url, "://").ok_or_else(bad)?;
        let scheme = scheme.to_ascii_lowercase();
        let usual_port = match scheme.as_str() {
            "https" => ":443",
            "http" => ":80",
            _ => return Err(bad()),
        };
        let end = rest.bytes().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, path_and_query) = rest.split_at_checked(end).ok_or_else(bad)?;
        let authority = authority.to_ascii_lowercase();
        let authority = authority.strip_suffix(usual_port).unwrap_or(&authority);
        let colon = authority.bytes().rposition(|byte| byte == b':').unwrap_or(authority.len());
        let (host, port) = match authority.split_at_checked(colon) {
            Some((host, port)) if !has(port, b']') => (host, port.get(1..)),
            _ => (authority, None),
        };
        let is_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(address) => address.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
            None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
        };
        if host.is_empty() || !is_host || port.is_some_and(|port| number::<u16>(port).is_none()) {
            return Err(bad());
        }
        let slash = if path_and_query.starts_with('/') { "" } else { "/" };
        let path_and_query = [slash, path_and_query].concat();
        let path = path_and_query.split_byte(b'?').next().unwrap_or_default().into();
        let origin = [scheme.as_str(), "://", authority].concat();
        Ok(Self { url: [&origin, path_and_query.as_str()].concat(), origin, path })
    }
}

/// Host and port of a URL, in bytes.
struct Authority<'a> {
    /// True if it is of https rather than of http; `None` where it takes the scheme of another URL.
    secure: Option<bool>,
    host: &'a [u8],
    port: &'a [u8],
}

impl<'a> Authority<'a> {
    fn port(&self) -> Option<&'a [u8]> {
        (!self.port.is_empty()).then_some(self.port)
    }

    /// The port, unless it is the usual one of the scheme.
    fn port_unless(&self, secure: bool) -> Option<&'a [u8]> {
        let usual: &[u8] = if secure { b"443" } else { b"80" };
        self.port().filter(|port| *port != usual)
    }
}

/// Host and port of an absolute http or https URL, or of one that begins with two slashes, as browsers read them; `None`
/// for all else.
fn authority(url: &[u8]) -> Option<Authority<'_>> {
    let is_slash = |byte: &u8| matches!(byte, b'/' | b'\\');
    // Parsers take blanks away, of any alphabet.
    let start = url.iter().position(u8::is_ascii_graphic)?;
    let mut rest = url.get(start..)?;
    let mut secure = None;
    for (scheme, is_secure) in [(&b"https:"[..], true), (b"http:", false)] {
        let head = rest.get(..scheme.len());
        if secure.is_none() && head.is_some_and(|head| head.eq_ignore_ascii_case(scheme)) {
            secure = Some(is_secure);
            rest = rest.get(scheme.len()..)?;
        }
    }
    let slashes = rest.iter().take_while(|byte| is_slash(byte)).count();
    if secure.is_none() && slashes < 2 {
        return None;
    }
    rest = rest.get(slashes..)?;
    let end =
        rest.iter().position(|byte| is_slash(byte) || matches!(byte, b'?' | b'#')).unwrap_or(rest.len());
    rest = rest.get(..end)?;
    if let Some(user) = rest.iter().rposition(|byte| *byte == b'@') {
        rest = rest.get(user + 1..)?;
    }
    let digits = rest.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let (mut host, mut port) = rest.split_at_checked(rest.len() - digits)?;
    match host.strip_suffix(b":") {
        Some(name) => host = name,
        None => (host, port) = (rest, &[]),
    }
    Some(Authority { secure, host: host.strip_suffix(b".").unwrap_or(host), port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_an_offer_for_another_host_is_refused() {
        for (fetched, resource, elsewhere) in [
            ("https://api.example", "", false),
            ("https://api.example", "/ask", false),
            ("https://api.example", "ask?x=https://evil.example", false),
            ("https://api.example", "https://api.example/ask", false),
            ("https://api.example", "HTTPS://API.EXAMPLE:443/ask", false),
            ("https://api.example", "https://api.example./ask", false),
            ("https://api.example", "http://api.example/ask", false),
            ("https://api.example", "http://api.example:80/ask", false),
            ("https://api.example", "http://api.example:8080/ask", true),
            ("https://api.example:8443", "http://api.example/ask", true),
            ("https://api.example:8443", "https://api.example:8443/ask", false),
            ("https://api.example", "https://honest.example/ask", true),
            ("https://api.example", "https://api.example.evil/ask", true),
            ("https://api.example", "https://api.example@evil.example/ask", true),
            ("https://api.example", "https:evil.example/ask", true),
            ("https://api.example", "https:\\\\evil.example", true),
            ("https://api.example", " \thttps://evil.example", true),
            ("https://api.example", "h\tttps://evil.example", true),
            ("https://api.example", "https\n://evil.example", true),
            ("https://api.example", "/\t/evil.example/ask", true),
            ("https://api.example", "/\r\n/evil.example/ask", true),
            ("https://api.example", "\u{1}https://evil.example", true),
            ("https://api.example", "https://api.example\u{7f}.evil.example", true),
            ("https://api.example", "\u{a0}https://evil.example", true),
            ("https://api.example", "\u{feff}https://evil.example", true),
            ("https://api.example", "\u{3000}//evil.example", true),
            ("https://api.example", "https://\u{ff41}pi.example/ask", true),
            ("https://api.example", "https://api\u{3002}example/ask", true),
            ("https://api.example", "https://api%2eexample/ask", true),
            ("https://api.example", "/\u{6771}\u{4eac}", false),
            ("https://api.example", "\u{6771}\u{4eac}/ask", false),
            ("https://api.example", "/\\evil.example/ask", true),
            ("https://api.example", "\\\\evil.example/ask", true),
            ("https://api.example", "//evil.example/ask", true),
            ("https://api.example", "//api.example/ask", false),
            ("https://api.example", "https://api.example:4430/", true),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787/ask", false),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8788/ask", true),
            ("http://127.0.0.1:8787", "https://127.0.0.1:8787/ask", true),
            ("http://[::1]:8787", "http://[::1]:8787/ask", false),
            ("http://[::1]", "http://[::1]/ask", false),
            ("https://api.example:8443", "http://api.example:8443/ask", true),
            ("http://localhost", "https://localhost/ask", true),
            // A URL without a scheme has the default port of the fetched one.
            ("https://api.example", "//api.example:443/ask", false),
            ("https://api.example", "//api.example:80/ask", true),
            ("http://127.0.0.1", "//127.0.0.1:80/ask", false),
            ("http://127.0.0.1", "//127.0.0.1:443/ask", true),
            ("https://api.example", "mcp://tools/search", false),
            ("https://api.example", "urn:x:y", false),
        ] {
            let target = Target { url: String::new(), origin: fetched.into(), path: "/".into() };
            assert_eq!(target.is_not_the_place_of(resource), elsewhere, "{fetched} {resource}");
        }
    }

    #[test]
    fn a_url_is_taken_apart_or_refused() {
        for (url, expected) in [
            ("https://api.example", Some(("https://api.example/", "https://api.example", "/"))),
            ("https://api.example?q=/a", Some(("https://api.example/?q=/a", "https://api.example", "/"))),
            ("HTTP://Api.Example:80/A/b", Some(("http://api.example/A/b", "http://api.example", "/A/b"))),
            ("http://api.example:443/", Some(("http://api.example:443/", "http://api.example:443", "/"))),
            ("http://[::1]:8787/a", Some(("http://[::1]:8787/a", "http://[::1]:8787", "/a"))),
            ("http://[::1]", Some(("http://[::1]/", "http://[::1]", "/"))),
            ("http://127.0.0.1:1/a%20b", Some(("http://127.0.0.1:1/a%20b", "http://127.0.0.1:1", "/a%20b"))),
            ("https://user@api.example/", None),
            ("https://api.example@evil.example/", None),
            ("https://api.example:x/", None),
            ("https://api.example:99999/", None),
            ("https://a:b:1/", None),
            ("https://[::1/", None),
            ("https:///ask", None),
            ("https:\\\\api.example", None),
            ("https://api.example\\@evil", None),
            ("https://api example/", None),
            ("https://münchen.example/", None),
            ("ftp://api.example/", None),
            ("/ask", None),
            ("", None),
        ] {
            let found = url.parse::<Target>().ok();
            let found = found
                .as_ref()
                .map(|target| (target.url.as_str(), target.origin.as_str(), target.path.as_str()));
            assert_eq!(found, expected, "{url}");
        }
    }

    #[test]
    fn a_redirect_leads_to_an_absolute_url_or_path() {
        let from: Target = "https://api.example:8443/a/b?c".parse().unwrap();
        for (location, expected) in [
            ("/x?y#z", Some("https://api.example:8443/x?y")),
            ("//other.example/x", Some("https://other.example/x")),
            ("http://other.example", Some("http://other.example/")),
            ("x", None),
            ("?y", None),
            ("mailto:a@b", None),
        ] {
            assert_eq!(from.join(location).map(|to| to.url).as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn rule_6_only_http_and_https_are_of_the_web() {
        for (url, web) in [
            ("https://api.example/x", true),
            ("http://api.example/x", true),
            ("file:///etc/passwd", false),
            ("data:text/plain,hello", false),
            // Its origin is that of the page which made it.
            ("blob:https://api.example/1", false),
            ("ftp://api.example/x", false),
            ("https:api.example", false),
            ("", false),
        ] {
            let target = Target { url: url.into(), origin: "https://api.example".into(), path: "/".into() };
            assert_eq!(target.is_web(), web, "{url}");
        }
    }

    #[test]
    fn rule_6_a_token_travels_by_https_or_stays_on_this_machine() {
        for (origin, secure) in [
            ("https://api.example", true),
            ("http://127.0.0.1:8080", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("http://api.example", false),
            ("http://127.0.0.1.example", false),
            ("null", false),
            ("", false),
            ("ws://localhost", false),
        ] {
            let target = Target { url: String::new(), origin: origin.into(), path: "/".into() };
            assert_eq!(target.is_secure(), secure, "{origin}");
        }
    }
}
