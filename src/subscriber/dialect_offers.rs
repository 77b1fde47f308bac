//! The offers of other dialects, as a shell found them in an answer.

use super::{Dialect, DialectKind, Offer, Target};
use crate::codec;
use crate::wire::{AgentId, Credits, PlanId, Resource, Scheme, WireError, WireErrorKind};
use alloc::{string::String, vec::Vec};
use serde_json::{Map, Value};

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
