//! Access passes: after one payment, a signed and expiring token of the gate's own that lets the same payer through again
//! without verify and settle. That is what was sold.
//!
//! A pass is bound to a payer, to a set of routes and to a price: it opens the routes of its set that cost no more than
//! what was paid for it, under the plan that paid. It is carried in `x-payment-pass` or in a cookie, is never sent to the
//! origin, and can be taken back by its id or by its payer.

mod keys;
mod settings;
mod token;
mod transport;

#[cfg(test)]
mod tests;

pub(crate) use crate::codec::object;
use keys::Keys;
pub(crate) use settings::{PassSet, Passes};
pub(crate) use token::{Pass, PassError};
pub(crate) use transport::{PresentedPasses, without_cookies, without_forged};

use super::http::headers::HeaderList;
use super::http::names::{PASS, PASS_EXPIRES, WARNING};
use crate::wire::{Credits, PlanId, digits};
use alloc::{string::String, vec::Vec};
use serde_json::Value;

/// The requirements of one request on a pass.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Need<'a> {
    /// The plans that may pay for it, and the most that it costs of each.
    pub(crate) prices: &'a [(&'a PlanId, Credits)],
    /// Whose payment token came along, if one did.
    pub(crate) payer: Option<&'a str>,
}

/// A completed sale, from which a pass is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sale<'a> {
    /// The payer, as the facilitator names it.
    pub(crate) payer: &'a str,
    /// From what.
    pub(crate) plan: &'a PlanId,
    /// How much was asked.
    pub(crate) credits: Credits,
    /// The receipt, which only the payer has. The id of the pass is derived from it and the time.
    pub(crate) proof: &'a str,
}

impl Passes {
    /// The pass among those that came that lets this request through; else why the first of them does not, if any came.
    /// `now` is in milliseconds since 1970.
    pub(crate) fn admit(
        &self,
        set: &PassSet,
        carried: &PresentedPasses,
        need: Need<'_>,
        now: u64,
    ) -> Result<Pass, Option<PassError>> {
        let mut problem = None;
        for text in carried.passes(set) {
            match self.check(set, text, need, now) {
                Ok(pass) => return Ok(pass),
                Err(error) => problem = problem.or(Some(error)),
            }
        }
        Err(problem)
    }

    /// The passes that came and are good, each for its own set.
    pub(crate) fn held(&self, carried: &PresentedPasses, now: u64) -> Vec<Pass> {
        let mut held: Vec<Pass> = Vec::new();
        for set in &self.sets {
            for pass in carried.passes(set).filter_map(|text| Pass::open(text, &self.keys, now).ok()) {
                if pass.set == set.name && !self.revoked.holds(&pass) && !held.contains(&pass) {
                    held.push(pass);
                }
            }
        }
        held
    }

    fn check(&self, set: &PassSet, text: &str, need: Need<'_>, now: u64) -> Result<Pass, PassError> {
        let pass = Pass::open(text, &self.keys, now)?;
        let mut prices = need.prices.iter().filter(|(plan, _)| plan.as_str() == pass.plan).peekable();
        if pass.set != set.name || prices.peek().is_none() {
            return Err(PassError::OtherRoute);
        }
        if !prices.any(|(_, price)| *price <= pass.tier) {
            return Err(PassError::OtherTier);
        }
        if need.payer.is_some_and(|payer| !payer.eq_ignore_ascii_case(&pass.payer)) {
            return Err(PassError::OtherPayer);
        }
        if self.revoked.holds(&pass) {
            return Err(PassError::Revoked);
        }
        Ok(pass)
    }

    /// Makes the pass for what was sold and puts it on the answer: into the header, and into a cookie where the set says
    /// so and the browser would take it. `https` says how the client came.
    pub(crate) fn give(&self, set: &PassSet, sale: Sale<'_>, answer: &mut HeaderList, https: bool, now: u64) {
        // A pass without a payer would be valid for everybody.
        if sale.payer.is_empty() || sale.credits.is_zero() {
            return;
        }
        let issued = now / 1000;
        let pass = Pass {
            id: token::id(&[sale.proof, sale.payer, &set.name, &digits(now)]),
            payer: sale.payer.into(),
            set: set.name.clone(),
            plan: sale.plan.as_str().into(),
            tier: sale.credits,
            issued,
            expires: issued.saturating_add(set.seconds),
        };
        let text = pass.sign(&self.keys);
        if set.header {
            answer.set(PASS, text.as_str());
        }
        answer.set(PASS_EXPIRES, digits(pass.expires));
        if let Some(cookie) = transport::cookie(set, &text, https) {
            answer.append("set-cookie", cookie);
        }
    }
}

impl Pass {
    /// The pass as its holder may see it.
    pub(crate) fn describe(&self) -> Value {
        object(Vec::from([
            ("id", self.id.as_str().into()),
            ("set", self.set.as_str().into()),
            ("payer", self.payer.as_str().into()),
            ("plan", self.plan.as_str().into()),
            ("expires", self.expires.into()),
        ]))
    }

    /// Adds the headers that tell the origin about a request paid by a pass: the payer, the plan, the pass, and that
    /// this request costs nothing more.
    pub(crate) fn tell_origin(&self, agent: Option<&str>, headers: &mut HeaderList) {
        headers.set("x-payment-payer", self.payer.as_str());
        headers.set("x-payment-plan", self.plan.as_str());
        if let Some(agent) = agent {
            headers.set("x-payment-agent", agent);
        }
        headers.set("x-payment-credits", "0");
        headers.set(PASS, self.id.as_str());
    }

    /// Adds the headers that tell a buyer when the pass ends, and that it ends soon.
    pub(crate) fn tell_buyer(&self, set: &PassSet, headers: &mut HeaderList, now: u64) {
        headers.set(PASS_EXPIRES, digits(self.expires));
        if self.expires.saturating_sub(now / 1000) <= set.warn_seconds {
            headers.set(WARNING, String::from("pass-expires"));
        }
    }
}
