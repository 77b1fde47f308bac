//! The transfer that a payment of the scheme `exact` signs, as far as the gate compares it with the route.

use super::terms::ExactTerms;
use crate::codec::hex::hex;
use crate::wire::exact::{Amount, ChainAddress, ChainId, EvmAddress, SolanaTransfer};
use alloc::{boxed::Box, string::String};
use serde_json::{Map, Value};

/// The members of an EIP-3009 authorization.
const AUTHORIZATION: [&str; 6] = ["from", "to", "value", "validAfter", "validBefore", "nonce"];

/// An EIP-3009 authorization, or a transaction of Solana's.
pub(super) enum Transfer {
    Evm(Authorized),
    Solana(Box<SolanaTransfer>),
}

pub(super) struct Authorized {
    from: EvmAddress,
    to: EvmAddress,
    value: Amount,
    nonce: String,
}

impl Transfer {
    /// Reads the payload of a payment on a chain.
    pub(super) fn read(payload: &Value, chain: &ChainId) -> Option<Self> {
        match chain {
            ChainId::Evm(_) => Authorized::read(payload).map(Self::Evm),
            ChainId::Solana(_) => {
                let transaction = payload.get("transaction")?.as_str()?;
                SolanaTransfer::read(transaction).ok().map(|transfer| Self::Solana(Box::new(transfer)))
            }
        }
    }

    /// The members of a payload that were read. With others beside them a facilitator might settle something else: it prefers an authorization
    /// of Permit2, whose nonce is another one.
    pub(super) fn payload(&self, payload: &Value) -> Value {
        let members = |of: &Value, names: &[&str]| -> Map<String, Value> {
            names.iter().filter_map(|name| Some(((*name).into(), of.get(name)?.clone()))).collect()
        };
        Value::Object(match self {
            Self::Evm(_) => {
                let mut found = members(payload, &["signature"]);
                let signed = payload.get("authorization").map(|signed| members(signed, &AUTHORIZATION));
                found.insert("authorization".into(), Value::Object(signed.unwrap_or_default()));
                found
            }
            Self::Solana(_) => members(payload, &["transaction"]),
        })
    }

    /// The payer, as it is written on the chain.
    pub(super) fn payer(&self) -> &str {
        match self {
            Self::Evm(signed) => signed.from.as_str(),
            Self::Solana(transfer) => transfer.payer.as_str(),
        }
    }

    /// The part that the chain takes once: the nonce, or the message of the transaction.
    pub(super) fn nonce(&self) -> String {
        match self {
            Self::Evm(signed) => signed.nonce.clone(),
            Self::Solana(transfer) => hex(transfer.message_digest()),
        }
    }

    /// The account that pays the fee of a transaction of Solana's.
    pub(super) fn fee_payer(&self) -> Option<&str> {
        match self {
            Self::Evm(_) => None,
            Self::Solana(transfer) => Some(transfer.fee_payer.as_str()),
        }
    }

    /// True if these terms are paid to, on their chain. The asset of an authorization is known to its signature alone.
    pub(super) fn goes_to(&self, terms: &ExactTerms) -> bool {
        match (self, &terms.pay_to, &terms.asset) {
            (Self::Evm(signed), ChainAddress::Evm(to), _) => signed.to == *to,
            (Self::Solana(transfer), ChainAddress::Solana(to), ChainAddress::Solana(mint)) => {
                transfer.mint == *mint && transfer.pays_to(to)
            }
            _ => false,
        }
    }

    /// The facilitator's code for the first part that differs from the route's terms; `None` if nothing differs.
    ///
    /// The facilitator checks this too, but the price of the route does not depend on the facilitator alone.
    pub(super) fn mismatch(&self, terms: &ExactTerms, amount: &Amount) -> Option<&'static str> {
        match self {
            Self::Evm(signed) if signed.value != *amount => {
                Some("invalid_exact_evm_payload_authorization_value_mismatch")
            }
            Self::Evm(_) if !self.goes_to(terms) => Some("invalid_exact_evm_payload_recipient_mismatch"),
            Self::Evm(_) => None,
            Self::Solana(transfer) => {
                if terms.asset.as_str() != transfer.mint.as_str() {
                    return Some("invalid_exact_svm_payload_mint_mismatch");
                }
                if Amount::from(transfer.amount) != *amount {
                    return Some("invalid_exact_svm_payload_amount_mismatch");
                }
                if terms.decimals.is_some_and(|decimals| decimals != transfer.decimals) {
                    return Some("invalid_exact_svm_payload_decimals_mismatch");
                }
                (!self.goes_to(terms)).then_some("invalid_exact_svm_payload_recipient_mismatch")
            }
        }
    }
}

impl Authorized {
    fn read(payload: &Value) -> Option<Self> {
        payload.get("signature").and_then(Value::as_str)?;
        let authorization = payload.get("authorization")?;
        let text = |name: &str| authorization.get(name).and_then(Value::as_str);
        let nonce = text("nonce")?;
        let digits = nonce.strip_prefix("0x")?;
        let is_nonce = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        Some(Self {
            from: EvmAddress::parse(text("from")?, "from").ok()?,
            to: EvmAddress::parse(text("to")?, "to").ok()?,
            value: text("value")?.parse().ok()?,
            nonce: nonce.to_ascii_lowercase(),
        })
        .filter(|_| is_nonce)
    }
}
