use crate::codec;
use alloc::{
    boxed::Box,
    string::{String, ToString},
};
use core::fmt;

/// An error in the configuration. It names a key, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The key, as a path: `ROUTES["POST /ask"].credits`.
    pub key: String,
    /// The problem, as a continuation of the key: `must be a whole number of at least 1`.
    pub problem: String,
}

/// The largest text of the configuration that is sent in a header, in bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 1024;

impl ConfigError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        "config_invalid"
    }

    /// Key and problem in one text.
    pub(crate) fn message(&self) -> String {
        [&self.key, " ", self.problem.as_str()].concat()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message())
    }
}

impl core::error::Error for ConfigError {}

/// A configuration error as readers return it. It is boxed: a pointer is returned at a hundred places.
pub(crate) type Wrong = Box<ConfigError>;

pub(crate) fn missing(key: &str) -> Wrong {
    wrong(key, "is missing")
}

/// The path of a member: `ROUTES["POST /ask"]`.
pub(crate) fn member(outer: &str, member: &str) -> String {
    let mut path = [outer, "["].concat();
    codec::quote(member, &mut path);
    path.push(']');
    path
}

/// A configuration error. It is used at about a hundred places, so each of them is one call.
pub(crate) fn wrong(key: impl AsRef<str>, problem: impl AsRef<str>) -> Wrong {
    #[cold]
    #[inline(never)]
    fn error(key: &str, problem: &str) -> Wrong {
        Box::new(ConfigError { key: key.into(), problem: problem.into() })
    }
    error(key.as_ref(), problem.as_ref())
}

/// An absolute URL to put a path after: without query, fragment, credentials or trailing slash.
pub(crate) fn base_url(key: &str, url: &str) -> Result<String, Wrong> {
    let url = url.trim_end_matches('/');
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    // An MCP server is named by a URL that nobody fetches.
    let rest = rest.or_else(|| url.strip_prefix("mcp://").filter(|_| key == "PUBLIC_URL"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"@?#\\%;".contains(&byte);
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.bytes().all(plain)) {
        return Ok(url.to_string());
    }
    Err(wrong(key, "must be an absolute http or https URL without a query"))
}
