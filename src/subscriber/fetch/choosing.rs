use super::context::{Context, MAX_TOKENS};
use super::offers::Offers;
use super::progress::{Progress, Transition};
use crate::api::plans::GetPlanBalance;
use crate::subscriber::{Action, Event, FetchError, Offer};
use crate::wire::Credits;
use alloc::{sync::Arc, vec::Vec};

/// One of several offers is being chosen, by the caller or by what is held of each plan.
#[derive(Debug)]
pub(crate) struct Choosing {
    offers: Vec<Arc<Offer>>,
}

impl Choosing {
    /// Takes one of the offers of a 402: the only one, the one that is selected, or the best.
    pub(crate) fn start(offered: &Offers, cx: &mut Context<'_>) -> Progress<Self> {
        if !cx.fetch.target.is_secure() {
            return Progress::fail(FetchError::InsecureTarget);
        }
        let Some(mut offers) = offered.payable(&cx.fetch.request, &cx.fetch.target) else {
            return Progress::fail(FetchError::ResourceMismatch);
        };
        if cx.fetch.request.quote {
            return Progress::Next(Transition::Finish(Ok(offers)));
        }
        if cx.fetch.tokens >= MAX_TOKENS {
            return Progress::fail(FetchError::RedirectedWhilePaying);
        }
        match offers.len() {
            0 => return Progress::fail(FetchError::NoPayableOffer),
            1 => return Progress::Next(Transition::Consider(offers.remove(0))),
            _ => {}
        }
        // The user is not asked about offers that no consent can allow.
        let request = &cx.fetch.request;
        let by_policy = request.policy.as_ref().is_some_and(|policy| !policy.origins.is_empty());
        let by_grant = || offers.iter().any(|offer| cx.session.agreements.grant_for(offer).is_some());
        if !request.can_ask && !by_policy && !by_grant() {
            return Progress::fail(FetchError::ConsentRequired);
        }
        if request.can_select {
            cx.act(Action::Select(offers.clone()));
            return Progress::Stay(Self { offers });
        }
        if let (Some(holder), true) = (cx.session.account.clone(), cx.session.logged_in) {
            for offer in offers.iter().filter(|offer| !offer.is_money()) {
                if cx.session.plans.recent_balance(offer.plan_id(), cx.now).is_none() {
                    let call = GetPlanBalance { plan_id: offer.plan_id().clone(), holder: holder.clone() };
                    cx.session.want_balance(cx.fetch.id, call);
                }
            }
        }
        Self { offers }.choose(cx)
    }

    pub(crate) fn handle(mut self, event: Event, _: &mut Context<'_>) -> Progress<Self> {
        match event {
            Event::Selected(choice) => match choice.filter(|index| *index < self.offers.len()) {
                Some(index) => Progress::Next(Transition::Consider(self.offers.swap_remove(index))),
                None => Progress::fail(FetchError::ConsentDenied),
            },
            Event::ApproveFailed => Progress::fail(FetchError::ApproveFailed),
            _ => Progress::Stay(self),
        }
    }

    /// Takes the best of several offers once enough is known of each: the credits held suffice, then the price, then
    /// the seller's order. An offer whose balance or price cannot be learned is still one of them.
    pub(crate) fn choose(self, cx: &mut Context<'_>) -> Progress<Self> {
        if cx.session.awaits_balance(cx.fetch.id) {
            return Progress::Stay(self);
        }
        let plans = &cx.session.plans;
        let mut best: Option<(bool, f64, Arc<Offer>)> = None;
        for offer in self.offers {
            let held = plans.recent_balance(offer.plan_id(), cx.now);
            let enough = held.is_some_and(|held| held >= offer.needed());
            // The platform's price of a credit is in whole coins, an amount in millionths, where the asset is a stable coin.
            let price = if offer.is_money() { Some(0.000_001) } else { plans.price(offer.plan_id()) };
            let price = price.map_or(f64::MAX, |price| rank_price(price, offer.needed()));
            let better = best.as_ref().is_none_or(|(had_enough, had_price, _)| {
                (enough && !had_enough) || (enough == *had_enough && price < *had_price)
            });
            if better {
                best = Some((enough, price, offer));
            }
        }
        match best {
            Some((_, _, offer)) => Progress::Next(Transition::Consider(offer)),
            None => Progress::fail(FetchError::NoPayableOffer),
        }
    }
}

/// The price of a request, to rank offers by: a double is exact enough for that, and for nothing else.
#[allow(clippy::float_arithmetic)]
fn rank_price(per_credit: f64, needed: Credits) -> f64 {
    per_credit * needed.to_f64()
}
