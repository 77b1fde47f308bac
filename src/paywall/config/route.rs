//! The configuration of one route.

use super::keys;
use super::keys::{PLAN, PRICE, PRICES, ROUTE};
use super::object_reader::ObjectReader;
use super::problems::Problems;
use crate::paywall::dialects::option_names;
use crate::paywall::http::method::Method;
use crate::paywall::pricing::ending::Unit;
use crate::paywall::pricing::price::{NumberSource, PaidRoute, PaymentOption, Price, Rate};
use crate::paywall::pricing::settlement_policy::{Free, Limit, ReceiptBy, Settlement};
use crate::wire::{AgentId, Credits, Environment, Network, PlanId, Scheme};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

/// The environment of the gate, as far as reading a route depends on it, and where problems go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RouteContext<'a> {
    pub(crate) environment: Environment,
    pub(crate) state: bool,
    pub(crate) handler: bool,
    pub(crate) problems: &'a Problems,
}

/// Reads the route at the path `at`; `None` if too much of it is wrong.
pub(crate) fn read(
    route: &str,
    method: Method,
    value: &Value,
    around: RouteContext<'_>,
    at: &str,
) -> Option<PaidRoute> {
    let shape = "must be an object with planId and credits";
    let strange = "is not a key of a route";
    // The reader of dialects takes its member out before. Where there is none, the name may still be the one that was meant.
    let mut known = Vec::from(ROUTE);
    known.push(option_names::ROUTE);
    let members = ObjectReader::of(value, at.into(), &known, shape, strange, around.problems)?;
    if members.get(option_names::ROUTE).is_some() {
        members.wrong(option_names::ROUTE, strange);
    }
    let ways = options(&members, around);
    let credits = ways.iter().map(|way| way.price.highest_price()).max().unwrap_or_default();
    let named = "must be before-delivery, after-delivery or at-end-of-stream";
    let settlement = members.parsed("settle", named, Settlement::parse).unwrap_or_default();
    let metered = ways.iter().any(|way| way.price.unit().is_some());
    if metered && settlement != Settlement::AtEndOfStream {
        let problem = "must be at-end-of-stream for a price that is counted: it is known at the end";
        members.wrong("settle", problem);
    }
    let max_open = max_open(&members, settlement, around);
    let receipt = receipt(&members, settlement);
    let limit = members.object("limit", &keys::LIMIT).and_then(|limit| {
        let requests = limit.small("requests", keys::LIMIT_REQUESTS_MOST);
        let seconds = limit.small("seconds", keys::LIMIT_SECONDS_MOST);
        Some(Limit { requests, seconds, by: limit.by()? })
    });
    let free = members.object("free", &keys::FREE).and_then(|free| {
        let per_day = free.small("perDay", keys::FREE_PER_DAY_MOST);
        Some(Free { per_day, by: free.by()? })
    });
    let single_use = members.flag("singleUse");
    let margin = margin(&members, &ways);
    for (needs, name) in [
        (limit.is_some(), "limit"),
        (free.is_some(), "free"),
        (single_use, "singleUse"),
        (receipt == ReceiptBy::Url && members.get("receipt").is_some(), "receipt"),
    ] {
        if needs && !around.state {
            let problem =
                "needs a state (in a Worker the Durable Object binding PAYWALL_STATE), and there is none";
            members.wrong(name, problem);
        }
    }
    Some(PaidRoute {
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
        batch: members.flag("batch"),
        description: members.text("description").map(ToString::to_string),
        mime_type: members.text("mimeType").map(ToString::to_string),
    })
}

fn receipt(members: &ObjectReader<'_>, settlement: Settlement) -> ReceiptBy {
    let before = settlement == Settlement::BeforeDelivery;
    let usual = if before { ReceiptBy::Header } else { ReceiptBy::Url };
    let problem = match members.text("receipt") {
        None => return usual,
        Some("header") if before => return usual,
        Some("url") if !before => return usual,
        Some("event") if settlement == Settlement::AtEndOfStream => return ReceiptBy::Event,
        Some("header") => "can be header only where settle is before-delivery",
        Some("url") => "is always in the header where settle is before-delivery",
        Some("event") => "can be event only where settle is at-end-of-stream",
        Some(_) => "must be header, event or url",
    };
    members.wrong("receipt", problem);
    usual
}

/// How much of what is delivered a payer may leave unsettled (rule 19).
fn max_open(members: &ObjectReader<'_>, settlement: Settlement, around: RouteContext<'_>) -> Option<u32> {
    let unbounded = members.flag("unbounded");
    let given = members.get("maxOpen").map(|_| members.small("maxOpen", keys::ROUTE_MAX_OPEN_MOST));
    for (name, given) in [("maxOpen", given.is_some()), ("unbounded", unbounded)] {
        if given && settlement == Settlement::BeforeDelivery {
            members.wrong(name, "goes with after-delivery and at-end-of-stream only");
        }
    }
    if unbounded && given.is_some() {
        members.wrong("maxOpen", "does not go with unbounded");
    }
    if settlement == Settlement::BeforeDelivery || unbounded {
        return None;
    }
    if !around.state {
        let problem = "needs a state (in a Worker the Durable Object binding PAYWALL_STATE), and there is none: without it a payer may have any number of \
                       unsettled answers, as \"unbounded\": true says";
        members.wrong("settle", problem);
    }
    Some(given.unwrap_or(1))
}

fn margin(members: &ObjectReader<'_>, ways: &[PaymentOption]) -> Option<serde_json::Number> {
    let number = match members.get("marginPercent")? {
        Value::Number(number) if number.as_f64().is_some_and(|number| (0.0..=10.0).contains(&number)) => {
            number
        }
        _ => {
            members.wrong("marginPercent", "must be a number from 0 to 10");
            return None;
        }
    };
    if !ways.iter().all(|way| matches!(way.price, Price::Fixed(credits) if !credits.is_zero())) {
        let problem = "needs fixed credits; the platform decides how many are burned";
        members.wrong("marginPercent", problem);
    }
    Some(number.clone())
}

/// The plans of a route: one, or a list.
fn options(members: &ObjectReader<'_>, around: RouteContext<'_>) -> Vec<PaymentOption> {
    let Some(plans) = members.get("plans") else {
        return option(members, None, around).into_iter().collect();
    };
    let plans = plans.as_array().map(Vec::as_slice).unwrap_or_default();
    if plans.is_empty() || plans.len() > keys::ROUTE_PLANS_MOST as usize {
        members.wrong("plans", "must be an array of 1 to 8 objects with planId");
    }
    for name in ["planId", "scheme", "network"] {
        if members.get(name).is_some() {
            members.wrong(name, "goes into plans, where there are plans");
        }
    }
    let mut ways: Vec<PaymentOption> = Vec::new();
    for (index, plan) in plans.iter().enumerate() {
        let shape = "must be an object with planId";
        let Some(plan) = members.entry("plans", index, plan, &PLAN, shape, "is not a key of a plan") else {
            continue;
        };
        let Some(way) = option(&plan, Some(members), around) else { continue };
        if ways.iter().any(|known| (&known.plan_id, known.scheme) == (&way.plan_id, way.scheme)) {
            plan.wrong_itself("is listed twice");
        }
        if ways.first().is_some_and(|first| first.price.unit() != way.price.unit()) {
            plan.wrong_itself("is counted in another way than the first plan");
        }
        ways.push(way);
    }
    ways
}

/// A way to pay, of a route or of a plan of it. A plan without a price or an agent has that of its route.
fn option(
    members: &ObjectReader<'_>,
    route: Option<&ObjectReader<'_>>,
    around: RouteContext<'_>,
) -> Option<PaymentOption> {
    let of = |name: &str| route.filter(|_| members.get(name).is_none()).unwrap_or(members);
    let price = price(of("credits"), around)?;
    members.need("planId");
    let plan_id =
        members.parsed("planId", "must be a plan's id", |plan| PlanId::parse(plan, "planId").ok())?;
    let agent_id = of("agentId")
        .parsed("agentId", "must be an agent's id", |agent| AgentId::parse(agent, "agentId").ok());
    // The name of terms of another dialect: any chain goes with them.
    if let Some(network) = members.text("network").filter(|_| plan_id.as_str().starts_with("exact:")) {
        let (scheme, network) = (Scheme::Erc4337, network.into());
        return Some(PaymentOption { plan_id, agent_id: None, follows_plan: false, scheme, network, price });
    }
    let (scheme, network) = scheme_and_network(members, around);
    let follows_plan = network.is_none();
    let network = network.map_or_else(String::new, |network| network.as_str().into());
    Some(PaymentOption { plan_id, agent_id, follows_plan, scheme, network, price })
}

/// Scheme and network, where the configuration says enough: a network says both, `nvm:erc4337` has one by its
/// environment. Else the network is the plan's to say, and the scheme too, unless it is `nvm:card-delegation` by then.
fn scheme_and_network(members: &ObjectReader<'_>, around: RouteContext<'_>) -> (Scheme, Option<Network>) {
    let scheme = members.parsed("scheme", "must be nvm:erc4337 or nvm:card-delegation", Scheme::parse);
    let problem = "must be eip155:84532, eip155:8453, stripe, braintree or visa";
    let Some(network) = members.parsed("network", problem, Network::parse) else {
        let usual = |scheme: Scheme| scheme.default_network(around.environment);
        let network = scheme.filter(|scheme| *scheme == Scheme::Erc4337).map(usual);
        return (scheme.unwrap_or(Scheme::Erc4337), network);
    };
    let card = matches!(network, Network::Stripe | Network::Braintree | Network::Visa);
    let implied = if card { Scheme::CardDelegation } else { Scheme::Erc4337 };
    if scheme.is_some_and(|scheme| scheme != implied) {
        members.wrong("network", "does not fit the scheme");
    }
    (implied, Some(network))
}

/// A price, `credits`: a number, or an object that says how it is found.
fn price(members: &ObjectReader<'_>, around: RouteContext<'_>) -> Option<Price> {
    members.need("credits");
    let value = members.get("credits")?;
    if !value.is_object() {
        let credits = Credits::from_json(value, "credits").ok();
        if credits.is_none() {
            members.wrong("credits", "must be a whole number, or an object that says how it is found");
        }
        return credits.map(Price::Fixed);
    }
    let price = ObjectReader::of(
        value,
        members.key("credits"),
        &PRICE,
        "must be an object",
        "is not a key of a price",
        around.problems,
    )?;
    price.need("by");
    let by = price.text("by")?;
    price.need("most");
    let most = Credits::from_json(price.get("most")?, "most").ok().filter(|most| !most.is_zero());
    if most.is_none() {
        price.wrong("most", "must be a whole number of at least 1");
    }
    let most = most?;
    let kind = PRICES.iter().find(|(kind, _)| *kind == by);
    let Some((_, takes)) = kind.filter(|_| by != "handler" || around.handler) else {
        let problem = match kind {
            Some(_) => "can be handler only in the library, with a price handler",
            None => "must be query, header, origin, byte, event or token",
        };
        price.wrong("by", problem);
        return None;
    };
    if let Some(other) = price.first_beyond(takes) {
        price.wrong(other, "is not a key of a price of this kind");
    }
    let name = takes.contains(&"name").then(|| named(&price)).flatten();
    let rate = takes.contains(&"each").then(|| rate(&price));
    Some(match by {
        "query" => Price::Request { place: NumberSource::Query, name: name?.into(), rate: rate?, most },
        "header" => Price::Request {
            place: NumberSource::Header,
            name: name?.to_ascii_lowercase(),
            rate: rate?,
            most,
        },
        "origin" => Price::Origin { header: name?.to_ascii_lowercase(), most },
        "byte" => Price::Metered { unit: Unit::Byte, rate: rate?, most },
        "event" => Price::Metered { unit: Unit::Event, rate: rate?, most },
        "token" => {
            price.need("member");
            Price::Metered { unit: Unit::Token(price.text("member")?.into()), rate: rate?, most }
        }
        _ => Price::Handler { most },
    })
}

/// The name of the parameter or header that holds what a price is found by.
fn named<'a>(price: &ObjectReader<'a>) -> Option<&'a str> {
    price.need("name");
    let name = price.text("name")?;
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)) {
        price.wrong("name", "must be of letters, digits, - and _");
    }
    Some(name)
}

fn rate(price: &ObjectReader<'_>) -> Rate {
    let base = price.whole("base", 0).unwrap_or(0);
    price.need("each");
    Rate { base, each: price.whole("each", 1).unwrap_or(1), per: price.whole("per", 1).unwrap_or(1) }
}
