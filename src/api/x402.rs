//! Mint, verify, settle (section 4.5).

use super::json_text::JsonText;
use super::{ApiError, Call, Request, Response};
use crate::codec;
use crate::wire::{
    AccessToken, AgentId, Credits, DelegationRef, PaymentRequired, PlanId, Receipt, Scheme, Secret,
};
use alloc::string::{String, ToString};
use serde_json::{Map, Value};

/// Mint an access token from a delegation: `POST /api/v1/x402/permissions`, with the buyer's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GetAccessToken {
    /// How to pay.
    pub scheme: Scheme,
    /// Where.
    pub network: String,
    /// The plan whose credits it may spend.
    pub plan_id: PlanId,
    /// The agent it is for, where the seller names one.
    pub agent_id: Option<AgentId>,
    /// The delegation it spends from: without one the platform answers `BCK.X402.0030`.
    pub delegation_id: DelegationRef,
    /// The resource that a token of version 3 is bound to, if a bound one is wanted. A platform that does not support
    /// binding mints a reusable token; use [`AccessToken::is_single_use`] to tell.
    pub binding: Option<Binding>,
}

/// The one request that a single-use token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The resource as its seller advertises it, which need not be the URL that is fetched.
    pub resource: String,
    /// The method, upper case.
    pub http_verb: String,
}

impl Call for GetAccessToken {
    type Output = AccessToken;

    fn request(&self) -> Request {
        let mut json = JsonText::default();
        json.object(&|json| {
            json.member("accepted", &|json| {
                json.text("scheme", self.scheme.as_str());
                json.text("network", &self.network);
                json.text("planId", self.plan_id.as_str());
                json.member("extra", &|json| {
                    json.some_text("agentId", self.agent_id.as_ref().map(AgentId::as_str));
                    json.some_text(
                        "httpVerb",
                        self.binding.as_ref().map(|binding| binding.http_verb.as_str()),
                    );
                });
            });
            json.member("delegationConfig", &|json| {
                json.some_text("delegationId", self.delegation_id.id());
                json.some_text("apiKeyId", self.delegation_id.api_key_id());
            });
            if let Some(binding) = &self.binding {
                json.member("resource", &|json| json.text("url", &binding.resource));
                json.number("tokenVersion", 3);
            }
        });
        Request::post("/api/v1/x402/permissions", Some(json.done()))
    }

    fn parse(&self, response: &Response) -> Result<AccessToken, ApiError> {
        let body = success_body(response)?;
        let token = body
            .get("accessToken")
            .and_then(Value::as_str)
            .ok_or_else(|| ApiError::garbled(response, "accessToken is missing"))?;
        AccessToken::decode(token).map_err(|error| ApiError::garbled(response, &error.message()))
    }
}

/// Ask whether a token would pay: `POST /api/v1/x402/verify`, with the seller's key. Burns nothing.
#[derive(Debug, Clone)]
pub struct Verify {
    /// The offer, as the gate prints it.
    pub payment_required: PaymentRequired,
    /// The token as it came.
    pub token: Secret,
    /// The most that the request can cost, in credits; zero is allowed.
    pub max_amount: Credits,
}

/// The platform's word on a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// True if the token would pay.
    pub is_valid: bool,
    /// Why not.
    pub invalid_reason: Option<String>,
    /// Whose token it is.
    pub payer: Option<String>,
    /// The network it would be settled on.
    pub network: Option<String>,
    /// To be handed on to [`Settle`].
    pub agent_request_id: Option<String>,
}

impl Call for Verify {
    type Output = Verified;

    fn request(&self) -> Request {
        let mut body = self.body(true);
        body.push('}');
        Request::post("/api/v1/x402/verify", Some(body))
    }

    fn parse(&self, response: &Response) -> Result<Verified, ApiError> {
        verified(response)
    }
}

/// Reads the response to a verify.
pub(crate) fn verified(response: &Response) -> Result<Verified, ApiError> {
    let body = success_body(response)?;
    let text = |name: &str| {
        body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(ToString::to_string)
    };
    Ok(Verified {
        is_valid: body
            .get("isValid")
            .and_then(Value::as_bool)
            .ok_or_else(|| ApiError::garbled(response, "isValid is missing"))?,
        invalid_reason: text("invalidReason"),
        payer: text("payer"),
        network: text("network"),
        agent_request_id: text("agentRequestId"),
    })
}

impl Verify {
    /// The members of the body as JSON, without the brace at the end. The text is put together: the token is copied once.
    fn body(&self, amount: bool) -> String {
        let offer = self.payment_required.to_json();
        let token = self.token.expose();
        let mut body = String::with_capacity(offer.len() + token.len() + 160);
        body.push_str("{\"paymentRequired\":");
        body.push_str(&offer);
        member(&mut body, "x402AccessToken", token);
        if amount {
            member(&mut body, "maxAmount", &self.max_amount.digits());
        }
        body
    }
}

/// Adds a text member to a JSON object that is being written.
fn member(body: &mut String, name: &str, value: &str) {
    body.push_str(",\"");
    body.push_str(name);
    body.push_str("\":");
    let plain = value.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\');
    if plain {
        body.push('"');
        body.push_str(value);
        body.push('"');
    } else {
        body.push_str(&codec::print(&Value::from(value)));
    }
}

/// Burn the credits: `POST /api/v1/x402/settle`, with the seller's key. Not idempotent for a v2 token.
#[derive(Debug, Clone)]
pub struct Settle {
    /// The same as was verified; `max_amount` is what is burned.
    pub verify: Verify,
    /// From [`Verified`].
    pub agent_request_id: Option<String>,
    /// To be burned with others later, in one transaction.
    pub batch: bool,
    /// From 0 to 10, for a plan that is priced by what the request really cost plus a margin. The platform takes it or an
    /// amount, never both, so no amount goes along.
    pub margin_percent: Option<serde_json::Number>,
}

impl Call for Settle {
    type Output = Receipt;

    fn request(&self) -> Request {
        let mut body = self.verify.body(self.margin_percent.is_none());
        if let Some(id) = &self.agent_request_id {
            member(&mut body, "agentRequestId", id);
        }
        if self.batch {
            body.push_str(",\"batch\":true");
        }
        if let Some(margin) = &self.margin_percent {
            body.push_str(",\"marginPercent\":");
            body.push_str(&codec::print(&Value::Number(margin.clone())));
        }
        body.push('}');
        Request::post("/api/v1/x402/settle", Some(body))
    }

    fn parse(&self, response: &Response) -> Result<Receipt, ApiError> {
        receipt(response)
    }
}

/// Reads the response to a settle.
pub(crate) fn receipt(response: &Response) -> Result<Receipt, ApiError> {
    if !response.is_success() {
        return Err(ApiError::from_response(response));
    }
    Receipt::from_json(response.body.as_bytes())
        .map_err(|error| ApiError::garbled(response, &error.message()))
}

/// The JSON object of a 2xx answer.
pub(super) fn success_body(response: &Response) -> Result<Map<String, Value>, ApiError> {
    if !response.is_success() {
        return Err(ApiError::from_response(response));
    }
    match crate::codec::parse_json(response.body.as_bytes()) {
        Some(Value::Object(body)) => Ok(body),
        _ => Err(ApiError::garbled(response, "not a JSON object")),
    }
}
