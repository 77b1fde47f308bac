use super::FetchId;
use crate::wire::{Credits, PlanId};
use alloc::{string::String, vec::Vec};

/// What one paid fetch did with money, whatever came of it (rule 9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spend {
    /// Whether credits were burned.
    pub outcome: Outcome,
    /// How many requests went to the seller.
    pub requests: u32,
    /// How many tokens were minted for it; one that several waited for is booked on one of them.
    pub mints: u32,
    /// What was on the wire, in credits, over all tries.
    pub credits_presented: Credits,
    /// What was redeemed, in credits, where a receipt says so.
    pub credits_settled: Option<Credits>,
    /// The plans that were bought.
    pub purchases: Vec<Purchase>,
    /// The payment whose outcome is not known, where it can be gone on with ([`FetchRequest::resume`]).
    ///
    /// [`FetchRequest::resume`]: super::FetchRequest::resume
    pub payment: Option<FetchId>,
}

/// Whether credits were burned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    /// No: nothing was presented, or the seller refused it.
    #[default]
    None,
    /// Yes, a receipt says so.
    Settled,
    /// A token was on the wire and nobody said what came of it.
    Unknown,
}

/// A plan that was bought, or whose order was under way when the fetch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The plan.
    pub plan_id: PlanId,
    /// The order's transaction, where the platform named it.
    pub tx_hash: Option<String>,
    /// Whether the order is known to have gone through.
    pub confirmed: bool,
}

impl Outcome {
    /// Its name in JavaScript.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Settled => "settled",
            Self::Unknown => "unknown",
        }
    }
}
