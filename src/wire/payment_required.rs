use super::document::{self, Document};
use super::{
    Accept, MAX_ACCEPTS, MAX_OFFER_BYTES, WireError, WireErrorKind, base64, digits, header::only_one,
};
use alloc::{string::String, vec::Vec};
use serde_json::{Map, Value};

/// The offer of a 402: what is asked for which resource, in one or several ways (x402 v2 `PaymentRequired`,
/// contract section 6.1).
///
/// Hostile input until read: at most [`MAX_OFFER_BYTES`] and [`MAX_ACCEPTS`] entries. Members we do not know, and
/// `null` for one that may be absent, are kept and printed again.
#[derive(Debug, Clone, PartialEq)]
pub struct PaymentRequired {
    /// All but what `accepts` holds: there stands a null in its place.
    rest: Document,
    resource: Resource,
    accepts: Vec<Accept>,
}

/// The paid resource, as its seller describes it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// The string the seller advertises: an absolute URL, or only a path. Empty where none was given.
    pub url: String,
    /// For people.
    pub description: Option<String>,
    /// The media type of the answer.
    pub mime_type: Option<String>,
}

impl PaymentRequired {
    /// An offer of our own making, members in the official order.
    #[must_use]
    pub fn new(resource: Resource, accepts: Vec<Accept>) -> Self {
        let mut about = Map::new();
        about.insert("url".into(), resource.url.as_str().into());
        for (name, text) in [("description", &resource.description), ("mimeType", &resource.mime_type)] {
            if let Some(text) = text {
                about.insert(name.into(), text.as_str().into());
            }
        }
        let mut document = Map::new();
        document.insert("x402Version".into(), 2.into());
        document.insert("resource".into(), about.into());
        document.insert("accepts".into(), Value::Null);
        document.insert("extensions".into(), Value::Object(Map::new()));
        Self { rest: document, resource, accepts }
    }

    /// Reads the `payment-required` header.
    ///
    /// # Errors
    /// A [`WireError`] that names the member.
    pub fn from_header(value: &str) -> Result<Self, WireError> {
        Self::from_json(&base64::decode(only_one(value), MAX_OFFER_BYTES, "payment-required")?)
    }

    /// True if a body is meant as an x402 document, well-formed or not: a JSON object that names a version of x402.
    #[must_use]
    pub fn is_one(body: &[u8]) -> bool {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        document::parse(body, MAX_OFFER_BYTES, "payment-required")
            .is_ok_and(|document| document.contains_key("x402Version"))
    }

    /// Reads a JSON document, as some servers put it into the body of the 402, with or without a byte order mark. An entry of
    /// `accepts` that cannot be read is left out, as long as there is one of ours that can.
    ///
    /// # Errors
    /// A [`WireError`] that names the member.
    pub fn from_json(bytes: &[u8]) -> Result<Self, WireError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut document = document::parse(bytes, MAX_OFFER_BYTES, "payment-required")?;
        document::require_version_2(&document)?;
        let resource = match document.get("resource") {
            None | Some(Value::Null) => Resource::default(),
            // x402 v1 and some servers of today say only the URL.
            Some(Value::String(url)) => Resource { url: url.clone(), ..Resource::default() },
            Some(Value::Object(about)) => read_resource(about).map_err(|error| error.within("resource"))?,
            Some(_) => return Err(WireError::new(WireErrorKind::WrongType, "resource")),
        };
        let entries = match document.get_mut("accepts").map(Value::take) {
            None | Some(Value::Null) => return Err(WireError::new(WireErrorKind::Missing, "accepts")),
            Some(Value::Array(entries)) if entries.is_empty() => {
                return Err(WireError::new(WireErrorKind::Missing, "accepts"));
            }
            Some(Value::Array(entries)) if entries.len() > MAX_ACCEPTS => {
                return Err(WireError::new(WireErrorKind::TooLarge, "accepts"));
            }
            Some(Value::Array(entries)) => entries,
            Some(_) => return Err(WireError::new(WireErrorKind::WrongType, "accepts")),
        };
        let (mut accepts, mut broken) = (Vec::new(), None);
        for (index, entry) in entries.into_iter().enumerate() {
            match Accept::parse(entry) {
                Ok(accept) => accepts.push(accept),
                Err(error) => broken = broken.or(Some((index, error))),
            }
        }
        let payable = accepts.iter().any(|accept: &Accept| accept.plan_id().is_some());
        if let (false, Some((index, error))) = (payable, broken) {
            let index = u64::try_from(index).unwrap_or(u64::MAX);
            return Err(error.within(&["accepts[", &digits(index), "]"].concat()));
        }
        Ok(Self { rest: document, resource, accepts })
    }

    /// The paid resource.
    #[must_use]
    pub fn resource(&self) -> &Resource {
        &self.resource
    }

    /// The ways to pay, at least one, in the seller's order.
    #[must_use]
    pub fn accepts(&self) -> &[Accept] {
        &self.accepts
    }

    /// The seller's word on why, where there is one.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.rest.get("error").and_then(Value::as_str)
    }

    /// The document as compact JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut document = self.rest.clone();
        let accepts = self.accepts.iter().map(Accept::to_value).collect();
        document.insert("accepts".into(), accepts);
        document::print(&document)
    }

    /// The document as a JSON value, to be put into another.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut document = self.rest.clone();
        document.insert("accepts".into(), self.accepts.iter().map(Accept::to_value).collect());
        Value::Object(document)
    }

    /// The value of the `payment-required` header: standard base64, padded, of compact JSON (money rule 17).
    #[must_use]
    pub fn to_header(&self) -> String {
        base64::encode_standard(self.to_json().as_bytes())
    }
}

fn read_resource(about: &Document) -> Result<Resource, WireError> {
    let text = |name| document::text(about, name).map(|text| text.map(ToString::to_string));
    Ok(Resource {
        url: text("url")?.unwrap_or_default(),
        description: text("description")?,
        mime_type: text("mimeType")?,
    })
}
