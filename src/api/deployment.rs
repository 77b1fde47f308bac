use crate::codec::text::ByteSplit;
use crate::wire::{ApiKey, Environment, WireError, WireErrorKind};
use alloc::{
    borrow::Cow,
    string::{String, ToString},
};

/// Where a deployment of Nevermined's is reached (section 2.2). Origins without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Which one it is.
    pub environment: Environment,
    /// The REST API.
    pub backend: Cow<'static, str>,
    /// The web app: login.
    pub frontend: Cow<'static, str>,
    /// The app with the card pages.
    pub embed: Cow<'static, str>,
}

impl Deployment {
    /// A hosted deployment; `None` for `custom`, which has no address of its own.
    #[must_use]
    pub fn hosted(environment: Environment) -> Option<Self> {
        let (backend, frontend, embed) = match environment {
            Environment::Sandbox => (
                "https://api.sandbox.nevermined.app",
                "https://nevermined.app",
                "https://embed.nevermined.app",
            ),
            Environment::Live => {
                ("https://api.live.nevermined.app", "https://nevermined.app", "https://embed.nevermined.app")
            }
            Environment::StagingSandbox => (
                "https://api.sandbox.nevermined.dev",
                "https://nevermined.dev",
                "https://embed.nevermined.dev",
            ),
            Environment::StagingLive => {
                ("https://api.live.nevermined.dev", "https://nevermined.dev", "https://embed.nevermined.dev")
            }
            Environment::Custom => return None,
        };
        Some(Self { environment, backend: backend.into(), frontend: frontend.into(), embed: embed.into() })
    }

    /// A deployment at given origins. Only HTTPS, or HTTP to loopback: the key goes there. `frontend` and `embed`
    /// are the backend's where not given, as with a local sandbox.
    ///
    /// # Errors
    /// `Missing` without a backend, `BadValue` for what is not such an origin; the field is named.
    pub fn custom(
        backend: Option<&str>,
        frontend: Option<&str>,
        embed: Option<&str>,
    ) -> Result<Self, WireError> {
        let backend = backend
            .filter(|url| !url.is_empty())
            .ok_or_else(|| WireError::new(WireErrorKind::Missing, "backend"))?;
        let backend = origin(backend, "backend")?;
        let other = |given: Option<&str>, field| match given.filter(|url| !url.is_empty()) {
            Some(url) => origin(url, field),
            None => Ok(backend.clone()),
        };
        let (frontend, embed) = (other(frontend, "frontend")?, other(embed, "embed")?);
        Ok(Self {
            environment: Environment::Custom,
            backend: backend.into(),
            frontend: frontend.into(),
            embed: embed.into(),
        })
    }

    /// The platform as the card pages name it (section 8.3): `live` or `sandbox`; of a custom one by a label of its host, as
    /// the official command line does.
    #[must_use]
    pub fn network_name(&self) -> &'static str {
        let live = match self.environment {
            Environment::Live | Environment::StagingLive => true,
            Environment::Custom => {
                let host = self.backend.split_byte(b'/').nth(2).unwrap_or_default();
                host.split(['.', '-', ':']).any(|label| label == "live")
            }
            Environment::Sandbox | Environment::StagingSandbox => false,
        };
        if live { "live" } else { "sandbox" }
    }

    /// The environment to use, given a key and an option: a prefix that names one wins, then the option, then
    /// `custom` (section 2.1).
    ///
    /// # Errors
    /// `BadValue` for an option that names no environment.
    pub fn environment_of(key: Option<&ApiKey>, option: Option<&str>) -> Result<Environment, WireError> {
        if let Some(environment) = key.and_then(ApiKey::environment) {
            return Ok(environment);
        }
        match option {
            None => Ok(Environment::Custom),
            Some(name) => {
                Environment::parse(name).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "environment"))
            }
        }
    }
}

/// `scheme://host[:port]`, checked, with a path kept for a backend behind a prefix and any trailing slash dropped.
fn origin(url: &str, field: &'static str) -> Result<String, WireError> {
    let bad = || WireError::new(WireErrorKind::BadValue, field);
    let url = url.trim_end_matches('/');
    let (scheme, rest) = url.split_once_byte(b':').ok_or_else(bad)?;
    let rest = rest.strip_prefix("//").ok_or_else(bad)?;
    let secure = scheme.eq_ignore_ascii_case("https");
    if !secure && !scheme.eq_ignore_ascii_case("http") {
        return Err(bad());
    }
    let host = rest.split_byte(b'/').next().unwrap_or_default();
    let plain = rest.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'@' | b'?' | b'#' | b'\\'));
    (plain && (secure || is_loopback(host)) && !host.is_empty()).then(|| url.to_string()).ok_or_else(bad)
}

/// True if `host[:port]` is this machine, where HTTP is as safe as HTTPS (money rule 6).
#[must_use]
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_byte(b']').next().unwrap_or_default(),
        None => host.split_byte(b':').next().unwrap_or_default(),
    };
    // The dot that may end a host's name makes no other host of it.
    let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
    let dotted = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    name == "localhost"
        || name.ends_with(".localhost")
        || name == "::1"
        || name.strip_prefix("127.").is_some_and(dotted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_backend_is_https_or_loopback() {
        for good in [
            "https://api.example",
            "https://api.example/prefix/",
            "http://127.0.0.1:3001",
            "http://localhost:3001/",
            "http://[::1]:8787",
            "http://nvm.localhost",
            "http://LocalHost:3001",
            "http://localhost.:3001",
            "HTTP://localhost:3001",
            "HTTPS://api.example",
        ] {
            let deployment = Deployment::custom(Some(good), None, None).unwrap();
            assert_eq!(deployment.backend, good.trim_end_matches('/'));
            assert_eq!(deployment.frontend, deployment.backend);
        }
        for bad in [
            "http://api.example",
            "http://127.0.0.1.evil.example",
            "http://localhost.evil.example",
            "http://localhost@evil.example",
            "http://127.0.0.1:80@evil.example",
            "ftp://localhost",
            "localhost:3001",
            "https://",
            "https://a b",
            "https://a?x",
            "https://a#x",
            "http:\\\\localhost",
        ] {
            assert_eq!(Deployment::custom(Some(bad), None, None).unwrap_err().field, "backend", "{bad}");
        }
        assert_eq!(Deployment::custom(None, None, None).unwrap_err().kind, WireErrorKind::Missing);
        let error = Deployment::custom(Some("https://a"), Some("x"), None).unwrap_err();
        assert_eq!(error.field, "frontend");
    }

    #[test]
    fn the_card_pages_are_told_which_platform_it_is() {
        for (backend, name) in [
            ("https://api.live.example", "live"),
            ("https://api-live.example:8443/v1", "live"),
            ("https://olive.example/live", "sandbox"),
            ("http://127.0.0.1:1", "sandbox"),
        ] {
            assert_eq!(Deployment::custom(Some(backend), None, None).unwrap().network_name(), name);
        }
        for (environment, name) in [(Environment::StagingLive, "live"), (Environment::Sandbox, "sandbox")] {
            assert_eq!(Deployment::hosted(environment).unwrap().network_name(), name);
        }
    }

    #[test]
    fn the_key_names_the_environment_before_the_option_does() {
        let key = |prefix: &str| ApiKey::parse(&alloc::format!("{prefix}a.e30.c")).unwrap();
        for (prefix, option, environment) in [
            ("sandbox:", Some("live"), Environment::Sandbox),
            ("live-staging:", None, Environment::StagingLive),
            ("nvm:", Some("live"), Environment::Live),
            ("nvm:", None, Environment::Custom),
            ("local:", Some("custom"), Environment::Custom),
        ] {
            let key = key(prefix);
            assert_eq!(Deployment::environment_of(Some(&key), option).unwrap(), environment);
        }
        assert_eq!(Deployment::environment_of(None, Some("production")).unwrap_err().field, "environment");
    }
}
