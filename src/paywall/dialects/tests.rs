//! The dialects of a seller: payments that come in, the questions that go out, the offers.

use super::*;
use crate::wire::mpp::{MppChallenge, MppCredential};
use crate::wire::{Secret, base64};
use alloc::{format, string::ToString, vec::Vec};
use serde_json::{Map, Value, json};

const ASSET: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const SHOP: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const BUYER: &str = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
const NOW: u64 = 1_790_000_000;

fn accept() -> Value {
    json!({
        "scheme": "exact", "network": "eip155:84532", "amount": "10000", "asset": ASSET, "payTo": SHOP, "maxTimeoutSeconds": 60,
        "extra": { "name": "USDC", "version": "2" }, "facilitator": "https://facilitator.example/x402/",
    })
}

fn read(options: &Value) -> Result<(Dialects, Map<String, Value>), (String, String)> {
    let mut sources = Sources { options: options.as_object().unwrap().clone(), ..Sources::default() };
    let dialects = Dialects::read(&mut sources).map_err(|error| (error.key, error.problem))?;
    Ok((dialects, sources.options))
}

fn dialects(options: &Value) -> Dialects {
    read(options).unwrap().0
}

fn both() -> Dialects {
    dialects(&json!({
        "mpp": true, "x402v1": true,
        "routes": { "POST /ask": { "planId": "1001", "agentId": "2002", "credits": 2, "accepts": accept() } },
    }))
}

fn encoded(value: &Value) -> String {
    base64::encode_url(value.to_string().as_bytes())
}

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
        (with("network", json!("solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1")), at("network")),
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

/// A token of MPP, as the platform mints it.
fn mpp_token(plan: &str) -> String {
    encoded(&json!({
        "x402Version": 2, "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": plan },
        "payload": { "signature": "0x1", "authorization": { "from": BUYER } },
    }))
}

fn challenge(change: impl Fn(&mut MppChallenge)) -> MppChallenge {
    let mut challenge = MppChallenge {
        id: "c4a11enge".into(),
        realm: "platform".into(),
        method: "nevermined".into(),
        intent: "charge".into(),
        request: encoded(&json!({ "planId": "1001", "credits": "2", "agentId": "2002" })),
        expires: Some("2026-09-21T14:30:00Z".into()),
        digest: None,
        description: None,
        opaque: Some(encoded(&json!({ "nonce": "n" }))),
    };
    change(&mut challenge);
    challenge
}

fn credential(challenge: &MppChallenge, token: &str) -> String {
    MppCredential::header(challenge, &Secret::new(token)).expose().into()
}

fn enter(dialects: &Dialects, authorization: &str, body_digest: Option<&str>) -> Entry {
    dialects.enter(&Arrival {
        authorization: Some(authorization),
        search: "?q=1",
        body_digest,
        now: NOW,
        ..Arrival::default()
    })
}

/// `paid`, `body`, `plain` or the code of the refusal.
fn said(entry: &Entry) -> &'static str {
    match entry {
        Entry::Plain => "plain",
        Entry::NeedsBody => "body",
        Entry::Paid(_) => "paid",
        Entry::Refused(refusal) => refusal.code,
    }
}

#[test]
fn the_end_of_the_challenge_in_these_tests_is_after_their_now() {
    assert!(challenge(|_| ()).expires_at().unwrap() > NOW);
}

#[test]
fn credentials_are_taken_or_refused_with_the_code_of_mpp() {
    let dialects = both();
    let token = mpp_token("1001");
    let good = credential(&challenge(|_| ()), &token);
    let whole = |header: &str| said(&enter(&dialects, header, None));
    for (name, header, expected) in [
        ("a credential", good.clone(), "paid"),
        ("beside another scheme", format!("Bearer x, {good}"), "paid"),
        ("in small letters", good.replacen("Payment", "payment", 1), "paid"),
        ("another scheme", "Bearer x".into(), "plain"),
        ("the scheme's name in a quoted value", "Basic realm=\"Payment e30\"".into(), "plain"),
        ("two credentials", format!("{good}, {good}"), "BCK.MPP.0003"),
        ("no credential", "Payment".into(), "BCK.MPP.0003"),
        ("a challenge in its place", "Payment id=\"x\", realm=\"r\"".into(), "BCK.MPP.0003"),
        ("trailing bits", format!("{good}A"), "BCK.MPP.0003"),
        ("no JSON", "Payment AAAA".into(), "BCK.MPP.0003"),
        ("no id", credential(&challenge(|one| one.id = String::new()), &token), "BCK.MPP.0003"),
        ("another method", credential(&challenge(|one| one.method = "tempo".into()), &token), "BCK.MPP.0003"),
        (
            "another intent",
            credential(&challenge(|one| one.intent = "session".into()), &token),
            "BCK.MPP.0003",
        ),
        ("a padded request", credential(&challenge(|one| one.request.push('=')), &token), "BCK.MPP.0003"),
        ("no token", credential(&challenge(|_| ()), ""), "BCK.MPP.0003"),
        ("a token that is none", credential(&challenge(|_| ()), "t"), "BCK.MPP.0003"),
        ("a token of another plan", credential(&challenge(|_| ()), &mpp_token("1002")), "BCK.MPP.0003"),
        (
            "an end that is past",
            credential(&challenge(|one| one.expires = Some("2020-01-01T00:00:00Z".into())), &token),
            "BCK.MPP.0004",
        ),
        ("no end", credential(&challenge(|one| one.expires = None), &token), "BCK.MPP.0004"),
    ] {
        assert_eq!(whole(&header), expected, "{name}");
    }
    let off = dialects_without_mpp();
    assert_eq!(said(&enter(&off, &good, None)), "plain", "MPP is not spoken here");
}

fn dialects_without_mpp() -> Dialects {
    dialects(&json!({ "routes": { "GET /r": { "accepts": [accept()] } } }))
}

#[test]
fn a_challenge_is_for_one_body() {
    let dialects = both();
    let bound = credential(&challenge(|one| one.digest = Some("sha-256=abc".into())), &mpp_token("1001"));
    for (digest, expected) in
        [(None, "body"), (Some("sha-256=abc"), "paid"), (Some("sha-256=xyz"), "BCK.MPP.0005")]
    {
        assert_eq!(said(&enter(&dialects, &bound, digest)), expected, "{digest:?}");
    }
    let strict = super::tests::dialects(&json!({ "mpp": { "bindBody": true } }));
    let free = credential(&challenge(|_| ()), &mpp_token("1001"));
    assert_eq!(said(&enter(&strict, &free, Some("sha-256=abc"))), "BCK.MPP.0005", "each is bound here");
}

fn paid(entry: Entry) -> Paid {
    let Entry::Paid(paid) = entry else { panic!("{entry:?}") };
    *paid
}

/// The body of the gate's call.
fn asked(carrier: &Carrier, amount: &str, change: impl Fn(&mut Value)) -> String {
    let mut body = json!({
        "paymentRequired": {
            "x402Version": 2, "resource": { "url": "https://shop.example/ask", "description": "An answer" },
            "accepts": [
                { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": "1001",
                  "extra": { "version": "1", "agentId": "2002", "httpVerb": "POST", "credits": "2" } },
                { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": both().exact()[0].plan_id.as_str(),
                  "extra": { "version": "1", "httpVerb": "POST", "credits": "10000" } },
            ],
            "extensions": {},
        },
        "x402AccessToken": carrier.token().expose(), "maxAmount": amount,
    });
    change(&mut body);
    body.to_string()
}

fn platform(outgoing: Outgoing) -> Value {
    let Outgoing::Platform(body) = outgoing else { panic!("{outgoing:?}") };
    serde_json::from_str(&body).unwrap()
}

fn answer(outgoing: Outgoing) -> (u16, Value) {
    let Outgoing::Answer { status, body } = outgoing else { panic!("{outgoing:?}") };
    (status, serde_json::from_str(&body).unwrap())
}

#[test]
fn a_credential_is_verified_for_its_resource_verb_body_plan_agent_and_price() {
    let dialects = both();
    let header = credential(&challenge(|one| one.digest = Some("sha-256=abc".into())), &mpp_token("1001"));
    let one = paid(enter(&dialects, &format!("{header}, Bearer own"), Some("sha-256=abc")));
    assert_eq!(one.authorization.as_deref(), Some("Bearer own"));
    // The journal keeps the token: what is read out of it asks the same.
    let carrier = Carrier::read(one.carrier.token().expose()).unwrap();
    for question in [Question::Verify, Question::Settle] {
        let sent = platform(dialects.outgoing(question, &carrier, &asked(&carrier, "2", |_| ())));
        let expected = json!({
            "credential": header, "resource": "https://shop.example/ask?q=1", "httpVerb": "POST", "bodyDigest": "sha-256=abc",
        });
        assert_eq!(sent, expected);
    }
    let code = |outgoing| answer(outgoing).1["code"].as_str().unwrap().to_string();
    let verify = |body: &str| dialects.outgoing(Question::Verify, &carrier, body);
    assert_eq!(code(verify(&asked(&carrier, "3", |_| ()))), "BCK.MPP.0004", "the price has changed since");
    assert_eq!(
        answer(dialects.outgoing(Question::Settle, &carrier, &asked(&carrier, "1", |_| ()))).0,
        401,
        "the whole of a challenge is taken, or nothing"
    );
    let other_agent =
        asked(&carrier, "2", |body| body["paymentRequired"]["accepts"][0]["extra"]["agentId"] = "3".into());
    assert_eq!(code(verify(&other_agent)), "BCK.MPP.0003");
    let no_plan =
        asked(&carrier, "2", |body| body["paymentRequired"]["accepts"][0]["planId"] = "1002".into());
    assert_eq!(code(verify(&no_plan)), "BCK.MPP.0003", "a route that this plan does not pay for");
}

#[test]
fn two_payers_that_share_a_challenge_have_one_answer() {
    let dialects = both();
    let body = json!({ "success": true, "payer": BUYER }).to_string();
    let lower = BUYER.to_lowercase();
    let incoming = |payer| dialects.incoming(Question::Settle, Dialect::Mpp, payer, 200, body.clone());
    assert_eq!(incoming(Some(lower.as_str())).0, 200);
    assert_eq!(incoming(None).0, 200, "an isolate that did not verify it");
    let (status, body) = incoming(Some(SHOP));
    assert_eq!(
        (status, serde_json::from_str::<Value>(&body).unwrap()["code"].clone()),
        (402, json!("BCK.MPP.0003"))
    );
}

fn payment(change: impl Fn(&mut Value)) -> Value {
    let mut accepted = accept();
    accepted.as_object_mut().unwrap().remove("facilitator");
    let mut payment = json!({
        "x402Version": 2, "resource": { "url": "https://shop.example/ask" }, "accepted": accepted,
        "payload": {
            "signature": "0xab",
            "authorization": {
                "from": BUYER, "to": SHOP, "value": "10000", "validAfter": "0", "validBefore": "1790000060", "nonce": format!("0x{}", "0A".repeat(32)),
            },
        },
    });
    change(&mut payment);
    payment
}

fn enter_exact(dialects: &Dialects, payment: &Value) -> Entry {
    let header = base64::encode_standard(payment.to_string().as_bytes());
    dialects.enter(&Arrival { token: Some(&header), now: NOW, ..Arrival::default() })
}

#[test]
fn payments_of_the_scheme_exact_are_taken_for_terms_that_are_offered() {
    let dialects = both();
    let set = |pointer: &'static str, value: Value| {
        payment(move |payment| *payment.pointer_mut(pointer).unwrap() = value.clone())
    };
    for (name, payment, expected) in [
        ("a payment", payment(|_| ()), "paid"),
        ("addresses in small letters", set("/accepted/payTo", json!(SHOP.to_lowercase())), "paid"),
        ("a token of a plan", set("/accepted/scheme", json!("nvm:erc4337")), "plain"),
        ("another scheme", set("/accepted/scheme", json!("upto")), "plain"),
        ("another chain", set("/accepted/network", json!("eip155:8453")), "payment_for_another_plan"),
        ("another asset", set("/accepted/asset", json!(SHOP)), "payment_for_another_plan"),
        ("another recipient", set("/accepted/payTo", json!(BUYER)), "payment_for_another_plan"),
        ("version 1", set("/x402Version", json!(1)), "payment_malformed"),
        ("no signature", set("/payload/signature", json!(null)), "payment_malformed"),
        (
            "Permit2",
            set("/payload", json!({ "permit2Authorization": {}, "signature": "0x" })),
            "payment_malformed",
        ),
        ("a short nonce", set("/payload/authorization/nonce", json!("0x0a")), "payment_malformed"),
        ("a value that is none", set("/payload/authorization/value", json!("1e4")), "payment_malformed"),
        ("a payer that is none", set("/payload/authorization/from", json!("me")), "payment_malformed"),
    ] {
        assert_eq!(said(&enter_exact(&dialects, &payment)), expected, "{name}");
    }
    for header in ["", "!!", "AAAA"] {
        assert_eq!(
            said(&dialects.enter(&Arrival { token: Some(header), ..Arrival::default() })),
            "plain",
            "{header}: the gate says it"
        );
    }
    let v1 = json!({ "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": payment(|_| ())["payload"] });
    let header = |value: &Value| base64::encode_standard(value.to_string().as_bytes());
    let enter_v1 = |dialects: &Dialects, text: &str| {
        said(&dialects.enter(&Arrival { x_payment: Some(text), ..Arrival::default() }))
    };
    assert_eq!(enter_v1(&dialects, &header(&v1)), "paid");
    assert_eq!(enter_v1(&dialects, "!!"), "payment_malformed");
    let mut other = v1.clone();
    other["network"] = "base".into();
    assert_eq!(enter_v1(&dialects, &header(&other)), "payment_for_another_plan");
    assert_eq!(enter_v1(&dialects_without_mpp(), &header(&v1)), "plain", "version 1 is not spoken");
}

fn facilitator(outgoing: Outgoing) -> (String, Value) {
    let Outgoing::Facilitator { url, body } = outgoing else { panic!("{outgoing:?}") };
    (url, serde_json::from_str(&body).unwrap())
}

#[test]
fn a_facilitator_is_asked_for_what_the_route_costs() {
    let dialects = both();
    let sent = payment(|_| ());
    let one = paid(enter_exact(&dialects, &sent));
    let carrier = &one.carrier;
    let ask = |amount: &str| dialects.outgoing(Question::Verify, carrier, &asked(carrier, amount, |_| ()));
    let (url, body) = facilitator(ask("10000"));
    assert_eq!(url, "https://facilitator.example/x402");
    assert_eq!((&body["x402Version"], &body["paymentPayload"]), (&json!(2), &sent), "as it came");
    let mut terms = accept();
    terms.as_object_mut().unwrap().remove("facilitator");
    assert_eq!(body["paymentRequirements"], terms);
    let (status, body) = answer(ask("10001"));
    assert_eq!((status, &body["isValid"]), (200, &json!(false)), "a payment for a cheaper route");
    let elsewhere = paid(enter_exact(
        &dialects,
        &payment(|payment| payment["payload"]["authorization"]["to"] = BUYER.into()),
    ));
    let carrier = &elsewhere.carrier;
    let (_, body) = answer(dialects.outgoing(Question::Verify, carrier, &asked(carrier, "10000", |_| ())));
    assert_eq!(body["invalidReason"], "invalid_exact_evm_payload_recipient_mismatch");
    let v1 =
        json!({ "x402Version": 1, "scheme": "exact", "network": "base-sepolia", "payload": sent["payload"] });
    let header = base64::encode_standard(v1.to_string().as_bytes());
    let one = paid(dialects.enter(&Arrival { x_payment: Some(&header), ..Arrival::default() }));
    let carrier = &one.carrier;
    let (_, body) =
        facilitator(dialects.outgoing(Question::Settle, carrier, &asked(carrier, "10000", |_| ())));
    assert_eq!((&body["x402Version"], &body["paymentPayload"]), (&json!(1), &v1));
    let terms = &body["paymentRequirements"];
    assert_eq!(
        (&terms["network"], &terms["maxAmountRequired"], &terms["resource"], &terms["description"]),
        (&json!("base-sepolia"), &json!("10000"), &json!("https://shop.example/ask"), &json!("An answer"))
    );
}

#[test]
fn the_facilitators_answer_is_read_as_the_platforms() {
    use Question::{Settle, Verify};
    let dialects = both();
    for (question, status, body, expected) in [
        (Verify, 200, json!({ "isValid": true, "payer": BUYER }), 200),
        (Verify, 400, json!({ "isValid": false, "invalidReason": "x" }), 200),
        (Verify, 500, json!({ "isValid": false }), 500),
        (Verify, 429, json!({ "isValid": false }), 429),
        (Verify, 404, json!({}), 404),
        (Settle, 200, json!({ "success": false, "errorReason": "insufficient_funds" }), 200),
        (Settle, 402, json!({ "success": false, "errorReason": "insufficient_funds" }), 200),
        (
            Settle,
            200,
            json!({ "success": false, "errorReason": "settlement_pending", "transaction": "0x1" }),
            504,
        ),
        (Settle, 502, json!({ "success": true }), 502),
        (Settle, 401, json!({ "success": false }), 401),
    ] {
        let exact = Dialect::Exact(X402Version::V2);
        let (status, text) = dialects.incoming(question, exact, None, status, body.to_string());
        assert_eq!((status, text), (expected, body.to_string()), "{question:?}");
    }
}

fn gates_offer() -> (String, Value) {
    let one = paid(enter_exact(&both(), &payment(|_| ())));
    let body: Value = serde_json::from_str(&asked(&one.carrier, "1", |_| ())).unwrap();
    let offer = body["paymentRequired"].clone();
    (base64::encode_standard(offer.to_string().as_bytes()), offer)
}

fn decoded(header: &str) -> Value {
    serde_json::from_slice(&base64::decode(header, 65536, "x").unwrap()).unwrap()
}

#[test]
fn an_offer_goes_out_in_all_dialects() {
    let (header, offer) = gates_offer();
    let mut body = offer.clone();
    body["code"] = "payment_missing".into();
    let text = body.to_string();
    let refused = Refused402 { header: &header, body: Some(&text), search: "?q=1", ..Refused402::default() };
    let made = both().offer(&refused).unwrap();
    let v2 = decoded(&made.header);
    let mut terms = accept();
    terms.as_object_mut().unwrap().remove("facilitator");
    assert_eq!(v2["accepts"], json!([offer["accepts"][0], terms]));
    assert!(!made.header.contains('-') && !v2.to_string().contains("exact:"));
    let v1: Value = serde_json::from_str(made.body.as_deref().unwrap()).unwrap();
    assert_eq!((&v1["x402Version"], &v1["code"]), (&json!(1), &json!("payment_missing")));
    assert_eq!(v1["accepts"][0]["maxAmountRequired"], "10000");
    assert_eq!(v1["accepts"].as_array().unwrap().len(), 1);
    let calls: Vec<Value> = made.challenges.iter().map(|call| serde_json::from_str(call).unwrap()).collect();
    assert_eq!(
        calls,
        [
            json!({ "planId": "1001", "credits": "2", "resource": "https://shop.example/ask?q=1", "httpVerb": "POST", "agentId": "2002" })
        ]
    );
    let unsupported = [both().exact()[0].plan_id.as_str().to_string()];
    let made = both().offer(&Refused402 { unsupported: &unsupported, ..refused }).unwrap();
    assert_eq!(
        decoded(&made.header)["accepts"],
        json!([offer["accepts"][0]]),
        "what the facilitator does not settle"
    );
    assert_eq!(both().offer(&Refused402 { header: "!!", ..refused }), None);
}

#[test]
fn a_refusal_says_its_code_and_if_a_fresh_challenge_helps() {
    let (header, offer) = gates_offer();
    let text = offer.to_string();
    for (code, retryable) in [("BCK.MPP.0003", false), ("BCK.MPP.0004", true), ("BCK.MPP.0005", true)] {
        let refused = Some((code, "why"));
        let made = both().offer(&Refused402 {
            header: &header,
            body: Some(&text),
            refused,
            ..Refused402::default()
        });
        let made = made.unwrap();
        let body: Value = serde_json::from_str(&made.body.unwrap()).unwrap();
        assert_eq!(
            (&body["code"], &body["retryable"], &body["message"]),
            (&json!(code), &json!(retryable), &json!("why"))
        );
        assert_eq!(decoded(&made.header)["error"], code);
        assert_eq!(made.challenges.len(), 1, "with a fresh challenge");
    }
}

#[test]
fn payments_may_have_names() {
    let (header, _) = gates_offer();
    for (option, required) in [(json!(true), false), (json!("required"), true)] {
        let dialects = dialects(&json!({ "paymentIdentifier": option }));
        let made = dialects.offer(&Refused402 { header: &header, ..Refused402::default() }).unwrap();
        let info = &decoded(&made.header)["extensions"]["payment-identifier"]["info"];
        assert_eq!(info, &json!({ "required": required }));
    }
}

#[test]
fn a_carrier_that_is_written_by_hand_is_a_token_of_the_platform_at_the_door() {
    let one = paid(enter_exact(&both(), &payment(|_| ())));
    let token = one.carrier.token().expose();
    let entry = both().enter(&Arrival { token: Some(token), now: NOW, ..Arrival::default() });
    assert_eq!(said(&entry), "plain");
    assert!(!format!("{one:?}").contains(token), "it does not print");
    assert!(Carrier::read(&mpp_token("1001")).is_none());
}
