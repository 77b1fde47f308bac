//! The JSON Schema that is published beside the package says what the reader says.

use super::route_config;
use super::*;
use crate::paywall::config::keys::{MEMBERS, PLAN, PRICE, ROUTE};
use crate::paywall::dialects::{Dialects, Sources, settings as dialects};
use alloc::{format, string::ToString};
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../../../pkg-template/paywall.schema.json");

fn schema() -> Value {
    serde_json::from_str(SCHEMA).unwrap()
}

/// Errors of a value, by the part of JSON Schema that our schema uses. An unknown keyword panics, so that no part of
/// the schema is ignored.
fn wrong_by(schema: &Value, value: &Value, root: &Value) -> Option<String> {
    let fits = |schema: &Value, value: &Value| wrong_by(schema, value, root).is_none();
    let list = |word: &Value| word.as_array().unwrap().clone();
    for (word, said) in schema.as_object().unwrap() {
        let right = match (word.as_str(), value) {
            ("description" | "title" | "default" | "$schema" | "$defs" | "then" | "else", _) => true,
            ("$ref", _) => {
                let part = root.pointer(said.as_str().unwrap().strip_prefix('#').unwrap()).unwrap();
                if let Some(wrong) = wrong_by(part, value, root) {
                    return Some(wrong);
                }
                true
            }
            ("type", _) => {
                let kinds = if said.is_array() { list(said) } else { Vec::from([said.clone()]) };
                kinds.iter().any(|kind| match kind.as_str().unwrap() {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "number" => value.is_number(),
                    "integer" => value.is_u64() || value.is_i64(),
                    other => panic!("type {other}"),
                })
            }
            ("const", _) => said == value,
            ("enum", _) => list(said).contains(value),
            ("anyOf", _) => list(said).iter().any(|one| fits(one, value)),
            ("oneOf", _) => list(said).iter().filter(|one| fits(one, value)).count() == 1,
            ("allOf", _) => list(said).iter().all(|one| fits(one, value)),
            ("not", _) => !fits(said, value),
            ("if", _) => {
                let next = if fits(said, value) { "then" } else { "else" };
                schema.get(next).is_none_or(|next| fits(next, value))
            }
            ("required", Value::Object(members)) => {
                list(said).iter().all(|name| members.contains_key(name.as_str().unwrap()))
            }
            ("properties", Value::Object(members)) => {
                let known = said.as_object().unwrap();
                members.iter().all(|(name, value)| known.get(name).is_none_or(|one| fits(one, value)))
            }
            ("additionalProperties", Value::Object(members)) => members.iter().all(|(name, value)| {
                let known = schema.get("properties").is_some_and(|known| known.get(name).is_some());
                known || (said.is_object() && fits(said, value))
            }),
            ("propertyNames", Value::Object(members)) => {
                members.keys().all(|name| fits(said, &Value::from(name.as_str())))
            }
            ("items", Value::Array(items)) => items.iter().all(|item| fits(said, item)),
            ("minItems", Value::Array(items)) => items.len() as u64 >= said.as_u64().unwrap(),
            ("maxItems", Value::Array(items)) => items.len() as u64 <= said.as_u64().unwrap(),
            ("minLength", Value::String(text)) => text.chars().count() as u64 >= said.as_u64().unwrap(),
            ("maxLength", Value::String(text)) => text.chars().count() as u64 <= said.as_u64().unwrap(),
            ("minimum", Value::Number(number)) => number.as_f64() >= said.as_f64(),
            ("maximum", Value::Number(number)) => number.as_f64() <= said.as_f64(),
            ("pattern", Value::String(text)) => matches(said.as_str().unwrap(), text),
            (
                "required"
                | "properties"
                | "additionalProperties"
                | "propertyNames"
                | "items"
                | "minItems"
                | "maxItems"
                | "minLength"
                | "maxLength"
                | "minimum"
                | "maximum"
                | "pattern",
                _,
            ) => true,
            (other, _) => panic!("{other} is no word that this test knows"),
        };
        if !right {
            return Some(format!("{value} by {word}: {said}"));
        }
    }
    None
}

/// The patterns of the schema, each by hand: there is no engine for them here.
fn matches(pattern: &str, text: &str) -> bool {
    let all = |set: &str| {
        !text.is_empty() && text.chars().all(|letter| letter.is_ascii_alphanumeric() || set.contains(letter))
    };
    let digits = |most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let after = |text: &str| {
        text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).map(ToString::to_string)
    };
    match pattern {
        "^[A-Za-z0-9:_-]+$" => all(":_-"),
        "^[A-Za-z0-9_-]+$" => all("_-"),
        "^[A-Za-z0-9-]+$" => all("-"),
        "^[a-z0-9-]{1,32}$" => {
            all("-") && text.len() <= 32 && !text.bytes().any(|byte| byte.is_ascii_uppercase())
        }
        "^#([0-9a-fA-F]{3}){1,2}$" => {
            (text.len() == 7 || text.len() == 4)
                && text
                    .strip_prefix('#')
                    .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
        }
        "^solana:" => text.starts_with("solana:"),
        "^(eip155:[1-9][0-9]*|solana:[A-Za-z0-9_-]{32})$" => match text.split_once(':') {
            Some(("eip155", id)) => {
                !id.is_empty() && !id.starts_with('0') && id.bytes().all(|byte| byte.is_ascii_digit())
            }
            Some(("solana", id)) => {
                let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
                id.len() == 32 && id.chars().all(plain)
            }
            _ => false,
        },
        "^[1-9A-HJ-NP-Za-km-z]{32,44}$" => {
            let plain = |letter: char| letter.is_ascii_alphanumeric() && !"0OIl".contains(letter);
            (32..=44).contains(&text.len()) && text.chars().all(plain)
        }
        "^0x[0-9a-fA-F]{40}$" => text
            .strip_prefix("0x")
            .is_some_and(|rest| rest.len() == 40 && rest.bytes().all(|byte| byte.is_ascii_hexdigit())),
        "^[0-9]{1,78}$" => digits(78),
        "^[0-9]{0,77}[1-9][0-9]{0,77}$" => digits(155) && text.bytes().any(|byte| byte != b'0'),
        "^https?://\\S+$" => after(text).is_some_and(|rest| !rest.is_empty() && !rest.contains(' ')),
        "^(https?|mcp)://[^/?#@\\s]+[^?#@\\s]*$" if text.starts_with("mcp://") => {
            matches("^https?://[^/?#@\\s]+[^?#@\\s]*$", &text.replacen("mcp", "http", 1))
        }
        "^https?://[^/?#@\\s]+[^?#@\\s]*$" | "^(https?|mcp)://[^/?#@\\s]+[^?#@\\s]*$" => after(text)
            .is_some_and(|rest| {
                !rest.is_empty() && !rest.starts_with('/') && !rest.contains(['?', '#', '@', ' '])
            }),
        "^(\\*|https?://[0-9a-z.:\\[\\]-]+)$" => {
            let plain = |letter: char| {
                letter.is_ascii_lowercase() || letter.is_ascii_digit() || ".:[]-".contains(letter)
            };
            text == "*" || after(text).is_some_and(|rest| !rest.is_empty() && rest.chars().all(plain))
        }
        "^(\\*|[A-Z]+(\\|[A-Z]+)*) [^/\\s]*/\\S*$" => text.split_once(' ').is_some_and(|(methods, place)| {
            let method = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase());
            (methods == "*" || methods.split('|').all(method)) && place.contains('/') && !place.contains(' ')
        }),
        other => panic!("a pattern that this test does not know: {other}"),
    }
}

/// Errors of a configuration according to the schema.
pub(super) fn by_schema(document: &Value) -> Option<String> {
    let schema = schema();
    wrong_by(&schema, document, &schema)
}

/// Errors of a configuration according to the reader, with all bindings present.
pub(super) fn by_reader(document: &Value) -> Option<String> {
    let variable = |name: &str| match name {
        "NVM_API_KEY" => Some(KEY.into()),
        "PASS_KEYS" => Some("k:0123456789abcdef0123456789abcdef".into()),
        "PAGE_FILES" => Some(super::PAGE_FILES.clone()),
        _ => None,
    };
    let bindings = Bindings { origin: true, state: true, handler: true, ..Bindings::default() };
    let read = || {
        // The dialects take their members out of the document.
        let mut sources = Sources::parse("{}", "{}", Some(&document.to_string()))?;
        Dialects::read(&mut sources)?;
        let left = Value::Object(sources.document.unwrap_or_default());
        Settings::read_document(&Document::parse(&left.to_string())?, variable, bindings)
    };
    read().err().map(|error| error.to_string())
}

/// A configuration with these members over the usual ones; null takes one out.
pub(super) fn document(more: &Value) -> Value {
    let mut document =
        json!({ "routes": {}, "unlisted": "deny", "environment": "custom", "apiUrl": "http://127.0.0.1:1" });
    for (name, value) in more.as_object().unwrap() {
        document[name] = value.clone();
    }
    without_null(document)
}

/// Removes null members: the reader treats them as absent, and the schema does not know them.
fn without_null(value: Value) -> Value {
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_null(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_null).collect(),
        value => value,
    }
}

fn names(pointer: &str) -> BTreeSet<String> {
    schema().pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(ToString::to_string).collect()
}

#[test]
fn every_key_of_the_reader_is_in_the_schema_and_the_other_way() {
    let members = MEMBERS.iter().map(|(name, _)| *name).chain(dialects::MEMBERS);
    assert_eq!(names("/properties"), set(members.chain(["$schema"])));
    assert_eq!(names("/$defs/route/properties"), set(ROUTE.into_iter().chain([dialects::ROUTE])));
    assert_eq!(names("/$defs/exact/properties"), set(dialects::ACCEPT));
    assert_eq!(names("/$defs/plan/properties"), set(PLAN));
    let kinds = schema()["$defs"]["price"]["oneOf"].as_array().unwrap().len();
    let of_kind = |kind: usize| names(&format!("/$defs/price/oneOf/{kind}/properties"));
    assert_eq!((0..kinds).flat_map(of_kind).collect::<BTreeSet<_>>(), set(PRICE));
    // A key of a price is one of its kind in the one if it is in the other.
    for (kind, by) in
        ["query", "header", "origin", "byte", "event", "token", "handler"].into_iter().enumerate()
    {
        let properties = of_kind(kind);
        assert_eq!(schema()["$defs"]["price"]["oneOf"][kind]["properties"]["by"]["const"], by);
        let value = |name: &str| match name {
            "by" => json!(by),
            "name" | "member" => json!("n"),
            _ => json!(1),
        };
        for asked in PRICE {
            let keys = properties.iter().map(String::as_str).chain([asked]);
            let price: serde_json::Map<_, _> = keys.map(|name| (name.to_string(), value(name))).collect();
            let config = document(
                &json!({ "routes": route_config::route(&json!({ "credits": price, "settle": "at-end-of-stream" })) }),
            );
            let taken = properties.contains(asked);
            assert_eq!(by_reader(&config).is_none(), taken, "{by}.{asked}: {:?}", by_reader(&config));
            assert_eq!(by_schema(&config).is_none(), taken, "{by}.{asked}: {:?}", by_schema(&config));
        }
    }
}

/// True for errors that only the reader finds: it compares members with each other, or knows the meaning of a name.
fn beyond(key: &str, more: &Value) -> bool {
    let twice = more["plans"].as_array().is_some_and(|plans| plans.len() == 2);
    key == "plans[1].credits" || (key == "plans[1]" && twice)
}

#[test]
fn what_is_wrong_with_a_route_is_wrong_in_both() {
    let mut checked = 0;
    for (more, key) in route_config::wrong() {
        let config = document(&json!({ "routes": route_config::route(&more) }));
        assert!(by_reader(&config).is_some(), "{more}");
        assert_eq!(by_schema(&config).is_none(), beyond(key, &more), "{more}: {:?}", by_schema(&config));
        checked += 1;
    }
    assert!(checked > 70);
    for more in route_config::right() {
        let config = document(&json!({ "routes": route_config::route(&more) }));
        assert_eq!((by_reader(&config), by_schema(&config)), (None, None), "{more}");
    }
}

/// A configuration that sells a set of passes.
fn sold(set: &Value) -> Value {
    let route = json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337" });
    json!({ "routes": { "GET /r": route }, "passes": { "r": set } })
}

#[test]
fn what_is_wrong_with_the_rest_is_wrong_in_both() {
    for more in [
        json!({ "unlisted": "deny", "$schema": "https://x.example/paywall.schema.json" }),
        json!({ "open": ["GET /health", "GET|POST /open/*rest"], "publicUrl": "https://paid.example/v1" }),
        json!({ "publicUrl": "mcp://weather" }),
        json!({ "timeoutMs": 1, "originTimeoutMs": 600_000, "verifyCacheSeconds": 60, "corsMaxAge": 0 }),
        json!({ "allowedOrigins": ["https://app.example", "http://[::1]:8080"], "allowCredentials": "yes", "allowedHeaders": ["x-own"] }),
        json!({ "allowedOrigins": ["*"], "allowPrivateNetwork": "no", "log": "off", "serverTiming": "off" }),
        json!({ "routes": { "GET|POST api.example/ask/:id": { "planId": "did:nv:1", "credits": "10" } } }),
        sold(
            &json!({ "routes": ["GET /r"], "seconds": 60, "warnSeconds": 5, "carry": "both", "crossSite": true }),
        ),
        json!({ "revokedPasses": { "passes": ["id"], "payers": { "0xb1": 1_790_000_000 } } }),
        json!({ "page": "off" }),
        json!({ "page": { "name": "Shop", "lang": "de-CH", "logo": "/logo.svg", "accent": "#0a6b47", "accentDark": "#7fd1ae", "texts": {}, "storage": "session" } }),
    ] {
        let config = document(&more);
        assert_eq!((by_reader(&config), by_schema(&config)), (None, None), "{more}");
    }
    for more in [
        json!({ "route": {} }),
        json!({ "NVM_API_KEY": KEY }),
        json!({ "routes": null }),
        json!({ "routes": [] }),
        json!({ "routes": { "/ask": { "planId": "1", "credits": 1 } } }),
        json!({ "routes": { "post /ask": { "planId": "1", "credits": 1 } } }),
        json!({ "routes": { "POST ask": { "planId": "1", "credits": 1 } } }),
        json!({ "routes": { "POST /ask": {} } }),
        json!({ "routes": { "POST /ask": 2 } }),
        json!({ "unlisted": null }),
        json!({ "unlisted": "allow" }),
        json!({ "open": "GET /" }),
        json!({ "open": ["/health"] }),
        json!({ "environment": "production" }),
        json!({ "apiUrl": "api.example" }),
        json!({ "originUrl": "https://origin.example/?x" }),
        json!({ "publicUrl": "paid.example" }),
        json!({ "publicUrl": "ftp://paid.example" }),
        json!({ "originUrl": "mcp://weather" }),
        json!({ "timeoutMs": 0 }),
        json!({ "timeoutMs": 120_001 }),
        json!({ "timeoutMs": 1.5 }),
        json!({ "verifyCacheSeconds": 61 }),
        json!({ "settleQuietSeconds": 120 }),
        json!({ "originTimeoutMs": 600_001 }),
        json!({ "corsMaxAge": 86_401 }),
        json!({ "allowedOrigins": ["https://A.example"] }),
        json!({ "allowedOrigins": "https://a.example" }),
        json!({ "allowCredentials": "maybe" }),
        json!({ "allowPrivateNetwork": "always" }),
        json!({ "allowedHeaders": "x-own" }),
        json!({ "log": "all" }),
        json!({ "serverTiming": "yes" }),
        json!({ "tokenHeader": "x token" }),
        json!({ "tokenHeader": [""] }),
        json!({ "tokenHeader": [7] }),
        json!({ "passes": [] }),
        sold(&json!({ "routes": ["GET /r"] })),
        sold(&json!({ "seconds": 60 })),
        sold(&json!({ "routes": [], "seconds": 60 })),
        sold(&json!({ "routes": ["GET /r"], "seconds": 0 })),
        sold(&json!({ "routes": ["GET /r"], "seconds": 31_622_401 })),
        sold(&json!({ "routes": ["GET /r"], "seconds": 60, "carry": "url" })),
        sold(&json!({ "routes": ["GET /r"], "seconds": 60, "crossSite": "yes" })),
        sold(&json!({ "routes": ["GET /r"], "seconds": 60, "plan": "1" })),
        json!({ "page": "maybe" }),
        json!({ "page": { "title": "Shop" } }),
        json!({ "page": { "accent": "green" } }),
        json!({ "page": { "lang": "de_CH" } }),
        json!({ "page": { "storage": "local" } }),
    ] {
        let config = document(&more);
        assert!(by_reader(&config).is_some(), "the reader takes {more}");
        assert!(by_schema(&config).is_some(), "the schema takes {more}");
    }
}
