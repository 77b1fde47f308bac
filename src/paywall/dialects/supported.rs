//! The things that facilitators say they settle (`GET /supported`): asked when an offer is first made, and kept.

use super::terms::{Dialects, ExactTerms};
use crate::codec;
use crate::codec::text::ByteSplit;
use crate::wire::exact::{EXACT, X402Version};
use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use serde_json::Value;

/// For how long an answer is kept, and for how long a facilitator that did not answer is left alone, in milliseconds.
const FRESH: u64 = 300_000;
const PAUSE: u64 = 5_000;

/// The answers of a gate's facilitators. Times are in milliseconds.
#[derive(Debug, Clone, Default)]
pub struct Supported {
    known: Vec<Known>,
    /// Complaints that were made: one for each.
    said: Vec<String>,
}

#[derive(Debug, Clone)]
struct Known {
    url: String,
    kinds: Option<Vec<Value>>,
    /// The time at which it is asked again.
    until: u64,
}

/// A facilitator that is to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupportedQuery {
    /// Its address, without `/supported`.
    pub facilitator: String,
    /// True if the offer waits for the answer; else the last answer serves.
    pub waits: bool,
}

impl Supported {
    /// How long an offer waits for an answer, in milliseconds.
    pub const PATIENCE_MS: u32 = 3_000;

    /// The facilitators that are to be asked before an offer is made. Each is asked once at a time. `now` is in milliseconds since
    /// 1970.
    pub fn queries(&mut self, dialects: &Dialects, now: u64) -> Vec<SupportedQuery> {
        let patient = now.saturating_add(Self::PATIENCE_MS.into());
        let mut queries = Vec::new();
        for terms in dialects.exact() {
            let url = &terms.facilitator;
            let waits = match self.known.iter_mut().find(|known| known.url == *url) {
                Some(known) if now < known.until => continue,
                Some(known) => {
                    known.until = patient;
                    known.kinds.is_none()
                }
                None => {
                    self.known.push(Known { url: url.clone(), kinds: None, until: patient });
                    true
                }
            };
            queries.push(SupportedQuery { facilitator: url.clone(), waits });
        }
        queries
    }

    /// Takes the answer of a facilitator, `None` where it gave none: the last one stands then. Gives what is to be logged.
    /// `now` is in milliseconds since 1970.
    pub fn learn(
        &mut self,
        dialects: &Dialects,
        facilitator: &str,
        answer: Option<&str>,
        now: u64,
    ) -> Vec<String> {
        let kinds =
            answer.and_then(codec::parse_object).and_then(|mut answer| match answer.remove("kinds") {
                Some(Value::Array(kinds)) => Some(kinds),
                _ => None,
            });
        let mut problems = Vec::new();
        if kinds.is_none() {
            problems.push(["facilitator: ", facilitator, "/supported gave no answer"].concat());
        }
        let Some(known) = self.known.iter_mut().find(|known| known.url == facilitator) else {
            return problems;
        };
        known.until = now.saturating_add(if kinds.is_some() { FRESH } else { PAUSE });
        known.kinds = kinds.or(known.kinds.take());
        let Some(kinds) = &known.kinds else { return problems };
        for terms in dialects.exact().iter().filter(|terms| terms.facilitator == facilitator) {
            let kind = kind_of(kinds, terms, X402Version::V2);
            let problem = match kind {
                None => " does not settle exact on ",
                Some(_) if terms.lacks_fee_payer(fee_payer(kind)) => " names no feePayer for exact on ",
                Some(_) => continue,
            };
            let chain = terms.chain.caip2();
            let problem = ["facilitator: ", facilitator, problem, &chain, ": it is not offered"].concat();
            if !self.said.contains(&problem) {
                self.said.push(problem.clone());
                problems.push(problem);
            }
        }
        problems
    }

    /// The way in which terms are offered; `None` where they are not. A facilitator that did not answer is believed to
    /// settle them: a payment is verified before anything is delivered. An account that pays the fee cannot be guessed.
    pub(super) fn means(&self, terms: &ExactTerms, version: X402Version) -> Option<Option<String>> {
        let known = self.known.iter().find(|known| known.url == terms.facilitator);
        let fee_payer = match known.and_then(|known| known.kinds.as_ref()) {
            None => None,
            Some(kinds) => {
                let kind = kind_of(kinds, terms, X402Version::V2)?;
                let old = Some(version).filter(|version| *version == X402Version::V1);
                let old = old.and_then(|version| fee_payer(kind_of(kinds, terms, version)));
                old.or_else(|| fee_payer(Some(kind)))
            }
        };
        (!terms.lacks_fee_payer(fee_payer)).then(|| fee_payer.map(ToString::to_string))
    }
}

/// The kind that a facilitator settles these terms as.
fn kind_of<'a>(kinds: &'a [Value], terms: &ExactTerms, version: X402Version) -> Option<&'a Value> {
    let network = match version {
        X402Version::V2 => terms.chain.caip2(),
        X402Version::V1 => terms.chain.v1_name()?.into(),
    };
    let family = network.split_byte(b':').next().map(|family| [family, ":*"].concat());
    kinds.iter().find(|kind| {
        let text = |name: &str| kind.get(name).and_then(Value::as_str);
        let on = text("network");
        text("scheme") == Some(EXACT)
            && kind.get("x402Version").and_then(Value::as_u64) == Some(version.number())
            && (on == Some(&network) || on == family.as_deref())
    })
}

fn fee_payer(kind: Option<&Value>) -> Option<&str> {
    kind?.get("extra")?.get("feePayer")?.as_str()
}
