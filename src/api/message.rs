use super::{API_VERSION, ApiError};
use crate::wire::Secret;
use alloc::{borrow::Cow, format, string::String, vec::Vec};

/// One call of the API, as a value: what to send, and what the answer means.
pub trait Call {
    /// What the answer is read into.
    type Output;

    /// The request to send.
    fn request(&self) -> Request;

    /// Reads the answer.
    ///
    /// # Errors
    /// An [`ApiError`] for anything but a 2xx answer of the expected shape.
    fn parse(&self, response: &Response) -> Result<Self::Output, ApiError>;
}

/// A request to the backend, without its origin and without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query, from the leading `/` on; ids in it are checked or encoded.
    pub path: Cow<'static, str>,
    /// Whether the key rides along.
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

/// Whether a call carries the API key (section 3, column "Auth").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// `Authorization: Bearer <key>`.
    Key,
    /// Public: the key is never sent.
    Public,
}

/// An answer of the backend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
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

    /// Its headers (section 1.1). `key` is used where the call wants it; without one the header is left out and the
    /// platform answers that it wants one.
    #[must_use]
    pub fn headers(&self, key: Option<&Secret>) -> Vec<(&'static str, String)> {
        let mut headers = Vec::from([
            ("accept", String::from("application/json")),
            ("content-type", String::from("application/json")),
        ]);
        if let (Auth::Key, Some(key)) = (self.auth, key) {
            headers.push(("authorization", format!("Bearer {}", key.expose())));
            headers.push(("nevermined-version", API_VERSION.into()));
        }
        headers
    }
}

impl Response {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
