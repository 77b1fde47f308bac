//! The platform of a gate, for calls that the gate itself does not make.

use crate::api;
use crate::codec;
use crate::paywall::config::error::{ConfigError, Wrong, missing, wrong};
use crate::paywall::config::settings::deployment;
use crate::wire::{ApiKey, Secret};
use alloc::string::{String, ToString};

/// The address of the platform and the key of the seller, as the gate reads them.
#[derive(Debug, Clone)]
pub struct Platform {
    url: String,
    key: Secret,
}

impl Platform {
    /// The path of the call that gives a challenge.
    pub const CHALLENGE: &str = "/api/v1/mpp/challenge";

    /// Reads the key, the environment and the address.
    ///
    /// # Errors
    /// Names the variable that is missing or wrong.
    pub fn new(key: Option<&str>, environment: Option<&str>, url: Option<&str>) -> Result<Self, ConfigError> {
        Self::checked(key, environment, url).map_err(|error| *error)
    }

    fn checked(key: Option<&str>, environment: Option<&str>, url: Option<&str>) -> Result<Self, Wrong> {
        let key = key.ok_or_else(|| missing("NVM_API_KEY"))?;
        let parsed =
            ApiKey::parse(key.trim()).map_err(|_| wrong("NVM_API_KEY", "must be a Nevermined API key"))?;
        let deployment = deployment(&parsed, environment.map(Into::into), url.map(Into::into))?;
        Ok(Self { url: deployment.backend.to_string(), key: Secret::new(key.trim()) })
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        [&self.url, path].concat()
    }

    /// The call that gives a challenge.
    #[must_use]
    pub fn challenge_request(body: String) -> api::Request {
        api::Request::post(Self::CHALLENGE, Some(body))
    }

    /// The challenge that the platform answered with; `None` where it gave none.
    #[must_use]
    pub fn challenge_of(answer: &api::Response) -> Option<String> {
        let said = Some(answer).filter(|answer| answer.is_success())?;
        Some(codec::parse_object(&said.body)?.get("challenge")?.as_str()?.into())
    }

    /// The headers of a call with the key.
    #[must_use]
    pub fn headers(&self) -> alloc::vec::Vec<(&'static str, String)> {
        api::Request::post("", None).headers(Some(&self.key), None)
    }
}
