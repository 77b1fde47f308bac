//! A request to a paid route on its way to the origin: its rates, its price, its token, its claim.

use crate::api::{Call as _, x402};
use crate::paywall::endpoints::receipts;
use crate::paywall::facilitator::plan_terms;
use crate::paywall::facilitator::result;
use crate::paywall::facilitator::result::Verdict;
use crate::paywall::facilitator::verification_cache::Known;
use crate::paywall::gate::{Action, Forward, PriceQuestion};
use crate::paywall::http::client_network;
use crate::paywall::http::headers;
use crate::paywall::http::headers::HeaderList;
use crate::paywall::observe::settlement_log;
use crate::paywall::pricing::price::{Terms, Way};
use crate::paywall::pricing::settlement_policy::By;
use crate::paywall::request_flow::{Stage, Visit};
use crate::paywall::response::response::{Answer, RETRY_AFTER};
use crate::paywall::state::{Allowance, Claim, Command, Open, Rate, Reply, StateCall};
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
pub(crate) struct Errand {
    pub(crate) terms: Rc<Terms>,
    /// The URL that is offered.
    pub(crate) resource: String,
    pub(crate) token: Result<AccessToken, TokenProblem>,
    pub(crate) forward: Forward,
    pub(crate) address: Option<String>,
    /// What it costs at the most, each way; nothing until a handler has said it.
    pub(crate) most: Option<Vec<Credits>>,
}

/// What is known of a request that carries a token, or is free of charge without one.
#[derive(Debug)]
pub(crate) struct Paying {
    pub(crate) terms: Rc<Terms>,
    pub(crate) way: Way,
    /// The most that it costs: what is verified.
    pub(crate) most: Credits,
    pub(crate) token: AccessToken,
    pub(crate) verify: x402::Verify,
    pub(crate) forward: Forward,
    /// Whether verify has been sent a second time.
    pub(crate) again: bool,
    /// The facilitator's word on who pays.
    pub(crate) payer: Option<String>,
    pub(crate) request_id: Option<String>,
    /// The object of the state that is this payer's.
    pub(crate) shard: String,
    pub(crate) reserved: Reserved,
    /// By what a verification of it is remembered, where it may be.
    pub(crate) known: Option<Known>,
    /// Whether it counts against what its payer held then.
    pub(crate) counted: bool,
    /// Since when it waits for the state to admit it, if it does.
    pub(crate) waits_since: Option<u64>,
    /// Whether the state has admitted it, and it is verified once more since it had waited.
    pub(crate) admitted: bool,
}

/// What the state keeps for a request until it is known whether it is charged.
#[derive(Debug, Default)]
pub(crate) struct Reserved {
    pub(crate) claim: Option<Claim>,
    pub(crate) allowance: Option<Allowance>,
    pub(crate) open: Option<Open>,
}

/// A request that is free of charge for want of a token.
#[derive(Debug)]
pub(crate) struct Gift {
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

impl Visit {
    /// Begins a paid request: the rate of its address is looked at before anything else.
    pub(crate) fn enter(&mut self, errand: Errand) -> Action {
        let limit = errand.terms.limit.filter(|limit| limit.by == By::Address);
        let Some(limit) = limit else { return self.price(errand) };
        let rate = Rate { name: rate_name(&errand.terms), requests: limit.requests, seconds: limit.seconds };
        let shard = receipts::shard("address", &client_network::masked(errand.address.as_deref()));
        self.stage = Stage::Limiting(errand);
        self.admit(shard, Vec::from([rate]), None, None)
    }

    pub(crate) fn limited(&mut self, errand: Errand, reply: &Reply) -> Action {
        match reply {
            Reply::Admitted { .. } => self.price(errand),
            Reply::Limited { retry_after } => self.respond(too_many(*retry_after)),
            _ => self.stateless(),
        }
    }

    fn price(&mut self, errand: Errand) -> Action {
        if errand.most.is_some() {
            return self.present(errand);
        }
        let Some(request) = self.request.clone() else { return self.lost(Stage::Pricing(errand)) };
        let question = PriceQuestion { route: errand.terms.route.clone(), request };
        self.stage = Stage::Pricing(errand);
        Action::Price(question)
    }

    /// What the handler said: never more than the configuration says it may.
    pub(crate) fn priced(&mut self, mut errand: Errand, price: Option<Credits>) -> Action {
        let Some(price) = price.filter(|price| *price <= errand.terms.credits) else {
            let message = "What this request costs could not be said. Nothing was charged.";
            return self.respond(Answer::error(500, "price_failed", message).uncharged());
        };
        errand.most = Some(errand.terms.ways.iter().map(|_| price).collect());
        self.present(errand)
    }

    /// Looks at the token, or at what is free without one.
    fn present(&mut self, mut errand: Errand) -> Action {
        if let Some(action) = self.board(&mut errand) {
            return action;
        }
        let Errand { terms, token, .. } = &errand;
        if let (Err(TokenProblem::Refused("payment_missing", _)), Some(free)) = (token, terms.free)
            && free.by == By::Address
        {
            let shard = receipts::shard("address", &client_network::masked(errand.address.as_deref()));
            let allowance = Allowance { name: rate_name(terms), per_day: free.per_day };
            self.stage = Stage::Asking(errand, Gift { shard: shard.clone(), allowance: allowance.clone() });
            return self.admit(shard, Vec::new(), None, Some(allowance));
        }
        self.check(errand)
    }

    /// Whether today's allowance of an address pays for a request without a token.
    pub(crate) fn asked(&mut self, errand: Errand, gift: Gift, reply: &Reply) -> Action {
        if !matches!(reply, Reply::Admitted { free: true }) {
            return self.check(errand);
        }
        let mut forward = errand.forward;
        forward.headers.set("x-payment-credits", "0");
        self.stage = Stage::Gift(gift);
        Action::Forward(forward)
    }

    /// Has the token verified, unless it was a moment ago.
    pub(crate) fn check(&mut self, errand: Errand) -> Action {
        let Errand { terms, resource, token, forward, most, .. } = errand;
        // A pass that paid when the request came, and does no more: what the plan says was not asked for then.
        if terms.ways.iter().any(|way| way.network.is_empty()) {
            return self.respond(plan_terms::unknown());
        }
        let most = most.unwrap_or_default();
        let offer = terms.offer(resource, &most);
        let token = match token {
            Ok(token) => token,
            Err(TokenProblem::TooLarge) => {
                return self.respond(Answer::payment_too_large());
            }
            Err(TokenProblem::Refused(code, message)) => {
                let header = self.settings.token_headers.first().map_or(PAYMENT_SIGNATURE, String::as_str);
                let message = message.replace(PAYMENT_SIGNATURE, header);
                return self.respond(Answer::payment_required(&offer, code, &message));
            }
        };
        let Some((way, most)) = terms.way(&token, &most) else {
            let message =
                "This payment token is for another plan or scheme than this resource is offered under.";
            return self.respond(Answer::payment_required(&offer, "payment_for_another_plan", message));
        };
        if terms.single_use && !token.is_single_use() {
            let message = "This resource takes tokens of version 3 only, minted for one request.";
            return self.respond(Answer::payment_required(&offer, "payment_not_single_use", message));
        }
        let known = self
            .settings
            .remembers(&terms)
            .then(|| Known::new(&settlement_log::fingerprint(&token), &terms, &way, most));
        let known = known.filter(|_| !token.is_single_use());
        let verify =
            x402::Verify { payment_required: offer, token: token.secret().clone(), max_amount: most };
        let mut paying = Paying {
            shard: receipts::shard("payer", token.from().unwrap_or_default()),
            terms,
            way,
            most,
            token,
            verify,
            forward,
            known,
            again: false,
            payer: None,
            request_id: None,
            reserved: Reserved::default(),
            counted: false,
            waits_since: None,
            admitted: false,
        };
        let remembered =
            paying.known.as_ref().and_then(|known| self.cache.borrow_mut().believe(known, self.now));
        if let Some(payer) = remembered {
            // A verification is one request's at the platform, so its id is not used twice.
            paying.payer = payer;
            paying.counted = true;
            return self.reserve(paying);
        }
        self.verify(paying)
    }

    fn verify(&mut self, mut paying: Paying) -> Action {
        paying.again = false;
        let call = Action::Call(paying.verify.request());
        self.stage = Stage::Verifying(paying);
        call
    }

    pub(crate) fn verified(&mut self, mut paying: Paying, verdict: Verdict) -> Action {
        let verified = match verdict {
            Verdict::Valid(verified) => verified,
            Verdict::Refused(refusal) => {
                self.let_go(&paying);
                let offer = &paying.verify.payment_required;
                let answer = Answer::payment_required(offer, &refusal.code, &refusal.message);
                return self.respond(answer.with("x-correlation-id", &refusal.correlation_id));
            }
            Verdict::Unavailable(code) => {
                let message = "The payment could not be checked. Nothing was charged; try again later.";
                return self.give_up(&paying, Answer::unavailable(&code, message));
            }
        };
        if let Some(known) = &paying.known {
            self.cache.borrow_mut().learn(known, verified.payer.clone(), self.now, self.settings.cache_ms);
            paying.counted = true;
        }
        let shard = match &verified.payer {
            Some(payer) => receipts::shard("payer", payer),
            None => paying.shard.clone(),
        };
        if paying.admitted && shard != paying.shard {
            // The same token, and another payer: what was reserved is not theirs.
            self.let_go(&paying);
            (paying.reserved, paying.admitted) = (Reserved::default(), false);
        }
        paying.shard = shard;
        paying.payer = verified.payer;
        paying.request_id = verified.agent_request_id;
        if paying.admitted { self.send_on(paying) } else { self.reserve(paying) }
    }

    /// Reserves what the request needs of the state: one question, whatever it is.
    pub(crate) fn reserve(&mut self, mut paying: Paying) -> Action {
        if !self.settings.state {
            return self.send_on(paying);
        }
        let terms = &paying.terms;
        let nonce = paying.token.nonce().map(|nonce| nonce.trim().to_ascii_lowercase());
        let claim = nonce.map(|nonce| Claim { nonce, lease: CLAIM_MS });
        let by_payer = |by: By| by == By::Payer;
        let free = terms.free.filter(|free| by_payer(free.by));
        let allowance = free.map(|free| Allowance { name: rate_name(terms), per_day: free.per_day });
        let limit = terms.limit.filter(|limit| by_payer(limit.by));
        let rates: Vec<Rate> = limit
            .map(|limit| Rate { name: rate_name(terms), requests: limit.requests, seconds: limit.seconds })
            .into_iter()
            .collect();
        let open = terms.max_open.filter(|_| !paying.most.is_zero()).map(|most| Open {
            plan: paying.way.plan_id.as_str().into(),
            most,
            // The origin has so long, and then what is to be delivered is written down.
            lease: u64::from(self.settings.origin_timeout_ms()).saturating_add(self.lease()),
            settle_lease: self.lease(),
        });
        if claim.is_none() && allowance.is_none() && rates.is_empty() && open.is_none() {
            return self.send_on(paying);
        }
        paying.reserved = Reserved { claim: claim.clone(), allowance: allowance.clone(), open: open.clone() };
        let shard = paying.shard.clone();
        self.stage = Stage::Admitting(paying);
        let visit = self.id.clone();
        Action::State(StateCall { shard, command: Command::Admit { visit, rates, claim, allowance, open } })
    }

    pub(crate) fn admitted(&mut self, mut paying: Paying, reply: &Reply) -> Action {
        match reply {
            Reply::Admitted { free } => {
                match free {
                    true => paying.reserved.open = None,
                    false => paying.reserved.allowance = None,
                }
                if paying.waits_since.is_none() || *free {
                    return self.send_on(paying);
                }
                // What it waited for may have burned the last credits.
                paying.admitted = true;
                self.verify(paying)
            }
            Reply::InProgress => {
                paying.reserved = Reserved::default();
                self.queue(paying)
            }
            Reply::Owing { entry } => {
                paying.reserved = Reserved::default();
                self.call_in(paying, entry.clone())
            }
            Reply::Limited { retry_after } => {
                paying.reserved = Reserved::default();
                self.give_up(&paying, too_many(*retry_after))
            }
            Reply::Used => {
                paying.reserved = Reserved::default();
                let message =
                    "This single-use payment token is in use or was used. Mint a new one, never replay it.";
                let offer = &paying.verify.payment_required;
                let answer = Answer::payment_required(offer, "payment_token_used", message);
                self.give_up(&paying, answer)
            }
            _ => self.unadmitted(&paying),
        }
    }

    /// Nobody knows what was reserved: it is given back.
    pub(crate) fn unadmitted(&mut self, paying: &Paying) -> Action {
        self.give_up(paying, Answer::stateless())
    }

    /// Waits for an earlier answer of this payer to be settled, some seconds in all.
    fn queue(&mut self, mut paying: Paying) -> Action {
        let since = *paying.waits_since.get_or_insert(self.now);
        let waited = self.now.saturating_sub(since);
        if waited >= MOST_WAIT_MS {
            let message =
                "An earlier answer to this payer is not settled yet. Nothing was charged; try again later.";
            let answer = Answer::error(429, "payment_in_progress", message).with("retry-after", RETRY_AFTER);
            return self.give_up(&paying, answer);
        }
        // Longer each time, and not beyond its end.
        let wait = waited.clamp(FIRST_WAIT_MS, LONGEST_WAIT_MS).min(MOST_WAIT_MS - waited);
        self.stage = Stage::Queueing(paying);
        Action::Wait(u32::try_from(wait.max(1)).unwrap_or(u32::MAX))
    }

    fn send_on(&mut self, paying: Paying) -> Action {
        let mut forward = paying.forward.clone();
        let free = paying.reserved.allowance.is_some();
        let credits = if free { Credits::ZERO } else { paying.most }.to_string();
        for (name, value) in [
            ("x-payment-payer", paying.payer.as_deref()),
            ("x-payment-plan", Some(paying.way.plan_id.as_str())),
            ("x-payment-agent", paying.way.agent_id.as_ref().map(AgentId::as_str)),
            ("x-payment-credits", Some(credits.as_str())),
            ("x-payment-request-id", paying.request_id.as_deref()),
        ] {
            if let Some(value) = value.and_then(headers::as_value) {
                forward.headers.set(name, value);
            }
        }
        self.stage = Stage::Working(paying);
        Action::Forward(forward)
    }

    /// Ends a visit that is not charged: what was reserved is given back, and the answer says that nothing was taken.
    pub(crate) fn give_up(&mut self, paying: &Paying, answer: Answer) -> Action {
        self.let_go(paying);
        self.respond(answer.uncharged())
    }

    /// Gives back what was reserved.
    pub(crate) fn let_go(&mut self, paying: &Paying) {
        if let Some(known) = paying.known.as_ref().filter(|_| paying.counted) {
            self.cache.borrow_mut().release(known);
        }
        let Reserved { claim, allowance, open } = &paying.reserved;
        if claim.is_some() || allowance.is_some() || open.is_some() {
            let (claim, allowance) = (claim.clone(), allowance.clone());
            let open = open.as_ref().map(|open| open.plan.clone());
            let visit = self.id.clone();
            self.note(paying.shard.clone(), Command::Release { visit, claim, allowance, open });
        }
    }

    pub(crate) fn note(&mut self, shard: String, command: Command) {
        if self.settings.state {
            self.notes.push(StateCall { shard, command });
        }
    }

    pub(crate) fn stateless(&self) -> Action {
        self.respond(Answer::stateless().uncharged())
    }

    pub(crate) fn admit(
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
pub(crate) fn rate_name(terms: &Terms) -> String {
    terms.route.to_string()
}

pub(crate) fn too_many(retry_after: u64) -> Answer {
    let message = "Too many requests. Nothing was charged; try again later.";
    Answer::error(429, "rate_limited", message).with("retry-after", &retry_after.to_string())
}

/// What a verify's answer means for a visit.
pub(crate) fn verdict(paying: &Paying, answer: &crate::api::Response) -> Verdict {
    result::verdict(paying.verify.parse(answer))
}
