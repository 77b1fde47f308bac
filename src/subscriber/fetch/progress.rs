//! The transitions between the states of a fetch, and the values that a state hands to the next.

use super::offers::{OfferHeaders, Offers};
use crate::subscriber::consent::Consent;
use crate::subscriber::{FetchError, Offer};
use crate::wire::{Credits, DelegationRef, Secret};
use alloc::{sync::Arc, vec::Vec};

/// The result of an event: the state stays as it is, or another follows.
#[derive(Debug)]
pub(crate) enum Progress<S> {
    Stay(S),
    Next(Transition),
}

impl<S> Progress<S> {
    pub(crate) fn map<T>(self, wrap: impl FnOnce(S) -> T) -> Progress<T> {
        match self {
            Self::Stay(state) => Progress::Stay(wrap(state)),
            Self::Next(transition) => Progress::Next(transition),
        }
    }

    /// The fetch ends with the last answer.
    pub(crate) fn done() -> Self {
        Self::Next(Transition::Finish(Ok(Vec::new())))
    }

    /// The fetch ends with an error.
    pub(crate) fn fail(error: FetchError) -> Self {
        Self::Next(Transition::Finish(Err(error)))
    }
}

/// The way to the next state.
#[derive(Debug)]
pub(crate) enum Transition {
    /// Send the request without a token.
    SendUnpaid,
    /// Take one of the offers of a 402.
    TakeOffer(Offers),
    /// Find consent to an offer.
    Consider(Arc<Offer>),
    /// Ask about an offer that was allowed by an earlier approval, since the credits do not suffice.
    Ask(Agreement, TokenAtHand),
    /// Get credits and a token.
    Prepare(Agreement, TokenAtHand),
    /// Get another token for terms that are agreed to.
    Retry(Agreement),
    /// Send the request with a token.
    Pay(Payment),
    /// The seller answered a payment with this status, and with offers in these headers.
    Refuse(Payment, u16, OfferHeaders),
    /// End, with the offers where only they were wanted.
    Finish(Result<Vec<Arc<Offer>>, FetchError>),
}

/// The terms that a fetch pays by, once they are agreed to.
#[derive(Debug)]
pub(crate) struct Agreement {
    pub(crate) offer: Arc<Offer>,
    pub(crate) delegation_id: DelegationRef,
    /// `None` where the same token of an earlier payment goes out again.
    pub(crate) consent: Option<Consent>,
    /// True if an earlier approval, remembered for the session, allowed it.
    pub(crate) by_grant: bool,
    /// When the terms were taken up, in milliseconds since 1970: a balance that was read since is up to date.
    pub(crate) considered_at: u64,
    /// The credits that one presentation of a token counts: the most that the platform can take, where that is known.
    pub(crate) cost: Credits,
}

impl Agreement {
    /// True if consent is a plain no to buying: only held credits may be spent.
    pub(crate) fn spends_held_only(&self) -> bool {
        self.consent.is_some_and(|consent| consent.purchase == Some(false))
    }
}

/// A token that a fetch has, or waits for, before it pays.
#[derive(Debug, Default)]
pub(crate) struct TokenAtHand {
    pub(crate) token: Option<FetchToken>,
    /// True if a mint is under way that the fetch waits for.
    pub(crate) is_awaited: bool,
}

/// A token for one fetch.
#[derive(Debug, Clone)]
pub(crate) struct FetchToken {
    pub(crate) secret: Secret,
    /// True if it can be presented once only.
    pub(crate) single_use: bool,
    /// True if it came out of the store rather than from a mint for this fetch.
    pub(crate) reused: bool,
}

/// A token that is on the wire, or was refused, with the terms it pays for.
#[derive(Debug)]
pub(crate) struct Payment {
    pub(crate) agreement: Agreement,
    pub(crate) token: FetchToken,
}
