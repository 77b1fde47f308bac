//! Information about the deployment (contract section 4.3).

use crate::Desk;
use crate::crypto::signing_keys::House;
use crate::http::error::Outcome;
use crate::http::request::Reply;
use serde_json::{Map, Value, json};

/// The issuer of the sandbox's API keys.
pub(crate) const ISSUER: &str = "0x5a6db0c500000000000000000000000000000000";

/// All contracts: `payments-py` refuses a response in which one is missing.
const CONTRACTS: [&str; 19] = [
    "AccessManager",
    "AgreementsStore",
    "AssetsRegistry",
    "DistributePaymentsCondition",
    "FiatPaymentTemplate",
    "FiatSettlementCondition",
    "FixedPaymentTemplate",
    "LinearPricing",
    "LockPaymentCondition",
    "NFT1155Credits",
    "NFT1155ExpirableCredits",
    "NFT1155ExpirableCreditsV2",
    "NVMConfig",
    "OneTimeCreatorHook",
    "PayAsYouGoTemplate",
    "PaymentsVault",
    "ProtocolStandardFees",
    "TokenUtils",
    "TransferCreditsCondition",
];

/// The address of a contract: made up, always the same, and different from any account's by its prefix.
pub(crate) fn contract(name: &str) -> String {
    let index = CONTRACTS.iter().position(|known| *known == name).map_or(0, |index| index + 1);
    format!("0xc0de{index:036x}")
}

/// `GET /`
pub(crate) fn info() -> Outcome {
    let contracts: Map<String, Value> =
        CONTRACTS.iter().map(|name| ((*name).to_owned(), contract(name).into())).collect();
    Reply::ok(json!({
        "name": "Nevermined sandbox",
        "deployment": { "version": env!("CARGO_PKG_VERSION"), "chainId": 84532, "contracts": contracts },
    }))
}

/// `GET /.well-known/jwks.json`: the public key that verifies card tokens and OAuth tokens.
pub(crate) fn jwks(desk: &Desk) -> Outcome {
    Reply::ok(House::load(desk)?.jwks())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::api_key::is_address;

    #[test]
    fn all_nineteen_contracts_have_an_address_of_their_own() {
        let body: Value = serde_json::from_str(info().unwrap().body_text()).unwrap();
        let contracts = body["deployment"]["contracts"].as_object().unwrap();
        assert_eq!(contracts.len(), 19);
        assert!(contracts.values().all(|address| is_address(address.as_str().unwrap())));
        let mut addresses: Vec<_> = contracts.values().map(Value::to_string).collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 19);
    }
}
