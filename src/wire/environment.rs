use super::{WireError, WireErrorKind};
use core::{fmt, str::FromStr};

/// One of Nevermined's deployments, by name (contract section 2.2). Their addresses are
/// [`api::Deployment`](crate::api::Deployment)'s business.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Environment {
    /// `sandbox`: the hosted test deployment.
    Sandbox,
    /// `live`: real money.
    Live,
    /// `staging_sandbox`.
    StagingSandbox,
    /// `staging_live`.
    StagingLive,
    /// `custom`: addresses are given by the caller; what a local sandbox is.
    Custom,
}

impl Environment {
    /// The environment of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Sandbox, Self::Live, Self::StagingSandbox, Self::StagingLive, Self::Custom]
            .into_iter()
            .find(|environment| environment.as_str() == name)
    }

    /// Its name, as the official SDKs spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sandbox => "sandbox",
            Self::Live => "live",
            Self::StagingSandbox => "staging_sandbox",
            Self::StagingLive => "staging_live",
            Self::Custom => "custom",
        }
    }

    /// The environment that an API key's prefix names, if it names one; case does not matter (section 2.1).
    #[must_use]
    pub fn of_key_prefix(prefix: &str) -> Option<Self> {
        [
            ("sandbox", Self::Sandbox),
            ("live", Self::Live),
            ("sandbox-staging", Self::StagingSandbox),
            ("live-staging", Self::StagingLive),
        ]
        .into_iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(prefix))
        .map(|(_, environment)| environment)
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = WireError;

    /// As [`Environment::parse`]; `BadValue` for another name.
    fn from_str(name: &str) -> Result<Self, WireError> {
        Self::parse(name).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "environment"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString as _;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for name in ["sandbox", "live", "staging_sandbox", "staging_live", "custom"] {
            assert_eq!(Environment::parse(name).map(Environment::as_str), Some(name));
            assert_eq!(name.parse::<Environment>().unwrap().to_string(), name);
        }
        for name in ["", "Live", "testing", "sandbox-staging"] {
            assert_eq!(Environment::parse(name), None, "{name}");
            assert!(name.parse::<Environment>().is_err(), "{name}");
        }
    }
}
