use crate::api::is_loopback;
use alloc::string::String;

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
    /// Whether a token may go there: HTTPS, or HTTP on this machine (rule 6).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        match (self.origin.strip_prefix("https://"), self.origin.strip_prefix("http://")) {
            (Some(host), _) => !host.is_empty(),
            (_, Some(host)) => is_loopback(host),
            _ => false,
        }
    }

    /// Whether an offer for the resource that is named so is another host's: an absolute http or https URL of another host
    /// or port (rule 3). A path, or a URL of another scheme, says nothing of an origin. `http` is taken where `https` was
    /// fetched, on default ports: a seller behind TLS may not know of it.
    #[must_use]
    pub fn is_not_the_place_of(&self, resource: &str) -> bool {
        let resource = resource.trim_matches(|c: char| c <= ' ');
        let Some((own_scheme, own)) = self.origin.split_once("://") else { return true };
        let scheme = ["https", "http"].into_iter().find(|scheme| {
            let (name, colon) = (resource.get(..scheme.len()), resource.as_bytes().get(scheme.len()));
            name.is_some_and(|name| name.eq_ignore_ascii_case(scheme)) && colon == Some(&b':')
        });
        let is_slash = |c: char| matches!(c, '/' | '\\');
        let rest = match scheme {
            Some(scheme) => resource.get(scheme.len() + 1..).unwrap_or_default(),
            // Of the fetched URL's own scheme.
            None if resource.starts_with(is_slash)
                && resource.get(1..).is_some_and(|rest| rest.starts_with(is_slash)) =>
            {
                resource
            }
            None => return false,
        };
        let scheme = scheme.unwrap_or(own_scheme);
        let rest = rest.trim_start_matches(is_slash);
        let authority =
            rest.split(|c: char| is_slash(c) || matches!(c, '?' | '#')).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let place = |host: &str, scheme: &str| {
            let default = if scheme == "https" { ":443" } else { ":80" };
            let host = host.strip_suffix(default).unwrap_or(host);
            let (name, port) =
                match host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())) {
                    Some((name, port)) => (name, port),
                    None => (host, ""),
                };
            (String::from(name.strip_suffix('.').unwrap_or(name)), String::from(port))
        };
        let (there, here) = (place(&host, scheme), place(own, own_scheme));
        let same_scheme =
            scheme == own_scheme || (scheme, own_scheme) == ("http", "https") && here.1.is_empty();
        there != here || !same_scheme
    }
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
            ("https://api.example", "//evil.example/ask", true),
            ("https://api.example", "//api.example/ask", false),
            ("https://api.example", "https://api.example:4430/", true),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8787/ask", false),
            ("http://127.0.0.1:8787", "http://127.0.0.1:8788/ask", true),
            ("http://127.0.0.1:8787", "https://127.0.0.1:8787/ask", true),
            ("http://[::1]:8787", "http://[::1]:8787/ask", false),
            ("http://[::1]", "http://[::1]/ask", false),
            ("https://api.example", "mcp://tools/search", false),
            ("https://api.example", "urn:x:y", false),
        ] {
            let target = Target { url: String::new(), origin: fetched.into(), path: "/".into() };
            assert_eq!(target.is_not_the_place_of(resource), elsewhere, "{fetched} {resource}");
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
