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
}

#[cfg(test)]
mod tests {
    use super::*;

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
