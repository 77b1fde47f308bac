//! Ways to be paid beside x402 with a Nevermined plan. A shell reads them from an answer, signs or mints for them, and writes the
//! header that pays; the decisions are the buyer's own.

use super::{Offer, Target};
use crate::codec;
use crate::wire::{AgentId, Credits, PlanId, Resource, Scheme, WireError, WireErrorKind};
use alloc::{string::String, vec::Vec};
use serde_json::{Map, Value};

/// The dialect of an offer that is no x402 offer of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    /// Which one.
    pub kind: DialectKind,
    /// The data that the dialect's part of the shell needs to pay the offer. The buyer hands it over and does not look at it.
    pub handle: String,
    /// The asset, as the seller names it; empty where a plan pays.
    pub asset: String,
    /// The recipient of an amount; empty where a plan pays.
    pub pay_to: String,
}

/// The dialects that a buyer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialectKind {
    /// `WWW-Authenticate: Payment` with the method `nevermined`: a plan pays, by a token of its own and once a challenge.
    Mpp,
    /// The x402 scheme `exact`: a fixed amount of an asset, which the caller's wallet signs for.
    Exact,
}

impl DialectKind {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mpp => "mpp",
            Self::Exact => "exact",
        }
    }
}

/// The most offers that are read of one answer.
const MAX_OFFERS: usize = 64;

impl Dialect {
    /// Reads the offers that a shell found in an answer: a JSON array of objects with `dialect`, `planId`, `network`, `credits`,
    /// `handle`, `resource`, and by dialect `agentId`, `asset`, `payTo`. The plan of `exact` is its currency:
    /// `eip155:8453:0x…`, chain and asset.
    ///
    /// # Errors
    /// Names the member that is missing or wrong.
    pub fn read_offers(json: &str, target: &Target) -> Result<Vec<Offer>, WireError> {
        const FIELD: &str = "dialects";
        let list = match codec::parse_json(json.as_bytes()) {
            Some(Value::Array(list)) => list,
            // The shell could not read an offer.
            Some(Value::Object(error)) => {
                let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
                let kind = WireErrorKind::of_code(text("error")).unwrap_or(WireErrorKind::WrongType);
                let field = text("field");
                let field: String = if field.is_empty() { FIELD.into() } else { field.into() };
                return Err(WireError::new(kind, field));
            }
            _ => return Err(WireError::new(WireErrorKind::WrongType, FIELD)),
        };
        if list.len() > MAX_OFFERS {
            return Err(WireError::new(WireErrorKind::TooLarge, FIELD));
        }
        list.iter()
            .map(|one| match one {
                Value::Object(one) => read_offer(one, target),
                _ => Err(WireError::new(WireErrorKind::WrongType, FIELD)),
            })
            .collect()
    }
}

fn read_offer(one: &Map<String, Value>, target: &Target) -> Result<Offer, WireError> {
    let text = |name: &'static str| match one.get(name) {
        Some(Value::String(text)) => Ok(text.as_str()),
        _ => Err(WireError::new(WireErrorKind::Missing, name)),
    };
    let some = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
    let kind = match text("dialect")? {
        "mpp" => DialectKind::Mpp,
        "exact" => DialectKind::Exact,
        _ => return Err(WireError::new(WireErrorKind::BadValue, "dialect")),
    };
    let credits: Credits = text("credits")?.parse()?;
    let agent_id = some("agentId");
    Ok(Offer::of_dialect(
        Dialect {
            kind,
            handle: text("handle")?.into(),
            asset: some("asset").into(),
            pay_to: some("payTo").into(),
        },
        Scheme::Erc4337,
        text("network")?,
        PlanId::parse(text("planId")?, "planId")?,
        if agent_id.is_empty() { None } else { Some(AgentId::parse(agent_id, "agentId")?) },
        credits,
        Resource { url: some("resource").into(), ..Resource::default() },
        target,
    ))
}
