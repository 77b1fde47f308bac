//! Names that all token files share: protocols and payment schemes.

use serde_json::{Map, Value};

pub(crate) const CRYPTO: &str = "nvm:erc4337";
pub(crate) const CARD: &str = "nvm:card-delegation";

/// The protocol whose routes accept the token. The other protocol's routes refuse it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    X402,
    Mpp,
}

impl Protocol {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::X402 => "x402",
            Self::Mpp => "mpp",
        }
    }
}

/// Removes members that are null.
pub(crate) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(without_nulls).collect::<Vec<_>>().into(),
        other => other.clone(),
    }
}
