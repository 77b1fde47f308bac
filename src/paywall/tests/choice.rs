//! Rules 17 and 20: several plans pay for a route, and the token says which.

use super::harness::{Walk, World, over, token_of, world};
use super::*;

const CRYPTO: &str = "nvm:erc4337";
const CARD: &str = "nvm:card-delegation";

/// Paid by plan 1001 with 2 credits of crypto, by plan 1002 with 5 by card, by plan 1001 with 3 by card.
fn three() -> World {
    world(json!({
        "agentId": "7", "credits": 5,
        "plans": [
            { "planId": "1001", "credits": 2, "scheme": CRYPTO },
            { "planId": "1002", "network": "stripe", "agentId": "8" },
            { "planId": "1001", "credits": 3, "network": "braintree" },
        ],
    }))
}

fn paid(world: &mut World, token: &str) -> Walk {
    world.go(ask("GET", "/r", &[("payment-signature", token)]))
}

#[test]
fn rule_17_each_plan_is_an_entry_of_the_offer() {
    let answer = three().go(ask("GET", "/r", &[])).answer.unwrap();
    let offer = header(&answer.headers, "payment-required").unwrap();
    let entry = |accept: &Value| {
        let text = |value: &Value| String::from(value.as_str().unwrap());
        [
            &accept["planId"],
            &accept["scheme"],
            &accept["network"],
            &accept["extra"]["credits"],
            &accept["extra"]["agentId"],
        ]
        .map(text)
    };
    let entries: Vec<_> = offer["accepts"].as_array().unwrap().iter().map(entry).collect();
    assert_eq!(
        entries,
        [
            ["1001", CRYPTO, "eip155:84532", "2", "7"],
            ["1002", CARD, "stripe", "5", "8"],
            ["1001", CARD, "braintree", "3", "7"],
        ]
    );
}

#[test]
fn the_token_says_which_plan_it_pays_for() {
    for (name, plan, scheme, credits, agent) in [
        ("the first", "1001", CRYPTO, "2", "7"),
        ("the second", "1002", CARD, "5", "8"),
        ("the first plan, by card", "1001", CARD, "3", "7"),
    ] {
        let walk = paid(&mut three(), &token_of(plan, scheme, "0xb1", None));
        assert_eq!((walk.verified(), walk.settled()), (Some(credits), Some(credits)), "{name}");
        let forward = walk.forward.unwrap();
        let forwarded =
            ["x-payment-plan", "x-payment-agent", "x-payment-credits"].map(|name| forward.get(name));
        assert_eq!(forwarded, [Some(plan), Some(agent), Some(credits)], "{name}");
        // The whole offer is what is verified: the platform finds the entry that the token accepted.
        assert_eq!(
            walk.verified.unwrap()["paymentRequired"]["accepts"].as_array().unwrap().len(),
            3,
            "{name}"
        );
    }
}

#[test]
fn a_token_of_what_is_not_offered_is_refused_before_anybody_is_asked() {
    for (name, plan, scheme) in [
        ("a plan that is not offered", "1003", CRYPTO),
        ("a plan that is offered by card only", "1002", CRYPTO),
        ("a scheme of others", "1001", "exact"),
    ] {
        let walk = paid(&mut three(), &token_of(plan, scheme, "0xb1", None));
        assert_eq!(walk.said(), (402, "payment_for_another_plan".into()), "{name}");
        assert_eq!(walk.steps, ["respond"], "{name}");
        let answer = walk.answer.unwrap();
        assert!(answer.headers.get("payment-required").is_some(), "{name}: no fresh offer");
    }
}

#[test]
fn a_plan_without_a_price_has_that_of_its_route_and_each_is_counted_for_itself() {
    let plans = json!([
        { "planId": "1001", "scheme": CRYPTO },
        { "planId": "1002", "scheme": CRYPTO, "credits": { "by": "query", "name": "n", "each": 10, "most": 100 } },
    ]);
    let route = json!({ "credits": { "by": "query", "name": "n", "each": 1, "most": 10 }, "plans": plans });
    for (plan, expected) in [("1001", "4 of 4"), ("1002", "40 of 40")] {
        let mut world = over(json!({ "GET /r": route }), &[]);
        let token = token_of(plan, CRYPTO, "0xb1", None);
        let walk = world.go(ask("GET", "/r?n=4", &[("payment-signature", &token)]));
        assert_eq!(walk.sum(), expected, "{plan}");
    }
    // A plan that could not pay is not offered.
    let walk = over(json!({ "GET /r": route }), &[]).go(ask("GET", "/r?n=11", &[]));
    assert_eq!(walk.said(), (400, "price_too_high".into()));
}
