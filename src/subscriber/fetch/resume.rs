//! Going on after an unknown outcome, without paying twice (rules 5 and 9).
//!
//! A single-use token can be burned once only: the same goes out again. With a reusable one resuming is another payment,
//! which needs consent of its own and counts: an equal balance does not prove that nothing was or will be burned.

use super::context::Context;
use super::progress::{Agreement, FetchToken, Payment, Transition};
use crate::subscriber::{FetchError, FetchId, Offer, Outcome};
use alloc::sync::Arc;

/// A fetch begins that goes on with the payment of an earlier one.
pub(crate) fn resume(earlier: FetchId, cx: &mut Context<'_>) -> Transition {
    let Some(open) = cx.session.open_payments.take(earlier, &cx.fetch.request) else {
        return Transition::Finish(Err(FetchError::NotResumable));
    };
    let fetch = &mut *cx.fetch;
    fetch.target = open.target.clone();
    fetch.moved = open.moved;
    fetch.spend.outcome = Outcome::Unknown;
    let (offer, presented_at) = (open.offer.clone(), open.presented_at);
    let token = FetchToken { secret: open.token.clone(), single_use: open.single_use, reused: false };
    let agreement = Agreement {
        offer: offer.clone(),
        delegation_id: open.delegation_id.clone(),
        consent: None,
        by_grant: false,
        considered_at: 0,
        cost: open.cost,
    };
    fetch.resumed = Some(open);
    if !token.single_use {
        return match fetch.request.allows(&offer) {
            true => Transition::Consider(Arc::new(Offer::clone(&offer).for_another())),
            false => Transition::Finish(Err(FetchError::NoPayableOffer)),
        };
    }
    // The token can be burned now as well as when it was first sent: it counts once, from now on, and is not sent where
    // that breaks a limit.
    cx.session.budget.take_back(&offer, presented_at, agreement.cost);
    if let Some(limit) = cx.broken_limit(&offer, agreement.cost) {
        cx.session.budget.raise(&offer, presented_at, agreement.cost);
        return Transition::Finish(Err(FetchError::BudgetExceeded(limit)));
    }
    Transition::Pay(Payment { agreement, token })
}
