use super::open_payment::OpenPayment;
use super::progress::{Agreement, Payment};
use super::request::FetchRequest;
use crate::api::x402::Binding;
use crate::subscriber::session::Session;
use crate::subscriber::{
    Action, Command, FetchId, NoticeKind, Offer, Outcome, PaymentRecord, Spend, Target, TokenKey,
};
use crate::wire::{Credits, DelegationRef, Receipt};
use alloc::{boxed::Box, string::String, sync::Arc};

/// How many different tokens one fetch may present, redirects and refusals together (rule 5).
pub(crate) const MAX_TOKENS: u8 = 2;

/// The data of a fetch that outlives its states.
#[derive(Debug)]
pub(crate) struct Fetch {
    pub(crate) id: FetchId,
    pub(crate) request: FetchRequest,
    /// The URL now: the caller's, or the target of a redirect.
    pub(crate) target: Target,
    /// True if `target` is not the caller's URL.
    pub(crate) moved: bool,
    /// True if a redirect turned the request into a GET.
    pub(crate) as_get: bool,
    /// True if this fetch has had its one purchase.
    pub(crate) purchased: bool,
    /// True if the platform has stated the plan's price to this fetch.
    pub(crate) price_read: bool,
    /// How many different tokens were on the wire.
    pub(crate) tokens: u8,
    /// How many requests with a token went out.
    pub(crate) presentations: u8,
    pub(crate) hops: u8,
    /// When a token was last put on the wire, in milliseconds since 1970; zero for never.
    pub(crate) presented_at: u64,
    /// The payment with an unknown outcome, so that it can be resumed.
    pub(crate) open: Option<OpenPayment>,
    /// The payment of another fetch that it goes on with, as long as its outcome is unknown.
    pub(crate) resumed: Option<OpenPayment>,
    /// The record of the payment, for the books once the fetch ends or is redirected elsewhere.
    pub(crate) record: Option<PaymentRecord>,
    /// The last receipt that came.
    pub(crate) receipt: Option<Arc<Receipt>>,
    pub(crate) spend: Spend,
}

impl Fetch {
    pub(crate) fn new(id: FetchId, request: FetchRequest) -> Self {
        Self {
            id,
            target: request.target.clone(),
            request,
            moved: false,
            as_get: false,
            purchased: false,
            price_read: false,
            tokens: 0,
            presentations: 0,
            hops: 0,
            presented_at: 0,
            open: None,
            resumed: None,
            record: None,
            receipt: None,
            spend: Spend::default(),
        }
    }

    pub(crate) fn method(&self) -> &str {
        if self.as_get { "GET" } else { &self.request.method }
    }

    pub(crate) fn is_safe_method(&self) -> bool {
        matches!(self.method(), "GET" | "HEAD")
    }

    /// The key of a token for this fetch: what it is good for.
    pub(crate) fn token_key(&self, offer: &Offer, delegation_id: &DelegationRef) -> Arc<TokenKey> {
        let binding = self.request.wants_single_use().then(|| Binding {
            resource: offer.resource.url.clone(),
            http_verb: offer.http_verb().unwrap_or(self.method()).into(),
        });
        TokenKey::new(offer, delegation_id.clone(), binding)
    }

    /// The payment as another fetch can go on with it.
    pub(crate) fn open_payment(&self, payment: &Payment) -> OpenPayment {
        OpenPayment {
            fetch: self.id,
            method: self.request.method.clone(),
            requested: self.request.target.clone(),
            target: self.target.clone(),
            moved: self.moved,
            offer: payment.agreement.offer.clone(),
            delegation_id: payment.agreement.delegation_id.clone(),
            token: payment.token.secret.clone(),
            single_use: payment.token.single_use,
            cost: payment.agreement.cost,
            presented_at: self.presented_at,
        }
    }
}

/// All that a state works with when it handles an event.
pub(crate) struct Context<'a> {
    pub(crate) fetch: &'a mut Fetch,
    pub(crate) session: &'a mut Session,
    /// In milliseconds since 1970.
    pub(crate) now: u64,
}

impl Context<'_> {
    /// Commands an action of the shell for this fetch.
    pub(crate) fn act(&mut self, action: Action) {
        self.session.command(Command::Do(self.fetch.id, Box::new(action)));
    }

    pub(crate) fn notice(&mut self, kind: NoticeKind, offer: Option<&Arc<Offer>>) {
        self.session.notice(self.fetch.id, &self.fetch.target.url, offer.cloned(), kind);
    }

    /// The limit that presenting a token which can cost `cost` credits would break now, if any.
    pub(crate) fn broken_limit(&self, offer: &Offer, cost: Credits) -> Option<&'static str> {
        let before = self.fetch.spend.presented_of(offer);
        self.session.broken_limit(&self.fetch.request, offer, cost, before, self.now)
    }

    /// The most that one presentation for an offer can cost, in credits.
    pub(crate) fn cost_of(&self, offer: &Offer) -> Credits {
        self.session.cost_of(&self.fetch.request, offer)
    }

    /// The credits that must be held for the offer of an agreement.
    pub(crate) fn needed(&self, agreement: &Agreement, held_only: bool) -> Credits {
        let trusts_price = self.fetch.request.trusts_price_of(&agreement.offer);
        self.session.needed(&agreement.offer, trusts_price, held_only)
    }

    /// The credits of the plan that other fetches take first.
    pub(crate) fn committed(&self, agreement: &Agreement, held_only: bool) -> Credits {
        self.session.committed(agreement.offer.plan_id(), self.fetch.id, held_only)
    }

    /// A token was presented, and only the seller knows if it was taken.
    pub(crate) fn outcome_is_unknown(&mut self, agreement: &Agreement) {
        self.fetch.spend.outcome = Outcome::Unknown;
        if let Some(record) = &mut self.fetch.record {
            record.outcome = Outcome::Unknown;
        }
        self.session.plans.reduce_balance(agreement.offer.plan_id(), agreement.cost);
    }

    /// The presented payment is over, one way or the other: it goes into the books.
    pub(crate) fn close_record(&mut self) {
        if let Some(record) = self.fetch.record.take() {
            self.session.records.store(record);
        }
    }

    /// The record of this fetch says what became of a payment of another.
    pub(crate) fn forget_record_of(&mut self, payment: &OpenPayment) {
        self.session.records.forget(&payment.offer, payment.presented_at);
    }

    /// The method of the request, as remembered terms know it.
    pub(crate) fn method(&self) -> String {
        self.fetch.method().into()
    }
}
