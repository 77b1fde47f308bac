use super::ending::{EndReason, Ending, Unit};
use super::settlement_policy::{Free, Limit, ReceiptBy, Settlement};
use crate::codec::text::{ByteSplit, has, number, replace};
use crate::paywall::http::headers::HeaderList;
use crate::paywall::http::method::Method;
use crate::paywall::http::path::{may_fold_to, percent_decode};
use crate::wire::{Accept, AccessToken, AgentId, Credits, PaymentRequired, PlanId, Resource, Scheme};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};

/// The price of a paid route and the ways to pay it, from the configuration.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PaidRoute {
    /// The route as it is written in the configuration: `POST /ask`.
    pub(crate) name: String,
    pub(crate) method: Method,
    /// The ways to pay, at least one, in the order of the offer.
    pub(crate) options: Vec<PaymentOption>,
    /// The most that one request can cost in any way, in credits.
    pub(crate) max_credits: Credits,
    pub(crate) settlement: Settlement,
    pub(crate) receipt: ReceiptBy,
    pub(crate) limit: Option<Limit>,
    pub(crate) free: Option<Free>,
    /// True if a token that can be used again is refused (rule 24).
    pub(crate) single_use: bool,
    /// How many answers a payer may have of a plan that are delivered and not settled; nothing where each is settled
    /// before, or the seller wants no bound (rule 19).
    pub(crate) max_open: Option<u32>,
    /// Passed to settle unchanged, in the place of an amount (contract section 4.5).
    pub(crate) margin: Option<serde_json::Number>,
    /// Handed through to settle.
    pub(crate) batch: bool,
    pub(crate) description: Option<String>,
    pub(crate) mime_type: Option<String>,
}

/// One plan that pays for a route.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PaymentOption {
    pub(crate) plan_id: PlanId,
    pub(crate) agent_id: Option<AgentId>,
    /// True if the plan decides scheme and network. Until the [`PlanCache`](crate::paywall::facilitator::plan_terms::PlanCache)
    /// has filled them in, their values here mean nothing, except a scheme of cards.
    pub(crate) follows_plan: bool,
    pub(crate) scheme: Scheme,
    /// CAIP-2 for `nvm:erc4337`, the provider's name for cards.
    pub(crate) network: String,
    pub(crate) price: Price,
}

/// How the price of a request is found (rule 20).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Price {
    /// The same for each.
    Fixed(Credits),
    /// By a number in the request.
    Request { place: NumberSource, name: String, rate: Rate, most: Credits },
    /// As the origin says it in a header of its answer, which the buyer does not get to see.
    Origin { header: String, most: Credits },
    /// By what the answer turns out to be.
    Metered { unit: Unit, rate: Rate, most: Credits },
    /// As the caller of the library says it, for each request.
    Handler { most: Credits },
}

/// The part of a request that has the number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NumberSource {
    Query,
    Header,
}

/// Credits by count: `base`, and `each` for every `per` that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) base: u64,
    pub(crate) each: u64,
    pub(crate) per: u64,
}

/// Why a request has no price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PriceError {
    /// The number is missing, repeated, or not a number.
    Unreadable,
    /// It costs more than the route may.
    TooMuch,
}

/// A cost as it is known when the head of the origin's answer is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    Known(Credits),
    AtEnd,
}

impl PaidRoute {
    /// The offer for the resource at `url` (rule 17): what a 402 says, and what verify and settle are asked about. Of
    /// each way the most that this request can cost.
    pub(crate) fn offer(&self, url: String, most: &[Credits]) -> PaymentRequired {
        let accepts = self.options.iter().zip(most).map(|(way, most)| {
            let mut accept = Accept::new(way.scheme, &way.network, way.plan_id.clone());
            if let Some(agent) = &way.agent_id {
                accept = accept.with_agent(agent.clone());
            }
            accept.with_verb(self.method.as_str()).with_credits(*most)
        });
        let resource =
            Resource { url, description: self.description.clone(), mime_type: self.mime_type.clone() };
        PaymentRequired::new(resource, accepts.collect())
    }

    /// True if the price of a request does not depend on its path.
    pub(crate) fn is_fixed(&self) -> bool {
        !self.options.iter().any(|way| matches!(way.price, Price::Handler { .. }))
    }

    /// The way that a token pays by, and the most that this request costs then.
    pub(crate) fn option_for(
        &self,
        token: &AccessToken,
        most: &[Credits],
    ) -> Option<(PaymentOption, Credits)> {
        let accepted = token.accepted();
        let fits = |way: &PaymentOption| {
            accepted.scheme() == Some(way.scheme) && accepted.plan_id() == Some(&way.plan_id)
        };
        let same = |way: &PaymentOption| fits(way) && accepted.network() == way.network;
        let ways = || self.options.iter().zip(most);
        // By card the delegation names the network, so a plan may be offered under one and paid under another.
        let (way, most) = ways().find(|(way, _)| same(way)).or_else(|| ways().find(|(way, _)| fits(way)))?;
        Some((way.clone(), *most))
    }

    /// The most that a request costs by each way to pay; `None` if the caller has to be asked.
    pub(crate) fn most(
        &self,
        query: Option<&str>,
        headers: &HeaderList,
    ) -> Result<Option<Vec<Credits>>, PriceError> {
        self.options.iter().map(|way| way.price.most(query, headers)).collect()
    }
}

impl Price {
    /// The most that any request can cost.
    pub(crate) fn highest_price(&self) -> Credits {
        match self {
            Self::Fixed(most)
            | Self::Request { most, .. }
            | Self::Origin { most, .. }
            | Self::Metered { most, .. }
            | Self::Handler { most } => *most,
        }
    }

    fn most(&self, query: Option<&str>, headers: &HeaderList) -> Result<Option<Credits>, PriceError> {
        let Self::Request { place, name, rate, most } = self else {
            return Ok(Some(self.highest_price()).filter(|_| !matches!(self, Self::Handler { .. })));
        };
        let said = match place {
            NumberSource::Query => in_query(query.unwrap_or_default(), name)?,
            NumberSource::Header => in_headers(headers, name)?,
        };
        let count = said.as_deref().and_then(whole).ok_or(PriceError::Unreadable)?;
        let cost = rate.of(count);
        if cost > *most { Err(PriceError::TooMuch) } else { Ok(Some(cost)) }
    }

    /// True where the answer does not change the price.
    pub(crate) fn is_known_before_the_answer(&self) -> bool {
        matches!(self, Self::Fixed(_) | Self::Request { .. } | Self::Handler { .. })
    }

    /// The price of a request whose answer begins with these headers; it is never more than was verified.
    pub(crate) fn at_head(&self, verified: Credits, headers: &HeaderList) -> Cost {
        match self {
            Self::Metered { .. } => Cost::AtEnd,
            Self::Origin { header, .. } => {
                Cost::Known(price_from_origin(headers, header).unwrap_or(verified).min(verified))
            }
            Self::Fixed(_) | Self::Request { .. } | Self::Handler { .. } => Cost::Known(verified),
        }
    }

    /// The price of a request whose answer was delivered; it is never more than was verified. `head` is what was known when
    /// the head of the answer came.
    ///
    /// A number that the stream was to say and did not is taken to be the most that was agreed to: else whoever hangs up
    /// before it has the answer for nothing. Where the origin broke off, what is not counted is not charged.
    pub(crate) fn at_end(&self, head: Cost, verified: Credits, ending: &Ending) -> Credits {
        if ending.how != EndReason::Whole && ending.bytes == 0 {
            return Credits::ZERO;
        }
        let all = |cost| if ending.how == EndReason::OriginBroke { Credits::ZERO } else { cost };
        let (Self::Metered { unit, rate, .. }, Cost::AtEnd) = (self, head) else {
            return all(if let Cost::Known(cost) = head { cost } else { verified });
        };
        let count = match unit {
            Unit::Byte => Some(ending.bytes),
            Unit::Event => Some(ending.events),
            Unit::Token(_) => ending.tokens,
        };
        count.map_or_else(|| all(verified), |count| rate.of(count)).min(verified)
    }

    /// The header of the origin's answer that is not for the buyer.
    pub(crate) fn origin_header(&self) -> Option<&str> {
        if let Self::Origin { header, .. } = self { Some(header) } else { None }
    }

    /// The unit that is to be counted; `None` if the price is not metered.
    pub(crate) fn unit(&self) -> Option<&Unit> {
        if let Self::Metered { unit, .. } = self { Some(unit) } else { None }
    }
}

impl Rate {
    /// The credits for so many.
    pub(crate) fn of(&self, count: u64) -> Credits {
        let begun = u128::from(count.div_ceil(self.per.max(1)));
        // It holds the sum of any three u64.
        Credits::from_u128(u128::from(self.each) * begun + u128::from(self.base))
    }
}

/// The price that the origin states for its answer: a whole number, or `nothing`. `None` if the origin states no price,
/// more than one, or anything else.
fn price_from_origin(headers: &HeaderList, name: &str) -> Option<Credits> {
    let mut said = headers.all(name);
    let word = said.next()?.trim();
    if said.next().is_some() {
        return None;
    }
    if word.eq_ignore_ascii_case("nothing") { Some(Credits::ZERO) } else { word.parse().ok() }
}

/// The number of parameters that every server reads. Node, Express, PHP and others leave out what comes after a thousand: the
/// number that was paid for would not be there.
const MAX_PARAMETERS: usize = 1000;

/// The value of a parameter of a query. One that some server may read as another of that name makes it unreadable: the
/// origin must not see another number than the gate did (rule 16).
fn in_query(query: &str, name: &str) -> Result<Option<String>, PriceError> {
    let mut found = None;
    // Some servers take `;` for `&`.
    if has(query, b';') {
        return Err(PriceError::Unreadable);
    }
    for (index, pair) in query.split_byte(b'&').enumerate() {
        if index == MAX_PARAMETERS {
            return Err(PriceError::Unreadable);
        }
        let (key, value) = pair.split_once_byte(b'=').unwrap_or((pair, ""));
        let key = decoded(key).ok_or(PriceError::Unreadable)?;
        if key == name && found.is_none() {
            found = Some(value.to_string());
        } else if may_be_read_as(&key, name) {
            return Err(PriceError::Unreadable);
        }
    }
    Ok(found)
}

/// The value of a header. One that some server may read as another of that name makes it unreadable: CGI, and what is made
/// after it, knows no `-` and turns what is neither letter nor digit into `_`.
fn in_headers(headers: &HeaderList, name: &str) -> Result<Option<String>, PriceError> {
    let mut found = None;
    for (key, value) in headers.iter() {
        if key == name && found.is_none() {
            found = Some(value.to_string());
        } else if letters(key) == letters(name) {
            return Err(PriceError::Unreadable);
        }
    }
    // A hop may drop what `connection` names, and the origin would count without it.
    if headers.members("connection").any(|dropped| dropped.eq_ignore_ascii_case(name)) {
        return Err(PriceError::Unreadable);
    }
    Ok(found)
}

/// True if some server may read the parameter `key`, decoded once, as one called `name`. Case and separators are dropped
/// (ASP, PHP: `x.words` is `x_words`). Brackets, dots, colons and what cannot be printed end a name or begin one (`n[]`,
/// `[n]`, `q.n`, `n:int`, a zero byte). A name may be decoded once more, or its letters folded to ASCII.
fn may_be_read_as(key: &str, name: &str) -> bool {
    let same = |part: &str| !part.is_empty() && letters(part) == letters(name);
    let separator = |character: char| !character.is_ascii_alphanumeric() && !matches!(character, '-' | '_');
    same(key)
        || key.split(separator).any(same)
        || may_fold_to(key, name)
        || (has(key, b'%') && decoded(key).is_some_and(|again| again != key && may_be_read_as(&again, name)))
}

/// The letters and digits of a name, in lower case.
fn letters(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// A name of a query, percent-decoded once, `+` for a blank.
fn decoded(text: &str) -> Option<String> {
    percent_decode(&replace(text, "+", " ")).ok()
}

/// A whole number below 2^53, in digits only: what every language reads the same.
fn whole(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    number(text).filter(|count| plain && *count < 1 << 53)
}
