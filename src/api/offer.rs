//! The offer of a 402 as the official `buildPaymentRequired` prints it, members in its order (section 6.1).

use crate::wire::{Environment, Scheme};
use alloc::{string::String, vec::Vec};
use serde::Serialize;

/// What an offer says beside its plans. What is absent or empty is left out, as there.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// The resource's URL; default: an empty one.
    pub endpoint: Option<String>,
    /// The agent whose resource it is.
    pub agent_id: Option<String>,
    /// The HTTP method.
    pub http_verb: Option<String>,
    /// The network; default: that of the scheme in the environment.
    pub network: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// The media type of the answer.
    pub mime_type: Option<String>,
    /// How to pay; default `nvm:erc4337`.
    pub scheme: Option<Scheme>,
    /// Default: that of `sandbox`.
    pub environment: Option<Environment>,
}

/// The offer of one or several plans, as compact JSON. No plan at all becomes one without a name, as there.
#[must_use]
pub fn payment_required(plan_ids: &[&str], terms: &Terms) -> String {
    let scheme = terms.scheme.unwrap_or(Scheme::Erc4337);
    let network = match given(&terms.network) {
        Some(network) => network,
        None => scheme.default_network(terms.environment.unwrap_or(Environment::Sandbox)).as_str(),
    };
    let entry = |plan_id| Entry {
        scheme: scheme.as_str(),
        network,
        plan_id,
        extra: Extra { version: "1", agent_id: given(&terms.agent_id), http_verb: given(&terms.http_verb) },
    };
    let plan_ids = if plan_ids.is_empty() { &[""] } else { plan_ids };
    let offer = Offer {
        version: 2,
        resource: About {
            url: given(&terms.endpoint).unwrap_or_default(),
            description: given(&terms.description),
            mime_type: given(&terms.mime_type),
        },
        accepts: plan_ids.iter().copied().map(entry).collect(),
        extensions: Nothing {},
    };
    // Strings always print.
    serde_json::to_string(&offer).unwrap_or_default()
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().filter(|text| !text.is_empty())
}

#[derive(Serialize)]
struct Offer<'a> {
    #[serde(rename = "x402Version")]
    version: u8,
    resource: About<'a>,
    accepts: Vec<Entry<'a>>,
    extensions: Nothing,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct About<'a> {
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mime_type: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry<'a> {
    scheme: &'static str,
    network: &'a str,
    plan_id: &'a str,
    extra: Extra<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Extra<'a> {
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_verb: Option<&'a str>,
}

#[derive(Serialize)]
struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_output_to_the_byte() {
        let bare = r#"{"x402Version":2,"resource":{"url":""},"accepts":[{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"1","extra":{"version":"1"}}],"extensions":{}}"#;
        assert_eq!(payment_required(&["1"], &Terms::default()), bare);
        assert_eq!(
            payment_required(&[], &Terms::default()),
            bare.replace(r#""planId":"1""#, r#""planId":"""#)
        );
        let empty =
            Terms { endpoint: Some(String::new()), agent_id: Some(String::new()), ..Terms::default() };
        assert_eq!(payment_required(&["1"], &empty), bare);

        let text = |text: &str| Some(String::from(text));
        let full = Terms {
            endpoint: text("/ask"),
            agent_id: text("2"),
            http_verb: text("POST"),
            network: None,
            description: text("d \"ü\""),
            mime_type: text("application/json"),
            scheme: None,
            environment: Some(Environment::Live),
        };
        assert_eq!(
            payment_required(&["1", "3"], &full),
            r#"{"x402Version":2,"resource":{"url":"/ask","description":"d \"ü\"","mimeType":"application/json"},"accepts":[{"scheme":"nvm:erc4337","network":"eip155:8453","planId":"1","extra":{"version":"1","agentId":"2","httpVerb":"POST"}},{"scheme":"nvm:erc4337","network":"eip155:8453","planId":"3","extra":{"version":"1","agentId":"2","httpVerb":"POST"}}],"extensions":{}}"#
        );
        let card = Terms { scheme: Some(Scheme::CardDelegation), ..Terms::default() };
        assert!(payment_required(&["1"], &card).contains(r#""network":"stripe""#));
        let card = Terms { network: text("braintree"), ..card };
        assert!(payment_required(&["1"], &card).contains(r#""network":"braintree""#));
    }
}
