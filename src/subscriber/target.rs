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
    /// Whether it is an address of the web: http or https. A runtime may fetch a file or a `data:` URL just as well, and no
    /// redirect leads there.
    #[must_use]
    pub fn is_web(&self) -> bool {
        self.url.starts_with("https://") || self.url.starts_with("http://")
    }

    /// Whether a token may go there: HTTPS, or HTTP on this machine (rule 6).
    #[must_use]
    pub fn is_secure(&self) -> bool {
        match (self.origin.strip_prefix("https://"), self.origin.strip_prefix("http://")) {
            (Some(host), _) => !host.is_empty(),
            (_, Some(host)) => is_loopback(host),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
