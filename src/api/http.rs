use super::API_VERSION;
use crate::wire::Secret;
use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

/// A request to the backend, without its origin and without the key. Its `Debug` does not show the body, in which a
/// token may stand (rule 13).
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, from the leading `/` on; ids in it are checked or encoded.
    pub path: Cow<'static, str>,
    /// True if the call carries the API key.
    pub auth: Auth,
    /// A JSON body.
    pub body: Option<String>,
}

/// The methods that the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// POST
    Post,
    /// PUT
    Put,
    /// PATCH
    Patch,
    /// DELETE
    Delete,
}

/// The authentication of a call (section 3, column "Auth").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    Key,
    /// Public: the key is never sent.
    Public,
}

/// An answer of the backend. Its `Debug` does not show the body, in which a token may stand (rule 13).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    /// The body, as text.
    pub body: String,
    /// `x-correlation-id`, where the answer has it.
    pub correlation_id: Option<String>,
}

impl Method {
    /// Its name in upper case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Request {
    /// A public GET.
    #[must_use]
    pub fn get(path: impl Into<Cow<'static, str>>) -> Self {
        Self { method: Method::Get, path: path.into(), auth: Auth::Public, body: None }
    }

    /// A POST with the key.
    #[must_use]
    pub fn post(path: impl Into<Cow<'static, str>>, body: Option<String>) -> Self {
        Self { method: Method::Post, path: path.into(), auth: Auth::Key, body }
    }

    /// The same, with the key.
    #[must_use]
    pub fn with_key(self) -> Self {
        Self { auth: Auth::Key, ..self }
    }

    /// True if sending it twice has the same effect as once. Only then may a shell repeat it.
    #[must_use]
    pub fn is_idempotent(&self) -> bool {
        matches!(self.method, Method::Get | Method::Put | Method::Delete)
    }

    /// True if it buys a plan. If its outcome is unknown, assume that it did (section 4.1).
    #[must_use]
    pub fn is_order(&self) -> bool {
        self.method == Method::Post && self.path.ends_with("/order")
    }

    /// Its headers (section 1.1). `key` is used where the call wants it, and with it `organization`, in whose name the call
    /// is made; without a key both are left out and the platform answers that it wants one.
    #[must_use]
    pub fn headers(&self, key: Option<&Secret>, organization: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::from([
            ("accept", String::from("application/json")),
            ("content-type", String::from("application/json")),
            ("nevermined-version", String::from(API_VERSION)),
        ]);
        if let (Auth::Key, Some(key)) = (self.auth, key) {
            headers.push(("authorization", ["Bearer ", key.expose()].concat()));
            headers.extend(organization.map(|id| ("x-current-org-id", id.into())));
        }
        headers
    }
}

impl Response {
    /// True if the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("correlation_id", &self.correlation_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_13_what_may_hold_a_token_does_not_print_it() {
        let body = r#"{"accessToken":"hush"}"#;
        let request = Request::post("/api/v1/x402/verify", Some(body.into()));
        let response = Response { status: 201, body: body.into(), correlation_id: Some("c-1".into()) };
        let shown = format!("{request:?} {response:?}");
        assert!(!shown.contains("hush"), "{shown}");
        for part in ["/api/v1/x402/verify", "Post", "201", "c-1"] {
            assert!(shown.contains(part), "{shown}");
        }
    }
}
