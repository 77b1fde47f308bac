//! Fail closed: whatever is wrong with a route names its key, and what needs the state is refused without it.

use super::harness::stated;
use super::*;
use alloc::format;

/// A route with these members over the usual ones; null takes one out.
pub(super) fn route(more: &Value) -> Value {
    let mut route = json!({ "planId": "1001", "credits": 2 });
    for (name, value) in more.as_object().unwrap() {
        route[name] = value.clone();
    }
    json!({ "GET /r": route })
}

fn price(price: Value) -> Value {
    json!({ "credits": price, "settle": "at-end-of-stream" })
}

/// Members of a route that are wrong, and the key that is named.
pub(super) fn wrong() -> Vec<(Value, &'static str)> {
    let limit = |limit: Value| json!({ "limit": limit });
    let free = |free: Value| json!({ "free": free });
    let plans = |plans: Value| json!({ "planId": null, "plans": plans });
    Vec::from([
        // Prices (rule 20).
        (price(json!({ "most": 5 })), "credits.by"),
        (price(json!({ "by": "weather", "most": 5 })), "credits.by"),
        (price(json!({ "by": 1, "most": 5 })), "credits.by"),
        (price(json!({ "by": "byte", "each": 1 })), "credits.most"),
        (price(json!({ "by": "byte", "each": 1, "most": 0 })), "credits.most"),
        (price(json!({ "by": "byte", "each": 1, "most": -1 })), "credits.most"),
        (price(json!({ "by": "byte", "each": 1, "most": "many" })), "credits.most"),
        (price(json!({ "by": "byte", "most": 5 })), "credits.each"),
        (price(json!({ "by": "byte", "each": 0, "most": 5 })), "credits.each"),
        (price(json!({ "by": "byte", "each": 0.5, "most": 5 })), "credits.each"),
        (price(json!({ "by": "byte", "each": 9_007_199_254_740_992_u64, "most": 5 })), "credits.each"),
        (price(json!({ "by": "byte", "each": 1, "per": 0, "most": 5 })), "credits.per"),
        (price(json!({ "by": "byte", "each": 1, "base": -1, "most": 5 })), "credits.base"),
        (price(json!({ "by": "byte", "each": 1, "name": "n", "most": 5 })), "credits.name"),
        (price(json!({ "by": "event", "each": 1, "member": "n", "most": 5 })), "credits.member"),
        (price(json!({ "by": "token", "each": 1, "most": 5 })), "credits.member"),
        (price(json!({ "by": "token", "each": 1, "member": "", "most": 5 })), "credits.member"),
        (price(json!({ "by": "query", "each": 1, "most": 5 })), "credits.name"),
        (price(json!({ "by": "query", "each": 1, "name": "a b", "most": 5 })), "credits.name"),
        (price(json!({ "by": "query", "each": 1, "name": "a[b]", "most": 5 })), "credits.name"),
        (price(json!({ "by": "header", "name": "x", "most": 5 })), "credits.each"),
        (price(json!({ "by": "origin", "most": 5 })), "credits.name"),
        (price(json!({ "by": "origin", "name": "x", "each": 1, "most": 5 })), "credits.each"),
        (price(json!({ "by": "origin", "name": "x", "most": 5, "max": 5 })), "credits.max"),
        (price(json!({ "by": "handler", "name": "x", "most": 5 })), "credits.name"),
        (json!({ "credits": true }), "credits"),
        (json!({ "credits": [1] }), "credits"),
        // Ways to settle (rule 19).
        (json!({ "settle": "later" }), "settle"),
        (json!({ "settle": true }), "settle"),
        (json!({ "maxOpen": 1 }), "maxOpen"),
        (json!({ "maxOpen": 1, "settle": "before-delivery" }), "maxOpen"),
        (json!({ "maxOpen": 0, "settle": "after-delivery" }), "maxOpen"),
        (json!({ "maxOpen": 1001, "settle": "after-delivery" }), "maxOpen"),
        (json!({ "maxOpen": "1", "settle": "after-delivery" }), "maxOpen"),
        (json!({ "maxOpen": 1, "unbounded": true, "settle": "after-delivery" }), "maxOpen"),
        (json!({ "unbounded": true }), "unbounded"),
        (json!({ "unbounded": "yes", "settle": "after-delivery" }), "unbounded"),
        (json!({ "credits": { "by": "byte", "each": 1, "most": 5 } }), "settle"),
        (json!({ "credits": { "by": "event", "each": 1, "most": 5 }, "settle": "after-delivery" }), "settle"),
        (json!({ "receipt": "mail" }), "receipt"),
        (json!({ "receipt": "url" }), "receipt"),
        (json!({ "receipt": "event" }), "receipt"),
        (json!({ "receipt": "header", "settle": "after-delivery" }), "receipt"),
        (json!({ "receipt": "event", "settle": "after-delivery" }), "receipt"),
        (json!({ "receipt": "header", "settle": "at-end-of-stream" }), "receipt"),
        // Rates and allowances.
        (limit(json!(5)), "limit"),
        (limit(json!({ "seconds": 60, "by": "payer" })), "limit.requests"),
        (limit(json!({ "requests": 0, "seconds": 60, "by": "payer" })), "limit.requests"),
        (limit(json!({ "requests": 1_000_001, "seconds": 60, "by": "payer" })), "limit.requests"),
        (limit(json!({ "requests": 1, "by": "payer" })), "limit.seconds"),
        (limit(json!({ "requests": 1, "seconds": 86_401, "by": "payer" })), "limit.seconds"),
        (limit(json!({ "requests": 1, "seconds": 60 })), "limit.by"),
        (limit(json!({ "requests": 1, "seconds": 60, "by": "moon" })), "limit.by"),
        (limit(json!({ "requests": 1, "seconds": 60, "by": "payer", "burst": 1 })), "limit.burst"),
        (free(json!({ "by": "payer" })), "free.perDay"),
        (free(json!({ "perDay": 0, "by": "payer" })), "free.perDay"),
        (free(json!({ "perDay": "2", "by": "payer" })), "free.perDay"),
        (free(json!({ "perDay": 2 })), "free.by"),
        (free(json!({ "perDay": 2, "by": "payer", "perHour": 1 })), "free.perHour"),
        // Members that are passed to the platform.
        (json!({ "marginPercent": -1 }), "marginPercent"),
        (json!({ "marginPercent": 10.5 }), "marginPercent"),
        (json!({ "marginPercent": "5" }), "marginPercent"),
        (json!({ "marginPercent": 5, "credits": 0 }), "marginPercent"),
        (
            json!({ "marginPercent": 5, "credits": { "by": "origin", "name": "x", "most": 5 } }),
            "marginPercent",
        ),
        (json!({ "batch": "yes" }), "batch"),
        (json!({ "singleUse": 1 }), "singleUse"),
        (json!({ "mimeType": 1 }), "mimeType"),
        (json!({ "agentId": "a b" }), "agentId"),
        (json!({ "agentID": "1" }), "agentID"),
        // Several plans.
        (json!({ "plans": [{ "planId": "1" }] }), "planId"),
        (json!({ "planId": null, "scheme": "nvm:erc4337", "plans": [{ "planId": "1" }] }), "scheme"),
        (json!({ "planId": null, "network": "stripe", "plans": [{ "planId": "1" }] }), "network"),
        (plans(json!({})), "plans"),
        (plans(json!([])), "plans"),
        (plans(json!(["1", "2"])), "plans[0]"),
        (plans(json!([{ "planId": "1" }, { "credits": 1 }])), "plans[1].planId"),
        (plans(json!([{ "planId": "1" }, { "planId": "1" }])), "plans[1]"),
        (plans(json!([{ "planId": "1" }, { "planId": "2", "network": "moon" }])), "plans[1].network"),
        (plans(json!([{ "planId": "1", "settle": "after-delivery" }])), "plans[0].settle"),
        (
            plans(json!([{ "planId": "1", "credits": { "by": "query", "name": "n", "most": 2 } }])),
            "plans[0].credits.each",
        ),
        (
            json!({ "planId": null, "credits": null, "plans": [{ "planId": "1", "credits": 1 }, { "planId": "2" }] }),
            "plans[1].credits",
        ),
        (
            json!({ "planId": null, "settle": "at-end-of-stream", "plans": [
                { "planId": "1" }, { "planId": "2", "credits": { "by": "byte", "each": 1, "most": 2 } },
            ] }),
            "plans[1]",
        ),
        (
            plans(json!((0..9).map(|plan| json!({ "planId": format!("{plan}") })).collect::<Vec<_>>())),
            "plans",
        ),
    ])
}

#[test]
fn what_is_wrong_with_a_route_is_named() {
    for (more, key) in wrong() {
        let error = stated(&route(&more), &[]).err().unwrap_or_else(|| panic!("{more}: no error"));
        // A plan without a price is told of the key of its route where that has none either.
        let expected = format!("ROUTES[\"GET /r\"].{key}");
        let of_route = key == "plans[1].credits" && error.key == "ROUTES[\"GET /r\"].credits";
        assert!(error.key == expected || of_route, "{more}: {error}");
        assert!(!error.problem.is_empty() && !error.problem.ends_with('.'), "{error}");
    }
}

/// Members of a route that are right.
pub(super) fn right() -> Vec<Value> {
    Vec::from([
        json!({ "credits": { "by": "query", "name": "n", "base": 0, "each": 1, "per": 1, "most": "5" } }),
        json!({ "credits": { "by": "header", "name": "X-N", "each": 1, "most": 5 } }),
        json!({ "credits": { "by": "origin", "name": "X-Credits", "most": 5 } }),
        json!({ "credits": { "by": "handler", "most": 5 } }),
        price(json!({ "by": "token", "member": "usage.total_tokens", "each": 1, "most": 5 })),
        json!({ "settle": "at-end-of-stream", "receipt": "event" }),
        json!({ "settle": "after-delivery", "receipt": "url" }),
        json!({ "settle": "after-delivery", "maxOpen": 1000 }),
        json!({ "settle": "at-end-of-stream", "unbounded": true, "maxOpen": null }),
        json!({ "settle": "before-delivery", "unbounded": false }),
        json!({ "settle": null, "receipt": null, "limit": null, "free": null, "batch": null }),
        json!({ "marginPercent": 10, "batch": true, "singleUse": true }),
        json!({ "limit": { "requests": 1, "seconds": 1, "by": "address" }, "free": { "perDay": 1, "by": "payer" } }),
        json!({ "planId": null, "plans": [{ "planId": "1" }, { "planId": "1", "network": "stripe" }] }),
    ])
}

#[test]
fn what_is_right_with_a_route_is_taken() {
    for more in right() {
        let settings = stated(&route(&more), &[]).unwrap_or_else(|error| panic!("{more}: {error}"));
        assert!(settings.warnings().is_empty(), "{more}");
    }
}

#[test]
fn what_needs_the_state_is_refused_without_it_and_what_else_is_not_promised_is_said() {
    let read = |more: &Value| {
        let routes = route(more).to_string();
        settings(&[("ROUTES", routes.as_str())])
    };
    for (more, key) in [
        (json!({ "settle": "after-delivery" }), "settle"),
        (json!({ "settle": "at-end-of-stream" }), "settle"),
        (json!({ "settle": "at-end-of-stream", "receipt": "event" }), "settle"),
        (json!({ "settle": "at-end-of-stream", "maxOpen": 3 }), "settle"),
        (json!({ "settle": "at-end-of-stream", "unbounded": false }), "settle"),
        (json!({ "settle": "after-delivery", "unbounded": true, "receipt": "url" }), "receipt"),
        (json!({ "singleUse": true }), "singleUse"),
        (json!({ "limit": { "requests": 1, "seconds": 1, "by": "payer" } }), "limit"),
        (json!({ "free": { "perDay": 1, "by": "payer" } }), "free"),
    ] {
        let error = read(&more).unwrap_err();
        assert_eq!(error.key, format!("ROUTES[\"GET /r\"].{key}"), "{more}");
        assert!(error.problem.contains("PAYWALL_STATE"), "{error}");
    }
    for (more, count) in [
        (json!({}), 2),
        (json!({ "settle": "at-end-of-stream", "receipt": "event", "unbounded": true }), 4),
        (json!({ "settle": "after-delivery", "unbounded": true }), 4),
    ] {
        let settings = read(&more).unwrap();
        assert_eq!(settings.warnings().len(), count, "{more}");
        assert!(settings.warnings().iter().all(|warning| warning.contains("PAYWALL_STATE")));
    }
    // A handler is the library's.
    let error = read(&json!({ "credits": { "by": "handler", "most": 5 } })).unwrap_err();
    assert_eq!(error.key, "ROUTES[\"GET /r\"].credits.by");
}

#[test]
fn for_how_long_a_verification_is_believed_is_named() {
    for (value, right) in [
        ("0", true),
        ("60", true),
        (" 5 ", true),
        ("61", false),
        ("-1", false),
        ("1.5", false),
        ("soon", false),
    ] {
        match stated(&route(&json!({})), &[("VERIFY_CACHE_SECONDS", value)]) {
            Ok(_) => assert!(right, "{value}"),
            Err(error) => assert_eq!((error.key.as_str(), right), ("VERIFY_CACHE_SECONDS", false), "{value}"),
        }
    }
}
