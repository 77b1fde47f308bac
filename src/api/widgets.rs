//! The card pages of the embed app: a session to open one with, and its address (section 8.3).

use super::query::Query;
use super::{Deployment, Request};
use crate::wire::{ApiKey, Environment};
use alloc::{format, string::String};
use serde::Serialize;

/// Open a widget session for oneself: `POST /api/v1/widgets/session/self`, with the key. Answers
/// `{ sessionToken, expiresAt, isReturnUrlAllowed?, … }`.
///
/// Such a session leads back to this machine only (localhost, 127.0.0.1, \[::1\]): a page on the web has to be given a
/// session by its organization's own server.
#[must_use]
pub fn start_session(organization: Option<&str>, return_url: &str) -> Request {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        org_id: Option<&'a str>,
        return_url: &'a str,
    }
    // Strings always print.
    let body = serde_json::to_string(&Body { org_id: organization, return_url }).unwrap_or_default();
    Request::post("/api/v1/widgets/session/self", Some(body))
}

/// A visit to a card page.
#[derive(Debug)]
pub struct CardPage<'a> {
    /// The session's token.
    pub session_token: &'a str,
    /// Where the page leads back to, with what was made in its query.
    pub return_url: &'a str,
    /// Comes back with it: 32 hexadecimal digits.
    pub state: &'a str,
    /// Who will charge the card; default `stripe`.
    pub provider: Option<&'a str>,
    /// A card that is there already: only a delegation is made.
    pub payment_method_id: Option<&'a str>,
}

impl CardPage<'_> {
    /// Its address: `<embed>/cards/setup`, or `/cards/delegate` for a card that is there. `network` comes last, and
    /// chooses the platform that the page talks to.
    #[must_use]
    pub fn url(&self, deployment: &Deployment, key: Option<&ApiKey>) -> String {
        let page = if self.payment_method_id.is_some() { "delegate" } else { "setup" };
        let provider = self.provider.unwrap_or("stripe");
        Query::new(format!("{}/cards/{page}", deployment.embed))
            .with("sessionToken", Some(self.session_token))
            .with("returnUrl", Some(self.return_url))
            .with("state", Some(self.state))
            .with("provider", self.payment_method_id.is_none().then_some(provider))
            .with("paymentMethodId", self.payment_method_id)
            .with("network", Some(network(deployment, key)))
            .into_string()
    }
}

fn network(deployment: &Deployment, key: Option<&ApiKey>) -> &'static str {
    let environment = key.and_then(ApiKey::environment).unwrap_or(deployment.environment);
    let live = match environment {
        Environment::Live | Environment::StagingLive => true,
        // By a label of its host, as the official command line does.
        Environment::Custom => {
            let host = deployment.backend.split('/').nth(2).unwrap_or_default();
            host.split(['.', '-', ':']).any(|label| label == "live")
        }
        Environment::Sandbox | Environment::StagingSandbox => false,
    };
    if live { "live" } else { "sandbox" }
}
