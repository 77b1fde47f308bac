//! The dialects of 402 beside x402 with a plan, for JavaScript: offers out of answers, what a wallet signs, headers that pay. Texts
//! and JSON go in and out; `js/dialects.js` holds wallets, randomness and the clock.

// wasm-bindgen exports public items only, and nothing in Rust reaches them.
#![allow(unreachable_pub)]

use crate::codec::{parse_json, print};
use crate::subscriber::Dialect;
use crate::wire::exact::{
    Authorization, ChainId, EvmAddress, ExactOffer, ExactPayment, ExactRequired, X402Version,
};
use crate::wire::mpp::{MppChallenge, MppCredential, MppReceipt};
use crate::wire::{Id, Secret, WireError, WireErrorKind, base64};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::{Map, Value, json};
use wasm_bindgen::prelude::*;

/// The `exact` offers of a `payment-required` header, or of a body, as the buyer reads them.
#[wasm_bindgen(js_name = readExact, skip_typescript)]
pub fn read_exact(text: &str, is_header: bool, evm: bool, solana: bool) -> String {
    let required = match is_header {
        true => ExactRequired::from_header(text),
        false => ExactRequired::from_json(text.as_bytes()),
    };
    let required = match required {
        Ok(required) => required,
        Err(error) => return Dialect::error_text(&error),
    };
    let payable = |offer: &ExactOffer| match offer.chain() {
        ChainId::Evm(_) => evm,
        ChainId::Solana(_) => solana,
    };
    let offers = required.offers().iter().filter(|(_, offer)| payable(offer));
    let offers: Vec<String> = offers
        .map(|(_, offer)| {
            let (plan_id, network) = (offer.currency().replace('/', ":"), offer.chain().caip2());
            let (amount, handle) = (offer.amount().to_string(), required.with_only(offer).to_string());
            let resource = required.resource_url(offer);
            let (asset, pay_to) = (offer.asset(), offer.pay_to());
            Dialect::offer_text(["exact", &plan_id, &network, &amount, &handle, "", asset, pay_to, &resource])
        })
        .collect();
    offers.join("\u{1e}")
}

/// The challenges of Nevermined's in a `WWW-Authenticate` header, as the buyer reads them.
#[wasm_bindgen(js_name = readChallenges, skip_typescript)]
pub fn read_challenges(header: &str, network: &str, url: &str) -> String {
    let (mut offers, mut broken) = (Vec::<String>::new(), None);
    let challenges = match MppChallenge::parse_all(header) {
        Ok(challenges) => challenges,
        Err(error) => return Dialect::error_text(&error),
    };
    for challenge in challenges {
        let charge = challenge.and_then(|challenge| Ok((challenge.nevermined()?, challenge)));
        match charge {
            Ok((Some(charge), challenge)) => {
                let (plan_id, agent_id) = (charge.plan_id.as_str(), charge.agent_id.as_ref().map(Id::as_str));
                let (credits, handle) = (charge.credits.to_string(), challenge.to_header());
                let agent_id = agent_id.unwrap_or_default();
                offers.push(Dialect::offer_text([
                    "mpp", plan_id, network, &credits, &handle, agent_id, "", "", url,
                ]));
            }
            Ok((None, _)) => {}
            Err(error) => broken = broken.or(Some(error)),
        }
    }
    match broken {
        Some(error) if offers.is_empty() => Dialect::error_text(&error),
        _ => offers.join("\u{1e}"),
    }
}

/// Returns what a wallet signs for an offer of an EVM chain: `{ typedData, authorization, chainId }`. `nonce` is 32 random bytes,
/// `now` is in seconds since 1970.
#[wasm_bindgen(js_name = exactTypedData, skip_typescript)]
pub fn exact_typed_data(handle: &str, from: &str, now: f64, nonce: &[u8]) -> String {
    let made = || {
        let (_, offer) = offer_of(handle)?;
        let nonce = nonce.try_into().map_err(|_| WireError::new(WireErrorKind::BadValue, "nonce"))?;
        // Seconds are exact in a double.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let authorization =
            Authorization::new(&offer, EvmAddress::parse(from, "wallet.address")?, now as u64, nonce)?;
        Ok(json!({
            "typedData": authorization.typed_data(&offer), "authorization": authorization.to_value(), "chainId": offer.chain().evm(),
        }))
    };
    text(made())
}

/// The payment of an offer: what a buyer keeps as its token. `signed` is the authorization with its signature, or a transaction of
/// Solana's; `identifier` names the payment where the seller knows the extension.
#[wasm_bindgen(js_name = exactPayment, skip_typescript)]
pub fn exact_payment(handle: &str, signed: &str, identifier: &str) -> String {
    let made = || {
        let (mut required, offer) = offer_of(handle)?;
        required.identify(identifier)?;
        let signed = object(signed)?;
        let member = |name: &'static str| signed.get(name).and_then(Value::as_str).unwrap_or_default();
        let payment = match signed.get("transaction") {
            Some(_) => ExactPayment::solana(member("transaction"))?,
            None => ExactPayment::of_value(signed.get("authorization").cloned(), member("signature"))?,
        };
        Ok(json!({ "accessToken": required.token(&offer, &payment).expose() }))
    };
    text(made())
}

/// The header that sends a payment: `[name, value]`.
#[wasm_bindgen(js_name = exactHeader, skip_typescript)]
pub fn exact_header(handle: &str, token: &str) -> String {
    let made = || {
        let (required, offer) = offer_of(handle)?;
        let name = match required.version() {
            X402Version::V1 => "x-payment",
            X402Version::V2 => "payment-signature",
        };
        Ok(json!([name, required.header_of_token(&offer, token)?.expose()]))
    };
    text(made())
}

/// The value of the `Authorization` header that answers a challenge with a token.
#[wasm_bindgen(js_name = mppHeader, skip_typescript)]
pub fn mpp_header(handle: &str, token: &str) -> String {
    let made = || {
        let challenge = MppChallenge::parse_all(handle)?.into_iter().next();
        let challenge = challenge.unwrap_or(Err(WireError::new(WireErrorKind::Missing, "challenge")))?;
        Ok(json!(["authorization", MppCredential::header(&challenge, &Secret::new(token)).expose()]))
    };
    text(made())
}

/// A receipt of MPP as one of x402, for the header that a buyer reads; empty for what cannot be read.
#[wasm_bindgen(js_name = mppReceipt, skip_typescript)]
pub fn mpp_receipt(header: &str, credits: &str) -> String {
    let Ok(receipt) = MppReceipt::from_header(header) else { return String::new() };
    let mut document = json!({ "success": receipt.is_success(), "transaction": receipt.reference, "network": receipt.method });
    if let (Value::Object(document), true) = (&mut document, receipt.is_success() && !credits.is_empty()) {
        document.insert("creditsRedeemed".into(), credits.into());
    }
    base64::encode_standard(print(&document).as_bytes())
}

fn offer_of(handle: &str) -> Result<(ExactRequired, ExactOffer), WireError> {
    let required = ExactRequired::from_json(handle.as_bytes())?;
    let offer = required.offers().first().map(|(_, offer)| offer.clone());
    let offer = offer.ok_or_else(|| WireError::new(WireErrorKind::Missing, "accepts"))?;
    Ok((required, offer))
}

fn object(text: &str) -> Result<Map<String, Value>, WireError> {
    match parse_json(text.as_bytes()) {
        Some(Value::Object(members)) => Ok(members),
        _ => Err(WireError::new(WireErrorKind::WrongType, "signed")),
    }
}

fn text(made: Result<Value, WireError>) -> String {
    made.map_or_else(|error| failed(&error), |value| print(&value))
}

fn failed(error: &WireError) -> String {
    print(&json!({ "error": error.code(), "field": error.field }))
}
