//! The configuration of one route.

use super::error::{MAX_TEXT_BYTES, Wrong, missing, wrong};
use super::keys;
use super::keys::{PLAN, PRICE, PRICES, ROUTE};
use crate::paywall::http::method::Method;
use crate::paywall::pricing::ending::Unit;
use crate::paywall::pricing::price::{NumberSource, PaidRoute, PaymentOption, Price, Rate};
use crate::paywall::pricing::settlement_policy::{By, Free, Limit, ReceiptBy, Settlement};
use crate::paywall::suggestion;
use crate::wire::{AgentId, Credits, Environment, Network, PlanId, Scheme};
use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value};

/// The environment of the gate, as far as parsing a route depends on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RouteContext {
    pub(crate) environment: Environment,
    pub(crate) state: bool,
    pub(crate) handler: bool,
}

/// The members of a route, or of a plan of it, or of its price.
struct ObjectReader<'a> {
    at: String,
    members: &'a Map<String, Value>,
}

/// The largest number that every reader of JSON reads the same.
const MAX_WHOLE: u64 = (1 << 53) - 1;

/// Reads a route.
pub(crate) fn read(
    route: &str,
    method: Method,
    value: &Value,
    around: RouteContext,
    at: &str,
) -> Result<PaidRoute, Wrong> {
    let members = ObjectReader::of(
        value,
        at,
        &ROUTE,
        "must be an object with planId and credits",
        "is not a key of a route",
    )?;
    let ways = options(&members, around)?;
    let credits = ways.iter().map(|way| way.price.highest_price()).max().unwrap_or_default();
    let settlement = match members.text("settle")? {
        None => Settlement::default(),
        Some(name) => Settlement::parse(name).ok_or_else(|| {
            members.wrong("settle", "must be before-delivery, after-delivery or at-end-of-stream")
        })?,
    };
    let metered = ways.iter().any(|way| way.price.unit().is_some());
    if metered && settlement != Settlement::AtEndOfStream {
        let problem = "must be at-end-of-stream for a price that is counted: it is known at the end";
        return Err(members.wrong("settle", problem));
    }
    let max_open = max_open(&members, settlement, around)?;
    let receipt = receipt(&members, settlement)?;
    let limit = members.object("limit", &keys::LIMIT)?.map(|limit| {
        Ok::<_, Wrong>(Limit {
            requests: limit.small("requests", keys::LIMIT_REQUESTS_MOST)?,
            seconds: limit.small("seconds", keys::LIMIT_SECONDS_MOST)?,
            by: limit.by()?,
        })
    });
    let free = members.object("free", &keys::FREE)?.map(|free| {
        Ok::<_, Wrong>(Free { per_day: free.small("perDay", keys::FREE_PER_DAY_MOST)?, by: free.by()? })
    });
    let (limit, free) = (limit.transpose()?, free.transpose()?);
    let single_use = members.flag("singleUse")?;
    let margin = margin(&members, &ways)?;
    for (needs, name) in [
        (limit.is_some(), "limit"),
        (free.is_some(), "free"),
        (single_use, "singleUse"),
        (receipt == ReceiptBy::Url && members.get("receipt").is_some(), "receipt"),
    ] {
        if needs && !around.state {
            return Err(members.wrong(
                name,
                "needs a state (in a Worker the Durable Object binding PAYWALL_STATE), and there is none",
            ));
        }
    }
    Ok(PaidRoute {
        name: route.into(),
        method,
        options: ways,
        max_credits: credits,
        settlement,
        receipt,
        max_open,
        limit,
        free,
        single_use,
        margin,
        batch: members.flag("batch")?,
        description: members.text("description")?.map(ToString::to_string),
        mime_type: members.text("mimeType")?.map(ToString::to_string),
    })
}

fn receipt(members: &ObjectReader<'_>, settlement: Settlement) -> Result<ReceiptBy, Wrong> {
    use Settlement::{AfterDelivery, AtEndOfStream, BeforeDelivery};
    match (members.text("receipt")?, settlement) {
        (None | Some("header"), BeforeDelivery) => Ok(ReceiptBy::Header),
        (None | Some("url"), AfterDelivery | AtEndOfStream) => Ok(ReceiptBy::Url),
        (Some("event"), AtEndOfStream) => Ok(ReceiptBy::Event),
        (Some("header"), _) => {
            Err(members.wrong("receipt", "can be header only where settle is before-delivery"))
        }
        (Some("url"), _) => {
            Err(members.wrong("receipt", "is always in the header where settle is before-delivery"))
        }
        (Some("event"), _) => {
            Err(members.wrong("receipt", "can be event only where settle is at-end-of-stream"))
        }
        (Some(_), _) => Err(members.wrong("receipt", "must be header, event or url")),
    }
}

/// How much of what is delivered a payer may leave unsettled (rule 19).
fn max_open(
    members: &ObjectReader<'_>,
    settlement: Settlement,
    around: RouteContext,
) -> Result<Option<u32>, Wrong> {
    let unbounded = members.flag("unbounded")?;
    let given =
        members.get("maxOpen").map(|_| members.small("maxOpen", keys::ROUTE_MAX_OPEN_MOST)).transpose()?;
    for (name, given) in [("maxOpen", given.is_some()), ("unbounded", unbounded)] {
        if given && settlement == Settlement::BeforeDelivery {
            return Err(members.wrong(name, "goes with after-delivery and at-end-of-stream only"));
        }
    }
    if unbounded && given.is_some() {
        return Err(members.wrong("maxOpen", "does not go with unbounded"));
    }
    if settlement == Settlement::BeforeDelivery || unbounded {
        return Ok(None);
    }
    if !around.state {
        let problem = "needs a state (in a Worker the Durable Object binding PAYWALL_STATE), and there is none: without it a payer may have any number of \
                       answers that are not settled yet. \"unbounded\": true accepts that";
        return Err(members.wrong("settle", problem));
    }
    Ok(Some(given.unwrap_or(1)))
}

fn margin(members: &ObjectReader<'_>, ways: &[PaymentOption]) -> Result<Option<serde_json::Number>, Wrong> {
    match members.get("marginPercent") {
        None => Ok(None),
        Some(Value::Number(number))
            if number.as_f64().is_some_and(|number| (0.0..=10.0).contains(&number)) =>
        {
            if ways.iter().all(|way| matches!(way.price, Price::Fixed(credits) if !credits.is_zero())) {
                return Ok(Some(number.clone()));
            }
            let problem = "goes with fixed credits only, which are verified: what is burned is the platform's word then";
            Err(members.wrong("marginPercent", problem))
        }
        Some(_) => Err(members.wrong("marginPercent", "must be a number from 0 to 10")),
    }
}

/// The plans of a route: one, or a list.
fn options(members: &ObjectReader<'_>, around: RouteContext) -> Result<Vec<PaymentOption>, Wrong> {
    let Some(plans) = members.get("plans") else {
        let price = price(members, "credits", None, around)?;
        return Ok(Vec::from([option(members, None, price, around)?]));
    };
    let shape = "must be an array of 1 to 8 objects with planId";
    let Value::Array(plans) = plans else { return Err(members.wrong("plans", shape)) };
    if plans.is_empty() || plans.len() > keys::ROUTE_PLANS_MOST as usize {
        return Err(members.wrong("plans", shape));
    }
    for name in ["planId", "scheme", "network"] {
        if members.get(name).is_some() {
            return Err(members.wrong(name, "goes into plans, where there are plans"));
        }
    }
    let mut ways: Vec<PaymentOption> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let at = format!("{}.plans[{index}]", members.at);
        let plan =
            ObjectReader::of(plan, &at, &PLAN, "must be an object with planId", "is not a key of a plan")?;
        let price = price(&plan, "credits", Some(members), around)?;
        let way = option(&plan, Some(members), price, around)?;
        if ways.iter().any(|known| (&known.plan_id, known.scheme) == (&way.plan_id, way.scheme)) {
            return Err(wrong(at, "is listed twice"));
        }
        let counted = |way: &PaymentOption| way.price.unit().cloned();
        if ways.first().is_some_and(|first| counted(first) != counted(&way)) {
            return Err(wrong(at, "is counted otherwise than the first plan"));
        }
        ways.push(way);
    }
    Ok(ways)
}

fn option(
    members: &ObjectReader<'_>,
    route: Option<&ObjectReader<'_>>,
    price: Price,
    around: RouteContext,
) -> Result<PaymentOption, Wrong> {
    let plan = members.text("planId")?.ok_or_else(|| missing(&members.key("planId")))?;
    let plan_id =
        PlanId::parse(plan, "planId").map_err(|_| members.wrong("planId", "must be a plan's id"))?;
    let agent = members.text("agentId")?;
    let agent = match route {
        Some(route) if agent.is_none() => route.text("agentId")?,
        _ => agent,
    };
    let agent_id = agent
        .map(|agent| AgentId::parse(agent, "agentId"))
        .transpose()
        .map_err(|_| members.wrong("agentId", "must be an agent's id"))?;
    // The name of terms of another dialect: any chain goes with them.
    if let Some(network) = members.text("network")?.filter(|_| plan.starts_with("exact:")) {
        let (scheme, network) = (Scheme::Erc4337, network.into());
        return Ok(PaymentOption { plan_id, agent_id: None, follows_plan: false, scheme, network, price });
    }
    let (scheme, network) = scheme_and_network(members, around)?;
    let follows_plan = network.is_none();
    let network = network.map_or_else(String::new, |network| network.as_str().into());
    Ok(PaymentOption { plan_id, agent_id, follows_plan, scheme, network, price })
}

/// Scheme and network, where the configuration says enough: a network says both, `nvm:erc4337` has one by its
/// environment. Else the network is the plan's to say, and the scheme too, unless it is `nvm:card-delegation` by then.
fn scheme_and_network(
    members: &ObjectReader<'_>,
    around: RouteContext,
) -> Result<(Scheme, Option<Network>), Wrong> {
    let scheme = members.text("scheme")?.map(|name| {
        Scheme::parse(name)
            .ok_or_else(|| members.wrong("scheme", "must be nvm:erc4337 or nvm:card-delegation"))
    });
    let network = members.text("network")?.map(|name| {
        Network::parse(name).ok_or_else(|| {
            members.wrong("network", "must be eip155:84532, eip155:8453, stripe, braintree or visa")
        })
    });
    let (scheme, network) = (scheme.transpose()?, network.transpose()?);
    let Some(network) = network else {
        let usual = |scheme: Scheme| scheme.default_network(around.environment);
        let network = scheme.filter(|scheme| *scheme == Scheme::Erc4337).map(usual);
        return Ok((scheme.unwrap_or(Scheme::Erc4337), network));
    };
    let card = matches!(network, Network::Stripe | Network::Braintree | Network::Visa);
    let implied = if card { Scheme::CardDelegation } else { Scheme::Erc4337 };
    if scheme.is_some_and(|scheme| scheme != implied) {
        return Err(members.wrong("network", "does not go with the scheme"));
    }
    Ok((implied, Some(network)))
}

/// A price: a number, or an object that says how it is found. A plan without one has that of its route.
fn price(
    members: &ObjectReader<'_>,
    name: &str,
    route: Option<&ObjectReader<'_>>,
    around: RouteContext,
) -> Result<Price, Wrong> {
    let members = match route {
        Some(route) if members.get(name).is_none() => route,
        _ => members,
    };
    let value = members.get(name).ok_or_else(|| missing(&members.key(name)))?;
    let Value::Object(_) = value else {
        return Credits::from_json(value, "credits").map(Price::Fixed).map_err(|_| {
            members.wrong(name, "must be a whole number, or an object that says how it is found")
        });
    };
    let price =
        ObjectReader::of(value, &members.key(name), &PRICE, "must be an object", "is not a key of a price")?;
    let by = price.text("by")?.ok_or_else(|| missing(&price.key("by")))?;
    let most = price.get("most").ok_or_else(|| missing(&price.key("most")))?;
    let most = Credits::from_json(most, "most").ok().filter(|most| !most.is_zero());
    let most = most.ok_or_else(|| price.wrong("most", "must be a whole number of at least 1"))?;
    let said = || {
        let name = price.text("name")?.ok_or_else(|| missing(&price.key("name")))?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if !name.bytes().all(plain) {
            return Err(price.wrong("name", "must be of letters, digits, - and _"));
        }
        Ok(name)
    };
    let rate = || {
        Ok::<_, Wrong>(Rate {
            base: price.whole("base", 0)?.unwrap_or(0),
            each: price.whole("each", 1)?.ok_or_else(|| missing(&price.key("each")))?,
            per: price.whole("per", 1)?.unwrap_or(1),
        })
    };
    let takes = PRICES.iter().find(|(kind, _)| *kind == by).map_or(&PRICE[..], |(_, members)| *members);
    if let Some(other) = price.members.keys().find(|name| !takes.contains(&name.as_str())) {
        return Err(price.wrong(other, "is not a key of a price of this kind"));
    }
    Ok(match by {
        "query" => Price::Request { place: NumberSource::Query, name: said()?.into(), rate: rate()?, most },
        "header" => Price::Request {
            place: NumberSource::Header,
            name: said()?.to_ascii_lowercase(),
            rate: rate()?,
            most,
        },
        "origin" => Price::Origin { header: said()?.to_ascii_lowercase(), most },
        "byte" => Price::Metered { unit: Unit::Byte, rate: rate()?, most },
        "event" => Price::Metered { unit: Unit::Event, rate: rate()?, most },
        "token" => {
            let member = price.text("member")?.ok_or_else(|| missing(&price.key("member")))?;
            Price::Metered { unit: Unit::Token(member.into()), rate: rate()?, most }
        }
        "handler" if around.handler => Price::Handler { most },
        "handler" => return Err(price.wrong("by", "can be handler in the library only, where there is one")),
        _ => return Err(price.wrong("by", "must be query, header, origin, byte, event or token")),
    })
}

impl<'a> ObjectReader<'a> {
    fn of(value: &'a Value, at: &str, known: &[&str], shape: &str, strange: &str) -> Result<Self, Wrong> {
        let Value::Object(members) = value else { return Err(wrong(at, shape)) };
        suggestion::only(at, members, known, strange)?;
        Ok(Self { at: at.into(), members })
    }

    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    #[cold]
    #[inline(never)]
    fn wrong(&self, name: &str, problem: &str) -> Wrong {
        wrong(self.key(name), problem)
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.members.get(name).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, Wrong> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() && text.len() <= MAX_TEXT_BYTES => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a text of at most 1024 bytes")),
        }
    }

    fn flag(&self, name: &str) -> Result<bool, Wrong> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    fn whole(&self, name: &str, least: u64) -> Result<Option<u64>, Wrong> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().filter(|number| (least..=MAX_WHOLE).contains(number));
        number
            .map(Some)
            .ok_or_else(|| self.wrong(name, &format!("must be a whole number of at least {least}")))
    }

    fn small(&self, name: &str, most: u32) -> Result<u32, Wrong> {
        let number = self.get(name).ok_or_else(|| missing(&self.key(name)))?.as_u64();
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (1..=most).contains(number))
            .ok_or_else(|| self.wrong(name, &format!("must be a whole number from 1 to {most}")))
    }

    fn object(&self, name: &str, known: &[&str]) -> Result<Option<Self>, Wrong> {
        let shape = format!("must be an object with {}", known.join(", "));
        let members = self.get(name).map(|value| {
            ObjectReader::of(value, &self.key(name), known, &shape, &format!("is not a key of {name}"))
        });
        members.transpose()
    }

    fn by(&self) -> Result<By, Wrong> {
        let by = self.text("by")?.ok_or_else(|| missing(&self.key("by")))?;
        By::parse(by).ok_or_else(|| self.wrong("by", "must be payer or address"))
    }
}
