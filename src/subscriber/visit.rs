use super::consent::Consent;
use super::timeouts::Step;
use super::{FetchError, FetchId, Offer, Policy, Record, Spend, Target, Timeouts, TokenKey};
use crate::api::x402::Binding;
use crate::wire::{Credits, DelegationRef, Receipt, Scheme, Secret};
use alloc::{boxed::Box, rc::Rc, string::String, vec::Vec};

/// What a caller wants fetched.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    /// Where.
    pub target: Target,
    /// The method, upper case.
    pub method: String,
    /// What the caller wants done about redirects.
    pub redirects: Redirects,
    /// What may be spent on this request without asking, and its limits.
    pub policy: Option<Rc<Policy>>,
    /// Another policy whose limits hold as well: an instance's, beside that of a call.
    pub limits: Option<Rc<Policy>>,
    /// Whether somebody can be asked (an `approve` callback).
    pub can_ask: bool,
    /// Who is asked: fetches with the same number ask the same callback, one question at a time.
    pub asks: u32,
    /// The fetch that somebody is being asked about by the very code that makes this one.
    pub within: Option<FetchId>,
    /// The delegation to spend from; the session's where it is `None`.
    pub delegation_id: Option<DelegationRef>,
    /// Whether somebody chooses among several offers (a `select` callback).
    pub can_select: bool,
    /// Whether single-use tokens are asked for (`tokenVersion: 3`). What comes decides, not what was asked.
    pub single_use: bool,
    /// How many single-use tokens are kept at hand beyond the one in use.
    pub prefetch: u32,
    /// Whether only the terms are wanted: nothing is consented to, minted or paid.
    pub quote: bool,
    /// How long its steps may take.
    pub timeouts: Timeouts,
    /// The payment of an earlier fetch of the same that this one goes on with: [`Spend::payment`].
    pub resume: Option<FetchId>,
}

impl FetchRequest {
    /// Whether its policies allow an offer's plan, origin, network and scheme.
    pub(super) fn allows(&self, offer: &Offer) -> bool {
        self.policy.iter().chain(&self.limits).all(|policy| policy.names(offer))
    }

    /// A request that follows redirects, with nobody to ask and no policy.
    #[must_use]
    pub fn new(target: Target, method: &str) -> Self {
        Self {
            target,
            method: method.into(),
            redirects: Redirects::Follow,
            policy: None,
            limits: None,
            can_ask: false,
            asks: 0,
            within: None,
            delegation_id: None,
            can_select: false,
            single_use: false,
            prefetch: 0,
            quote: false,
            timeouts: Timeouts::default(),
            resume: None,
        }
    }
}

/// What to do about a redirect, as `RequestInit.redirect` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// Follow.
    #[default]
    Follow,
    /// Hand it back.
    Manual,
    /// Fail.
    Error,
}

/// What the shell is to do for one fetch; it reports what came of it with [`Buyer::on`](super::Buyer::on).
#[derive(Debug, Clone)]
pub enum Action {
    /// Send the caller's request.
    Send(Send),
    /// Read the text of the last answer's body, at most 64 KiB, leaving the answer itself readable.
    ReadBody,
    /// Ask which of these to take; answered with [`Event::Selected`](super::Event::Selected).
    Select(Vec<Rc<Offer>>),
    /// Ask whether this may be paid.
    Ask(Rc<Offer>),
    /// It is over.
    Finish(Box<Finish>),
}

/// How to send the caller's request.
#[derive(Debug, Clone)]
pub struct Send {
    /// Where to; the caller's own URL where it is `None`.
    pub target: Option<Target>,
    /// What to attach as `payment-signature`.
    pub token: Option<Secret>,
    /// What to do about redirects: with a token attached always [`Redirects::Manual`] (rule 6).
    pub redirects: Redirects,
    /// Send a GET without a body instead, as a redirect after a POST asks for.
    pub as_get: bool,
}

/// How a fetch ended.
#[derive(Debug, Clone)]
pub struct Finish {
    /// Whether the caller gets the last answer, or an error.
    pub result: Result<(), FetchError>,
    /// The receipt that came with the answer.
    pub receipt: Option<Rc<Receipt>>,
    /// What was spent.
    pub spend: Spend,
    /// The terms, of a fetch that only asked for them.
    pub offers: Vec<Rc<Offer>>,
}

/// One fetch under way.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) request: FetchRequest,
    /// Where we are now: the caller's URL, or where a redirect led.
    pub(super) target: Target,
    /// Whether `target` is not where the caller pointed.
    pub(super) moved: bool,
    /// Whether a redirect turned the request into a GET.
    pub(super) as_get: bool,
    pub(super) phase: Phase,
    pub(super) offer: Option<Rc<Offer>>,
    /// The offers that are being chosen from.
    pub(super) candidates: Vec<Rc<Offer>>,
    pub(super) delegation_id: Option<DelegationRef>,
    /// What consent allows: `None` before it is given.
    pub(super) consent: Option<Consent>,
    /// When a token was last put on the wire, in milliseconds since 1970; zero for never.
    pub(super) presented_at: u64,
    /// What was held just before that, in credits, where it is known.
    pub(super) held: Option<Credits>,
    /// Whether no answer said what became of the payment, so that it can be gone on with.
    pub(super) unsettled: bool,
    /// The fetch whose payment it goes on with, as long as nobody said what became of that.
    pub(super) resumed: Option<(FetchId, Box<Self>)>,
    /// The step that was last given a time, at which request, and the time.
    pub(super) timed: (Step, u32, Option<u32>),
    /// What is in the books about that, once the fetch ends or is led elsewhere.
    pub(super) entry: Option<Record>,
    /// What this fetch holds of the budget, in credits.
    pub(super) reserved: Credits,
    /// A token that is for this fetch and not yet sent.
    pub(super) token: Option<Secret>,
    /// The token that is on the wire or was refused.
    pub(super) sent_token: Option<Secret>,
    /// Whether the token came out of the store rather than from a mint for this fetch.
    pub(super) token_reused: bool,
    pub(super) waits: Waits,
    /// Whether it was an earlier approval, remembered for the session, that allowed this.
    pub(super) by_grant: bool,
    /// Whether this fetch has had its one purchase.
    pub(super) purchased: bool,
    /// Whether the balance must be read before anything is decided by it.
    pub(super) balance_doubtful: bool,
    pub(super) refusals: u8,
    pub(super) hops: u8,
    /// The last receipt that came, whatever with.
    pub(super) receipt: Option<Rc<Receipt>>,
    pub(super) spend: Spend,
}

/// What a fetch is waiting for besides its own action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) token: bool,
    pub(super) balance: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request without a token is on its way.
    Bare,
    /// The offer is being read from a body.
    ReadingOffer,
    /// The reason of a last refusal is being read from a body.
    ReadingRefusal,
    /// An offer is being chosen, by somebody or by what is held of each.
    Choosing,
    /// Somebody is being asked.
    Asking,
    /// Somebody will be asked when the same question to another fetch has been answered.
    Queued,
    /// Credits or a token are being got.
    Preparing,
    /// A balance is being read that says what became of an earlier payment.
    Resuming,
    /// A request with a token is on its way.
    Paying,
    Done,
}

impl Visit {
    pub(super) fn new(request: FetchRequest) -> Self {
        Self {
            target: request.target.clone(),
            request,
            moved: false,
            as_get: false,
            phase: Phase::Bare,
            offer: None,
            candidates: Vec::new(),
            delegation_id: None,
            consent: None,
            presented_at: 0,
            held: None,
            unsettled: false,
            resumed: None,
            timed: (Step::Send, 0, None),
            entry: None,
            reserved: Credits::ZERO,
            token: None,
            sent_token: None,
            token_reused: false,
            waits: Waits::default(),
            by_grant: false,
            purchased: false,
            balance_doubtful: false,
            refusals: 0,
            hops: 0,
            receipt: None,
            spend: Spend::default(),
        }
    }

    pub(super) fn method(&self) -> &str {
        if self.as_get { "GET" } else { &self.request.method }
    }

    /// What a token for this fetch is good for, once there is an offer and a delegation.
    pub(super) fn token_key(&self) -> Option<Rc<TokenKey>> {
        let offer = self.offer.as_ref()?;
        Some(TokenKey::new(offer, self.delegation_id.clone()?, self.binding(offer)))
    }

    /// What a token for `offer` is to be bound to, where single-use tokens are asked for.
    pub(super) fn binding(&self, offer: &Offer) -> Option<Binding> {
        self.request.single_use.then(|| Binding {
            resource: offer.resource.url.clone(),
            http_verb: offer.http_verb().unwrap_or(self.method()).into(),
        })
    }

    pub(super) fn is_safe_method(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD")
    }

    /// What a send costs at most, as far as anybody said: what the budget counts.
    pub(super) fn price(&self) -> Credits {
        self.offer.as_ref().map_or(Credits::ZERO, |offer| offer.needed())
    }

    /// A policy's plain no to buying holds whoever says yes.
    pub(super) fn without_what_is_forbidden(&self, consent: Consent) -> Consent {
        let mut policies = self.request.policy.iter().chain(&self.request.limits);
        match consent {
            Consent::Given { .. } if policies.any(|policy| policy.purchase == Some(false)) => {
                Consent::Given { purchase: Some(false) }
            }
            consent => consent,
        }
    }

    /// Whether consent allows an order. What a card pays for is not ordered: the platform buys it when it settles.
    pub(super) fn may_order(&self) -> bool {
        let by_card = self.offer.as_ref().is_some_and(|offer| offer.scheme() == Scheme::CardDelegation);
        !self.purchased && !by_card && self.consent == Some(Consent::Given { purchase: Some(true) })
    }
}
