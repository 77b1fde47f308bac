use super::timeouts::Step;
use crate::api::x402::Binding;
use crate::subscriber::consent::Consent;
use crate::subscriber::{
    FetchError, FetchId, Offer, PaymentRecord, Policy, Spend, Target, Timeouts, TokenKey,
};
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
    /// Whether single-use tokens are asked for (`tokenVersion: 3`); where nobody says, they are where a limit on credits is
    /// set, since whoever holds a reusable token can settle it again. What comes decides, not what was asked.
    pub single_use: Option<bool>,
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
    pub(in crate::subscriber) fn allows(&self, offer: &Offer) -> bool {
        self.policies().all(|policy| policy.names(offer))
    }

    /// The policies whose limits hold.
    pub(in crate::subscriber) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.policy.iter().chain(&self.limits).map(AsRef::as_ref)
    }

    /// Whether a limit on credits is set, or only those held may be spent.
    pub(in crate::subscriber) fn is_limited(&self) -> bool {
        self.policies().any(Policy::limits_credits)
    }

    /// Whether the price of an offer is taken for what it can cost, by each policy that limits credits.
    pub(in crate::subscriber) fn trusts_price_of(&self, offer: &Offer) -> bool {
        let mut limiting = self.policies().filter(|policy| policy.limits_credits());
        offer.credits().is_some() && self.is_limited() && limiting.all(|policy| policy.counts_price_of(offer))
    }

    /// Whether single-use tokens are asked for.
    pub(in crate::subscriber) fn wants_single_use(&self) -> bool {
        self.single_use.unwrap_or_else(|| self.is_limited())
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
            single_use: None,
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

/// What the shell is to do for one fetch; it reports what came of it with [`Buyer::handle_event`](crate::subscriber::Buyer::handle_event).
#[derive(Debug, Clone)]
pub enum Action {
    /// Send the caller's request.
    Send(Send),
    /// Read the text of the last answer's body, at most 64 KiB, leaving the answer itself readable.
    ReadBody,
    /// Ask which of these to take; answered with [`Event::Selected`](crate::subscriber::Event::Selected).
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
pub(in crate::subscriber) struct Fetch {
    pub(in crate::subscriber) request: FetchRequest,
    /// Where we are now: the caller's URL, or where a redirect led.
    pub(in crate::subscriber) target: Target,
    /// Whether `target` is not where the caller pointed.
    pub(in crate::subscriber) moved: bool,
    /// Whether a redirect turned the request into a GET.
    pub(in crate::subscriber) as_get: bool,
    pub(in crate::subscriber) phase: Phase,
    pub(in crate::subscriber) offer: Option<Rc<Offer>>,
    /// The offers that are being chosen from.
    pub(in crate::subscriber) candidates: Vec<Rc<Offer>>,
    pub(in crate::subscriber) delegation_id: Option<DelegationRef>,
    /// What consent allows: `None` before it is given.
    pub(in crate::subscriber) consent: Option<Consent>,
    /// When the terms at hand were taken up, in milliseconds since 1970: a balance that was read since is read anew.
    pub(in crate::subscriber) considered_at: u64,
    /// What one presentation of a token counts, in credits: the most that the platform can take for it, where that is known.
    pub(in crate::subscriber) cost: Credits,
    /// When a token was last put on the wire, in milliseconds since 1970; zero for never.
    pub(in crate::subscriber) presented_at: u64,
    /// Whether no answer said what became of the payment, so that it can be gone on with.
    pub(in crate::subscriber) unsettled: bool,
    /// The fetch whose payment it goes on with, as long as nobody said what became of that.
    pub(in crate::subscriber) resumed: Option<(FetchId, Box<Self>)>,
    /// The step that was last given a time, at which request, and the time.
    pub(in crate::subscriber) timed: (Step, u32, Option<u32>),
    /// What is in the books about that, once the fetch ends or is led elsewhere.
    pub(in crate::subscriber) entry: Option<PaymentRecord>,
    /// What this fetch holds of the budget, in credits.
    pub(in crate::subscriber) reserved: Credits,
    /// A token that is for this fetch and not yet sent.
    pub(in crate::subscriber) token: Option<Secret>,
    /// The token that is on the wire or was refused.
    pub(in crate::subscriber) sent_token: Option<Secret>,
    /// Whether that token can be presented once only.
    pub(in crate::subscriber) token_single_use: bool,
    /// Whether the token came out of the store rather than from a mint for this fetch.
    pub(in crate::subscriber) token_reused: bool,
    pub(in crate::subscriber) waits: Waits,
    /// Whether it was an earlier approval, remembered for the session, that allowed this.
    pub(in crate::subscriber) by_grant: bool,
    /// Whether this fetch has had its one purchase.
    pub(in crate::subscriber) purchased: bool,
    /// Whether the platform has said the plan's price to this fetch.
    pub(in crate::subscriber) price_read: bool,
    /// Whether the last refusal had an offer in its header, well made or not: then its body is not looked at for one.
    pub(in crate::subscriber) refused_by_header: bool,
    /// How many different tokens were on the wire.
    pub(in crate::subscriber) tokens: u8,
    /// How many requests with a token went out.
    pub(in crate::subscriber) presentations: u8,
    pub(in crate::subscriber) hops: u8,
    /// The last receipt that came, whatever with.
    pub(in crate::subscriber) receipt: Option<Rc<Receipt>>,
    pub(in crate::subscriber) spend: Spend,
}

/// What a fetch is waiting for besides its own action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::subscriber) struct Waits {
    pub(in crate::subscriber) token: bool,
    pub(in crate::subscriber) balance: bool,
    pub(in crate::subscriber) price: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::subscriber) enum Phase {
    /// A request without a token is on its way.
    SendingUnpaid,
    /// The offer is being read from a body.
    ReadingOffer,
    /// The reason of a last refusal is being read from a body.
    ReadingRefusal,
    /// An offer is being chosen, by somebody or by what is held of each.
    Choosing,
    /// The platform is being asked what a plan can take for a request, because a limit hangs on it.
    ReadingTerms,
    /// Somebody is being asked.
    Asking,
    /// Somebody will be asked when the same question to another fetch has been answered.
    Queued,
    /// Credits or a token are being got.
    Preparing,
    /// A request with a token is on its way.
    Paying,
    Done,
}

impl Phase {
    /// Whether a fetch that is there may be waiting for a call of the platform.
    pub(in crate::subscriber) fn waits_for_work(self) -> bool {
        matches!(self, Self::Preparing | Self::ReadingTerms | Self::Choosing)
    }
}

impl Fetch {
    pub(in crate::subscriber) fn new(request: FetchRequest) -> Self {
        Self {
            target: request.target.clone(),
            request,
            moved: false,
            as_get: false,
            phase: Phase::SendingUnpaid,
            offer: None,
            candidates: Vec::new(),
            delegation_id: None,
            consent: None,
            considered_at: 0,
            cost: Credits::ZERO,
            presented_at: 0,
            unsettled: false,
            resumed: None,
            timed: (Step::Send, 0, None),
            entry: None,
            reserved: Credits::ZERO,
            token: None,
            sent_token: None,
            token_single_use: false,
            token_reused: false,
            waits: Waits::default(),
            by_grant: false,
            purchased: false,
            price_read: false,
            refused_by_header: false,
            tokens: 0,
            presentations: 0,
            hops: 0,
            receipt: None,
            spend: Spend::default(),
        }
    }

    pub(in crate::subscriber) fn method(&self) -> &str {
        if self.as_get { "GET" } else { &self.request.method }
    }

    /// What a token for this fetch is good for, once there is an offer and a delegation.
    pub(in crate::subscriber) fn token_key(&self) -> Option<Rc<TokenKey>> {
        let offer = self.offer.as_ref()?;
        Some(TokenKey::new(offer, self.delegation_id.clone()?, self.binding(offer)))
    }

    /// What a token for `offer` is to be bound to, where single-use tokens are asked for.
    pub(in crate::subscriber) fn binding(&self, offer: &Offer) -> Option<Binding> {
        self.request.wants_single_use().then(|| Binding {
            resource: offer.resource.url.clone(),
            http_verb: offer.http_verb().unwrap_or(self.method()).into(),
        })
    }

    pub(in crate::subscriber) fn is_safe_method(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD")
    }

    /// A policy's plain no to buying holds whoever says yes.
    pub(in crate::subscriber) fn without_what_is_forbidden(&self, consent: Consent) -> Consent {
        let Consent::Given { asked, .. } = consent;
        match self.request.policies().any(|policy| policy.purchase == Some(false)) {
            true => Consent::Given { purchase: Some(false), asked },
            false => consent,
        }
    }

    /// Whether consent is a plain no to buying: only what is held may be spent.
    pub(in crate::subscriber) fn spends_held_only(&self) -> bool {
        matches!(self.consent, Some(Consent::Given { purchase: Some(false), .. }))
    }

    /// Whether consent allows an order. What a card pays for is not ordered: the platform buys it when it settles.
    pub(in crate::subscriber) fn may_order(&self) -> bool {
        let by_card = self.offer.as_ref().is_some_and(|offer| offer.scheme() == Scheme::CardDelegation);
        let agreed = matches!(self.consent, Some(Consent::Given { purchase: Some(true), .. }));
        !self.purchased && !by_card && agreed
    }
}
