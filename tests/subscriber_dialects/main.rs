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
use payments_wasm::wire::{Credits, WireErrorKind};
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
    format!(
        r#"{{"dialect":"exact","planId":"{currency}","network":"eip155:84532","credits":"{amount}","handle":"h{amount}","asset":"0xUSDC","payTo":"0xshop","resource":"{ORIGIN}/ask"}}"#
    )
}

fn mpp(id: &str, credits: u64) -> String {
    format!(
        r#"{{"dialect":"mpp","planId":"plan","network":"eip155:84532","credits":"{credits}","handle":"{id}","agentId":"9","resource":"/ask"}}"#
    )
}

fn asks(offers: &[String]) -> ResponseHead {
    ResponseHead { status: 402, dialects: Some(format!("[{}]", offers.join(","))), ..ResponseHead::default() }
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
