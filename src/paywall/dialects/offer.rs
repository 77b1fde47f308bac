//! The offer of a 402 in all dialects.

use super::carrier::Asked;
use super::supported::Supported;
use super::terms::{Dialects, ExactTerms};
use crate::codec;
use crate::wire::base64;
use crate::wire::exact::{Amount, X402Version};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value, json};

/// The most challenges that one 402 has, and that are asked for.
const MAX_CHALLENGES: usize = 3;
/// The largest offer that is read, in characters.
const MAX_OFFER: usize = 256 * 1024;

/// The 402 of the gate, and what is to be said of it beside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Refused402<'a> {
    /// `payment-required`, as the gate wrote it.
    pub header: &'a str,
    /// The JSON body; `None` for another body, or none.
    pub body: Option<&'a str>,
    /// The query of the URL, with its `?`.
    pub search: &'a str,
    /// The digest of the body, where challenges are bound to it.
    pub body_digest: Option<&'a str>,
    /// The code and the message of a payment that was refused before it came to the gate.
    pub refused: Option<(&'a str, &'a str)>,
    /// The answers of the facilitators about what they settle; without them all terms are offered that need nothing of their facilitator.
    pub supported: Option<&'a Supported>,
}

/// The 402 in all dialects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// 402; 503 where no facilitator settles what the route takes.
    pub status: u16,
    /// `payment-required`; empty where nothing can be offered.
    pub header: String,
    /// The body, where it was JSON.
    pub body: Option<String>,
    /// The bodies of the calls that give a challenge each.
    pub challenges: Vec<String>,
}

impl Offer {
    fn none() -> Self {
        let body = json!({
            "error": "Service Unavailable",
            "message": "No facilitator settles what this route takes at the moment. Nothing was charged; try again later.",
            "code": "terms_unavailable",
        });
        Self { status: 503, header: String::new(), body: Some(codec::print(&body)), challenges: Vec::new() }
    }
}

fn has_accepts(offer: &Map<String, Value>) -> bool {
    offer.get("accepts").and_then(Value::as_array).is_some_and(|accepts| !accepts.is_empty())
}

impl Dialects {
    /// Puts the gate's offer into all dialects; `None` for what is no offer.
    #[must_use]
    pub fn offer(&self, answer: &Refused402<'_>) -> Option<Offer> {
        let bytes = base64::decode(answer.header, MAX_OFFER, "offer").ok()?;
        let Value::Object(gates) = codec::parse_json(&bytes)? else { return None };
        let asked = Asked { offer: gates, token: String::new(), amount: None };
        let mut header = asked.offer.clone();
        self.translate(&mut header, answer.supported);
        if asked.accepts().next().is_some() && !has_accepts(&header) {
            return Some(Offer::none());
        }
        if let Some((code, _)) = answer.refused {
            header.insert("error".into(), code.into());
        }
        let body = answer.body.and_then(codec::parse_object).map(|mut body| {
            if body.contains_key("accepts") {
                self.translate(&mut body, answer.supported);
            }
            if let Some((code, message)) = answer.refused {
                body.insert("code".into(), code.into());
                body.insert("message".into(), message.into());
                body.insert("retryable".into(), is_retryable(code).into());
            } else if let Some(code) =
                body.get("code").and_then(Value::as_str).filter(|code| code.starts_with("BCK.MPP."))
            {
                let retryable = is_retryable(code);
                body.insert("retryable".into(), retryable.into());
            }
            let body = if self.v1 { self.body_of_version_1(body, &asked, answer.supported) } else { body };
            codec::print_object(&body)
        });
        let challenges = self.challenges(&asked, answer);
        let status = 402;
        let header = base64::encode_standard(codec::print_object(&header).as_bytes());
        Some(Offer { status, header, body, challenges })
    }

    /// The terms of an entry of the gate's, and its amount; `None` for a plan.
    fn terms_of(&self, entry: &Value) -> Option<(&ExactTerms, Amount)> {
        let plan_id = entry.get("planId")?.as_str()?;
        let terms = self.exact.iter().find(|terms| terms.plan_id.as_str() == plan_id)?;
        Some((terms, Asked::extra(entry, "credits")?.parse().ok()?))
    }

    fn translate(&self, offer: &mut Map<String, Value>, supported: Option<&Supported>) {
        let asked = Asked { offer: offer.clone(), token: String::new(), amount: None };
        if let Some(Value::Array(accepts)) = offer.get_mut("accepts") {
            accepts.retain_mut(|entry| {
                let Some((terms, amount)) = self.terms_of(entry) else { return true };
                let means = means(terms, X402Version::V2, supported).filter(|_| !amount.is_zero());
                *entry =
                    terms.entry(X402Version::V2, &amount, &asked, means.as_ref().and_then(Option::as_deref));
                means.is_some()
            });
        }
        if let Some(required) = self.identifier
            && let Some(Value::Object(extensions)) = offer.get_mut("extensions")
        {
            extensions.insert("payment-identifier".into(), identifier(required));
        }
    }

    /// The body for clients that know version 1 alone. Version 2 is in the header.
    fn body_of_version_1(
        &self,
        mut body: Map<String, Value>,
        asked: &Asked,
        supported: Option<&Supported>,
    ) -> Map<String, Value> {
        let terms = asked.accepts().filter_map(|entry| self.terms_of(entry));
        let terms = terms.filter(|(terms, amount)| terms.chain.v1_name().is_some() && !amount.is_zero());
        let accepts: Vec<Value> = terms
            .filter_map(|(terms, amount)| {
                let fee_payer = means(terms, X402Version::V1, supported)?;
                Some(terms.entry(X402Version::V1, &amount, asked, fee_payer.as_deref()))
            })
            .collect();
        if accepts.is_empty() || !body.contains_key("accepts") {
            return body;
        }
        body.insert("x402Version".into(), 1.into());
        body.insert("accepts".into(), Value::Array(accepts));
        body.remove("resource");
        body.remove("extensions");
        body
    }

    /// The calls for challenges: one for each plan that the request has a price in.
    fn challenges(&self, asked: &Asked, answer: &Refused402<'_>) -> Vec<String> {
        let Some(terms) = &self.mpp else { return Vec::new() };
        let plans = asked.accepts().filter(|entry| self.terms_of(entry).is_none());
        let call = |entry: &Value| {
            let credits = Asked::extra(entry, "credits")?;
            let mut body = Map::new();
            body.insert("planId".into(), entry.get("planId")?.clone());
            body.insert("credits".into(), Some(credits).filter(|credits| *credits != "0")?.into());
            body.insert("resource".into(), [asked.resource(), answer.search].concat().into());
            body.insert("httpVerb".into(), Asked::extra(entry, "httpVerb")?.into());
            for (name, value) in [
                ("agentId", Asked::extra(entry, "agentId")),
                ("digest", answer.body_digest.filter(|_| terms.bind_body)),
                ("description", terms.description.as_deref()),
            ] {
                if let Some(value) = value {
                    body.insert(name.into(), value.to_string().into());
                }
            }
            Some(codec::print_object(&body))
        };
        plans.filter_map(call).take(MAX_CHALLENGES).collect()
    }
}

/// The way in which terms are offered: who pays the fee, where one has to be named; `None` where they are not offered.
fn means(terms: &ExactTerms, version: X402Version, supported: Option<&Supported>) -> Option<Option<String>> {
    match supported {
        Some(supported) => supported.means(terms, version),
        None => (!terms.lacks_fee_payer(None)).then_some(None),
    }
}

/// Codes after which a fresh challenge may be paid.
fn is_retryable(code: &str) -> bool {
    matches!(code, "BCK.MPP.0004" | "BCK.MPP.0005")
}

/// The extension, as a seller states it.
fn identifier(required: bool) -> Value {
    json!({
        "info": { "required": required },
        "schema": {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": { "type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$" },
            },
            "required": ["required"],
        },
    })
}
