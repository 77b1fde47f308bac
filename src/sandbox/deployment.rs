//! What the sandbox says of itself, and the legal documents nobody reads (contract sections 4.3, 1.4).

use super::call::{Reply, member};
use super::problem::{Outcome, Problem};
use super::store::binds;
use super::{Desk, accounts};
use serde_json::{Map, Value, json};

/// Who issues the sandbox's keys.
pub(super) const ISSUER: &str = "0x5a6db0c500000000000000000000000000000000";

/// All of them: `payments-py` refuses an answer in which one is missing.
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

/// The address of a contract: made up, but the same each time, and told apart from those of accounts by its look.
pub(super) fn contract(name: &str) -> String {
    let index = CONTRACTS.iter().position(|known| *known == name).map_or(0, |index| index + 1);
    format!("0xc0de{index:036x}")
}

/// `GET /`
pub(super) fn info() -> Outcome {
    let contracts: Map<String, Value> =
        CONTRACTS.iter().map(|name| ((*name).to_owned(), contract(name).into())).collect();
    Reply::ok(json!({
        "name": "Nevermined sandbox",
        "deployment": { "version": env!("CARGO_PKG_VERSION"), "chainId": 84532, "contracts": contracts },
    }))
}

/// `GET /api/v1/legal-documents/manifest`
pub(super) fn manifest() -> Outcome {
    Reply::ok(json!({ "documents": { "terms": { "current": "1.0.0" } } }))
}

/// `POST /api/v1/legal-documents/me/consents`: any list of documents and versions is written down.
pub(super) fn consent(desk: &Desk) -> Outcome {
    let caller = accounts::caller(desk)?;
    let consents = consents(&desk.call.json()?);
    if consents.is_empty() {
        return Err(Problem::bad_request("consents names no document"));
    }
    for (document, version) in &consents {
        desk.store.run(
            "INSERT OR IGNORE INTO consents (account, document, version, at) VALUES (?, ?, ?, ?)",
            binds![caller.id(), document.as_str(), version.as_str(), desk.call.now],
        )?;
    }
    Reply::created(json!({ "recorded": consents.len() }))
}

/// The contract does not say what the body looks like: any array of objects is read, and so is one object.
fn consents(body: &Map<String, Value>) -> Vec<(String, String)> {
    let word = |entry: &Map<String, Value>, names: &[&str]| {
        names
            .iter()
            .find_map(|name| member(entry, name).and_then(Value::as_str))
            .unwrap_or_default()
            .to_owned()
    };
    let read = |entry: &Map<String, Value>| {
        let document = word(entry, &["document", "documentType", "documentId", "type", "slug", "id"]);
        (!document.is_empty()).then(|| (document, word(entry, &["version", "documentVersion", "current"])))
    };
    match body.values().find_map(Value::as_array) {
        Some(list) => list.iter().filter_map(Value::as_object).filter_map(read).collect(),
        None => read(body).into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::keys::is_address;

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

    #[test]
    fn consents_are_read_in_any_wrapping() {
        for (body, count) in [
            (json!({ "consents": [{ "documentType": "terms", "version": "1.0.0" }] }), 1),
            (
                json!({ "documents": [{ "type": "terms", "version": "1" }, { "type": "privacy", "version": "1" }] }),
                2,
            ),
            (json!({ "document": "terms", "version": "1" }), 1),
            (json!({}), 0),
        ] {
            assert_eq!(consents(body.as_object().unwrap()).len(), count, "{body}");
        }
    }
}
