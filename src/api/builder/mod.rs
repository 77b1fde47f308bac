//! The calls of those who sell, as data: register plans and agents, mint and burn, verify and settle, organizations, orders
//! and MPP (contract section 4).
//!
//! A call has a name, that of the official TypeScript SDK, and its arguments as one JSON object. [`prepare`] makes the
//! request, or names the argument that is missing or wrong; nothing is sent then. [`answer`] reads what comes back.
//!
//! Amounts are whole: a decimal string, or a number that a double holds exactly. Any other number is refused rather than
//! rounded. What is a uint256 to the platform goes out as decimal digits.

mod answers;
mod fields;
mod plans;
mod table;
#[cfg(test)]
mod tests;

pub use answers::answer;

use super::x402::GetAccessToken;
use super::{ApiError, ApiErrorKind, Call, Request, Response, calls, retry};
use crate::wire::{AgentId, DelegationRef, Environment, PlanId, Scheme, WireError, WireErrorKind};
use alloc::{string::String, vec::Vec};
use fields::Fields;
use serde_json::{Map, Value};

/// A call that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The request to send.
    pub request: Request,
    /// Sending it twice has the same effect as once. Only then may a shell repeat it.
    pub repeatable: bool,
}

/// The inputs of a call beside its arguments. The core cannot read them itself.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// Where the call goes: it decides the network of a token, where nobody names one.
    pub environment: Environment,
    /// 128 random bits: the nonce of a plan, where nobody gives one.
    pub random: u128,
}

/// The request of a call. `arguments` is an object with the names of the official SDK. The calls that buyers have too take a
/// list of texts in the SDK's order as well, a body last.
///
/// ```
/// use payments_wasm::api::builder::{Surroundings, prepare};
/// use payments_wasm::wire::Environment;
///
/// let surroundings = Surroundings { environment: Environment::Sandbox, random: 7 };
/// let burn = serde_json::json!({ "planId": "1001", "creditsAmount": "2" });
/// let call = prepare("burnCredits", &burn, surroundings)?;
/// assert!(call.request.path.ends_with("/plans/burn"));
/// assert!(!call.repeatable);
/// # Ok::<(), payments_wasm::wire::WireError>(())
/// ```
///
/// # Errors
/// Names the argument that is missing or wrong; `BadValue` of `call` for a name that is none.
pub fn prepare(name: &str, arguments: &Value, surroundings: Surroundings) -> Result<Prepared, WireError> {
    let request = match arguments {
        Value::Array(list) => calls::request(name, &texts(list))?,
        Value::Object(given) => match name {
            "registerAgentAndPlan" => plans::with_agent(given)?,
            "getMppAccessToken" => mpp_token(given, surroundings.environment)?,
            _ => match plans::Kind::of(name) {
                Some(kind) => plans::register(kind, given, surroundings.random)?,
                None => table::request(name, given)?,
            },
        },
        _ => return Err(WireError::new(WireErrorKind::WrongType, "arguments")),
    };
    let keyed = || arguments.get("idempotencyKey").is_some_and(Value::is_string);
    let repeatable = request.is_idempotent()
        || table::is_repeatable(name)
        // The platform makes one order of one key (section 4.9).
        || (name == "createOrder" && keyed());
    Ok(Prepared { request, repeatable })
}

/// The code of a call that moves credits or money and of which nobody knows what came: not to be made again without
/// looking. `None` for the others.
#[must_use]
pub fn unknown_code(name: &str) -> Option<&'static str> {
    Some(match name {
        "orderPlan" => "purchase_outcome_unknown",
        "settlePermissions" | "settleCredential" => "settlement_outcome_unknown",
        "mintPlanCredits" | "mintPlanExpirable" | "burnCredits" | "redeemCredits" => "outcome_unknown",
        _ => return None,
    })
}

/// An error of a call that is about to be told: where it moves something, and it may have happened, it says so; and where it
/// may have happened, only what is repeatable may be tried again.
#[must_use]
pub fn error(name: &str, error: ApiError, repeatable: bool) -> ApiError {
    let unclear = match error.kind {
        ApiErrorKind::Unavailable => error.is_unclear(),
        ApiErrorKind::Garbled => true,
        ApiErrorKind::Refused | ApiErrorKind::Unauthorized => false,
    };
    match unknown_code(name).filter(|_| unclear) {
        Some(code) => ApiError {
            code: code.into(),
            message: "the call was sent, and nobody knows what came of it".into(),
            hint: Some("look at the balance before it is made again".into()),
            retryable: false,
            ..error
        },
        None => ApiError { retryable: error.retryable && (repeatable || !unclear), ..error },
    }
}

/// The error for a response that did not arrive in time (`in_time` is false) or at all.
#[must_use]
pub fn no_answer(name: &str, in_time: bool, repeatable: bool) -> ApiError {
    let (code, message) = match in_time {
        true => ("network_error", "Nevermined could not be reached"),
        false => ("platform_timeout", "Nevermined did not answer in time"),
    };
    let silence = ApiError {
        kind: ApiErrorKind::Unavailable,
        code: code.into(),
        message: message.into(),
        hint: None,
        status: 0,
        correlation_id: None,
        retryable: true,
        docs_url: None,
    };
    error(name, silence, repeatable)
}

/// How many milliseconds to wait before a repeatable call is sent again; `None` to stop. See
/// [`retry::pause_before_retry`].
///
/// A simulation is finished as soon as the platform has heard of what it ran, which may be a moment later: as with the
/// official clients it is asked for three times, a second apart (section 4.4).
#[must_use]
pub fn pause(
    name: &str,
    status: Option<u16>,
    tries: u32,
    retry_after: Option<&str>,
    jitter: u8,
) -> Option<u64> {
    if name == "finishSimulationRequest" && status == Some(404) {
        return (tries < retry::MAX_TRIES).then_some(1000);
    }
    retry::pause_before_retry(status, tries, retry_after, jitter)
}

/// A token for MPP (section 4.7): the body of an x402 token without what binds one to a request.
fn mpp_token(given: &Map<String, Value>, environment: Environment) -> Result<Request, WireError> {
    let fields = Fields(given);
    let none = Map::new();
    let options = match given.get("tokenOptions") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(options)) => options,
        Some(_) => return Err(WireError::new(WireErrorKind::WrongType, "tokenOptions")),
    };
    // The platform refuses them (BCK.MPP.0007): they would bind nothing.
    for name in ["tokenVersion", "resource", "httpVerb"] {
        if options.get(name).is_some_and(|value| !value.is_null()) {
            return Err(WireError::new(WireErrorKind::BadValue, name));
        }
    }
    let options = Fields(options);
    let scheme = match options.text("scheme")? {
        Some(name) => Scheme::parse(name).ok_or_else(|| WireError::new(WireErrorKind::BadValue, "scheme"))?,
        None => Scheme::Erc4337,
    };
    let config = match options.0.get("delegationConfig") {
        Some(Value::Object(config)) => Fields(config),
        _ => return Err(WireError::new(WireErrorKind::Missing, "delegationConfig")),
    };
    let delegation_id = DelegationRef::of_config(config.text("delegationId")?, config.text("apiKeyId")?)?
        .ok_or_else(|| WireError::new(WireErrorKind::Missing, "delegationId"))?;
    let token = GetAccessToken {
        network: match options.text("network")? {
            Some(network) => network.into(),
            None => scheme.default_network(environment).as_str().into(),
        },
        scheme,
        plan_id: PlanId::parse(&fields.id("planId")?, "planId")?,
        agent_id: match fields.0.get("agentId") {
            None | Some(Value::Null) => None,
            Some(_) => Some(AgentId::parse(&fields.id("agentId")?, "agentId")?),
        },
        delegation_id,
        binding: None,
    };
    Ok(Request { path: "/api/v1/mpp/permissions".into(), ..token.request() })
}

/// The arguments of a call of [`calls`]: what is no text is nothing.
fn texts(list: &[Value]) -> Vec<Option<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        _ => None,
    };
    list.iter().map(text).collect()
}

/// Reads an answer that has to be JSON.
fn parse(response: &Response) -> Result<Value, ApiError> {
    crate::codec::parse_json(response.body.as_bytes()).ok_or_else(|| ApiError::garbled(response, "not JSON"))
}
