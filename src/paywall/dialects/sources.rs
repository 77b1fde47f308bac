//! The places where the configuration of a gate stands.

use super::Platform;
use super::option_names::MEMBERS;
use crate::codec::{parse_json, parse_object, print, print_object};
use crate::paywall::config::document::Document;
use crate::paywall::config::error::{ConfigError, wrong};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// The places where the configuration of a gate stands. A value of the document comes first, then the option, then the variable.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The configuration as one document, where there is one.
    pub document: Option<Map<String, Value>>,
    /// The options of the library.
    pub options: Map<String, Value>,
    /// The variables of a Worker: values, or texts with the JSON of them.
    pub variables: Map<String, Value>,
}

/// The route table, and how it was written.
pub(super) struct RouteTable {
    /// The name under which it stands.
    pub(super) name: &'static str,
    pub(super) routes: Map<String, Value>,
    /// True where a route of the library's without a price costs 1 credit.
    pub(super) has_usual_price: bool,
    is_text: bool,
}

impl Sources {
    /// Reads the three places, JSON.
    ///
    /// # Errors
    /// Names the one that cannot be read.
    pub fn parse(options: &str, variables: &str, document: Option<&str>) -> Result<Self, ConfigError> {
        let read =
            |name: &str, text: &str| parse_object(text).ok_or_else(|| *wrong(name, "must be a JSON object"));
        Ok(Self {
            document: document.map(|text| read("CONFIG", text)).transpose()?,
            options: read("options", options)?,
            variables: read("variables", variables)?,
        })
    }

    /// Reads a document, whose members are those of the gate and of the dialects.
    ///
    /// # Errors
    /// It is no JSON object, or has a member that is not known.
    pub fn read_document(text: &str) -> Result<Map<String, Value>, ConfigError> {
        let Some(members) = parse_object(text) else {
            return Document::parse(text).map(|_| Map::new());
        };
        let mut rest = members.clone();
        rest.retain(|name, _| !MEMBERS.contains(&name.as_str()));
        Document::parse(&print_object(&rest)).map(|_| members)
    }

    /// The document that is left for the gate.
    ///
    /// # Errors
    /// It has a member that is not known.
    pub fn left_document(&self) -> Result<Document, ConfigError> {
        self.document
            .as_ref()
            .map_or(Ok(Document::default()), |members| Document::parse(&print_object(members)))
    }

    /// The text of the document that is left for the gate, where there is one.
    #[must_use]
    pub fn left_text(&self) -> Option<String> {
        self.document.as_ref().map(print_object)
    }

    /// A variable that is left for the gate.
    #[must_use]
    pub fn left_variable(&self, name: &str) -> Option<String> {
        match self.variables.get(name)? {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            value => Some(print(value)),
        }
    }

    /// Takes a value out of all places: the name under which it was found, and the value.
    pub(super) fn take(
        &mut self,
        option: &'static str,
        variable: &'static str,
    ) -> (&'static str, Option<Value>) {
        let document = self.document.as_mut().and_then(|document| document.remove(option));
        let given =
            [document, self.options.remove(option)].into_iter().flatten().find(|value| !value.is_null());
        let set = self.variables.remove(variable).map(|value| match value {
            Value::String(text) => parse_json(text.as_bytes()).unwrap_or(Value::String(text)),
            value => value,
        });
        match given {
            Some(value) => (option, Some(value)),
            None => (if set.is_some() { variable } else { option }, set),
        }
    }

    /// Takes the route table that holds; `None` for one that is no object, of which the gate says so.
    pub(super) fn take_routes(&mut self) -> Option<RouteTable> {
        const NAME: &str = "routes";
        for (place, has_usual_price) in [(self.document.as_mut(), false), (Some(&mut self.options), true)] {
            let Some(place) = place else { continue };
            match place.get(NAME) {
                None | Some(Value::Null) => {}
                Some(Value::Object(_)) => {
                    let Some(Value::Object(routes)) = place.remove(NAME) else { return None };
                    return Some(RouteTable { name: NAME, routes, has_usual_price, is_text: false });
                }
                Some(_) => return None,
            }
        }
        let (routes, is_text) = match self.variables.get("ROUTES")? {
            Value::Object(routes) => (routes.clone(), false),
            Value::String(text) => (parse_object(text)?, true),
            _ => return None,
        };
        Some(RouteTable { name: "ROUTES", routes, has_usual_price: !is_text, is_text })
    }

    /// Puts the route table back where it stood.
    pub(super) fn put_routes(&mut self, RouteTable { name, routes, has_usual_price, is_text }: RouteTable) {
        let place = match (name, &mut self.document) {
            ("ROUTES", _) => &mut self.variables,
            (_, Some(document)) if !has_usual_price => document,
            _ => &mut self.options,
        };
        let value = if is_text { Value::String(print_object(&routes)) } else { Value::Object(routes) };
        place.insert(name.into(), value);
    }

    /// The text of a value that the gate reads too.
    fn text(&self, member: &str, option: &str, variable: &str) -> Option<String> {
        let document = self.document.as_ref().and_then(|document| document.get(member));
        let found = [document, self.options.get(option), self.variables.get(variable)];
        match found.into_iter().flatten().find(|value| !value.is_null())? {
            Value::String(text) => Some(text.clone()),
            value => Some(print(value)),
        }
    }

    /// The platform; `None` where the gate says what is wrong with it.
    #[must_use]
    pub fn platform(&self) -> Option<Platform> {
        let key = self.text("", "nvmApiKey", "NVM_API_KEY");
        let environment = self.text("environment", "environment", "NVM_ENVIRONMENT");
        let url = self.text("apiUrl", "backend", "NVM_API_URL");
        Platform::new(key.as_deref(), environment.as_deref(), url.as_deref()).ok()
    }

    /// The names of the headers that a token may come in.
    #[must_use]
    pub fn token_headers(&self) -> Vec<String> {
        let text = self.text("tokenHeader", "tokenHeader", "TOKEN_HEADER").unwrap_or_default();
        let names = match parse_json(text.as_bytes()) {
            Some(Value::Array(names)) => {
                names.iter().filter_map(Value::as_str).map(ToString::to_string).collect()
            }
            _ if text.trim().is_empty() => Vec::from([String::from("payment-signature")]),
            _ => Vec::from([text]),
        };
        names.iter().map(|name: &String| name.trim().to_ascii_lowercase()).collect()
    }

    /// True where a positive verification is believed for some time.
    pub(super) fn remembers(&self) -> bool {
        let text = self.text("verifyCacheSeconds", "verifyCacheSeconds", "VERIFY_CACHE_SECONDS");
        text.is_some_and(|text| !matches!(text.trim(), "" | "0"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Dialects;
    use super::*;
    use alloc::format;
    use serde_json::json;

    /// A value of the document comes before the option, and that before the variable; each is taken out of all of them.
    #[test]
    fn options_stand_in_the_document_the_options_and_the_variables() {
        let route =
            |accepts: &Value| json!({ "GET /r": { "planId": "1", "credits": 1, "accepts": accepts } });
        let accept = json!({
            "scheme": "exact", "network": "eip155:8453", "amount": "5", "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
            "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", "extra": { "name": "USD Coin", "version": "2" }, "facilitator": "https://f.example",
        });
        let read = |document: Value, options: &Value, variables: &Value| {
            let text = (!document.is_null()).then(|| document.to_string());
            let mut sources = Sources::parse(&options.to_string(), &variables.to_string(), text.as_deref())?;
            Dialects::read(&mut sources).map(|dialects| (dialects, sources))
        };
        for (document, options, variables, mpp, identifier, exact) in [
            (json!(null), json!({}), json!({ "MPP": "true" }), true, None, 0),
            (json!({}), json!({ "mpp": true }), json!({ "MPP": false }), true, None, 0),
            (json!({ "mpp": false }), json!({ "mpp": true }), json!({ "MPP": "true" }), false, None, 0),
            (json!({ "mpp": null }), json!({}), json!({ "MPP": { "bindBody": true } }), true, None, 0),
            (
                json!({ "paymentIdentifier": "required" }),
                json!({}),
                json!({ "PAYMENT_IDENTIFIER": "true" }),
                false,
                Some(true),
                0,
            ),
            (
                json!(null),
                json!({}),
                json!({ "PAYMENT_IDENTIFIER": "required", "ROUTES": route(&accept) }),
                false,
                Some(true),
                1,
            ),
            (json!(null), json!({}), json!({ "ROUTES": route(&accept).to_string() }), false, None, 1),
            (json!({ "routes": route(&accept) }), json!({}), json!({ "ROUTES": "{}" }), false, None, 1),
            (json!({ "routes": {} }), json!({ "routes": route(&accept) }), json!({}), false, None, 0),
        ] {
            let (dialects, left) = read(document.clone(), &options, &variables).unwrap();
            let found = (dialects.mpp().is_some(), dialects.identifier(), dialects.exact().len());
            assert_eq!(found, (mpp, identifier, exact), "{document} {options} {variables}");
            for place in left.document.iter().chain([&left.options, &left.variables]) {
                for name in ["mpp", "MPP", "paymentIdentifier", "PAYMENT_IDENTIFIER"] {
                    assert!(!place.contains_key(name), "{name} of {document} {options} {variables}");
                }
            }
        }
        // The route table stays what it was, a text or an object.
        let (_, left) =
            read(json!(null), &json!({}), &json!({ "ROUTES": route(&accept).to_string() })).unwrap();
        assert!(left.variables["ROUTES"].as_str().unwrap().contains(r#""plans":["#));
        for (variables, key) in [
            (json!({ "MPP": "maybe" }), "MPP"),
            (json!({ "PAYMENT_IDENTIFIER": true, "VERIFY_CACHE_SECONDS": "5" }), "PAYMENT_IDENTIFIER"),
            (
                json!({ "FACILITATOR_HEADERS": { "https://f.example": 1 }, "ROUTES": route(&accept) }),
                r#"FACILITATOR_HEADERS["https://f.example"]"#,
            ),
            (
                json!({ "FACILITATOR_HEADERS": { "https://g.example": {} }, "ROUTES": route(&accept) }),
                r#"FACILITATOR_HEADERS["https://g.example"]"#,
            ),
        ] {
            assert_eq!(read(json!(null), &json!({}), &variables).unwrap_err().key, key, "{variables}");
        }
        let headers = json!({ "https://f.example": { "authorization": "Bearer x" } });
        let variables = json!({ "FACILITATOR_HEADERS": headers.to_string(), "ROUTES": route(&accept) });
        let (dialects, _) = read(json!(null), &json!({}), &variables).unwrap();
        assert_eq!(dialects.facilitator_headers().unwrap().expose(), headers.to_string());
        assert!(!format!("{dialects:?}").contains("Bearer"));
    }
}
