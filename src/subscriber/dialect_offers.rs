//! The offers of other dialects, as a shell found them in an answer.

use super::{Dialect, DialectKind, Offer, Target};
use crate::codec::text::ByteSplit;
use crate::wire::{AgentId, PlanId, Resource, Scheme, WireError, WireErrorKind};
use alloc::{string::String, vec::Vec};

/// The most offers that are read of one answer.
const MAX_OFFERS: usize = 64;

/// The separators between two offers, between two members of one, and before an error.
const OFFER: u8 = 0x1e;
const MEMBER: u8 = 0x1f;
const ERROR: &str = "!";

impl Dialect {
    /// The text of an offer for [`read_offers`](Self::read_offers): dialect, plan, network, credits, handle, agent, asset, recipient
    /// and resource, empty where the seller names none. The plan of `exact` is its currency: `eip155:8453:0x…`, chain and asset.
    #[must_use]
    pub fn offer_text(members: [&str; 9]) -> String {
        let mut text = String::new();
        for (place, member) in members.into_iter().enumerate() {
            if place > 0 {
                text.push(char::from(MEMBER));
            }
            // Another control character says as well that no honest seller wrote it.
            text.extend(member.chars().map(|letter| match letter {
                '\0' | '\u{1e}' | '\u{1f}' => '\u{1}',
                letter => letter,
            }));
        }
        text
    }

    /// The text of offers that could not be read.
    #[must_use]
    pub fn error_text(error: &WireError) -> String {
        [ERROR, error.code(), "\u{1f}", &error.field].concat()
    }

    /// Reads the offers that a shell found in an answer: texts of [`offer_text`](Self::offer_text) with `U+001E` between them, or one of
    /// [`error_text`](Self::error_text).
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn read_offers(text: &str, target: &Target) -> Result<Vec<Offer>, WireError> {
        if let Some((code, field)) = text.strip_prefix(ERROR).and_then(|error| error.split_once_byte(MEMBER))
        {
            let kind = WireErrorKind::of_code(code).unwrap_or(WireErrorKind::WrongType);
            return Err(WireError::new(kind, String::from(field)));
        }
        let mut offers = Vec::new();
        for one in text.split_byte(OFFER).filter(|one| !one.is_empty()) {
            if offers.len() == MAX_OFFERS {
                return Err(WireError::new(WireErrorKind::TooLarge, "dialects"));
            }
            offers.push(read_offer(one, target)?);
        }
        Ok(offers)
    }
}

fn read_offer(one: &str, target: &Target) -> Result<Offer, WireError> {
    let mut members = one.split_byte(MEMBER);
    let mut next = || members.next().unwrap_or_default();
    let kind = match next() {
        "mpp" => DialectKind::Mpp,
        "exact" => DialectKind::Exact,
        _ => return Err(WireError::new(WireErrorKind::BadValue, "dialect")),
    };
    let plan_id = PlanId::parse(next(), "planId")?;
    let network = next();
    let credits = next().parse()?;
    let handle = next();
    if handle.is_empty() {
        return Err(WireError::new(WireErrorKind::Missing, "handle"));
    }
    let agent_id = match next() {
        "" => None,
        agent_id => Some(AgentId::parse(agent_id, "agentId")?),
    };
    Ok(Offer::of_dialect(
        Dialect { kind, handle: handle.into(), asset: next().into(), pay_to: next().into() },
        Scheme::Erc4337,
        network,
        plan_id,
        agent_id,
        credits,
        Resource { url: next().into(), ..Resource::default() },
        target,
    ))
}
