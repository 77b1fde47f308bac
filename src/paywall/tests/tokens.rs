//! Rule 17: no token, or one that is none: an offer, and nobody is asked anything.

use super::harness::{token_of, world};
use super::*;
use alloc::{format, string::ToString};

#[test]
fn garbage_in_the_header_costs_nothing() {
    let with = |change: fn(&mut Value)| {
        let mut payload = payload();
        change(&mut payload);
        encode(&payload)
    };
    let cut = |at: usize| token().chars().take(at).collect::<String>();
    let deep = base64::encode_url(format!("{}1{}", "[".repeat(5000), "]".repeat(5000)).as_bytes());
    let text = |text: &str| base64::encode_url(text.as_bytes());
    let long = |length: usize| "A".repeat(length);
    const MISSING: (u16, &str) = (402, "payment_missing");
    const MALFORMED: (u16, &str) = (402, "payment_malformed");
    const OTHER: (u16, &str) = (402, "payment_for_another_plan");
    const LARGE: (u16, &str) = (400, "payment_too_large");
    let table: Vec<(&str, String, (u16, &str))> = Vec::from([
        ("empty", String::new(), MISSING),
        ("spaces", "  \t ".into(), MISSING),
        ("not base64", "!!!!".into(), MALFORMED),
        ("one letter", "A".into(), MALFORMED),
        ("only padding", "====".into(), MALFORMED),
        ("padding in the middle", "eyJ4=NDAy".into(), MALFORMED),
        ("a space in it", token().replacen('e', "e ", 1), MALFORMED),
        ("non-ASCII", "t\u{f6}ken".into(), MALFORMED),
        ("a scheme before it", format!("Bearer {}", token()), MALFORMED),
        ("a JWT", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIweDEifQ.c2ln".into(), MALFORMED),
        ("twice in one line", format!("{}, {}", token(), token()), MALFORMED),
        ("cut after 1", cut(1), MALFORMED),
        ("cut after 40", cut(40), MALFORMED),
        ("cut in the middle", cut(token().len() / 2), MALFORMED),
        ("cut by 5", cut(token().len() - 5), MALFORMED),
        ("with more after it", format!("{}AAAA", token()), MALFORMED),
        ("bytes", base64::encode_url(&[0xff, 0xfe, 0x00, 0x80]), MALFORMED),
        ("text", text("hello"), MALFORMED),
        ("null", text("null"), MALFORMED),
        ("a number", text("12345"), MALFORMED),
        ("a string", text("\"token\""), MALFORMED),
        ("an array", text("[]"), MALFORMED),
        ("an empty object", text("{}"), MALFORMED),
        ("nested without end", deep, MALFORMED),
        ("JSON that is not encoded", payload().to_string(), MALFORMED),
        ("no version", with(|p| drop(p.as_object_mut().unwrap().remove("x402Version"))), MALFORMED),
        ("version 1", with(|p| p["x402Version"] = 1.into()), MALFORMED),
        ("the version as text", with(|p| p["x402Version"] = "2".into()), MALFORMED),
        ("nothing accepted", with(|p| p["accepted"] = Value::Null), MALFORMED),
        ("accepted is text", with(|p| p["accepted"] = "1001".into()), MALFORMED),
        ("no scheme", with(|p| p["accepted"]["scheme"] = Value::Null), MALFORMED),
        ("no network", with(|p| p["accepted"]["network"] = "".into()), MALFORMED),
        ("no plan", with(|p| p["accepted"]["planId"] = Value::Null), MALFORMED),
        ("the plan as a number", with(|p| p["accepted"]["planId"] = 1001.into()), MALFORMED),
        ("a plan of strange letters", with(|p| p["accepted"]["planId"] = "1001/../2".into()), MALFORMED),
        ("no payload", with(|p| p["payload"] = Value::Null), MALFORMED),
        ("payload is a list", with(|p| p["payload"] = json!([])), MALFORMED),
        ("authorization is text", with(|p| p["payload"]["authorization"] = "x".into()), MALFORMED),
        ("another plan", with(|p| p["accepted"]["planId"] = "9".into()), OTHER),
        ("the card scheme", with(|p| p["accepted"]["scheme"] = "nvm:card-delegation".into()), OTHER),
        ("a scheme of others", with(|p| p["accepted"]["scheme"] = "exact".into()), OTHER),
        ("16 KiB of nothing", long(16 * 1024), MALFORMED),
        ("a byte over 16 KiB", long(16 * 1024 + 1), LARGE),
        ("100 KiB", long(100 * 1024), LARGE),
        ("a good token, padded out", with(|p| p["x"] = "x".repeat(13_000).into()), LARGE),
    ]);
    assert!(table.len() >= 40);
    let gate = gate(&[]);
    for (name, value, (status, code)) in table {
        let answer = responded(gate.open(&ask("POST", "/ask", &[("payment-signature", &value)])).1);
        assert_eq!((answer.status, body(&answer)["code"].as_str()), (status, Some(code)), "{name}");
        assert_eq!(answer.headers.get("cache-control"), Some("no-store"), "{name}");
        assert_eq!(header(&answer.headers, "payment-required").is_some(), status == 402, "{name}");
        assert!(value.len() < 8 || !answer.body.as_deref().unwrap().contains(&value), "{name} is echoed");
    }
    let two = [("payment-signature", token()), ("payment-signature", token())];
    let two: Vec<_> = two.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(body(&responded(gate.open(&ask("POST", "/ask", &two)).1))["code"], "payment_malformed");
}

#[test]
fn a_token_is_read_in_every_spelling_that_is_in_use_and_sent_on_as_it_came() {
    let bytes = payload().to_string();
    let padded = base64::encode_standard(bytes.as_bytes());
    for spelling in
        [token(), padded.clone(), padded.trim_end_matches('=').to_string(), format!(" {} ", token())]
    {
        let (_, action) = gate(&[]).open(&ask("POST", "/ask", &[("Payment-Signature", &spelling)]));
        let (path, verify) = called(action);
        assert_eq!(path, "/api/v1/x402/verify");
        assert_eq!(verify["x402AccessToken"], spelling.trim());
    }
}

#[test]
fn the_offer_is_the_same_in_header_and_body() {
    let answer = responded(gate(&[]).open(&ask("POST", "/ask/?q=1", &[])).1);
    assert_eq!(answer.status, 402);
    assert_eq!(answer.headers.get("content-type"), Some("application/json"));
    let offer = header(&answer.headers, "payment-required").unwrap();
    let expected = json!({
        "x402Version": 2,
        "resource": { "url": "https://shop.example/ask", "description": "An answer" },
        "accepts": [{
            "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1001",
            "extra": { "version": "1", "agentId": "2002", "httpVerb": "POST", "credits": "2" },
        }],
        "extensions": {},
    });
    assert_eq!(offer.to_string(), expected.to_string(), "members in the official order");
    let mut with_words = expected;
    with_words["error"] = "Payment Required".into();
    with_words["message"] = "Missing x402 payment token. Send token in payment-signature header.".into();
    with_words["code"] = "payment_missing".into();
    assert_eq!(body(&answer), with_words);

    let card = body(&responded(gate(&[]).open(&ask("POST", "/card", &[])).1));
    assert_eq!(card["accepts"][0]["scheme"], "nvm:card-delegation");
    assert_eq!(card["accepts"][0]["network"], "stripe");
    let public = gate(&[("PUBLIC_URL", "https://paid.example/v1/")]);
    let offer = body(&responded(public.open(&ask("GET", "/PAID", &[])).1));
    assert_eq!(offer["resource"]["url"], "https://paid.example/v1/paid");
    let logical = gate(&[("PUBLIC_URL", "mcp://weather")]);
    let offer = body(&responded(logical.open(&ask("GET", "/PAID", &[])).1));
    assert_eq!(offer["resource"]["url"], "mcp://weather/paid");
}

#[test]
fn rule_24_a_route_for_single_use_tokens_refuses_others_before_anybody_is_asked() {
    let route = |single_use: bool| json!({ "planId": "1001", "credits": 2, "scheme": "nvm:erc4337", "singleUse": single_use });
    for (name, single_use, nonce, said) in [
        ("a reusable token", true, None, (402, "payment_not_single_use")),
        ("a single-use token", true, Some("0x01"), (0, "")),
        ("a reusable token where any is taken", false, None, (0, "")),
        ("a single-use token where any is taken", false, Some("0x01"), (0, "")),
    ] {
        let mut world = world(route(single_use));
        let token = token_of("1001", "nvm:erc4337", "0xb1", nonce);
        let walk = world.go(ask("GET", "/r", &[("payment-signature", &token)]));
        assert_eq!(walk.said(), (said.0, said.1.into()), "{name}");
        assert_eq!(walk.verified.is_some(), said.0 == 0, "{name}");
        if let Some(answer) = &walk.answer {
            assert!(answer.headers.get("payment-required").is_some(), "{name}: a fresh offer rides along");
        }
    }
}
