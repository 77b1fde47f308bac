//! The terms of the dialects.

use super::carrier::Asked;
use crate::codec;
use crate::wire::exact::{Amount, ChainAddress, ChainId, EXACT, X402Version};
use crate::wire::{PlanId, Secret};
use alloc::{string::String, vec::Vec};
use serde_json::{Map, Value};

/// The dialects that a gate sells by, beside x402 with plans.
#[derive(Debug, Clone, Default)]
pub struct Dialects {
    pub(super) mpp: Option<MppTerms>,
    pub(super) exact: Vec<ExactTerms>,
    pub(super) v1: bool,
    /// If payments may be named; true where they have to be.
    pub(super) identifier: Option<bool>,
    pub(super) facilitator_headers: Option<Secret>,
}

/// The settings of MPP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MppTerms {
    /// True if each challenge is bound to the body of its request.
    pub bind_body: bool,
    /// Words for people.
    pub description: Option<String>,
}

/// The terms under which an amount of an asset is taken. The amount is the route's.
#[derive(Debug, Clone, PartialEq)]
pub struct ExactTerms {
    /// The name under which the gate has them, in the place of a plan.
    pub plan_id: PlanId,
    /// The chain.
    pub chain: ChainId,
    /// The asset: its contract, or its mint on Solana.
    pub asset: ChainAddress,
    /// The recipient: on Solana the owner of the account that receives.
    pub pay_to: ChainAddress,
    /// The decimals of a token of Solana's, which the payer signs for; `None` where the chain alone compares them.
    pub decimals: Option<u8>,
    /// How long an authorization is to hold, in seconds.
    pub max_timeout_seconds: u64,
    /// `name` and `version` of the asset's EIP-712 domain, or `feePayer` of a facilitator on Solana, and what else the scheme
    /// adds.
    pub extra: Map<String, Value>,
    /// The address of the facilitator.
    pub facilitator: String,
}

/// The member of `extra` that names who pays the fee of a transaction on Solana.
pub(super) const FEE_PAYER: &str = "feePayer";

impl Dialects {
    /// The settings of MPP, if the gate sells by it.
    #[must_use]
    pub fn mpp(&self) -> Option<&MppTerms> {
        self.mpp.as_ref()
    }

    /// The terms of all amounts.
    #[must_use]
    pub fn exact(&self) -> &[ExactTerms] {
        &self.exact
    }

    /// `None` if payments are not named; true if they have to be.
    #[must_use]
    pub fn identifier(&self) -> Option<bool> {
        self.identifier
    }

    /// Headers for facilitators, such as their keys: a JSON object by their addresses.
    #[must_use]
    pub fn facilitator_headers(&self) -> Option<&Secret> {
        self.facilitator_headers.as_ref()
    }

    /// The headers for a facilitator, by its address.
    #[must_use]
    pub fn headers_of(&self, facilitator: &str) -> Vec<(String, String)> {
        let headers =
            self.facilitator_headers.as_ref().and_then(|headers| codec::parse_object(headers.expose()));
        let Some(Value::Object(given)) = headers.and_then(|mut headers| headers.remove(facilitator)) else {
            return Vec::new();
        };
        let text = |value: Value| value.as_str().unwrap_or_default().into();
        given.into_iter().map(|(name, value)| (name, text(value))).collect()
    }

    /// True where payments of version 1 are taken.
    #[must_use]
    pub fn speaks_v1(&self) -> bool {
        self.v1
    }
}

impl ExactTerms {
    /// The entry of `accepts`, which is what a facilitator calls requirements.
    pub(super) fn entry(
        &self,
        version: X402Version,
        amount: &Amount,
        asked: &Asked,
        fee_payer: Option<&str>,
    ) -> Value {
        let mut entry = Map::new();
        entry.insert("scheme".into(), EXACT.into());
        let network = match version {
            X402Version::V2 => self.chain.caip2(),
            X402Version::V1 => self.chain.v1_name().unwrap_or_default().into(),
        };
        entry.insert("network".into(), network.into());
        let amount_name = if version == X402Version::V2 { "amount" } else { "maxAmountRequired" };
        entry.insert(amount_name.into(), alloc::string::ToString::to_string(amount).into());
        if version == X402Version::V1 {
            let about = asked.offer.get("resource");
            let text = |name: &str| about.and_then(|about| about.get(name)?.as_str()).unwrap_or_default();
            entry.insert("resource".into(), asked.resource().into());
            entry.insert("description".into(), text("description").into());
            entry.insert("mimeType".into(), text("mimeType").into());
        }
        entry.insert("asset".into(), self.asset.as_str().into());
        entry.insert("payTo".into(), self.pay_to.as_str().into());
        entry.insert("maxTimeoutSeconds".into(), self.max_timeout_seconds.into());
        let mut extra = self.extra.clone();
        if let Some(account) = fee_payer.filter(|_| self.lacks_fee_payer(None)) {
            extra.insert(FEE_PAYER.into(), account.into());
        }
        entry.insert("extra".into(), Value::Object(extra));
        Value::Object(entry)
    }

    /// True if nobody is known who pays the fee of the transaction.
    pub(super) fn lacks_fee_payer(&self, of_facilitator: Option<&str>) -> bool {
        let is_address = |account: &str| ChainAddress::parse(account, &self.chain, FEE_PAYER).is_ok();
        self.chain.evm().is_none()
            && !self.extra.contains_key(FEE_PAYER)
            && !of_facilitator.is_some_and(is_address)
    }
}
