//! Rates and allowances: who asks too often is told so before anything is reserved, and a few a day are free.

use super::harness::{Walk, World, token_of, world};
use super::*;
use alloc::format;

const HOUR_MS: u64 = 3_600_000;

fn limited(by: &str, more: &[(&str, Value)]) -> World {
    let mut route = json!({
        "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "limit": { "requests": 2, "seconds": 3600, "by": by },
    });
    for (name, value) in more {
        route[*name] = value.clone();
    }
    world(route)
}

fn free(by: &str) -> World {
    world(json!({
        "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "free": { "perDay": 2, "by": by },
    }))
}

/// A request of somebody from somewhere, with a single-use token where there is a nonce.
fn from(world: &mut World, address: &str, token: Option<&str>) -> Walk {
    let headers: Vec<_> = token.map(|token| ("payment-signature", token)).into_iter().collect();
    world.go(RequestHead { address: Some(address.into()), ..ask("GET", "/r", &headers) })
}

fn once(nonce: u32) -> String {
    token_of("1001", "nvm:erc4337", "0xb1", Some(&format!("0x{nonce:x}")))
}

#[test]
fn a_payers_rate_is_looked_at_before_anything_is_reserved() {
    let mut world = limited("payer", &[("free", json!({ "perDay": 9, "by": "payer" }))]);
    for nonce in 0..2 {
        assert_eq!(from(&mut world, "192.0.2.1", Some(&once(nonce))).sum(), "nothing of 2");
    }
    let walk = from(&mut world, "192.0.2.1", Some(&once(2)));
    assert_eq!(
        (walk.said(), walk.steps.join(" ")),
        ((429, "rate_limited".into()), "verify admit respond".into())
    );
    let answer = walk.answer.as_ref().unwrap();
    let wait: u64 = answer.headers.get("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 1800);
    assert_eq!(answer.headers.get("payment-required"), None, "paying again is not what helps");
    assert_eq!(walk.receipt().unwrap()["errorReason"], "not_settled");
    // Its token and the day's allowance were not touched.
    world.now += wait * 1000;
    assert_eq!(from(&mut world, "192.0.2.1", Some(&once(2))).sum(), "nothing of 2");
    // Another payer is another.
    world.verify = Some(answered(200, &json!({ "isValid": true, "payer": "0xb2" })));
    assert_eq!(from(&mut world, "192.0.2.1", Some(&once(3))).sum(), "nothing of 2");
}

#[test]
fn an_addresss_rate_is_looked_at_before_anybody_is_asked() {
    let mut world = limited("address", &[]);
    let token = token();
    for (name, address, token, expected) in [
        ("the first", "192.0.2.1", Some(&token), "2 of 2"),
        ("the same network, without a token", "192.0.2.200", None, "402 payment_missing"),
        ("too often", "192.0.2.7", Some(&token), "429 rate_limited"),
        ("too often, without a token", "192.0.2.7", None, "429 rate_limited"),
        ("the next network", "192.0.3.1", Some(&token), "2 of 2"),
        ("IPv6", "2001:db8:1:2::1", Some(&token), "2 of 2"),
        ("IPv6, the same network", "2001:0db8:0001:ffff::9", Some(&token), "2 of 2"),
        ("IPv6, too often", "2001:db8:1::3", Some(&token), "429 rate_limited"),
        ("IPv6, another network", "2001:db8:2::3", Some(&token), "2 of 2"),
    ] {
        let walk = from(&mut world, address, token.map(String::as_str));
        assert_eq!(walk.sum(), expected, "{name}");
        assert_eq!(walk.steps.first(), Some(&"rate"), "{name}");
        if walk.said().0 == 429 {
            assert_eq!(walk.steps, ["rate", "respond"], "{name}");
        }
    }
    world.now += HOUR_MS;
    assert_eq!(from(&mut world, "192.0.2.7", Some(&token)).sum(), "2 of 2");
}

#[test]
fn a_few_a_day_are_free_for_an_address_without_a_token() {
    let mut world = free("address");
    let token = token();
    for (name, address, token, expected, steps) in [
        ("the first", "192.0.2.1", None, "nothing of nothing", "allowance origin deliver"),
        (
            "one with a token is paid for",
            "192.0.2.1",
            Some(&token),
            "2 of 2",
            "verify origin write settle deliver",
        ),
        ("the second", "192.0.2.2", None, "nothing of nothing", "allowance origin deliver"),
        ("no more today", "192.0.2.1", None, "402 payment_missing", "allowance respond"),
        ("another network", "192.0.3.1", None, "nothing of nothing", "allowance origin deliver"),
    ] {
        let walk = from(&mut world, address, token.map(String::as_str));
        assert_eq!((walk.sum().as_str(), walk.steps.join(" ").as_str()), (expected, steps), "{name}");
        if steps.starts_with("allowance origin") {
            assert_eq!(walk.receipt().unwrap()["creditsRedeemed"], "0", "{name}");
            let headers = walk.forward.unwrap();
            assert_eq!(
                (headers.get("x-payment-credits"), headers.get("x-payment-payer")),
                (Some("0"), None),
                "{name}"
            );
        }
    }
    // A token that is none is not a gift.
    let walk = from(&mut free("address"), "192.0.2.1", Some("hello"));
    assert_eq!(walk.sum(), "402 payment_malformed");
}

#[test]
fn a_few_a_day_are_free_for_a_payer() {
    let mut world = free("payer");
    for (index, expected) in ["nothing of 2", "nothing of 2", "2 of 2"].into_iter().enumerate() {
        let walk = from(&mut world, "192.0.2.1", Some(&once(u32::try_from(index).unwrap())));
        assert_eq!(walk.sum(), expected, "{index}");
    }
    assert_eq!(from(&mut world, "192.0.2.1", None).sum(), "402 payment_missing", "not without a token");
    // A free allowance also delivers only one response for a single-use token.
    assert_eq!(from(&mut world, "192.0.2.1", Some(&once(0))).sum(), "402 payment_token_used");
    // The next day.
    world.now += 24 * HOUR_MS;
    assert_eq!(from(&mut world, "192.0.2.1", Some(&once(9))).sum(), "nothing of 2");
}

#[test]
fn what_failed_is_given_back() {
    for (by, token) in [("address", false), ("payer", true)] {
        for failure in [origin(500), origin(404), Event::OriginFailed, Event::OriginTimedOut] {
            let mut world = free(by);
            let good = core::mem::replace(&mut world.origin, failure);
            for nonce in 0..5 {
                let walk = from(&mut world, "192.0.2.1", Some(once(nonce)).filter(|_| token).as_deref());
                assert_ne!(walk.said().0, 402, "{by}");
            }
            world.origin = good;
            let served: Vec<_> = (0..3)
                .map(|nonce| {
                    from(&mut world, "192.0.2.1", Some(once(nonce)).filter(|_| token).as_deref())
                        .settled
                        .is_none()
                })
                .collect();
            assert_eq!(served[..2], [true, true], "{by}");
        }
    }
}
