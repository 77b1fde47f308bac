use alloc::{format, string::String};
use core::fmt::Write as _;

/// A path with a query: [`Query::new`], then one [`with`](Query::with) for each parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query(String);

impl Query {
    pub(crate) fn new(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// Adds a parameter, if there is a value for it.
    pub(crate) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            let joint = if self.0.contains('?') { '&' } else { '?' };
            self.0.push_str(&format!("{joint}{name}={}", encode(value)));
        }
        self
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }
}

/// Percent-encodes all but unreserved characters, as `encodeURIComponent` does and a little more.
pub(crate) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_and_only_what_is_given() {
        let query = Query::new("/p").with("a", None).with("b", Some("x y&z=é")).with("c", Some("1"));
        assert_eq!(query.into_string(), "/p?b=x%20y%26z%3D%C3%A9&c=1");
        assert_eq!(Query::new("/p").into_string(), "/p");
    }
}
