//! A request as a plain value, and readers for its JSON members.

use crate::http::error::{Outcome, Problem};
use crate::identity::api_key::{self, Identity};
use payments_wasm::wire::Credits;
use serde_json::{Map, Value};
use worker::url::form_urlencoded;

/// A request with its complete body.
#[derive(Debug, Clone, Default)]
pub(crate) struct Call {
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

impl Call {
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
    pub(crate) fn json(&self) -> Outcome<Map<String, Value>> {
        if self.body.trim().is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_str(&self.body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err(Problem::bad_request("The body is not a JSON object")),
            Err(error) => Err(Problem::bad_request(format!("The body is not JSON: {error}"))),
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

    /// The caller, read from the API key (contract section 13.1). A missing or unreadable key is a 401.
    pub(crate) fn identity(&self) -> Outcome<Identity> {
        let header =
            self.authorization.as_deref().ok_or_else(|| Problem::unauthorized("The API key is missing"))?;
        api_key::read_bearer(header, self.now)
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

/// A response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
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

impl Reply {
    fn new(status: u16, body: Body) -> Self {
        Self { status, body, retry_after: None, challenge: None }
    }

    pub(crate) fn json(status: u16, value: Value) -> Self {
        Self::new(status, Body::Json(value.to_string()))
    }

    pub(crate) fn ok(value: Value) -> Outcome {
        Ok(Self::json(200, value))
    }

    pub(crate) fn created(value: Value) -> Outcome {
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

/// A member of a JSON object. Null counts as absent (contract section 13.11).
pub(crate) fn member<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    object.get(name).filter(|value| !value.is_null())
}

/// A member that must be an object.
pub(crate) fn object<'a>(object: &'a Map<String, Value>, name: &str) -> Outcome<&'a Map<String, Value>> {
    member(object, name)
        .and_then(Value::as_object)
        .ok_or_else(|| Problem::bad_request(format!("{name} must be an object")))
}

/// A member that is a non-blank string.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    member(object, name).and_then(Value::as_str).filter(|text| !text.trim().is_empty())
}

/// A member that is a uint256, as a string or a number (contract section 1.2).
pub(crate) fn uint256(object: &Map<String, Value>, name: &str) -> Outcome<Option<Credits>> {
    member(object, name)
        .map(|value| Credits::from_json(value, "amount").map_err(|_| Problem::bad_uint256(name)))
        .transpose()
}

/// A member that is a safe JavaScript integer, as a number or a string.
pub(crate) fn whole(object: &Map<String, Value>, name: &str) -> Outcome<Option<i64>> {
    let Some(value) = member(object, name) else { return Ok(None) };
    let number = match value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    match number {
        Some(number) if (0..=9_007_199_254_740_991).contains(&number) => Ok(Some(number)),
        _ => Err(Problem::bad_request(format!("{name} must be a whole number"))),
    }
}

/// Parses a decimal number into its smallest units: `0.25` with 6 places is 250000. Further places are cut off.
pub(crate) fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let scale = 10u64.checked_pow(u32::try_from(places).ok()?)?;
    if !part.bytes().all(|byte| byte.is_ascii_digit()) || whole.starts_with('+') {
        return None;
    }
    let part: String = part.chars().chain(std::iter::repeat('0')).take(places).collect();
    whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part.parse().ok()?)
}

/// The id of a plan or agent: a uint256 in decimal (contract section 1.3).
pub(crate) fn id(text: &str, field: &str) -> Outcome<String> {
    text.parse::<Credits>().map(|id| id.to_string()).map_err(|_| Problem::bad_uint256(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(query: &[(&str, &str)]) -> Call {
        let query = query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Call { query, ..Call::default() }
    }

    #[test]
    fn offset_and_page_size_are_both_the_size_of_a_page() {
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

    #[test]
    fn numbers_come_as_numbers_or_strings_and_null_is_absent() {
        let body = json!({ "a": 5, "b": "6", "c": null, "d": -1, "e": 1.5, "f": "x" });
        let body = body.as_object().unwrap();
        assert_eq!(uint256(body, "a").unwrap().unwrap().to_string(), "5");
        assert_eq!(uint256(body, "b").unwrap().unwrap().to_string(), "6");
        assert_eq!(uint256(body, "c").unwrap(), None);
        assert_eq!(whole(body, "b").unwrap(), Some(6));
        for name in ["d", "e", "f"] {
            assert!(uint256(body, name).is_err(), "{name}");
            assert!(whole(body, name).is_err(), "{name}");
        }
    }

    #[test]
    fn decimals_of_so_many_places() {
        for (text, expected) in [
            ("0", Some(0)),
            ("1", Some(1_000_000)),
            ("1.0", Some(1_000_000)),
            ("0.25", Some(250_000)),
            ("12.5", Some(12_500_000)),
            ("0.1234567", Some(123_456)),
            ("-0.1", None),
            ("1e-7", None),
            ("0.1e5", None),
            ("+1", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(decimal(text, 6), expected, "{text}");
        }
    }

    #[test]
    fn ids_are_uint256_in_decimal() {
        assert_eq!(id("7", "planId").unwrap(), "7");
        for text in ["", "did:nv:1", "-1", "0x1", "1.0"] {
            assert_eq!(id(text, "planId").unwrap_err().code, "BCK.COMMON.0026", "{text}");
        }
    }
}
