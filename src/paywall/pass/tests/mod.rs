//! Access passes: what opens and what does not. Rules 16 (nothing unpaid gets through) and 25 (what the origin sees).

mod carried;
mod opening;

use super::*;
use crate::paywall::http::method::Method;
use crate::wire::base64;
use alloc::{format, vec, vec::Vec};
use serde_json::{Value, json};

const NOW: u64 = 1_790_000_000_000;
const SECONDS: u64 = NOW / 1000;
const FIRST: &str = "k2:0123456789abcdef0123456789abcdef";
const OLD: &str = "k1:fedcba9876543210fedcba9876543210";
const SETS: &str = r#"{
    "reports": { "routes": ["GET /reports/:id", "GET /reports"], "seconds": 3600 },
    "media": { "routes": ["GET /media/:id"], "seconds": 86400, "carry": "cookie", "crossSite": true },
    "api": { "routes": ["POST /ask"], "seconds": 600, "carry": "header" }
}"#;

fn passes(over: &[(&str, &str)]) -> Result<Option<Passes>, Wrong> {
    let usual = [("PASSES", SETS), ("PASS_KEYS", FIRST)];
    let find = |table: &[(&str, &str)], name: &str| {
        table.iter().find(|(known, _)| *known == name).map(|(_, value)| String::from(*value))
    };
    let text = |name: &str| find(over, name).or_else(|| find(&usual, name)).filter(|text| !text.is_empty());
    let given = Variables::new(&text);
    let passes = Passes::read(&given, |route| !route.starts_with("GET /open"));
    given.problems.finish(passes)
}

use crate::paywall::config::error::Wrong;
use crate::paywall::config::problems::Variables;

fn keyed(keys: &str) -> Passes {
    passes(&[("PASS_KEYS", keys)]).unwrap().unwrap()
}

fn plan(id: &str) -> PlanId {
    PlanId::parse(id, "planId").unwrap()
}

fn credits(count: u64) -> Credits {
    count.to_string().parse().unwrap()
}

/// The answer's headers after `credits` were paid from plan 1001 by 0xb1 for a route.
fn sold(passes: &Passes, route: &str, paid: u64, now: u64) -> HeaderList {
    let mut answer = HeaderList::new();
    let plan = plan("1001");
    let sale = Sale { payer: "0xB1", plan: &plan, credits: credits(paid), proof: "receipt" };
    passes.give(passes.set_of(route).unwrap(), sale, &mut answer, true, now);
    answer
}

fn bought(passes: &Passes, now: u64) -> String {
    sold(passes, "GET /reports/:id", 2, now).get(PASS).unwrap().into()
}

/// Checks a pass at a route that costs `price` from plan 1001 or 1002.
fn shown(passes: &Passes, pass: &str, route: &str, price: u64, now: u64) -> Result<Pass, Option<PassError>> {
    let headers: HeaderList = [(PASS, pass)].into_iter().collect();
    let carried = PresentedPasses::read(&headers, Method::Post);
    let (other, plan) = (plan("1002"), plan("1001"));
    let need = Need { prices: &[(&other, credits(99)), (&plan, credits(price))], payer: None };
    passes.admit(passes.set_of(route).unwrap(), &carried, need, now)
}

/// A pass with a payload of one's own, signed properly.
fn signed(keys: &Keys, payload: &Value) -> String {
    let text = format!("v1.{}.{}", keys.signer(), base64::encode_url(payload.to_string().as_bytes()));
    format!("{text}.{}", base64::encode_url(&keys.sign(&text)))
}
