//! Reads the platform's responses. Most bodies reach the caller unchanged; those with their own shape in the SDK are
//! converted here.

use super::parse;
use crate::api::{ApiError, Response};
use crate::codec::print;
use crate::wire::Credits;
use alloc::string::{String, ToString};
use serde_json::{Map, Value};

/// The result of a call, as JSON; `None` where the body is the result unchanged.
///
/// # Errors
/// The platform's error if it refused; `Garbled` for a success without the members that it must have.
pub fn answer(name: &str, response: &Response) -> Result<Option<String>, ApiError> {
    if !response.is_success() {
        return Err(ApiError::from_response(response));
    }
    let garbled = |what: &str| ApiError::garbled(response, what);
    let whole = || match parse(response)? {
        Value::Object(body) => Ok(body),
        _ => Err(garbled("not a JSON object")),
    };
    let made: Value = match name {
        "registerPlan"
        | "registerCreditsPlan"
        | "registerTimePlan"
        | "registerCreditsTrialPlan"
        | "registerTimeTrialPlan" => {
            let body = whole()?;
            require(&body, "planId", response)?;
            body.into()
        }
        "registerAgent" => pick(data(&whole()?, response)?, &["agentId"], &[], response)?,
        "registerAgentAndPlan" => {
            let body = whole()?;
            let Value::Object(mut made) =
                pick(data(&body, response)?, &["agentId", "planId"], &[], response)?
            else {
                return Err(garbled("data is missing"));
            };
            if let Some(hash) = body.get("txHash").filter(|hash| !hash.is_null()) {
                made.insert("txHash".into(), hash.clone());
            }
            made.into()
        }
        "getPlanBalance" => {
            let mut body = whole()?;
            digits(&mut body, "balance", response)?;
            require(&body, "balance", response)?;
            body.into()
        }
        "verifyPermissions" | "verifyCredential" => {
            let body = whole()?;
            flag(&body, "isValid", response)?;
            body.into()
        }
        "settlePermissions" | "settleCredential" => settled(whole()?, response)?,
        "createMember" => {
            let body = whole()?;
            let mut wallet = wallet(&body, response)?.clone();
            let key = require(&wallet, "hash", response)?.clone();
            // Under `nvmApiKey` may stand what the platform keeps, and which is no key (section 4.8).
            wallet.insert("nvmApiKey".into(), key);
            wallet.into()
        }
        "onboardCustomer" => customer(&whole()?, response)?,
        "getMembers" => {
            let body = whole()?;
            let members = body.get("members").filter(|members| members.is_array());
            let members = members.ok_or_else(|| garbled("members is missing"))?;
            let total = body.get("totalResults").or_else(|| body.get("total"));
            object([("members", members.clone()), ("total", total.cloned().unwrap_or_default())])
        }
        "getMyMemberships" => match parse(response)? {
            list @ Value::Array(_) => list,
            _ => Value::Array(Default::default()),
        },
        "getOrganizationActivity" => {
            let body = whole()?;
            let items = body.get("items").filter(|items| items.is_array());
            let total = body.get("total").filter(|total| total.is_number());
            object([
                ("items", items.cloned().unwrap_or_else(|| Value::Array(Default::default()))),
                ("total", total.cloned().unwrap_or_else(|| 0.into())),
            ])
        }
        "getDeploymentInfo" => {
            let body = whole()?;
            let deployment = body.get("deployment").and_then(Value::as_object);
            let deployment =
                deployment.filter(|deployment| deployment.get("contracts").is_some_and(Value::is_object));
            deployment.ok_or_else(|| garbled("deployment.contracts is missing"))?.clone().into()
        }
        "createOrder" => needs(whole()?, &["orderId"], response)?,
        "issueChallenge" => needs(whole()?, &["challenge", "id"], response)?,
        "getMppAccessToken" => needs(whole()?, &["accessToken"], response)?,
        "createDelegation" => needs(whole()?, &["delegationId"], response)?,
        _ => return Ok(None),
    };
    Ok(Some(print(&made)))
}

type Members = Map<String, Value>;

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let mut object = Map::new();
    for (name, value) in members {
        object.insert(name.into(), value);
    }
    object.into()
}

/// A text that has to be there.
fn require<'a>(body: &'a Members, name: &str, response: &Response) -> Result<&'a Value, ApiError> {
    body.get(name)
        .filter(|value| value.as_str().is_some_and(|text| !text.is_empty()))
        .ok_or_else(|| ApiError::garbled(response, &[name, " is missing"].concat()))
}

fn needs(body: Members, names: &[&str], response: &Response) -> Result<Value, ApiError> {
    for name in names {
        require(&body, name, response)?;
    }
    Ok(body.into())
}

fn flag(body: &Members, name: &str, response: &Response) -> Result<bool, ApiError> {
    let missing = || ApiError::garbled(response, &[name, " is missing"].concat());
    body.get(name).and_then(Value::as_bool).ok_or_else(missing)
}

/// The object under `data`.
fn data<'a>(body: &'a Members, response: &Response) -> Result<&'a Members, ApiError> {
    let data = body.get("data").and_then(Value::as_object);
    data.ok_or_else(|| ApiError::garbled(response, "data is missing"))
}

fn wallet<'a>(body: &'a Members, response: &Response) -> Result<&'a Members, ApiError> {
    let wallet = body.get("walletResult").and_then(Value::as_object);
    wallet.ok_or_else(|| ApiError::garbled(response, "walletResult is missing"))
}

/// Members of an object: texts that have to be there, and others where they are.
fn pick(body: &Members, needed: &[&str], others: &[&str], response: &Response) -> Result<Value, ApiError> {
    let mut picked = Map::new();
    for name in needed {
        picked.insert((*name).into(), require(body, name, response)?.clone());
    }
    for name in others {
        if let Some(value) = body.get(*name).filter(|value| !value.is_null()) {
            picked.insert((*name).into(), value.clone());
        }
    }
    Ok(picked.into())
}

/// An account that belongs to somebody else is asked first, and nothing is said of it until then (section 4.8).
fn customer(body: &Members, response: &Response) -> Result<Value, ApiError> {
    let wallet = wallet(body, response)?;
    let asked = response.status == 202 || wallet.get("consentRequired") == Some(&Value::Bool(true));
    if asked {
        return Ok(object([("consentRequired", true.into())]));
    }
    let key = require(wallet, "hash", response)?.clone();
    let others = ["userId", "userWallet", "isCustomer", "customerRecorded"];
    match pick(wallet, &[], &others, response)? {
        Value::Object(mut customer) => {
            customer.insert("consentRequired".into(), false.into());
            customer.insert("nvmApiKey".into(), key);
            Ok(customer.into())
        }
        other => Ok(other),
    }
}

/// A settlement: credits as digits, whatever they came as; texts that are there, if empty.
fn settled(mut body: Members, response: &Response) -> Result<Value, ApiError> {
    flag(&body, "success", response)?;
    for name in ["creditsRedeemed", "remainingBalance"] {
        digits(&mut body, name, response)?;
    }
    for name in ["transaction", "network"] {
        if !body.get(name).is_some_and(Value::is_string) {
            body.insert(name.into(), Value::String(String::new()));
        }
    }
    Ok(body.into())
}

/// Turns an amount into digits, where it is there.
fn digits(body: &mut Members, name: &'static str, response: &Response) -> Result<(), ApiError> {
    match body.get(name).filter(|value| !value.is_null()) {
        None => {
            body.remove(name);
        }
        Some(value) => {
            let amount = Credits::from_json(value, name);
            let amount = amount.map_err(|error| ApiError::garbled(response, &error.to_string()))?;
            body.insert(name.into(), Value::String(amount.digits()));
        }
    }
    Ok(())
}
