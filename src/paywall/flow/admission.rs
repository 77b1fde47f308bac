//! A request to a paid route before its payment is verified: rates, price, pass, allowance, token.

use super::context::{Context, too_many};
use super::pass_admission::PassAdmission;
use super::payment_attempt::{
    FreeAllowance, PaymentAttempt, PendingPayment, Reservation, TokenProblem, rate_name,
};
use super::plan_lookup::plan_unknown;
use super::progress::{Next, Progress};
use crate::api::x402;
use crate::codec::text::replace;
use crate::paywall::action::{Action, PriceQuestion};
use crate::paywall::event::Event;
use crate::paywall::facilitator::verification_cache::CacheKey;
use crate::paywall::http::client_network;
use crate::paywall::observe::settlement_log;
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::response::gate_response::GateResponse;
use crate::paywall::state::{Allowance, Rate, Reply, shard};
use crate::wire::{Credits, PAYMENT_SIGNATURE};
use alloc::{boxed::Box, string::String, vec::Vec};

/// A request to a paid route that waits for something before it is verified.
#[derive(Debug)]
pub(crate) enum Admission {
    /// The state is asked for the rate of the address.
    CheckingRate(Box<PendingPayment>),
    /// The seller's handler is asked for the price.
    Pricing(Box<PendingPayment>),
    /// The state is asked for the allowance of the address.
    CheckingAllowance(Box<PendingPayment>, FreeAllowance),
    /// The state is asked for the rate of the pass's payer.
    CheckingPassRate(Box<PassAdmission>),
}

impl Admission {
    /// Begins a paid request. The rate of its address comes first.
    pub(crate) fn begin(pending: PendingPayment, context: &Context) -> Progress<Self> {
        let pending = Box::new(pending);
        let limit = pending.route.limit.filter(|limit| limit.by == By::Address);
        let Some(limit) = limit else { return find_price(pending, context) };
        let rate = Rate { name: rate_name(&pending.route), requests: limit.requests, seconds: limit.seconds };
        let shard = address_shard(&pending);
        Progress::Wait(Self::CheckingRate(pending), context.ask_state(shard, Vec::from([rate]), None, None))
    }

    pub(crate) fn handle(self, event: Event, context: &mut Context) -> Progress<Self> {
        match (self, event) {
            (Self::CheckingRate(pending), Event::State(reply)) => match reply {
                Reply::Admitted { .. } => find_price(pending, context),
                Reply::Limited { retry_after } => Progress::Done(context.respond(too_many(retry_after))),
                _ => Progress::Done(context.state_unavailable()),
            },
            (Self::Pricing(pending), Event::Price(price)) => price_computed(pending, price, context),
            (Self::Pricing(_), Event::BodyTooLarge) => {
                let message =
                    "The body of this request is too large to determine the price. Nothing was charged.";
                let answer = GateResponse::error(413, "body_too_large", message).uncharged();
                Progress::Done(context.respond(answer))
            }
            (Self::CheckingAllowance(pending, free), Event::State(reply)) => match reply {
                Reply::Admitted { free: true } => {
                    let mut forward = pending.forward;
                    forward.headers.set("x-payment-credits", "0");
                    Progress::Next(Next::ForwardByAllowance(free, Box::new(forward)))
                }
                _ => check_token(*pending, context),
            },
            (Self::CheckingPassRate(pass), Event::State(reply)) => match reply {
                Reply::Admitted { .. } => Progress::Next(Next::ForwardByPass(pass)),
                Reply::Limited { retry_after } => Progress::Done(context.respond(too_many(retry_after))),
                _ => Progress::Done(context.state_unavailable()),
            },
            (
                state @ (Self::CheckingRate(_) | Self::CheckingAllowance(..) | Self::CheckingPassRate(_)),
                Event::StateFailed,
            ) => {
                state.release(context);
                Progress::Done(context.state_unavailable())
            }
            (state, _) => {
                state.release(context);
                Progress::Done(context.unexpected_event())
            }
        }
    }

    /// Gives back the reservations.
    pub(crate) fn release(self, context: &mut Context) {
        if let Self::CheckingAllowance(_, free) = self {
            context.release_allowance(free);
        }
    }
}

fn address_shard(pending: &PendingPayment) -> String {
    shard::shard("address", &client_network::masked(pending.address.as_deref()))
}

fn find_price(pending: Box<PendingPayment>, context: &Context) -> Progress<Admission> {
    if pending.max_credits.is_some() {
        return admit_unpaid(pending, context);
    }
    let Some(request) = context.request.clone() else {
        return Progress::Done(context.unexpected_event());
    };
    let question = PriceQuestion { route: pending.route.name.clone(), request };
    Progress::Wait(Admission::Pricing(pending), Action::Price(question))
}

/// Takes the handler's price, which may not be above the maximum of the configuration.
fn price_computed(
    mut pending: Box<PendingPayment>,
    price: Option<Credits>,
    context: &Context,
) -> Progress<Admission> {
    let Some(price) = price.filter(|price| *price <= pending.route.max_credits) else {
        let message = "The price of this request could not be determined. Nothing was charged.";
        return Progress::Done(
            context.respond(GateResponse::error(500, "price_failed", message).uncharged()),
        );
    };
    pending.max_credits = Some(pending.route.options.iter().map(|_| price).collect());
    admit_unpaid(pending, context)
}

/// Looks for a pass or an allowance that pays, and then at the token.
fn admit_unpaid(mut pending: Box<PendingPayment>, context: &Context) -> Progress<Admission> {
    if let Some(mut pass) = PassAdmission::find(&mut pending, context).map(Box::new) {
        return match pass.ask_rate(context) {
            Some(action) => Progress::Wait(Admission::CheckingPassRate(pass), action),
            None => Progress::Next(Next::ForwardByPass(pass)),
        };
    }
    let PendingPayment { route, token, .. } = &*pending;
    if let (Err(TokenProblem::Refused("payment_missing", _)), Some(free)) = (token, route.free)
        && free.by == By::Address
    {
        let shard = address_shard(&pending);
        let allowance = Allowance { name: rate_name(route), per_day: free.per_day };
        let action = context.ask_state(shard.clone(), Vec::new(), None, Some(allowance.clone()));
        return Progress::Wait(
            Admission::CheckingAllowance(pending, FreeAllowance { shard, allowance }),
            action,
        );
    }
    check_token(*pending, context)
}

/// Compares the token with the offer. It is verified next, unless it was a moment ago.
fn check_token(pending: PendingPayment, context: &Context) -> Progress<Admission> {
    let PendingPayment { route, resource, token, forward, max_credits, .. } = pending;
    // A pass paid when the request was opened, and does no more: the plan's terms were not asked for then.
    if route.options.iter().any(|option| option.network.is_empty()) {
        return Progress::Done(context.respond(plan_unknown()));
    }
    let most = max_credits.unwrap_or_default();
    let token = match token {
        Ok(token) => token,
        Err(TokenProblem::TooLarge) => {
            return Progress::Done(context.respond(GateResponse::payment_too_large()));
        }
        Err(TokenProblem::Refused(code, message)) => {
            let refusal = || {
                let header =
                    context.settings().token_headers.first().map_or(PAYMENT_SIGNATURE, String::as_str);
                let offer = route.offer(resource.clone(), &most);
                GateResponse::payment_required(&offer, code, &replace(message, PAYMENT_SIGNATURE, header))
            };
            let answer = match code {
                "payment_missing" => context.shared.offers.answer(&route, &resource, &most, refusal),
                _ => refusal(),
            };
            return Progress::Done(context.respond(answer));
        }
    };
    let offer = route.offer(resource, &most);
    let refuse = |code: &str, message: &str| {
        Progress::Done(context.respond(GateResponse::payment_required(&offer, code, message)))
    };
    let Some((option, most)) = route.option_for(&token, &most) else {
        let message = "This payment token is for another plan or scheme than this resource.";
        return refuse("payment_for_another_plan", message);
    };
    if route.single_use && !token.is_single_use() {
        let message = "This resource takes single-use tokens only (version 3).";
        return refuse("payment_not_single_use", message);
    }
    let cache_key = (context.settings().remembers(&route) && !token.is_single_use())
        .then(|| CacheKey::new(&settlement_log::fingerprint(&token), &route, &option, most));
    let verify = x402::Verify { payment_required: offer, token: token.secret().clone(), max_amount: most };
    let mut payment = Box::new(PaymentAttempt {
        shard: context.payer_shard(token.payer().unwrap_or_default()),
        route,
        option,
        max_credits: most,
        token,
        verify,
        forward: Some(forward),
        cache_key,
        payer: None,
        request_id: None,
        reserved: Reservation::default(),
        counted_in_cache: false,
        waiting_since: None,
        admitted: false,
    });
    let remembered =
        payment.cache_key.as_ref().and_then(|key| context.shared.verifications().lookup(key, context.now));
    if let Some(payer) = remembered {
        // The platform's id of a verification belongs to one request, so it is not used twice.
        payment.payer = payer;
        payment.counted_in_cache = true;
        return Progress::Next(Next::Reserve(payment));
    }
    Progress::Next(Next::Verify(payment))
}
