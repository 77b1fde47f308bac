//! Information about the deployment (contract section 4.3).

use crate::context::RequestContext;
use crate::crypto::issuer_key::IssuerKey;
use crate::http::error::Result;
use crate::http::response::Response;
use crate::primitives::contracts::{CONTRACTS, contract};
use serde_json::{Map, Value, json};

/// `GET /`
pub(crate) fn info() -> Result {
    let contracts: Map<String, Value> =
        CONTRACTS.iter().map(|name| ((*name).to_owned(), contract(name).into())).collect();
    Response::ok(json!({
        "name": "Nevermined sandbox",
        "deployment": { "version": env!("CARGO_PKG_VERSION"), "chainId": 84532, "contracts": contracts },
    }))
}

/// `GET /.well-known/jwks.json`: the public key that verifies card tokens and OAuth tokens.
pub(crate) fn jwks(ctx: &RequestContext) -> Result {
    Response::ok(IssuerKey::load(ctx)?.jwks())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::api_key::is_address;

    #[test]
    fn all_nineteen_contracts_have_different_addresses() {
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
