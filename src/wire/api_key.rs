use super::{Environment, Secret, WireError, WireErrorKind, base64, document};
use crate::codec::text::ByteSplit;
use alloc::string::String;

/// A Nevermined API key, `<prefix>:<jwt>` (contract section 2.1).
///
/// The JWT is decoded, not verified: only the platform can do that. A bare JWT is taken too, as the official
/// TypeScript SDK does with `environment: 'custom'`.
#[derive(Debug, Clone)]
pub struct ApiKey {
    secret: Secret,
    environment: Option<Environment>,
    account: Option<String>,
    expires_at: Option<u64>,
}

impl ApiKey {
    const MAX: usize = 8 * 1024;
    /// How wrong a clock may be before a key's end is believed, in seconds: a week.
    const LEEWAY: u64 = 7 * 24 * 60 * 60;

    /// Reads a key.
    ///
    /// # Errors
    /// `Missing` when empty, `BadValue` when it is not of that form or could not stand in a header, `TooLarge` over
    /// 8 KiB; the field is always `nvmApiKey`, and the key itself is never in the error.
    pub fn parse(text: &str) -> Result<Self, WireError> {
        let fail = |kind| WireError::new(kind, "nvmApiKey");
        if text.is_empty() {
            return Err(fail(WireErrorKind::Missing));
        }
        if text.len() > Self::MAX {
            return Err(fail(WireErrorKind::TooLarge));
        }
        // Quotes are those of a shell or a file around it.
        if !text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'')) {
            return Err(fail(WireErrorKind::BadValue));
        }
        let (prefix, jwt) = text.split_once_byte(b':').unwrap_or(("", text));
        let bad = |_| fail(WireErrorKind::BadValue);
        let mut segments = jwt.split_byte(b'.');
        let (Some(_), Some(payload), Some(_), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(fail(WireErrorKind::BadValue));
        };
        let payload = base64::decode(payload, Self::MAX, "nvmApiKey").map_err(bad)?;
        let claims = document::parse(&payload, Self::MAX, "nvmApiKey").map_err(bad)?;
        Ok(Self {
            secret: Secret::new(text),
            environment: Environment::of_key_prefix(prefix),
            account: document::text(&claims, "sub").map_err(bad)?.map(Into::into),
            expires_at: claims.get("exp").and_then(serde_json::Value::as_u64),
        })
    }

    /// The whole key, prefix included: what `Authorization: Bearer` carries.
    #[must_use]
    pub fn secret(&self) -> &Secret {
        &self.secret
    }

    /// The environment its prefix names; a recognised prefix wins over any option.
    #[must_use]
    pub fn environment(&self) -> Option<Environment> {
        self.environment
    }

    /// The account (wallet) address, the JWT's `sub`.
    #[must_use]
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }

    /// When the key ends, in seconds since 1970, if it says so.
    #[must_use]
    pub fn expires_at(&self) -> Option<u64> {
        self.expires_at
    }

    /// True if the key ended so long before `now` (milliseconds since 1970) that the platform need not be asked. The
    /// local clock may be wrong, so the platform decides about a key that ended recently.
    #[must_use]
    pub fn has_surely_ended(&self, now: u64) -> bool {
        self.expires_at.is_some_and(|end| end.saturating_add(Self::LEEWAY) <= now / 1000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn key(prefix: &str, claims: &str) -> String {
        format!("{prefix}eyJhbGciOiJFUzI1NksifQ.{}.c2ln", base64::encode_url(claims.as_bytes()))
    }

    #[test]
    fn the_prefix_names_the_environment() {
        for (prefix, environment) in [
            ("sandbox:", Some(Environment::Sandbox)),
            ("LIVE:", Some(Environment::Live)),
            ("sandbox-staging:", Some(Environment::StagingSandbox)),
            ("live-Staging:", Some(Environment::StagingLive)),
            ("nvm:", None),
            ("local:", None),
            ("", None),
        ] {
            let key = ApiKey::parse(&key(prefix, r#"{"sub":"0xabc","exp":9}"#)).unwrap();
            assert_eq!(key.environment(), environment, "{prefix}");
            assert_eq!(key.account(), Some("0xabc"));
            assert_eq!(key.expires_at(), Some(9));
        }
        assert_eq!(ApiKey::parse(&key("sandbox:", "{}")).unwrap().account(), None);
    }

    #[test]
    fn a_clock_that_is_wrong_by_days_ends_no_key() {
        let hour = ApiKey::parse(&key("sandbox:", r#"{"exp":10000000}"#)).unwrap();
        let days = |days: u64| (10_000_000 + days * 24 * 60 * 60) * 1000;
        for (after, ended) in
            [(days(0), false), (days(2), false), (days(7) - 1, false), (days(7), true), (0, false)]
        {
            assert_eq!(hour.has_surely_ended(after), ended, "{after}");
        }
        assert!(!ApiKey::parse(&key("sandbox:", "{}")).unwrap().has_surely_ended(u64::MAX));
        let last = ApiKey::parse(&key("sandbox:", r#"{"exp":18446744073709551615}"#)).unwrap();
        assert!(!last.has_surely_ended(u64::MAX));
    }

    #[test]
    fn a_bad_key_is_refused_without_being_shown() {
        for text in [
            "",
            "sandbox:",
            "sandbox:abc",
            "sandbox:a.b",
            "sandbox:a.!!.c",
            "sandbox:a.YWJj.c",
            "a.e30.c.d",
            "sandbox:a.e30.c\n",
            "sandbox: a.e30.c",
            "\"sandbox:a.e30.c\"",
            "'sandbox:a.e30.c'",
            &key("sandbox:", "[]"),
            &key("sandbox:", r#"{"sub":7}"#),
            &format!("sandbox:a.{}.c", "A".repeat(9000)),
        ] {
            let error = ApiKey::parse(text).unwrap_err();
            assert_eq!(error.field, "nvmApiKey", "{text}");
            assert!(text.is_empty() || !format!("{error} {error:?}").contains(text));
        }
        let padded = |size: usize| {
            let bare = "sandbox:..e30".len();
            ApiKey::parse(&["sandbox:", &"A".repeat(size - bare), ".e30."].concat())
        };
        assert!(padded(8 * 1024).is_ok());
        for size in [8 * 1024 + 1, 9_000] {
            assert_eq!(padded(size).unwrap_err().kind, WireErrorKind::TooLarge);
        }
        let shown = format!("{:?}", ApiKey::parse(&key("sandbox:", "{}")).unwrap());
        assert!(!shown.contains("e30"), "{shown}");
    }
}
