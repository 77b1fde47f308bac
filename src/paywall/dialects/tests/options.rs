//! Options of the dialects.

use super::*;

#[test]
fn a_route_has_an_amount_as_one_of_its_plans() {
    let exact = format!("exact:eip155:84532:{}:{}", ASSET.to_lowercase(), SHOP.to_lowercase());
    let amount = json!({ "planId": exact, "network": "eip155:84532", "credits": "10000" });
    for (route, expected) in [
        (json!({ "planId": "1001", "credits": 2 }), json!({ "planId": "1001", "credits": 2 })),
        (json!({ "planId": "1001", "agentId": "7" }), json!({ "planId": "1001", "credits": 2 })),
        (json!({ "plans": [{ "planId": "1001", "credits": 2 }] }), json!({ "planId": "1001", "credits": 2 })),
        (
            json!({ "planId": "1001", "credits": 2, "scheme": "nvm:card-delegation", "network": "stripe" }),
            json!({ "planId": "1001", "credits": 2, "scheme": "nvm:card-delegation", "network": "stripe" }),
        ),
    ] {
        let mut with = route.clone();
        with["accepts"] = json!([accept()]);
        let (_, options) = read(&json!({ "routes": { "GET /r": with }, "unlisted": "deny" })).unwrap();
        let mut expected = expected;
        if route.get("credits").is_none() && route.get("plans").is_none() {
            // As a route of the library without a price.
            expected["credits"] = 1.into();
        }
        assert_eq!(options["routes"]["GET /r"]["plans"], json!([expected, amount]), "{route}");
        assert_eq!(options["routes"]["GET /r"].get("accepts"), None);
        assert_eq!(options["unlisted"], "deny");
    }
    let (_, options) = read(&json!({ "routes": { "GET /r": { "accepts": [accept()] } } })).unwrap();
    assert_eq!(options["routes"]["GET /r"]["plans"], json!([amount]), "amounts alone");
}

#[test]
fn a_wrong_option_is_named() {
    let with = |name: &str, value: Value| {
        let mut accept = accept();
        accept[name] = value;
        json!({ "routes": { "GET /r": { "planId": "1", "accepts": [accept] } } })
    };
    let at = |name: &str| format!("routes[\"GET /r\"].accepts[0].{name}");
    let mut other = accept();
    other["facilitator"] = "https://other.example".into();
    for (options, key) in [
        (json!({ "mpp": "yes" }), "mpp".to_string()),
        (json!({ "mpp": { "bindbody": true } }), "mpp.bindbody".into()),
        (json!({ "mpp": { "bindBody": 1 } }), "mpp.bindBody".into()),
        (json!({ "paymentIdentifier": "sometimes" }), "paymentIdentifier".into()),
        (json!({ "x402v1": true }), "x402v1".into()),
        (
            json!({ "mpp": true, "routes": { "GET /r": { "planId": "1", "credits": { "by": "origin", "name": "x", "most": 5 } } } }),
            "routes[\"GET /r\"].credits".into(),
        ),
        (
            json!({ "routes": { "GET /r": { "planId": "1", "credits": { "by": "handler", "most": 5 }, "accepts": [accept()] } } }),
            "routes[\"GET /r\"].accepts".into(),
        ),
        (
            json!({ "mpp": true, "routes": { "GET /r": { "planId": "1", "marginPercent": 5 } } }),
            "routes[\"GET /r\"].marginPercent".into(),
        ),
        (
            json!({ "routes": { "GET /r": { "planId": "1", "marginPercent": 0, "accepts": [accept()] } } }),
            "routes[\"GET /r\"].marginPercent".into(),
        ),
        (
            json!({ "routes": { "GET /r": { "planId": "1", "accepts": [] } } }),
            "routes[\"GET /r\"].accepts".into(),
        ),
        (
            json!({ "routes": { "GET /r": { "credits": 1, "accepts": [accept()] } } }),
            "routes[\"GET /r\"].planId".into(),
        ),
        (
            json!({ "routes": { "GET /r": { "accepts": [accept()] }, "GET /s": { "accepts": [other] } } }),
            "routes[\"GET /s\"].accepts[0]".into(),
        ),
        (with("scheme", json!("upto")), at("scheme")),
        (with("network", json!("base")), at("network")),
        (with("network", json!("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1")), at("asset")),
        (with("network", json!("solana:EtWTRABZaYq6iMfe")), at("network")),
        (with("decimals", json!(6)), at("decimals")),
        (with("amount", json!("0.01")), at("amount")),
        (with("amount", json!(0)), at("amount")),
        (with("asset", json!("USDC")), at("asset")),
        (with("payTo", json!("")), at("payTo")),
        (with("extra", json!({ "name": "USDC" })), at("extra.version")),
        (with("maxTimeoutSeconds", json!(0)), at("maxTimeoutSeconds")),
        (with("facilitator", json!("http://facilitator.example")), at("facilitator")),
        (with("facilitator", json!("http://127.0.0.1.evil.example")), at("facilitator")),
        (with("facilitator", json!("facilitator.example")), at("facilitator")),
        (with("price", json!("$0.01")), at("price")),
    ] {
        assert_eq!(read(&options).unwrap_err().0, key, "{options}");
    }
    for facilitator in ["http://127.0.0.1:3000", "http://localhost:1/x", "http://[::1]:5"] {
        assert!(read(&with("facilitator", json!(facilitator))).is_ok(), "{facilitator}");
    }
}
