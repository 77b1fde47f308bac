//! Rule 19: when a paid answer is settled, and how the buyer gets to read the receipt. What is handed on to settle.

use super::harness::{World, request, token_of, world};
use super::*;
use alloc::format;

fn settled(settle: &str, more: &[(&str, Value)]) -> World {
    let mut route = json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "settle": settle });
    for (name, value) in more {
        route[*name] = value.clone();
    }
    world(route)
}

fn refused() -> Event {
    answered(402, &json!({ "code": "BCK.CREDITS.0003", "message": "no" }))
}

#[test]
fn rule_19_the_order_of_things() {
    for (settle, steps) in [
        ("before-delivery", "verify origin write settle deliver"),
        ("after-delivery", "verify admit origin write deliver charge settle"),
        ("at-end-of-stream", "verify admit origin write deliver charge settle"),
    ] {
        let admit = if settle == "before-delivery" { "" } else { "admit " };
        let walk = settled(settle, &[]).go(request("", &[]));
        assert_eq!(walk.steps.join(" "), steps, "{settle}");
        assert_eq!(walk.sum(), "2 of 2", "{settle}");
        for status in [301, 404, 500] {
            let walk = settled(settle, &[]).says(status, &[]).go(request("", &[]));
            let steps = ["verify ", admit, "origin deliver"].concat();
            assert_eq!(walk.steps.join(" "), steps, "{settle} {status}");
            assert_eq!(walk.receipt().unwrap()["success"], false, "{settle} {status}");
        }
        // A single-use token is claimed before the origin works, with the entry of what is settled before it is delivered.
        let token = token_of("1001", "nvm:erc4337", "0xb1", Some("0x01"));
        let walk = settled(settle, &[]).go(ask("GET", "/r", &[("payment-signature", &token)]));
        let steps = if settle == "before-delivery" {
            "verify admit origin settle deliver"
        } else {
            "verify admit origin write"
        };
        assert!(walk.steps.join(" ").starts_with(steps), "{settle}: {:?}", walk.steps);
    }
}

#[test]
fn rule_19_what_is_refused_at_settlement_is_delivered_only_where_the_seller_chose_so() {
    for (settle, delivered) in
        [("before-delivery", false), ("after-delivery", true), ("at-end-of-stream", true)]
    {
        let mut world = settled(settle, &[]);
        world.settle = Some(refused());
        let walk = world.go(request("", &[]));
        assert_eq!(walk.delivery.is_some(), delivered, "{settle}");
        if !delivered {
            assert_eq!(walk.said(), (402, "BCK.CREDITS.0003".into()));
            assert_eq!(walk.receipt().unwrap()["success"], false);
        }
    }
}

#[test]
fn rule_19_a_receipt_that_the_buyer_can_read() {
    // The route's setting, the origin's response, the place of the receipt: the header, a URL, an event.
    let events = &[("content-type", "text/event-stream; charset=utf-8"), ("content-length", "9")][..];
    let text = &[("content-type", "text/plain"), ("content-length", "9")][..];
    for (settle, receipt, headers, method, place) in [
        ("before-delivery", None, text, "GET", "header"),
        ("before-delivery", Some("header"), events, "GET", "header"),
        ("after-delivery", None, text, "GET", "url"),
        ("after-delivery", Some("url"), events, "GET", "url"),
        ("at-end-of-stream", None, events, "GET", "url"),
        ("at-end-of-stream", Some("url"), text, "GET", "url"),
        ("at-end-of-stream", Some("event"), events, "GET", "event"),
        // There is no event to be added to such an answer.
        ("at-end-of-stream", Some("event"), text, "GET", "url"),
        ("at-end-of-stream", Some("event"), events, "HEAD", "url"),
    ] {
        let name = format!("{settle} {receipt:?} {method} {place}");
        let more: Vec<_> = receipt.into_iter().map(|receipt| ("receipt", json!(receipt))).collect();
        let mut request = request("", &[]);
        request.method = method.into();
        let mut world = settled(settle, &more).says(200, headers);
        let walk = world.go(request);
        let delivery = walk.delivery.as_ref().unwrap();
        let url = delivery.headers.get("payment-receipt-url");
        assert_eq!(walk.receipt().is_some(), place == "header", "{name}");
        assert_eq!(url.is_some(), place == "url", "{name}");
        assert_eq!(walk.tail.is_some(), place == "event", "{name}");
        // A length that the event would make wrong is not said.
        assert_eq!(delivery.headers.get("content-length").is_some(), place != "event", "{name}");
        if let Some(tail) = &walk.tail {
            let data =
                tail.strip_prefix("event: payment-response\ndata: ").unwrap().strip_suffix("\n\n").unwrap();
            let receipt: Value = serde_json::from_str(data).unwrap();
            assert_eq!((&receipt["success"], &receipt["creditsRedeemed"]), (&true.into(), &"2".into()));
        }
        if let Some(url) = url {
            let path = url.strip_prefix("https://shop.example").unwrap();
            let found = world.go(ask("GET", path, &[])).answer.unwrap();
            assert_eq!((found.status, &body(&found)["creditsRedeemed"]), (200, &"2".into()), "{name}");
            // Without the state's word, 404: the name cannot be guessed.
            let last = if path.ends_with('0') { '1' } else { '0' };
            let other: String = path.chars().take(path.len() - 1).chain([last]).collect();
            assert_eq!(world.go(ask("GET", &other, &[])).said(), (404, "receipt_unknown".into()), "{name}");
        }
    }
}

#[test]
fn rule_19_a_receipt_says_how_it_stands() {
    for (name, answer, status, code) in [
        ("refused", refused(), 200, ""),
        ("busy: owed", answered(429, &json!({})), 202, "receipt_pending"),
        ("not known", answered(500, &json!({})), 404, "receipt_unresolved"),
    ] {
        let mut world = settled("after-delivery", &[]);
        world.settle = Some(answer);
        let walk = world.go(request("", &[]));
        let url = walk
            .delivery
            .unwrap()
            .headers
            .get("payment-receipt-url")
            .unwrap()
            .replace("https://shop.example", "");
        let walk = world.go(ask("GET", &url, &[]));
        assert_eq!(walk.said(), (status, code.into()), "{name}");
        if status == 200 {
            assert_eq!(body(walk.answer.as_ref().unwrap())["success"], false, "{name}");
        }
    }
}

#[test]
fn margin_and_batch_are_handed_on_to_settle_as_they_are() {
    for (name, more, margin, batch) in [
        ("neither", &[][..], Value::Null, Value::Null),
        ("a margin", &[("marginPercent", json!(2.5))], json!(2.5), Value::Null),
        ("a margin of nothing", &[("marginPercent", json!(0))], json!(0), Value::Null),
        ("in a batch", &[("batch", json!(true))], Value::Null, json!(true)),
        ("not in a batch", &[("batch", json!(false))], Value::Null, Value::Null),
    ] {
        let mut world = settled("before-delivery", more);
        world.settle = Some(burned());
        let walk = world.go(request("", &[]));
        let settle = walk.settled.unwrap();
        assert_eq!((&settle["marginPercent"], &settle["batch"]), (&margin, &batch), "{name}");
        // The one excludes the other where the platform knows the request (contract section 4.5).
        assert_eq!(settle["maxAmount"].is_null(), !margin.is_null(), "{name}");
        assert_eq!(settle["agentRequestId"], "req-1", "{name}");
        assert_eq!(walk.verified.unwrap()["maxAmount"], "2", "{name}");
    }
}
