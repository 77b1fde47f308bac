//! A request as a plain value.

use crate::http::error::{ApiError, Result};
use serde_json::{Map, Value};
use worker::url::form_urlencoded;

/// A request with its complete body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path segments, percent-decoded. Empty segments are dropped, because a client may join a base and a path
    /// with `//`.
    pub(crate) path: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) authorization: Option<String>,
    pub(crate) organization: Option<String>,
    /// The return URL that a card page sends: `X-Nvm-Widget-Return-Url`.
    pub(crate) returning: Option<String>,
    pub(crate) correlation: String,
    /// The `Accept` header.
    pub(crate) accept: Option<String>,
    /// The `Origin` header.
    pub(crate) from: Option<String>,
    /// The `Sec-Fetch-Site` header.
    pub(crate) site: Option<String>,
    /// The sandbox's own origin as the client sees it.
    pub(crate) origin: String,
    pub(crate) body: String,
    /// Milliseconds since 1970, by the sandbox's clock.
    pub(crate) now: i64,
}

/// The fields of a posted form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// A field that is not blank.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let field = self.0.iter().find(|(key, _)| key == name);
        field.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// Converts the fields to a JSON object.
    pub(crate) fn object(self) -> Map<String, Value> {
        self.0.into_iter().map(|(name, value)| (name, value.into())).collect()
    }
}

/// The requested page of a list. `offset` and `pageSize` both set its size (contract section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) number: u32,
    pub(crate) size: u32,
    pub(crate) ascending: bool,
}

impl Request {
    /// The last query parameter with this name, if it is not empty.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    /// The body as a JSON object. An empty body is an empty object: some calls, such as order, send none.
    pub(crate) fn json(&self) -> Result<Map<String, Value>> {
        if self.body.trim().is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_str(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(ApiError::bad_request("The body is not a JSON object")),
            Err(error) => Err(ApiError::bad_request(format!("The body is not JSON: {error}"))),
        }
    }

    /// The fields of a form that one of the sandbox's pages posted.
    pub(crate) fn form(&self) -> Form {
        Form(form_urlencoded::parse(self.body.as_bytes()).into_owned().collect())
    }

    /// The token after `Bearer ` in `Authorization`.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, key) = self.authorization.as_deref()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    }

    pub(crate) fn page(&self) -> Page {
        let number = |names: &[&str], default: u32, most: u32| {
            names
                .iter()
                .find_map(|name| self.param(name))
                .and_then(|text| text.parse::<u32>().ok())
                .filter(|value| *value > 0)
                .unwrap_or(default)
                .min(most)
        };
        Page {
            number: number(&["page"], 1, 1_000_000),
            size: number(&["offset", "pageSize"], 10, 200),
            ascending: self.param("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("asc")),
        }
    }
}

impl Page {
    /// Number of rows before this page.
    pub(crate) fn skip(self) -> i64 {
        i64::from(self.number.saturating_sub(1)).saturating_mul(i64::from(self.size))
    }

    pub(crate) fn direction(self) -> &'static str {
        if self.ascending { "ASC" } else { "DESC" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(query: &[(&str, &str)]) -> Request {
        let query = query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Request { query, ..Request::default() }
    }

    #[test]
    fn offset_and_page_size_both_set_the_page_size() {
        for (query, number, size, ascending) in [
            (&[][..], 1, 10, false),
            (&[("page", "2"), ("offset", "25")][..], 2, 25, false),
            (&[("page", "3"), ("pageSize", "5"), ("sortOrder", "asc")][..], 3, 5, true),
            (&[("page", "0"), ("offset", "-1")][..], 1, 10, false),
            (&[("page", "x"), ("offset", "9999")][..], 1, 200, false),
        ] {
            assert_eq!(call(query).page(), Page { number, size, ascending }, "{query:?}");
        }
        assert_eq!(Page { number: 3, size: 5, ascending: true }.skip(), 10);
    }
}
