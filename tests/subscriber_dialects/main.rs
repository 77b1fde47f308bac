//! Dialects beside x402 with a plan, as tables: amounts of an asset that a wallet signs for, and challenges of MPP. Rules of
//! money 2, 3, 5, 6, 9 and 12.

// Helpers of tests are tests too, which clippy does not see.
#![allow(clippy::unwrap_used)]

mod amounts;
mod challenges;
#[path = "../support/mod.rs"]
mod support;

use payments_wasm::subscriber::{
    AmountLimit, Approval, Buyer, Dialect, DialectKind, FetchError, FetchRequest, Finish, NoticeKind,
    Outcome, Policy, Redirected, ResponseHead,
};
use payments_wasm::wire::{Credits, WireError, WireErrorKind};
use std::cell::RefCell;
use std::rc::Rc;
use support::{ORIGIN, Seller, Shelf, SimulatedPlatform, anywhere, encode, offer, signature, target, yes};

const USDC: &str = "eip155:84532:0xusdc";
const HOUR: u64 = 3_600_000;

/// The offer of an amount, as a shell reads it.
fn exact(amount: u64) -> String {
    exact_of(USDC, amount)
}

fn exact_of(currency: &str, amount: u64) -> String {
    let (credits, handle, resource) = (amount.to_string(), format!("h{amount}"), format!("{ORIGIN}/ask"));
    Dialect::offer_text([
        "exact",
        currency,
        "eip155:84532",
        &credits,
        &handle,
        "",
        "0xUSDC",
        "0xshop",
        &resource,
    ])
}

fn mpp(id: &str, credits: u64) -> String {
    Dialect::offer_text(["mpp", "plan", "eip155:84532", &credits.to_string(), id, "9", "", "", "/ask"])
}

fn asks(offers: &[String]) -> ResponseHead {
    ResponseHead { status: 402, dialects: Some(offers.join("\u{1e}")), ..ResponseHead::default() }
}

fn settled() -> ResponseHead {
    let receipt = r#"{"success":true,"transaction":"0xtx","network":"eip155:84532","payer":"0xme"}"#;
    Seller::receipt(200, encode(receipt))
}

/// A seller of amounts, who takes what is signed.
fn shop(amount: u64) -> SimulatedPlatform {
    SimulatedPlatform::new().seller(move |send, _| match &send.token {
        None => asks(&[exact(amount)]),
        Some(_) => settled(),
    })
}

fn one(world: &mut SimulatedPlatform) -> Finish {
    let fetch = world.fetch("POST", "/ask");
    world.run_one(fetch)
}

fn code(end: &Finish) -> &str {
    end.result.as_ref().map_or_else(FetchError::code, |()| "")
}

fn limit() -> AmountLimit {
    AmountLimit { currency: USDC.into(), ..AmountLimit::default() }
}

fn limited(limit: AmountLimit) -> Policy {
    Policy { max_amounts: vec![limit], ..anywhere() }
}
