//! The JSON Schema says of the dialects what their reader says.

use super::schema::{by_reader, by_schema, document};
use super::*;

/// An amount of an asset that is well made, with these members over it; null takes one out.
fn exact(more: &Value) -> Value {
    let mut accept = json!({
        "scheme": "exact", "network": "eip155:8453", "amount": "5", "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913",
        "payTo": "0x209693Bc6afc0C5328bA36FaF03C514EF312287C", "extra": { "name": "USD Coin", "version": "2" }, "facilitator": "https://f.example/x402",
    });
    for (name, value) in more.as_object().unwrap() {
        accept[name] = value.clone();
    }
    accept
}

/// The same on Solana.
fn solana(more: &Value) -> Value {
    let mut accept = exact(&json!({
        "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        "payTo": "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4", "extra": null,
    }));
    accept.as_object_mut().unwrap().remove("extra");
    for (name, value) in more.as_object().unwrap() {
        accept[name] = value.clone();
    }
    accept
}

#[test]
fn what_is_wrong_with_a_dialect_is_wrong_in_both() {
    let route = |route: Value| json!({ "routes": { "GET /r": route } });
    let amount = |more: Value| route(json!({ "accepts": exact(&more) }));
    let paid = json!({ "planId": "1", "credits": 1, "accepts": [exact(&json!({})), exact(&json!({ "network": "eip155:84532" }))] });
    for more in [
        json!({ "mpp": true }),
        json!({ "mpp": { "bindBody": true, "description": "An answer" } }),
        json!({ "paymentIdentifier": "required" }),
        json!({ "paymentIdentifier": false }),
        json!({ "x402v1": true, "routes": { "GET /r": { "accepts": exact(&json!({})) } } }),
        amount(json!({ "amount": 5, "maxTimeoutSeconds": 3600, "facilitator": "http://127.0.0.1:4000" })),
        amount(solana(&json!({ "extra": {} }))),
        route(json!({ "accepts": solana(&json!({})) })),
        amount(solana(
            &json!({ "decimals": 6, "extra": { "feePayer": "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4" } }),
        )),
        route(paid),
        route(json!({ "plans": [{ "planId": "1", "credits": 1 }], "accepts": exact(&json!({})) })),
    ] {
        let config = document(&more);
        assert_eq!((by_reader(&config), by_schema(&config)), (None, None), "{more}");
    }
    for more in [
        json!({ "mpp": "yes" }),
        json!({ "mpp": { "bindbody": true } }),
        json!({ "mpp": { "description": "" } }),
        json!({ "paymentIdentifier": "yes" }),
        json!({ "x402v1": 1 }),
        route(json!({ "accepts": [] })),
        route(json!({ "accepts": "exact" })),
        route(json!({ "accepts": exact(&json!({})), "credits": 1 })),
        route(json!({ "accepts": exact(&json!({})), "planId": "1" })),
        amount(json!({ "scheme": "upto" })),
        amount(json!({ "network": "solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp" })),
        amount(json!({ "network": "eip155:08453" })),
        amount(json!({ "decimals": 6 })),
        amount(solana(&json!({ "network": "solana:EtWTRABZaYq6iMfeYKouRu16" }))),
        amount(solana(&json!({ "network": "solana-devnet" }))),
        amount(solana(&json!({ "asset": "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913" }))),
        amount(solana(&json!({ "payTo": "0OIl4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJD" }))),
        amount(solana(&json!({ "decimals": 256 }))),
        amount(solana(&json!({ "decimals": "6" }))),
        amount(solana(&json!({ "extra": { "feePayer": 7 } }))),
        amount(json!({ "amount": "0" })),
        amount(json!({ "amount": 0 })),
        amount(json!({ "amount": "1.5" })),
        amount(json!({ "asset": "0x1" })),
        amount(json!({ "payTo": null })),
        amount(json!({ "extra": { "name": "USD Coin" } })),
        amount(json!({ "extra": { "name": "", "version": "2" } })),
        amount(json!({ "facilitator": "f.example" })),
        amount(json!({ "facilitator": null })),
        amount(json!({ "maxTimeoutSeconds": 9 })),
        amount(json!({ "maxTimeoutSeconds": 3601 })),
        amount(json!({ "maxTimeout": 60 })),
    ] {
        let config = document(&more);
        assert!(by_reader(&config).is_some(), "{more}");
        assert!(by_schema(&config).is_some(), "{more}");
    }
}
