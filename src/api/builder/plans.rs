//! Registering plans, alone and with an agent (section 4.1): what they cost and grant is checked before anything is sent.

use super::fields::{Fields, read};
use crate::api::Request;
use crate::codec::{print, print_object};
use crate::wire::{Credits, WireError, WireErrorKind};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value, json};

/// The five ways to register a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Any,
    Credits { trial: bool },
    Time { trial: bool },
}

impl Kind {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "registerPlan" => Self::Any,
            "registerCreditsPlan" => Self::Credits { trial: false },
            "registerTimePlan" => Self::Time { trial: false },
            "registerCreditsTrialPlan" => Self::Credits { trial: true },
            "registerTimeTrialPlan" => Self::Time { trial: true },
            _ => return None,
        })
    }
}

/// `POST /api/v1/protocol/plans`.
pub(super) fn register(kind: Kind, given: &Map<String, Value>, random: u128) -> Result<Request, WireError> {
    let fields = Fields(given);
    let mut metadata = fields.object("planMetadata")?.clone();
    let terms = Terms::read(fields)?;
    let limit = match kind {
        Kind::Any => access_limit(fields, &terms)?,
        Kind::Credits { .. } => terms.for_credits()?,
        Kind::Time { .. } => terms.for_time()?,
    };
    if matches!(kind, Kind::Credits { trial: true } | Kind::Time { trial: true }) {
        metadata.insert("isTrialPlan".into(), true.into());
    }
    let trial = metadata.get("isTrialPlan") == Some(&Value::Bool(true));
    let nonce = match fields.get("nonce") {
        Some(nonce) => read("uint", nonce, "nonce")?,
        None => Value::String(digits(random)),
    };
    let currency = terms.price.get("currency").filter(|currency| !currency.is_null()).cloned();
    let mut body = Map::new();
    body.insert("metadataAttributes".into(), Value::Object(metadata));
    body.insert("priceConfig".into(), Value::Object(terms.price));
    body.insert("creditsConfig".into(), Value::Object(terms.credits));
    body.insert("nonce".into(), nonce);
    body.insert("isTrialPlan".into(), trial.into());
    body.insert("accessLimit".into(), limit.into());
    if let Some(currency) = currency {
        body.insert("currency".into(), currency);
    }
    Ok(Request::post("/api/v1/protocol/plans", Some(print_object(&body))))
}

/// `POST /api/v1/protocol/agents/plans`: both at once.
pub(super) fn with_agent(given: &Map<String, Value>) -> Result<Request, WireError> {
    let fields = Fields(given);
    let terms = Terms::read(fields)?;
    let limit = access_limit(fields, &terms)?;
    let mut agent = Map::new();
    agent.insert("metadataAttributes".into(), fields.object("agentMetadata")?.clone().into());
    if fields.get("agentApi").is_some() {
        agent.insert("agentApiAttributes".into(), fields.object("agentApi")?.clone().into());
    }
    let body = json!({
        "plan": {
            "metadataAttributes": fields.object("planMetadata")?,
            "priceConfig": terms.price,
            "creditsConfig": terms.credits,
            "accessLimit": limit,
        },
        "agent": agent,
    });
    Ok(Request::post("/api/v1/protocol/agents/plans", Some(print(&body))))
}

/// The limit of a plan: the given one, or else time if the plan expires.
fn access_limit(fields: Fields<'_>, terms: &Terms) -> Result<&'static str, WireError> {
    match fields.text("accessLimit")? {
        Some("credits") => Ok("credits"),
        Some("time") => Ok("time"),
        Some(_) => Err(WireError::new(WireErrorKind::BadValue, "accessLimit")),
        None if terms.duration.is_zero() => Ok("credits"),
        None => Ok("time"),
    }
}

/// Price and credits of a plan (section 5). Amounts are digits, other members are unchanged.
struct Terms {
    price: Map<String, Value>,
    credits: Map<String, Value>,
    duration: Credits,
    least: Credits,
    most: Credits,
}

impl Terms {
    fn read(fields: Fields<'_>) -> Result<Self, WireError> {
        let mut price = fields.object("priceConfig")?.clone();
        let inside = |error: WireError, outer| error.within(outer);
        let amounts = list(&price, "amounts", "uint").map_err(|error| inside(error, "priceConfig"))?;
        let receivers = list(&price, "receivers", "address").map_err(|error| inside(error, "priceConfig"))?;
        // An amount that nobody receives, or somebody who receives none, is a mistake.
        if amounts.len() != receivers.len() {
            return Err(WireError::new(WireErrorKind::BadValue, "priceConfig.receivers"));
        }
        price.insert("amounts".into(), Value::Array(amounts));
        price.retain(|_, value| !value.is_null());

        let mut credits = fields.object("creditsConfig")?.clone();
        let mut amounts = [Credits::ZERO; 4];
        for (name, amount) in
            ["durationSecs", "amount", "minAmount", "maxAmount"].into_iter().zip(&mut amounts)
        {
            *amount = Fields(&credits).amount(name).map_err(|error| inside(error, "creditsConfig"))?;
            credits.insert(name.into(), Value::String(amount.digits()));
        }
        credits.retain(|_, value| !value.is_null());
        let [duration, _, least, most] = amounts;
        Ok(Self { price, credits, duration, least, most })
    }

    /// A plan by credits does not end, and takes at least as much as at the most.
    fn for_credits(&self) -> Result<&'static str, WireError> {
        let wrong = |name: &'static str| WireError::new(WireErrorKind::BadValue, name);
        if !self.duration.is_zero() {
            return Err(wrong("creditsConfig.durationSecs"));
        }
        if self.least > self.most {
            return Err(wrong("creditsConfig.minAmount"));
        }
        Ok("credits")
    }

    /// A plan by time ends, and does not count.
    fn for_time(&self) -> Result<&'static str, WireError> {
        let wrong = |name: &'static str| WireError::new(WireErrorKind::BadValue, name);
        if self.duration.is_zero() {
            return Err(wrong("creditsConfig.durationSecs"));
        }
        if self.credits.get("isRedemptionAmountFixed") != Some(&Value::Bool(false)) {
            return Err(wrong("creditsConfig.isRedemptionAmountFixed"));
        }
        Ok("time")
    }
}

fn list(object: &Map<String, Value>, name: &str, kind: &str) -> Result<Vec<Value>, WireError> {
    match Fields(object).need(name)? {
        Value::Array(list) => list.iter().map(|one| read(kind, one, name)).collect(),
        _ => Err(WireError::new(WireErrorKind::WrongType, name.to_string())),
    }
}

/// 128 bits in decimal digits.
fn digits(mut number: u128) -> String {
    let mut digits = Vec::new();
    loop {
        digits.push(b'0' + u8::try_from(number % 10).unwrap_or_default());
        number /= 10;
        if number == 0 {
            return digits.iter().rev().map(|digit| char::from(*digit)).collect();
        }
    }
}
