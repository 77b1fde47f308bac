//! Other dialects of 402 at the tower layer: the calls that the driver makes, and what becomes of names.

use super::world::{Fake, Handled, Served, World, call, full, key, shop, text, token, world_of};
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, StreamBody};
use payments_wasm::paywall::state::MemoryStore;
use payments_wasm::tower::PaywallLayer;
use payments_wasm::wire::base64;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const ASSET: &str = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
const SHOP: &str = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
const PAYER: &str = "0x857b06519E91e3A54538791bDbb0E22373e36b66";
const FACILITATOR: &str = "https://facilitator.example/x402";

fn document() -> Value {
    let accept = json!({
        "scheme": "exact", "network": "eip155:84532", "amount": "10000", "asset": ASSET, "payTo": SHOP,
        "extra": { "name": "USDC", "version": "2" }, "facilitator": FACILITATOR,
    });
    json!({
        "mpp": true, "paymentIdentifier": true, "unlisted": "deny",
        "routes": { "GET /report": { "accepts": accept }, "GET /both": { "planId": "1001", "credits": 2, "accepts": accept }, "POST /ask": { "planId": "1001", "credits": 2 } },
    })
}

fn paywall(handler: impl Fn() -> Handled + Send + Sync + 'static) -> World {
    world_of(&document(), MemoryStore::new(), move |_| handler())
}

/// A payment as a client sends it; the signature is the facilitator's to check.
fn payment(nonce: u8) -> String {
    let document = json!({
        "x402Version": 2,
        "accepted": { "scheme": "exact", "network": "eip155:84532", "amount": "10000", "asset": ASSET, "payTo": SHOP, "maxTimeoutSeconds": 300, "extra": {} },
        "payload": {
            "signature": "0xab",
            "authorization": {
                "from": PAYER, "to": SHOP, "value": "10000", "validAfter": "0", "validBefore": "9999999999", "nonce": format!("0x{}", format!("{nonce:02x}").repeat(32)),
            },
        },
    });
    base64::encode_standard(document.to_string().as_bytes())
}

/// A token of a plan whose payment has a name.
fn named(name: &str) -> String {
    let bytes = base64::decode(&token(None), 10_000, "token").unwrap();
    let mut document: Value = serde_json::from_slice(&bytes).unwrap();
    let extensions = json!({ "payment-identifier": { "info": { "required": false, "id": name } } });
    document.as_object_mut().unwrap().insert("extensions".into(), extensions);
    base64::encode_url(document.to_string().as_bytes())
}

async fn pay(world: &World, method: &str, path: &str, token: &str) -> Served {
    call(world, method, path, &[("payment-signature", token)]).await
}

async fn code(answer: Served) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: Value = serde_json::from_str(&text(answer).await).unwrap();
    (status, body.get("code").and_then(Value::as_str).unwrap_or_default().into())
}

fn schemes(answer: &Served) -> Vec<String> {
    let header = answer.headers()["payment-required"].to_str().unwrap();
    let offer: Value = serde_json::from_slice(&base64::decode(header, 10_000, "offer").unwrap()).unwrap();
    let accepts = offer.get("accepts").and_then(Value::as_array).unwrap();
    accepts.iter().map(|accept| accept.get("scheme").and_then(Value::as_str).unwrap().into()).collect()
}

#[tokio::test]
async fn a_facilitator_is_asked_in_the_place_of_the_platform() {
    let world = world_of(&document(), MemoryStore::new(), shop);
    let bare = call(&world, "GET", "/both", &[]).await;
    assert_eq!((bare.status().as_u16(), schemes(&bare)), (402, vec!["nvm:erc4337".into(), "exact".into()]));
    assert_eq!(bare.headers()["www-authenticate"], "Payment id=\"c1\"");
    assert_eq!(world.fake.calls(), ["1001", "facilitator/supported", "challenge"]);
    let answer = pay(&world, "GET", "/report", &payment(1)).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(text(answer).await, format!(" asked by {PAYER}"));
    assert_eq!(world.fake.calls(), ["facilitator/verify", "facilitator/settle"]);
    assert_eq!(pay(&world, "GET", "/report", &payment(1)).await.status(), 402, "once");
    assert_eq!(pay(&world, "GET", "/both", &token(None)).await.status(), 200, "a plan, as ever");
    let calls = world.fake.calls();
    assert_eq!(calls.last().map(String::as_str), Some("settle"), "{calls:?}");
    // The seller's key is the platform's alone; the facilitator's is its own.
    let seen = world.fake.platform.lock().unwrap().facilitator_headers.clone();
    assert!(seen.iter().all(|(name, value)| name != "authorization" && !value.contains(&key())), "{seen:?}");
    assert!(seen.iter().any(|(name, value)| name == "x-key" && value == "of-the-seller"), "{seen:?}");
}

#[tokio::test]
async fn rule_21_a_facilitator_that_is_silent_or_refuses() {
    for (name, call, answer, expected) in [
        ("down at verify", "facilitator/verify", None, (503, "facilitator_timeout")),
        ("broken at verify", "facilitator/verify", Some((500, json!({}))), (503, "facilitator_unavailable")),
        (
            "no at verify",
            "facilitator/verify",
            Some((200, json!({ "isValid": false, "invalidReason": "insufficient_funds" }))),
            (402, "payment_refused"),
        ),
        (
            "no at settle",
            "facilitator/settle",
            Some((200, json!({ "success": false, "errorReason": "insufficient_funds" }))),
            (402, "payment_refused"),
        ),
        (
            "no at settle, with the words of a chain's error that quotes a long signature",
            "facilitator/settle",
            Some((
                200,
                json!({ "success": false, "errorReason": "reverted", "errorMessage": "ab".repeat(10_000) }),
            )),
            (402, "payment_refused"),
        ),
        ("unknown at settle", "facilitator/settle", None, (200, "")),
    ] {
        let world = paywall(|| Box::pin(async { Ok(Response::new(full("{}"))) }));
        match answer {
            Some((status, body)) => world.fake.answer(call, status, body),
            None => world.fake.platform.lock().unwrap().silent = Some(call),
        }
        let answer = pay(&world, "GET", "/report", &payment(2)).await;
        let offers = answer.headers().contains_key("payment-required");
        assert_eq!(code(answer).await, (expected.0, expected.1.to_string()), "{name}");
        assert_eq!(offers, name == "no at verify", "{name}");
    }
}

#[tokio::test]
async fn terms_that_the_facilitator_does_not_settle_are_not_offered() {
    let world = paywall(|| Box::pin(async { Ok(Response::new(full(""))) }));
    world.fake.answer("facilitator/supported", 200, json!({ "kinds": [] }));
    assert_eq!(code(call(&world, "GET", "/report", &[]).await).await, (503, "terms_unavailable".into()));
    assert_eq!(schemes(&call(&world, "GET", "/both", &[]).await), ["nvm:erc4337"]);
    let log = world.log.lock().unwrap().join("\n");
    assert_eq!(log.matches("does not settle exact on eip155:84532").count(), 1, "{log}");
}

#[tokio::test]
async fn rule_21_an_unknown_settlement_is_asked_for_again_at_the_facilitator() {
    let world = paywall(|| Box::pin(async { Ok(Response::new(full("{}"))) }));
    for _ in 0..2 {
        world.fake.answer("facilitator/settle", 500, json!({}));
    }
    assert_eq!(pay(&world, "GET", "/report", &payment(3)).await.status(), 200);
    let mut calls = Vec::new();
    for _ in 0..400 {
        calls.extend(world.fake.calls());
        if calls.iter().filter(|call| *call == "facilitator/settle").count() > 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let settles = calls.iter().filter(|call| call.ends_with("settle")).collect::<Vec<_>>();
    assert_eq!(settles, ["facilitator/settle"; 3], "{calls:?}");
}

#[tokio::test]
async fn a_name_has_one_answer_whatever_becomes_of_the_client() {
    const NAME: &str = "pay_0123456789abcdef";
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    let world = paywall(move || {
        let number = count.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            let frames = (0..3).map(move |part| {
                Ok(http_body::Frame::data(Bytes::from(format!("answer {number}, part {part}. "))))
            });
            Ok(Response::new(BodyExt::boxed(StreamBody::new(Frames(frames.collect())))))
        })
    });
    let mut first = pay(&world, "POST", "/ask", &named(NAME)).await;
    assert_eq!(first.status(), 200);
    // The client reads a part, and hangs up.
    first.body_mut().frame().await.unwrap().unwrap();
    drop(first);
    let again = loop {
        let again = pay(&world, "POST", "/ask", &named(NAME)).await;
        if again.status() != 409 {
            break again;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    assert_eq!(again.status(), 200);
    assert!(again.headers().contains_key("payment-response"));
    assert_eq!(text(again).await, "answer 0, part 0. answer 0, part 1. answer 0, part 2. ");
    let other = call(&world, "POST", "/ask?q=1", &[("payment-signature", &named(NAME))]).await;
    assert_eq!(code(other).await, (409, "payment_identifier_conflict".into()));
    assert_eq!(
        code(pay(&world, "POST", "/ask", &named("short")).await).await,
        (400, "payment_identifier_invalid".into())
    );
    assert_eq!(served.load(Ordering::SeqCst), 1);
    assert_eq!(world.fake.calls().iter().filter(|call| *call == "settle").count(), 1);
}

#[tokio::test]
async fn a_name_is_free_again_where_nothing_was_paid() {
    let served = Arc::new(AtomicUsize::new(0));
    let count = served.clone();
    let world = paywall(move || {
        let status = if count.fetch_add(1, Ordering::SeqCst) == 0 { 500 } else { 200 };
        Box::pin(async move { Ok(Response::builder().status(status).body(full("")).unwrap()) })
    });
    for status in [500, 200] {
        assert_eq!(pay(&world, "POST", "/ask", &named("pay_fedcba9876543210")).await.status(), status);
    }
}

#[test]
fn what_needs_a_state_or_is_wrong_is_refused_when_the_layer_is_built() {
    let build = |document: Value| {
        let builder = PaywallLayer::builder(Fake::default()).document(&document.to_string())?;
        let builder = builder.variable("NVM_API_KEY", key()).variable("NVM_ENVIRONMENT", "custom");
        builder.variable("NVM_API_URL", "http://127.0.0.1:1").log(|_| ()).build().map(drop)
    };
    let routes = json!({ "POST /ask": { "planId": "1001", "credits": 2 } });
    for (document, key) in [
        (json!({ "mpp": true, "routes": routes, "unlisted": "deny" }), "mpp"),
        (json!({ "paymentIdentifier": true, "routes": routes, "unlisted": "deny" }), "paymentIdentifier"),
        (json!({ "x402v1": true, "routes": routes, "unlisted": "deny" }), "x402v1"),
        (json!({ "mmp": true, "routes": routes, "unlisted": "deny" }), "mmp"),
    ] {
        assert_eq!(build(document.clone()).unwrap_err().key, key, "{document}");
    }
    let on_solana = json!({
        "scheme": "exact", "network": "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1", "amount": 1, "asset": "4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU",
        "payTo": "2wKupLR9q6wXYppw8Gr2NvWxKBUqm4PPJKkQfoxHDBg4", "facilitator": FACILITATOR,
    });
    let on_solana = json!({ "routes": { "GET /report": { "accepts": on_solana } }, "unlisted": "deny" });
    assert_eq!(build(on_solana).unwrap_err().key, "accepts", "a transaction is sent twice for once");
    let amounts = document().pointer("/routes/GET ~1report").unwrap().clone();
    assert!(build(json!({ "routes": { "GET /report": amounts }, "unlisted": "deny" })).is_ok());
}

/// A payment in the form in which the gate itself carries it, as a client may write one by hand: the nonce and the query are the client's own.
fn carried(dialect: &str, plan: &str, payment: &str, nonce: &str) -> String {
    let document = json!({
        "x402Version": 2, "accepted": { "scheme": "nvm:erc4337", "network": "eip155:84532", "planId": plan },
        "payload": {
            "signature": "0xfeed", "authorization": { "from": PAYER, "nonce": nonce },
            "dialect": dialect, "payment": payment, "search": "",
        },
    });
    base64::encode_url(document.to_string().as_bytes())
}

#[tokio::test]
async fn rule_24_a_payment_is_known_by_what_it_is_and_not_by_what_a_client_writes_around_it() {
    let payload = base64::decode(&payment(9), 10_000, "payment").unwrap();
    let payload = String::from_utf8(payload).unwrap();
    let plan = format!("exact:eip155:84532:{ASSET}:{SHOP}").to_lowercase();
    let request = base64::encode_url(json!({ "planId": "1001", "credits": "2" }).to_string().as_bytes());
    let challenge = json!({
        "id": "c1", "realm": "r", "method": "nevermined", "intent": "charge", "request": request, "expires": "2099-01-01T00:00:00Z",
    });
    let credential = json!({ "challenge": challenge, "payload": { "accessToken": token(None) } });
    let credential = format!("Payment {}", base64::encode_url(credential.to_string().as_bytes()));
    for (dialect, method, path, plan, payment) in [
        ("exact", "GET", "/report", plan.as_str(), payload.as_str()),
        ("exact-v1", "GET", "/report", &plan, &payload),
        ("mpp", "POST", "/ask", "1001", &credential),
    ] {
        for blank_first in [false, true] {
            let world = world_of(&document(), MemoryStore::new(), shop);
            for nonce in ["n1", "n2"] {
                let token = carried(dialect, plan, payment, nonce);
                let headers = [("payment-signature", " "), ("payment-signature", token.as_str())];
                let headers = headers.get(usize::from(!blank_first)..).unwrap_or_default();
                let answer = call(&world, method, path, headers).await;
                assert!(answer.headers().contains_key("payment-required"), "{dialect} {nonce}");
                assert_eq!(code(answer).await, (402, "payment_malformed".into()), "{dialect} {nonce}");
            }
            let asked = world.fake.calls();
            assert!(
                !asked.iter().any(|call| call.contains("verify") || call.contains("settle")),
                "{dialect}: {asked:?}"
            );
        }
    }
}

/// Frames that are there already.
struct Frames(std::collections::VecDeque<Result<http_body::Frame<Bytes>, std::io::Error>>);

impl futures_core::Stream for Frames {
    type Item = Result<http_body::Frame<Bytes>, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.pop_front())
    }
}
