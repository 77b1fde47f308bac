//! The options of the dialects, and the options that are left for the gate.

use super::sources::Sources;
use super::terms::{Dialects, ExactTerms, FEE_PAYER, MppTerms};
use crate::codec::print_object;
use crate::codec::text::ByteSplit;
use crate::paywall::config::error::{ConfigError, Wrong, base_url, member, missing, wrong};
use crate::paywall::suggestion;
use crate::wire::exact::{Amount, ChainAddress, ChainId, EXACT};
use crate::wire::{Credits, PlanId, Secret};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

#[cfg(test)]
pub(in crate::paywall) use super::option_names::{MEMBERS, ROUTE};
const MPP: [&str; 2] = ["bindBody", "description"];
pub(in crate::paywall) const ACCEPT: [&str; 9] = [
    "scheme",
    "network",
    "amount",
    "asset",
    "payTo",
    "decimals",
    "maxTimeoutSeconds",
    "extra",
    "facilitator",
];
/// The secret with the headers of facilitators.
const HEADERS: &str = "FACILITATOR_HEADERS";
/// How long an authorization is to hold where nothing is said, in seconds: as the published servers have it.
const USUAL_TIMEOUT: u64 = 300;
/// Prices that are known after the answer.
const KNOWN_LATER: [&str; 4] = ["origin", "byte", "event", "token"];

impl Dialects {
    /// Reads the options of the dialects out of those of a gate, wherever they stand, and leaves the rest: a route has an
    /// amount of an asset as one of its plans.
    ///
    /// # Errors
    /// Names the option that is wrong.
    pub fn read(sources: &mut Sources) -> Result<Self, ConfigError> {
        Self::checked(sources).map_err(|error| *error)
    }

    fn checked(sources: &mut Sources) -> Result<Self, Wrong> {
        let (mpp, v1) = (sources.take("mpp", "MPP"), sources.take("x402v1", "X402V1"));
        let (name, identifier) = sources.take("paymentIdentifier", "PAYMENT_IDENTIFIER");
        let mut dialects = Self {
            mpp: read_mpp(mpp.0, mpp.1)?,
            v1: flag(v1.0, v1.1)?,
            identifier: match identifier {
                None | Some(Value::Null | Value::Bool(false)) => None,
                Some(Value::Bool(true)) => Some(false),
                Some(Value::String(word)) if word == "required" => Some(true),
                Some(_) => return Err(wrong(name, "must be true, false or required")),
            },
            exact: Vec::new(),
            facilitator_headers: None,
        };
        if dialects.identifier.is_some() && sources.remembers() {
            let problem =
                "does not go with verifyCacheSeconds: a name is claimed with the verification of its payment";
            return Err(wrong(name, problem));
        }
        if let Some(mut table) = sources.take_routes() {
            for (name, route) in &mut table.routes {
                let at = member(table.name, name);
                let Value::Object(route) = route else { continue };
                if dialects.mpp.is_some() && prices(route).any(|price| kind(price, &KNOWN_LATER)) {
                    let problem = "is known after the answer: with mpp the price is sealed before";
                    return Err(wrong(format!("{at}.credits"), problem));
                }
                let is_set = |name: &str| route.get(name).is_some_and(|value| !value.is_null());
                if is_set("marginPercent") && (dialects.mpp.is_some() || is_set("accepts")) {
                    let problem = "does not go with mpp or accepts, which settle what was verified";
                    return Err(wrong(format!("{at}.marginPercent"), problem));
                }
                dialects.read_accepts(&at, route, table.has_usual_price)?;
            }
            sources.put_routes(table);
        }
        if dialects.v1 && dialects.exact.is_empty() {
            return Err(wrong(v1.0, "goes with accepts of a route"));
        }
        dialects.facilitator_headers = read_headers(sources.take("", HEADERS).1, &dialects.exact)?;
        Ok(dialects)
    }

    fn read_accepts(
        &mut self,
        at: &str,
        route: &mut Map<String, Value>,
        has_usual_price: bool,
    ) -> Result<(), Wrong> {
        let accepts = match route.remove("accepts") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::Array(accepts)) if !accepts.is_empty() => accepts,
            Some(accept @ Value::Object(_)) => Vec::from([accept]),
            Some(_) => {
                return Err(wrong(format!("{at}.accepts"), "must be an array of objects with scheme exact"));
            }
        };
        if prices(route).any(|price| kind(price, &["handler"])) {
            let problem = "does not go with a price that is a function: an amount of an asset is fixed";
            return Err(wrong(format!("{at}.accepts"), problem));
        }
        if prices(route).any(|price| kind(price, &["byte", "event", "token"])) {
            let problem = "does not go with a price that is counted: an amount of an asset is fixed";
            return Err(wrong(format!("{at}.accepts"), problem));
        }
        let mut plans = plans_of(at, route, has_usual_price)?;
        for (index, accept) in accepts.iter().enumerate() {
            let at = format!("{at}.accepts[{index}]");
            let (terms, amount) = read_terms(&at, accept)?;
            let mut plan = Map::new();
            plan.insert("planId".into(), terms.plan_id.as_str().into());
            plan.insert("network".into(), terms.chain.caip2().into());
            plan.insert("credits".into(), amount.to_string().into());
            plans.push(Value::Object(plan));
            match self.exact.iter().find(|known| known.plan_id == terms.plan_id) {
                Some(known) if *known == terms => {}
                Some(_) => {
                    let problem = "has another facilitator, extra or maxTimeoutSeconds than the same asset and payTo elsewhere";
                    return Err(wrong(at, problem));
                }
                None => self.exact.push(terms),
            }
        }
        route.insert("plans".into(), Value::Array(plans));
        Ok(())
    }
}

/// The plans of a route as a list. A route without a plan is paid by amounts alone.
fn plans_of(at: &str, route: &mut Map<String, Value>, has_usual_price: bool) -> Result<Vec<Value>, Wrong> {
    match route.remove("plans") {
        Some(Value::Array(plans)) => return Ok(plans),
        None | Some(Value::Null) => {}
        Some(_) => {
            return Err(wrong(format!("{at}.plans"), "must be an array of 1 to 8 objects with planId"));
        }
    }
    let Some(plan_id) = route.remove("planId").filter(|id| !id.is_null()) else {
        if route.get("credits").is_some_and(|credits| !credits.is_null()) {
            return Err(missing(&format!("{at}.planId")));
        }
        return Ok(Vec::new());
    };
    let mut plan = Map::new();
    plan.insert("planId".into(), plan_id);
    let credits = route.remove("credits").filter(|credits| !credits.is_null());
    if let Some(credits) = credits.or_else(|| has_usual_price.then(|| 1.into())) {
        plan.insert("credits".into(), credits);
    }
    for name in ["scheme", "network"] {
        if let Some(value) = route.remove(name) {
            plan.insert(name.into(), value);
        }
    }
    Ok(Vec::from([Value::Object(plan)]))
}

/// The prices of a route: its own, and those of its plans.
fn prices(route: &Map<String, Value>) -> impl Iterator<Item = &Value> {
    let plans = route.get("plans").and_then(Value::as_array).into_iter().flatten();
    route.get("credits").into_iter().chain(plans.filter_map(|plan| plan.get("credits")))
}

fn kind(price: &Value, kinds: &[&str]) -> bool {
    price.get("by").and_then(Value::as_str).is_some_and(|by| kinds.contains(&by))
}

fn flag(key: &str, value: Option<Value>) -> Result<bool, Wrong> {
    match value {
        None | Some(Value::Null) => Ok(false),
        Some(Value::Bool(flag)) => Ok(flag),
        Some(_) => Err(wrong(key, "must be true or false")),
    }
}

fn read_mpp(name: &str, value: Option<Value>) -> Result<Option<MppTerms>, Wrong> {
    match value {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::Bool(true)) => Ok(Some(MppTerms::default())),
        Some(Value::Object(members)) => {
            suggestion::only(name, &members, &MPP, "is not a key of mpp")?;
            let description = match members.get("description") {
                None | Some(Value::Null) => None,
                Some(Value::String(text)) if !text.is_empty() && text.len() <= 256 => Some(text.clone()),
                Some(_) => {
                    return Err(wrong(format!("{name}.description"), "must be a text of at most 256 bytes"));
                }
            };
            let bind_body = flag(&format!("{name}.bindBody"), members.get("bindBody").cloned())?;
            Ok(Some(MppTerms { bind_body, description }))
        }
        Some(_) => Err(wrong(name, "must be true, false or an object with bindBody")),
    }
}

/// The headers of each facilitator. One that no route names is a mistake, and its key would be sent to nobody.
fn read_headers(value: Option<Value>, exact: &[ExactTerms]) -> Result<Option<Secret>, Wrong> {
    let headers = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Object(headers)) => headers,
        Some(_) => {
            return Err(wrong(HEADERS, "must be an object of headers by the address of a facilitator"));
        }
    };
    for (address, members) in &headers {
        let at = member(HEADERS, address);
        if !exact.iter().any(|terms| terms.facilitator == *address) {
            return Err(wrong(at, "is the facilitator of no route"));
        }
        if !members.as_object().is_some_and(|members| members.values().all(Value::is_string)) {
            return Err(wrong(at, "must be an object of texts by the names of headers"));
        }
    }
    Ok(Some(Secret::new(print_object(&headers))))
}

fn read_terms(at: &str, accept: &Value) -> Result<(ExactTerms, Amount), Wrong> {
    let key = |name: &str| format!("{at}.{name}");
    let Value::Object(members) = accept else { return Err(wrong(at, "must be an object with scheme exact")) };
    suggestion::only(at, members, &ACCEPT, "is not a key of accepts")?;
    let text = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Err(missing(&key(name))),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(wrong(key(name), "must be a text")),
    };
    if text("scheme")? != EXACT {
        return Err(wrong(key("scheme"), "must be exact"));
    }
    let chain = ChainId::parse(text("network")?).filter(is_whole).ok_or_else(|| {
        wrong(key("network"), "must be an EVM chain or a cluster of Solana, such as eip155:8453")
    })?;
    let kind = match chain {
        ChainId::Evm(_) => "must be an address of an EVM chain",
        ChainId::Solana(_) => "must be an address of Solana, in base58",
    };
    let address = |name: &'static str| {
        ChainAddress::parse(text(name)?, &chain, name).map_err(|_| wrong(key(name), kind))
    };
    let (asset, pay_to) = (address("asset")?, address("payTo")?);
    let amount = members.get("amount").ok_or_else(|| missing(&key("amount")))?;
    let amount = Credits::from_json(amount, "amount").ok().filter(|amount| !amount.is_zero());
    let amount =
        amount.ok_or_else(|| wrong(key("amount"), "must be a whole number of atomic units, at least 1"))?;
    let max_timeout_seconds = match members.get("maxTimeoutSeconds") {
        None | Some(Value::Null) => USUAL_TIMEOUT,
        Some(value) => value
            .as_u64()
            .filter(|seconds| (10..=3_600).contains(seconds))
            .ok_or_else(|| wrong(key("maxTimeoutSeconds"), "must be a whole number from 10 to 3600"))?,
    };
    let extra = match members.get("extra") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(extra)) => extra.clone(),
        Some(_) => return Err(wrong(key("extra"), "must be an object of what the scheme adds")),
    };
    let decimals = match (members.get("decimals"), &chain) {
        (None | Some(Value::Null), _) => None,
        (Some(decimals), ChainId::Solana(_)) => {
            match decimals.as_u64().and_then(|one| u8::try_from(one).ok()) {
                Some(decimals) => Some(decimals),
                None => return Err(wrong(key("decimals"), "must be a whole number of at most 255")),
            }
        }
        (Some(_), ChainId::Evm(_)) => return Err(wrong(key("decimals"), "is of tokens of Solana")),
    };
    match &chain {
        ChainId::Evm(_) => {
            for name in ["name", "version"] {
                if extra.get(name).and_then(Value::as_str).is_none_or(str::is_empty) {
                    let problem = "must be that of the asset's EIP-712 domain";
                    return Err(wrong(key(&format!("extra.{name}")), problem));
                }
            }
        }
        ChainId::Solana(_) => {
            if amount > Amount::from(u64::MAX) {
                return Err(wrong(key("amount"), "is more than a token of Solana can have"));
            }
            if let Some(account) = extra.get(FEE_PAYER)
                && account.as_str().is_none_or(|text| ChainAddress::parse(text, &chain, FEE_PAYER).is_err())
            {
                return Err(wrong(key("extra.feePayer"), kind));
            }
        }
    }
    let facilitator = base_url(&key("facilitator"), text("facilitator")?)?;
    if !is_safe(&facilitator) {
        return Err(wrong(key("facilitator"), "must be https, or http on this machine"));
    }
    let plan_id = name_of(&chain, &asset, &pay_to);
    let plan_id = PlanId::parse(&plan_id, "planId").map_err(|_| wrong(key("network"), "is too long"))?;
    Ok((
        ExactTerms { plan_id, chain, asset, pay_to, decimals, max_timeout_seconds, extra, facilitator },
        amount,
    ))
}

/// True if a name of Solana's is that of a cluster: the head of a hash.
fn is_whole(chain: &ChainId) -> bool {
    match chain {
        ChainId::Evm(_) => true,
        ChainId::Solana(reference) => reference.len() == 32,
    }
}

/// The name of terms, in the place of a plan's id. A letter counts on Solana. Of its chain the head is enough, and more
/// would make the name too long for an id.
fn name_of(chain: &ChainId, asset: &ChainAddress, pay_to: &ChainAddress) -> String {
    match chain {
        ChainId::Evm(_) => {
            let lower = |address: &ChainAddress| address.as_str().to_ascii_lowercase();
            ["exact:", &chain.caip2(), ":", &lower(asset), ":", &lower(pay_to)].concat()
        }
        ChainId::Solana(reference) => {
            let head: String = reference.chars().take(16).collect();
            ["exact:solana:", &head, ":", asset.as_str(), ":", pay_to.as_str()].concat()
        }
    }
}

/// A payment in the clear could be read, and sent elsewhere, by whoever stands between.
fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else { return url.starts_with("https://") };
    let host = rest.split_byte(b'/').next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split_byte(b']').next().unwrap_or_default(),
        None => host.split_byte(b':').next().unwrap_or_default(),
    };
    let parts: Vec<&str> = name.split_byte(b'.').collect();
    let is_loopback = parts.len() == 4
        && parts.first() == Some(&"127")
        && parts.iter().all(|part| part.parse::<u8>().is_ok());
    matches!(name, "localhost" | "::1") || is_loopback
}
