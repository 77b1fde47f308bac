//! The dialects of a seller: payments that come in, the questions that go out, the offers.

mod bounds;
mod exact;
mod inquiry;
mod mpp;
mod offers;
mod options;
mod solana;
mod supported;

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

fn dialects_without_mpp() -> Dialects {
    dialects(&json!({ "routes": { "GET /r": { "accepts": [accept()] } } }))
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
    let Outgoing::Platform(request) = outgoing else { panic!("{outgoing:?}") };
    serde_json::from_str(&request.body.unwrap()).unwrap()
}

fn answer(outgoing: Outgoing) -> (u16, Value) {
    let Outgoing::Answer(answer) = outgoing else { panic!("{outgoing:?}") };
    (answer.status, serde_json::from_str(&answer.body).unwrap())
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

fn facilitator(outgoing: Outgoing) -> (String, Value) {
    let Outgoing::Facilitator { url, body, .. } = outgoing else { panic!("{outgoing:?}") };
    (url, serde_json::from_str(&body).unwrap())
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
