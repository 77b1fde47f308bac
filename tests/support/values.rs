//! Offers, receipts, tokens and policies.

use payments_wasm::subscriber::{Approval, Policy, Target};
use payments_wasm::wire::{PlanId, base64};

pub fn encode(json: &str) -> String {
    base64::encode_standard(json.as_bytes())
}

pub fn encode_url(json: &str) -> String {
    base64::encode_url(json.as_bytes())
}

pub fn target(origin: &str, path: &str) -> Target {
    Target { url: format!("{origin}{path}"), origin: origin.into(), path: path.into() }
}

pub fn offer(plan: &str, credits: u64) -> String {
    format!(
        r#"{{"x402Version":2,"resource":{{"url":"/ask"}},"accepts":[{{"scheme":"exact","network":"eip155:1"}},{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"{plan}","extra":{{"version":"1","credits":"{credits}"}}}}],"extensions":{{}}}}"#
    )
}

pub fn offer_without_price(plan: &str) -> String {
    offer(plan, 7).replace(r#","credits":"7""#, "")
}

pub fn receipt(success: bool, redeemed: u64, left: u64) -> String {
    encode(&format!(
        r#"{{"success":{success},"transaction":"0x1","network":"eip155:84532","creditsRedeemed":"{redeemed}","remainingBalance":"{left}"}}"#
    ))
}

pub fn token(name: &str, single_use: bool) -> String {
    let nonce = if single_use { format!(r#","nonce":"{name}""#) } else { String::new() };
    encode_url(&format!(
        r#"{{"x402Version":2,"accepted":{{"scheme":"nvm:erc4337","network":"eip155:84532","planId":"plan","extra":{{}}}},"payload":{{"signature":"{name}","authorization":{{"from":"0xme","sessionKeysProvider":"zerodev","sessionKeys":[]{nonce}}}}},"extensions":{{}}}}"#
    ))
}

/// The payload of an `exact` offer, as a wallet signs it.
pub fn signature(nonce: &str) -> String {
    encode(&format!(
        r#"{{"x402Version":2,"accepted":{{"scheme":"exact","network":"eip155:84532"}},"payload":{{"signature":"0xab","authorization":{{"from":"0xme","nonce":"{nonce}"}}}}}}"#
    ))
}

pub fn plan(id: &str) -> PlanId {
    PlanId::parse(id, "planId").unwrap()
}

/// A policy that allows payments at every origin.
pub fn anywhere() -> Policy {
    Policy { origins: vec!["*".into()], ..Policy::default() }
}

/// The same, and nothing may be bought: only the credits held are spent.
pub fn held_only() -> Policy {
    Policy { purchase: Some(false), ..anywhere() }
}

/// The same, and the plan may be bought.
pub fn buys() -> Policy {
    Policy { purchase: Some(true), plans: vec!["plan".into()], ..anywhere() }
}

/// A yes to this payment.
pub fn yes() -> Approval {
    Approval { approve: true, ..Approval::default() }
}

/// A yes to this payment, and to buying the plan for it.
pub fn buy() -> Approval {
    Approval { approve: true, purchase: Some(true), ..Approval::default() }
}
