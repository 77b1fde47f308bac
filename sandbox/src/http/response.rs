//! A response as a plain value.

use serde_json::Value;

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// `Retry-After`, in seconds.
    pub(crate) retry_after: Option<i64>,
    /// The value of `WWW-Authenticate`.
    pub(crate) challenge: Option<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Body {
    Empty,
    Json(String),
    Html(String),
    /// A file of the dashboard: its media type and its text.
    File(&'static str, &'static str),
    /// The target of a 303 redirect.
    Location(String),
    /// Nothing that the client can read: its connection fails.
    Lost,
}

impl Response {
    fn new(status: u16, body: Body) -> Self {
        Self { status, body, retry_after: None, challenge: None }
    }

    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::new(status, Body::Json(value.to_string()))
    }

    /// 200 in the `Ok` that a handler returns.
    pub(crate) fn ok<E>(value: Value) -> Result<Self, E> {
        Ok(Self::json(200, value))
    }

    /// 201 in the `Ok` that a handler returns.
    pub(crate) fn created<E>(value: Value) -> Result<Self, E> {
        Ok(Self::json(201, value))
    }

    pub(crate) fn html(status: u16, html: String) -> Self {
        Self::new(status, Body::Html(html))
    }

    pub(crate) fn file(kind: &'static str, text: &'static str) -> Self {
        Self::new(200, Body::File(kind, text))
    }

    pub(crate) fn see_other(location: String) -> Self {
        Self::new(303, Body::Location(location))
    }

    pub(crate) fn empty() -> Self {
        Self::new(204, Body::Empty)
    }

    /// Cuts the JSON body in half, so it cannot be parsed.
    pub(crate) fn garbled(self) -> Self {
        let body = match self.body {
            Body::Json(json) => Body::Json(json.chars().take(json.chars().count() / 2).collect()),
            other => other,
        };
        Self { body, ..self }
    }

    /// A response that no client can read.
    pub(crate) fn lost() -> Self {
        Self::new(200, Body::Lost)
    }

    #[cfg(test)]
    pub(crate) fn body_text(&self) -> &str {
        match &self.body {
            Body::Empty | Body::Lost => "",
            Body::Json(text) | Body::Html(text) | Body::Location(text) => text,
            Body::File(_, text) => text,
        }
    }
}
