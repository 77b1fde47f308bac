//! Plans, tokens, orders, tabs and fetches, as the simulation records them.

use payments_wasm::subscriber::{Action, Buyer, Event, FetchId, PlatformCall};
use std::collections::BTreeMap;

/// A plan as the platform knows it.
pub(crate) struct Plan {
    pub(crate) least: u64,
    pub(crate) most: u64,
    pub(crate) fixed: bool,
    pub(crate) time: bool,
    pub(crate) price: u64,
    pub(crate) currency: &'static str,
    /// The credits that an order grants.
    pub(crate) grants: u64,
    /// The credits that the buyer's account holds.
    pub(crate) held: u64,
    /// The credits that the account held some time ago. A lagging reading reports this value.
    pub(crate) lagging: u64,
}

impl Plan {
    pub(crate) fn most(&self) -> u64 {
        if self.time { 0 } else { self.most }
    }
    pub(crate) fn burns(&self, asked: u64) -> u64 {
        if self.time { 0 } else { asked.clamp(self.least, self.most) }
    }
    pub(crate) fn json(&self) -> String {
        let amounts = if self.price == 0 { String::new() } else { format!("\"{}\"", self.price) };
        let (least, most, fixed) = (self.least, self.most, self.fixed);
        format!(
            r#"{{"registry":{{"price":{{"amounts":[{amounts}],"isCrypto":false,"currency":"{}"}},"credits":{{"amount":"{}","minAmount":"{least}","maxAmount":"{most}","isRedemptionAmountFixed":{fixed}}}}},"metadata":{{"plan":{{"accessLimit":"{}"}}}}}}"#,
            self.currency,
            self.grants,
            if self.time { "time" } else { "credits" },
        )
    }
}

/// A token that the platform minted, with what became of it.
pub(crate) struct Token {
    pub(crate) plan: usize,
    pub(crate) single_use: bool,
    pub(crate) settled: bool,
    pub(crate) burned: u64,
    /// When it was presented, by which fetch of which tab, to which URL.
    pub(crate) presented: Vec<(u64, (usize, FetchId), String)>,
}

pub(crate) struct Order {
    pub(crate) plan: usize,
    pub(crate) at: u64,
    pub(crate) price: u64,
    pub(crate) currency: &'static str,
}

/// A step that is about to happen: a command that a tab's shell has not done yet, with the time when it was given, or an event
/// that the tab's buyer has not handled yet.
pub(crate) enum Pending {
    Act(FetchId, Box<Action>, u64, Option<u64>),
    Work(PlatformCall, u64),
    Report(FetchId, Event),
}

pub(crate) struct Tab {
    pub(crate) buyer: Buyer,
    pub(crate) name: String,
    pub(crate) pending: Vec<Pending>,
    pub(crate) open: BTreeMap<FetchId, Fetch>,
    /// For each plan: the balance that the platform last told this tab, and the most that the tab has presented since.
    pub(crate) read: [Option<(u64, u64)>; 3],
    /// For each plan: the balance that the platform last told this tab, less the most that the tab's tokens since can cost.
    pub(crate) left: [Option<u64>; 3],
    /// True if somebody who was asked said that a plan may be bought.
    pub(crate) asked_to_buy: bool,
    /// Payments of this tab that can be resumed, and what they were for.
    pub(crate) resumable: Vec<(FetchId, String, &'static str)>,
}

pub(crate) struct Fetch {
    pub(crate) origin: &'static str,
    pub(crate) path: String,
    pub(crate) method: &'static str,
    pub(crate) resumes: bool,
    /// True if an offer that can be read came since a token was last presented.
    pub(crate) offered: bool,
    pub(crate) sends: u64,
    /// How many of them had a token.
    pub(crate) paid_sends: u8,
    pub(crate) redirects: u64,
    pub(crate) ended: bool,
}
