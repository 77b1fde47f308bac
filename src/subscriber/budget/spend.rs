use crate::subscriber::{FetchId, Offer};
use crate::wire::{Credits, PlanId};
use alloc::{string::String, vec::Vec};

/// The spend report of one paid fetch, whatever its result (rule 9).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spend {
    /// The outcome: were credits burned?
    pub outcome: Outcome,
    /// How many requests went to the seller.
    pub requests: u32,
    /// How many tokens were minted for it; one that several waited for is booked on one of them.
    pub mints: u32,
    /// The most that the presented tokens can cost, in credits, over all tries: limits count this. No receipt lowers it.
    pub credits_presented: Credits,
    /// The credits redeemed, as the seller's receipt says. The platform does not confirm it.
    pub credits_settled: Option<Credits>,
    /// The amounts presented, in atomic units, by currency (`eip155:8453:0x…`, chain and asset).
    pub amounts_presented: Vec<(String, Credits)>,
    /// True if the token that was presented last can be presented once only.
    pub single_use: bool,
    /// The plans that were bought.
    pub purchases: Vec<Purchase>,
    /// The payment whose outcome is not known, where it can be gone on with ([`FetchRequest::resume`]).
    ///
    /// [`FetchRequest::resume`]: crate::subscriber::FetchRequest::resume
    pub payment: Option<FetchId>,
}

impl Spend {
    /// The credits presented, or the amount of an offer's currency.
    pub(crate) fn presented_of(&self, offer: &Offer) -> Credits {
        if !offer.is_money() {
            return self.credits_presented;
        }
        let of = |(currency, _): &&(String, Credits)| currency == offer.plan_id().as_str();
        self.amounts_presented.iter().find(of).map_or(Credits::ZERO, |(_, amount)| *amount)
    }

    pub(crate) fn present(&mut self, offer: &Offer, cost: Credits) {
        self.change(offer, &|before| before.saturating_add(cost));
    }

    pub(crate) fn take_back(&mut self, offer: &Offer, cost: Credits) {
        self.change(offer, &|before| before.saturating_sub(cost));
    }

    fn change(&mut self, offer: &Offer, change: &dyn Fn(Credits) -> Credits) {
        if !offer.is_money() {
            self.credits_presented = change(self.credits_presented);
            return;
        }
        let currency = offer.plan_id().as_str();
        match self.amounts_presented.iter_mut().find(|(other, _)| other == currency) {
            Some((_, amount)) => *amount = change(*amount),
            None => self.amounts_presented.push((currency.into(), change(Credits::ZERO))),
        }
    }
}

/// The outcome of a payment: were credits burned?
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Outcome {
    /// No: nothing was presented.
    #[default]
    None,
    /// Yes, a receipt says so.
    Settled,
    /// A token was on the wire and no receipt says that it was taken. It may have been: a seller that says no may have
    /// settled it all the same.
    Unknown,
}

/// A plan that was bought, or whose order was under way when the fetch ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purchase {
    /// The plan.
    pub plan_id: PlanId,
    /// The order's transaction, where the platform named it.
    pub tx_hash: Option<String>,
    /// True if the platform said that the order went through.
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
