//! A request to a paid route on its way to the origin: its rates, its price, its token, its claim.

use crate::api::{Call as _, x402};
use crate::paywall::endpoints::receipts;
use crate::paywall::facilitator::plan_terms;
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::VerifyResult;
use crate::paywall::facilitator::verification_cache::CacheKey;
use crate::paywall::gate::{Action, Forward, PriceQuestion};
use crate::paywall::http::client_network;
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::observe::settlement_log;
use crate::paywall::pricing::price::{PaidRoute, PaymentOption};
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::request_flow::{RequestFlow, Stage};
use crate::paywall::response::gate_response::{GateResponse, RETRY_AFTER};
use crate::paywall::state::{Allowance, Claim, Command, OpenDelivery, Rate, Reply, StateCall};
use crate::wire::{AccessToken, AgentId, Credits, PAYMENT_SIGNATURE, WireErrorKind};
use alloc::{
    rc::Rc,
    string::{String, ToString},
    vec::Vec,
};

/// For how long a claim holds while the origin works, in milliseconds. If nothing is heard until then its isolate is
/// believed dead: nothing was settled, and the token is free again.
const CLAIM_MS: u64 = 900_000;
/// How long a request waits in all for an earlier one of its payer to be settled, in milliseconds (rule 19).
const MOST_WAIT_MS: u64 = 5_000;
/// How long it waits the first time, and at the most, until it asks again.
const FIRST_WAIT_MS: u64 = 100;
const LONGEST_WAIT_MS: u64 = 800;

/// A request to a paid route whose token nobody has looked at yet.
#[derive(Debug)]
pub(crate) struct PendingPayment {
    pub(crate) route: Rc<PaidRoute>,
    /// The URL that is offered.
    pub(crate) resource: String,
    pub(crate) token: Result<AccessToken, TokenProblem>,
    pub(crate) forward: Forward,
    pub(crate) address: Option<String>,
    /// What it costs at the most, each way; nothing until a handler has said it.
    pub(crate) max_credits: Option<Vec<Credits>>,
}

/// What is known of a request that carries a token, or is free of charge without one.
#[derive(Debug)]
pub(crate) struct PaymentAttempt {
    pub(crate) route: Rc<PaidRoute>,
    pub(crate) option: PaymentOption,
    /// The most that it costs: what is verified.
    pub(crate) max_credits: Credits,
    pub(crate) token: AccessToken,
    pub(crate) verify: x402::Verify,
    pub(crate) forward: Forward,
    /// Whether verify has been sent a second time.
    pub(crate) verify_retried: bool,
    /// The facilitator's word on who pays.
    pub(crate) payer: Option<String>,
    pub(crate) request_id: Option<String>,
    /// The object of the state that is this payer's.
    pub(crate) shard: String,
    pub(crate) reserved: Reservation,
    /// By what a verification of it is remembered, where it may be.
    pub(crate) cache_key: Option<CacheKey>,
    /// Whether it counts against what its payer held then.
    pub(crate) counted_in_cache: bool,
    /// Since when it waits for the state to admit it, if it does.
    pub(crate) waiting_since: Option<u64>,
    /// Whether the state has admitted it, and it is verified once more since it had waited.
    pub(crate) admitted: bool,
}

/// What the state keeps for a request until it is known whether it is charged.
#[derive(Debug, Default)]
pub(crate) struct Reservation {
    pub(crate) claim: Option<Claim>,
    pub(crate) allowance: Option<Allowance>,
    pub(crate) open: Option<OpenDelivery>,
}

/// A request that is free of charge for want of a token.
#[derive(Debug)]
pub(crate) struct FreeAllowance {
    pub(crate) shard: String,
    pub(crate) allowance: Allowance,
}

/// Why there is no token.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenProblem {
    TooLarge,
    /// A code and a message, to be answered with a fresh offer.
    Refused(&'static str, &'static str),
}

const MISSING: TokenProblem = TokenProblem::Refused(
    "payment_missing",
    "Missing x402 payment token. Send token in payment-signature header.",
);

/// The token of a request, if it is one at all: what is obviously not is never sent to the facilitator.
pub(crate) fn token(headers: &HeaderList) -> Result<AccessToken, TokenProblem> {
    let mut sent = headers.all(PAYMENT_SIGNATURE).map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = sent.next() else { return Err(MISSING) };
    let malformed = "The payment-signature header does not hold an x402 access token.";
    if sent.next().is_some() {
        return Err(TokenProblem::Refused("payment_malformed", malformed));
    }
    AccessToken::decode(text).map_err(|error| match error.kind {
        WireErrorKind::TooLarge => TokenProblem::TooLarge,
        _ => TokenProblem::Refused("payment_malformed", malformed),
    })
}

impl RequestFlow {
    /// Begins a paid request: the rate of its address is looked at before anything else.
    pub(crate) fn start(&mut self, pending: PendingPayment) -> Action {
        let limit = pending.route.limit.filter(|limit| limit.by == By::Address);
        let Some(limit) = limit else { return self.compute_price(pending) };
        let rate = Rate { name: rate_name(&pending.route), requests: limit.requests, seconds: limit.seconds };
        let shard = receipts::shard("address", &client_network::masked(pending.address.as_deref()));
        self.stage = Stage::CheckingRate(pending);
        self.ask_state(shard, Vec::from([rate]), None, None)
    }

    pub(crate) fn rate_checked(&mut self, pending: PendingPayment, reply: &Reply) -> Action {
        match reply {
            Reply::Admitted { .. } => self.compute_price(pending),
            Reply::Limited { retry_after } => self.respond(too_many(*retry_after)),
            _ => self.state_unavailable(),
        }
    }

    fn compute_price(&mut self, pending: PendingPayment) -> Action {
        if pending.max_credits.is_some() {
            return self.admit_without_payment(pending);
        }
        let Some(request) = self.request.clone() else {
            return self.unexpected_event(Stage::Pricing(pending));
        };
        let question = PriceQuestion { route: pending.route.name.clone(), request };
        self.stage = Stage::Pricing(pending);
        Action::Price(question)
    }

    /// What the handler said: never more than the configuration says it may.
    pub(crate) fn price_computed(&mut self, mut pending: PendingPayment, price: Option<Credits>) -> Action {
        let Some(price) = price.filter(|price| *price <= pending.route.max_credits) else {
            let message = "What this request costs could not be said. Nothing was charged.";
            return self.respond(GateResponse::error(500, "price_failed", message).uncharged());
        };
        pending.max_credits = Some(pending.route.options.iter().map(|_| price).collect());
        self.admit_without_payment(pending)
    }

    /// Looks at the token, or at what is free without one.
    fn admit_without_payment(&mut self, mut pending: PendingPayment) -> Action {
        if let Some(action) = self.admit_by_pass(&mut pending) {
            return action;
        }
        let PendingPayment { route: terms, token, .. } = &pending;
        if let (Err(TokenProblem::Refused("payment_missing", _)), Some(free)) = (token, terms.free)
            && free.by == By::Address
        {
            let shard = receipts::shard("address", &client_network::masked(pending.address.as_deref()));
            let allowance = Allowance { name: rate_name(terms), per_day: free.per_day };
            self.stage = Stage::CheckingAllowance(
                pending,
                FreeAllowance { shard: shard.clone(), allowance: allowance.clone() },
            );
            return self.ask_state(shard, Vec::new(), None, Some(allowance));
        }
        self.check_token(pending)
    }

    /// Whether today's allowance of an address pays for a request without a token.
    pub(crate) fn allowance_checked(
        &mut self,
        pending: PendingPayment,
        granted: FreeAllowance,
        reply: &Reply,
    ) -> Action {
        if !matches!(reply, Reply::Admitted { free: true }) {
            return self.check_token(pending);
        }
        let mut forward = pending.forward;
        forward.headers.set("x-payment-credits", "0");
        self.stage = Stage::ForwardedByAllowance(granted);
        Action::Forward(forward)
    }

    /// Has the token verified, unless it was a moment ago.
    pub(crate) fn check_token(&mut self, pending: PendingPayment) -> Action {
        let PendingPayment { route: terms, resource, token, forward, max_credits: most, .. } = pending;
        // A pass that paid when the request came, and does no more: what the plan says was not asked for then.
        if terms.options.iter().any(|way| way.network.is_empty()) {
            return self.respond(plan_terms::plan_unknown());
        }
        let most = most.unwrap_or_default();
        let offer = terms.offer(resource, &most);
        let token = match token {
            Ok(token) => token,
            Err(TokenProblem::TooLarge) => {
                return self.respond(GateResponse::payment_too_large());
            }
            Err(TokenProblem::Refused(code, message)) => {
                let header = self.settings.token_headers.first().map_or(PAYMENT_SIGNATURE, String::as_str);
                let message = message.replace(PAYMENT_SIGNATURE, header);
                return self.respond(GateResponse::payment_required(&offer, code, &message));
            }
        };
        let Some((way, most)) = terms.option_for(&token, &most) else {
            let message =
                "This payment token is for another plan or scheme than this resource is offered under.";
            return self.respond(GateResponse::payment_required(&offer, "payment_for_another_plan", message));
        };
        if terms.single_use && !token.is_single_use() {
            let message = "This resource takes tokens of version 3 only, minted for one request.";
            return self.respond(GateResponse::payment_required(&offer, "payment_not_single_use", message));
        }
        let known = self
            .settings
            .remembers(&terms)
            .then(|| CacheKey::new(&settlement_log::fingerprint(&token), &terms, &way, most));
        let known = known.filter(|_| !token.is_single_use());
        let verify =
            x402::Verify { payment_required: offer, token: token.secret().clone(), max_amount: most };
        let mut payment = PaymentAttempt {
            shard: receipts::shard("payer", token.from().unwrap_or_default()),
            route: terms,
            option: way,
            max_credits: most,
            token,
            verify,
            forward,
            cache_key: known,
            verify_retried: false,
            payer: None,
            request_id: None,
            reserved: Reservation::default(),
            counted_in_cache: false,
            waiting_since: None,
            admitted: false,
        };
        let remembered =
            payment.cache_key.as_ref().and_then(|known| self.cache.borrow_mut().lookup(known, self.now));
        if let Some(payer) = remembered {
            // A verification is one request's at the platform, so its id is not used twice.
            payment.payer = payer;
            payment.counted_in_cache = true;
            return self.reserve(payment);
        }
        self.verify(payment)
    }

    fn verify(&mut self, mut payment: PaymentAttempt) -> Action {
        payment.verify_retried = false;
        let call = Action::Call(payment.verify.request());
        self.stage = Stage::Verifying(payment);
        call
    }

    pub(crate) fn verified(&mut self, mut payment: PaymentAttempt, verdict: VerifyResult) -> Action {
        let verified = match verdict {
            VerifyResult::Valid(verified) => verified,
            VerifyResult::Refused(refusal) => {
                self.release(&payment);
                let offer = &payment.verify.payment_required;
                let answer = GateResponse::payment_required(offer, &refusal.code, &refusal.message);
                return self.respond(answer.with("x-correlation-id", &refusal.correlation_id));
            }
            VerifyResult::Unavailable(code) => {
                let message = "The payment could not be checked. Nothing was charged; try again later.";
                return self.reject(&payment, GateResponse::unavailable(&code, message));
            }
        };
        if let Some(known) = &payment.cache_key {
            self.cache.borrow_mut().insert(known, verified.payer.clone(), self.now, self.settings.cache_ms);
            payment.counted_in_cache = true;
        }
        let shard = match &verified.payer {
            Some(payer) => receipts::shard("payer", payer),
            None => payment.shard.clone(),
        };
        if payment.admitted && shard != payment.shard {
            // The same token, and another payer: what was reserved is not theirs.
            self.release(&payment);
            (payment.reserved, payment.admitted) = (Reservation::default(), false);
        }
        payment.shard = shard;
        payment.payer = verified.payer;
        payment.request_id = verified.agent_request_id;
        if payment.admitted { self.forward_paid(payment) } else { self.reserve(payment) }
    }

    /// Reserves what the request needs of the state: one question, whatever it is.
    pub(crate) fn reserve(&mut self, mut payment: PaymentAttempt) -> Action {
        if !self.settings.state {
            return self.forward_paid(payment);
        }
        let terms = &payment.route;
        let nonce = payment.token.nonce().map(|nonce| nonce.trim().to_ascii_lowercase());
        let claim = nonce.map(|nonce| Claim { nonce, lease: CLAIM_MS });
        let by_payer = |by: By| by == By::Payer;
        let free = terms.free.filter(|free| by_payer(free.by));
        let allowance = free.map(|free| Allowance { name: rate_name(terms), per_day: free.per_day });
        let limit = terms.limit.filter(|limit| by_payer(limit.by));
        let rates: Vec<Rate> = limit
            .map(|limit| Rate { name: rate_name(terms), requests: limit.requests, seconds: limit.seconds })
            .into_iter()
            .collect();
        let open = terms.max_open.filter(|_| !payment.max_credits.is_zero()).map(|most| OpenDelivery {
            plan: payment.option.plan_id.as_str().into(),
            most,
            // The origin has so long, and then what is to be delivered is written down.
            lease: u64::from(self.settings.origin_timeout_ms()).saturating_add(self.lease()),
            settle_lease: self.lease(),
        });
        if claim.is_none() && allowance.is_none() && rates.is_empty() && open.is_none() {
            return self.forward_paid(payment);
        }
        payment.reserved =
            Reservation { claim: claim.clone(), allowance: allowance.clone(), open: open.clone() };
        let shard = payment.shard.clone();
        self.stage = Stage::Admitting(payment);
        let visit = self.id.clone();
        Action::State(StateCall { shard, command: Command::Admit { visit, rates, claim, allowance, open } })
    }

    pub(crate) fn admitted(&mut self, mut payment: PaymentAttempt, reply: &Reply) -> Action {
        match reply {
            Reply::Admitted { free } => {
                match free {
                    true => payment.reserved.open = None,
                    false => payment.reserved.allowance = None,
                }
                if payment.waiting_since.is_none() || *free {
                    return self.forward_paid(payment);
                }
                // What it waited for may have burned the last credits.
                payment.admitted = true;
                self.verify(payment)
            }
            Reply::InProgress => {
                payment.reserved = Reservation::default();
                self.wait_for_earlier(payment)
            }
            Reply::Owing { entry } => {
                payment.reserved = Reservation::default();
                self.settle_debt(payment, entry.clone())
            }
            Reply::Limited { retry_after } => {
                payment.reserved = Reservation::default();
                self.reject(&payment, too_many(*retry_after))
            }
            Reply::Used => {
                payment.reserved = Reservation::default();
                let message =
                    "This single-use payment token is in use or was used. Mint a new one, never replay it.";
                let offer = &payment.verify.payment_required;
                let answer = GateResponse::payment_required(offer, "payment_token_used", message);
                self.reject(&payment, answer)
            }
            _ => self.admission_failed(&payment),
        }
    }

    /// Nobody knows what was reserved: it is given back.
    pub(crate) fn admission_failed(&mut self, payment: &PaymentAttempt) -> Action {
        self.reject(payment, GateResponse::state_unavailable())
    }

    /// Waits for an earlier answer of this payer to be settled, some seconds in all.
    fn wait_for_earlier(&mut self, mut payment: PaymentAttempt) -> Action {
        let since = *payment.waiting_since.get_or_insert(self.now);
        let waited = self.now.saturating_sub(since);
        if waited >= MOST_WAIT_MS {
            let message =
                "An earlier answer to this payer is not settled yet. Nothing was charged; try again later.";
            let answer =
                GateResponse::error(429, "payment_in_progress", message).with("retry-after", RETRY_AFTER);
            return self.reject(&payment, answer);
        }
        // Longer each time, and not beyond its end.
        let wait = waited.clamp(FIRST_WAIT_MS, LONGEST_WAIT_MS).min(MOST_WAIT_MS - waited);
        self.stage = Stage::WaitingForEarlier(payment);
        Action::Wait(u32::try_from(wait.max(1)).unwrap_or(u32::MAX))
    }

    fn forward_paid(&mut self, payment: PaymentAttempt) -> Action {
        let mut forward = payment.forward.clone();
        let free = payment.reserved.allowance.is_some();
        let credits = if free { Credits::ZERO } else { payment.max_credits }.to_string();
        for (name, value) in [
            ("x-payment-payer", payment.payer.as_deref()),
            ("x-payment-plan", Some(payment.option.plan_id.as_str())),
            ("x-payment-agent", payment.option.agent_id.as_ref().map(AgentId::as_str)),
            ("x-payment-credits", Some(credits.as_str())),
            ("x-payment-request-id", payment.request_id.as_deref()),
        ] {
            if let Some(value) = value.and_then(headers::as_value) {
                forward.headers.set(name, value);
            }
        }
        self.stage = Stage::ForwardedPaid(payment);
        Action::Forward(forward)
    }

    /// Ends a visit that is not charged: what was reserved is given back, and the answer says that nothing was taken.
    pub(crate) fn reject(&mut self, payment: &PaymentAttempt, answer: GateResponse) -> Action {
        self.release(payment);
        self.respond(answer.uncharged())
    }

    /// Gives back what was reserved.
    pub(crate) fn release(&mut self, payment: &PaymentAttempt) {
        if let Some(known) = payment.cache_key.as_ref().filter(|_| payment.counted_in_cache) {
            self.cache.borrow_mut().release(known);
        }
        let Reservation { claim, allowance, open } = &payment.reserved;
        if claim.is_some() || allowance.is_some() || open.is_some() {
            let (claim, allowance) = (claim.clone(), allowance.clone());
            let open = open.as_ref().map(|open| open.plan.clone());
            let visit = self.id.clone();
            self.defer(payment.shard.clone(), Command::Release { visit, claim, allowance, open });
        }
    }

    pub(crate) fn defer(&mut self, shard: String, command: Command) {
        if self.settings.state {
            self.deferred.push(StateCall { shard, command });
        }
    }

    pub(crate) fn state_unavailable(&self) -> Action {
        self.respond(GateResponse::state_unavailable().uncharged())
    }

    pub(crate) fn ask_state(
        &self,
        shard: String,
        rates: Vec<Rate>,
        claim: Option<Claim>,
        allowance: Option<Allowance>,
    ) -> Action {
        Action::State(StateCall {
            shard,
            command: Command::Admit { visit: self.id.clone(), rates, claim, allowance, open: None },
        })
    }
}

/// What a route is counted under: its name, since each is counted for itself.
pub(crate) fn rate_name(terms: &PaidRoute) -> String {
    terms.name.to_string()
}

pub(crate) fn too_many(retry_after: u64) -> GateResponse {
    let message = "Too many requests. Nothing was charged; try again later.";
    GateResponse::error(429, "rate_limited", message).with("retry-after", &retry_after.to_string())
}

/// What a verify's answer means for a visit.
pub(crate) fn verdict(payment: &PaymentAttempt, answer: &crate::api::Response) -> VerifyResult {
    result::verdict(payment.verify.parse(answer))
}
